from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.report.cli import app
from harness.results import CaseResult, RunResults
from harness.tests.report.sample import RUN, sample_run
from harness.verdict import Verdict
from harness.writing import RunWriter

runner = CliRunner()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    sample_run(tmp_path / "runs" / "one")
    return tmp_path / "runs" / "one"


@pytest.mark.parametrize("words", [[], ["render"]])
def test_a_directory_is_rendered(run: Path, words: list[str]) -> None:
    result = runner.invoke(app, [*words, str(run), "--append-history"])
    assert (result.exit_code, (run / "index.html").exists()) == (1, True)
    assert len((run.parent / "history.jsonl").read_text().splitlines()) == 1


def test_an_expected_run_exits_with_zero(tmp_path: Path) -> None:
    with RunWriter(tmp_path, RUN) as writer:
        writer.add(CaseResult("cases/a.py::t", ("chromium",), Verdict.PASS))
        writer.finish()
    assert runner.invoke(app, [str(tmp_path)]).exit_code == 0


def test_what_is_not_a_run_is_refused(tmp_path: Path) -> None:
    for command in (
        ["render", str(tmp_path)],
        ["merge", str(tmp_path)],
        ["publish", "chromium", "--run", str(tmp_path)],
    ):
        result = runner.invoke(app, command)
        assert (result.exit_code, "could not run" in result.stderr) == (2, True)


def test_shards_are_merged(run: Path, tmp_path: Path) -> None:
    with RunWriter(tmp_path / "two", RUN) as writer:
        writer.add(CaseResult("cases/extra.py::t", ("chromium",), Verdict.PASS))
        writer.finish()
    out = tmp_path / "out"
    assert runner.invoke(app, ["merge", str(run), str(tmp_path / "two"), "--out", str(out)]).exit_code == 1
    assert len(RunResults.load(out).results) == 25


def test_a_statement_is_published(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "published"
    result = runner.invoke(app, ["publish", "chromium", "--run", str(run), "--out", str(out)])
    assert result.exit_code == 0
    (folder,) = out.iterdir()
    assert folder.name == "chromium-156.0.7390.54"
    assert json.loads((folder / "statement.json").read_text())["endpoint"] == "chromium"
    assert runner.invoke(app, ["publish", "safari", "--run", str(run), "--out", str(out)]).exit_code == 2
