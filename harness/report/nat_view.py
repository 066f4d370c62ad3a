"""How every pair of NATs was crossed: a table of NAT kind by NAT kind, over all pairs of endpoints.

A row of the matrix says so in `facts["crossed"]`: `full-cone - symmetric` and the pair of candidates that was used,
`srflx 198.51.100.10:11882 - prflx 198.51.100.20:15130 (udp), 390 ms`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.results import RunResults

__all__ = ["Crossed", "Crossings", "crossings"]

_PAIR: Final = re.compile(r"(?P<ours>\w+) \S+ - (?P<theirs>\w+) \S+ \(\w+\), (?P<setup>\d+) ms")


@dataclass(frozen=True, slots=True)
class Crossed:
    """A cell: `way` is "direct", "relay" or "mixed", `kinds` the candidate types used, the most frequent first, with
    how many pairs of endpoints used them; `slowest` in milliseconds.
    """

    way: str
    kinds: tuple[tuple[str, int], ...]
    slowest: int


@dataclass(frozen=True, slots=True)
class Crossings:
    """`names` are the rows (who offers) and columns (who answers); `alone` are pairs of equals outside the table."""

    names: tuple[str, ...]
    rows: tuple[tuple[Crossed | None, ...], ...]
    alone: tuple[tuple[str, Crossed], ...]


def crossings(run: RunResults) -> Crossings | None:
    """The table of a run, None when nobody was behind a NAT."""
    found: dict[tuple[str, str], list[re.Match[str]]] = {}
    for result in run.results:
        told = result.facts.get("crossed")
        for pair, seen in told.items() if isinstance(told, Mapping) else ():
            ours, _, theirs = str(pair).partition(" - ")
            if match := _PAIR.fullmatch(str(seen)):
                found.setdefault((ours, theirs), []).append(match)
    if not found:
        return None
    cells = {pair: _crossed(seen) for pair, seen in found.items()}
    names = tuple(dict.fromkeys(name for pair in cells if pair[0] != pair[1] for name in pair))
    return Crossings(
        names,
        tuple(tuple(cells.get((ours, theirs)) for theirs in names) for ours in names),
        tuple((ours, cell) for (ours, theirs), cell in cells.items() if ours == theirs and ours not in names),
    )


def _crossed(seen: list[re.Match[str]]) -> Crossed:
    kinds = Counter(f"{match['ours']} - {match['theirs']}" for match in seen)
    ways = {"relay" if "relay" in kind else "direct" for kind in kinds}
    return Crossed(
        ways.pop() if len(ways) == 1 else "mixed",
        tuple(kinds.most_common()),
        max(int(match["setup"]) for match in seen),
    )
