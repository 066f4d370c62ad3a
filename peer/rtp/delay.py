"""Does a queue build up on the way? The delay-based detector of Google congestion control.

draft-ietf-rmcat-gcc-02 sections 5.1 to 5.4, with a line fitted through the accumulated delay (instead of the draft's
Kalman filter) as the measure of how fast the one-way delay grows.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

__all__ = ["DelayDetector", "Usage"]

BURST: Final = 0.005
"""Packets sent within this time of each other are one group: pacing sends them together."""
WINDOW: Final = 20
"""Groups that the line is fitted through."""
SMOOTHING: Final = 0.9
GAIN: Final = 4.0
MAX_SAMPLES: Final = 60
OVERUSE_TIME: Final = 0.01
"""Seconds of a trend over the threshold before it counts."""
# The threshold adapts (section 5.4): fast up, so that a competing TCP flow doesn't starve us, slowly down.
START_THRESHOLD, MIN_THRESHOLD, MAX_THRESHOLD = 12.5, 6.0, 600.0
K_UP, K_DOWN = 0.0087, 0.039
OUTLIER: Final = 15.0


class Usage(Enum):
    """Of the path."""

    NORMAL = auto()
    OVER = auto()
    UNDER = auto()


@dataclass(slots=True)
class _Group:
    first_sent: float
    last_sent: float
    arrived: float


class DelayDetector:
    """Takes packets in the order of their sending, with the times on the two clocks (seconds)."""

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self._now: _Group | None = None
        self._before: _Group | None = None
        self._accumulated = self._smoothed = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._count = 0
        self._threshold = START_THRESHOLD
        self._updated: float | None = None
        self._over_for = 0.0
        self._last_trend = 0.0

    def packet(self, sent: float, arrived: float) -> None:
        """A packet arrived."""
        group = self._now
        if group is None:
            self._now = _Group(sent, sent, arrived)
        elif sent < group.first_sent:
            return  # overtaken: it belongs to a group that is closed
        elif sent - group.first_sent <= BURST:
            group.last_sent = max(group.last_sent, sent)
            group.arrived = max(group.arrived, arrived)
        else:
            if self._before is not None:
                self._compare(self._before, group)
            self._before, self._now = group, _Group(sent, sent, arrived)

    def _compare(self, before: _Group, group: _Group) -> None:
        sent_apart = group.last_sent - before.last_sent
        growth = (group.arrived - before.arrived - sent_apart) * 1000
        self._count += 1
        self._accumulated += growth
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._accumulated
        self._points.append((group.arrived * 1000, self._smoothed))
        if len(self._points) == WINDOW:
            self._judge(_slope(self._points), sent_apart, group.arrived)

    def _judge(self, slope: float, sent_apart: float, at: float) -> None:
        trend = slope * min(self._count, MAX_SAMPLES) * GAIN
        if trend > self._threshold:
            self._over_for += sent_apart
            if self._over_for > OVERUSE_TIME and trend >= self._last_trend:
                self._over_for = 0.0
                self.usage = Usage.OVER
        else:
            self._over_for = 0.0
            self.usage = Usage.UNDER if trend < -self._threshold else Usage.NORMAL
        self._last_trend = trend
        self._adapt(abs(trend), at)

    def _adapt(self, size: float, at: float) -> None:
        before, self._updated = self._updated, at
        if before is None or size > self._threshold + OUTLIER:
            return
        elapsed = max(0.0, min((at - before) * 1000, 100.0))
        k = K_DOWN if size < self._threshold else K_UP
        threshold = self._threshold + k * (size - self._threshold) * elapsed
        self._threshold = min(max(threshold, MIN_THRESHOLD), MAX_THRESHOLD)


def _slope(points: deque[tuple[float, float]]) -> float:
    """Of the line with the least squares, 0 for points at one time."""
    count = len(points)
    middle_x = sum(x for x, _ in points) / count
    middle_y = sum(y for _, y in points) / count
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread > 0 else 0.0
