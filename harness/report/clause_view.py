"""The clauses of a document as this run found them, and the endpoints' statements: what the clause and endpoint pages
show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.clauses.coverage import Coverage, measure
from harness.clauses.model import Clause, Level
from harness.clauses.registry import Registry
from harness.report.summary import result_id
from harness.results import CaseResult, RunResults
from harness.verdict import Verdict, worst

__all__ = ["STATES", "ClausePage", "EndpointPage", "Library", "clause_pages", "endpoint_page"]

#: How a clause may stand, in words, by the name of its colour.
STATES: Final = {
    "kept": "kept",
    "broken": "broken",
    "weak": "a SHOULD broken",
    "unsettled": "judged without an outcome",
    "idle": "its assertion did not run",
    "open": "no case yet",
    "aside": "can't be judged here",
}
_COLOURS: Final = {Verdict.PASS: "kept", Verdict.FAIL: "broken", Verdict.WEAK: "weak"}


@dataclass(frozen=True, slots=True)
class Library:
    """What a report may know about clauses: the registry, what cases cite, sentences of texts at hand (may be
    empty)."""

    registry: Registry
    cited: Mapping[str, tuple[str, ...]]
    sentences: Mapping[str, str]

    def describe(self, identity: str) -> tuple[str, str]:
        """Our paraphrase and the sentence of a clause; either may be empty."""
        about = self.registry.resolve(identity).about.paraphrase if identity in self.registry else ""
        return about, self.sentences.get(identity, "")

    def measure(self, run: RunResults) -> Coverage:
        """Coverage of the registry by this run."""
        return measure(self.registry, self.cited, [run])


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one endpoint and a case that gave it; None where no assertion ran."""

    endpoint: str
    verdict: Verdict | None
    page: str = ""


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One clause. `state` is a word for its colour: judged, idle (cited, did not run), open (not cited), aside (can't
    be)."""

    clause: Clause
    state: str
    judged: tuple[Judged, ...]
    reason: str
    sentence: str

    @property
    def colour(self) -> str:
        """A key of `STATES`: the worst verdict of the endpoints, or why there is none."""
        found = [one.verdict for one in self.judged if one.verdict]
        if not found:
            return self.state
        return _COLOURS.get(worst(found), "unsettled")


@dataclass(frozen=True, slots=True)
class ClausePage:
    """All clauses of a document, by section; `figures` are (level, executed, applicable, total)."""

    document: str
    title: str
    endpoints: tuple[str, ...]
    sections: tuple[tuple[str, tuple[ClauseRow, ...]], ...]
    figures: tuple[tuple[str, int, int, int], ...]

    @property
    def rows(self) -> tuple[ClauseRow, ...]:
        """The clauses of all sections."""
        return tuple(row for _, rows in self.sections for row in rows)


def clause_pages(run: RunResults, library: Library) -> list[ClausePage]:
    """One page a document of the registry."""
    from harness.clauses.documents import DOCUMENTS

    endpoints = tuple(run.run.builds)
    found = _judged(run)
    coverage = library.measure(run)
    pages: list[ClausePage] = []
    for document in library.registry.documents():
        sections: dict[str, list[ClauseRow]] = {}
        for clause in library.registry.clauses(document):
            sections.setdefault(clause.section, []).append(_row(clause, endpoints, found, library))
        figures = tuple(
            (level.value, counts.executed, counts.applicable, counts.total)
            for level, counts in coverage.figures[document].items()
        )
        listed = tuple((section, tuple(rows)) for section, rows in sections.items())
        pages.append(ClausePage(document, DOCUMENTS[document].title, endpoints, listed, figures))
    return pages


def _judged(run: RunResults) -> dict[tuple[str, str], list[tuple[Verdict, CaseResult]]]:
    """Every judgement: (clause, endpoint) -> verdicts and the results that hold them."""
    found: dict[tuple[str, str], list[tuple[Verdict, CaseResult]]] = {}
    for result in run.results:
        for clause in result.clauses:
            for endpoint in result.subjects:
                found.setdefault((clause.id, endpoint), []).append((clause.verdict, result))
    return found


def _row(
    clause: Clause,
    endpoints: Iterable[str],
    found: Mapping[tuple[str, str], list[tuple[Verdict, CaseResult]]],
    library: Library,
) -> ClauseRow:
    judged = tuple(_worst_of(endpoint, found.get((clause.id, endpoint), [])) for endpoint in endpoints)
    places = library.cited.get(clause.id, ())
    state, reason = "open", ""
    if any(one.verdict for one in judged):
        state = "judged"
    elif places:
        state, reason = "idle", f"cited at {places[0]}, its assertion did not run"
    elif clause.about.unjudged:
        state, reason = "aside", f"{clause.about.unjudged}{f': {clause.about.why}' if clause.about.why else ''}"
    if clause.about.disputed:
        reason = f"disputed: {clause.about.disputed}"
    return ClauseRow(clause, state, judged, reason, library.sentences.get(clause.id, ""))


def _worst_of(endpoint: str, verdicts: list[tuple[Verdict, CaseResult]]) -> Judged:
    if not verdicts:
        return Judged(endpoint, None)
    verdict = worst(verdict for verdict, _ in verdicts)
    result = next(result for one, result in verdicts if one is verdict)
    return Judged(endpoint, verdict, result_id(result.case, result.endpoints))


@dataclass(frozen=True, slots=True)
class Deviation:
    """A result of an endpoint that isn't a pass."""

    result: CaseResult
    page: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint stands with one document at one level."""

    document: str
    level: Level
    executed: int
    passed: int
    total: int


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """A conformance statement: one build of one endpoint, in one run."""

    endpoint: str
    build: str
    standings: tuple[Standing, ...]
    deviations: tuple[Deviation, ...]
    tally: Mapping[str, int]
    verdicts: Mapping[str, Verdict]


def endpoint_page(run: RunResults, endpoint: str, library: Library | None) -> EndpointPage:
    """What this run says about an endpoint."""
    from harness.report.summary import tally

    about = [result for result in run.results if endpoint in result.subjects]
    quiet = {Verdict.PASS, Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE}
    verdicts: dict[str, Verdict] = {}
    for (clause, name), found in _judged(run).items():
        if name == endpoint:
            verdicts[clause] = worst(verdict for verdict, _ in found)
    return EndpointPage(
        endpoint,
        run.run.builds.get(endpoint, ""),
        _standings(endpoint, library.measure(run)) if library else (),
        tuple(_deviation(result) for result in about if result.verdict not in quiet or result.unexpected),
        tally(about),
        dict(sorted(verdicts.items())),
    )


def _standings(endpoint: str, coverage: Coverage) -> tuple[Standing, ...]:
    standings: list[Standing] = []
    for document, levels in coverage.figures.items():
        for level, figures in levels.items():
            ids = [identity for identity in coverage.verdicts if identity.startswith(f"{document}-")]
            executed = sum(endpoint in coverage.verdicts[identity] and _is(identity, level) for identity in ids)
            if executed:
                standings.append(Standing(document, level, executed, figures.passed.get(endpoint, 0), figures.total))
    return tuple(standings)


def _is(identity: str, level: Level) -> bool:
    letter = identity.rpartition("-")[2][:1]
    return letter == level.letter or (level is Level.MUST and not letter.isalpha())


def _deviation(result: CaseResult) -> Deviation:
    broken = tuple(clause.id for clause in result.clauses if clause.verdict is not Verdict.PASS)
    return Deviation(result, result_id(result.case, result.endpoints), tuple(dict.fromkeys(broken)))
