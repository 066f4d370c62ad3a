"""One RTP stream that we receive: its counts, its clock, its jitter buffer."""

from __future__ import annotations

from peer.rtp import statistics
from peer.rtp.clock import Clock, distance16, seconds
from peer.rtp.config import Codec
from peer.rtp.dependency import Structure
from peer.rtp.events import EndReason
from peer.rtp.fec import Recovery
from peer.rtp.jitter import FrameBuffer
from peer.rtp.playout import Playout
from peer.rtp.reception import Reception
from peer.rtp.tones import Tones
from peer.wire import rtcp

__all__ = ["Incoming", "Repair"]


class Repair:
    """An RTX or FEC stream: counts for RTCP, and the media stream it repairs, once that is known."""

    def __init__(self, ssrc: int, clock_rate: int, rid: str | None) -> None:
        self.ssrc = ssrc
        self.rid = rid
        self.reception = Reception(clock_rate)
        self.repaired: int | None = None


class Incoming:
    """A media stream. `needs_key_frame`: nothing can be decoded until one comes."""

    def __init__(self, ssrc: int, codec: Codec, rid: str | None, *, video: bool) -> None:
        self.ssrc = ssrc
        self.rid = rid
        self.codec = codec
        self.reception = Reception(codec.clock_rate)
        self.clock = Clock(codec.clock_rate)
        self.playout = Playout(codec.clock_rate)
        self.buffer = FrameBuffer(video=video)
        self.tones = Tones()
        self.statistics = statistics.Inbound(ssrc, rid)
        self.video = video
        self.needs_key_frame = video
        self.key_frame_requested_at: float | None = None
        self.fir_command = 0
        self.last_timestamp: int | None = None
        self.frame_duration = 0
        self.gap_packets = 0
        self.ended: EndReason | None = None
        self.recovery: Recovery | None = None
        self.structure: Structure | None = None

    def use(self, codec: Codec) -> None:
        """The codec changed in mid-stream: another clock counts from now on."""
        if codec.clock_rate != self.codec.clock_rate:
            self.clock, self.playout = Clock(codec.clock_rate), Playout(codec.clock_rate)
            self.reception.clock_rate = codec.clock_rate
        self.codec = codec
        self.last_timestamp, self.frame_duration = None, 0

    def begin_anew(self) -> None:
        """The sequence numbers go on elsewhere."""
        self.buffer.reset()
        self.recovery = None
        self.needs_key_frame = self.video

    def near(self, number: int) -> int:
        """A sequence number extended: the closest to the highest one received."""
        return self.reception.highest + distance16(number, self.reception.highest & 0xFFFF)

    def reported(self, report: rtcp.SenderReport, now: float) -> None:
        """A sender report of this SSRC."""
        ntp = seconds(report.ntp)
        if report.ntp:  # RFC 3550 section 6.4.1: zero where the sender has no clock
            self.clock.report(ntp, report.rtp_timestamp)
        self.reception.reported(report.ntp, now)
        remote = self.statistics.remote = self.statistics.remote or statistics.RemoteOutbound()
        remote.received_at, remote.remote_time = now, ntp
        remote.packets_sent, remote.bytes_sent = report.packet_count, report.octet_count
        remote.reports_sent += 1

    def round_trip(self, taken: float) -> None:
        """What a DLRR block shows (RFC 3611 section 4.5)."""
        remote = self.statistics.remote
        if remote is not None:
            remote.measured(taken)

    def update_statistics(self) -> None:
        """What is computed, not counted."""
        self.statistics.packets_lost = self.reception.lost
        self.statistics.jitter = self.reception.jitter
