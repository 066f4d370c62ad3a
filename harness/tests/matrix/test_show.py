"""The matrix on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from harness.matrix.show import row_table, table
from harness.results import CaseResult, RunInfo, RunResults, matrix_case
from harness.verdict import Verdict


def test_the_table_shows_who_met_whom_and_what_they_agreed() -> None:
    results = RunResults(
        RunInfo("x", "2026-11-21T00:00:00+00:00", 1, builds={"chromium": "156.0"}),
        (
            CaseResult(
                matrix_case("data"),
                ("reference", "chromium"),
                Verdict.PASS,
                facts={"dtls_version": "DTLSv1.3", "named_group": "x25519", "setup_ms": 24.6},
            ),
            CaseResult(matrix_case("data"), ("chromium", "reference"), Verdict.CRASH),
        ),
    )
    shown = Console(file=io.StringIO(), width=120, record=True)
    shown.print(table(results, ["reference", "chromium"]))
    text = shown.export_text()
    assert "DTLSv1.3 x25519" in text
    assert "25 ms" in text
    assert "crash" in text
    assert "156.0" in text


def test_the_table_of_rows_shows_every_pair_in_eighty_columns() -> None:
    names = ["reference", "chromium", "firefox"]
    verdicts = (Verdict.PASS, Verdict.UNSUPPORTED, Verdict.CRASH)
    results = RunResults(
        RunInfo("x", "2026-11-21T00:00:00+00:00", 1),
        tuple(
            CaseResult(matrix_case(row), (offerer, answerer), verdict)
            for row in ("data", "interface-change")
            for offerer in names
            for answerer, verdict in zip(names, verdicts, strict=True)
        ),
    )
    shown = Console(file=io.StringIO(), width=80, record=True)
    shown.print(row_table(results, names))
    text = shown.export_text()
    assert text.count("pass") == text.count("n/a") == text.count("crash") == 6
    assert "interface-change" in text
