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
# Section 5.3.2, a table of common sizes. An Ethernet frame carries 1500 bytes: less IPv6, UDP, TURN and DTLS 1.2; less
# IPv6, UDP and DTLS 1.3; less IPv4, UDP and DTLS 1.3. A jumbo frame carries 9000.
_USUAL = 1412
_ETHERNET = (1428, 1448)
_JUMBO = 8912
_BLACK_HOLE = 3  # time-outs in a row that mean that large packets don't pass any more


class SearchState(StrEnum):
    BASE = "base"
    SEARCHING = "searching"
    COMPLETE = "complete"


class PathMtu:
    """The search for one path. Sizes are of whole SCTP packets, in bytes. `discovers` False: `base` is all there is."""

    def __init__(self, base: int, *, discovers: bool = True) -> None:
        self.mtu = self._base = self._ceiling = base & ~3
        self._discovers = discovers
        self._too_large = self._ceiling + 4
        self._probe = 0
        self._tries = 0
        self._timeouts = 0
        self.state = SearchState.BASE if discovers else SearchState.COMPLETE
        self.deadline: float | None = None

    def restart(self, ceiling: int, now: float) -> None:
        """Begins anew on a path that nothing is known of but that it takes no more than `ceiling`."""
        if not self._discovers:
            return
        self.mtu = self._base
        self._ceiling = max(ceiling & ~3, self._base)
        self._too_large = self._ceiling + 4
        self._timeouts = 0
        self.state = SearchState.SEARCHING
        self._aim()
        self.deadline = now if self._probe else None

    def _aim(self) -> None:
        """Chooses the next size: what an Ethernet frame carries, which most paths take, or else by halves up to there.

        Beyond it first what costs nothing to try, since a larger size that is lost takes three time-outs.
        """
        self._tries = 0
        usual = min(_USUAL, self._ceiling)
        if self.mtu >= usual:
            larger = (*_ETHERNET, self._ceiling, _JUMBO)
            self._probe = next((size for size in larger if self.mtu < size < self._too_large), 0)
        elif self._too_large > usual:
            self._probe = usual
        elif self._too_large - self.mtu < _PRECISION:
            self._probe = 0
        else:
            self._probe = ((self.mtu + self._too_large) // 2) & ~3
        if self._probe <= self.mtu:
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
