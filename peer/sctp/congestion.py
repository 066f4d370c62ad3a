"""The congestion window: RFC 9260 section 7.2. Sizes in bytes."""

from __future__ import annotations

__all__ = ["CongestionWindow"]

_INITIAL_LIMIT = 4404  # section 7.2.1, for IPv4; 4344 for IPv6 differs by less than a packet


class CongestionWindow:
    """Slow start, congestion avoidance and fast recovery. `cwnd` bounds the bytes in flight."""

    __slots__ = ("_idle", "_partial_bytes_acked", "cwnd", "mtu", "recovery_exit", "ssthresh")

    def __init__(self, mtu: int) -> None:
        self.mtu = mtu
        self.cwnd = min(4 * mtu, max(2 * mtu, _INITIAL_LIMIT))
        self.ssthresh = 1 << 62
        self._partial_bytes_acked = 0
        self._idle = False
        self.recovery_exit: int | None = None
        """The TSN whose acknowledgement ends fast recovery; None outside it."""

    def acknowledged(self, size: int, flight_before: int, flight_now: int) -> None:
        """A SACK newly acknowledged `size` bytes; before it `flight_before` bytes were in flight, now `flight_now`."""
        self._idle = False
        if self.cwnd <= self.ssthresh:
            # "Fully utilized": less than one more packet would have fitted.
            if self.recovery_exit is None and flight_before + self.mtu > self.cwnd:
                self.cwnd += min(size, self.mtu)
            return
        self._partial_bytes_acked += size
        if self._partial_bytes_acked >= self.cwnd:
            if flight_before + self.mtu > self.cwnd:
                self._partial_bytes_acked -= self.cwnd
                self.cwnd += self.mtu
            else:
                self._partial_bytes_acked = self.cwnd
        if not flight_now:
            self._partial_bytes_acked = 0

    def lost(self, highest_outstanding: int) -> bool:
        """Losses were reported by SACKs (section 7.2.4). True if this begins a fast recovery."""
        if self.recovery_exit is not None:
            return False
        self.recovery_exit = highest_outstanding
        self.ssthresh = self.cwnd = max(self.cwnd // 2, 4 * self.mtu)
        self._partial_bytes_acked = 0
        return True

    def advanced(self, cumulative_tsn: int) -> None:
        """The cumulative acknowledgement moved: leaves fast recovery at its exit point."""
        if self.recovery_exit is not None and cumulative_tsn >= self.recovery_exit:
            self.recovery_exit = None

    def timed_out(self) -> None:
        """T3-rtx expired (section 7.2.3): one packet may be in flight."""
        self.ssthresh = max(self.cwnd // 2, 4 * self.mtu)
        self.cwnd = self.mtu
        self._partial_bytes_acked = 0
        self.recovery_exit = None

    def idled(self) -> None:
        """A whole RTO passed without anything to send (section 7.2.1, the last rule)."""
        if self.cwnd > 4 * self.mtu:
            if not self._idle:
                self.ssthresh = self.cwnd
            self._idle = True
            self.cwnd = max(self.cwnd // 2, 4 * self.mtu)
