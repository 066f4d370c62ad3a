"""What a target is: a strategy of examples, a way to play one, and what an oracle says against it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from hypothesis.strategies import SearchStrategy

__all__ = ["Example", "Played", "Problem", "Target"]

#: One input, as JSON: what is stored is what is played.
Example: TypeAlias = dict[str, Any]


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

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        return self.oracle, self.clause, self.endpoint, self.state, self.error

    def __str__(self) -> str:
        where = f" in {self.state}" if self.state else ""
        return f"{self.oracle}: {self.error}{where} ({self.endpoint})"


@dataclass(frozen=True, slots=True)
class Played:
    """What playing one example came to: the black-box coverage cells it reached, and the first problem, if any."""

    cells: frozenset[str] = field(default_factory=frozenset)
    problem: Problem | None = None


class Target(ABC):
    """One thing to be fuzzed. A context manager: what it needs (endpoints) is there inside."""

    name: ClassVar[str]

    def __init__(self, endpoints: tuple[str, ...] = ("reference",)) -> None:
        self.endpoints = endpoints

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    @abstractmethod
    def strategy(self) -> SearchStrategy[Example]:
        """Where examples come from."""

    @abstractmethod
    def play(self, example: Example) -> Played:
        """Play one example. Raises only what means that the campaign can't go on (EndpointError)."""

    def files(self, example: Example) -> Mapping[str, str]:
        """The example as a person would look at it: name -> text of files that go into a finding's folder."""
        return {}

    @property
    def builds(self) -> Mapping[str, str]:
        """Exactly what was tried: endpoint -> build."""
        return {}
