"""The ladder diagram: from rows of evidence to what the page's script draws.

A conversation of a thousand frames has a dozen interesting ones: rows that repeat what was just seen many times are
folded into one line that says how many and of what. A frame that a clause cites is never folded.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.evidence import Ladder, Row

__all__ = ["Drawing", "Fold", "Mark", "draw", "fold"]

_WINDOW, _REPEATS = 16, 4
_MOST_ROWS = 400
_HEX_BYTES = 512


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a frame stands out: the clauses that rest on it and whether one of them is broken."""

    broken: bool
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows that are not drawn one by one."""

    count: int
    first_frame: int
    last_frame: int
    text: str

    @classmethod
    def of(cls, rows: list[Row]) -> Fold:
        """Sum up; frame numbers are 0 where the rows have none."""
        kinds = Counter(f"{row.kind} {row.label.split(' ', 1)[0]}".strip() for row in rows)
        frames = [row.frame for row in rows if row.frame is not None] or [0]
        text = ", ".join(f"{kind} x {count}" for kind, count in kinds.most_common(3))
        return cls(len(rows), min(frames), max(frames), text)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn: rows and folds in order of time, and the marks by frame number."""

    lanes: tuple[str, ...]
    steps: tuple[Row | Fold, ...]
    marks: Mapping[int, Mark]

    @property
    def hidden(self) -> int:
        """How many rows are folded away."""
        return sum(step.count for step in self.steps if isinstance(step, Fold))

    @property
    def frames(self) -> frozenset[int]:
        """The frames a link can lead to."""
        return frozenset(step.frame for step in self.steps if isinstance(step, Row) and step.frame is not None)

    @property
    def detailed(self) -> int:
        """How many rows have layers or bytes to show."""
        return sum(1 for step in self.steps if isinstance(step, Row) and (step.layers or step.data))

    def to_json(self, *, details: bool = True) -> str:
        """The data of the page's script.

        `{"lanes": [name], "steps": [step]}`; a step is `[ms, frame, lane, lane, kind, label, mark, detail]` with 0
        for no frame, -1 for an unknown lane, mark 0 none, 1 judged, 2 broken, and detail 0 or
        `{"layers": [[name, [[field, value]]]], "hex", "size", "note", "clauses"}`; or a fold
        `[count, first frame, last frame, text]`. Without `details` only marked frames have layers and bytes.
        """
        places = {name: number for number, name in enumerate(self.lanes)}
        steps = [
            [step.count, step.first_frame, step.last_frame, step.text]
            if isinstance(step, Fold)
            else self._step(step, places, details)
            for step in self.steps
        ]
        return json.dumps({"lanes": self.lanes, "steps": steps}, ensure_ascii=False, separators=(",", ":"))

    def _step(self, row: Row, places: Mapping[str, int], details: bool) -> list[Any]:
        mark = self.marks.get(row.frame) if row.frame is not None else None
        return [
            round(row.time * 1000, 3),
            row.frame or 0,
            places.get(row.source, -1),
            places.get(row.target, -1),
            row.kind,
            row.label,
            0 if mark is None else 2 if mark.broken else 1,
            _detail(row, mark, details or mark is not None),
        ]


def _detail(row: Row, mark: Mark | None, whole: bool) -> dict[str, Any] | int:
    detail: dict[str, Any] = {}
    if whole and row.layers:
        detail["layers"] = [[layer.name, layer.fields] for layer in row.layers]
    if whole and row.data:
        detail |= {"hex": row.data[:_HEX_BYTES].hex(), "size": len(row.data)}
    if row.note:
        detail["note"] = row.note
    if mark:
        detail["clauses"] = mark.clauses
    return detail or 0


def draw(ladder: Ladder, marks: Mapping[int, Mark]) -> Drawing:
    """Choose what is drawn; `marks` by frame number."""
    items = _limit(fold(ladder.rows, frozenset(marks)), marks)
    steps = tuple(Fold.of(item) if isinstance(item, list) else item for item in items)
    return Drawing(ladder.lanes, steps, marks)


def fold(rows: Iterable[Row], keep: frozenset[int]) -> list[Row | list[Row]]:
    """Group rows that repeat: each item is a row to draw, or a list of at least two rows to fold.

    `keep` are frame numbers that are always drawn.
    """
    recent: deque[str] = deque(maxlen=_WINDOW)
    out: list[Row | list[Row]] = []
    pending: list[Row] = []

    def flush() -> None:
        if pending:
            out.append(pending[0] if len(pending) == 1 else list(pending))
            pending.clear()

    for row in rows:
        signature = f"{row.kind} {re.sub(r'[0-9a-fA-Fx]*[0-9][0-9a-fA-Fx]*', '#', row.label)}"
        repeats = recent.count(signature) >= _REPEATS
        recent.append(signature)
        if repeats and not row.note and row.frame not in keep:
            pending.append(row)
        else:
            flush()
            out.append(row)
    flush()
    return out


def _limit(items: list[Row | list[Row]], marks: Mapping[int, Mark]) -> list[Row | list[Row]]:
    """Fold what lies between the beginning, the marked frames and the end when there is too much to draw."""
    if len(items) <= _MOST_ROWS:
        return items
    margin = _MOST_ROWS // 3
    out: list[Row | list[Row]] = []
    for position, item in enumerate(items):
        marked = isinstance(item, Row) and item.frame in marks
        if position < margin or position >= len(items) - margin or marked:
            out.append(item)
            continue
        rows = [item] if isinstance(item, Row) else item
        if isinstance(out[-1], list):
            out[-1] = [*out[-1], *rows]
        else:
            out.append(list(rows))
    return out
