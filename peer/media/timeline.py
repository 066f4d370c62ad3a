"""RTP timestamps of what is sent: they go on evenly through other tracks, pauses and codecs (RFC 3550 section 5.1).

Each source counts from where it likes and codecs differ in clock rate (RFC 7160). What all share is the time at which
a frame was captured, so a stream is anchored to that once and follows its source's own count from there; after a
gap, another source or another rate it is anchored anew.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Timeline"]

# A source's own count may be this far from the clock, in seconds, before we no longer believe it.
TOLERANCE: Final = 0.25


class Timeline:
    """The timestamps of one stream. `start` is its random first timestamp."""

    __slots__ = ("_anchor", "_last", "_lateness", "_rate", "_start")

    def __init__(self, start: int) -> None:
        self._start = start & 0xFFFFFFFF
        self._rate = 0
        # Where the source's count began: its position (s), the time (s), the unwrapped timestamp.
        self._anchor: tuple[float, float, int] | None = None
        # By how much the first frame was later than the most punctual one since: what capture times are freed of.
        self._lateness = 0.0
        self._last: tuple[float, int] | None = None  # time and unwrapped timestamp of the frame before

    def restart(self) -> None:
        """Another source, or a gap: what its count says no longer continues."""
        self._anchor = None

    def stamp(self, position: float, now: float, rate: int) -> tuple[int, float]:
        """The timestamp of a frame at `position` (s, the source's count) captured about `now`, and its capture time.

        Timestamps never go back.
        """
        anchor = self._anchor
        if anchor is None or rate != self._rate or abs((position - anchor[0]) - (now - anchor[1])) > TOLERANCE:
            anchor = self._anchor = (position, now, self._continued(now, rate))
            self._rate, self._lateness = rate, 0.0
        timestamp = anchor[2] + round((position - anchor[0]) * rate)
        if self._last is not None:
            timestamp = max(timestamp, self._last[1] + 1)
        due = anchor[1] + position - anchor[0]
        self._lateness = max(self._lateness, due - now)
        time = due - self._lateness
        self._last = (time, timestamp)
        return timestamp & 0xFFFFFFFF, time

    def _continued(self, now: float, rate: int) -> int:
        if self._last is None:
            return self._start
        time, timestamp = self._last
        return timestamp + max(1, round((now - time) * rate))
