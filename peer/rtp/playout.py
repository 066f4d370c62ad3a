"""When a frame is best played: its place on the sender's clock, plus the delay that the network's jitter asks for."""

from __future__ import annotations

from typing import Final

from peer.rtp.clock import Unwrapper

__all__ = ["Playout"]

WINDOW: Final = 10.0
"""Seconds after which the fastest transit is forgotten, so that the sender's clock may drift."""
MAX_DELAY: Final = 1.0
DECAY: Final = 0.02
"""How much of the way down the delay goes with each frame that came sooner."""


class Playout:
    """`delay` is what jitter asks for now, `target` what the user wants at least; both in seconds."""

    def __init__(self, clock_rate: int) -> None:
        self.target = 0.0
        self.delay = 0.0
        self._rate = clock_rate
        self._unwrap = Unwrapper(32)
        self._least: float | None = None
        self._candidate: float | None = None
        self._since = 0.0

    def place(self, timestamp: int, arrival: float) -> float:
        """When to play the frame of this timestamp, which was complete at `arrival`; not before `arrival`."""
        sampled = self._unwrap(timestamp) / self._rate
        transit = arrival - sampled
        if self._least is None or transit < self._least or abs(transit - self._least) > 10 * MAX_DELAY:
            self._least = transit
        self._candidate = transit if self._candidate is None else min(transit, self._candidate)
        if arrival - self._since > WINDOW:
            self._least, self._candidate, self._since = self._candidate, None, arrival
        late = min(transit - self._least, MAX_DELAY)
        self.delay = late if late > self.delay else self.delay + (late - self.delay) * DECAY
        return max(arrival, sampled + self._least + max(self.delay, self.target))
