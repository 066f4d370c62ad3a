"""RTCP feedback messages: transport layer (type 205) and payload specific (206).

NACK and PLI of RFC 4585, FIR, TMMBR and TMMBN of RFC 5104, congestion control feedback of RFC 8888, and the two that
browsers use without an RFC: transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) and REMB
(draft-alvestrand-rmcat-remb-03).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from peer.errors import DecodeError, LocalProtocolError
from peer.wire.rtcp_common import PSFB, RTPFB, frame

__all__ = [
    "ArrivalReport",
    "Congestion",
    "FullIntraRequest",
    "MaximumNotification",
    "MaximumRate",
    "MaximumRequest",
    "Nack",
    "PictureLoss",
    "Remb",
    "TransportFeedback",
    "parse_payload_feedback",
    "parse_transport_feedback",
]

NACK_FORMAT, TMMBR_FORMAT, TMMBN_FORMAT, CONGESTION_FORMAT, TRANSPORT_WIDE_FORMAT = 1, 3, 4, 11, 15
PLI_FORMAT, FIR_FORMAT, APPLICATION_FORMAT = 1, 4, 15
REMB_NAME = b"REMB"

_SSRCS = struct.Struct("!LL")
_WIDE = struct.Struct("!HHL")


@dataclass(frozen=True, slots=True)
class Nack:
    """RFC 4585 section 6.2.1: the sequence numbers that are missed, in the order of the message."""

    ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]

    def serialize(self) -> bytes:
        entries: list[tuple[int, int]] = []
        for number in self.lost:
            ahead = (number - entries[-1][0]) & 0xFFFF if entries else 0
            if 1 <= ahead <= 16:
                entries[-1] = entries[-1][0], entries[-1][1] | 1 << ahead - 1
            else:
                entries.append((number, 0))
        body = b"".join(struct.pack("!HH", *entry) for entry in entries)
        return frame(RTPFB, NACK_FORMAT, _SSRCS.pack(self.ssrc, self.media_ssrc) + body)


@dataclass(frozen=True, slots=True)
class MaximumRate:
    """An entry of TMMBR or TMMBN (RFC 5104 section 4.2.1.1): `bitrate` in bit/s, rounded down to 17 bits, `overhead` in
    bytes a packet. `ssrc` is the stream's in a request, the owner's in a notification.
    """

    ssrc: int
    bitrate: int
    overhead: int = 0

    def serialize(self) -> bytes:
        exponent = max(self.bitrate.bit_length() - 17, 0)
        return struct.pack("!LL", self.ssrc, exponent << 26 | (self.bitrate >> exponent) << 9 | self.overhead & 0x1FF)


@dataclass(frozen=True, slots=True)
class MaximumRequest:
    """TMMBR, RFC 5104 section 4.2.1."""

    ssrc: int
    rates: tuple[MaximumRate, ...]

    def serialize(self) -> bytes:
        return frame(RTPFB, TMMBR_FORMAT, _SSRCS.pack(self.ssrc, 0) + b"".join(one.serialize() for one in self.rates))


@dataclass(frozen=True, slots=True)
class MaximumNotification:
    """TMMBN, RFC 5104 section 4.2.2: the bounding set."""

    ssrc: int
    rates: tuple[MaximumRate, ...]

    def serialize(self) -> bytes:
        return frame(RTPFB, TMMBN_FORMAT, _SSRCS.pack(self.ssrc, 0) + b"".join(one.serialize() for one in self.rates))


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Transport-wide congestion control feedback.

    `deltas` has an entry for each packet from `base` on: the time since the one before that arrived, in 250 us (the
    first one's since `reference_time`, which counts 64 ms), or None for a packet that did not arrive. `count` numbers
    the feedback.
    """

    ssrc: int
    media_ssrc: int
    base: int
    reference_time: int
    count: int
    deltas: tuple[int | None, ...]

    def serialize(self) -> bytes:
        """Raises `LocalProtocolError` for a delta that 16 bits don't hold."""
        symbols = [_symbol(delta) for delta in self.deltas]
        chunks = b"".join(_serialize_chunks(symbols))
        sizes = {1: 1, 2: 2}
        times = b"".join(
            delta.to_bytes(sizes[symbol], "big", signed=symbol == 2)
            for delta, symbol in zip(self.deltas, symbols, strict=True)
            if delta is not None
        )
        head = _WIDE.pack(self.base, len(self.deltas), (self.reference_time & 0xFFFFFF) << 8 | self.count)
        body = _SSRCS.pack(self.ssrc, self.media_ssrc) + head + chunks + times
        return frame(RTPFB, TRANSPORT_WIDE_FORMAT, body + bytes(-len(body) % 4))


def _symbol(delta: int | None) -> int:
    if delta is None:
        return 0
    if 0 <= delta <= 0xFF:
        return 1
    if -0x8000 <= delta <= 0x7FFF:
        return 2
    raise LocalProtocolError(f"a delta of {delta} x 250 us doesn't fit; begin a new feedback message")


def _serialize_chunks(symbols: list[int]) -> list[bytes]:
    chunks, at = [], 0
    while at < len(symbols):
        run = sum(1 for _ in takewhile(symbols[at].__eq__, symbols[at : at + 0x1FFF]))
        if run >= 7 or run == len(symbols) - at:
            chunks.append((symbols[at] << 13 | run).to_bytes(2, "big"))
            at += run
            continue
        word = 0xC000
        for place, symbol in enumerate(symbols[at : at + 7]):
            word |= symbol << 12 - 2 * place
        chunks.append(word.to_bytes(2, "big"))
        at += 7
    return chunks


@dataclass(frozen=True, slots=True)
class ArrivalReport:
    """RFC 8888 section 3.1 for one SSRC: `arrivals` from `begin` on, (ECN bits, offset in 1/1024 s) or None if lost."""

    ssrc: int
    begin: int
    arrivals: tuple[tuple[int, int] | None, ...]

    def serialize(self) -> bytes:
        words = [0 if one is None else 0x8000 | one[0] << 13 | one[1] for one in self.arrivals]
        body = struct.pack(f"!{len(words)}H", *words)
        return struct.pack("!LHH", self.ssrc, self.begin, len(words)) + body + bytes(-len(body) % 4)


@dataclass(frozen=True, slots=True)
class Congestion:
    """RFC 8888: RTCP congestion control feedback. `timestamp` is in 1/65536 s, the middle 32 bits of NTP time."""

    ssrc: int
    reports: tuple[ArrivalReport, ...]
    timestamp: int

    def serialize(self) -> bytes:
        body = b"".join(report.serialize() for report in self.reports)
        return frame(RTPFB, CONGESTION_FORMAT, self.ssrc.to_bytes(4, "big") + body + self.timestamp.to_bytes(4, "big"))


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """RFC 4585 section 6.3.1."""

    ssrc: int
    media_ssrc: int

    def serialize(self) -> bytes:
        return frame(PSFB, PLI_FORMAT, _SSRCS.pack(self.ssrc, self.media_ssrc))


@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    """RFC 5104 section 4.3.1: `requests` are (media SSRC, command sequence number)."""

    ssrc: int
    requests: tuple[tuple[int, int], ...]
    media_ssrc: int = 0

    def serialize(self) -> bytes:
        body = b"".join(struct.pack("!LBxxx", *request) for request in self.requests)
        return frame(PSFB, FIR_FORMAT, _SSRCS.pack(self.ssrc, self.media_ssrc) + body)


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver estimated maximum bit rate, in bit/s, for `ssrcs`. What is sent is rounded down to 18 bits."""

    ssrc: int
    bitrate: int
    ssrcs: tuple[int, ...]

    def serialize(self) -> bytes:
        exponent = max(self.bitrate.bit_length() - 18, 0)
        rate = (exponent << 18 | self.bitrate >> exponent).to_bytes(3, "big")
        ssrcs = struct.pack(f"!{len(self.ssrcs)}L", *self.ssrcs)
        body = REMB_NAME + bytes((len(self.ssrcs),)) + rate + ssrcs
        return frame(PSFB, APPLICATION_FORMAT, _SSRCS.pack(self.ssrc, 0) + body)


TransportMessage: TypeAlias = Nack | MaximumRequest | MaximumNotification | TransportFeedback | Congestion
PayloadMessage: TypeAlias = PictureLoss | FullIntraRequest | Remb


def parse_transport_feedback(form: int, body: bytes) -> TransportMessage | None:
    """The message in the body of a type 205 packet, None for a format we don't know; raises `DecodeError`."""
    read = _TRANSPORT.get(form)
    return read(*_pull_ssrcs(body), body[8:]) if read else None


def parse_payload_feedback(form: int, body: bytes) -> PayloadMessage | None:
    """The message in the body of a type 206 packet, None for a format we don't know; raises `DecodeError`."""
    read = _PAYLOAD.get(form)
    return read(*_pull_ssrcs(body), body[8:]) if read else None


def _pull_ssrcs(body: bytes) -> tuple[int, int]:
    if len(body) < 8:
        raise DecodeError("a feedback message has two SSRCs", offset=len(body))
    ssrc, media_ssrc = _SSRCS.unpack_from(body)
    return ssrc, media_ssrc


def _parse_nack(ssrc: int, media_ssrc: int, fci: bytes) -> Nack:
    lost: list[int] = []
    for first, mask in struct.iter_unpack("!HH", _whole(fci, 4)):
        lost.append(first)
        lost.extend((first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1)
    return Nack(ssrc, media_ssrc, tuple(lost))


def _parse_maxima(fci: bytes) -> tuple[MaximumRate, ...]:
    return tuple(
        MaximumRate(ssrc, (word >> 9 & 0x1FFFF) << (word >> 26), word & 0x1FF)
        for ssrc, word in struct.iter_unpack("!LL", _whole(fci, 8))
    )


def _parse_wide(ssrc: int, media_ssrc: int, fci: bytes) -> TransportFeedback:
    if len(fci) < _WIDE.size:
        raise DecodeError("transport-wide feedback without a header", offset=len(fci))
    base, wanted, word = _WIDE.unpack_from(fci)
    symbols, at = _pull_symbols(fci, _WIDE.size, wanted)
    deltas: list[int | None] = []
    for symbol in symbols:
        size = symbol if symbol < 3 else 0
        if at + size > len(fci):
            raise DecodeError("a receive delta doesn't fit", offset=at)
        deltas.append(int.from_bytes(fci[at : at + size], "big", signed=size == 2) if size else None)
        at += size
    reference = int.from_bytes((word >> 8).to_bytes(3, "big"), "big", signed=True)
    return TransportFeedback(ssrc, media_ssrc, base, reference, word & 0xFF, tuple(deltas))


def _pull_symbols(fci: bytes, at: int, wanted: int) -> tuple[list[int], int]:
    symbols: list[int] = []
    while len(symbols) < wanted:
        if at + 2 > len(fci):
            raise DecodeError(f"{wanted} packet statuses don't fit", offset=at)
        word, at = int.from_bytes(fci[at : at + 2], "big"), at + 2
        if not word & 0x8000:
            symbols += [word >> 13] * (word & 0x1FFF)
            if not word & 0x1FFF:
                raise DecodeError("a run of no packets", offset=at - 2)
        elif word & 0x4000:
            symbols += [word >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [word >> shift & 1 for shift in range(13, -1, -1)]
    return symbols[:wanted], at


def _parse_congestion(ssrc: int, media_ssrc: int, fci: bytes) -> Congestion:
    # There is no media SSRC in this message: the second word is the first report's SSRC.
    data = media_ssrc.to_bytes(4, "big") + fci
    reports, at = [], 0
    while at + 8 <= len(data) - 4:
        about, begin, count = struct.unpack_from("!LHH", data, at)
        size = 2 * count
        if at + 8 + size > len(data) - 4:
            raise DecodeError(f"{count} arrivals don't fit", offset=at)
        words = struct.unpack_from(f"!{count}H", data, at + 8)
        arrivals = tuple((word >> 13 & 3, word & 0x1FFF) if word & 0x8000 else None for word in words)
        reports.append(ArrivalReport(about, begin, arrivals))
        at += 8 + size + -size % 4
    if at != len(data) - 4:
        raise DecodeError("no report timestamp where it should be", offset=at)
    return Congestion(ssrc, tuple(reports), int.from_bytes(data[at:], "big"))


def _parse_fir(ssrc: int, media_ssrc: int, fci: bytes) -> FullIntraRequest:
    return FullIntraRequest(ssrc, tuple(struct.iter_unpack("!LBxxx", _whole(fci, 8))), media_ssrc)


def _parse_application(ssrc: int, media_ssrc: int, fci: bytes) -> Remb | None:
    if fci[:4] != REMB_NAME:
        return None
    if len(fci) < 8 or len(fci) < 8 + 4 * fci[4]:
        raise DecodeError("the SSRCs of a REMB don't fit", offset=len(fci))
    rate = int.from_bytes(fci[5:8], "big")
    ssrcs = struct.unpack_from(f"!{fci[4]}L", fci, 8)
    return Remb(ssrc, (rate & 0x3FFFF) << (rate >> 18), ssrcs)


def _whole(fci: bytes, size: int) -> bytes:
    if len(fci) % size:
        raise DecodeError(f"feedback entries have {size} bytes", offset=len(fci))
    return fci


_TRANSPORT: dict[int, Callable[[int, int, bytes], TransportMessage | None]] = {
    NACK_FORMAT: _parse_nack,
    TMMBR_FORMAT: lambda ssrc, _, fci: MaximumRequest(ssrc, _parse_maxima(fci)),
    TMMBN_FORMAT: lambda ssrc, _, fci: MaximumNotification(ssrc, _parse_maxima(fci)),
    CONGESTION_FORMAT: _parse_congestion,
    TRANSPORT_WIDE_FORMAT: _parse_wide,
}
_PAYLOAD: dict[int, Callable[[int, int, bytes], PayloadMessage | None]] = {
    PLI_FORMAT: lambda ssrc, media_ssrc, _: PictureLoss(ssrc, media_ssrc),
    FIR_FORMAT: _parse_fir,
    APPLICATION_FORMAT: _parse_application,
}
