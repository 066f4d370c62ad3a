"""Feedback that we send for the other side's congestion control: when each packet came, or that it did not.

Transport-wide (draft-holmer-rmcat-transport-wide-cc-extensions-01) or RFC 8888's, whichever was negotiated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from peer.rtp.clock import Unwrapper, middle
from peer.wire.rtcp import ArrivalReport, Congestion, TransportFeedback

__all__ = ["Arrivals", "CongestionArrivals"]

INTERVAL: Final = 0.1
"""Seconds between feedback messages."""
MAX_PACKETS: Final = 200
"""Statuses in one message: with two-byte deltas it still fits a datagram."""
MAX_RECORDED: Final = 4096
MAX_STREAMS: Final = 64
TICK: Final = 250e-6
REFERENCE: Final = 256
"""Ticks in the unit of the reference time, 64 ms."""


class Arrivals:
    """Arrival times by transport-wide number, until they are told."""

    def __init__(self) -> None:
        self._unwrap = Unwrapper(16)
        self._times: dict[int, int] = {}  # in ticks
        self._next: int | None = None  # the first number the next message tells of
        self._count = 0
        self._due: float | None = None
        self.media_ssrc = 0

    def record(self, number: int, ssrc: int, now: float) -> None:
        """A packet with this number arrived."""
        extended = self._unwrap(number)
        if self._next is not None and (extended < self._next or extended > self._next + 0x4000):
            if self._next - 0x4000 < extended < self._next:
                return  # told as lost already; late news helps nobody
            self._times.clear()
            self._next = extended
        self._times.setdefault(extended, int(now / TICK))
        self.media_ssrc = ssrc
        if self._due is None:
            self._due = now + INTERVAL
        if len(self._times) >= MAX_PACKETS:
            self._due = now
        if len(self._times) > MAX_RECORDED:
            self._times.clear()

    def next_timeout(self) -> float | None:
        return self._due

    def take(self, reporter: int, now: float) -> list[TransportFeedback]:
        """The messages that are due."""
        if self._due is None or now < self._due:
            return []
        self._due = None
        messages = []
        while self._times:
            messages.append(self._message(reporter))
        return messages

    def _message(self, reporter: int) -> TransportFeedback:
        first = min(self._times)
        base = first if self._next is None else max(self._next, first - MAX_PACKETS // 2)
        reference = self._times[first] // REFERENCE
        before = reference * REFERENCE
        deltas: list[int | None] = []
        last = max(self._times)
        number = base
        while number <= last and len(deltas) < MAX_PACKETS:
            time = self._times.get(number)
            delta = None if time is None else time - before
            if delta is not None and not -0x8000 <= delta <= 0x7FFF:
                break
            if time is not None:
                del self._times[number]
                before = time
            deltas.append(delta)
            number += 1
        self._next = number
        self._times = {key: time for key, time in self._times.items() if key >= number}
        message = TransportFeedback(
            reporter, self.media_ssrc, base & 0xFFFF, reference & 0xFFFFFF, self._count, tuple(deltas)
        )
        self._count = (self._count + 1) & 0xFF
        return message


class CongestionArrivals:
    """RFC 8888: the same by SSRC and sequence number, for who negotiated that instead."""

    def __init__(self) -> None:
        self._streams: dict[int, _Reported] = {}
        self._due: float | None = None

    def record(self, ssrc: int, number: int, now: float) -> None:
        """A packet arrived."""
        stream = self._streams.get(ssrc)
        if stream is None:
            if len(self._streams) >= MAX_STREAMS:
                return
            stream = self._streams[ssrc] = _Reported(Unwrapper(16), {}, None)
        extended = stream.unwrap(number)
        if stream.begin is not None and not stream.begin <= extended < stream.begin + 0x4000:
            if extended < stream.begin:
                return
            stream.begin = None
            stream.times.clear()
        stream.times.setdefault(extended, now)
        if self._due is None:
            self._due = now + INTERVAL

    def next_timeout(self) -> float | None:
        return self._due

    def take(self, reporter: int, now: float, ntp_offset: float) -> Congestion | None:
        """The message that is due: what came since the last one, with what is missing in between."""
        if self._due is None or now < self._due:
            return None
        self._due = None
        reports = []
        for ssrc, stream in self._streams.items():
            if not stream.times:
                continue
            last = max(stream.times)
            begin = min(stream.times) if stream.begin is None else stream.begin
            begin = max(begin, last - MAX_PACKETS + 1)
            arrivals = tuple(_arrival(stream.times.get(number), now) for number in range(begin, last + 1))
            reports.append(ArrivalReport(ssrc, begin & 0xFFFF, arrivals))
            stream.begin, stream.times = last + 1, {}
        return Congestion(reporter, tuple(reports), middle(now + ntp_offset)) if reports else None


@dataclass(slots=True)
class _Reported:
    unwrap: Unwrapper
    times: dict[int, float]
    begin: int | None


def _arrival(time: float | None, now: float) -> tuple[int, int] | None:
    """(ECN, offset): nobody tells us of ECN. 0x1FFE stands for longer ago than 13 bits hold (section 3.1)."""
    return None if time is None else (0, min(int((now - time) * 1024), 0x1FFE))
