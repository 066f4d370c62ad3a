"""Targets with known faults, to see campaigns and replays at work."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st

from harness.fuzz.target import Example, Played, Problem, Target


class Planted(Target):
    """Numbers: `limit` and above are a problem, and so, in another way, are multiples of `other`."""

    name: ClassVar[str] = "planted"

    def __init__(self, limit: int = 1000, other: int = 10**9) -> None:
        super().__init__(("reference",))
        self.limit, self.other = limit, other
        self.plays = 0

    def strategy(self) -> st.SearchStrategy[Example]:
        return st.fixed_dictionaries({"number": st.integers(0, 100_000)})

    def play(self, example: Example) -> Played:
        self.plays += 1
        number = example["number"]
        cells = frozenset({f"{len(str(number))} digits"})
        if number and number % self.other == 0:
            return Played.of(cells, Problem("planted", "Multiple"))
        if number >= self.limit:
            return Played.of(cells, Problem("planted", "TooLarge", message=f"{number} is too large"))
        return Played(cells)
