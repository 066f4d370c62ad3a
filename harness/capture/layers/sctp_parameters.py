"""The parameters of SCTP chunks (RFC 9260 section 3.2.1, RFC 6525, RFC 8261, RFC 9653) as scapy layers."""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

import struct
from typing import Any, Final

from scapy.fields import (
    ByteEnumField,
    FieldLenField,
    FieldListField,
    IntEnumField,
    IntField,
    PacketListField,
    PadField,
    ShortEnumField,
    ShortField,
    XIntField,
    XStrLenField,
)
from scapy.packet import Packet

from harness.capture.layers.base import Element, define

__all__ = [
    "CHUNK_TYPES",
    "RESET_RESULTS",
    "AddIncomingStreams",
    "AddOutgoingStreams",
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
    "padded",
    "parameters_field",
]

CHUNK_TYPES: Final = {
    0: "DATA",
    1: "INIT",
    2: "INIT ACK",
    3: "SACK",
    4: "HEARTBEAT",
    5: "HEARTBEAT ACK",
    6: "ABORT",
    7: "SHUTDOWN",
    8: "SHUTDOWN ACK",
    9: "ERROR",
    10: "COOKIE ECHO",
    11: "COOKIE ACK",
    12: "ECNE",
    13: "CWR",
    14: "SHUTDOWN COMPLETE",
    15: "AUTH",
    64: "I-DATA",
    128: "ASCONF-ACK",
    130: "RE-CONFIG",
    132: "PAD",
    192: "FORWARD TSN",
    193: "ASCONF",
    194: "I-FORWARD-TSN",
}
RESET_RESULTS: Final = {
    0: "Success - Nothing to do",
    1: "Success - Performed",
    2: "Denied",
    3: "Error - Wrong SSN",
    4: "Error - Request already in progress",
    5: "Error - Bad Sequence Number",
    6: "In progress",
}
_PARAMETER_NAMES: Final = {
    1: "Heartbeat Info",
    5: "IPv4 Address",
    6: "IPv6 Address",
    7: "State Cookie",
    8: "Unrecognized Parameter",
    9: "Cookie Preservative",
    11: "Host Name Address",
    12: "Supported Address Types",
    13: "Outgoing SSN Reset Request",
    14: "Incoming SSN Reset Request",
    15: "SSN/TSN Reset Request",
    16: "Re-configuration Response",
    17: "Add Outgoing Streams Request",
    18: "Add Incoming Streams Request",
    0x8000: "ECN Capable",
    0x8001: "Zero Checksum Acceptable",
    0x8002: "Random",
    0x8003: "Chunk List",
    0x8004: "Requested HMAC Algorithm",
    0x8008: "Supported Extensions",
    0xC000: "Forward-TSN-Supported",
}


class Parameter(Element):
    """A type-length-value, padded to four bytes; the length counts the header, not the padding."""

    name = "parameter"
    fields_desc = [
        ShortEnumField("type", 0, _PARAMETER_NAMES),
        FieldLenField("length", None, length_of="value", adjust=lambda _, x: x + 4),
        PadField(XStrLenField("value", b"", length_from=lambda packet: packet.length - 4), 4),
    ]


def _define_parameter(
    kind: int, identifier: str, fields: list[Any], fixed: int, variable: str | None = None
) -> type[Parameter]:
    """A parameter with `fixed` bytes of value and, after them, the field called `variable`."""
    length: Any = ShortField("length", 4 + fixed)
    if variable is not None:
        length = FieldLenField("length", None, length_of=variable, adjust=lambda _, x: x + 4 + fixed)
    described = [ShortEnumField("type", kind, _PARAMETER_NAMES), length, *fields]
    defined: type[Parameter] = define(Parameter, identifier, _PARAMETER_NAMES[kind], described, __module__=__name__)
    _PARAMETERS[kind] = (defined, fixed, variable is not None)
    return defined


_PARAMETERS: dict[int, tuple[type[Parameter], int, bool]] = {}


def _streams(fixed: int) -> list[Any]:
    return [
        PadField(
            FieldListField("streams", [], ShortField("", 0), length_from=lambda packet: packet.length - 4 - fixed), 4
        )
    ]


StateCookie = _define_parameter(
    7,
    "StateCookie",
    [PadField(XStrLenField("cookie", b"", length_from=lambda packet: packet.length - 4), 4)],
    0,
    "cookie",
)
OutgoingReset = _define_parameter(
    13,
    "OutgoingReset",
    [XIntField("request", 0), XIntField("response", 0), XIntField("last_tsn", 0), *_streams(12)],
    12,
    "streams",
)
IncomingReset = _define_parameter(14, "IncomingReset", [XIntField("request", 0), *_streams(4)], 4, "streams")
TsnReset = _define_parameter(15, "TsnReset", [XIntField("request", 0)], 4)
ReconfigResponse = _define_parameter(
    16, "ReconfigResponse", [XIntField("response", 0), IntEnumField("result", 1, RESET_RESULTS)], 8
)
AddOutgoingStreams = _define_parameter(
    17, "AddOutgoingStreams", [XIntField("request", 0), ShortField("count", 0), ShortField("reserved", 0)], 8
)
AddIncomingStreams = _define_parameter(
    18, "AddIncomingStreams", [XIntField("request", 0), ShortField("count", 0), ShortField("reserved", 0)], 8
)
EcnCapable = _define_parameter(0x8000, "EcnCapable", [], 0)
ZeroChecksum = _define_parameter(0x8001, "ZeroChecksum", [IntField("method", 1)], 4)
SupportedExtensions = _define_parameter(
    0x8008,
    "SupportedExtensions",
    [
        PadField(
            FieldListField(
                "chunk_types", [], ByteEnumField("", 0, CHUNK_TYPES), length_from=lambda packet: packet.length - 4
            ),
            4,
        )
    ],
    0,
    "chunk_types",
)
ForwardTsnSupported = _define_parameter(0xC000, "ForwardTsnSupported", [], 0)


def _parameter_class(_: Any, __: list[Any], ___: Any, remaining: bytes) -> type[Packet] | None:
    if not remaining:
        return None
    if len(remaining) < 4:
        return Parameter
    kind, length = struct.unpack_from("!HH", remaining)
    known = _PARAMETERS.get(kind)
    if known is None or length > len(remaining):
        return Parameter
    defined, fixed, varies = known
    fits = length >= 4 + fixed if varies else length == 4 + fixed
    return defined if fits else Parameter


def parameters_field(header: int) -> PacketListField:
    return PacketListField(
        "parameters",
        [],
        next_cls_cb=_parameter_class,
        length_from=lambda packet: max(0, padded(packet.length) - header),
    )


def padded(length: int) -> int:
    """A length with the padding to four bytes that follows."""
    return length + 3 & ~3
