"""What may be sent: the sender-side estimate."""

from __future__ import annotations

from peer.wire import rtcp

__all__ = ["Estimator"]


class Estimator:
    """`target` in bit/s."""

    def __init__(self, start: int, minimum: int, maximum: int) -> None:
        self._estimate, self._minimum, self._maximum = start, minimum, maximum
        self._remb: int | None = None

    @property
    def target(self) -> int:
        limit = self._maximum if self._remb is None else min(self._maximum, self._remb)
        return max(self._minimum, min(self._estimate, limit))

    def sent(self, number: int, size: int, now: float) -> None:
        """A packet with this transport-wide number leaves."""

    def feedback(self, message: rtcp.TransportFeedback, now: float) -> None:
        """Transport-wide feedback came."""

    def limited(self, remb: int, now: float) -> None:
        """REMB came."""
        self._remb = remb

    def reported_loss(self, ssrc: int, fraction: float, round_trip_time: float | None, now: float) -> None:
        """A report block about one of our streams."""
