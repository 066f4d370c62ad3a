"""What may be sent: Google congestion control at the sender (draft-ietf-rmcat-gcc-02), capped by REMB.

The estimate is the least of what delay allows (grow until a queue builds up, then fall below what gets through), what
loss allows (section 6), and the other side's REMB. Feedback is transport-wide or RFC 8888's; without either, receiver
reports and REMB steer alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from peer.rtp.clock import Unwrapper
from peer.rtp.delay import DelayDetector, Usage
from peer.wire import rtcp

__all__ = ["Estimator"]

BETA: Final = 0.85
"""How far below what gets through the estimate falls (section 5.5)."""
GROWTH: Final = 1.08
"""A second, far from where a queue last built up."""
NEAR_PEAK: Final = 0.8
RAMP: Final = 2.0
"""A second, until a queue builds up for the first time."""
HEADROOM: Final = 1.5
"""The estimate isn't more than this times what gets through: growth has to be tried by sending."""
RECOVERY: Final = 1.5
"""A second, well below where a queue last built up: there is known to be room."""
FALL: Final = 0.5
"""The estimate is at least this times the one before: where little was sent, little got through."""
RATE_WINDOW: Final = 0.5
STEER_INTERVAL: Final = 0.1
PACKET: Final = 1200 * 8
LOW_LOSS, HIGH_LOSS = 0.02, 0.10
LOSS_PACKETS: Final = 20
LOSS_INTERVAL: Final = 0.5
MAX_SENT: Final = 8192
KEPT: Final = 10.0
REMB_LIFETIME: Final = 10.0
"""Seconds that a REMB holds; it is repeated every second as long as it is meant."""


@dataclass(slots=True)
class _Sent:
    at: float
    size: int


class Estimator:
    """`target` in bit/s."""

    def __init__(self, start: int, minimum: int, maximum: int) -> None:
        self._minimum, self._maximum = minimum, maximum
        self._by_delay = float(start)
        self._by_loss = float(maximum)
        self._remb: tuple[int, float] | None = None
        self.ceiling: int | None = None
        """What the other side's TMMBR allow, in bit/s, until they say otherwise (RFC 5104)."""
        self._sent: dict[int, _Sent] = {}
        self._numbers: dict[tuple[int, int], int] = {}  # (SSRC, sequence number) -> transport-wide number
        self._unwrap = Unwrapper(16)
        self._reference = Unwrapper(24)
        self._report = Unwrapper(32)
        self._detector = DelayDetector()
        self._acknowledged: deque[tuple[float, int]] = deque()
        self._arrived = self._lost = 0
        self._loss_at: float | None = None
        self._grown_at: float | None = None
        self._fallen_at = -1e9
        self._peak: float | None = None  # where a queue last built up
        self._has_feedback = False
        self.round_trip_time = 0.1

    @property
    def target(self) -> int:
        limit = min(self._by_delay, self._by_loss, self._maximum)
        if self._remb is not None:
            limit = min(limit, self._remb[0]) if self._has_feedback else min(self._remb[0], self._by_loss)
        if self.ceiling is not None:
            return min(max(self._minimum, int(limit)), self.ceiling)
        return max(self._minimum, int(limit))

    # what happens

    def sent(self, number: int, size: int, now: float, ssrc: int, sequence_number: int) -> None:
        """A packet with this (extended) transport-wide number leaves; `size` in bytes, of the datagram."""
        self._sent[number] = _Sent(now, size)
        self._numbers[ssrc, sequence_number] = number
        while len(self._sent) > MAX_SENT:
            del self._sent[next(iter(self._sent))]
        while len(self._numbers) > MAX_SENT:
            del self._numbers[next(iter(self._numbers))]
        self._unwrap(number & 0xFFFF)

    def feedback(self, message: rtcp.TransportFeedback, now: float) -> None:
        """Transport-wide feedback came."""
        number = self._unwrap.peek(message.base)
        time = self._reference(message.reference_time & 0xFFFFFF) * 0.064
        results: list[tuple[int, float | None]] = []
        for delta in message.deltas:
            if delta is not None:
                time += delta * 250e-6
            results.append((number, None if delta is None else time))
            number += 1
        self._take(results, now)

    def congestion(self, message: rtcp.Congestion, now: float) -> None:
        """RFC 8888 feedback came. An offset of 0x1FFE or more: too long ago, or unknown (section 3.1)."""
        reported = self._report(message.timestamp) / 65536
        results: list[tuple[int, float | None]] = []
        for report in message.reports:
            for place, arrival in enumerate(report.arrivals):
                number = self._numbers.get((report.ssrc, (report.begin + place) & 0xFFFF))
                if number is None or (arrival is not None and arrival[1] >= 0x1FFE):
                    continue
                results.append((number, None if arrival is None else reported - arrival[1] / 1024))
        self._take(sorted(results, key=lambda result: result[0]), now)

    def arrived(self, sent: float, size: int, now: float) -> None:
        """At a receiver that estimates for the other side: a packet that left at `sent` on its clock is here."""
        self._acknowledged.append((now, size))
        self._detector.packet(sent, now)
        if self._grown_at is None or now - self._grown_at >= STEER_INTERVAL:
            self._steer(now)

    def reported_loss(self, fraction: float, round_trip_time: float | None, now: float) -> None:
        """A report block about one of our streams: it steers where there is no better feedback."""
        if round_trip_time is not None:
            self.round_trip_time = round_trip_time
        if self._has_feedback:
            return
        if self._by_loss >= self._maximum:
            self._by_loss = self._by_delay
        self._loss(fraction, now, at_least=1.0)
        self._by_delay = max(self._by_delay, self._by_loss)

    def limited(self, remb: int, now: float) -> None:
        """REMB came."""
        self._remb = remb, now

    def expire(self, now: float) -> None:
        """Time went by."""
        if self._remb is not None and now - self._remb[1] > REMB_LIFETIME:
            self._remb = None

    # section 5: delay

    def _take(self, results: Iterable[tuple[int, float | None]], now: float) -> None:
        self._has_feedback = True
        for number, arrived in results:
            sent = self._sent.get(number)
            if sent is None:
                continue
            if arrived is None:
                if now - sent.at > KEPT:
                    del self._sent[number]
                self._lost += 1
                continue
            del self._sent[number]
            self._arrived += 1
            self._acknowledged.append((arrived, sent.size))
            self._detector.packet(sent.at, arrived)
        self._steer(now)
        self._weigh_loss(now)

    def _throughput(self) -> float | None:
        """Bit/s that got through in the last half second of arrivals; None while that isn't known."""
        window = self._acknowledged
        if not window:
            return None
        last = window[-1][0]
        while window and (last - window[0][0] > RATE_WINDOW or len(window) > MAX_SENT):
            window.popleft()
        span = last - window[0][0]
        if span < RATE_WINDOW / 2:
            return None
        size = sum(size for _, size in window) - window[0][1]
        return size * 8 / span

    def _steer(self, now: float) -> None:
        throughput = self._throughput()
        usage = self._detector.usage
        since, self._grown_at = self._grown_at, now
        if usage is Usage.OVER:
            if throughput is not None and now - self._fallen_at > self.round_trip_time + 0.2:
                throughput = max(throughput, FALL * self._by_delay)
                self._peak = throughput if self._peak is None else 0.7 * self._peak + 0.3 * throughput
                self._by_delay = min(self._by_delay, BETA * throughput)
                self._fallen_at = now
        elif usage is Usage.NORMAL and since is not None:
            self._grow(min(now - since, 1.0), throughput)

    def _grow(self, elapsed: float, throughput: float | None) -> None:
        if throughput is None:
            return
        if self._peak is None:
            grown = self._by_delay * RAMP**elapsed
        elif self._by_delay <= NEAR_PEAK * self._peak:
            grown = min(self._by_delay * RECOVERY**elapsed, max(NEAR_PEAK * self._peak, self._by_delay + 1000.0))
        elif self._by_delay < self._peak / NEAR_PEAK:
            # Near the place where it last went wrong: half a packet a response time.
            response = self.round_trip_time + 0.1
            grown = self._by_delay + max(1000.0, 0.5 * PACKET * min(elapsed / response, 1.0))
        else:
            grown = self._by_delay * GROWTH**elapsed
        limit = HEADROOM * throughput + 10_000
        self._by_delay = max(self._by_delay, min(grown, limit, self._maximum))

    # section 6: loss

    def _weigh_loss(self, now: float) -> None:
        total = self._arrived + self._lost
        if total < LOSS_PACKETS or (self._loss_at is not None and now - self._loss_at < LOSS_INTERVAL):
            return
        fraction = self._lost / total
        self._arrived = self._lost = 0
        if fraction > HIGH_LOSS:
            self._by_loss = min(self._by_loss, self._by_delay)
        self._loss(fraction, now, at_least=0.0)

    def _loss(self, fraction: float, now: float, *, at_least: float) -> None:
        if self._loss_at is not None and now - self._loss_at < at_least:
            return
        self._loss_at = now
        if fraction > HIGH_LOSS:
            # What got through in spite of it fits: what was sent before it fell is still being told of as lost.
            fits = min(self._by_loss, BETA * (self._throughput() or 0.0))
            self._by_loss = max(self._by_loss * (1 - 0.5 * fraction), fits)
        elif fraction < LOW_LOSS:
            self._by_loss *= 1.05
        self._by_loss = min(max(self._by_loss, self._minimum), self._maximum)
