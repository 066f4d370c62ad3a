"""Frames that wait for their moment: the time that a jitterBufferTarget adds (webrtc-pc section 5.3).

A timer runs exactly while something waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from peer.media.plans import Driver, Timer

__all__ = ["Playout"]

# How many may wait: more than 4 s (the most a target can be) of anything sensible. Beyond it the oldest goes at once.
HELD: Final = 2048


class Playout:
    """First in, first out. `pace` is the least number of seconds between two that wait: what is caught up after the
    target was lowered must not come as one heap.
    """

    def __init__(self, driver: Driver, pace: float) -> None:
        self._driver = driver
        self._pace = pace
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: Timer | None = None
        self._timer_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def hold(self, due: float, job: Callable[[], None]) -> None:
        """Run `job` at `due`, on the driver's clock, after all that wait already."""
        if self._waiting:
            due = max(due, self._waiting[-1][0] + self._pace)
        self._waiting.append((due, job))
        if len(self._waiting) > HELD:
            self._waiting.popleft()[1]()
        self._arm()

    def follow(self, job: Callable[[], None]) -> None:
        """Run `job` right after all that wait; at once if nothing does."""
        if self._waiting:
            self._waiting.append((self._waiting[-1][0], job))
        else:
            job()

    def advance(self, seconds: float) -> None:
        """All that wait has become due so much sooner."""
        earliest = self._driver.now()
        for index, (due, job) in enumerate(self._waiting):
            self._waiting[index] = max(due - seconds, earliest), job
            earliest += self._pace
        self._arm()

    def clear(self) -> None:
        """Forget all that waits."""
        self._waiting.clear()
        self._arm()

    def _arm(self) -> None:
        head = self._waiting[0][0] if self._waiting else None
        if self._timer is not None:
            if head == self._timer_at:
                return
            self._timer.cancel()
            self._timer = None
        if head is not None:
            self._timer, self._timer_at = self._driver.call_at(head, self._run), head

    def _run(self) -> None:
        self._timer = None
        now = max(self._driver.now(), self._timer_at)  # a loop's timer may be early by its clock's resolution
        try:
            while self._waiting and self._waiting[0][0] <= now:
                self._waiting.popleft()[1]()
        finally:
            self._arm()
