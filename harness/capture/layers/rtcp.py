"""RTCP as scapy layers: reports (RFC 3550), feedback (RFC 4585, 5104), transport-wide congestion control, REMB, XR (RFC
3611).

`RTCP` is a compound packet: a list of the packets in it. A packet of a type or format not known here keeps its bytes.
"""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from scapy.fields import (
    BitField,
    ByteEnumField,
    ByteField,
    FieldLenField,
    FieldListField,
    IntField,
    LongField,
    PacketListField,
    ShortField,
    StrFixedLenField,
    StrLenField,
    ThreeBytesField,
    XByteField,
    XIntField,
    XShortField,
    XStrLenField,
)
from scapy.packet import Packet

from harness.capture.layers.base import Element, read

__all__ = ["RTCP", "TYPES", "Report", "arrivals", "name_of", "one", "split"]

TYPES: Final = {
    192: "FIR (RFC 2032)",
    193: "NACK (RFC 2032)",
    200: "SR",
    201: "RR",
    202: "SDES",
    203: "BYE",
    204: "APP",
    205: "RTPFB",
    206: "PSFB",
    207: "XR",
}
_FEEDBACK: Final = {
    (205, 1): "NACK",
    (205, 3): "TMMBR",
    (205, 4): "TMMBN",
    (205, 15): "transport-wide feedback",
    (206, 1): "PLI",
    (206, 2): "SLI",
    (206, 3): "RPSI",
    (206, 4): "FIR",
    (206, 15): "application layer feedback",
}
_HEADER: Final = 4


def _head(kind: int, count: str = "count", *, default: int | None = 0) -> list[Any]:
    return [
        BitField("version", 2, 2),
        BitField("padding", 0, 1),
        BitField(count, default, 5),
        ByteEnumField("type", kind, TYPES),
        ShortField("length", None),
    ]


def _body(packet: Any) -> int:
    """The bytes after the header."""
    return 4 * int(packet.length)


class Report(Element):
    """Any RTCP packet: the common header and `body`."""

    name = "RTCP"
    makeshift = True
    fields_desc = [*_head(0), XStrLenField("body", b"", length_from=_body)]
    counted: str | None = None

    @property
    def title(self) -> str:
        return name_of(bytes(self)[:2])

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        pkt += bytes(-len(pkt) % 4)
        if self.length is None:
            pkt = pkt[:2] + struct.pack("!H", len(pkt) // 4 - 1) + pkt[4:]
        if self.counted is not None and self.count is None:
            pkt = bytes([pkt[0] & 0xE0 | len(self.fields.get(self.counted, ()))]) + pkt[1:]
        return pkt + pay


class ReportBlock(Element):
    """RFC 3550 section 6.4.1."""

    name = "report block"
    fields_desc = [
        XIntField("ssrc", 0),
        ByteField("fraction_lost", 0),
        BitField("cumulative_lost", 0, 24),
        IntField("highest_sequence", 0),
        IntField("jitter", 0),
        XIntField("last_sr", 0),
        IntField("delay_since_last_sr", 0),
    ]


def _blocks() -> Any:
    return PacketListField("blocks", [], ReportBlock, count_from=lambda packet: packet.count)


class SenderReport(Report):
    """RFC 3550 section 6.4.1."""

    name = "RTCP SR"
    counted = "blocks"
    fields_desc = [
        *_head(200, default=None),
        XIntField("ssrc", 0),
        LongField("ntp", 0),
        IntField("rtp_timestamp", 0),
        IntField("packets", 0),
        IntField("octets", 0),
        _blocks(),
        XStrLenField("extensions", b"", length_from=lambda packet: _body(packet) - 24 - 24 * packet.count),
    ]


class ReceiverReport(Report):
    """RFC 3550 section 6.4.2."""

    name = "RTCP RR"
    counted = "blocks"
    fields_desc = [
        *_head(201, default=None),
        XIntField("ssrc", 0),
        _blocks(),
        XStrLenField("extensions", b"", length_from=lambda packet: _body(packet) - 4 - 24 * packet.count),
    ]


class DescriptionItem(Element):
    """RFC 3550 section 6.5; type 0 ends the list and has neither length nor text."""

    name = "SDES item"
    fields_desc = [
        ByteEnumField("type", 1, {1: "CNAME", 2: "NAME", 8: "PRIV", 15: "RtpStreamId", 16: "RepairedRtpStreamId"}),
        FieldLenField("length", None, length_of="text", fmt="B"),
        StrLenField("text", b"", length_from=lambda packet: packet.length),
    ]


class SourceDescription(Report):
    """RFC 3550 section 6.5. `chunks` gives (ssrc, items); `body` stays bytes: chunks are padded one by one."""

    name = "RTCP SDES"
    fields_desc = [*_head(202, default=1), XStrLenField("body", b"", length_from=_body)]

    @property
    def chunks(self) -> list[tuple[int, list[Any]]]:
        return list(_description_chunks(bytes(self.body)))

    @classmethod
    def of(cls, *chunks: tuple[int, list[DescriptionItem]]) -> SourceDescription:
        body = b""
        for ssrc, items in chunks:
            body += struct.pack("!I", ssrc) + b"".join(bytes(item) for item in items) + b"\0"
            body += bytes(-len(body) % 4)
        return cls(count=len(chunks), body=body)


def _description_chunks(body: bytes) -> Iterator[tuple[int, list[Any]]]:
    position = 0
    while position + 4 <= len(body):
        ssrc = struct.unpack_from("!I", body, position)[0]
        position += 4
        items: list[Any] = []
        while position + 2 <= len(body) and body[position]:
            end = position + 2 + body[position + 1]
            items.append(read(DescriptionItem, body[position:end]))
            position = end
        yield ssrc, items
        position = (position + 4) & ~3


class Bye(Report):
    """RFC 3550 section 6.6; `reason` is what follows the sources, its length byte first."""

    name = "RTCP BYE"
    counted = "sources"
    fields_desc = [
        *_head(203, default=None),
        FieldListField("sources", [], XIntField("", 0), count_from=lambda packet: packet.count),
        XStrLenField("reason", b"", length_from=lambda packet: _body(packet) - 4 * packet.count),
    ]


class Application(Report):
    """RFC 3550 section 6.7."""

    name = "RTCP APP"
    fields_desc = [
        *_head(204, "subtype"),
        XIntField("ssrc", 0),
        StrFixedLenField("identifier", b"name", 4),
        XStrLenField("data", b"", length_from=lambda packet: _body(packet) - 8),
    ]


def _feedback(kind: int, message_type: int) -> list[Any]:
    return [*_head(kind, "format", default=message_type), XIntField("sender", 0), XIntField("media", 0)]


class NackItem(Element):
    """RFC 4585 section 6.2.1: a lost packet and which of the 16 after it are lost too."""

    name = "NACK item"
    fields_desc = [ShortField("packet_id", 0), XShortField("bitmask", 0)]

    @property
    def lost(self) -> list[int]:
        following = [self.packet_id + 1 + bit & 0xFFFF for bit in range(16) if self.bitmask >> bit & 1]
        return [int(self.packet_id), *following]


class Nack(Report):
    """Generic NACK (RFC 4585 section 6.2.1)."""

    name = "RTCP NACK"
    fields_desc = [
        *_feedback(205, 1),
        PacketListField("items", [], NackItem, length_from=lambda packet: _body(packet) - 8),
    ]

    @property
    def lost(self) -> list[int]:
        return [number for item in self.items if isinstance(item, NackItem) for number in item.lost]


class BitrateItem(Element):
    """TMMBR / TMMBN entry (RFC 5104 section 4.2.1.1)."""

    name = "bit rate"
    fields_desc = [
        XIntField("ssrc", 0),
        BitField("exponent", 0, 6),
        BitField("mantissa", 0, 17),
        BitField("overhead", 0, 9),
    ]


class Tmmbr(Report):
    """RFC 5104 section 4.2.1."""

    name = "RTCP TMMBR"
    fields_desc = [
        *_feedback(205, 3),
        PacketListField("items", [], BitrateItem, length_from=lambda packet: _body(packet) - 8),
    ]


class Tmmbn(Report):
    """RFC 5104 section 4.2.2."""

    name = "RTCP TMMBN"
    fields_desc = [
        *_feedback(205, 4),
        PacketListField("items", [], BitrateItem, length_from=lambda packet: _body(packet) - 8),
    ]


class TransportFeedback(Report):
    """Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01); see `arrivals`."""

    name = "RTCP transport-wide feedback"
    fields_desc = [
        *_feedback(205, 15),
        ShortField("base_sequence", 0),
        ShortField("status_count", 0),
        BitField("reference_time", 0, 24),
        ByteField("feedback_count", 0),
        XStrLenField("body", b"", length_from=lambda packet: _body(packet) - 16),
    ]


def arrivals(feedback: TransportFeedback) -> list[tuple[int, int | None]]:
    """Transport sequence numbers with their arrival delta in 250 microsecond steps; None for a packet that didn't
    arrive.

    Stops early where the packet is too short for what it announces.
    """
    body = bytes(feedback.body)
    statuses: list[int] = []
    position = 0
    while len(statuses) < feedback.status_count and position + 2 <= len(body):
        statuses += _statuses(struct.unpack_from("!H", body, position)[0])
        position += 2
    result: list[tuple[int, int | None]] = []
    for index, status in enumerate(statuses[: feedback.status_count]):
        number = feedback.base_sequence + index & 0xFFFF
        size = {1: 1, 2: 2}.get(status, 0)
        if position + size > len(body):
            break
        delta = int.from_bytes(body[position : position + size], "big", signed=size == 2) if size else None
        result.append((number, delta))
        position += size
    return result


def _statuses(chunk: int) -> list[int]:
    """The packet statuses of one chunk: a run length, 14 single bits or 7 pairs of bits."""
    if not chunk & 0x8000:
        return [chunk >> 13 & 3] * (chunk & 0x1FFF)
    if not chunk & 0x4000:
        return [chunk >> bit & 1 for bit in range(13, -1, -1)]
    return [chunk >> bit & 3 for bit in range(12, -1, -2)]


class Pli(Report):
    """Picture Loss Indication (RFC 4585 section 6.3.1)."""

    name = "RTCP PLI"
    fields_desc = _feedback(206, 1)


class FirItem(Element):
    """RFC 5104 section 4.3.1.1."""

    name = "FIR item"
    fields_desc = [XIntField("ssrc", 0), ByteField("sequence", 0), ThreeBytesField("reserved", 0)]


class Fir(Report):
    """Full Intra Request (RFC 5104 section 4.3.1)."""

    name = "RTCP FIR"
    fields_desc = [
        *_feedback(206, 4),
        PacketListField("items", [], FirItem, length_from=lambda packet: _body(packet) - 8),
    ]


class Remb(Report):
    """Receiver Estimated Maximum Bitrate (draft-alvestrand-rmcat-remb-03)."""

    name = "RTCP REMB"
    fields_desc = [
        *_feedback(206, 15),
        StrFixedLenField("identifier", b"REMB", 4),
        FieldLenField("ssrc_count", None, count_of="ssrcs", fmt="B"),
        BitField("exponent", 0, 6),
        BitField("mantissa", 0, 18),
        FieldListField("ssrcs", [], XIntField("", 0), count_from=lambda packet: packet.ssrc_count),
    ]

    @property
    def bitrate(self) -> int:
        """Bits per second."""
        return int(self.mantissa) << int(self.exponent)


class ExtendedBlock(Element):
    """Any XR report block (RFC 3611 section 3); `words` counts the 32-bit words after the block's header."""

    name = "XR block"
    fields_desc = [
        ByteField("type", 0),
        XByteField("specific", 0),
        FieldLenField("words", None, length_of="content", adjust=lambda _, x: x // 4),
        XStrLenField("content", b"", length_from=lambda packet: 4 * packet.words),
    ]


class ReferenceTime(ExtendedBlock):
    """Receiver Reference Time (RFC 3611 section 4.4)."""

    name = "XR receiver reference time"
    fields_desc = [ByteField("type", 4), XByteField("specific", 0), ShortField("words", 2), LongField("ntp", 0)]


class DelayItem(Element):
    """RFC 3611 section 4.5."""

    name = "DLRR item"
    fields_desc = [XIntField("ssrc", 0), XIntField("last_rr", 0), IntField("delay", 0)]


class Delay(ExtendedBlock):
    """DLRR (RFC 3611 section 4.5)."""

    name = "XR DLRR"
    fields_desc = [
        ByteField("type", 5),
        XByteField("specific", 0),
        FieldLenField("words", None, length_of="items", adjust=lambda _, x: x // 4),
        PacketListField("items", [], DelayItem, length_from=lambda packet: 4 * packet.words),
    ]


def _extended_class(_: Any, __: list[Any], ___: Any, remaining: bytes) -> type[Packet] | None:
    if len(remaining) < 4:
        return ExtendedBlock if remaining else None
    words = struct.unpack_from("!H", remaining, 2)[0]
    if remaining[0] == 4 and words == 2:
        return ReferenceTime
    return Delay if remaining[0] == 5 and words % 3 == 0 and len(remaining) >= 4 + 4 * words else ExtendedBlock


class Extended(Report):
    """RFC 3611."""

    name = "RTCP XR"
    fields_desc = [
        *_head(207, "reserved"),
        XIntField("ssrc", 0),
        PacketListField("blocks", [], next_cls_cb=_extended_class, length_from=lambda packet: _body(packet) - 4),
    ]


# Type (and format) to class, and the least body that class needs: bytes fixed, bytes a counted item.
_BY_TYPE: Final[dict[int, tuple[type[Report], int, int]]] = {
    200: (SenderReport, 24, 24),
    201: (ReceiverReport, 4, 24),
    202: (SourceDescription, 0, 0),
    203: (Bye, 0, 4),
    204: (Application, 8, 0),
    207: (Extended, 4, 0),
}
_BY_FORMAT: Final[dict[tuple[int, int], tuple[type[Report], int, int]]] = {
    (205, 1): (Nack, 8, 0),
    (205, 3): (Tmmbr, 8, 0),
    (205, 4): (Tmmbn, 8, 0),
    (205, 15): (TransportFeedback, 16, 0),
    (206, 1): (Pli, 8, 0),
    (206, 4): (Fir, 8, 0),
    (206, 15): (Remb, 16, 0),
}


def _class_of(data: bytes) -> type[Report]:
    if len(data) < _HEADER:
        return Report
    count, kind = data[0] & 0x1F, data[1]
    size = 4 * struct.unpack_from("!H", data, 2)[0]
    known = _BY_TYPE.get(kind) or _BY_FORMAT.get((kind, count))
    if known is None or size + _HEADER > len(data):
        return Report
    defined, fixed, each = known
    if defined is Remb and (data[12:16] != b"REMB" or size != 16 + 4 * data[16]):
        return Report
    if defined is Pli and size != fixed:
        return Report
    return defined if size >= fixed + each * count else Report


def _report_class(_: Any, __: list[Any], ___: Any, remaining: bytes) -> type[Packet] | None:
    return _class_of(remaining) if remaining else None


class RTCP(Packet):
    """A compound packet."""

    name = "RTCP compound"
    fields_desc = [PacketListField("packets", [], next_cls_cb=_report_class)]

    def find(self, kind: type[Report]) -> Any:
        return next((each for each in self.packets if isinstance(each, kind)), None)


def split(compound: bytes) -> list[bytes]:
    """The packets of a compound packet as bytes. What is left over at the end is left out."""
    packets: list[bytes] = []
    position = 0
    while position + _HEADER <= len(compound):
        size = _HEADER + 4 * struct.unpack_from("!H", compound, position + 2)[0]
        if position + size > len(compound):
            break
        packets.append(compound[position : position + size])
        position += size
    return packets


def one(data: bytes) -> Any:
    """One packet of a compound, dissected."""
    return read(_class_of(data), data)


def name_of(data: bytes) -> str:
    """What a packet is called, by its first two bytes."""
    if len(data) < 2:
        return "RTCP"
    return _FEEDBACK.get((data[1], data[0] & 0x1F)) or TYPES.get(data[1], f"RTCP type {data[1]}")
