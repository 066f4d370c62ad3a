"""The Data Channel Establishment Protocol (RFC 8832) as scapy layers."""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

from typing import Any, Final

from scapy.fields import ByteEnumField, FieldLenField, IntField, ShortField, StrLenField, XStrLenField

from harness.capture.layers.base import Element, read

__all__ = ["CHANNEL_TYPES", "DCEP", "PPID", "DataChannelAck", "DataChannelOpen", "dissect"]

PPID: Final = 50
CHANNEL_TYPES: Final = {
    0x00: "reliable",
    0x80: "reliable unordered",
    0x01: "max retransmits",
    0x81: "max retransmits unordered",
    0x02: "max lifetime",
    0x82: "max lifetime unordered",
}
_TYPES: Final = {2: "DATA_CHANNEL_ACK", 3: "DATA_CHANNEL_OPEN"}


class DCEP(Element):
    """A message of another type."""

    name = "DCEP"
    makeshift = True
    fields_desc = [ByteEnumField("type", 0, _TYPES), XStrLenField("body", b"")]


class DataChannelAck(Element):
    """RFC 8832 section 5.2."""

    name = "DATA_CHANNEL_ACK"
    fields_desc = [ByteEnumField("type", 2, _TYPES)]


class DataChannelOpen(Element):
    """RFC 8832 section 5.1; label and protocol are UTF-8."""

    name = "DATA_CHANNEL_OPEN"
    fields_desc = [
        ByteEnumField("type", 3, _TYPES),
        ByteEnumField("channel_type", 0, CHANNEL_TYPES),
        ShortField("priority", 256),
        IntField("reliability", 0),
        FieldLenField("label_length", None, length_of="label"),
        FieldLenField("protocol_length", None, length_of="protocol"),
        StrLenField("label", b"", length_from=lambda packet: packet.label_length),
        StrLenField("protocol", b"", length_from=lambda packet: packet.protocol_length),
    ]


def dissect(data: bytes) -> Any:
    """The message in a user message with PPID 50. What doesn't fit is a plain `DCEP`."""
    if data == b"\x02":
        return read(DataChannelAck, data)
    if len(data) >= 12 and data[0] == 3:
        label, protocol = int.from_bytes(data[8:10], "big"), int.from_bytes(data[10:12], "big")
        if 12 + label + protocol == len(data):
            return read(DataChannelOpen, data)
    return read(DCEP, data)


def text(value: Any) -> str:
    """A label or protocol as text; what isn't UTF-8 shows as escapes."""
    return bytes(value).decode("utf-8", "backslashreplace")
