from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.report.evidence import Evidence
from harness.report.model import case_page, file_title, overview, sentence, witnesses
from harness.report.summary import PastRun, result_id
from harness.results import CaseResult, ClauseResult, Fact, RunInfo, RunResults, matrix_case
from harness.verdict import Verdict

RUN = RunInfo("now", "2026-11-21T11:00:00+00:00", 1, builds={"reference": "0.1", "chromium": "157"})
CASE = "cases/ice/test_rfc8445_7_roles.py::test_it_works"


def past(name: str, verdict: Verdict | None, build: str = "156") -> PastRun:
    verdicts = {result_id(CASE, ["chromium"]): verdict} if verdict else {}
    return PastRun(name, f"2026-11-{name}", {"chromium": build}, verdicts)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("cases/ice/test_rfc8445_7_3_1_1_role_conflicts.py", "RFC 8445 section 7.3.1.1: role conflicts"),
        ("cases/dtls/test_rfc9147.py", "RFC 9147"),
        ("cases/jsep/test_w3c_set_description.py", "W3C: set description"),
        ("cases/interop/test_labels.py", "labels"),
    ],
)
def test_file_names_read_as_titles(path: str, title: str) -> None:
    assert file_title(path) == title


def test_case_names_read_as_sentences() -> None:
    assert sentence("x.py::test_answers_487[a-1]") == "answers 487 [a-1]"
    assert sentence("matrix") == "matrix"


def test_what_changed_since_the_previous_run_comes_first() -> None:
    results = (
        CaseResult("cases/a/t.py::test_old", ("chromium",), Verdict.FAIL, unexpected="x"),
        CaseResult(CASE, ("chromium",), Verdict.FAIL, unexpected="x", clauses=(ClauseResult("C", Verdict.FAIL, (4,)),)),
        CaseResult("cases/a/t.py::test_slow", ("chromium",), Verdict.TIMEOUT, unexpected="x"),
    )
    view = overview(RunResults(RUN, results), [past("19", Verdict.FAIL), past("20", Verdict.PASS), past("now", None)])
    assert [chip.case.rpartition("_")[2] for chip in view.unexpected] == ["works", "old", "slow"]
    assert view.unexpected[0].change == "was pass before"
    assert view.unexpected[0].href == f"#/case/{result_id(CASE, ['chromium'])}/4"
    assert [chip.change for chip in view.unexpected] == ["was pass before", "a new case", "a new case"]
    assert view.changed_builds == ("chromium 156 → 157",)
    assert view.previous.startswith("20 of")


def test_another_commit_of_the_harness_is_a_change() -> None:
    run = RunResults(replace(RUN, host={"harness": "bbbb"}), ())
    before = replace(past("20", None, "157"), harness="aaaa")
    assert overview(run, [before]).changed_builds == ("the harness aaaa → bbbb",)
    assert overview(run, [past("20", None, "157")]).changed_builds == ()


def test_the_levels_of_all_documents_are_added_up() -> None:
    clauses = {"A": {"must": {"total": 4, "covered": 1}}, "B": {"must": {"total": 6, "covered": 4}, "may": {}}}
    (bar,) = overview(RunResults(RUN, (), clauses)).levels
    assert (bar.level, bar.covered, bar.total) == ("must", 5, 10)


def test_the_first_line_of_a_message_is_its_headline() -> None:
    result = CaseResult(CASE, ("chromium",), Verdict.FAIL, message="expected a, saw b\n   1 x\n>> 2 y\n")
    page = case_page(result, Evidence())
    assert (page.headline, page.transcript) == ("expected a, saw b", ("   1 x", ">> 2 y"))
    assert case_page(CaseResult(CASE, ("chromium",), Verdict.PASS), Evidence()).headline == ""


def test_the_matrix_has_a_hole_where_a_pair_was_not_run() -> None:
    cells = tuple(
        CaseResult(matrix_case("data"), pair, Verdict.PASS, facts={"setup_ms": 5.25, "dtls_version": "DTLSv1.3"})
        for pair in [("chromium", "reference"), ("reference", "reference")]
    )
    view = overview(RunResults(RUN, cells))
    assert [[cell.chip is not None for cell in row] for row in view.cells] == [[True, False], [True, False]]
    assert view.cells[0][0].facts == (("set-up", "5.2 ms"), ("DTLS", "1.3"))
    assert view.files == ()


def test_every_row_of_the_matrix_shows_every_pair_and_why_one_was_not_played() -> None:
    a, b = "reference", "chromium"
    cells = (
        CaseResult(matrix_case("data"), (a, b), Verdict.PASS, facts={"setup_ms": 5.0}),
        CaseResult(matrix_case("nat"), (b, a), Verdict.UNSUPPORTED, message="needs root"),
        CaseResult(matrix_case("nat"), (b, b), Verdict.UNSUPPORTED, message="needs root"),
    )
    view = overview(RunResults(RUN, cells))
    assert view.pairs == ((a, a), (a, b), (b, a), (b, b))
    assert [row.name for row in view.rows] == ["data", "nat"]
    assert [[cell.chip is not None for cell in row.cells] for row in view.rows] == [
        [False, True, False, False],
        [False, False, True, True],
    ]
    assert view.rows[1].reasons == ("needs root",)
    assert view.cells[0][1].facts == (("set-up", "5.0 ms"),)


def test_columns_are_the_endpoints_under_test() -> None:
    results = (
        CaseResult(CASE, ("reference", "chromium"), Verdict.PASS),
        CaseResult(CASE, ("chromium", "reference"), Verdict.WEAK),
        CaseResult(CASE, ("reference",), Verdict.PASS),
    )
    view = overview(RunResults(RUN, results))
    assert view.columns == ("reference", "chromium")
    (line,) = view.files[0].lines
    assert [len(column) for column in line.chips] == [1, 2]
    assert line.letters == "PW"


def test_the_strip_names_the_last_good_and_the_first_bad_build() -> None:
    history = [
        past("17", Verdict.PASS, "155"),
        past("18", None),
        past("19", Verdict.FAIL, "156"),
        past("20", Verdict.FAIL),
    ]
    page = case_page(CaseResult(CASE, ("chromium",), Verdict.FAIL), Evidence(), history=history)
    assert (page.last_good, page.first_bad) == ("chromium 155", "chromium 156")
    assert [entry.verdict for entry in page.strip] == [Verdict.PASS, None, Verdict.FAIL, Verdict.FAIL]


def test_a_frame_is_broken_when_any_clause_that_rests_on_it_is() -> None:
    clauses = (
        ClauseResult("A", Verdict.PASS, (1, 2)),
        ClauseResult("B", Verdict.FAIL, (2,)),
        ClauseResult("C", Verdict.INCONCLUSIVE, (3,)),
    )
    marks = case_page(CaseResult(CASE, ("chromium",), Verdict.FAIL, clauses=clauses), Evidence()).marks
    assert {frame: (mark.broken, mark.clauses) for frame, mark in marks.items()} == {
        1: (False, ("A",)),
        2: (True, ("A", "B")),
        3: (False, ("C",)),
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, (0, ())),
        ({"compared": 38, "disagree": []}, (38, ())),
        ({"compared": 38, "disagree": ["packets: 3, 4"]}, (38, ("packets: 3, 4",))),
        ({"compared": "x", "disagree": 5}, (0, ())),
        ("odd", (0, ())),
    ],
)
def test_witnesses_that_disagree_are_counted(said: Any, expected: tuple[int, tuple[str, ...]]) -> None:
    assert witnesses({"witnesses": said}) == expected


def test_a_cell_flags_witnesses_that_disagree() -> None:
    facts: dict[str, Fact] = {"witnesses": {"compared": 2, "disagree": ["a"]}}
    cell = CaseResult(matrix_case("data"), ("chromium", "chromium"), Verdict.PASS, facts=facts)
    assert overview(RunResults(RUN, (cell,))).cells[0][0].facts == (("witnesses", "1 disagree"),)


@pytest.mark.parametrize(
    ("case", "endpoints", "command"),
    [
        (CASE, ("reference", "chromium"), f"python -m pytest {CASE} --endpoints chromium"),
        ("a.py::t[x y';rm]", ("firefox",), """python -m pytest 'a.py::t[x y'"'"';rm]' --endpoints firefox"""),
        (
            matrix_case("data"),
            ("chromium", "firefox"),
            "python -m harness matrix --rows data --endpoints chromium,firefox",
        ),
    ],
)
def test_the_command_that_does_it_again_can_be_pasted(case: str, endpoints: tuple[str, ...], command: str) -> None:
    result = CaseResult(case, endpoints, Verdict.PASS)
    assert case_page(result, Evidence()).reproduce == command
    assert case_page(result, Evidence(), seed=7).reproduce == f"{command} --seed 7"
