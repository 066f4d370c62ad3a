"""RTCP: RFC 3550 section 6, feedback of RFC 4585, 5104 and 8888, transport-wide feedback, REMB, XR of RFC 3611.

A datagram is a tuple of packets (`parse`, `serialize`). Every packet type has its dataclass; one that we don't know,
or whose body we can't read further, stays as `Unknown` with its bytes: RFC 3550 section 6.1 wants it ignored. The
framing itself (version, lengths, padding) is strict.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from peer.errors import DecodeError
from peer.wire.rtcp_common import APP, BYE, HEADER, PSFB, RR, RTPFB, SDES, SR, XR, frame
from peer.wire.rtcp_feedback import (
    ArrivalReport,
    Congestion,
    FullIntraRequest,
    MaximumNotification,
    MaximumRate,
    MaximumRequest,
    Nack,
    PictureLoss,
    Remb,
    TransportFeedback,
    parse_payload_feedback,
    parse_transport_feedback,
)
from peer.wire.rtcp_xr import ExtendedReport, parse_xr

__all__ = [
    "App",
    "ArrivalReport",
    "Bye",
    "Congestion",
    "ExtendedReport",
    "FullIntraRequest",
    "MaximumNotification",
    "MaximumRate",
    "MaximumRequest",
    "Nack",
    "Packet",
    "PictureLoss",
    "ReceiverReport",
    "Remb",
    "ReportBlock",
    "SenderReport",
    "SourceDescription",
    "TransportFeedback",
    "Unknown",
    "is_compound",
    "parse",
    "serialize",
]

CNAME = 1
TRANSPORT_WIDE = (15, RTPFB)
"""Format and packet type of transport-wide feedback."""

_BLOCK = struct.Struct("!LB3sLLLL")
_SENDER = struct.Struct("!LQLLL")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """RFC 3550 section 6.4.1. `fraction_lost` in 1/256, `jitter` in timestamp units, `dlsr` in 1/65536 s."""

    ssrc: int
    fraction_lost: int = 0
    packets_lost: int = 0
    highest_sequence_number: int = 0
    jitter: int = 0
    lsr: int = 0
    dlsr: int = 0

    def serialize(self) -> bytes:
        lost = (max(-(1 << 23), min(self.packets_lost, (1 << 23) - 1)) & 0xFFFFFF).to_bytes(3, "big")
        highest = self.highest_sequence_number
        return _BLOCK.pack(self.ssrc, self.fraction_lost, lost, highest, self.jitter, self.lsr, self.dlsr)


@dataclass(frozen=True, slots=True)
class SenderReport:
    """RFC 3550 section 6.4.1. `ntp` is the 64-bit NTP time."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()
    extension: bytes = b""

    def serialize(self) -> bytes:
        body = _SENDER.pack(self.ssrc, self.ntp, self.rtp_timestamp, self.packet_count, self.octet_count)
        return frame(SR, len(self.reports), body + _join(self.reports) + self.extension)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RFC 3550 section 6.4.2."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()
    extension: bytes = b""

    def serialize(self) -> bytes:
        return frame(RR, len(self.reports), self.ssrc.to_bytes(4, "big") + _join(self.reports) + self.extension)


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """RFC 3550 section 6.5: for each SSRC (or CSRC) its items as (type, text bytes)."""

    chunks: tuple[tuple[int, tuple[tuple[int, bytes], ...]], ...] = ()

    @classmethod
    def cname(cls, ssrc: int, name: str) -> SourceDescription:
        return cls(((ssrc, ((CNAME, name.encode()),)),))

    def serialize(self) -> bytes:
        parts = []
        for ssrc, items in self.chunks:
            text = b"".join(bytes((kind, len(value))) + value for kind, value in items)
            # At least one null ends the list, then up to the next word.
            parts.append(ssrc.to_bytes(4, "big") + text + bytes(4 - len(text) % 4))
        return frame(SDES, len(self.chunks), b"".join(parts))


@dataclass(frozen=True, slots=True)
class Bye:
    """RFC 3550 section 6.6. `reason` None when there is none."""

    ssrcs: tuple[int, ...] = ()
    reason: bytes | None = None

    def serialize(self) -> bytes:
        body = struct.pack(f"!{len(self.ssrcs)}L", *self.ssrcs)
        if self.reason is not None:
            text = bytes((len(self.reason),)) + self.reason
            body += text + bytes(-len(text) % 4)
        return frame(BYE, len(self.ssrcs), body)


@dataclass(frozen=True, slots=True)
class App:
    """RFC 3550 section 6.7."""

    subtype: int
    ssrc: int
    name: bytes
    data: bytes = b""

    def serialize(self) -> bytes:
        return frame(APP, self.subtype, self.ssrc.to_bytes(4, "big") + self.name + self.data)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A packet of another type, or a known one in a form that we can't read; `why` says what was wrong with it."""

    packet_type: int
    count: int
    body: bytes
    why: str = ""

    def serialize(self) -> bytes:
        return frame(self.packet_type, self.count, self.body)


Packet: TypeAlias = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Bye
    | App
    | Nack
    | MaximumRequest
    | MaximumNotification
    | TransportFeedback
    | Congestion
    | PictureLoss
    | FullIntraRequest
    | Remb
    | ExtendedReport
    | Unknown
)


def _join(blocks: Iterable[ReportBlock]) -> bytes:
    return b"".join(block.serialize() for block in blocks)


def serialize(packets: Iterable[Packet]) -> bytes:
    """The datagram."""
    return b"".join(packet.serialize() for packet in packets)


def is_compound(packets: tuple[Packet, ...]) -> bool:
    """Whether the datagram is a compound packet of RFC 3550 section 6.1, not a reduced-size one of RFC 5506."""
    return bool(packets) and isinstance(packets[0], SenderReport | ReceiverReport)


def parse(data: bytes) -> tuple[Packet, ...]:
    """All packets of a datagram; raises `DecodeError` when its framing is broken."""
    packets: list[Packet] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise DecodeError("an RTCP header has 4 bytes", offset=len(data))
        first, packet_type, words = HEADER.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2:
            raise DecodeError(f"RTCP version {first >> 6}", offset=at)
        if end > len(data):
            raise DecodeError(f"an RTCP packet of {words + 1} words doesn't fit", offset=at + 2)
        body = data[at + 4 : end]
        if first & 0x20:
            # RFC 3550 section 6.4.1: only the last packet of a compound is padded.
            if end != len(data) or not _is_padded(body, whole_words=(first & 0x1F, packet_type) != TRANSPORT_WIDE):
                raise DecodeError("bad RTCP padding", offset=end - 1)
            body = body[: -body[-1]]
        packets.append(_parse_one(packet_type, first & 0x1F, body))
        at = end
    if not packets:
        raise DecodeError("an empty RTCP datagram", offset=0)
    return tuple(packets)


def _is_padded(body: bytes, *, whole_words: bool) -> bool:
    """Transport-wide feedback pads its odd bytes to a word (its draft, section 3.1), all others by whole words."""
    return bool(body) and 0 < body[-1] <= len(body) and not (whole_words and body[-1] % 4)


def _parse_one(packet_type: int, count: int, body: bytes) -> Packet:
    read = _PARSERS.get(packet_type)
    if read is None:
        return Unknown(packet_type, count, body)
    try:
        return read(count, body) or Unknown(packet_type, count, body)
    except DecodeError as error:
        return Unknown(packet_type, count, body, why=str(error))


def _blocks(count: int, body: bytes, at: int) -> tuple[tuple[ReportBlock, ...], bytes]:
    end = at + count * _BLOCK.size
    if end > len(body):
        raise DecodeError(f"{count} report blocks don't fit", offset=len(body))
    blocks = []
    for start in range(at, end, _BLOCK.size):
        ssrc, fraction, lost, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, start)
        packets_lost = int.from_bytes(lost, "big", signed=True)
        blocks.append(ReportBlock(ssrc, fraction, packets_lost, highest, jitter, lsr, dlsr))
    return tuple(blocks), body[end:]


def _parse_sr(count: int, body: bytes) -> SenderReport:
    if len(body) < _SENDER.size:
        raise DecodeError("no sender information", offset=len(body))
    reports, extension = _blocks(count, body, _SENDER.size)
    ssrc, ntp, rtp_timestamp, packets, octets = _SENDER.unpack_from(body)
    return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, reports, extension)


def _parse_rr(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise DecodeError("no SSRC", offset=len(body))
    reports, extension = _blocks(count, body, 4)
    return ReceiverReport(int.from_bytes(body[:4], "big"), reports, extension)


def _parse_sdes(count: int, body: bytes) -> SourceDescription:
    chunks, at = [], 0
    for _ in range(count):
        if at + 4 > len(body):
            raise DecodeError("an SDES chunk doesn't fit", offset=at)
        ssrc, at = int.from_bytes(body[at : at + 4], "big"), at + 4
        items = []
        while at < len(body) and body[at]:
            if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
                raise DecodeError("an SDES item doesn't fit", offset=at)
            items.append((body[at], body[at + 2 : at + 2 + body[at + 1]]))
            at += 2 + body[at + 1]
        if at >= len(body):
            raise DecodeError("an SDES chunk has no end", offset=at)
        at += 4 - at % 4
        chunks.append((ssrc, tuple(items)))
    return SourceDescription(tuple(chunks))


def _parse_bye(count: int, body: bytes) -> Bye:
    end = 4 * count
    if end > len(body):
        raise DecodeError(f"{count} SSRCs don't fit", offset=len(body))
    reason = None
    if end < len(body):
        reason = body[end + 1 : end + 1 + body[end]]
        if len(reason) != body[end]:
            raise DecodeError("the reason doesn't fit", offset=end)
    return Bye(struct.unpack_from(f"!{count}L", body), reason)


def _parse_app(count: int, body: bytes) -> App:
    if len(body) < 8:
        raise DecodeError("no SSRC and name", offset=len(body))
    return App(count, int.from_bytes(body[:4], "big"), body[4:8], body[8:])


_PARSERS: dict[int, Callable[[int, bytes], Packet | None]] = {
    SR: _parse_sr,
    RR: _parse_rr,
    SDES: _parse_sdes,
    BYE: _parse_bye,
    APP: _parse_app,
    RTPFB: parse_transport_feedback,
    PSFB: parse_payload_feedback,
    XR: parse_xr,
}
