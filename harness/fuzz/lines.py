"""Line coverage of our own peer, by a sample: it costs many times what it watches, so it gets a share of the time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import peer

__all__ = ["LineCoverage"]

_PEER: Final = Path(peer.__file__).parent
#: Of the campaign's time, how much may be spent on examples that are traced.
_SHARE: Final = 0.1
_IN_A_FUNCTION: Final = 0x1  # inspect.CO_OPTIMIZED: neither a module's body nor a class's, which only importing runs


class LineCoverage:
    """The lines of `peer` that examples reached; `known` are those of earlier runs, as `serialized` gives them."""

    def __init__(self, known: Mapping[str, Iterable[int]] | None = None) -> None:
        self._reached: dict[str, set[int]] = {name: set(lines) for name, lines in (known or {}).items()}
        self._by_file: dict[str, set[int] | None] = {}
        self._began, self._spent = time.perf_counter(), 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Trace what is done inside, if it is time for that and nobody else traces."""
        began = time.perf_counter()
        if self._spent > _SHARE * (began - self._began) or sys.gettrace() is not None:
            yield
            return
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(None)
            self._spent += time.perf_counter() - began

    def add(self, other: Mapping[str, Iterable[int]]) -> None:
        """The lines another campaign reached."""
        for name, lines in other.items():
            self._reached.setdefault(name, set()).update(lines)

    def serialized(self) -> dict[str, list[int]]:
        """Line numbers by module, `sctp/association.py`."""
        return {name: sorted(lines) for name, lines in sorted(self._reached.items()) if lines}

    def figures(self) -> dict[str, tuple[int, int]]:
        """How many lines were reached, of all that are in functions of the modules that were entered."""
        reached = all_of = 0
        for name, lines in self._reached.items():
            there = _lines_of(name) if lines else frozenset()
            reached += len(lines & there)
            all_of += len(there)
        return {"lines of the peer": (reached, all_of)} if all_of else {}

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        return None if self._lines(frame.f_code.co_filename) is None else self._line

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and (lines := self._lines(frame.f_code.co_filename)) is not None:
            lines.add(frame.f_lineno)
        return self._line

    def _lines(self, file: str) -> set[int] | None:
        """Where the lines of a file are kept; None for one that isn't ours."""
        if file not in self._by_file:
            path = Path(file)
            ours = path.is_relative_to(_PEER)
            self._by_file[file] = self._reached.setdefault(path.relative_to(_PEER).as_posix(), set()) if ours else None
        return self._by_file[file]


@cache
def _lines_of(name: str) -> frozenset[int]:
    """The lines inside the functions of a module; none when there is no such module any more."""
    try:
        text = (_PEER / name).read_text("utf-8")
        return frozenset(_inside(compile(text, name, "exec")))
    except (OSError, SyntaxError, ValueError):
        return frozenset()


def _inside(code: CodeType) -> Iterator[int]:
    if code.co_flags & _IN_A_FUNCTION:
        yield from (line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)
