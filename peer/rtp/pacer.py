"""Pacing: packets leave at a multiple of the target rate, not in one burst a frame."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from peer.rtp.outgoing import Outgoing
from peer.wire import rtp

__all__ = ["Kind", "Pacer", "Queued"]

FACTOR: Final = 2.5
"""How much faster than the target packets may leave, so that a frame doesn't take its whole interval."""
BURST: Final = 0.005
"""Seconds that may be sent ahead of their time: timers are not exact."""
MAX_WAIT: Final = 1.0
"""Seconds in which the queue is emptied at the latest: the rate rises as far as that takes."""
MAX_QUEUED: Final = 8192


class Kind(IntEnum):
    """In order of precedence. Audio isn't paced."""

    AUDIO = 0
    RETRANSMISSION = 1
    VIDEO = 2


@dataclass(slots=True)
class Queued:
    """A packet that waits. Its sequence number, and the extensions that tell when it leaves, are given as it leaves."""

    packet: rtp.Packet
    stream: Outgoing
    kind: Kind
    at: float
    size: int


class Pacer:
    """Three queues and a budget. `rate` is the target in bit/s."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._queues: tuple[deque[Queued], ...] = tuple(deque() for _ in Kind)
        self._bytes = 0
        self._free_at = 0.0

    @property
    def queued(self) -> int:
        """Bytes that wait."""
        return self._bytes

    @property
    def backlog(self) -> float:
        """Seconds that what waits takes at the target rate."""
        return self._bytes * 8 / self.rate

    def add(self, item: Queued) -> bool:
        """False when the queue is full and the packet is dropped."""
        queue = self._queues[item.kind]
        if len(queue) >= MAX_QUEUED:
            return False
        queue.append(item)
        self._bytes += item.size
        return True

    def take(self, now: float) -> list[Queued]:
        """What may leave now."""
        if not self._bytes:
            return []
        taken = list(self._queues[Kind.AUDIO])
        self._queues[Kind.AUDIO].clear()
        pace = max(self.rate * FACTOR / 8, self._bytes / MAX_WAIT)
        size = sum(item.size for item in taken)
        self._bytes -= size
        self._free_at = max(self._free_at, now - BURST) + size / pace
        for queue in self._queues[Kind.RETRANSMISSION :]:
            while queue and self._free_at <= now:
                item = queue.popleft()
                self._bytes -= item.size
                self._free_at += item.size / pace
                taken.append(item)
        return taken

    def next_timeout(self) -> float | None:
        """When the next packet may leave."""
        return self._free_at if self._bytes else None

    def forget(self, stream: Outgoing) -> None:
        """Drop what waits for a stream that ended."""
        for queue in self._queues:
            kept = [item for item in queue if item.stream is not stream]
            queue.clear()
            queue.extend(kept)
        self._bytes = sum(item.size for queue in self._queues for item in queue)
