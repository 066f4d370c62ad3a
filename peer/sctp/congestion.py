"""The congestion window: RFC 9260 section 7.2. Sizes in bytes; chunks count with their headers and padding.

It grows as fast as the section allows, since what a path with losses carries hangs on it. With one packet in a hundred
lost at random the window swings between half and all of some 17 packets, whatever else an endpoint does well: once a
recovery is over, it grows by `_SLOW_START_CHUNKS` at once (cwnd is ssthresh then, which is slow start), and by one a
round trip from there.
"""

from __future__ import annotations

__all__ = ["CongestionWindow"]

_INITIAL_LIMIT = 4404  # section 7.2.1, for IPv4; 4344 for IPv6 differs by less than a packet
# Section 7.2.1 calls it L, and refers to RFC 3465 for it, whose section 2.3 allows two, but one after a time-out.
_SLOW_START_CHUNKS = 2


class CongestionWindow:
    """Slow start, congestion avoidance and fast recovery. `cwnd` bounds the bytes in flight.

    `pmdcs` is the largest DATA chunk that the path takes: its packets less the common header.
    """

    __slots__ = ("_idle", "_partial_bytes_acked", "_timed_out", "cwnd", "pmdcs", "recovery_exit", "ssthresh")

    def __init__(self, pmdcs: int) -> None:
        self.pmdcs = pmdcs
        self.cwnd = min(4 * pmdcs, max(2 * pmdcs, _INITIAL_LIMIT))
        self.ssthresh = 1 << 62
        self._partial_bytes_acked = 0
        self._idle = False
        self._timed_out = False  # this slow start follows a time-out
        self.recovery_exit: int | None = None
        """The TSN whose acknowledgement ends fast recovery; None outside it."""

    def acknowledged(self, size: int, flight_before: int, flight_now: int) -> None:
        """A SACK newly acknowledged `size` bytes; before it `flight_before` bytes were in flight, now `flight_now`."""
        self._idle = False
        if self.cwnd <= self.ssthresh:
            # "Fully utilized": less than one more packet would have fitted.
            if self.recovery_exit is None and flight_before + self.pmdcs > self.cwnd:
                self.cwnd += min(size, self.pmdcs if self._timed_out else _SLOW_START_CHUNKS * self.pmdcs)
            return
        self._timed_out = False
        self._partial_bytes_acked += size
        if self._partial_bytes_acked >= self.cwnd:
            if flight_before >= self.cwnd:
                self._partial_bytes_acked -= self.cwnd
                self.cwnd += self.pmdcs
            else:
                self._partial_bytes_acked = self.cwnd
        if not flight_now:
            self._partial_bytes_acked = 0

    def lost(self, highest_outstanding: int) -> bool:
        """Losses were reported by SACKs (section 7.2.4). True if this begins a fast recovery."""
        if self.recovery_exit is not None:
            return False
        self.recovery_exit = highest_outstanding
        self.ssthresh = self.cwnd = max(self.cwnd // 2, 4 * self.pmdcs)
        self._partial_bytes_acked = 0
        return True

    def advanced(self, cumulative_tsn: int) -> None:
        """The cumulative acknowledgement moved: leaves fast recovery at its exit point."""
        if self.recovery_exit is not None and cumulative_tsn >= self.recovery_exit:
            self.recovery_exit = None

    def timed_out(self) -> None:
        """T3-rtx expired (section 7.2.3): one packet may be in flight."""
        self.ssthresh = max(self.cwnd // 2, 4 * self.pmdcs)
        self.cwnd = self.pmdcs
        self._partial_bytes_acked = 0
        self._timed_out = True
        self.recovery_exit = None

    def idled(self) -> None:
        """A whole RTO passed without anything to send (section 7.2.1, the last rule)."""
        if self.cwnd > 4 * self.pmdcs:
            if not self._idle:
                self.ssthresh = self.cwnd
            self._idle = True
            self.cwnd = max(self.cwnd // 2, 4 * self.pmdcs)
