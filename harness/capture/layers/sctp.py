"""SCTP (RFC 9260) as it lies inside DTLS (RFC 8261), with its extensions, and DCEP (RFC 8832), as scapy layers.

`SCTP` is a whole packet: the common header and `chunks`. scapy's own SCTP chains chunks as payloads and lacks the
parameters of RFC 6525; here chunks and parameters are lists, of which those of unknown type keep their bytes.
"""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

import struct
from typing import Any, Final

import google_crc32c
from scapy.fields import (
    BitField,
    ByteEnumField,
    FieldLenField,
    FieldListField,
    IntEnumField,
    IntField,
    PacketListField,
    PadField,
    ShortEnumField,
    ShortField,
    XByteField,
    XIntField,
    XStrLenField,
)
from scapy.packet import Packet

from harness.capture.layers.base import Element, read
from harness.capture.layers.sctp_parameters import (
    CHUNK_TYPES,
    RESET_RESULTS,
    AddIncomingStreams,
    AddOutgoingStreams,
    EcnCapable,
    ForwardTsnSupported,
    IncomingReset,
    OutgoingReset,
    Parameter,
    ReconfigResponse,
    StateCookie,
    SupportedExtensions,
    TsnReset,
    ZeroChecksum,
    padded,
    parameters_field,
)

__all__ = [
    "CAUSES",
    "CHUNK_TYPES",
    "PPIDS",
    "RESET_RESULTS",
    "SCTP",
    "AddIncomingStreams",
    "AddOutgoingStreams",
    "Chunk",
    "EcnCapable",
    "ForwardTsnSupported",
    "IncomingReset",
    "OutgoingReset",
    "Parameter",
    "ReconfigResponse",
    "StateCookie",
    "SupportedExtensions",
    "TsnReset",
    "ZeroChecksum",
    "checksum_is_valid",
    "chunk",
    "split",
]

PPIDS: Final = {
    50: "DCEP",
    51: "string",
    52: "binary partial",
    53: "binary",
    54: "string partial",
    56: "empty string",
    57: "empty binary",
}
CAUSES: Final = {
    1: "Invalid Stream Identifier",
    2: "Missing Mandatory Parameter",
    3: "Stale Cookie",
    4: "Out of Resource",
    5: "Unresolvable Address",
    6: "Unrecognized Chunk Type",
    7: "Invalid Mandatory Parameter",
    8: "Unrecognized Parameters",
    9: "No User Data",
    10: "Cookie Received While Shutting Down",
    11: "Restart of an Association with New Addresses",
    12: "User-Initiated Abort",
    13: "Protocol Violation",
}


class Chunk(Element):
    """A chunk of any type; the bytes after its header are in `value`."""

    name = "chunk"
    makeshift = True
    fields_desc = [
        ByteEnumField("type", 0, CHUNK_TYPES),
        XByteField("flags", 0),
        FieldLenField("length", None, length_of="value", adjust=lambda _, x: x + 4),
        PadField(XStrLenField("value", b"", length_from=lambda packet: packet.length - 4), 4),
    ]

    @property
    def title(self) -> str:
        return CHUNK_TYPES.get(self.type, f"chunk {self.type}")


_CHUNKS: dict[int, tuple[type[Chunk], int]] = {}


def _define_chunk(kind: int, smallest: int) -> Any:
    """Register a chunk class; a chunk shorter than `smallest` bytes stays a plain `Chunk`."""

    def register(defined: type[Chunk]) -> type[Chunk]:
        _CHUNKS[kind] = (defined, smallest)
        return defined

    return register


def _head(kind: int, flags: list[Any], length: Any) -> list[Any]:
    return [ByteEnumField("type", kind, CHUNK_TYPES), *flags, length]


_NO_FLAGS: Final = [XByteField("flags", 0)]
_DATA_FLAGS: Final = [
    BitField("reserved", 0, 4),
    BitField("immediate", 0, 1),
    BitField("unordered", 0, 1),
    BitField("beginning", 1, 1),
    BitField("ending", 1, 1),
]


@_define_chunk(0, 16)
class Data(Chunk):
    """RFC 9260 section 3.3.1."""

    name = "DATA"
    fields_desc = [
        *_head(0, _DATA_FLAGS, FieldLenField("length", None, length_of="data", adjust=lambda _, x: x + 16)),
        IntField("tsn", 0),
        ShortField("stream", 0),
        ShortField("ssn", 0),
        IntEnumField("ppid", 53, PPIDS),
        PadField(XStrLenField("data", b"", length_from=lambda packet: packet.length - 16), 4),
    ]


@_define_chunk(64, 20)
class IData(Chunk):
    """RFC 8260 section 2.1; `ppid_or_fsn` is the PPID in a first fragment, else the fragment number."""

    name = "I-DATA"
    fields_desc = [
        *_head(64, _DATA_FLAGS, FieldLenField("length", None, length_of="data", adjust=lambda _, x: x + 20)),
        IntField("tsn", 0),
        ShortField("stream", 0),
        ShortField("reserved2", 0),
        IntField("mid", 0),
        IntField("ppid_or_fsn", 53),
        PadField(XStrLenField("data", b"", length_from=lambda packet: packet.length - 20), 4),
    ]


def _initiation(kind: int) -> list[Any]:
    def length(_: Any, parameters: int) -> int:
        return parameters + 20

    return [
        *_head(kind, _NO_FLAGS, FieldLenField("length", None, length_of="parameters", adjust=length)),
        XIntField("initiate_tag", 1),
        IntField("a_rwnd", 131072),
        ShortField("outbound_streams", 65535),
        ShortField("inbound_streams", 65535),
        IntField("initial_tsn", 0),
        parameters_field(20),
    ]


class _WithParameters(Chunk):
    """The padding of the last parameter is not counted in the chunk's length (RFC 9260 section 3.2.1)."""

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        if self.length is None and self.parameters:
            last = len(bytes(self.parameters[-1]))
            declared = struct.unpack_from("!H", bytes(self.parameters[-1]), 2)[0] if last >= 4 else last
            pkt = pkt[:2] + struct.pack("!H", len(pkt) - (last - declared if declared <= last else 0)) + pkt[4:]
        return pkt + pay


@_define_chunk(1, 20)
class Init(_WithParameters):
    """RFC 9260 section 3.3.2."""

    name = "INIT"
    fields_desc = _initiation(1)


@_define_chunk(2, 20)
class InitAck(_WithParameters):
    """RFC 9260 section 3.3.3."""

    name = "INIT ACK"
    fields_desc = _initiation(2)


class GapBlock(Element):
    """Offsets from the cumulative TSN."""

    name = "gap"
    fields_desc = [ShortField("start", 0), ShortField("end", 0)]


@_define_chunk(3, 16)
class Sack(Chunk):
    """RFC 9260 section 3.3.4."""

    name = "SACK"
    fields_desc = [
        *_head(3, _NO_FLAGS, ShortField("length", None)),
        IntField("cumulative_tsn", 0),
        IntField("a_rwnd", 0),
        FieldLenField("gap_count", None, count_of="gaps"),
        FieldLenField("duplicate_count", None, count_of="duplicates"),
        PacketListField("gaps", [], GapBlock, count_from=lambda packet: packet.gap_count),
        FieldListField("duplicates", [], IntField("", 0), count_from=lambda packet: packet.duplicate_count),
    ]

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        if self.length is None:
            pkt = pkt[:2] + struct.pack("!H", len(pkt)) + pkt[4:]
        return pkt + pay


def _with_parameters(kind: int) -> list[Any]:
    length = FieldLenField("length", None, length_of="parameters", adjust=lambda _, x: x + 4)
    return [*_head(kind, _NO_FLAGS, length), parameters_field(4)]


@_define_chunk(4, 4)
class Heartbeat(_WithParameters):
    """RFC 9260 section 3.3.5."""

    name = "HEARTBEAT"
    fields_desc = _with_parameters(4)


@_define_chunk(5, 4)
class HeartbeatAck(_WithParameters):
    """RFC 9260 section 3.3.6."""

    name = "HEARTBEAT ACK"
    fields_desc = _with_parameters(5)


class Cause(Element):
    """An error cause (RFC 9260 section 3.3.10)."""

    name = "cause"
    fields_desc = [
        ShortEnumField("type", 13, CAUSES),
        FieldLenField("length", None, length_of="value", adjust=lambda _, x: x + 4),
        PadField(XStrLenField("value", b"", length_from=lambda packet: packet.length - 4), 4),
    ]


def _causes(kind: int, flags: list[Any]) -> list[Any]:
    length = FieldLenField("length", None, length_of="parameters", adjust=lambda _, x: x + 4)
    causes = PacketListField("parameters", [], Cause, length_from=lambda packet: max(0, padded(packet.length) - 4))
    return [*_head(kind, flags, length), causes]


_TAG_FLAG: Final = [BitField("reserved", 0, 7), BitField("reflected_tag", 0, 1)]


@_define_chunk(6, 4)
class Abort(_WithParameters):
    """RFC 9260 section 3.3.7; `parameters` are the error causes."""

    name = "ABORT"
    fields_desc = _causes(6, _TAG_FLAG)


@_define_chunk(9, 4)
class Error(_WithParameters):
    """RFC 9260 section 3.3.10; `parameters` are the error causes."""

    name = "ERROR"
    fields_desc = _causes(9, _NO_FLAGS)


@_define_chunk(7, 8)
class Shutdown(Chunk):
    """RFC 9260 section 3.3.8."""

    name = "SHUTDOWN"
    fields_desc = [*_head(7, _NO_FLAGS, ShortField("length", 8)), IntField("cumulative_tsn", 0)]


@_define_chunk(8, 4)
class ShutdownAck(Chunk):
    """RFC 9260 section 3.3.9."""

    name = "SHUTDOWN ACK"
    fields_desc = _head(8, _NO_FLAGS, ShortField("length", 4))


@_define_chunk(10, 4)
class CookieEcho(Chunk):
    """RFC 9260 section 3.3.11."""

    name = "COOKIE ECHO"
    fields_desc = [
        *_head(10, _NO_FLAGS, FieldLenField("length", None, length_of="cookie", adjust=lambda _, x: x + 4)),
        PadField(XStrLenField("cookie", b"", length_from=lambda packet: packet.length - 4), 4),
    ]


@_define_chunk(11, 4)
class CookieAck(Chunk):
    """RFC 9260 section 3.3.12."""

    name = "COOKIE ACK"
    fields_desc = _head(11, _NO_FLAGS, ShortField("length", 4))


@_define_chunk(14, 4)
class ShutdownComplete(Chunk):
    """RFC 9260 section 3.3.13."""

    name = "SHUTDOWN COMPLETE"
    fields_desc = _head(14, _TAG_FLAG, ShortField("length", 4))


@_define_chunk(130, 4)
class ReConfig(_WithParameters):
    """RFC 6525 section 3.1."""

    name = "RE-CONFIG"
    fields_desc = _with_parameters(130)


class Skipped(Element):
    """A stream and its last skipped SSN (RFC 3758)."""

    name = "skipped"
    fields_desc = [ShortField("stream", 0), ShortField("ssn", 0)]


@_define_chunk(192, 8)
class ForwardTsn(Chunk):
    """RFC 3758 section 3.2."""

    name = "FORWARD TSN"
    fields_desc = [
        *_head(192, _NO_FLAGS, FieldLenField("length", None, length_of="skipped", adjust=lambda _, x: x + 8)),
        IntField("cumulative_tsn", 0),
        PacketListField("skipped", [], Skipped, length_from=lambda packet: packet.length - 8),
    ]


class SkippedMessage(Element):
    """A stream and its last skipped message identifier (RFC 8260)."""

    name = "skipped message"
    fields_desc = [
        ShortField("stream", 0),
        BitField("reserved", 0, 15),
        BitField("unordered", 0, 1),
        IntField("mid", 0),
    ]


@_define_chunk(194, 8)
class IForwardTsn(Chunk):
    """RFC 8260 section 2.3.1."""

    name = "I-FORWARD-TSN"
    fields_desc = [
        *_head(194, _NO_FLAGS, FieldLenField("length", None, length_of="skipped", adjust=lambda _, x: x + 8)),
        IntField("cumulative_tsn", 0),
        PacketListField("skipped", [], SkippedMessage, length_from=lambda packet: packet.length - 8),
    ]


def _chunk_class(_: Any, __: list[Any], ___: Any, remaining: bytes) -> type[Packet] | None:
    if len(remaining) < 4:
        return Chunk if remaining else None
    length = struct.unpack_from("!H", remaining, 2)[0]
    defined, smallest = _CHUNKS.get(remaining[0], (Chunk, 0))
    return defined if smallest <= length <= len(remaining) else Chunk


class SCTP(Packet):
    """A packet: common header and chunks. A checksum of None is computed when built."""

    name = "SCTP"
    fields_desc = [
        ShortField("source_port", 5000),
        ShortField("destination_port", 5000),
        XIntField("tag", 0),
        XIntField("checksum", None),
        PacketListField("chunks", [], next_cls_cb=_chunk_class),
    ]

    def find(self, kind: type[Chunk]) -> Any:
        return next((each for each in self.chunks if isinstance(each, kind)), None)

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        pkt += pay
        if self.checksum is None:
            pkt = pkt[:8] + _checksum(pkt) + pkt[12:]
        return pkt


def _checksum(packet: bytes) -> bytes:
    return struct.pack("<I", google_crc32c.value(packet[:8] + bytes(4) + packet[12:]))


def checksum_is_valid(packet: bytes) -> bool:
    """RFC 9260 section 6.8."""
    return packet[8:12] == _checksum(packet)


def split(packet: bytes) -> list[bytes]:
    """The chunks of a packet as bytes, padding and all, without dissecting them."""
    chunks: list[bytes] = []
    position = 12
    while position + 4 <= len(packet):
        size = padded(max(4, struct.unpack_from("!H", packet, position + 2)[0]))
        chunks.append(packet[position : position + size])
        position += size
    return chunks


def chunk(data: bytes) -> Any:
    """One chunk, dissected."""
    return read(_chunk_class(None, [], None, data) or Chunk, data)
