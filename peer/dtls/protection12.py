"""Record protection of DTLS 1.2: RFC 6347 4.1.2, RFC 5288 (AES-GCM), RFC 7905 (ChaCha20-Poly1305).

This is the hot path of every packet, hence the shape: one AEAD object a direction, nothing computed twice, and no copy
of the payload but the one that puts the header before it. With AES-GCM

    nonce         salt 4 | epoch and number 8                                     RFC 5288 section 3
    additional    epoch and number 8 | type 1 | version 2 | length 2              RFC 5246 6.2.3.3
    record        type 1 | version 2 | epoch and number 8 | length 2 | epoch and number 8 | ciphertext
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag

from peer.dtls.protection import Opener, Sealer
from peer.dtls.replay import ReplayWindow
from peer.dtls.suites import TAG_SIZE, Aead, AeadKind, Suite
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import HEADER_SIZE, MAX_FRAGMENT, ContentType, Record, WireRecord

__all__ = ["make_opener", "make_sealer"]

_EXPLICIT_NONCE: Final = 8
_pack_additional = Struct(">QBHH").pack
_pack_gcm_header = Struct(">BHQHQ").pack
_pack_header = Struct(">BHQH").pack
_pack_start = Struct(">BH").pack
_pack_number = Struct(">Q").pack
_join = b"".join
_Seal: TypeAlias = Callable[[int, bytes], bytes]
_Encrypt: TypeAlias = Callable[[bytes, bytes, bytes], bytes]
_unpack_header = Struct(">BHHHIH").unpack_from


def _gcm_sealing(encrypt: _Encrypt, salt: bytes, epoch: int) -> tuple[_Seal, Callable[[], int], Callable[[int], None]]:
    """Sealing, and reading and setting the next sequence number.

    A closure, because its cells cost a fifth of what attributes cost, and this is run for every packet. What depends
    on the size alone is kept from one record to the next: most of them have the same.
    """
    number, known_size, known_kind = epoch << 48, -1, -1
    start = length = end = b""

    def seal(kind: int, payload: bytes) -> bytes:
        nonlocal number, known_size, known_kind, start, length, end
        size = len(payload)
        if size != known_size or kind != known_kind:
            known_size, known_kind = size, kind
            start = _pack_start(kind, DTLS12)
            length = (size + _EXPLICIT_NONCE + TAG_SIZE).to_bytes(2, "big")
            end = start + size.to_bytes(2, "big")
        numbered = _pack_number(number)
        number += 1
        return _join((start, numbered, length, numbered, encrypt(salt + numbered, payload, numbered + end)))

    def read() -> int:
        return number - (epoch << 48)

    def write(sequence: int) -> None:
        nonlocal number
        number = epoch << 48 | sequence

    return seal, read, write


class GcmSealer:
    """AES-GCM: the nonce's last eight bytes are epoch and sequence number, and travel in the record."""

    __slots__ = ("_encrypt", "_read", "_salt", "_write", "connection_id", "epoch", "overhead", "seal")

    def __init__(self, aead: Aead, salt: bytes, epoch: int) -> None:
        self.epoch = epoch
        self.connection_id = b""
        self.overhead = HEADER_SIZE + _EXPLICIT_NONCE + TAG_SIZE
        self._encrypt = aead.encrypt
        self._salt = salt
        self.seal, self._read, self._write = _gcm_sealing(aead.encrypt, salt, epoch)

    @property
    def sequence(self) -> int:
        return self._read()

    @sequence.setter
    def sequence(self, sequence: int) -> None:
        self._write(sequence)

    def seal_record(self, record: Record) -> bytes:
        number = record.epoch << 48 | record.sequence
        size = len(record.fragment)
        additional = _pack_additional(number, record.type, record.version, size)
        header = _pack_gcm_header(record.type, record.version, number, size + 24, number)
        return header + self._encrypt(self._salt + additional[:8], record.fragment, additional)


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
    __slots__ = ("_salt", "_start")
    _nonce_size = _EXPLICIT_NONCE

    def __init__(self, aead: Aead, salt: bytes, epoch: int) -> None:
        super().__init__(aead, epoch)
        self._salt = salt
        self._start = b"\x17\xfe\xfd" + epoch.to_bytes(2, "big")

    def _nonce(self, number: int, fragment: bytes) -> bytes:
        return self._salt + fragment[:_EXPLICIT_NONCE]

    def open_application_data(self, datagram: bytes) -> bytes | None:
        size = len(datagram) - HEADER_SIZE - _EXPLICIT_NONCE - TAG_SIZE
        # A record with this start and this length is the whole datagram, or it isn't one for the short way.
        if (
            size < 0
            or datagram[:5] != self._start
            or datagram[11] << 8 | datagram[12] != size + 24
            or size > MAX_FRAGMENT
        ):
            return None
        window = self._window
        sequence = int.from_bytes(datagram[5:11], "big")
        if not window.is_fresh(sequence):
            return None
        additional = datagram[3:11] + b"\x17\xfe\xfd" + size.to_bytes(2, "big")
        try:
            payload = self._decrypt(self._salt + datagram[13:21], datagram[21:], additional)
        except InvalidTag:
            return None
        window.accept(sequence)
        return payload


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
