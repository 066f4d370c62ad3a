"""RTP and RTCP packets. Headers of RTP are always seen; payloads and RTCP contents where the packet could be opened."""

from __future__ import annotations

from typing import Any

from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.layers import rtcp
from harness.capture.matcher import Matcher, fields

__all__ = [
    "bye",
    "compound",
    "feedback",
    "fir",
    "nack",
    "packet",
    "pli",
    "receiver_report",
    "remb",
    "report",
    "sender_report",
    "source_description",
    "transport_feedback",
    "unopened",
]


def packet(
    *,
    ssrc: int | None = None,
    payload_type: int | None = None,
    sequence: int | None = None,
    marker: bool | None = None,
    extension: int | None = None,
    opened: bool | None = None,
) -> Matcher:
    """An RTP packet. `extension` asks for a header extension element with this id, `opened` that SRTP was undone."""
    matcher = fields(
        "an RTP packet",
        Part.RTP,
        None if payload_type is None else {payload_type},
        {
            "ssrc": (ssrc, lambda packet: packet.ssrc),
            "sequence": (sequence, lambda packet: packet.sequence),
            "marker": (marker, lambda packet: bool(packet.marker)),
            f"has extension {extension}": (
                None if extension is None else True,
                lambda packet: packet.element(extension) is not None,
            ),
        },
    )
    if payload_type is not None:
        matcher = matcher.said(f"with payload type {payload_type}")
    return (
        matcher
        if opened is None
        else matcher.and_item(lambda item: item.opened is opened, "opened" if opened else "sealed")
    )


def unopened() -> Matcher:
    """An RTP or RTCP packet that no key of this recording opens: it may be in clear, or sealed with other keys."""

    def test(_: Frame, item: Item) -> bool:
        return not item.opened

    return Matcher("an RTP or RTCP packet that could not be opened", frozenset({Part.RTP, Part.RTCP}), test=test)


def compound() -> Matcher:
    """A whole compound RTCP packet; its scapy packet has `packets`."""
    return Matcher("a compound RTCP packet", frozenset({Part.RTCP}))


def report(packet_type: int | None = None) -> Matcher:
    """An RTCP packet inside a compound one, by its type (200 is a sender report)."""
    words = "an RTCP packet" if packet_type is None else f"an RTCP {rtcp.TYPES.get(packet_type, packet_type)}"
    return Matcher(words, frozenset({Part.RTCP_PACKET}), None if packet_type is None else frozenset({packet_type}))


def sender_report(*, ssrc: int | None = None) -> Matcher:
    return fields("an RTCP SR", Part.RTCP_PACKET, {200}, {"ssrc": (ssrc, lambda packet: packet.ssrc)})


def receiver_report(*, ssrc: int | None = None) -> Matcher:
    return fields("an RTCP RR", Part.RTCP_PACKET, {201}, {"ssrc": (ssrc, lambda packet: packet.ssrc)})


def source_description(*, cname: str | None = None) -> Matcher:
    """SDES; `cname` asks for a CNAME item with this text."""
    matcher = report(202)
    if cname is None:
        return matcher

    def has(packet: Any) -> bool:
        items = (item for _, several in packet.chunks for item in several)
        return any(item.fields.get("type") == 1 and bytes(item.text) == cname.encode() for item in items)

    return matcher.where(has, f"with CNAME {cname!r}")


def bye(*, ssrc: int | None = None) -> Matcher:
    """BYE, of this source where given."""
    matcher = report(203)
    return matcher if ssrc is None else matcher.where(lambda packet: ssrc in packet.sources, f"of SSRC {ssrc:#010x}")


def feedback(packet_type: int, message_type: int, *, media: int | None = None, sender: int | None = None) -> Matcher:
    """Feedback by type (205 or 206) and format; `media` is the SSRC it is about, `sender` that of its sender."""
    name = rtcp.name_of(bytes([0x80 | message_type, packet_type]))
    matcher = fields(
        f"an RTCP {name}",
        Part.RTCP_PACKET,
        {packet_type},
        {"media": (media, lambda packet: packet.media), "sender": (sender, lambda packet: packet.sender)},
    )
    return matcher.and_item(lambda item: item.data[0] & 0x1F == message_type, "")


def nack(*, media: int | None = None, lost: int | None = None) -> Matcher:
    """Generic NACK, for a packet with this sequence number where given."""
    matcher = feedback(205, 1, media=media)
    return matcher if lost is None else matcher.where(lambda packet: lost in packet.lost, f"for packet {lost}")


def transport_feedback() -> Matcher:
    """Transport-wide congestion control feedback."""
    return feedback(205, 15)


def pli(*, media: int | None = None) -> Matcher:
    """Picture Loss Indication."""
    return feedback(206, 1, media=media)


def fir() -> Matcher:
    """Full Intra Request."""
    return feedback(206, 4)


def remb() -> Matcher:
    """Receiver Estimated Maximum Bitrate."""
    return feedback(206, 15).where(lambda packet: isinstance(packet, rtcp.Remb), "with a bit rate")
