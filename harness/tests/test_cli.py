"""The command line as a newcomer meets it: help, exit codes, messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness import browsers
from harness.cli import app
from harness.results import RunResults


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


@pytest.mark.parametrize("command", ["doctor", "browsers", "matrix", "report", "clauses", "bench"])
def test_every_command_explains_itself(command: str) -> None:
    assert command in call("--help").output
    outcome = call(command, "--help")
    assert outcome.exit_code == 0
    assert "Usage" in outcome.output


def test_the_matrix_of_an_unknown_endpoint_could_not_run() -> None:
    outcome = call("matrix", "--endpoints", "reference,netscape")
    assert outcome.exit_code == 2
    said = " ".join(outcome.output.split())
    assert "unknown endpoint 'netscape'; there are reference, chromium, firefox" in said


def test_the_matrix_prints_its_table_and_leaves_a_report(tmp_path: Path) -> None:
    outcome = call("matrix", "--endpoints", "reference", "--out", str(tmp_path), "--seed", "1")
    assert outcome.exit_code == 0, outcome.output
    assert "pass" in outcome.output
    assert (tmp_path / "index.html").exists()
    assert RunResults.load(tmp_path).run.seed == 1


def test_the_matrix_of_missing_browsers_could_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find", lambda browser: None)
    outcome = call("matrix", "--endpoints", "chromium", "--out", str(tmp_path))
    assert outcome.exit_code == 2
    assert "Chromium not found" in outcome.output


def test_a_report_is_rendered_again(tmp_path: Path) -> None:
    call("matrix", "--endpoints", "reference", "--rows", "data", "--out", str(tmp_path))
    (tmp_path / "index.html").unlink()
    assert call("report", str(tmp_path)).exit_code == 0
    assert (tmp_path / "index.html").exists()


def test_a_folder_without_results_could_not_be_reported_on(tmp_path: Path) -> None:
    outcome = call("report", str(tmp_path))
    assert outcome.exit_code == 2
    assert "results.json" in outcome.output


def test_browsers_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find", lambda browser: None)
    outcome = call("browsers")
    assert outcome.exit_code == 2
    assert "chromium: missing; run `python -m harness browsers --install`" in outcome.output


def test_the_doctor_says_the_same_in_json() -> None:
    outcome = call("doctor", "--quick", "--json")
    told = json.loads(outcome.output)
    assert outcome.exit_code == (0 if told["fit"] else 2)
    assert {"Python", "packages", "packet capture", "chromium", "firefox"} <= {
        finding["what"] for finding in told["findings"]
    }
