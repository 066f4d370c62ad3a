"""One RTP stream that we send, with its RTX stream: numbers, counts, and what was sent lately."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from peer.rtp import statistics
from peer.rtp.clock import middle, ntp64
from peer.rtp.config import SendStream
from peer.rtp.maximum import Maximum
from peer.wire import rtcp, rtp

__all__ = ["History", "Outgoing", "Sent", "random32"]

MAX_HISTORY: Final = 2048
"""Packets kept for retransmission: four seconds at 5 Mbit/s."""
MAX_AGE: Final = 4.0
MAX_REQUESTERS: Final = 64
RESEND_AFTER: Final = 0.01
"""Seconds: a second request within a round trip, or this, repeats what is on its way already."""


def random32(entropy: Callable[[int], bytes], taken: Mapping[int, object] | None = None) -> int:
    """A random number of 32 bits, not zero and none of `taken`."""
    while True:
        number = int.from_bytes(entropy(4), "big")
        if number and (taken is None or number not in taken):
            return number


@dataclass(slots=True)
class Sent:
    """A packet as it was sent, when first and when last."""

    packet: rtp.Packet
    first: float
    last: float


class History:
    """The last packets by sequence number, bounded in number and age."""

    def __init__(self) -> None:
        self._packets: dict[int, Sent] = {}

    def add(self, packet: rtp.Packet, now: float) -> None:
        packets = self._packets
        packets.pop(packet.sequence_number, None)  # to stand at the end
        packets[packet.sequence_number] = Sent(packet, now, now)
        while len(packets) > MAX_HISTORY:
            del packets[next(iter(packets))]

    def take(self, number: int, now: float, round_trip_time: float) -> rtp.Packet | None:
        """The packet to send again; None when it is gone, or was sent again a moment ago."""
        sent = self._packets.get(number)
        if sent is None or now - sent.first > MAX_AGE:
            return None
        if sent.last > sent.first and now - sent.last < max(RESEND_AFTER, round_trip_time * 0.9):
            return None
        sent.last = now
        return sent.packet


@dataclass(slots=True)
class Flow:
    """What RTCP says of one SSRC: counts of RFC 3550 section 6.4.1, and the last packet's place in time."""

    ssrc: int
    sequence_number: int
    packets: int = 0
    octets: int = 0
    timestamp: int = 0
    sampled_at: float = 0.0
    """When `timestamp` was sampled, on `now`'s clock."""
    sent_at: float | None = None


class Outgoing:
    """One encoding's stream."""

    def __init__(self, config: SendStream, entropy: Callable[[int], bytes]) -> None:
        self.config = config
        self.clock_rate = 90000
        self.media = _flow(config.ssrc, entropy)
        self.rtx = None if config.rtx_ssrc is None else _flow(config.rtx_ssrc, entropy)
        self.history = History()
        self.statistics = statistics.Outbound(config.ssrc, config.rtx_ssrc, config.rid)
        self.last_fir: dict[int, int] = {}
        self.maximum = Maximum()

    @property
    def ssrc(self) -> int:
        return self.media.ssrc

    @property
    def ssrcs(self) -> tuple[int, ...]:
        return (self.media.ssrc,) if self.rtx is None else (self.media.ssrc, self.rtx.ssrc)

    def flow(self, ssrc: int) -> Flow:
        return self.rtx if self.rtx is not None and ssrc == self.rtx.ssrc else self.media

    def rename(self, old: int, new: int, entropy: Callable[[int], bytes]) -> None:
        """RFC 3550 section 8.2: another SSRC, with numbers of its own; what was sent under the old one is gone."""
        if self.rtx is not None and old == self.rtx.ssrc:
            self.rtx = _flow(new, entropy)
            self.config = replace(self.config, rtx_ssrc=new)
            self.statistics.rtx_ssrc = new
            return
        self.media = _flow(new, entropy)
        self.history = History()
        self.config = replace(self.config, ssrc=new)
        self.statistics = statistics.Outbound(new, self.config.rtx_ssrc, self.config.rid)

    def reconfigure(self, config: SendStream, entropy: Callable[[int], bytes]) -> None:
        """The same SSRC with another rid, format or RTX SSRC."""
        if config.rtx_ssrc != self.config.rtx_ssrc:
            self.rtx = None if config.rtx_ssrc is None else _flow(config.rtx_ssrc, entropy)
        self.config = config
        self.statistics.rid, self.statistics.rtx_ssrc = config.rid, config.rtx_ssrc

    def sampled(self, timestamp: int, at: float, clock_rate: int) -> None:
        """A frame of this timestamp was sampled at that time."""
        self.media.timestamp, self.media.sampled_at, self.clock_rate = timestamp, at, clock_rate

    def timestamp_at(self, now: float) -> int:
        """The timestamp of this instant: it goes on from the last frame's at the clock's rate."""
        return (self.media.timestamp + round((now - self.media.sampled_at) * self.clock_rate)) & 0xFFFFFFFF

    def remember_fir(self, requester: int, command: int) -> None:
        self.last_fir[requester] = command
        while len(self.last_fir) > MAX_REQUESTERS:
            del self.last_fir[next(iter(self.last_fir))]

    def count(self, packet: rtp.Packet, size: int, queued_at: float, now: float, *, again: bool) -> None:
        """A packet leaves; `size` is that of the whole packet in clear, `queued_at` when it was ready."""
        flow, counters = self.flow(packet.ssrc), self.statistics
        payload = len(packet.payload)
        flow.packets += 1
        flow.octets += payload
        flow.sent_at = now
        counters.packets_sent += 1
        counters.bytes_sent += payload
        counters.header_bytes_sent += size - payload
        if again:
            counters.retransmitted_packets_sent += 1
            counters.retransmitted_bytes_sent += payload
        else:
            counters.total_packet_send_delay += now - queued_at

    def sender_report(
        self, flow: Flow, now: float, ntp_offset: float, blocks: tuple[rtcp.ReportBlock, ...] = ()
    ) -> rtcp.SenderReport:
        """NTP and RTP time of this instant."""
        return rtcp.SenderReport(
            flow.ssrc,
            ntp64(now + ntp_offset),
            self.timestamp_at(now),
            flow.packets & 0xFFFFFFFF,
            flow.octets & 0xFFFFFFFF,
            blocks,
        )

    def reported(self, block: rtcp.ReportBlock, now: float, ntp_offset: float) -> float | None:
        """A report block about the media SSRC; the round trip it shows, in seconds, if it does."""
        remote = self.statistics.remote = self.statistics.remote or statistics.RemoteInbound()
        remote.received_at = now
        remote.packets_lost = block.packets_lost
        remote.fraction_lost = block.fraction_lost / 256
        remote.jitter = block.jitter / self.clock_rate
        remote.packets_received = max(self.media.packets - max(block.packets_lost, 0), 0)
        if not block.lsr:
            return None
        taken = (middle(now + ntp_offset) - block.lsr - block.dlsr) & 0xFFFFFFFF
        if taken > 0x7FFFFFFF:  # the clocks' grains: no time at all
            taken = 0
        if taken > 60 << 16:
            return None
        remote.measured(taken / 65536)
        return remote.round_trip_time


def _flow(ssrc: int, entropy: Callable[[int], bytes]) -> Flow:
    # RFC 3711 section 3.3.1: below 2^15, so that losing the first packets can't be taken for a roll-over.
    return Flow(ssrc, int.from_bytes(entropy(2), "big") & 0x7FFF)
