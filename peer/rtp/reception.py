"""What a receiver counts of one SSRC, as RFC 3550 appendix A has it: validity (A.1), loss (A.3), jitter (A.8)."""

from __future__ import annotations

from typing import Final

from peer.rtp.clock import distance16, middle, seconds
from peer.wire import rtcp

__all__ = ["Reception"]

MAX_DROPOUT: Final = 3000
MAX_MISORDER: Final = 100


class Reception:
    """Numbers are extended beyond 16 bits; the first packet's is its own plus 2^16, so that earlier ones fit before."""

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.received = 0
        self.highest = 0
        self._base = 0
        self._bad: int | None = None
        self._expected_before = 0
        self._received_before = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._last_report: tuple[float, int] | None = None
        self.heard_at = 0.0

    def receive(self, number: int, timestamp: int, now: float) -> tuple[int, bool] | None:
        """(extended number, whether the sequence began anew); None for a wild one, which a second one would confirm."""
        fresh = False
        if not self.received:
            extended, fresh = self._begin(number), True
        else:
            ahead = distance16(number, self.highest & 0xFFFF)
            extended = self.highest + ahead
            if ahead >= MAX_DROPOUT or ahead < -MAX_MISORDER:
                if number != self._bad:
                    self._bad = (number + 1) & 0xFFFF
                    return None
                extended, fresh = self._begin(number), True
            elif ahead > 0:
                self.highest = extended
        self.received += 1
        self.heard_at = now
        self._measure(timestamp, now)
        return extended, fresh

    def _begin(self, number: int) -> int:
        # After a restart numbers go on above the old ones: what was before can't be mistaken for what comes.
        extended = ((self.highest >> 16) + 1 << 16) + number
        self.highest = self._base = extended
        self.received = self._expected_before = self._received_before = 0
        self._bad = self._transit = None
        return extended

    def _measure(self, timestamp: int, now: float) -> None:
        transit = now * self.clock_rate - timestamp
        if self._transit is not None:
            # Timestamps wrap: the difference of two transits is taken modulo 2^32.
            difference = abs((transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31))
            self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    @property
    def jitter(self) -> float:
        """Seconds."""
        return self._jitter / self.clock_rate

    @property
    def lost(self) -> int:
        """Negative where duplicates came."""
        return self.highest - self._base + 1 - self.received if self.received else 0

    def reported(self, ntp: int, now: float) -> None:
        """A sender report with this 64-bit NTP time came."""
        self._last_report = now, middle(seconds(ntp))
        self.heard_at = now

    def block(self, ssrc: int, now: float) -> rtcp.ReportBlock:
        """The report block of this interval; begins the next one."""
        expected = self.highest - self._base + 1
        expected_now = expected - self._expected_before
        lost_now = expected_now - (self.received - self._received_before)
        self._expected_before, self._received_before = expected, self.received
        fraction = min((lost_now << 8) // expected_now, 255) if expected_now > 0 and lost_now > 0 else 0
        # On the wire the roll-overs are counted from the sequence's own beginning (section 6.4.1).
        extended = (self.highest - (self._base & ~0xFFFF)) & 0xFFFFFFFF
        lsr, dlsr = 0, 0
        if self._last_report is not None:
            lsr, dlsr = self._last_report[1], int((now - self._last_report[0]) * 65536)
        return rtcp.ReportBlock(
            ssrc,
            fraction,
            self.lost,
            extended,
            min(int(self._jitter), 0xFFFFFFFF),
            lsr,
            min(dlsr, 0xFFFFFFFF),
        )
