"""The matrix on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from harness.matrix.show import table
from harness.results import MATRIX_CASE, CaseResult, RunInfo, RunResults
from harness.verdict import Verdict


def test_the_table_shows_who_met_whom_and_what_they_agreed() -> None:
    results = RunResults(
        RunInfo("x", "2026-11-21T00:00:00+00:00", 1, builds={"chromium": "156.0"}),
        (
            CaseResult(
                MATRIX_CASE,
                ("reference", "chromium"),
                Verdict.PASS,
                facts={"dtls_version": "DTLSv1.3", "named_group": "x25519", "setup_ms": 24.6},
            ),
            CaseResult(MATRIX_CASE, ("chromium", "reference"), Verdict.CRASH),
        ),
    )
    shown = Console(file=io.StringIO(), width=120, record=True)
    shown.print(table(results, ["reference", "chromium"]))
    text = shown.export_text()
    assert "DTLSv1.3 x25519" in text
    assert "25 ms" in text
    assert "crash" in text
    assert "156.0" in text
