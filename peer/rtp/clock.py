"""Numbers that wrap, and the two clocks: NTP time and a stream's RTP timestamps."""

from __future__ import annotations

from typing import Final

__all__ = ["NTP_EPOCH", "Clock", "Unwrapper", "distance16", "distance32", "middle", "ntp64", "seconds"]

NTP_EPOCH: Final = 2_208_988_800
"""Seconds from 1900 (NTP) to 1970 (Unix)."""


def distance16(a: int, b: int) -> int:
    """How far a sequence number is ahead of `b`, -32768 to 32767."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def distance32(a: int, b: int) -> int:
    """How far a timestamp is ahead of `b`."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Unwrapper:
    """Numbers of `bits` bits to ones that go on: each is taken for the closest to the one before."""

    __slots__ = ("_half", "_last", "_mask")

    def __init__(self, bits: int = 16) -> None:
        self._mask, self._half = (1 << bits) - 1, 1 << bits - 1
        self._last: int | None = None

    def __call__(self, number: int) -> int:
        self._last = value = self.peek(number)
        return value

    def peek(self, number: int) -> int:
        """What it would be, without remembering it."""
        if self._last is None:
            return number
        return self._last + ((number - self._last + self._half) & self._mask) - self._half


def ntp64(time: float) -> int:
    """Seconds since 1900 as the 64-bit NTP format."""
    return int(time * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def seconds(ntp: int) -> float:
    """The 64-bit NTP format as seconds since 1900."""
    return ntp / (1 << 32)


def middle(time: float) -> int:
    """The middle 32 bits of the NTP format, in 1/65536 s: what LSR, LRR and RFC 8888 carry."""
    return int(time * 65536) & 0xFFFFFFFF


class Clock:
    """A received stream's RTP clock against its sender's NTP clock, by sender reports (RFC 3550 section 6.4.1).

    Two reports give the clock's real rate; it is believed when it is within 2 % of the nominal one.
    """

    __slots__ = ("_first", "_last", "_rate")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] | None = None

    def report(self, ntp: float, timestamp: int) -> None:
        """A sender report: NTP seconds and the RTP timestamp of the same instant."""
        if self._last is not None:
            elapsed, ticks = ntp - self._last[0], distance32(timestamp, self._last[1])
            if abs(ticks - elapsed * self._rate) > self._rate:
                self._first = None  # the stream began anew
        self._last = ntp, timestamp
        self._first = self._first or self._last

    def ntp(self, timestamp: int) -> float | None:
        """The sender's NTP time (s) at which `timestamp` was sampled; None before the first report."""
        if self._last is None or self._first is None:
            return None
        ntp, at = self._last
        return ntp + distance32(timestamp, at) / self._measured()

    def _measured(self) -> float:
        if self._first is None or self._last is None:
            return self._rate
        elapsed, ticks = self._last[0] - self._first[0], distance32(self._last[1], self._first[1])
        if elapsed < 2.0:
            return self._rate
        rate = ticks / elapsed
        return rate if abs(rate / self._rate - 1) < 0.02 else self._rate
