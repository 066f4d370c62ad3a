"""Which stream sends next: the schedulers of RFC 8260 section 3, each a key by which the waiting streams are sorted.

RFC 8831 asks for weighted fair queueing. Its virtual time runs by bytes over weight: a stream that has sent more than
its share waits; one that was silent doesn't save up for later.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peer.sctp.outbound import OutboundStream

__all__ = ["Schedule", "Scheduling"]


class Scheduling(StrEnum):
    FIRST_COME_FIRST_SERVED = "first-come-first-served"  # section 3.1
    ROUND_ROBIN = "round-robin"  # 3.2
    ROUND_ROBIN_PER_PACKET = "round-robin-per-packet"  # 3.3
    PRIORITY = "priority"  # 3.4
    FAIR = "fair"  # 3.5
    WEIGHTED_FAIR = "weighted-fair"  # 3.6


_Key = Callable[["OutboundStream", int], Any]
_KEYS: dict[Scheduling, _Key] = {
    Scheduling.FIRST_COME_FIRST_SERVED: lambda stream, turn: stream.messages[0].serial,
    Scheduling.ROUND_ROBIN: lambda stream, turn: turn,
    Scheduling.ROUND_ROBIN_PER_PACKET: lambda stream, turn: turn,
    Scheduling.PRIORITY: lambda stream, turn: -stream.priority,
    Scheduling.FAIR: lambda stream, turn: stream.virtual,
    Scheduling.WEIGHTED_FAIR: lambda stream, turn: stream.virtual,
}


class Schedule:
    """The waiting streams, sorted. A stream is in it once at the most (`OutboundStream.ready`)."""

    def __init__(self, scheduling: Scheduling) -> None:
        self._key = _KEYS[scheduling]
        self._weighted = scheduling is Scheduling.WEIGHTED_FAIR
        self._heap: list[tuple[Any, int, OutboundStream]] = []
        self._turn = 0
        self._virtual = 0.0

    def add(self, stream: OutboundStream) -> None:
        stream.ready = True
        if stream.virtual < self._virtual:
            stream.virtual = self._virtual
        self._turn += 1
        heappush(self._heap, (self._key(stream, self._turn), self._turn, stream))

    def pick(self) -> OutboundStream | None:
        """Takes the stream whose turn it is out of the schedule."""
        if not self._heap:
            return None
        stream = heappop(self._heap)[2]
        stream.ready = False
        self._virtual = stream.virtual
        return stream

    def charge(self, stream: OutboundStream, size: int) -> None:
        """`size` bytes of the stream were sent."""
        stream.virtual += size / stream.priority if self._weighted else size

    def clear(self) -> None:
        for _, _, stream in self._heap:
            stream.ready = False
        self._heap.clear()
