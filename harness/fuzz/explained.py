"""What an endpoint is known to do otherwise than W3C's text: problems that need no finding any more.

`fixtures/fuzz/signalling.toml` holds entries

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
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from harness.fuzz.target import Problem

__all__ = ["DEFAULT", "Explanation", "explains", "load"]

DEFAULT: Final = Path(__file__).parents[2] / "fixtures" / "fuzz" / "signalling.toml"


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


def load(path: Path = DEFAULT) -> tuple[Explanation, ...]:
    """The entries of a file. Raises ValueError when one lacks a word or has one too many."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("explained", [])
    try:
        return tuple(Explanation(**entry) for entry in entries)
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from None


def explains(explanations: tuple[Explanation, ...], problem: Problem) -> bool:
    return any(one.fits(problem) for one in explanations)
