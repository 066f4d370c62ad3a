"""The fuzz view: what campaigns covered over time, where they were in the signalling machine, and what they found.

Reads `campaign.json` and the findings' `finding.json` below `reports/fuzz`. What can't be read is named and left out.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["CampaignView", "FoundView", "HeatMap", "read_campaigns"]

WIDTH: Final = 640
HEIGHT: Final = 140
_SHADES: Final = 5
_PAIR: Final = "pair: "
_MOST_POINTS: Final = 300
_MOST_FINDINGS: Final = 200
_STATES: Final = (
    "stable",
    "have-local-offer",
    "have-remote-offer",
    "have-local-pranswer",
    "have-remote-pranswer",
    "closed",
)
_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, AttributeError)
_LARGEST: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Heat:
    """One field of the heat map: how often, and its shade from 0 (never) to 5."""

    count: int
    shade: int
    ends: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """How often what a row names met what a column names. `corner` says what the rows are."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Heat, ...]], ...]
    reached: int


@dataclass(frozen=True, slots=True)
class FoundView:
    """A finding; `folder` is relative to the report."""

    id: str
    title: str
    clause: str
    message: str
    confirmed: str
    folder: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CampaignView:
    """One campaign. `line` are the points of coverage over time in a box of WIDTH by HEIGHT."""

    name: str
    target: str
    builds: str
    seed: int
    examples: int
    seconds: float
    cells: int
    line: str
    stale: float
    figures: tuple[tuple[str, int, int], ...]
    heat: HeatMap | None
    pairs: HeatMap | None
    findings: tuple[FoundView, ...]


def read_campaigns(folder: Path, report: Path) -> tuple[tuple[CampaignView, ...], tuple[str, ...]]:
    """The campaigns below `folder` for the report in the directory `report`, and what can't be read, in words."""
    found: list[CampaignView] = []
    problems: list[str] = []
    for file in sorted(folder.glob("*/campaign.json")):
        try:
            found.append(_campaign(json.loads(_text(file)), file.parent, report, problems))
        except _UNREADABLE as error:
            problems.append(f"{file.parent.name}: not a campaign: {error!r}")
    return tuple(found), tuple(problems)


def _text(file: Path) -> str:
    if file.stat().st_size > _LARGEST:
        raise ValueError("the file is too large")
    return file.read_text("utf-8")


def _campaign(data: Mapping[str, Any], folder: Path, report: Path, problems: list[str]) -> CampaignView:
    cells = Counter({str(cell): int(count) for cell, count in data["cells"].items()})
    seconds = float(data["seconds"])
    first = sorted(float(when) for when in data.get("first", {}).values())
    builds = {str(name): str(build) for name, build in data["builds"].items()}
    return CampaignView(
        name=folder.name,
        target=str(data["target"]),
        builds=", ".join(f"{name} {builds.get(name, '')}".rstrip() for name in map(str, data["endpoints"])),
        seed=int(data["seed"]),
        examples=int(data["examples"]),
        seconds=seconds,
        cells=len(cells),
        line=_line(first, seconds),
        stale=seconds - first[-1] if first else 0.0,
        figures=tuple((str(name), int(part), int(whole)) for name, (part, whole) in data.get("figures", {}).items()),
        heat=_heat(cells) if data["target"] == "signalling" else None,
        pairs=_pairs(cells) if data["target"] == "signalling" else None,
        findings=tuple(_findings(folder, report, problems))[:_MOST_FINDINGS],
    )


def _line(first: list[float], seconds: float) -> str:
    """A staircase as SVG's points: seconds to the right, cells covered upwards."""
    if not first or seconds <= 0:
        return ""
    step = max(1, len(first) // _MOST_POINTS)
    seen = [(0.0, 0), *((when, number) for number, when in enumerate(first, start=1) if number % step == 0)]
    seen += [(first[-1], len(first)), (seconds, len(first))]
    points: list[tuple[float, float]] = []
    for when, number in seen:
        x, y = min(1.0, when / seconds) * WIDTH, HEIGHT - number / len(first) * (HEIGHT - 6)
        points += [(x, points[-1][1] if points else HEIGHT), (x, y)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _heat(cells: Mapping[str, int]) -> HeatMap | None:
    counts: Counter[tuple[str, str]] = Counter()
    ends: dict[tuple[str, str], set[str]] = {}
    for cell, count in cells.items():
        state, _, rest = cell.partition(" x ")
        call, _, end = rest.rpartition(" x ")
        if state in _STATES and call:
            counts[call, state] += count
            ends.setdefault((call, state), set()).add(end)
    return _map("Call", _STATES, counts, ends)


def _pairs(cells: Mapping[str, int]) -> HeatMap | None:
    """Steps of the transition table by what the next step of the same connection was: the state between is theirs."""
    counts: Counter[tuple[str, str]] = Counter()
    for cell, count in cells.items():
        if not cell.startswith(_PAIR):
            continue
        first, _, second = cell.removeprefix(_PAIR).partition(" > ")
        _, _, how = second.partition(", ")
        counts[first, how] += count
    return _map("Step", tuple(sorted({how for _, how in counts})), counts, {})


def _map(
    corner: str,
    columns: tuple[str, ...],
    counts: Mapping[tuple[str, str], int],
    ends: Mapping[tuple[str, str], set[str]],
) -> HeatMap | None:
    if not counts:
        return None
    most = math.log1p(max(counts.values()))
    rows = tuple(
        (row, tuple(_field(counts.get((row, column), 0), most, ends.get((row, column), ())) for column in columns))
        for row in sorted({row for row, _ in counts})
    )
    return HeatMap(corner, columns, rows, len(counts))


def _field(count: int, most: float, ends: Iterable[str]) -> Heat:
    shade = math.ceil(math.log1p(count) / most * _SHADES) if count else 0
    return Heat(count, min(shade, _SHADES), ", ".join(sorted(ends)))


def _findings(folder: Path, report: Path, problems: list[str]) -> Iterable[FoundView]:
    for file in sorted(folder.glob("*/finding.json")):
        try:
            data = json.loads(_text(file))
            yield _finding(data, file.parent, report)
        except _UNREADABLE as error:
            problems.append(f"{folder.name}/{file.parent.name}: not a finding: {error!r}")


def _finding(data: Mapping[str, Any], folder: Path, report: Path) -> FoundView:
    problem = data["problem"]
    where = f" in {problem['state']}" if problem.get("state") else ""
    return FoundView(
        id=str(data["id"]),
        title=f"{problem['oracle']}: {problem['error']}{where} ({problem.get('endpoint', '')})",
        clause=str(problem.get("clause", "")),
        message=str(problem.get("message", ""))[:400],
        confirmed=f"{int(data['confirmed'])} of {int(data['attempts'])}",
        folder=Path(os.path.relpath(folder.resolve(), report.resolve())).as_posix(),
        files=tuple(sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))),
    )
