"""REMB that we send: the estimate made at the receiver, where nothing better was negotiated.

draft-alvestrand-rmcat-remb-03. The same detector as at a sender, fed with abs-send-time.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from peer.rtp.bandwidth import Estimator
from peer.rtp.clock import Unwrapper
from peer.wire.rtcp import Remb

__all__ = ["ReceiveLimit"]

INTERVAL: Final = 1.0
"""Seconds between messages; a lower limit is told at once."""
SOONER: Final = 0.97
MAX_SSRCS: Final = 32


class ReceiveLimit:
    """What the other side may send, as far as we see."""

    def __init__(self, start: int, minimum: int, maximum: int) -> None:
        self._estimator = Estimator(start, minimum, maximum)
        self._unwrap = Unwrapper(24)
        self._told = 0
        self._due: float | None = None

    def arrived(self, abs_send_time: int, size: int, now: float) -> None:
        """A packet came with this value of the extension, in 2^-18 s."""
        self._estimator.arrived(self._unwrap(abs_send_time) / (1 << 18), size, now)
        if self._due is None:
            self._due = now + INTERVAL
        if self._estimator.target < self._told * SOONER:
            self._due = now

    def next_timeout(self) -> float | None:
        return self._due

    def take(self, reporter: int, ssrcs: Iterable[int], now: float) -> Remb | None:
        """The message that is due."""
        if self._due is None or now < self._due:
            return None
        self._due = None
        self._told = self._estimator.target
        return Remb(reporter, self._told, tuple(islice(ssrcs, MAX_SSRCS)))
