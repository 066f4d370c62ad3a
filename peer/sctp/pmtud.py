"""How large a packet the path takes: RFC 8899, with the HEARTBEAT and PAD probes of RFC 4820 and RFC 8261 section 5.

        BASE ---confirmed---> SEARCHING ---no larger size is left---> COMPLETE
         ^                     |   a probe is lost three times: the size is too large    |
         +--- black hole ------+--------------------------------------------------------+   raise timer: search again

A lost probe is no sign of congestion and no error of the association (RFC 8899 section 3).
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["PathMtu", "SearchState"]

_MAX_PROBES = 3  # section 5.1.2
_PRECISION = 16  # a size that is nearer than this is good enough
_RAISE_AFTER = 600.0  # section 5.1.1, PMTU_RAISE_TIMER
_BLACK_HOLE = 3  # time-outs in a row that mean that large packets don't pass any more


class SearchState(StrEnum):
    BASE = "base"
    SEARCHING = "searching"
    COMPLETE = "complete"


class PathMtu:
    """The search for one path. Sizes are of whole SCTP packets, in bytes."""

    def __init__(self, base: int, ceiling: int) -> None:
        self.mtu = self._base = base & ~3
        self._ceiling = max(ceiling & ~3, self._base)
        self._too_large = self._ceiling + 4
        self._probe = 0
        self._tries = 0
        self._timeouts = 0
        self.state = SearchState.COMPLETE if self._ceiling == self._base else SearchState.BASE
        self.deadline: float | None = None

    def start(self, now: float) -> None:
        """The association stands: probing may begin."""
        if self.state is SearchState.BASE:
            self.state = SearchState.SEARCHING
            self._aim()
            self.deadline = now

    def _aim(self) -> None:
        """Chooses the next size: the largest first, which most paths take, then by halves."""
        self._tries = 0
        untried = self._too_large > self._ceiling
        self._probe = self._ceiling if untried else ((self.mtu + self._too_large) // 2) & ~3
        if self._too_large - self.mtu < _PRECISION or self._probe <= self.mtu:
            self.state = SearchState.COMPLETE
            self._probe = 0

    def probe_due(self, now: float, rto: float) -> int:
        """The size of the probe to send now, or 0. Called when `deadline` has come."""
        self.deadline = None
        if self.state is SearchState.COMPLETE and self._ceiling > self.mtu:
            self.state = SearchState.SEARCHING
            self._too_large = self._ceiling + 4
            self._aim()
        elif self._tries >= _MAX_PROBES:
            self._too_large = self._probe
            self._aim()
        if not self._probe:
            self.deadline = now + _RAISE_AFTER if self._ceiling > self.mtu else None
            return 0
        self._tries += 1
        self.deadline = now + rto
        return self._probe

    def confirmed(self, now: float, size: int) -> None:
        """A probe of `size` bytes was acknowledged."""
        if size <= self.mtu or size != self._probe:
            return
        self.mtu = size
        self._aim()
        self.deadline = now if self._probe else now + _RAISE_AFTER if self._ceiling > self.mtu else None

    def answered(self) -> None:
        """Data was acknowledged."""
        self._timeouts = 0

    def timed_out(self, now: float) -> None:
        """Data went unanswered: enough of that means a black hole (section 4.3)."""
        self._timeouts += 1
        if self._timeouts >= _BLACK_HOLE and self.mtu > self._base:
            self._too_large = self.mtu
            self.mtu = self._base
            self.state = SearchState.SEARCHING
            self._aim()
            self.deadline = now + _RAISE_AFTER
