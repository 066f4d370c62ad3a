"""A cell of the matrix: who offers and who answers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cell"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Who offers and who answers, by stack name."""

    offerer: str
    answerer: str

    def __str__(self) -> str:
        return f"{self.offerer} -> {self.answerer}"

    @property
    def endpoints(self) -> tuple[str, str]:
        return self.offerer, self.answerer

    @property
    def browsers(self) -> tuple[str, ...]:
        """The stacks of this cell that are not the reference peer."""
        return tuple(dict.fromkeys(name for name in self.endpoints if name != "reference"))
