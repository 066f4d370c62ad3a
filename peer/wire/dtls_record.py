"""Records: RFC 6347 4.1, RFC 9147 section 4, connection ids of RFC 9146.

A datagram is a row of records, of two shapes. The first byte tells them apart:

    20..26    a plaintext header, 13 bytes (RFC 6347 4.1, RFC 9147 4.1): type 1, version 2, epoch 2, sequence 6,
              length 2. Type 25 (tls12_cid) carries a connection id before the length (RFC 9146 section 4).
    001CSLEE  the unified header of DTLS 1.3 (RFC 9147 section 4): C = connection id present, S = 16-bit sequence,
              L = length present, EE = the low bits of the epoch
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from peer.errors import DecodeError
from peer.wire.buffer import Reader, Writer

__all__ = [
    "HEADER_SIZE",
    "MAX_FRAGMENT",
    "Ack",
    "CiphertextRecord",
    "ContentType",
    "Record",
    "RecordNumber",
    "WireRecord",
    "iterate_records",
    "parse_datagram",
]

HEADER_SIZE: Final = 13
MAX_FRAGMENT: Final = 1 << 14
# RFC 6347 4.1 (from RFC 5246 6.2.3): a protected fragment may be up to 2048 bytes longer; RFC 9147 says 256.
_MAX_PROTECTED: Final = MAX_FRAGMENT + 2048


class ContentType(IntEnum):
    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    TLS12_CID = 25
    ACK = 26


@dataclass(frozen=True, slots=True)
class Record:
    """A record with the 13-byte header. `fragment` is its payload as it stands on the wire, or before protection.

    `connection_id` is only on the wire when `type` is TLS12_CID.
    """

    type: int
    version: int
    epoch: int
    sequence: int
    fragment: bytes
    connection_id: bytes = b""

    def serialize(self) -> bytes:
        writer = Writer()
        writer.push_u8(self.type)
        writer.push_u16(self.version)
        writer.push_u16(self.epoch)
        writer.push_u48(self.sequence)
        if self.type == ContentType.TLS12_CID:
            writer.push_bytes(self.connection_id)
        writer.push_block(2, self.fragment)
        return bytes(writer)


@dataclass(frozen=True, slots=True)
class CiphertextRecord:
    """A DTLS 1.3 record with the unified header. `header` is everything before the ciphertext, as received.

    `sequence` is still encrypted and `sequence_size` bytes long; `epoch_bits` are the low two bits of the epoch.
    """

    header: bytes
    epoch_bits: int
    connection_id: bytes
    sequence: int
    sequence_size: int
    has_length: bool
    ciphertext: bytes

    def serialize(self) -> bytes:
        return self.header + self.ciphertext


WireRecord: TypeAlias = Record | CiphertextRecord


def parse_datagram(data: bytes, connection_id_size: int = 0) -> tuple[WireRecord, ...]:
    """The records of one datagram. `connection_id_size` is the length of the ids this endpoint has given out.

    DecodeError when a record doesn't fit, is of an unknown shape, or is longer than RFC 6347 allows.
    """
    return tuple(iterate_records(data, connection_id_size))


def iterate_records(data: bytes, connection_id_size: int = 0) -> Iterator[WireRecord]:
    """Like `parse_datagram`, one at a time: what stands before a bad record can still be used."""
    reader = Reader(data)
    while reader.remaining:
        yield _pull_record(reader, data, connection_id_size)


def _pull_record(reader: Reader, data: bytes, connection_id_size: int) -> WireRecord:
    start = reader.position
    first = reader.pull_u8()
    if first & 0xE0 == 0x20:
        return _pull_unified(reader, data, start, connection_id_size)
    if not ContentType.CHANGE_CIPHER_SPEC <= first <= ContentType.ACK:
        raise DecodeError(f"record of type {first}", offset=start)
    version, epoch, sequence = reader.pull_u16(), reader.pull_u16(), reader.pull_u48()
    connection_id = reader.pull_bytes(connection_id_size) if first == ContentType.TLS12_CID else b""
    fragment = reader.pull_block(2)
    if len(fragment) > _MAX_PROTECTED:
        raise DecodeError(f"record of {len(fragment)} bytes", offset=start)
    return Record(first, version, epoch, sequence, fragment, connection_id)


def _pull_unified(reader: Reader, data: bytes, start: int, connection_id_size: int) -> CiphertextRecord:
    flags = data[start]
    connection_id = reader.pull_bytes(connection_id_size) if flags & 0x10 else b""
    size = 2 if flags & 0x08 else 1
    sequence = reader.pull_uint(size)
    has_length = bool(flags & 0x04)
    length = reader.pull_u16() if has_length else reader.remaining
    header = data[start : reader.position]
    if length > _MAX_PROTECTED:
        raise DecodeError(f"record of {length} bytes", offset=start)
    return CiphertextRecord(header, flags & 3, connection_id, sequence, size, has_length, reader.pull_bytes(length))


@dataclass(frozen=True, slots=True, order=True)
class RecordNumber:
    """RFC 9147 section 4: what names a record in an ACK."""

    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Ack:
    """The ACK message of RFC 9147 section 7, the whole content of a record of type 26."""

    record_numbers: tuple[RecordNumber, ...]

    @classmethod
    def parse(cls, data: bytes) -> Ack:
        """DecodeError when the list is not a whole number of record numbers."""
        reader = Reader(data)
        numbers = reader.block(2).pull_each(lambda r: RecordNumber(r.pull_u64(), r.pull_u64()))
        reader.finish()
        return cls(numbers)

    def serialize(self) -> bytes:
        writer = Writer()
        with writer.block(2):
            for number in self.record_numbers:
                writer.push_u64(number.epoch)
                writer.push_u64(number.sequence)
        return bytes(writer)
