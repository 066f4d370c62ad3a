from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.clauses.cli import TEXTS_VARIABLE, app
from harness.tests.clauses.test_build import texts

runner = CliRunner()


def test_json_is_the_documented_shape(tmp_path: Path) -> None:
    result = runner.invoke(app, ["--json"])
    figures = json.loads(result.stdout)
    assert set(figures["RFC9147"]) == {"must", "should", "may"}
    assert set(figures["RFC9147"]["must"]) == {"total", "applicable", "cited", "executed", "passed"}


def test_the_table_counts_musts() -> None:
    assert "MUST in all: " in runner.invoke(app, []).stdout


def test_build_needs_texts_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TEXTS_VARIABLE, raising=False)
    assert runner.invoke(app, ["build"]).exit_code == 2
    out = str(tmp_path / "spec")
    done = runner.invoke(app, ["build", "--rfc-dir", str(texts(tmp_path)), "--out", out, "--only", "RFC8445"])
    assert (done.exit_code, done.stdout) == (0, "RFC8445: 3 clauses (3 new)\n")


def test_clauses_are_shown_by_prefix_and_found_by_words(tmp_path: Path) -> None:
    folder = ["--rfc-dir", str(texts(tmp_path))]
    assert "An agent MUST speak." in runner.invoke(app, ["show", "RFC8445-1", *folder]).stdout
    assert runner.invoke(app, ["show", "RFC8445-11", *folder]).stdout == ""
    found = runner.invoke(app, ["find", "LISTEN", "must", "--in", "RFC8445", *folder])
    assert found.stdout.splitlines()[0] == "RFC8445-1-M2"
    assert "replaced by RFC8445" in runner.invoke(app, ["show", "RFC5245-1", *folder]).stderr
    assert runner.invoke(app, ["show", "RFC1-1", *folder]).exit_code == 1


def test_a_run_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    assert runner.invoke(app, ["--results", str(tmp_path)]).exit_code == 2
