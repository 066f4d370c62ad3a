"""What a run leaves: `results.json`, and while it goes on the journal that survives a SIGKILL. `harness.writing` writes
them.

A run directory holds
- `results.json`: the contract (JSON Schema beside this module, `results.schema.json`), rewritten atomically;
- `results.journal.jsonl`: the run's header and one line a result, appended and flushed as each case ends, so that a run
  killed at any moment is readable and can be resumed. It disappears when the run finishes;
- `cells/<name>/`: the artefacts of one case, named by `artefact_folder`; `cells/<name>.json.gz` where it passed.

Reading is forgiving where writing may have been cut off: a torn or foreign line, or a result that makes no sense, is
reported in `RunResults.problems` and skipped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from harness.verdict import Judgement, Verdict

__all__ = [
    "Artefact",
    "CaseResult",
    "ClauseResult",
    "Fact",
    "ResultsError",
    "RunInfo",
    "RunResults",
    "artefact_folder",
    "matrix_case",
    "schema",
    "unexpected_because",
]

SCHEMA = 1
RESULTS_FILE = "results.json"
JOURNAL_FILE = "results.journal.jsonl"

_MATRIX = "matrix/"

Fact: TypeAlias = "str | int | float | bool | list[Any] | dict[str, Any] | None"

# Without an entry in the expectations these need no attention: they say what can't be judged, and the case that is the
# cause (a sanity case that failed, say) is itself reported.
_QUIET = frozenset({Verdict.PASS, Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE, Verdict.DISPUTED})


def matrix_case(row: str) -> str:
    """`CaseResult.case` of the cells in a row of the interop matrix; their endpoints are (offerer, answerer)."""
    return f"{_MATRIX}{row}"


class ResultsError(Exception):
    """A file that should hold results doesn't."""


class Artefact(StrEnum):
    """Names of the artefacts of a case. Their values are the keys in `results.json`."""

    PCAPNG = "pcapng"
    DECRYPTED_PCAPNG = "decrypted_pcapng"
    KEYS = "keys"
    OFFER_SDP = "offer_sdp"
    ANSWER_SDP = "answer_sdp"
    LADDER = "ladder"
    TRACE = "trace"
    REPRO_HTML = "repro_html"
    REPRO_PY = "repro_py"
    LOG = "log"
    MEDIA = "media"
    """Lists the images of received tracks (`[{"name", "caption", "type"}]`): artefacts by those names."""

    @property
    def file_name(self) -> str:
        """The file's name in the case's folder."""
        return _FILE_NAMES[self]


_FILE_NAMES = {
    Artefact.PCAPNG: "wire.pcapng",
    Artefact.DECRYPTED_PCAPNG: "wire.decrypted.pcapng",
    Artefact.KEYS: "keys.log",
    Artefact.OFFER_SDP: "offer.sdp",
    Artefact.ANSWER_SDP: "answer.sdp",
    Artefact.LADDER: "ladder.json.gz",
    Artefact.TRACE: "trace.jsonl.gz",
    Artefact.REPRO_HTML: "repro.html",
    Artefact.REPRO_PY: "repro.py",
    Artefact.LOG: "browser.log",
    Artefact.MEDIA: "media.json",
}


def artefact_folder(case: str, endpoints: Iterable[str]) -> PurePosixPath:
    """The folder of a case's artefacts, relative to the run directory: readable, unique, the same in every run."""
    among = tuple(endpoints)
    stem = case.rpartition("::")[2] or case
    slug = re.sub(r"[^A-Za-z0-9]+", "-", f"{stem}-{'-'.join(among)}").strip("-").lower()[:80]
    digest = hashlib.sha256("\0".join((case, *among)).encode()).hexdigest()[:8]
    return PurePosixPath("cells") / f"{slug}-{digest}"


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """One clause as judged in one case. Several judgements of a clause stay several entries."""

    id: str
    verdict: Verdict
    frames: tuple[int, ...] = ()
    message: str = ""
    evidence: str = ""

    @classmethod
    def of(cls, judgement: Judgement) -> ClauseResult:
        """The entry for a judgement that cites a clause; ValueError when it cites none."""
        if judgement.clause is None:
            raise ValueError("a judgement without a clause is not a clause result")
        return cls(judgement.clause, judgement.verdict, judgement.frames, judgement.message, judgement.evidence)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one case on its endpoints, or of one cell of the matrix.

    `unexpected` says why the result needs attention and is empty when it doesn't; `reason` and `link` come from the
    expectation entry that applied. `artefacts` are paths below the run directory, by `Artefact` name.
    """

    case: str
    endpoints: tuple[str, ...]
    verdict: Verdict
    expected: Verdict = Verdict.PASS
    message: str = ""
    clauses: tuple[ClauseResult, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    artefacts: Mapping[str, str] = field(default_factory=dict)
    duration_s: float = 0.0
    unexpected: str = ""
    reason: str = ""
    link: str = ""
    attempts: tuple[Verdict, ...] = ()

    @property
    def is_cell(self) -> bool:
        """True for a cell of the interop matrix."""
        return self.case.startswith(_MATRIX)

    @property
    def row(self) -> str:
        """The row of the interop matrix this is a cell of; empty for a case."""
        return self.case.removeprefix(_MATRIX) if self.is_cell else ""

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What identifies the result within a run, and across runs."""
        return self.case, self.endpoints

    @property
    def subjects(self) -> tuple[str, ...]:
        """The endpoints the result says something about.

        Both of a matrix cell; in a case the one under test, which is the last that isn't the reference peer that
        judges it.
        """
        if self.is_cell:
            return tuple(dict.fromkeys(self.endpoints))
        others = [name for name in self.endpoints if name != "reference"]
        return tuple(others[-1:] or self.endpoints[-1:])

    @property
    def flaky(self) -> bool:
        """True when attempts at the case in this run disagreed."""
        return len(set(self.attempts)) > 1

    def to_json(self) -> dict[str, Any]:
        """The entry of `results.json`."""
        out: dict[str, Any] = {
            "case": self.case,
            "endpoints": list(self.endpoints),
            "verdict": self.verdict.value,
            "expected": self.expected.value,
            "message": self.message,
            "clauses": [_clause_to_json(clause) for clause in self.clauses],
            "facts": dict(self.facts),
            "artefacts": dict(self.artefacts),
            "duration_s": round(self.duration_s, 6),
        }
        optional = {
            "unexpected": self.unexpected,
            "reason": self.reason,
            "link": self.link,
            "attempts": [attempt.value for attempt in self.attempts],
        }
        return out | {name: value for name, value in optional.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CaseResult:
        """Read an entry of `results.json`; ResultsError when it isn't one."""
        try:
            return cls(
                case=_text(data["case"]),
                endpoints=tuple(_text(name) for name in data["endpoints"]),
                verdict=Verdict(data["verdict"]),
                expected=Verdict(data["expected"]),
                message=_text(data["message"]),
                clauses=tuple(_clause_from_json(clause) for clause in data["clauses"]),
                facts=dict(data["facts"]),
                artefacts={_text(name): _text(path) for name, path in data["artefacts"].items()},
                duration_s=float(data["duration_s"]),
                unexpected=_text(data.get("unexpected", "")),
                reason=_text(data.get("reason", "")),
                link=_text(data.get("link", "")),
                attempts=tuple(Verdict(attempt) for attempt in data.get("attempts", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ResultsError(f"not a case result: {error!r}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a string was expected, not {type(value).__name__}")
    return value


def _clause_to_json(clause: ClauseResult) -> dict[str, Any]:
    out: dict[str, Any] = {"id": clause.id, "verdict": clause.verdict.value, "frames": list(clause.frames)}
    optional = {"message": clause.message, "evidence": clause.evidence}
    return out | {name: value for name, value in optional.items() if value}


def _clause_from_json(data: Mapping[str, Any]) -> ClauseResult:
    return ClauseResult(
        id=_text(data["id"]),
        verdict=Verdict(data["verdict"]),
        frames=tuple(int(frame) for frame in data["frames"]),
        message=_text(data.get("message", "")),
        evidence=_text(data.get("evidence", "")),
    )


def unexpected_because(verdict: Verdict, expected: Verdict, *, strict: bool = False) -> str:
    """Why a verdict needs attention, in words; empty when it doesn't. Message signatures are `harness.expectations`'
    business.

    Without an expectation entry (`expected` is pass), what can't be judged is no surprise, and a broken SHOULD is one
    only when `strict`.
    """
    if verdict is expected:
        return ""
    if expected is not Verdict.PASS:
        return f"expected {expected.value}, got {verdict.value}"
    if verdict in _QUIET or (verdict is Verdict.WEAK and not strict):
        return ""
    return f"{verdict.value} where a pass was expected"


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What identifies a run: enough to do it again on the same builds.

    `started` is ISO 8601 with an offset; `capture` is `af_packet`, `tap` or `none`; `builds` maps each endpoint to
    the exact build that answered.
    """

    id: str
    started: str
    seed: int
    capture: str = "none"
    builds: Mapping[str, str] = field(default_factory=dict)
    duration_s: float = 0.0
    strict: bool = False
    finished: bool = False
    host: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The `run` object of `results.json`."""
        return {
            "id": self.id,
            "started": self.started,
            "duration_s": round(self.duration_s, 3),
            "seed": self.seed,
            "capture": self.capture,
            "builds": dict(self.builds),
            "strict": self.strict,
            "finished": self.finished,
            "host": dict(self.host),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunInfo:
        """Read the `run` object; ResultsError when it isn't one."""
        try:
            return cls(
                id=_text(data["id"]),
                started=_text(data["started"]),
                seed=int(data["seed"]),
                capture=_text(data["capture"]),
                builds={_text(name): _text(build) for name, build in data["builds"].items()},
                duration_s=float(data["duration_s"]),
                strict=bool(data.get("strict", False)),
                finished=bool(data.get("finished", True)),
                host={_text(name): _text(value) for name, value in data.get("host", {}).items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ResultsError(f"not the description of a run: {error!r}") from error


@dataclass(frozen=True, slots=True)
class RunResults:
    """A whole run. `clauses` holds coverage by RFC and level; `problems` says what couldn't be read."""

    run: RunInfo
    results: tuple[CaseResult, ...] = ()
    clauses: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def unexpected(self) -> tuple[CaseResult, ...]:
        """The results that need attention."""
        return tuple(result for result in self.results if result.unexpected)

    @property
    def cells(self) -> tuple[CaseResult, ...]:
        """The cells of the interop matrix, of every row."""
        return tuple(result for result in self.results if result.is_cell)

    @property
    def rows(self) -> Mapping[str, tuple[CaseResult, ...]]:
        """The cells of the interop matrix by row, in the order of the run."""
        found: dict[str, tuple[CaseResult, ...]] = {}
        for cell in self.cells:
            found[cell.row] = (*found.get(cell.row, ()), cell)
        return found

    def to_json(self) -> dict[str, Any]:
        """The content of `results.json`."""
        return {
            "schema": SCHEMA,
            "run": self.run.to_json(),
            "results": [result.to_json() for result in self.results],
            "clauses": {rfc: {level: dict(row) for level, row in rows.items()} for rfc, rows in self.clauses.items()},
        }

    @classmethod
    def from_json(cls, data: object) -> RunResults:
        """Read the content of `results.json`; single results that make no sense become `problems`."""
        if not isinstance(data, dict) or not isinstance(data.get("run"), dict):
            raise ResultsError("not a results.json: no `run` object")
        if data.get("schema") != SCHEMA:
            raise ResultsError(f"results.json of schema {data.get('schema')!r}; this version reads schema {SCHEMA}")
        entries = data.get("results")
        results, problems = _read_results(enumerate(entries if isinstance(entries, list) else ()))
        clauses = data.get("clauses")
        return cls(RunInfo.from_json(data["run"]), results, clauses if isinstance(clauses, dict) else {}, problems)

    @classmethod
    def load(cls, directory: Path) -> RunResults:
        """Read a run directory, finished or not; the journal's results win over those of `results.json`.

        Raises ResultsError when the directory holds neither file in readable form.
        """
        journal = directory / JOURNAL_FILE
        base: RunResults | None = None
        problems: tuple[str, ...] = ()
        try:
            base = cls.from_json(json.loads((directory / RESULTS_FILE).read_text("utf-8")))
        except FileNotFoundError:
            problems = ("results.json is missing",) if not journal.exists() else ()
        except (OSError, ValueError, ResultsError) as error:
            problems = (f"{RESULTS_FILE}: {error}",)
        if not journal.exists():
            if base is None:
                raise ResultsError(f"{directory}: " + "; ".join(problems))
            return base
        return _with_journal(base, journal, problems)

    def with_results(self, results: Iterable[CaseResult]) -> RunResults:
        """The same run with more results; a later result of the same case and endpoints replaces the earlier."""
        merged = {result.key: result for result in self.results}
        merged.update((result.key, result) for result in results)
        return replace(self, results=tuple(merged.values()))


def _read_results(entries: Iterable[tuple[int, Any]]) -> tuple[tuple[CaseResult, ...], tuple[str, ...]]:
    results: list[CaseResult] = []
    problems: list[str] = []
    for position, entry in entries:
        try:
            if not isinstance(entry, dict):
                raise ResultsError("not an object")
            results.append(CaseResult.from_json(entry))
        except ResultsError as error:
            problems.append(f"result {position}: {error}")
    return tuple(results), tuple(problems)


def _with_journal(base: RunResults | None, journal: Path, problems: tuple[str, ...]) -> RunResults:
    """Fold the journal into what `results.json` held when it was last written."""
    lines: list[tuple[int, Any]] = []
    torn: list[str] = list(problems)
    for number, line in enumerate(journal.read_bytes().splitlines(), start=1):
        try:
            lines.append((number, json.loads(line)))
        except ValueError:
            torn.append(f"{JOURNAL_FILE} line {number}: cut off or corrupt")
    # The last description counts: builds are known only once the first endpoint has started.
    heads = [entry["run"] for _, entry in lines if isinstance(entry, dict) and isinstance(entry.get("run"), dict)]
    if heads:
        run = RunInfo.from_json(heads[-1])
    elif base is not None:
        run = base.run
    else:
        raise ResultsError(f"{journal}: " + "; ".join([*torn, "no description of the run"]))
    entries = [(number, entry) for number, entry in lines if not (isinstance(entry, dict) and "run" in entry)]
    results, bad = _read_results(entries)
    whole = base or RunResults(run)
    kept = replace(whole, run=run, problems=(*whole.problems, *torn, *bad))
    return kept.with_results(results)


def schema() -> dict[str, Any]:
    """The JSON Schema of `results.json`."""
    loaded: dict[str, Any] = json.loads(files("harness").joinpath("results.schema.json").read_text("utf-8"))
    return loaded
