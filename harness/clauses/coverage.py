"""How much of the registry is judged: cited by a case, executed in the last run, passed on each endpoint.

A citation is not coverage. What counts is an assertion that ran: a clause is executed when some result of the run
holds a judgement of it that says something about the endpoint.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from harness.clauses.model import Clause, Level
from harness.clauses.registry import Registry
from harness.results import RunResults
from harness.verdict import Verdict

__all__ = [
    "Coverage",
    "Figures",
    "citations",
    "compare",
    "executed_ids",
    "measure",
    "of_run",
    "read_snapshot",
    "write_snapshot",
]

_ID = re.compile(r"(?:RFC\d+|W3C)-\S+")
#: Verdicts of an assertion that ran. Those of the run itself, and what could not be judged, are not coverage.
_RAN = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.WEAK, Verdict.DISPUTED})


@dataclass(slots=True)
class Figures:
    """Counts of one document at one level; `passed` by endpoint."""

    total: int = 0
    applicable: int = 0
    cited: int = 0
    executed: int = 0
    passed: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object of `clauses --json`."""
        return {
            "total": self.total,
            "applicable": self.applicable,
            "cited": self.cited,
            "executed": self.executed,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """Figures by document and level, and the verdicts they rest on: clause -> endpoint -> verdicts."""

    figures: Mapping[str, Mapping[Level, Figures]]
    verdicts: Mapping[str, Mapping[str, frozenset[Verdict]]]

    def to_json(self) -> dict[str, Any]:
        """What `clauses --json` prints."""
        return {
            document: {level.value: figures.to_json() for level, figures in levels.items()}
            for document, levels in self.figures.items()
        }

    def for_results(self) -> dict[str, dict[str, dict[str, int]]]:
        """The `clauses` object of `results.json`."""
        return {
            document: {
                level.value: {"total": figures.total, "covered": figures.executed} for level, figures in levels.items()
            }
            for document, levels in self.figures.items()
        }


@cache
def citations(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Clause ids cited by the cases in `folder`, with the places (`file:line`) that cite them.

    Reads the sources, once in a process: every string that has the form of an id is a citation, wherever it stands.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        if "tests" in path.relative_to(folder).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ID.fullmatch(node.value):
                found[node.value].append(f"{path.relative_to(folder.parent)}:{node.lineno}")
    return {identity: tuple(places) for identity, places in found.items()}


def verdicts_by_endpoint(runs: Iterable[RunResults]) -> dict[str, dict[str, frozenset[Verdict]]]:
    """The verdicts of every judged clause: clause -> endpoint -> verdicts."""
    found: dict[str, dict[str, set[Verdict]]] = defaultdict(lambda: defaultdict(set))
    for run in runs:
        for result in run.results:
            for clause in result.clauses:
                if clause.verdict in _RAN:
                    for endpoint in result.subjects:
                        found[clause.id][endpoint].add(clause.verdict)
    return {
        identity: {endpoint: frozenset(verdicts) for endpoint, verdicts in endpoints.items()}
        for identity, endpoints in found.items()
    }


def executed_ids(runs: Iterable[RunResults]) -> frozenset[str]:
    """Ids of the clauses some assertion judged."""
    return frozenset(verdicts_by_endpoint(runs))


def measure(registry: Registry, cited: Iterable[str], runs: Iterable[RunResults]) -> Coverage:
    """Coverage of the whole registry by the cases' citations and the results of the last runs."""
    runs = list(runs)
    cited = set(cited)
    verdicts = verdicts_by_endpoint(runs)
    endpoints = sorted({name for run in runs for name in run.run.builds})
    figures = {
        document: {
            level: _count(clauses, cited, verdicts, endpoints) for level, clauses in _by_level(registry, document)
        }
        for document in registry.documents()
    }
    return Coverage(figures, verdicts)


def of_run(registry: Registry, cases_folder: Path, run: RunResults) -> dict[str, dict[str, dict[str, int]]]:
    """The `clauses` object of a run's `results.json`."""
    cited = [identity for identity in citations(cases_folder) if identity in registry]
    return measure(registry, cited, [run]).for_results()


def _by_level(registry: Registry, document: str) -> Iterator[tuple[Level, list[Clause]]]:
    clauses = registry.clauses(document)
    for level in Level:
        yield level, [clause for clause in clauses if clause.level is level]


def _count(
    clauses: Iterable[Clause],
    cited: set[str],
    verdicts: Mapping[str, Mapping[str, frozenset[Verdict]]],
    endpoints: list[str],
) -> Figures:
    figures = Figures(passed=dict.fromkeys(endpoints, 0))
    for clause in clauses:
        judged = verdicts.get(clause.id, {})
        figures.total += 1
        figures.applicable += clause.applicable
        figures.cited += clause.id in cited
        figures.executed += bool(judged)
        for endpoint, found in judged.items():
            passed = found == {Verdict.PASS}
            figures.passed[endpoint] = figures.passed.get(endpoint, 0) + passed
    return figures


def read_snapshot(path: Path) -> frozenset[str]:
    """The ids of a snapshot file; none where there is no file."""
    if not path.exists():
        return frozenset()
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def write_snapshot(path: Path, executed: Iterable[str]) -> None:
    """Write the ids that are covered now, one a line, so that a diff shows what came and went."""
    head = "# Clauses an assertion judged. Written by `python -m harness clauses --update-snapshot`; may only grow.\n"
    path.write_text(head + "".join(f"{identity}\n" for identity in sorted(executed)), "utf-8")


def compare(snapshot: Iterable[str], executed: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was lost and what was gained since the snapshot."""
    before, now = set(snapshot), set(executed)
    return tuple(sorted(before - now)), tuple(sorted(now - before))
