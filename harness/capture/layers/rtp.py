"""RTP (RFC 3550) with header extensions (RFC 8285) as a scapy layer."""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

import struct
from typing import Any, Final

from scapy.fields import (
    BitField,
    BitFieldLenField,
    ByteField,
    ConditionalField,
    FieldLenField,
    FieldListField,
    IntField,
    PacketListField,
    ShortField,
    XIntField,
    XShortField,
    XStrField,
    XStrLenField,
)
from scapy.packet import Packet

from harness.capture.layers.base import Element

__all__ = [
    "ONE_BYTE",
    "RTP",
    "TWO_BYTES",
    "ExtensionData",
    "OneByteElement",
    "Padding",
    "TwoByteElement",
    "header_size",
]

ONE_BYTE: Final = 0xBEDE
TWO_BYTES: Final = 0x1000
_FIXED: Final = 12
_STOP: Final = 15


class OneByteElement(Element):
    """RFC 8285 section 4.2; `size` is one less than the number of data bytes."""

    name = "header extension"
    fields_desc = [
        BitField("id", 1, 4),
        BitFieldLenField("size", None, 4, length_of="data", adjust=lambda _, x: x - 1),
        XStrLenField("data", b"\0", length_from=lambda packet: packet.size + 1),
    ]


class TwoByteElement(Element):
    """RFC 8285 section 4.3."""

    name = "header extension"
    fields_desc = [
        ByteField("id", 1),
        FieldLenField("size", None, length_of="data", fmt="B"),
        XStrLenField("data", b"", length_from=lambda packet: packet.size),
    ]


class Padding(Element):
    """One zero byte between or after elements."""

    name = "padding"
    fields_desc = [ByteField("zero", 0)]


class ExtensionData(Element):
    """A header extension of another form, or what follows an element that stops the parsing."""

    name = "extension data"
    makeshift = True
    fields_desc = [XStrField("data", b"")]


def _element_class(packet: Any, _: list[Any], __: Any, remaining: bytes) -> type[Packet] | None:
    if not remaining:
        return None
    if packet.profile == ONE_BYTE:
        if remaining[0] == 0:
            return Padding
        whole = len(remaining) >= (remaining[0] & 0x0F) + 2
        return OneByteElement if remaining[0] >> 4 not in (0, _STOP) and whole else ExtensionData
    if packet.profile & 0xFFF0 == TWO_BYTES:
        if remaining[0] == 0:
            return Padding
        whole = len(remaining) >= 2 and len(remaining) >= remaining[1] + 2
        return TwoByteElement if whole else ExtensionData
    return ExtensionData


class RTP(Packet):
    """A packet in clear, or one whose payload (`data`) is sealed: the header looks the same.

    `elements` are the header extension's; `words` its length in 32-bit words, computed and padded for when None.
    """

    name = "RTP"
    fields_desc = [
        BitField("version", 2, 2),
        BitField("padding", 0, 1),
        BitField("extension", 0, 1),
        BitFieldLenField("csrc_count", None, 4, count_of="csrcs"),
        BitField("marker", 0, 1),
        BitField("payload_type", 0, 7),
        ShortField("sequence", 0),
        IntField("timestamp", 0),
        XIntField("ssrc", 0),
        FieldListField("csrcs", [], XIntField("", 0), count_from=lambda packet: packet.csrc_count),
        ConditionalField(XShortField("profile", ONE_BYTE), lambda packet: packet.extension),
        ConditionalField(ShortField("words", None), lambda packet: packet.extension),
        ConditionalField(
            PacketListField("elements", [], next_cls_cb=_element_class, length_from=lambda packet: 4 * packet.words),
            lambda packet: packet.extension,
        ),
        XStrField("data", b""),
    ]

    def element(self, number: int) -> bytes | None:
        """The data of the first header extension element with this id, or None."""
        elements = self.elements if self.extension else []
        return next((bytes(each.data) for each in elements if getattr(each, "id", None) == number), None)

    @property
    def media(self) -> bytes:
        """The payload without the padding that a packet in clear may have at its end (RFC 3550 section 5.1)."""
        data = bytes(self.data)
        return data[: -data[-1]] if self.padding and data and 0 < data[-1] <= len(data) else data

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        if self.extension and self.words is None:
            start = _FIXED + 4 * len(self.csrcs) + 4
            size = sum(len(bytes(each)) for each in self.elements)
            filled = pkt[start : start + size] + bytes(-size % 4)
            length = struct.pack("!H", len(filled) // 4)
            pkt = pkt[: start - 2] + length + filled + pkt[start + size :]
        return pkt + pay


def header_size(packet: bytes) -> int | None:
    """The bytes before the payload, CSRCs and header extension included; None when the packet is too short for them."""
    if len(packet) < _FIXED:
        return None
    size = _FIXED + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if len(packet) < size + 4:
            return None
        size += 4 + 4 * struct.unpack_from("!H", packet, size + 2)[0]
    return size if size <= len(packet) else None
