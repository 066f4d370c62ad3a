from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results import (
    JOURNAL_FILE,
    RESULTS_FILE,
    Artefact,
    CaseResult,
    ClauseResult,
    ResultsError,
    RunInfo,
    RunResults,
    artefact_folder,
    schema,
    unexpected_because,
)
from harness.verdict import Judgement, Verdict
from harness.writing import RunWriter

RUN = RunInfo("r1", "2026-11-21T11:00:00+00:00", 7, "tap", {"reference": "0.1.0", "chromium": "156.0.1"})

texts = st.text(max_size=20)
clause_results = st.builds(
    ClauseResult,
    id=texts,
    verdict=st.sampled_from(Verdict),
    frames=st.lists(st.integers(1, 9999), max_size=3).map(tuple),
    message=texts,
    evidence=texts,
)
case_results = st.builds(
    CaseResult,
    case=st.text(min_size=1, max_size=20),
    endpoints=st.lists(texts, max_size=2).map(tuple),
    verdict=st.sampled_from(Verdict),
    expected=st.sampled_from(Verdict),
    message=texts,
    clauses=st.lists(clause_results, max_size=3).map(tuple),
    facts=st.dictionaries(texts, st.one_of(st.none(), st.booleans(), st.integers(), texts), max_size=3),
    artefacts=st.dictionaries(texts, texts, max_size=3),
    duration_s=st.floats(0, 100).map(lambda value: round(value, 6)),
    unexpected=texts,
    reason=texts,
    link=texts,
    attempts=st.lists(st.sampled_from(Verdict), max_size=2).map(tuple),
)


def case(number: int, verdict: Verdict = Verdict.PASS) -> CaseResult:
    return CaseResult(f"cases/x.py::test_{number}", ("chromium",), verdict)


@given(st.lists(case_results, max_size=3))
def test_results_survive_json_and_match_the_schema(results: list[CaseResult]) -> None:
    whole = RunResults(RUN, tuple(results), {"RFC9147": {"must": {"total": 88, "covered": 31}}})
    data = json.loads(json.dumps(whole.to_json()))
    jsonschema.validate(data, schema())
    assert RunResults.from_json(data) == whole


def test_the_schema_refuses_an_invented_verdict() -> None:
    data = RunResults(RUN, (case(1),)).to_json()
    data["results"][0]["verdict"] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema())


def test_torn_and_foreign_lines_are_reported_and_skipped(tmp_path: Path) -> None:
    with RunWriter(tmp_path, RUN) as writer:
        writer.add(case(1))
    with (tmp_path / JOURNAL_FILE).open("ab") as journal:
        journal.write(b'[1]\n{"case": 3}\n\xff\xfe\n{"case": "cases/x.py::te')
    (tmp_path / RESULTS_FILE).write_text('{"schema": 1, "ru')
    loaded = RunResults.load(tmp_path)
    assert [result.case for result in loaded.results] == ["cases/x.py::test_1"]
    assert len(loaded.problems) == 5
    with RunWriter(tmp_path, RUN, resume=True) as writer:
        writer.add(case(2))
        assert len(RunResults.load(tmp_path).results) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 2, "run": {}}', '{"schema": 1, "run": {"id": 5}}'])
def test_a_directory_without_results_is_refused_clearly(tmp_path: Path, content: str) -> None:
    with pytest.raises(ResultsError):
        RunResults.load(tmp_path)
    (tmp_path / RESULTS_FILE).write_text(content)
    with pytest.raises(ResultsError):
        RunResults.load(tmp_path)


def test_one_corrupt_result_does_not_hide_the_others(tmp_path: Path) -> None:
    data = RunResults(RUN, (case(1), case(2))).to_json()
    data["results"][0]["verdict"] = "maybe"
    data["results"].append(None)
    loaded = RunResults.from_json(data)
    assert [result.case[-1] for result in loaded.results] == ["2"]
    assert len(loaded.problems) == 2


@pytest.mark.parametrize(
    ("verdict", "expected", "strict", "red"),
    [
        (Verdict.PASS, Verdict.PASS, False, False),
        (Verdict.FAIL, Verdict.PASS, False, True),
        (Verdict.FAIL, Verdict.FAIL, False, False),
        (Verdict.PASS, Verdict.FAIL, False, True),
        (Verdict.WEAK, Verdict.PASS, False, False),
        (Verdict.WEAK, Verdict.PASS, True, True),
        (Verdict.UNSUPPORTED, Verdict.PASS, True, False),
        (Verdict.UNSUPPORTED, Verdict.FAIL, True, True),
        (Verdict.INCONCLUSIVE, Verdict.PASS, True, False),
        (Verdict.TIMEOUT, Verdict.PASS, False, True),
        (Verdict.CRASH, Verdict.FAIL, False, True),
        (Verdict.ERROR, Verdict.PASS, False, True),
    ],
)
def test_what_needs_attention(verdict: Verdict, expected: Verdict, strict: bool, red: bool) -> None:
    assert bool(unexpected_because(verdict, expected, strict=strict)) is red


def test_artefact_folders_are_distinct_and_safe() -> None:
    one = artefact_folder("cases/x.py::test_../../etc", ["a", "b"])
    assert one != artefact_folder("cases/x.py::test_../../etc", ["b", "a"])
    assert one.parts[0] == "cells"
    assert len(one.parts) == 2
    assert ".." not in one.parts[1]
    assert len({artefact.file_name for artefact in Artefact}) == len(Artefact)


def test_a_clause_result_needs_a_clause() -> None:
    assert ClauseResult.of(Judgement("A", Verdict.WEAK, "m", (1,), "e")) == ClauseResult(
        "A", Verdict.WEAK, (1,), "m", "e"
    )
    with pytest.raises(ValueError, match="without a clause"):
        ClauseResult.of(Judgement(None, Verdict.PASS))
