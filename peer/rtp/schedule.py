"""When RTCP is due: the interval of RFC 3550 sections 6.2 and 6.3, with the reduced minimum of section 6.2.

A transport has two participants, us and the other side. Feedback doesn't wait for it: in a session of two every
message fits RFC 4585's immediate mode (section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = ["Schedule"]

COMPENSATION: Final = 1.21828
"""e - 3/2: reconsideration makes the interval come out shorter than meant (section 6.3.1)."""
RTCP_SHARE: Final = 0.05
LOWER_LAYERS: Final = 28
"""Bytes of IP and UDP, which the average size counts in (section 6.3.3)."""
MEMBERS: Final = 2


class Schedule:
    """`bandwidth` is the session's, in bit/s."""

    def __init__(self, entropy: Callable[[int], bytes], bandwidth: int = 1_000_000) -> None:
        self._entropy = entropy
        self._bandwidth = bandwidth
        self._average = 120.0
        self.due: float | None = None

    def start(self, now: float) -> None:
        """The first report waits half an interval (section 6.2)."""
        self.due = now + self.interval() / 2

    def stop(self) -> None:
        self.due = None

    def counted(self, size: int) -> None:
        """A compound packet of `size` bytes was sent or received."""
        self._average += (size + LOWER_LAYERS - self._average) / 16

    def sent(self, now: float) -> None:
        """The regular report left."""
        self.due = now + self.interval()

    def interval(self) -> float:
        """Seconds, spread over half to one and a half of the calculated one."""
        minimum = 360 / (self._bandwidth / 1000)
        calculated = max(minimum, MEMBERS * self._average * 8 / (self._bandwidth * RTCP_SHARE))
        chance = int.from_bytes(self._entropy(4), "big") / (1 << 32)
        return min(calculated, 5.0) * (0.5 + chance) / COMPENSATION
