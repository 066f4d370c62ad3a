from __future__ import annotations

from pathlib import Path

from harness.clauses import Level, load
from harness.clauses.coverage import citations, compare, executed_ids, measure, read_snapshot, write_snapshot
from harness.results import CaseResult, ClauseResult, RunInfo, RunResults, matrix_case
from harness.tests.clauses.test_registry import folder
from harness.verdict import Verdict

RUN = RunInfo("r", "2026-11-21T11:00:00+00:00", 1, builds={"reference": "0", "chromium": "156"})


def run(*results: tuple[tuple[str, ...], str, Verdict]) -> RunResults:
    found = tuple(
        CaseResult(f"a.py::t{number}", endpoints, verdict, clauses=(ClauseResult(clause, verdict),))
        for number, (endpoints, clause, verdict) in enumerate(results)
    )
    return RunResults(RUN, found)


def test_a_clause_counts_when_its_assertion_ran(tmp_path: Path) -> None:
    registry = load(folder(tmp_path))
    results = run(
        (("reference", "chromium"), "RFC8445-7.1-M1", Verdict.PASS),
        (("reference",), "RFC8445-7.1-M1", Verdict.FAIL),
        (("chromium",), "RFC8445-7.1-S1", Verdict.INCONCLUSIVE),
        (("chromium",), "RFC8445-7.2-Y1", Verdict.TIMEOUT),
    )
    measured = measure(registry, ["RFC8445-7.1-M1", "RFC8445-7.1-S1"], [results])
    assert measured.to_json()["RFC8445"] == {
        "must": {"total": 1, "applicable": 1, "cited": 1, "executed": 1, "passed": {"chromium": 1, "reference": 0}},
        "should": {"total": 1, "applicable": 1, "cited": 1, "executed": 0, "passed": {"chromium": 0, "reference": 0}},
        "may": {"total": 1, "applicable": 0, "cited": 0, "executed": 0, "passed": {"chromium": 0, "reference": 0}},
    }
    assert measured.for_results()["RFC8445"]["must"] == {"total": 1, "covered": 1}
    assert measured.figures["RFC8445"][Level.MUST].passed == {"chromium": 1, "reference": 0}


def test_one_failure_outweighs_passes_and_a_cell_speaks_of_both_ends(tmp_path: Path) -> None:
    registry = load(folder(tmp_path))
    passed = ClauseResult("RFC8445-7.1-M1", Verdict.PASS)
    cell = CaseResult(matrix_case("data"), ("chromium", "firefox"), Verdict.PASS, clauses=(passed,))
    failed = run((("chromium",), "RFC8445-7.1-M1", Verdict.FAIL))
    measured = measure(registry, [], [RunResults(RUN, (cell,)), failed])
    assert measured.figures["RFC8445"][Level.MUST].passed == {"reference": 0, "chromium": 0, "firefox": 1}
    assert executed_ids([failed]) == {"RFC8445-7.1-M1"}


def test_citations_are_read_from_the_sources(tmp_path: Path) -> None:
    cases = tmp_path / "cases"
    (cases / "ice").mkdir(parents=True)
    (cases / "ice" / "test_a.py").write_text(
        '"""RFC8445-7.1-M1 in prose is none."""\n@clause("RFC8445-7.1-M1")\ndef test_a(): check(1, clause="W3C-x-1")\n'
    )
    assert citations(cases) == {
        "RFC8445-7.1-M1": ("cases/ice/test_a.py:2",),
        "W3C-x-1": ("cases/ice/test_a.py:3",),
    }


def test_a_snapshot_says_what_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "covered.txt"
    assert read_snapshot(path) == frozenset()
    write_snapshot(path, ["B", "A"])
    assert read_snapshot(path) == {"A", "B"}
    assert compare(read_snapshot(path), ["B", "C"]) == (("A",), ("C",))
