from __future__ import annotations

from xml.etree import ElementTree

from harness.report.junit import junit_xml
from harness.results import CaseResult, ClauseResult, RunInfo, RunResults
from harness.verdict import Verdict


def test_clause_ids_are_properties_and_only_the_unexpected_fails() -> None:
    clause = ClauseResult("RFC1-1-M1", Verdict.FAIL, (3,))
    results = (
        CaseResult(
            "cases/a.py::test_1", ("chromium",), Verdict.FAIL, message="\x00<b>", clauses=(clause,), unexpected="x"
        ),
        CaseResult("cases/a.py::test_2", ("chromium",), Verdict.FAIL, Verdict.FAIL, reason="known"),
        CaseResult("cases/a.py::test_3", ("chromium",), Verdict.PASS),
        CaseResult("cases/b.py::test_4", ("firefox",), Verdict.CRASH, unexpected="y"),
    )
    root = ElementTree.fromstring(junit_xml(RunResults(RunInfo("r", "2026-11-21T11:00:00+00:00", 1), results)))
    first, second = root.findall("testsuite")
    assert (first.get("tests"), first.get("failures"), first.get("skipped"), first.get("errors")) == (
        "3",
        "1",
        "1",
        "0",
    )
    assert second.get("errors") == "1"
    failure = first.find("testcase/failure")
    assert failure is not None
    assert failure.text == "\ufffd<b>"
    named = {item.get("name"): item.get("value") for item in first.findall("testcase/properties/property")}
    assert named["clause.RFC1-1-M1"] == "fail"
