"""Record protection of DTLS 1.2: RFC 6347 4.1.2, RFC 5288 (AES-GCM), RFC 7905 (ChaCha20-Poly1305).

This is the hot path of every packet, hence the shape: one AEAD object a direction, a scratch buffer in which nonce and
additional data overlap, and no copy of the payload but the one that puts the header before it.

                 0       4               12  13     15      17
    scratch      | salt  | epoch, number | t | vers | length |
    nonce        |-----------------------|                        (AES-GCM: RFC 5288 section 3)
    additional           |-----------------------------------|    (RFC 5246 6.2.3.3)
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag

from peer.dtls.protection import Opener, Sealer
from peer.dtls.replay import ReplayWindow
from peer.dtls.suites import TAG_SIZE, Aead, AeadKind, Suite
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import HEADER_SIZE, MAX_FRAGMENT, ContentType, Record, WireRecord

__all__ = ["make_opener", "make_sealer"]

_EXPLICIT_NONCE: Final = 8
_pack_additional_into = Struct(">QBHH").pack_into
_pack_additional = Struct(">QBHH").pack
_pack_gcm_header = Struct(">BHQHQ").pack
_pack_header = Struct(">BHQH").pack
_unpack_header = Struct(">BHHHIH").unpack_from


class GcmSealer:
    """AES-GCM: the nonce's last eight bytes are epoch and sequence number, and travel in the record."""

    __slots__ = (
        "_additional",
        "_encrypt",
        "_epoch_bits",
        "_nonce",
        "_scratch",
        "connection_id",
        "epoch",
        "overhead",
        "sequence",
    )

    def __init__(self, aead: Aead, salt: bytes, epoch: int) -> None:
        self.epoch = epoch
        self.sequence = 0
        self.connection_id = b""
        self.overhead = HEADER_SIZE + _EXPLICIT_NONCE + TAG_SIZE
        self._epoch_bits = epoch << 48
        self._encrypt = aead.encrypt
        self._scratch = bytearray(salt) + bytes(13)
        view = memoryview(self._scratch)
        self._nonce, self._additional = view[:12].toreadonly(), view[4:].toreadonly()

    def seal(self, kind: int, payload: bytes) -> bytes:
        sequence = self.sequence
        self.sequence = sequence + 1
        number = self._epoch_bits | sequence
        size = len(payload)
        _pack_additional_into(self._scratch, 4, number, kind, DTLS12, size)
        return _pack_gcm_header(kind, DTLS12, number, size + 24, number) + self._encrypt(
            self._nonce, payload, self._additional
        )

    def seal_record(self, record: Record) -> bytes:
        number = record.epoch << 48 | record.sequence
        size = len(record.fragment)
        _pack_additional_into(self._scratch, 4, number, record.type, record.version, size)
        header = _pack_gcm_header(record.type, record.version, number, size + 24, number)
        return header + self._encrypt(self._nonce, record.fragment, self._additional)


class ChaChaSealer:
    """ChaCha20-Poly1305: the nonce is a secret IV combined with epoch and sequence number, nothing extra travels."""

    __slots__ = ("_encrypt", "_epoch_bits", "_iv", "connection_id", "epoch", "overhead", "sequence")

    def __init__(self, aead: Aead, iv: bytes, epoch: int) -> None:
        self.epoch = epoch
        self.sequence = 0
        self.connection_id = b""
        self.overhead = HEADER_SIZE + TAG_SIZE
        self._epoch_bits = epoch << 48
        self._iv = int.from_bytes(iv, "big")
        self._encrypt = aead.encrypt

    def seal(self, kind: int, payload: bytes) -> bytes:
        number = self._epoch_bits | self.sequence
        self.sequence += 1
        return self._seal(kind, DTLS12, number, payload)

    def seal_record(self, record: Record) -> bytes:
        return self._seal(record.type, record.version, record.epoch << 48 | record.sequence, record.fragment)

    def _seal(self, kind: int, version: int, number: int, payload: bytes) -> bytes:
        size = len(payload)
        nonce = (self._iv ^ number).to_bytes(12, "big")
        additional = _pack_additional(number, kind, version, size)
        return _pack_header(kind, version, number, size + TAG_SIZE) + self._encrypt(nonce, payload, additional)


class _Opener:
    """What both AEADs share. `_nonce_size` bytes of explicit nonce stand before the ciphertext."""

    __slots__ = ("_decrypt", "_epoch_bits", "_window", "connection_ids", "epoch")
    _nonce_size = 0

    def __init__(self, aead: Aead, epoch: int) -> None:
        self.epoch = epoch
        self._epoch_bits = epoch << 48
        self._decrypt = aead.decrypt
        self._window = ReplayWindow()
        self.connection_ids: frozenset[bytes] = frozenset()

    def _nonce(self, number: int, fragment: bytes) -> bytes:
        raise KeyError  # pragma: no cover - each subclass has its own

    def open(self, record: WireRecord) -> tuple[int, int, bytes] | None:
        if not isinstance(record, Record) or record.epoch != self.epoch or record.version != DTLS12:
            return None
        fragment, window = record.fragment, self._window
        size = len(fragment) - self._nonce_size - TAG_SIZE
        if not 0 <= size <= MAX_FRAGMENT or not window.is_fresh(record.sequence):
            return None
        number = self._epoch_bits | record.sequence
        additional = _pack_additional(number, record.type, DTLS12, size)
        try:
            payload = self._decrypt(self._nonce(number, fragment), fragment[self._nonce_size :], additional)
        except InvalidTag:
            return None
        window.accept(record.sequence)
        return record.type, record.sequence, payload

    def open_application_data(self, datagram: bytes) -> bytes | None:
        nonce_size, window = self._nonce_size, self._window
        size = len(datagram) - HEADER_SIZE - nonce_size - TAG_SIZE
        if size < 0:
            return None
        kind, version, epoch, high, low, length = _unpack_header(datagram)
        sequence = high << 32 | low
        if (
            kind != ContentType.APPLICATION_DATA
            or version != DTLS12
            or epoch != self.epoch
            or length != size + nonce_size + TAG_SIZE
            or length > MAX_FRAGMENT
            or not window.is_fresh(sequence)
        ):
            return None
        number = self._epoch_bits | sequence
        fragment = datagram[HEADER_SIZE:]
        additional = _pack_additional(number, kind, DTLS12, size)
        try:
            payload = self._decrypt(self._nonce(number, fragment), fragment[nonce_size:], additional)
        except InvalidTag:
            return None
        window.accept(sequence)
        return payload


class GcmOpener(_Opener):
    __slots__ = ("_salt",)
    _nonce_size = _EXPLICIT_NONCE

    def __init__(self, aead: Aead, salt: bytes, epoch: int) -> None:
        super().__init__(aead, epoch)
        self._salt = salt

    def _nonce(self, number: int, fragment: bytes) -> bytes:
        return self._salt + fragment[:_EXPLICIT_NONCE]


class ChaChaOpener(_Opener):
    __slots__ = ("_iv",)

    def __init__(self, aead: Aead, iv: bytes, epoch: int) -> None:
        super().__init__(aead, epoch)
        self._iv = int.from_bytes(iv, "big")

    def _nonce(self, number: int, fragment: bytes) -> bytes:
        return (self._iv ^ number).to_bytes(12, "big")


def make_sealer(suite: Suite, key: bytes, iv: bytes, epoch: int) -> Sealer:
    make = GcmSealer if suite.aead is AeadKind.AES_GCM else ChaChaSealer
    return make(suite.make_aead(key), iv, epoch)


def make_opener(suite: Suite, key: bytes, iv: bytes, epoch: int) -> Opener:
    make = GcmOpener if suite.aead is AeadKind.AES_GCM else ChaChaOpener
    return make(suite.make_aead(key), iv, epoch)
