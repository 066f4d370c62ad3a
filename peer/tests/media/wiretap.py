"""What a connection sent, packet by packet, in clear."""

from __future__ import annotations

from typing import Any

from peer.api import Seams
from peer.trace import Direction, Entry, Layer
from peer.wire import rtcp, rtp

__all__ = ["Wiretap"]


class Wiretap:
    """`Seams(trace=tap)`, or `tap.seams`."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, rtp.Packet]] = []
        self.control: list[tuple[float, rtcp.Packet]] = []
        self.received: list[tuple[float, rtp.Packet]] = []

    @property
    def seams(self) -> Seams:
        return Seams(trace=self)

    def __call__(self, entry: Any) -> None:
        if not isinstance(entry, Entry):
            return
        if entry.layer is Layer.RTP and entry.message is not None:
            if entry.direction is Direction.SENT:
                self.sent.append((entry.time, entry.message))
            elif entry.direction is Direction.RECEIVED:
                self.received.append((entry.time, entry.message))
        elif entry.layer is Layer.RTCP and entry.direction is Direction.SENT and entry.message is not None:
            self.control += [(entry.time, packet) for packet in entry.message]

    def of(self, payload_type: int) -> list[rtp.Packet]:
        """The RTP packets sent with a payload type."""
        return [packet for _, packet in self.sent if packet.payload_type == payload_type]
