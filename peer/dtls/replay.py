"""The anti-replay window: RFC 6347 4.1.2.6."""

from __future__ import annotations

from typing import Final

__all__ = ["ReplayWindow"]

# RFC 6347 asks for at least 32 and prefers 64; a gigabit of 1,200-byte records reorders further than that.
_SIZE: Final = 256
_MASK: Final = (1 << _SIZE) - 1


class ReplayWindow:
    """Remembers the last 256 record sequence numbers. `highest` is -1 before the first."""

    __slots__ = ("_advanced", "_seen", "highest")

    def __init__(self) -> None:
        self.highest = -1
        self._seen = 0  # bit n: highest - n was seen, once what `advance` counted is shifted in
        self._advanced = 0

    def is_fresh(self, sequence: int) -> bool:
        """True when a record with this number has not been accepted and is not too old to tell."""
        behind = self.highest - sequence
        return behind < 0 or (behind < _SIZE and not self._settled() >> behind & 1)

    def accept(self, sequence: int) -> None:
        """Marks a number as seen. Call it only once the record has proved authentic."""
        ahead = sequence - self.highest
        if ahead > 0:
            self.highest = sequence
            self._seen = ((self._settled() << ahead) | 1) & _MASK if ahead < _SIZE else 1
            self._advanced = 0
        else:
            self._seen = self._settled() | 1 << -ahead

    def advance(self) -> int:
        """Marks the number after the highest as seen, and returns it: what nearly every record does, so cheap."""
        self._advanced += 1
        self.highest = highest = self.highest + 1
        return highest

    def _settled(self) -> int:
        advanced, self._advanced = self._advanced, 0
        if advanced:
            shifted = self._seen << advanced | (1 << advanced) - 1 if advanced < _SIZE else _MASK
            self._seen = shifted & _MASK
        return self._seen
