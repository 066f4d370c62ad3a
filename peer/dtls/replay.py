"""The anti-replay window: RFC 6347 4.1.2.6."""

from __future__ import annotations

from typing import Final

__all__ = ["ReplayWindow"]

# RFC 6347 asks for at least 32 and prefers 64; a gigabit of 1,200-byte records reorders further than that.
_SIZE: Final = 256
_MASK: Final = (1 << _SIZE) - 1


class ReplayWindow:
    """Remembers the last 256 record sequence numbers. `highest` is -1 before the first."""

    __slots__ = ("_seen", "highest")

    def __init__(self) -> None:
        self.highest = -1
        self._seen = 0  # bit n: highest - n was seen

    def is_fresh(self, sequence: int) -> bool:
        """True when a record with this number has not been accepted and is not too old to tell."""
        behind = self.highest - sequence
        return behind < 0 or (behind < _SIZE and not self._seen >> behind & 1)

    def accept(self, sequence: int) -> None:
        """Marks a number as seen. Call it only once the record has proved authentic."""
        ahead = sequence - self.highest
        if ahead > 0:
            self.highest = sequence
            self._seen = ((self._seen << ahead) | 1) & _MASK if ahead < _SIZE else 1
        else:
            self._seen |= 1 << -ahead

    def advance(self, count: int) -> None:
        """Marks the `count` numbers after the highest as seen, as if `accept` had been called with each."""
        self.highest += count
        self._seen = (self._seen << count | (1 << count) - 1) & _MASK if count < _SIZE else _MASK
