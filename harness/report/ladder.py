"""The ladder diagram: from rows of evidence to coordinates. The template draws, this decides what is drawn and where.

A conversation of a thousand frames has a dozen interesting ones: rows that repeat what was just seen many times are
folded into one line that says how many and of what. A frame that a clause cites is never folded.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.report.evidence import Ladder, Row

__all__ = ["Drawing", "Fold", "Lane", "Mark", "Step", "draw", "fold"]

WIDTH = 860
ROW_HEIGHT = 30
TOP = 12
_LEFT, _RIGHT = 176, 704
_LABEL_CHARS = 66
_WINDOW, _REPEATS = 16, 4
_MOST_ROWS = 400


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a frame stands out: the clauses that rest on it and whether one of them is broken."""

    broken: bool
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows that are not drawn one by one."""

    count: int
    first_frame: int | None
    last_frame: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    x: float


@dataclass(frozen=True, slots=True)
class Step:
    """One drawn line. `x1` to `x2` is the arrow (equal for an event on one lane); `row` is None for a fold."""

    number: int
    y: float
    x1: float
    x2: float
    text_x: float
    label: str
    description: str
    row: Row | None
    fold: Fold | None
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything the template needs."""

    width: int
    height: float
    lanes: tuple[Lane, ...]
    steps: tuple[Step, ...]
    hidden: int


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


def draw(ladder: Ladder, marks: Mapping[int, Mark]) -> Drawing:
    """Lay the ladder out; `marks` by frame number."""
    lanes = _lanes(ladder.lanes)
    places = {lane.name: lane.x for lane in lanes}
    items = _limit(fold(ladder.rows, frozenset(marks)), marks)
    steps = [_step(number, item, places, marks) for number, item in enumerate(items)]
    hidden = sum(step.fold.count for step in steps if step.fold)
    return Drawing(WIDTH, TOP + ROW_HEIGHT * len(steps) + 8, lanes, tuple(steps), hidden)


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


def _lanes(names: tuple[str, ...]) -> tuple[Lane, ...]:
    if len(names) == 1:
        return (Lane(names[0], (_LEFT + _RIGHT) / 2),)
    gap = (_RIGHT - _LEFT) / max(1, len(names) - 1)
    return tuple(Lane(name, _LEFT + gap * position) for position, name in enumerate(names))


def _step(number: int, item: Row | list[Row], places: Mapping[str, float], marks: Mapping[int, Mark]) -> Step:
    y = TOP + ROW_HEIGHT * number + ROW_HEIGHT * 0.7
    if isinstance(item, list):
        return _fold_step(number, y, item, places)
    middle = (_LEFT + _RIGHT) / 2
    x1 = places.get(item.source, middle)
    x2 = places.get(item.target, x1)
    text_x = (x1 + x2) / 2 if x1 != x2 else x1
    mark = marks.get(item.frame) if item.frame is not None else None
    return Step(number, y, x1, x2, text_x, _shorten(item.label), _describe(item, mark), item, None, mark)


def _fold_step(number: int, y: float, rows: list[Row], places: Mapping[str, float]) -> Step:
    kinds = Counter(f"{row.kind} {row.label.split(' ', 1)[0]}".strip() for row in rows)
    text = ", ".join(f"{kind} x {count}" for kind, count in kinds.most_common(3))
    frames = [row.frame for row in rows if row.frame is not None]
    first, last = (min(frames), max(frames)) if frames else (None, None)
    folded = Fold(len(rows), first, last, text)
    label = f"{len(rows)} more: {text}"
    x1, x2 = min(places.values(), default=_LEFT), max(places.values(), default=_RIGHT)
    return Step(number, y, x1, x2, (x1 + x2) / 2, _shorten(label), label, None, folded, None)


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LABEL_CHARS else flat[: _LABEL_CHARS - 1] + "…"


def _describe(row: Row, mark: Mark | None) -> str:
    where = f"frame {row.frame}, " if row.frame is not None else ""
    way = f"{row.source} to {row.target}" if row.source != row.target else row.source
    because = f"; {'broken' if mark.broken else 'judged'}: {', '.join(mark.clauses)}" if mark else ""
    return f"{where}{row.time * 1000:.1f} ms, {way}: {row.kind} {row.label}{because}"
