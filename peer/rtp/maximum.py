"""Temporary maximum media stream bit rates of RFC 5104 section 4.2: whose requests bound one of our streams.

A request is a line: of R bit/s in all, packets of OH bytes of overhead at p a second leave R - 8 OH p for media. What
is allowed lies under all lines; the bounding set are those that touch it (section 3.5.4.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from peer.wire import rtcp

__all__ = ["Maximum", "bounding"]

MAX_OWNERS: Final = 32


class Maximum:
    """The bounding set of one stream, by the SSRCs that asked for it."""

    def __init__(self) -> None:
        self._set: dict[int, rtcp.MaximumRate] = {}
        self._raised_at = 0.0
        self._before: int | None = None

    @property
    def bounds(self) -> tuple[rtcp.MaximumRate, ...]:
        """The set, as a notification tells it: each tuple under its owner's SSRC."""
        return tuple(self._set.values())

    def asked(self, owner: int, rate: rtcp.MaximumRate, now: float, round_trip_time: float) -> None:
        """A request about our stream."""
        self._change({**self._set, owner: rtcp.MaximumRate(owner, rate.bitrate, rate.overhead)}, now, round_trip_time)

    def left(self, owner: int, now: float, round_trip_time: float) -> bool:
        """Somebody said BYE: whether that changes the set."""
        if owner not in self._set:
            return False
        self._change({key: one for key, one in self._set.items() if key != owner}, now, round_trip_time)
        return True

    def _change(self, wanted: dict[int, rtcp.MaximumRate], now: float, round_trip_time: float) -> None:
        before = self.limit(now)
        self._set = {one.ssrc: one for one in bounding(list(wanted.values())[-MAX_OWNERS:])}
        self._before, self._raised_at = before, now + 2 * round_trip_time

    def limit(self, now: float) -> int | None:
        """Bits per second, None without a limit. It rises late: others may want to object (section 4.2.1.2)."""
        limit = min((one.bitrate for one in self._set.values()), default=None)
        if now >= self._raised_at or self._before is None:
            return limit
        return self._before if limit is None else min(self._before, limit)


def bounding(rates: Iterable[rtcp.MaximumRate]) -> list[rtcp.MaximumRate]:
    """Those that bound the feasible region, by falling packet rate of their corner with the media axis."""
    left = sorted(rates, key=lambda one: (one.bitrate, -one.overhead))
    found = left[:1]
    at = 0.0
    while found and found[-1].overhead < max(one.overhead for one in left):
        last = found[-1]
        end = last.bitrate / (8 * last.overhead) if last.overhead else float("inf")
        steeper = [one for one in left if one.overhead > last.overhead]
        corner, _, following = min(
            ((one.bitrate - last.bitrate) / (8 * (one.overhead - last.overhead)), -one.overhead, one.ssrc)
            for one in steeper
        )
        if corner < at or corner >= end:
            break
        at = corner
        found.append(next(one for one in steeper if one.ssrc == following))
    return found
