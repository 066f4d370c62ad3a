"""What an endpoint is known to do otherwise than W3C's text: problems that need no finding any more.

`fixtures/fuzz/<target>.toml`, where there is one, holds entries

    [[explained]]
    endpoint = "chromium"              # as the problem has it; "reference,chromium" for a difference between the two
    oracle = "outcome"                 # shell patterns over the problem's words, as the other two
    error = "OperationError, not TypeError"
    state = "*, setRemoteDescription"
    step = "W3C-Introduction-M1"       # the step it breaks
    reason = "null is taken for a description without type"
    message = "*Failed to parse*"      # may be left out
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

from harness.fuzz.target import Problem

__all__ = ["FOLDER", "Explanation", "load", "unexplained"]

FOLDER: Final = Path(__file__).parents[2] / "fixtures" / "fuzz"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One entry. All of its words have to fit."""

    endpoint: str
    oracle: str
    error: str
    state: str
    step: str
    reason: str
    message: str = "*"

    def fits(self, problem: Problem) -> bool:
        if self.endpoint != problem.endpoint:
            return False
        words = (
            (problem.oracle, self.oracle),
            (problem.error, self.error),
            (problem.state, self.state),
            (problem.message, self.message),
        )
        return all(fnmatchcase(word, pattern) for word, pattern in words)


@cache
def load(path: Path) -> tuple[Explanation, ...]:
    """The entries of a file, none if there is no file. Raises ValueError when one lacks a word or has one too many."""
    if not path.exists():
        return ()
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("explained", [])
    try:
        return tuple(Explanation(**entry) for entry in entries)
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from None


def unexplained(target: str, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those problems of a target that no entry fits."""
    entries = load(FOLDER / f"{target}.toml")
    return tuple(problem for problem in problems if not any(entry.fits(problem) for entry in entries))
