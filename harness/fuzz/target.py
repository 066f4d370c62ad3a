"""What a target is: a strategy of examples, a way to play one, and what an oracle says against it."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Self, TypeAlias

from hypothesis.strategies import SearchStrategy

__all__ = ["Example", "Played", "Problem", "Target"]

#: One input, as JSON: what is stored is what is played.
Example: TypeAlias = dict[str, Any]


_DEATHS: Final = ("crash", "hang")


@dataclass(frozen=True, slots=True)
class Problem:
    """What an oracle says against one example. Two examples with the same `key` show the same finding.

    `clause` is a clause id, or empty where nothing but our own promise is broken ("a parser raises DecodeError only").
    """

    oracle: str
    error: str
    state: str = ""
    clause: str = ""
    endpoint: str = "reference"
    message: str = ""

    @classmethod
    def of_exception(cls, error: BaseException, state: str = "") -> Problem:
        """An exception that should not have come out, told from others by the function it was raised in."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{Path(frames[-1].filename).stem}.{frames[-1].name}" if frames else "nowhere"
        last = "".join(traceback.format_list(frames[-3:]))
        return cls("exception", f"{type(error).__name__} in {where}", state, message=f"{error}\n{last}"[:2000].rstrip())

    @property
    def is_death(self) -> bool:
        """Whether an endpoint died of it, or had to be ended."""
        return self.oracle in _DEATHS

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        return self.oracle, self.clause, self.endpoint, self.state, self.error

    def __str__(self) -> str:
        where = f" in {self.state}" if self.state else ""
        return f"{self.oracle}: {self.error}{where} ({self.endpoint})"


@dataclass(frozen=True, slots=True)
class Played:
    """What playing one example came to: the black-box coverage cells it reached, and every problem it showed.

    One that is known already doesn't hide those behind it, as far as an oracle can go on after the first. `steps`:
    how many generated calls were made on each endpoint, where an example is made of calls.
    """

    cells: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    steps: int = 0

    @classmethod
    def of(cls, cells: Iterable[str], problem: Problem | None = None) -> Played:
        """With one problem, or none."""
        return cls(frozenset(cells), () if problem is None else (problem,))


class Target(ABC):
    """One thing to be fuzzed. A context manager: what it needs (endpoints) is there inside."""

    name: ClassVar[str]
    #: Whether it is played on endpoints; the others are about the reference peer's own code.
    plays_scripts: ClassVar[bool] = False

    def __init__(self, endpoints: tuple[str, ...] = ("reference",)) -> None:
        if not self.plays_scripts and endpoints != ("reference",):
            raise ValueError(f"{self.name} is about our own code; there is no {', '.join(endpoints)} to choose")
        self.endpoints = endpoints

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what `__enter__` began."""
        return

    @abstractmethod
    def strategy(self) -> SearchStrategy[Example]:
        """Where examples come from."""

    @abstractmethod
    def play(self, example: Example) -> Played:
        """Play one example. Raises only what means that the campaign can't go on (EndpointError)."""

    def files(self, example: Example) -> Mapping[str, str | bytes]:
        """The example as a person would look at it: name -> content of files that go into a finding's folder."""
        return {}

    @property
    def remains(self) -> Mapping[str, bytes]:
        """What the endpoint that died last left behind, log and dumps: name -> content."""
        return {}

    @classmethod
    def figures(cls, cells: Iterable[str]) -> dict[str, tuple[int, int]]:
        """What of a whole that is known is covered: name -> (covered, all)."""
        return {}

    @property
    def builds(self) -> Mapping[str, str]:
        """Exactly what was tried: endpoint -> build."""
        return {}
