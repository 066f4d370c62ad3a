"""Verdicts: what an assertion found, what a case as a whole found, and how the two relate.

An assertion leaves a `Judgement`: the clause it judged, its verdict, and what that rests on (frames of the capture,
or an SDP line, or an event). A `Ledger` collects the judgements of one case. A broken MUST raises
`ConformanceFailure`, which ends the case; a broken SHOULD is recorded as `weak` and the case goes on; a clause listed
as disputed is recorded as `disputed` and never scored.

Verdicts are never turned into one another: a time-out isn't a failure of the endpoint, a crash isn't a time-out, and
what an endpoint declares not to support isn't a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["ConformanceFailure", "Judgement", "Ledger", "Verdict", "broken", "check", "current_ledger", "worst"]


class Verdict(StrEnum):
    """What was found. The first six are about the endpoint, the last three about the run itself."""

    PASS = "pass"  # noqa: S105  (a verdict, not a password)
    FAIL = "fail"
    WEAK = "weak"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"
    DISPUTED = "disputed"
    TIMEOUT = "timeout"
    CRASH = "crash"
    ERROR = "error"

    @property
    def letter(self) -> str:
        """One letter, unique among verdicts: a report is readable without colour."""
        return _LETTERS[self]

    @property
    def meaning(self) -> str:
        """The definition, in words, for legends."""
        return _MEANINGS[self]

    @property
    def about_the_run(self) -> bool:
        """True where the verdict says something about this run and nothing about the endpoint's conformance."""
        return self in {Verdict.TIMEOUT, Verdict.CRASH, Verdict.ERROR}


_LETTERS = {
    Verdict.PASS: "P",
    Verdict.FAIL: "F",
    Verdict.WEAK: "W",
    Verdict.UNSUPPORTED: "U",
    Verdict.INCONCLUSIVE: "I",
    Verdict.DISPUTED: "D",
    Verdict.TIMEOUT: "T",
    Verdict.CRASH: "C",
    Verdict.ERROR: "E",
}

_MEANINGS = {
    Verdict.PASS: "Every assertion ran and held.",
    Verdict.FAIL: "A MUST (or a step of a W3C algorithm) is broken.",
    Verdict.WEAK: "Every MUST held, a SHOULD is broken.",
    Verdict.UNSUPPORTED: "The endpoint declares that it lacks what the case needs.",
    Verdict.INCONCLUSIVE: "The case could not judge: what it rests on did not happen.",
    Verdict.DISPUTED: "The clause is disputed; what was seen is listed and not scored.",
    Verdict.TIMEOUT: "The case ran out of time before it could judge.",
    Verdict.CRASH: "The endpoint died during the case.",
    Verdict.ERROR: "The harness itself failed; nothing is said about the endpoint.",
}

# Within one case the first of these that occurs is the verdict of the case.
_PRECEDENCE = (
    Verdict.ERROR,
    Verdict.CRASH,
    Verdict.FAIL,
    Verdict.TIMEOUT,
    Verdict.WEAK,
    Verdict.DISPUTED,
    Verdict.INCONCLUSIVE,
    Verdict.UNSUPPORTED,
    Verdict.PASS,
)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole from those of its parts; `inconclusive` when there are none, since nothing was judged."""
    found = set(verdicts)
    return next((verdict for verdict in _PRECEDENCE if verdict in found), Verdict.INCONCLUSIVE)


def broken(clause: str | None) -> Verdict:
    """The verdict of an assertion that does not hold, by the level its clause id carries.

    A SHOULD (`...-S3`) or MAY (`...-Y1`) gives `weak`; a MUST, a W3C step, and an assertion without a clause give
    `fail`.
    """
    level = clause.rpartition("-")[2] if clause else ""
    return Verdict.WEAK if level[:1] in {"S", "Y"} and level[1:].isdigit() else Verdict.FAIL


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one assertion found.

    `clause` is a registry id, or None where the assertion serves the case alone; `frames` are 1-based frame numbers
    of the capture; `evidence` names what else it rests on: an SDP line, an event, an entry of the trace.
    """

    clause: str | None
    verdict: Verdict
    message: str = ""
    frames: tuple[int, ...] = ()
    evidence: str = ""


class ConformanceFailure(AssertionError):
    """A MUST is broken. Carries the judgement; its text is what the report shows as `seen`."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.message)
        self.judgement = judgement

    def __str__(self) -> str:
        clause, message = self.judgement.clause, self.judgement.message
        return f"{clause}: {message}" if clause else message


@dataclass(slots=True)
class Ledger:
    """The judgements of one case, in the order they were made.

    `disputed` are clause ids that are listed and not scored.
    """

    disputed: frozenset[str] = frozenset()
    _judgements: list[Judgement] = field(default_factory=list)

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        return tuple(self._judgements)

    @property
    def verdict(self) -> Verdict:
        """What the judgements so far add up to; `inconclusive` when there are none."""
        return worst(judgement.verdict for judgement in self._judgements)

    def record(self, judgement: Judgement) -> None:
        """Keep a judgement as it is. Raises nothing: see `check` and `conclude` for judging and raising in one."""
        self._judgements.append(judgement)

    def conclude(
        self,
        holds: bool,
        message: str,
        *,
        clause: str | None = None,
        frames: tuple[int, ...] = (),
        evidence: str = "",
    ) -> Judgement:
        """Record whether an assertion holds; raise `ConformanceFailure` when a MUST doesn't.

        `message` says what was expected and what was seen; it is kept only when the assertion doesn't hold.
        """
        if holds:
            judgement = Judgement(clause, Verdict.PASS, "", frames, evidence)
        else:
            verdict = Verdict.DISPUTED if clause in self.disputed else broken(clause)
            judgement = Judgement(clause, verdict, message, frames, evidence)
        self.record(judgement)
        if judgement.verdict is Verdict.FAIL:
            raise ConformanceFailure(judgement)
        return judgement

    @contextmanager
    def active(self) -> Iterator[Ledger]:
        """Make this the ledger that `check` writes to, for the time of one case."""
        _active.append(self)
        try:
            yield self
        finally:
            _active.remove(self)


# One case runs at a time in a process, and a case's coroutine does not inherit the context its fixtures were set up in:
# a plain stack is right here where a context variable would be empty.
_active: list[Ledger] = []


def current_ledger() -> Ledger | None:
    """The ledger of the case that is running, or None outside of one."""
    return _active[-1] if _active else None


def check(
    condition: object,
    message: str = "",
    *,
    clause: str | None = None,
    frames: tuple[int, ...] = (),
    evidence: object = "",
    ledger: Ledger | None = None,
) -> Judgement:
    """Assert something about an endpoint, citing the clause that asks for it.

    Records the judgement in `ledger` (by default that of the running case). Raises `ConformanceFailure` when the
    condition is false and the clause is a MUST or absent; a broken SHOULD is recorded and the case goes on.
    """
    book = ledger or current_ledger() or Ledger()
    text = message or "the condition does not hold"
    return book.conclude(bool(condition), text, clause=clause, frames=frames, evidence=str(evidence))
