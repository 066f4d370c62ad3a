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
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from peer.dtls.protection import Opener, Sealer
from peer.dtls.protection12_cid import CidOpener, CidSealer
from peer.dtls.replay import ReplayWindow
from peer.dtls.suites import TAG_SIZE, Aead, Suite
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import HEADER_SIZE, MAX_FRAGMENT, ContentType, Record, WireRecord

__all__ = ["make_opener", "make_sealer"]

_EXPLICIT_NONCE: Final = 8
_SEALING_ROOM: Final = 46 + MAX_FRAGMENT + TAG_SIZE
# Slices made once, not for every record.
_HEADER: Final = slice(HEADER_SIZE + _EXPLICIT_NONCE)
_SEALED: Final = slice(HEADER_SIZE + _EXPLICIT_NONCE, None)
_pack_additional = Struct(">QBHH").pack
_pack_gcm_header = Struct(">BHQHQ").pack
_pack_header = Struct(">BHQH").pack
_pack_start = Struct(">BH").pack
_Seal: TypeAlias = Callable[[int, bytes], bytes]
_Open: TypeAlias = Callable[[bytes], bytes | None]
_unpack_header = Struct(">BHHHIH").unpack_from


def _gcm_sealing(aead: AESGCM, salt: bytes, epoch: int) -> tuple[_Seal, Callable[[], int], Callable[[int], None]]:
    """Sealing, and reading and setting the next sequence number.

    A closure, because its cells cost a fifth of what attributes cost, and this is run for every packet. One buffer
    holds nonce, additional data and record, each of which has the number in it:

        salt 4 | number 8 || number 8 | start 3 | size 2 || start 3 | number 8 | length 2 | number 8 | ciphertext

    From one record to the next only the number's last byte changes, and what depends on type and size seldom does.
    """
    encrypt_into = aead.encrypt_into
    low, high = 0, epoch << 40
    known_size = known_kind = -1
    buffer = bytearray(_SEALING_ROOM)
    buffer[:4] = salt
    whole = memoryview(buffer)
    nonce, additional, body, take = whole[:12], whole[12:25], whole, whole.tobytes

    def reshape(kind: int, size: int) -> None:
        nonlocal known_kind, known_size, body, take
        if kind != known_kind:
            buffer[20:23] = buffer[25:28] = _pack_start(kind, DTLS12)
        known_kind, known_size = kind, size
        body, take = whole[46 : 46 + size + TAG_SIZE], whole[25 : 46 + size + TAG_SIZE].tobytes
        buffer[23], buffer[24] = divmod(size, 256)
        buffer[36], buffer[37] = divmod(size + _EXPLICIT_NONCE + TAG_SIZE, 256)

    def renumber() -> None:
        buffer[4:12] = buffer[12:20] = buffer[28:36] = buffer[38:46] = (high << 8).to_bytes(8, "big")

    def seal(kind: int, payload: bytes) -> bytes:
        nonlocal low, high
        if len(payload) != known_size or kind != known_kind:
            reshape(kind, len(payload))
        try:
            buffer[11] = buffer[19] = buffer[35] = buffer[45] = low
        except ValueError:  # more than a byte: once in 256 records
            low, high = 0, high + 1
            renumber()
        low += 1
        encrypt_into(nonce, payload, additional, body)
        return take()

    def read() -> int:
        return (high << 8) + low - (epoch << 48)

    def write(sequence: int) -> None:
        nonlocal low, high
        low, high = sequence & 0xFF, epoch << 40 | sequence >> 8
        renumber()

    renumber()
    return seal, read, write


class GcmSealer:
    """AES-GCM: the nonce's last eight bytes are epoch and sequence number, and travel in the record."""

    __slots__ = ("_encrypt", "_read", "_salt", "_write", "connection_id", "epoch", "overhead", "seal")

    def __init__(self, aead: AESGCM, salt: bytes, epoch: int) -> None:
        self.epoch = epoch
        self.connection_id = b""
        self.overhead = HEADER_SIZE + _EXPLICIT_NONCE + TAG_SIZE
        self._encrypt = aead.encrypt
        self._salt = salt
        self.seal, self._read, self._write = _gcm_sealing(aead, salt, epoch)

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

    def __init__(self, aead: ChaCha20Poly1305, iv: bytes, epoch: int) -> None:
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

    __slots__ = ("_decrypt", "_epoch_bits", "_window", "epoch", "expansion")
    _nonce_size = 0

    def __init__(self, aead: Aead, epoch: int) -> None:
        self.epoch = epoch
        self._epoch_bits = epoch << 48
        self._decrypt = aead.decrypt
        self._window = ReplayWindow()
        self.expansion = self._nonce_size + TAG_SIZE

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

    def _open_lone(self, datagram: bytes) -> bytes | None:
        """What `Opener.open_application_data` is about, for any sequence number."""
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


def _gcm_opening(
    aead: AESGCM, salt: bytes, epoch: int, window: ReplayWindow, otherwise: _Open
) -> tuple[_Open, Callable[[], None]]:
    """Opening a datagram of application data, and telling the window what was opened so.

    Nearly every datagram is one record with the number after the one before it, so all of its header can be foreseen,
    and with it nonce and additional data, which share the number: salt 4 | number 8 | start 3 | size 2. Any other is
    for `otherwise`.
    """
    decrypt = aead.decrypt
    start = _pack_start(ContentType.APPLICATION_DATA, DTLS12)
    header = bytearray(_HEADER.stop)
    shared = bytearray(salt + bytes(8) + start + bytes(2))
    nonce, additional = memoryview(shared)[:12], memoryview(shared)[4:]
    known = low = 0  # last byte of the number after the window's highest, and of the number foreseen
    known_length = -1

    def open_application_data(datagram: bytes) -> bytes | None:
        nonlocal low
        try:
            header[10] = header[20] = shared[11] = low
        except ValueError:  # more than a byte: once in 256 records
            settle()
            foresee()
        if header != datagram[_HEADER]:
            return open_surprise(datagram)
        try:
            payload = decrypt(nonce, datagram[_SEALED], additional)
        except InvalidTag:
            return None
        low += 1
        return payload

    def open_surprise(datagram: bytes) -> bytes | None:
        if len(datagram) != known_length:
            return open_resized(datagram)
        settle()
        payload = otherwise(datagram)
        if payload is not None:
            foresee()
        return payload

    def open_resized(datagram: bytes) -> bytes | None:
        nonlocal known_length
        size = len(datagram) - _HEADER.stop - TAG_SIZE
        if not 0 <= size <= MAX_FRAGMENT:
            return None
        known_length = len(datagram)
        header[11], header[12] = divmod(size + _EXPLICIT_NONCE + TAG_SIZE, 256)
        shared[15], shared[16] = divmod(size, 256)
        return open_application_data(datagram)

    def settle() -> None:
        nonlocal known
        window.advance(low - known)
        known = low
        header[0] = 0  # nothing is foreseen any more

    def foresee() -> None:
        nonlocal known, low
        number = ((epoch << 48) + window.highest + 1).to_bytes(8, "big")
        known = low = number[7]
        header[:3], header[3:11], header[13:], shared[4:12] = start, number, number, number

    return open_application_data, settle


class GcmOpener(_Opener):
    __slots__ = ("_salt", "_settle", "open_application_data")
    _nonce_size = _EXPLICIT_NONCE

    def __init__(self, aead: AESGCM, salt: bytes, epoch: int) -> None:
        super().__init__(aead, epoch)
        self._salt = salt
        self.open_application_data, self._settle = _gcm_opening(aead, salt, epoch, self._window, self._open_lone)

    def open(self, record: WireRecord) -> tuple[int, int, bytes] | None:
        self._settle()
        return super().open(record)

    def _nonce(self, number: int, fragment: bytes) -> bytes:
        return self._salt + fragment[:_EXPLICIT_NONCE]


class ChaChaOpener(_Opener):
    __slots__ = ("_iv",)

    def __init__(self, aead: ChaCha20Poly1305, iv: bytes, epoch: int) -> None:
        super().__init__(aead, epoch)
        self._iv = int.from_bytes(iv, "big")

    def open_application_data(self, datagram: bytes) -> bytes | None:
        return self._open_lone(datagram)

    def _nonce(self, number: int, fragment: bytes) -> bytes:
        return (self._iv ^ number).to_bytes(12, "big")


def make_sealer(suite: Suite, key: bytes, iv: bytes, epoch: int, connection_id: bytes = b"") -> Sealer:
    """`connection_id` is the one the other side wants to read, empty for none."""
    aead = suite.make_aead(key)
    if connection_id:
        return CidSealer(aead, iv, epoch, connection_id)
    return GcmSealer(aead, iv, epoch) if isinstance(aead, AESGCM) else ChaChaSealer(aead, iv, epoch)


def make_opener(suite: Suite, key: bytes, iv: bytes, epoch: int, *, with_connection_id: bool = False) -> Opener:
    """`with_connection_id` when we have given out one."""
    aead = suite.make_aead(key)
    if with_connection_id:
        return CidOpener(aead, iv, epoch)
    return GcmOpener(aead, iv, epoch) if isinstance(aead, AESGCM) else ChaChaOpener(aead, iv, epoch)
