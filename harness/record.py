"""What a pytest run records: a result per case, judged against what is expected of it, on disk as soon as it is
known.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from harness import clauses, expectations
from harness.clauses import coverage
from harness.host import describe_host
from harness.report.render import write_report
from harness.results import CaseResult, ClauseResult, Fact, RunInfo
from harness.sanity import SanityGate
from harness.verdict import Judgement, Ledger, Verdict
from harness.writing import RunWriter

__all__ = ["CaseRecord", "RunRecord"]


@dataclass(slots=True)
class CaseRecord:
    """What is known of a case so far."""

    case: str
    endpoints: tuple[str, ...]
    cited: tuple[str, ...]
    ledger: Ledger
    verdict: Verdict = Verdict.INCONCLUSIVE
    message: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    artefacts: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def conclude(self) -> None:
        """The case ran to its end: its judgements are its verdict. A case that judges by plain `assert` passed."""
        judgements = self.ledger.judgements
        self.verdict = self.ledger.verdict if judgements else Verdict.PASS
        self.message = "\n".join(judgement.message for judgement in judgements if judgement.message)

    @property
    def clauses(self) -> tuple[ClauseResult, ...]:
        """Every judged clause, and the clauses above the case that no assertion in it named."""
        judgements = self.ledger.judgements
        named = {judgement.clause for judgement in judgements}
        found = [ClauseResult.of(judgement) for judgement in judgements if judgement.clause is not None]
        unnamed = [judgement for judgement in judgements if judgement.clause is None]
        frames = tuple(sorted({frame for judgement in unnamed for frame in judgement.frames}))
        inherited = [
            ClauseResult.of(Judgement(identity, self.verdict, self.message, frames))
            for identity in self.cited
            if identity not in named
        ]
        return (*found, *inherited)


class RunRecord:
    """The results of one pytest run. Nothing is written until the first case of the run has begun."""

    def __init__(self, directory: Path, *, seed: int | None, strict: bool, cases_folder: Path) -> None:
        self.directory = directory
        self.seed = secrets.randbelow(1 << 32) if seed is None else seed
        self.strict = strict
        self.gate = SanityGate()
        self.registry = clauses.load()
        self.builds: dict[str, str] = {}
        self.capture = "none"
        self._cases_folder = cases_folder
        self._disputed = self.registry.disputed()
        self._expected = expectations.load(cases_folder / "expectations")
        self._writer: RunWriter | None = None
        self._info: RunInfo | None = None

    def begin(self, case: str, endpoints: tuple[str, ...], cited: tuple[str, ...]) -> CaseRecord:
        """A case begins."""
        if self._writer is None:
            started = datetime.now(UTC)
            self._info = RunInfo(
                f"cases-{started:%Y%m%dT%H%M%SZ}",
                started.isoformat(timespec="seconds"),
                self.seed,
                strict=self.strict,
                host=describe_host(),
            )
            self._writer = RunWriter(self.directory, self._info)
        return CaseRecord(case, endpoints, cited, Ledger(disputed=self._disputed))

    def judge(self, record: CaseRecord) -> expectations.Outcome:
        """A case against what is expected of it."""
        return self._expected.judge(
            record.case, self._result(record).subjects, self.builds, record.verdict, record.message, strict=self.strict
        )

    def add(self, record: CaseRecord) -> CaseResult:
        """A case has ended: its result is on disk when this returns."""
        outcome = self.judge(record)
        self.gate.note(record.case, record.endpoints, record.verdict)
        result = replace(
            self._result(record),
            expected=outcome.expected,
            unexpected=outcome.unexpected,
            reason=outcome.reason,
            link=outcome.link,
        )
        if self._writer is not None and self._info is not None:
            known = replace(self._info, builds=dict(self.builds), capture=self.capture)
            if known != self._info:
                self._info = known
                self._writer.describe(known)
            self._writer.add(result)
        return result

    def _result(self, record: CaseRecord) -> CaseResult:
        return CaseResult(
            case=record.case,
            endpoints=record.endpoints,
            verdict=record.verdict,
            message=record.message,
            clauses=record.clauses,
            facts=record.facts,
            artefacts=record.artefacts,
            duration_s=time.monotonic() - record.began,
        )

    def unknown_clauses(self, cited: Mapping[str, Iterable[str]]) -> list[str]:
        """What is wrong with the clause ids that cases cite, given as case -> ids; one line each."""
        problems: list[str] = []
        for case, identities in cited.items():
            for identity in identities:
                try:
                    self.registry.resolve(identity)
                except clauses.RegistryError as error:
                    problems.append(f"{case}: {error}")
        return problems

    def finish(self, *, is_shard: bool = False) -> Path | None:
        """Write the finished results and the report; returns its page, or None when no case ran.

        A shard is a part of a run: who joins it with the others writes the report.
        """
        if self._writer is None:
            return None
        writer, self._writer = self._writer, None
        if is_shard:
            writer.finish()
            return None
        writer.finish(clauses=coverage.of_run(self.registry, self._cases_folder, writer.results))
        return write_report(self.directory)
