"""What a clause is: one normative statement of a specification, and what we know about judging it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["About", "Clause", "Level", "Observed", "Unjudged"]


class Level(StrEnum):
    """How strongly a statement asks, by its highest RFC 2119 keyword. Steps of W3C algorithms are MUST."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"

    @property
    def letter(self) -> str:
        """As in ids: M, S or Y."""
        return {Level.MUST: "M", Level.SHOULD: "S", Level.MAY: "Y"}[self]


class Observed(StrEnum):
    """Where one sees whether a clause is kept."""

    WIRE = "wire"
    API = "api"
    BOTH = "both"
    INTERNAL = "internal"


class Unjudged(StrEnum):
    """Why a clause can't be judged, by class."""

    NOT_APPLICABLE = "not applicable"
    DEPRECATED = "deprecated"
    OUT_OF_SCOPE = "out of scope"
    NOT_OBSERVABLE = "not observable"


@dataclass(frozen=True, slots=True)
class About:
    """What we say about a clause in our own words. `disputed` says what the dispute is; empty when there is none."""

    paraphrase: str = ""
    actor: str = ""
    observed: Observed | None = None
    unjudged: Unjudged | None = None
    why: str = ""
    disputed: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One entry of the registry. `sha256` is of the normalised sentence; the sentence itself is not stored."""

    id: str
    document: str
    section: str
    level: Level
    sha256: str
    about: About = About()

    @property
    def applicable(self) -> bool:
        """False when the clause can't be judged, by its class."""
        return self.about.unjudged is None
