"""Contestants, rounds, medians, ratios."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["REFERENCE", "Benchmark", "ContestantMissing", "Outcome", "Round", "run_in_turn"]

Round: TypeAlias = Callable[[], float]
"""Does the work once and returns the figure in the benchmark's unit."""

REFERENCE = "reference"


class ContestantMissing(Exception):
    """A competitor is not installed, or can't run here; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`name` is "<subject>/<size or kind>", `unit` e.g. "MB/s" or "ms"; `more_is_better` decides how a ratio is formed.

    `why` says in a sentence where the time goes.
    """

    name: str
    unit: str
    contestants: Mapping[str, Round]
    rounds: int = 5
    more_is_better: bool = True
    why: str = ""


@dataclass(slots=True)
class Outcome:
    """The figures of one benchmark, per contestant in the order of its rounds."""

    benchmark: Benchmark
    figures: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def median(self, name: str) -> float:
        return statistics.median(self.figures[name])

    def ratio(self, other: str) -> float | None:
        """How many times better than `other` the reference is: above 1 is faster (or shorter, for a duration). None
        when there is no figure of the reference, or one of the two is 0, as a rise of memory may be.
        """
        if REFERENCE not in self.figures or not (self.median(REFERENCE) and self.median(other)):
            return None
        mine, theirs = self.median(REFERENCE), self.median(other)
        return mine / theirs if self.benchmark.more_is_better else theirs / mine

    def to_json(self) -> dict[str, Any]:
        """The entry of `bench --json`, as DESIGN's contract has it."""

        def spread(name: str) -> dict[str, float]:
            figures = self.figures[name]
            return {"median": self.median(name), "min": min(figures), "max": max(figures)}

        others = [name for name in self.figures if name != REFERENCE]
        return {
            "name": self.benchmark.name,
            "unit": self.benchmark.unit,
            "more_is_better": self.benchmark.more_is_better,
            "reference": spread(REFERENCE) if REFERENCE in self.figures else None,
            "others": {name: spread(name) for name in others},
            "ratio": {name: round(ratio, 3) for name in others if (ratio := self.ratio(name)) is not None},
            "missing": self.missing,
        }


def run_in_turn(
    benchmark: Benchmark, only: Iterable[str] = (), progress: Callable[[str, int], None] = lambda name, index: None
) -> Outcome:
    """Play every contestant once a round, in turn, for `benchmark.rounds` rounds."""
    wanted = set(only) or set(benchmark.contestants)
    outcome = Outcome(benchmark)
    for index in range(benchmark.rounds):
        for name, play in benchmark.contestants.items():
            if name not in wanted or name in outcome.missing:
                continue
            progress(name, index)
            try:
                outcome.figures.setdefault(name, []).append(play())
            except ContestantMissing as error:
                outcome.missing[name] = str(error)
                outcome.figures.pop(name, None)
    return outcome
