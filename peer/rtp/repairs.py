"""What retransmissions take of what may be sent: as much as is missing, but half of it at most.

Over a bottleneck that drops, repairs that come on top of the pictures fill the queue that drops them.
"""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["Repairs"]

WINDOW: Final = 1.0
SHARE: Final = 0.5


class Repairs:
    """Counts what was sent again in the last second."""

    def __init__(self) -> None:
        self._taken: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def rate(self, now: float) -> float:
        """In bit/s."""
        while self._taken and now - self._taken[0][0] > WINDOW:
            self._bytes -= self._taken.popleft()[1]
        return self._bytes * 8 / WINDOW

    def take(self, size: int, target: int, now: float) -> bool:
        """Whether `size` more bytes are within the share of `target` (bit/s); they are counted then."""
        if self.rate(now) + size * 8 / WINDOW > SHARE * target:
            return False
        self._taken.append((now, size))
        self._bytes += size
        return True
