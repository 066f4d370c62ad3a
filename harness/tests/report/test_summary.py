from __future__ import annotations

import json
from pathlib import Path

from harness.report.summary import append_history, markdown, read_history, result_id
from harness.results import CaseResult, RunInfo, RunResults, matrix_case
from harness.verdict import Verdict

RUN = RunResults(
    RunInfo("r", "2026-11-21T11:00:00+00:00", 1, builds={"chromium": "156|<img>"}),
    (
        CaseResult(matrix_case("data"), ("chromium", "reference"), Verdict.PASS, facts={"setup_ms": 5.5}),
        CaseResult("cases/a.py::t", ("chromium",), Verdict.FAIL, message="<script>\nmore", unexpected="fail where"),
    ),
)


def test_the_summary_lists_what_is_unexpected_and_escapes_what_peers_said() -> None:
    text = markdown(RUN)
    assert "1 unexpected of 2 (unfinished)" in text
    assert r"156\|\<img\>" in text
    assert "<script>" not in text
    assert "| **chromium** |  | pass |" in text


def test_history_appends_and_skips_what_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "history.jsonl"
    append_history(path, RUN)
    with path.open("a") as file:
        file.write('{"torn\n[]\n')
    append_history(path, RUN)
    runs = read_history(path)
    assert [sorted(run.verdicts.values()) for run in runs] == [[Verdict.FAIL, Verdict.PASS]] * 2
    assert runs[0].verdicts[result_id("cases/a.py::t", ["chromium"])] is Verdict.FAIL
    assert json.loads(path.read_text().splitlines()[0])["setup_ms"] == {"chromium reference": 5.5}
    assert read_history(tmp_path / "none") == ()
