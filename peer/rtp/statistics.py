"""Counters, named as in W3C's text (webrtc-stats) but for the spelling. Times are on `now`'s clock, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Inbound", "Outbound", "RemoteInbound", "RemoteOutbound"]


@dataclass(slots=True)
class Remote:
    """A report of the other side, and the round trips that reports have shown."""

    received_at: float = 0.0
    round_trip_time: float | None = None
    total_round_trip_time: float = 0.0
    round_trip_time_measurements: int = 0

    def measured(self, seconds: float) -> None:
        """Another round trip."""
        self.round_trip_time = seconds
        self.total_round_trip_time += seconds
        self.round_trip_time_measurements += 1


@dataclass(slots=True)
class RemoteInbound(Remote):
    """What the other side's last report block says of a stream of ours."""

    packets_lost: int = 0
    fraction_lost: float = 0.0
    jitter: float = 0.0
    """Seconds."""
    packets_received: int = 0
    """Not on the wire: highest sequence number minus lost."""


@dataclass(slots=True)
class Outbound:
    """One RTP stream that we send. Bytes are payload, RTX's included; padding and headers are `header_bytes_sent`."""

    ssrc: int
    rtx_ssrc: int | None = None
    rid: str | None = None
    payload_type: int | None = None
    packets_sent: int = 0
    bytes_sent: int = 0
    header_bytes_sent: int = 0
    retransmitted_packets_sent: int = 0
    retransmitted_bytes_sent: int = 0
    total_packet_send_delay: float = 0.0
    frames_sent: int = 0
    key_frames_sent: int = 0
    huge_frames_sent: int = 0
    nack_count: int = 0
    pli_count: int = 0
    fir_count: int = 0
    remote: RemoteInbound | None = None


@dataclass(slots=True)
class RemoteOutbound(Remote):
    """What the other side's last sender report says of a stream we receive."""

    remote_time: float = 0.0
    """NTP time of the report, seconds since 1900."""
    packets_sent: int = 0
    bytes_sent: int = 0
    reports_sent: int = 0


@dataclass(slots=True)
class Inbound:
    """One RTP stream that we receive. Bytes are payload without padding; RTX and FEC are counted in."""

    ssrc: int
    rid: str | None = None
    payload_type: int | None = None
    rtx_ssrc: int | None = None
    fec_ssrc: int | None = None
    packets_received: int = 0
    bytes_received: int = 0
    header_bytes_received: int = 0
    packets_lost: int = 0
    packets_duplicated: int = 0
    packets_discarded: int = 0
    jitter: float = 0.0
    last_packet_received: float | None = None
    retransmitted_packets_received: int = 0
    retransmitted_bytes_received: int = 0
    fec_packets_received: int = 0
    fec_bytes_received: int = 0
    fec_packets_discarded: int = 0
    packets_recovered: int = 0
    nack_count: int = 0
    pli_count: int = 0
    fir_count: int = 0
    frames_received: int = 0
    frames_assembled_from_multiple_packets: int = 0
    total_assembly_time: float = 0.0
    key_frames_received: int = 0
    frames_dropped: int = 0
    audio_level: int | None = None
    """Of the last packet with the extension of RFC 6464, -dBov."""
    remote: RemoteOutbound | None = None
