"""The jitter buffer of one stream: packets in any order become frames in order; what never comes is told.

Nothing is held back on purpose: a frame comes out as soon as it and all before it are there. What is missing is waited
for as long as `wait` says (time for retransmissions), then it is a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from peer.wire import rtp

__all__ = ["FrameBuffer", "Gap", "Insertion", "Unit"]

MAX_PACKETS: Final = 2048
"""Packets held at most; a peer that sends without ever completing a frame costs no more."""
MAX_MISSING: Final = 512
"""Numbers waited for at most; when more are missing they are given up at once."""
REORDERED_START: Final = 64
"""How far before the first packet that came the stream may have begun."""
MAX_TRIES: Final = 10


class Insertion(Enum):
    NEW = auto()
    DUPLICATE = auto()
    LATE = auto()
    """It was given up, or has been played: of no use any more."""


@dataclass(frozen=True, slots=True)
class Unit:
    """All packets of a frame, in order. `continuous`: nothing was lost between it and the one before."""

    packets: Sequence[rtp.Packet]
    first_arrival: float
    arrival: float
    continuous: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """This many packets were given up."""

    packets: int


Out: TypeAlias = Unit | Gap

#: Whether the second packet begins the very next frame after the one that the first belongs to.
Follows: TypeAlias = Callable[[rtp.Packet, rtp.Packet], bool]


def _unknown(_before: rtp.Packet, _after: rtp.Packet) -> bool:
    return False


@dataclass(slots=True)
class _Held:
    packet: rtp.Packet
    arrival: float
    empty: bool


@dataclass(slots=True)
class _Missing:
    since: float
    next_request: float
    tries: int = 0


class FrameBuffer:
    """`video`: a frame is all packets of one timestamp, up to the marker; else every packet is one."""

    def __init__(self, *, video: bool) -> None:
        self.wait = 0.2
        """Seconds that a missing packet is waited for."""
        self._video = video
        self._held: dict[int, _Held] = {}
        self._missing: dict[int, _Missing] = {}
        self._start: int | None = None  # the first packet of the frame that comes next
        self._cursor = 0  # up to here everything from _start on is there, and no frame ends
        self._highest = 0
        self._begun = False
        self._continuous = False
        self._last: rtp.Packet | None = None  # of the frame before, unless something was given up since

    @property
    def missing(self) -> int:
        return len(self._missing)

    def is_missing(self, number: int) -> bool:
        return number in self._missing

    def reset(self) -> None:
        """The numbers begin anew: what is held belongs to what was before."""
        self._held.clear()
        self._missing.clear()
        self._start, self._begun, self._continuous, self._last = None, False, False, None

    def insert(self, number: int, packet: rtp.Packet, now: float, *, empty: bool = False) -> Insertion:
        """`number` is extended. `empty`: it takes a number and no part in any frame (padding, FEC)."""
        if self._start is None:
            self._start = self._cursor = number
            self._highest = number - 1
        if number < self._start:
            if self._begun or self._start - number > REORDERED_START:
                return Insertion.LATE
            self._note_missing(number + 1, self._start, now)
            self._start = self._cursor = number
        elif number in self._held:
            return Insertion.DUPLICATE
        self._missing.pop(number, None)
        if number > self._highest:
            self._note_missing(self._highest + 1, number, now)
            self._highest = number
        self._held[number] = _Held(packet, now, empty)
        return Insertion.NEW

    def _note_missing(self, start: int, end: int, now: float) -> None:
        for number in range(max(start, end - 2 * MAX_MISSING), end):
            if number not in self._held:
                self._missing[number] = _Missing(now, now)

    def take(self, now: float, follows: Follows = _unknown) -> list[Out]:
        """Frames that are complete now, and gaps, in order."""
        out: list[Out] = []
        while self._start is not None:
            unit = self._advance()
            if unit is not None:
                out.append(unit)
            elif self._cursor > self._highest:
                if len(self._held) > MAX_PACKETS:  # a frame without an end
                    out.append(self._skip())
                break
            elif self._step_over(follows):
                continue
            elif self._is_overdue(now):
                out.append(self._skip())
            else:
                break
        return out

    def _advance(self) -> Unit | None:
        """Move the cursor over what is there, up to the end of a frame."""
        held = self._held
        while (one := held.get(self._cursor)) is not None:
            start = self._start or 0
            if self._cursor == start and one.empty:
                del held[start]
                self._start = self._cursor = start + 1
                continue
            first = held[start].packet
            if self._video and one.packet.timestamp != first.timestamp and not one.empty:
                return self._complete(start, self._cursor)
            self._cursor += 1
            if not one.empty and (not self._video or one.packet.marker):
                return self._complete(start, self._cursor)
        return None

    def _complete(self, start: int, end: int) -> Unit:
        taken = [self._held.pop(number) for number in range(start, end)]
        used = [one for one in taken if not one.empty]
        arrivals = [one.arrival for one in used]
        unit = Unit([one.packet for one in used], min(arrivals), max(arrivals), self._continuous)
        self._start = self._cursor = end
        self._begun = self._continuous = True
        self._last = unit.packets[-1]
        return unit

    def _step_over(self, follows: Follows) -> bool:
        """Whether what is missing is no part of any frame (FEC, padding: nobody sends that again): the frame after it
        follows the one before it.
        """
        if self._last is None or self._cursor != self._start:
            return False
        numbers = range(self._cursor, self._highest + 1)
        end = next((number for number in numbers if (one := self._held.get(number)) and not one.empty), None)
        if end is None or not follows(self._last, self._held[end].packet):
            return False
        for number in range(self._cursor, end):
            self._held.pop(number, None)
            self._missing.pop(number, None)
        self._start = self._cursor = end
        return True

    def _is_overdue(self, now: float) -> bool:
        if len(self._held) > MAX_PACKETS or len(self._missing) > MAX_MISSING:
            return True
        missing = self._missing.get(self._cursor)
        return missing is None or now >= missing.since + self.wait

    def _skip(self) -> Gap:
        """Give up the gap at the cursor, and the frame it tore."""
        start, end = self._start or 0, self._cursor
        for number in range(start, end):
            self._held.pop(number, None)
        while end not in self._held and end <= self._highest:
            self._missing.pop(end, None)
            end += 1
        gap = Gap(end - self._cursor)
        self._start = self._cursor = end
        self._begun, self._continuous, self._last = True, False, None
        return gap

    def overdue_requests(self, now: float, interval: float) -> list[int]:
        """The numbers (extended) to ask for again now; each is asked for every `interval` seconds."""
        due = []
        for number, missing in self._missing.items():
            if missing.next_request <= now and missing.tries < MAX_TRIES:
                missing.tries += 1
                missing.next_request = now + interval
                due.append(number)
        return sorted(due)

    def next_timeout(self, *, requests: bool) -> float | None:
        """When a gap is given up or, with `requests`, a number is to be asked for again."""
        times = []
        if self._start is not None and self._cursor <= self._highest:
            missing = self._missing.get(self._cursor)
            if missing is not None:
                times.append(missing.since + self.wait)
        if requests:
            times += [one.next_request for one in self._missing.values() if one.tries < MAX_TRIES]
        return min(times, default=None)
