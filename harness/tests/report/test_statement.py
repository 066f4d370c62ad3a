from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.clauses import load
from harness.report.clause_view import STATES, Library, clause_pages
from harness.report.statement import publish
from harness.results import RunResults
from harness.tests.report.sample import HOSTILE, sample_run

# A sentence as it might stand in a specification at hand: it must not reach what is published.
SENTENCE = "A sentence of somebody else's that MUST NOT be published."


@pytest.fixture
def run(tmp_path: Path) -> RunResults:
    sample_run(tmp_path, hostile=HOSTILE)
    return RunResults.load(tmp_path)


def library() -> Library:
    return Library(load(), {"RFC8445-7.3.1.1-M2": ("cases/ice/test_x.py:3",)}, {"RFC8445-7.3.1.1-M1": SENTENCE})


def test_a_statement_lists_deviations_and_what_was_kept(run: RunResults, tmp_path: Path) -> None:
    folder = publish(run, "chromium", tmp_path / "published", library())
    data = json.loads((folder / "statement.json").read_text())
    assert data["build"] == f"156.0.7390.54{HOSTILE}"
    assert re.fullmatch("chromium-156[A-Za-z0-9.-]*", folder.name)
    assert data["deviations"]
    assert all(deviation["verdict"] not in {"pass", "unsupported"} for deviation in data["deviations"])
    assert {one["document"] for one in data["standings"]} <= {"RFC8445", "RFC8831"}
    assert all(one["kept"] <= one["judged"] <= one["total"] for one in data["standings"])


def test_a_statement_holds_no_script_no_request_and_no_foreign_sentence(run: RunResults, tmp_path: Path) -> None:
    html = (publish(run, "chromium", tmp_path / "published", library()) / "index.html").read_text()
    assert not re.search(r"<script|<img|<svg onload|https?:", html)
    assert SENTENCE not in html


def test_an_endpoint_the_run_does_not_have_is_refused(run: RunResults, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="safari"):
        publish(run, "safari", tmp_path)


def test_every_clause_has_a_state(run: RunResults) -> None:
    pages = {page.document: page for page in clause_pages(run, library())}
    rows = {row.clause.id: row for page in pages.values() for _, listed in page.sections for row in listed}
    assert rows["RFC8445-7.3.1.1-M2"].state in {"judged", "idle"}
    assert rows["RFC8445-7.3.1.1-M1"].sentence == SENTENCE
    assert {row.state for row in rows.values()} >= {"open", "aside"}
    assert {row.colour for row in rows.values()} <= set(STATES)
    assert rows["RFC8445-7.3.1.1-M2"].colour in {"kept", "broken"}
    assert pages["RFC8445"].endpoints == ("reference", "chromium", "firefox")
