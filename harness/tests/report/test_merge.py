from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.report.merge import merge
from harness.results import CaseResult, ResultsError, RunInfo, RunResults
from harness.tests.report.sample import RUN
from harness.verdict import Verdict
from harness.writing import RunWriter


def shard(folder: Path, run: RunInfo, *results: CaseResult, finish: bool = True) -> Path:
    with RunWriter(folder, run) as writer:
        writer.extend(results)
        if finish:
            writer.finish(duration_s=2.0)
    return folder


def case(name: str, verdict: Verdict = Verdict.PASS, **more: str) -> CaseResult:
    return CaseResult(f"cases/{name}.py::t", ("chromium",), verdict, unexpected=more.get("unexpected", ""))


def test_results_and_artefacts_come_together(tmp_path: Path) -> None:
    one = shard(tmp_path / "one", RUN, replace(case("a"), artefacts={"log": "cells/a/browser.log"}))
    (one / "cells" / "a").mkdir(parents=True)
    (one / "cells" / "a" / "browser.log").write_text("said")
    two = shard(tmp_path / "two", replace(RUN, id="later", started="2026-11-22T00:00:00+00:00"), case("b"))
    merged = merge([two, one], tmp_path / "out")
    assert [result.case for result in merged.results] == ["cases/a.py::t", "cases/b.py::t"]
    assert (merged.run.id, merged.run.finished, merged.run.duration_s) == (RUN.id, True, 4.0)
    assert (tmp_path / "out" / "cells" / "a" / "browser.log").read_text() == "said"
    assert merged.problems == ()
    assert RunResults.load(tmp_path / "out").results == merged.results


def test_what_shards_disagree_about_is_said_and_trouble_wins(tmp_path: Path) -> None:
    bad = case("a", Verdict.FAIL, unexpected="x")
    one = shard(tmp_path / "one", RUN, case("a"), case("b"))
    two = shard(tmp_path / "two", replace(RUN, builds={**RUN.builds, "chromium": "157"}), bad, finish=False)
    merged = merge([one, two, tmp_path / "none"], tmp_path / "out")
    assert {result.case: result.verdict for result in merged.results}["cases/a.py::t"] is Verdict.FAIL
    assert not merged.run.finished
    text = "\n".join(merged.problems)
    assert "shard skipped" in text
    assert "chromium 157 met 156" in text
    assert "fail here, pass in another shard" in text


def test_artefacts_are_taken_from_the_shard_and_from_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    one = shard(tmp_path / "one", RUN, replace(case("a"), artefacts={"log": "../secret", "keys": "cells/none"}))
    merged = merge([one], tmp_path / "deep" / "out")
    assert len(merged.problems) == 2
    assert not (tmp_path / "deep" / "secret").exists()


def test_no_readable_shard_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResultsError):
        merge([tmp_path], tmp_path / "out")
    with pytest.raises(ResultsError):
        merge([], tmp_path / "out")
