"""The packets of a case as text, the offending place marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from harness.capture.describe import describe_frame
from harness.capture.frame import Frame
from harness.capture.items import Item

__all__ = ["transcript"]

_AROUND: Final = 3
_LONGEST: Final = 60
_WIDEST: Final = 160
_RUN: Final = 4


def transcript(frames: Sequence[Frame], items: Sequence[tuple[Item, ...]], marks: Mapping[int, str]) -> str:
    """One line a frame; `marks` maps an index into `frames` to what is to be said about it.

    Runs of alike frames are folded, and a long transcript keeps its beginning, its end and what lies around the marks.
    """
    if not frames:
        return "  (no packet was captured)"
    start = frames[0].time
    count = min(len(frames), len(items))
    names = [(_name(frames[index], True), _name(frames[index], False)) for index in range(count)]
    width = max(len(name) for pair in names for name in pair)
    kept = _kept(count, marks)
    lines: list[str] = []
    for shown, group in groupby(range(count), key=lambda index: _key(index, items, names, kept, marks)):
        members = list(group)
        if shown is None:
            lines.append(f"     ... {len(members)} more")
        else:
            folded = members[-1] != members[0] and len(members) >= _RUN
            for index in members[:1] if folded else members:
                sender, receiver = names[index]
                when = f"{frames[index].number:5} {frames[index].time - start:9.4f}"
                way = f"{sender:>{width}} > {receiver:<{width}}"
                mark, note = (">>", f"   <== {marks[index]}") if index in marks else ("  ", "")
                lines.append(f"{mark} {when}  {way}  {describe_frame(items[index])[:_WIDEST]}{note}")
            if folded:
                lines.append(f"     ... {len(members) - 1} more like it, until {frames[members[-1]].time - start:.4f}")
    return "\n".join(lines)


def _name(frame: Frame, sender: bool) -> str:
    if sender:
        return frame.sender or str(frame.source)
    return frame.receiver or str(frame.destination)


def _key(
    index: int,
    items: Sequence[tuple[Item, ...]],
    names: Sequence[tuple[str, str]],
    kept: frozenset[int] | None,
    marks: Mapping[int, str],
) -> object:
    """Neighbours with the same key are shown as one; None is not shown."""
    if index in marks:
        return index
    if kept is not None and index not in kept:
        return None
    return names[index], tuple((item.part, item.code) for item in items[index])


def _kept(count: int, marks: Mapping[int, str]) -> frozenset[int] | None:
    """The frames that are shown of a long transcript; None for all."""
    if count <= _LONGEST:
        return None
    kept = set(range(_LONGEST // 3)) | set(range(count - _LONGEST // 3, count))
    for mark in list(marks)[:_LONGEST]:
        kept.update(range(mark - _AROUND, mark + _AROUND + 1))
    return frozenset(kept)
