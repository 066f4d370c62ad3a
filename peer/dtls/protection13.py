"""Record protection of DTLS 1.3: RFC 9147 4.2.

    header      001 C S L EE | connection id | sequence number | length      additional data, with the number in clear
    plaintext   content | its type | zeros                                   DTLSInnerPlaintext
    nonce       IV xor the 64-bit sequence number                            the epoch is not in it: keys are an epoch's

After that the sequence number in the header is masked with a block made from the first 16 bytes of ciphertext.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from struct import Struct
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from peer.dtls.replay import ReplayWindow
from peer.dtls.schedule13 import traffic_keys
from peer.dtls.suites import TAG_SIZE, Aead, AeadKind, Suite
from peer.wire.dtls_record import MAX_FRAGMENT, CiphertextRecord, ContentType, Record, WireRecord

__all__ = ["Opener13", "Sealer13"]

_SAMPLE: Final = 16
# Slices made once, not for every record.
_SAMPLED: Final = slice(_SAMPLE)
_CONTENT: Final = slice(-1)
_FIXED, _HAS_ID, _LONG_SEQUENCE, _HAS_LENGTH = 0x20, 0x10, 0x08, 0x04
# RFC 9147 4.5.3: forgeries per key.
_FORGERY_LIMIT: Final = 1 << 36
_SHORTEST: Final = 5 + 1 + TAG_SIZE
_EXPANSION: Final = 1 + TAG_SIZE
_LONGEST: Final = 5 + MAX_FRAGMENT + _EXPANSION
_APPLICATION_DATA: Final = int(ContentType.APPLICATION_DATA)
_TYPES: Final = tuple(bytes([kind]) for kind in range(256))
_Seal: TypeAlias = Callable[[int, bytes], bytes]
_Open: TypeAlias = Callable[[bytes], bytes | None]
_Mask: TypeAlias = Callable[[bytes | memoryview], bytes]
_pack_header = Struct(">BHH").pack
_unpack_mask = Struct(">H").unpack_from
_pack_tail = Struct(">HH").pack


def _mask_function(suite: Suite, key: bytes) -> _Mask:
    """RFC 9147 4.2.3. What it returns has at least two bytes."""
    if suite.aead is AeadKind.AES_GCM:
        # Electronic codebook is right here: it is the bare block function, on one block a record.
        return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305
    # The sample is counter and nonce, in the layout that `cryptography` takes as one 16-byte nonce.
    return lambda sample: Cipher(algorithms.ChaCha20(key, sample), None).encryptor().update(b"\x00\x00")


def _sealing(aead: Aead, mask: _Mask, iv: int, epoch: int) -> tuple[_Seal, Callable[[], int], Callable[[int], None]]:
    """Sealing without a connection id, and reading and setting the next sequence number.

    A closure over one buffer for the reasons given in `protection12`. What 1.3 costs beyond 1.2 is the type behind
    the content, which copies it, and the block that masks the number: a third of what the AEAD itself takes.
    """
    encrypt_into = aead.encrypt_into
    nonce = bytearray(iv.to_bytes(12, "big"))
    low, high, shown, last_of_iv = 0, 0, 0, iv & 0xFF
    known_size = -1
    buffer = bytearray(_LONGEST)
    buffer[0] = _FIXED | _LONG_SEQUENCE | _HAS_LENGTH | epoch & 3
    whole = memoryview(buffer)
    header, sample, body, take = whole[:5], whole[5 : 5 + _SAMPLE], whole, whole.tobytes

    def reshape(size: int) -> None:
        nonlocal known_size, body, take
        known_size = size
        end = 5 + size + _EXPANSION
        body, take = whole[5:end], whole[:end].tobytes
        buffer[3], buffer[4] = divmod(size + _EXPANSION, 256)

    def renumber() -> None:
        nonlocal shown
        nonce[:] = (iv ^ high << 8).to_bytes(12, "big")
        shown = high & 0xFF

    def seal(kind: int, payload: bytes) -> bytes:
        nonlocal low, high
        if len(payload) != known_size:
            reshape(len(payload))
        if low == 256:
            low, high = 0, high + 1
            renumber()
        nonce[11] = last_of_iv ^ low
        buffer[1], buffer[2] = shown, low
        encrypt_into(nonce, payload + _TYPES[kind], header, body)
        masking = mask(sample)
        buffer[1], buffer[2] = shown ^ masking[0], low ^ masking[1]
        low += 1
        return take()

    def read() -> int:
        return (high << 8) + low

    def write(number: int) -> None:
        nonlocal low, high
        low, high = number & 0xFF, number >> 8
        renumber()

    return seal, read, write


class Sealer13:
    """Writes 16-bit sequence numbers and lengths, so that records can share a datagram."""

    __slots__ = ("_connection_id", "_encrypt", "_iv", "_mask", "_read", "_seal_plain", "_write", "epoch", "seal")

    def __init__(self, suite: Suite, secret: bytes, epoch: int, connection_id: bytes = b"") -> None:
        keys = traffic_keys(suite, secret)
        self.epoch = epoch
        aead = suite.make_aead(keys.key)
        self._encrypt = aead.encrypt
        self._iv = int.from_bytes(keys.iv, "big")
        self._mask = _mask_function(suite, keys.sequence_key)
        self._seal_plain, self._read, self._write = _sealing(aead, self._mask, self._iv, epoch)
        self.connection_id = connection_id

    @property
    def connection_id(self) -> bytes:
        return self._connection_id

    @connection_id.setter
    def connection_id(self, value: bytes) -> None:
        self._connection_id = value
        self.seal = self._seal_with_id if value else self._seal_plain

    @property
    def sequence(self) -> int:
        return self._read()

    @sequence.setter
    def sequence(self, sequence: int) -> None:
        self._write(sequence)

    @property
    def overhead(self) -> int:
        return 5 + len(self.connection_id) + 1 + TAG_SIZE

    def _seal_with_id(self, kind: int, payload: bytes) -> bytes:
        sequence = self.sequence
        self.sequence = sequence + 1
        return self._seal(kind, self.epoch, sequence, payload)

    def seal_record(self, record: Record) -> bytes:
        return self._seal(record.type, record.epoch, record.sequence, record.fragment)

    def _seal(self, kind: int, epoch: int, sequence: int, payload: bytes) -> bytes:
        size = len(payload) + _EXPANSION
        short = sequence & 0xFFFF
        flags = _FIXED | (_HAS_ID if self._connection_id else 0) | _LONG_SEQUENCE | _HAS_LENGTH | epoch & 3
        head = bytes([flags]) + self._connection_id
        nonce = (self._iv ^ sequence).to_bytes(12, "big")
        sealed = self._encrypt(nonce, payload + _TYPES[kind], head + _pack_tail(short, size))
        (masking,) = _unpack_mask(self._mask(sealed[:_SAMPLE]))
        return head + _pack_tail(short ^ masking, size) + sealed


@functools.lru_cache(maxsize=256)
def _splitting(size: int) -> Callable[[bytes], tuple[Any, ...]]:
    """Splits a datagram with so much ciphertext: flags and high byte of the number, low byte, length, ciphertext."""
    return Struct(f">HBH{size}s").unpack


def _opening(
    aead: Aead, mask: _Mask, iv: int, epoch: int, window: ReplayWindow, otherwise: _Open
) -> tuple[_Open, Callable[[], None]]:
    """Opening a datagram of application data in the form that everybody writes: a 16-bit number, a length and no
    connection id. It is foreseen, as in `protection12`, and whatever is another is for `otherwise`.
    """
    decrypt = aead.decrypt
    nonce, last_of_iv = bytearray(12), iv & 0xFF
    known = low = 256  # last byte of the number after the window's highest, and of the number foreseen; 256 for none
    known_length = known_size = shown = -1
    flags = _FIXED | _LONG_SEQUENCE | _HAS_LENGTH | epoch & 3
    header, split = bytearray(5), _splitting(0)
    header[0] = flags

    def open_application_data(datagram: bytes) -> bytes | None:
        nonlocal low
        if len(datagram) != known_length and not resize(len(datagram)):
            return None
        start, number, size, sealed = split(datagram)
        masking = mask(sealed[_SAMPLED])
        if number ^ masking[1] != low or start ^ masking[0] != shown or size != known_size:
            return open_surprise(datagram)
        header[2] = low
        nonce[11] = last_of_iv ^ low
        try:
            inner = decrypt(nonce, sealed, header)
        except InvalidTag:
            return None
        if inner[-1] != _APPLICATION_DATA:
            return None
        low += 1
        return inner[_CONTENT]

    def resize(length: int) -> bool:
        nonlocal known_length, known_size, split
        if not _SHORTEST <= length <= _LONGEST:
            return False
        known_length, known_size = length, length - 5
        header[3], header[4] = divmod(known_size, 256)
        split = _splitting(known_size)
        return True

    def open_surprise(datagram: bytes) -> bytes | None:
        settle()
        payload = otherwise(datagram)
        if payload is not None:
            foresee(window.highest + 1)
        return payload

    def settle() -> None:
        nonlocal known, low
        window.advance(low - known)
        known = low = 256

    def foresee(sequence: int) -> None:
        nonlocal known, low, shown
        known = low = sequence & 0xFF
        header[1] = sequence >> 8 & 0xFF
        shown = flags << 8 | header[1]
        nonce[:] = (iv ^ sequence).to_bytes(12, "big")

    return open_application_data, settle


class Opener13:
    """Reads every form of the unified header."""

    __slots__ = (
        "_decrypt",
        "_flags",
        "_iv",
        "_mask",
        "_settle",
        "_window",
        "epoch",
        "expansion",
        "failures",
        "open_application_data",
    )

    def __init__(self, suite: Suite, secret: bytes, epoch: int) -> None:
        keys = traffic_keys(suite, secret)
        self.epoch = epoch
        self.expansion = TAG_SIZE
        self.failures = 0
        self._flags = _FIXED | _LONG_SEQUENCE | epoch & 3
        aead = suite.make_aead(keys.key)
        self._decrypt = aead.decrypt
        self._iv = int.from_bytes(keys.iv, "big")
        self._mask = _mask_function(suite, keys.sequence_key)
        self._window = ReplayWindow()
        self.open_application_data, self._settle = _opening(
            aead, self._mask, self._iv, epoch, self._window, self._open_lone
        )

    def open(self, record: WireRecord) -> tuple[int, int, bytes] | None:
        if not isinstance(record, CiphertextRecord) or len(record.ciphertext) <= TAG_SIZE:
            return None
        if self.failures >= _FORGERY_LIMIT:
            return None
        self._settle()
        size = record.sequence_size
        mask = self._mask(record.ciphertext[:_SAMPLE])
        short = record.sequence ^ int.from_bytes(mask[:size], "big")
        sequence = self._closest(short, 8 * size)
        at = 1 + len(record.connection_id)
        header = record.header[:at] + short.to_bytes(size, "big") + record.header[at + size :]
        return self._open(sequence, header, record.ciphertext)

    def _open_lone(self, datagram: bytes) -> bytes | None:
        """The same for any number, with or without a length; it may be long enough for one, no more is known."""
        flags = datagram[0]
        if flags & ~_HAS_LENGTH != self._flags:
            return None
        at = 5 if flags & _HAS_LENGTH else 3
        if at == 5 and datagram[3] << 8 | datagram[4] != len(datagram) - 5:
            return None
        ciphertext = datagram[at:]
        mask = self._mask(ciphertext[:_SAMPLE])
        short = (datagram[1] ^ mask[0]) << 8 | datagram[2] ^ mask[1]
        header = _pack_header(flags, short, len(ciphertext)) if at == 5 else bytes((flags, short >> 8, short & 0xFF))
        sequence = self._closest(short, 16)
        try:
            inner = self._decrypt((self._iv ^ sequence).to_bytes(12, "big"), ciphertext, header)
        except InvalidTag:
            return None
        if (
            inner[-1] != ContentType.APPLICATION_DATA
            or len(inner) > MAX_FRAGMENT + 1
            or not self._window.is_fresh(sequence)
        ):
            return None
        self._window.accept(sequence)
        return inner[:-1]

    def _closest(self, short: int, bits: int) -> int:
        """RFC 9147 4.2.2: the number nearest to the one expected next that ends in these bits."""
        expected = self._window.highest + 1
        span = 1 << bits
        candidate = expected - (expected & span - 1) + short
        if candidate > expected + span // 2 and candidate >= span:
            return candidate - span
        if candidate < expected - span // 2:
            return candidate + span
        return candidate

    def _open(self, sequence: int, header: bytes, ciphertext: bytes) -> tuple[int, int, bytes] | None:
        try:
            inner = self._decrypt((self._iv ^ sequence).to_bytes(12, "big"), ciphertext, header)
        except InvalidTag:
            self.failures += 1
            return None
        window = self._window
        # RFC 9147 4.5.1: checked after deprotection, so that timing doesn't tell the number.
        if not window.is_fresh(sequence):
            return None
        window.accept(sequence)
        if not inner[-1]:
            inner = inner.rstrip(b"\x00") or b"\x00"
        if len(inner) > MAX_FRAGMENT + 1:
            return None
        return inner[-1], sequence, inner[:-1]
