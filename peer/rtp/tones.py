"""Telephone events (RFC 4733 section 2): DTMF sent and received."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from peer.errors import DecodeError
from peer.rtp.clock import distance32

__all__ = ["Report", "Tone", "Tones", "pull", "push"]

INTERVAL: Final = 0.02
"""Seconds between the packets of an event (section 2.5.1.2 lets the sender choose)."""
REPEATS: Final = 3
"""Section 2.5.1.4: how often the final packet is sent."""
MAX_DURATION: Final = 0xFFFF
VOLUME: Final = 10
"""-dBm0."""

_EVENT = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class Report:
    """The payload: `duration` in timestamp units, `volume` in -dBm0."""

    event: int
    end: bool
    volume: int
    duration: int


def push(report: Report) -> bytes:
    return _EVENT.pack(report.event, 0x80 * report.end | report.volume, report.duration)


def pull(payload: bytes) -> Report:
    """Raises `DecodeError`. A payload may hold several reports (section 2.5.2.2's states); the first one counts."""
    if len(payload) < _EVENT.size:
        raise DecodeError(f"a telephone event of {len(payload)} bytes", offset=len(payload))
    event, flags, duration = _EVENT.unpack_from(payload)
    return Report(event, flags >= 0x80, flags & 0x3F, duration)


class Tone:
    """One event that we send: which packets are due when.

    An event longer than the duration field goes on in segments (section 2.5.1.3), each with a timestamp of its own.
    """

    def __init__(self, event: int, payload_type: int, timestamp: int, duration: int, rate: int, now: float) -> None:
        self.payload_type = payload_type
        self.is_over = False
        self.next_at = now
        self._event, self._timestamp = event, timestamp
        self._left, self._rate, self._start = duration, rate, now
        self._marker = True

    def due(self, now: float) -> Iterator[tuple[bool, int, bytes]]:
        """(marker, timestamp, payload) of what is to be sent now; `next_at` and `is_over` tell how it goes on."""
        if now < self.next_at or self.is_over:
            return
        # A packet tells how long the event has been on when the packet's own interval is over.
        played = round((now - self._start + INTERVAL) * self._rate)
        while played >= MAX_DURATION and self._left > MAX_DURATION:
            yield self._packet(MAX_DURATION, end=False)
            self._timestamp = (self._timestamp + MAX_DURATION) & 0xFFFFFFFF
            self._start += MAX_DURATION / self._rate
            self._left -= MAX_DURATION
            played -= MAX_DURATION
        if played < self._left:
            yield self._packet(played, end=False)
            self.next_at = now + INTERVAL
            return
        for _ in range(REPEATS):
            yield self._packet(self._left, end=True)
        self.is_over = True

    def _packet(self, duration: int, *, end: bool) -> tuple[bool, int, bytes]:
        marker, self._marker = self._marker, False
        return marker, self._timestamp, push(Report(self._event, end, VOLUME, duration))


class Tones:
    """What one stream's events amount to: each begins once and ends once, however often its packets come."""

    def __init__(self) -> None:
        self._timestamp: int | None = None
        self._event: Report | None = None
        self._ended = False

    def receive(self, timestamp: int, report: Report) -> list[Report]:
        """The reports worth telling: the first of an event, and its end."""
        told: list[Report] = []
        if self._timestamp is not None and distance32(timestamp, self._timestamp) < 0:
            return told  # an older event's packet, late
        if timestamp != self._timestamp:
            if self._event is not None and not self._ended and not self._goes_on(timestamp, report):
                # Section 2.5.2.2: a new event ends one whose last packets were all lost.
                told.append(Report(self._event.event, True, self._event.volume, self._event.duration))
                self._event = None
            elif self._ended:
                self._event = None
            if self._event is None:
                told.append(Report(report.event, False, report.volume, report.duration))
            self._timestamp, self._ended = timestamp, False
        self._event = report
        if report.end and not self._ended:
            self._ended = True
            told.append(report)
        return told

    def _goes_on(self, timestamp: int, report: Report) -> bool:
        """Whether it is the next segment of a long event."""
        before = self._event
        return (
            before is not None
            and self._timestamp is not None
            and before.event == report.event
            and before.duration == MAX_DURATION
            and timestamp == (self._timestamp + MAX_DURATION) & 0xFFFFFFFF
        )
