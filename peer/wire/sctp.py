"""SCTP packets and chunks (RFC 9260 section 3, and the chunks of RFC 3758, 4820, 6525, 7053 and 8260).

    packet = common header (12 bytes), then chunks until the end

    +----------------+----------------+
    | source port    | destination    |
    +----------------+----------------+
    | verification tag                |
    +---------------------------------+
    | checksum: CRC32c, little-endian |   over the packet with four zero bytes here (appendix A)
    +--------+-------+----------------+
    | type 8 | flags | length 16      |   length counts the four header bytes, not the padding to a multiple of 4
    +--------+-------+----------------+

`parse` gives dataclasses for tests, traces and the rare chunks. The data path of `peer.sctp` doesn't go through them:
it packs and unpacks DATA and SACK in place, with the `struct`s defined here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Protocol, TypeAlias

import google_crc32c

from peer.errors import DecodeError
from peer.wire.sctp_tlv import (
    Cause,
    Parameter,
    ParameterType,
    Reconfiguration,
    pull_causes,
    pull_parameters,
    pull_reconfigurations,
)

__all__ = [
    "CHUNK_HEADER",
    "COMMON_HEADER",
    "DATA_HEADER",
    "I_DATA_HEADER",
    "PADDING",
    "Abort",
    "Chunk",
    "ChunkType",
    "CookieAck",
    "CookieEcho",
    "Data",
    "DataFlag",
    "Error",
    "ForwardTsn",
    "Heartbeat",
    "HeartbeatAck",
    "IData",
    "IForwardTsn",
    "Init",
    "InitAck",
    "Packet",
    "Pad",
    "Reconfig",
    "Sack",
    "Shutdown",
    "ShutdownAck",
    "ShutdownComplete",
    "SkippedMessage",
    "SkippedStream",
    "Unknown",
    "crc32c",
    "parse",
    "parse_chunk",
    "with_checksum",
]

COMMON_HEADER = struct.Struct(">HHII")
CHUNK_HEADER = struct.Struct(">BBH")
DATA_HEADER = struct.Struct(">BBHIHHI")
"""type, flags, length, TSN, stream id, SSN, PPID: 16 bytes before the user data of DATA."""
I_DATA_HEADER = struct.Struct(">BBHIHHII")
"""type, flags, length, TSN, stream id, reserved, MID, PPID or FSN: 20 bytes before the user data of I-DATA."""
PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
"""What follows a chunk, by its length modulo 4."""

_INIT = struct.Struct(">IIHHI")
_SACK = struct.Struct(">IIHH")
_U32 = struct.Struct(">I")


class ChunkType(IntEnum):
    DATA = 0
    INIT = 1
    INIT_ACK = 2
    SACK = 3
    HEARTBEAT = 4
    HEARTBEAT_ACK = 5
    ABORT = 6
    SHUTDOWN = 7
    SHUTDOWN_ACK = 8
    ERROR = 9
    COOKIE_ECHO = 10
    COOKIE_ACK = 11
    SHUTDOWN_COMPLETE = 14
    I_DATA = 64
    RECONFIG = 130
    PAD = 132
    FORWARD_TSN = 192
    I_FORWARD_TSN = 194


class DataFlag(IntFlag):
    """Flags of DATA and I-DATA: RFC 9260 section 3.3.1."""

    END = 1
    BEGIN = 2
    UNORDERED = 4
    IMMEDIATE = 8


class _Serializable(Protocol):
    def serialize(self) -> bytes: ...


def _push_chunk(type_: int, flags: int, body: bytes) -> bytes:
    return CHUNK_HEADER.pack(type_, flags, 4 + len(body)) + body + PADDING[len(body) & 3]


def _push_parameters(type_: int, flags: int, fixed: bytes, parameters: Sequence[_Serializable]) -> bytes:
    """A chunk that ends in parameters or causes: its length counts their padding, but not the last one's (3.2)."""
    parts = [p.serialize() for p in parameters]
    body = fixed + b"".join(parts)
    padding = len(parts[-1]) - int.from_bytes(parts[-1][2:4], "big") if parts else 0
    return CHUNK_HEADER.pack(type_, flags, 4 + len(body) - padding) + body


@dataclass(frozen=True, slots=True)
class Data:
    """User data: RFC 9260 section 3.3.1."""

    type: ClassVar[int] = ChunkType.DATA
    tsn: int
    stream_id: int
    ssn: int
    ppid: int
    data: bytes
    flags: int = DataFlag.BEGIN | DataFlag.END

    def serialize(self) -> bytes:
        length = 16 + len(self.data)
        header = DATA_HEADER.pack(0, self.flags, length, self.tsn, self.stream_id, self.ssn, self.ppid)
        return header + self.data + PADDING[length & 3]


@dataclass(frozen=True, slots=True)
class IData:
    """User data that may be interleaved: RFC 8260 section 2.1. `ppid_or_fsn` is the PPID in a first fragment."""

    type: ClassVar[int] = ChunkType.I_DATA
    tsn: int
    stream_id: int
    mid: int
    ppid_or_fsn: int
    data: bytes
    flags: int = DataFlag.BEGIN | DataFlag.END

    def serialize(self) -> bytes:
        length = 20 + len(self.data)
        header = I_DATA_HEADER.pack(64, self.flags, length, self.tsn, self.stream_id, 0, self.mid, self.ppid_or_fsn)
        return header + self.data + PADDING[length & 3]


@dataclass(frozen=True, slots=True)
class Init:
    """Begins an association: RFC 9260 section 3.3.2."""

    type: ClassVar[int] = ChunkType.INIT
    tag: int
    a_rwnd: int
    outbound_streams: int
    inbound_streams: int
    initial_tsn: int
    parameters: tuple[Parameter, ...] = ()

    def serialize(self) -> bytes:
        return _push_init(self)


@dataclass(frozen=True, slots=True)
class InitAck:
    """Answers INIT and carries the cookie: RFC 9260 section 3.3.3."""

    type: ClassVar[int] = ChunkType.INIT_ACK
    tag: int
    a_rwnd: int
    outbound_streams: int
    inbound_streams: int
    initial_tsn: int
    parameters: tuple[Parameter, ...] = ()

    @property
    def cookie(self) -> bytes | None:
        """The state cookie, which is mandatory; None when it is missing."""
        return next((p.value for p in self.parameters if p.type == ParameterType.STATE_COOKIE), None)

    def serialize(self) -> bytes:
        return _push_init(self)


def _push_init(chunk: Init | InitAck) -> bytes:
    fixed = _INIT.pack(chunk.tag, chunk.a_rwnd, chunk.outbound_streams, chunk.inbound_streams, chunk.initial_tsn)
    return _push_parameters(chunk.type, 0, fixed, chunk.parameters)


@dataclass(frozen=True, slots=True)
class Sack:
    """Acknowledges DATA: RFC 9260 section 3.3.4. `gaps` are (start, end), both counted from `cumulative_tsn`."""

    type: ClassVar[int] = ChunkType.SACK
    cumulative_tsn: int
    a_rwnd: int
    gaps: tuple[tuple[int, int], ...] = ()
    duplicates: tuple[int, ...] = ()

    def serialize(self) -> bytes:
        body = _SACK.pack(self.cumulative_tsn, self.a_rwnd, len(self.gaps), len(self.duplicates))
        body += b"".join(struct.pack(">HH", *gap) for gap in self.gaps)
        return _push_chunk(self.type, 0, body + struct.pack(f">{len(self.duplicates)}I", *self.duplicates))


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """RFC 9260 section 3.3.5. `parameters` begin with Heartbeat Info."""

    type: ClassVar[int] = ChunkType.HEARTBEAT
    parameters: tuple[Parameter, ...]

    def serialize(self) -> bytes:
        return _push_parameters(self.type, 0, b"", self.parameters)


@dataclass(frozen=True, slots=True)
class HeartbeatAck:
    """RFC 9260 section 3.3.6: what the HEARTBEAT carried, unchanged."""

    type: ClassVar[int] = ChunkType.HEARTBEAT_ACK
    parameters: tuple[Parameter, ...]

    def serialize(self) -> bytes:
        return _push_parameters(self.type, 0, b"", self.parameters)


@dataclass(frozen=True, slots=True)
class Abort:
    """Ends the association at once: RFC 9260 section 3.3.7. `reflected` is the T bit."""

    type: ClassVar[int] = ChunkType.ABORT
    causes: tuple[Cause, ...] = ()
    reflected: bool = False

    def serialize(self) -> bytes:
        return _push_parameters(self.type, int(self.reflected), b"", self.causes)


@dataclass(frozen=True, slots=True)
class Shutdown:
    """RFC 9260 section 3.3.8."""

    type: ClassVar[int] = ChunkType.SHUTDOWN
    cumulative_tsn: int

    def serialize(self) -> bytes:
        return _push_chunk(self.type, 0, _U32.pack(self.cumulative_tsn))


@dataclass(frozen=True, slots=True)
class ShutdownAck:
    """RFC 9260 section 3.3.9."""

    type: ClassVar[int] = ChunkType.SHUTDOWN_ACK

    def serialize(self) -> bytes:
        return _push_chunk(self.type, 0, b"")


@dataclass(frozen=True, slots=True)
class Error:
    """RFC 9260 section 3.3.10."""

    type: ClassVar[int] = ChunkType.ERROR
    causes: tuple[Cause, ...] = ()

    def serialize(self) -> bytes:
        return _push_parameters(self.type, 0, b"", self.causes)


@dataclass(frozen=True, slots=True)
class CookieEcho:
    """RFC 9260 section 3.3.11."""

    type: ClassVar[int] = ChunkType.COOKIE_ECHO
    cookie: bytes

    def serialize(self) -> bytes:
        return _push_chunk(self.type, 0, self.cookie)


@dataclass(frozen=True, slots=True)
class CookieAck:
    """RFC 9260 section 3.3.12."""

    type: ClassVar[int] = ChunkType.COOKIE_ACK

    def serialize(self) -> bytes:
        return _push_chunk(self.type, 0, b"")


@dataclass(frozen=True, slots=True)
class ShutdownComplete:
    """RFC 9260 section 3.3.13. `reflected` is the T bit."""

    type: ClassVar[int] = ChunkType.SHUTDOWN_COMPLETE
    reflected: bool = False

    def serialize(self) -> bytes:
        return _push_chunk(self.type, int(self.reflected), b"")


@dataclass(frozen=True, slots=True)
class Reconfig:
    """RFC 6525 section 3.1: one or two re-configuration parameters."""

    type: ClassVar[int] = ChunkType.RECONFIG
    parameters: tuple[Reconfiguration, ...]

    def serialize(self) -> bytes:
        return _push_parameters(self.type, 0, b"", self.parameters)


@dataclass(frozen=True, slots=True)
class Pad:
    """Padding that is thrown away: RFC 4820 section 3. `size` counts its bytes after the chunk header."""

    type: ClassVar[int] = ChunkType.PAD
    size: int

    def serialize(self) -> bytes:
        return _push_chunk(self.type, 0, bytes(self.size))


@dataclass(frozen=True, slots=True)
class SkippedStream:
    """The last ordered message skipped on a stream: RFC 3758 section 3.2."""

    stream_id: int
    ssn: int


@dataclass(frozen=True, slots=True)
class SkippedMessage:
    """The last message skipped on a stream, ordered or unordered: RFC 8260 section 2.3.1."""

    stream_id: int
    unordered: bool
    mid: int


@dataclass(frozen=True, slots=True)
class ForwardTsn:
    """RFC 3758 section 3.2."""

    type: ClassVar[int] = ChunkType.FORWARD_TSN
    cumulative_tsn: int
    skipped: tuple[SkippedStream, ...] = ()

    def serialize(self) -> bytes:
        body = b"".join(struct.pack(">HH", s.stream_id, s.ssn) for s in self.skipped)
        return _push_chunk(self.type, 0, _U32.pack(self.cumulative_tsn) + body)


@dataclass(frozen=True, slots=True)
class IForwardTsn:
    """RFC 8260 section 2.3.1."""

    type: ClassVar[int] = ChunkType.I_FORWARD_TSN
    cumulative_tsn: int
    skipped: tuple[SkippedMessage, ...] = ()

    def serialize(self) -> bytes:
        body = b"".join(struct.pack(">HHI", s.stream_id, s.unordered, s.mid) for s in self.skipped)
        return _push_chunk(self.type, 0, _U32.pack(self.cumulative_tsn) + body)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A chunk of a type we don't know; the two high bits of `type` say what to do with it (section 3.2)."""

    type: int
    flags: int
    body: bytes

    def serialize(self) -> bytes:
        return _push_chunk(self.type, self.flags, self.body)


Chunk: TypeAlias = (
    Data
    | IData
    | Init
    | InitAck
    | Sack
    | Heartbeat
    | HeartbeatAck
    | Abort
    | Shutdown
    | ShutdownAck
    | Error
    | CookieEcho
    | CookieAck
    | ShutdownComplete
    | Reconfig
    | Pad
    | ForwardTsn
    | IForwardTsn
    | Unknown
)


@dataclass(frozen=True, slots=True)
class Packet:
    """A whole packet. `checksum` None means "the right one"; a number is written as it stands (0 by RFC 9653)."""

    source_port: int
    destination_port: int
    verification_tag: int
    chunks: tuple[Chunk | bytes, ...]
    checksum: int | None = None

    def serialize(self) -> bytes:
        header = COMMON_HEADER.pack(self.source_port, self.destination_port, self.verification_tag, 0)
        data = header + b"".join(c if isinstance(c, bytes) else c.serialize() for c in self.chunks)
        if self.checksum is None:
            return with_checksum(data)
        return data[:8] + self.checksum.to_bytes(4, "little") + data[12:]


def crc32c(data: bytes) -> int:
    """The checksum a packet should carry, whatever stands in its checksum field."""
    return int(google_crc32c.extend(google_crc32c.value(data[:8] + b"\0\0\0\0"), data[12:]))


def with_checksum(data: bytes) -> bytes:
    """The packet `data`, whose checksum field is zero, with its CRC32c filled in."""
    return data[:8] + int(google_crc32c.value(data)).to_bytes(4, "little") + data[12:]


def parse(data: bytes) -> Packet:
    """A packet with its chunks. The checksum is given, not judged. DecodeError on what can't be a packet."""
    if len(data) < 12:
        raise DecodeError(f"packet of {len(data)} bytes", offset=0)
    source, destination, tag, _ = COMMON_HEADER.unpack_from(data)
    chunks = tuple(parse_chunk(type_, flags, body) for type_, flags, body in _pull_chunks(data))
    return Packet(source, destination, tag, chunks, int.from_bytes(data[8:12], "little"))


def parse_chunk(type_: int, flags: int, body: bytes) -> Chunk:
    """One chunk from its header fields and what follows them. DecodeError when the body is not of its type's shape."""
    pull = _CHUNKS.get(type_)
    if pull is None:
        return Unknown(type_, flags, body)
    try:
        return pull(flags, body)
    except struct.error:
        raise DecodeError(f"{ChunkType(type_).name} chunk of {len(body) + 4} bytes is too short") from None


def _pull_chunks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    offset, end = 12, len(data)
    while offset < end:
        if end - offset < 4:
            raise DecodeError("rest of a chunk", offset=offset)
        type_, flags, length = CHUNK_HEADER.unpack_from(data, offset)
        if length < 4 or offset + length > end:
            raise DecodeError(f"chunk of type {type_} says length {length}", offset=offset)
        yield type_, flags, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def _pull_data(flags: int, body: bytes) -> Data:
    tsn, stream_id, ssn, ppid = struct.unpack_from(">IHHI", body)
    return Data(tsn, stream_id, ssn, ppid, body[12:], flags)


def _pull_i_data(flags: int, body: bytes) -> IData:
    tsn, stream_id, _, mid, ppid_or_fsn = struct.unpack_from(">IHHII", body)
    return IData(tsn, stream_id, mid, ppid_or_fsn, body[16:], flags)


def _pull_init(flags: int, body: bytes) -> Init:
    tag, a_rwnd, outbound, inbound, initial_tsn = _INIT.unpack_from(body)
    return Init(tag, a_rwnd, outbound, inbound, initial_tsn, pull_parameters(body[16:]))


def _pull_init_ack(flags: int, body: bytes) -> InitAck:
    tag, a_rwnd, outbound, inbound, initial_tsn = _INIT.unpack_from(body)
    return InitAck(tag, a_rwnd, outbound, inbound, initial_tsn, pull_parameters(body[16:]))


def _pull_sack(flags: int, body: bytes) -> Sack:
    cumulative, a_rwnd, gap_count, duplicate_count = _SACK.unpack_from(body)
    numbers = struct.unpack_from(f">{2 * gap_count}H{duplicate_count}I", body, 12)
    edges = iter(numbers[: 2 * gap_count])
    return Sack(cumulative, a_rwnd, tuple(zip(edges, edges, strict=True)), numbers[2 * gap_count :])


def _pull_heartbeat(body: bytes) -> tuple[Parameter, ...]:
    parameters = pull_parameters(body)
    if not parameters or parameters[0].type != ParameterType.HEARTBEAT_INFO:
        raise DecodeError("heartbeat without Heartbeat Info")
    return parameters


def _pull_reconfig(flags: int, body: bytes) -> Reconfig:
    parameters = pull_reconfigurations(body)
    if not parameters:
        raise DecodeError("RE-CONFIG without a parameter")
    return Reconfig(parameters)


def _pull_forward_tsn(flags: int, body: bytes) -> ForwardTsn:
    if len(body) & 3:
        raise DecodeError(f"FORWARD-TSN body of {len(body)} bytes")
    skipped = tuple(SkippedStream(*fields) for fields in struct.iter_unpack(">HH", body[4:]))
    return ForwardTsn(_U32.unpack_from(body)[0], skipped)


def _pull_i_forward_tsn(flags: int, body: bytes) -> IForwardTsn:
    if len(body) & 7 != 4:
        raise DecodeError(f"I-FORWARD-TSN body of {len(body)} bytes")
    fields = struct.iter_unpack(">HHI", body[4:])
    skipped = tuple(SkippedMessage(stream_id, bool(bits & 1), mid) for stream_id, bits, mid in fields)
    return IForwardTsn(_U32.unpack_from(body)[0], skipped)


_CHUNKS: dict[int, Callable[[int, bytes], Chunk]] = {
    ChunkType.DATA: _pull_data,
    ChunkType.INIT: _pull_init,
    ChunkType.INIT_ACK: _pull_init_ack,
    ChunkType.SACK: _pull_sack,
    ChunkType.HEARTBEAT: lambda flags, body: Heartbeat(_pull_heartbeat(body)),
    ChunkType.HEARTBEAT_ACK: lambda flags, body: HeartbeatAck(_pull_heartbeat(body)),
    ChunkType.ABORT: lambda flags, body: Abort(pull_causes(body), bool(flags & 1)),
    ChunkType.SHUTDOWN: lambda flags, body: Shutdown(*_U32.unpack_from(body)),
    ChunkType.SHUTDOWN_ACK: lambda flags, body: ShutdownAck(),
    ChunkType.ERROR: lambda flags, body: Error(pull_causes(body)),
    ChunkType.COOKIE_ECHO: lambda flags, body: CookieEcho(body),
    ChunkType.COOKIE_ACK: lambda flags, body: CookieAck(),
    ChunkType.SHUTDOWN_COMPLETE: lambda flags, body: ShutdownComplete(bool(flags & 1)),
    ChunkType.I_DATA: _pull_i_data,
    ChunkType.RECONFIG: _pull_reconfig,
    ChunkType.PAD: lambda flags, body: Pad(len(body)),
    ChunkType.FORWARD_TSN: _pull_forward_tsn,
    ChunkType.I_FORWARD_TSN: _pull_i_forward_tsn,
}
