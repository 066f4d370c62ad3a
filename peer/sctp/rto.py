"""The retransmission time-out of the path: RFC 9260 section 6.3.1."""

from __future__ import annotations

__all__ = ["RetransmissionTimeout"]

_ALPHA, _BETA = 1 / 8, 1 / 4
_GRANULARITY = 0.001


class RetransmissionTimeout:
    """SRTT, RTTVAR and RTO, in seconds. `value` includes the doubling after time-outs."""

    __slots__ = ("_maximum", "_minimum", "rttvar", "srtt", "value")

    def __init__(self, *, initial: float, minimum: float, maximum: float) -> None:
        self._minimum = minimum
        self._maximum = maximum
        self.srtt: float | None = None
        self.rttvar = 0.0
        self.value = initial

    def measure(self, rtt: float) -> None:
        """Takes one round-trip time (rules C2, C3, C6, C7). Undoes any doubling."""
        rtt = max(rtt, 0.0)
        if self.srtt is None:
            self.srtt = rtt
            self.rttvar = rtt / 2
        else:
            self.rttvar += _BETA * (abs(self.srtt - rtt) - self.rttvar)
            self.srtt += _ALPHA * (rtt - self.srtt)
        self.rttvar = max(self.rttvar, _GRANULARITY)
        self.value = min(max(self.srtt + 4 * self.rttvar, self._minimum), self._maximum)

    def back_off(self) -> None:
        """Doubles it after a time-out (rule E2 of section 6.3.3)."""
        self.value = min(self.value * 2, self._maximum)
