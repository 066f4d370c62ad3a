"""Packet indices: the estimate of RFC 3711 section 3.3.1 and the replay window of section 3.3.2."""

from __future__ import annotations

__all__ = ["ReplayWindow", "estimate"]

HALF = 1 << 15


def estimate(sequence_number: int, highest: int) -> int:
    """The 48-bit index closest to `highest` (the highest index so far) that ends in these 16 bits; -1 if below zero."""
    index = (highest & ~0xFFFF) | sequence_number
    if index - highest > HALF:
        return index - 0x10000
    if highest - index > HALF:
        return index + 0x10000
    return index


class ReplayWindow:
    """Which of the last `size` indices were seen. RFC 3711 asks for at least 64."""

    __slots__ = ("_seen", "_size", "highest")

    def __init__(self, first: int, size: int = 1024) -> None:
        self.highest = first
        self._seen = 1
        self._size = size

    def is_new(self, index: int) -> bool:
        """False for one that was seen, and for one too old to tell."""
        age = self.highest - index
        return age < 0 or (age < self._size and not self._seen >> age & 1)

    def add(self, index: int) -> None:
        """Remember an index that `is_new` and was authenticated."""
        ahead = index - self.highest
        if ahead > 0:
            self._seen = ((self._seen << ahead) | 1) & ((1 << self._size) - 1) if ahead < self._size else 1
            self.highest = index
        else:
            self._seen |= 1 << -ahead
