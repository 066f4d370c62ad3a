from __future__ import annotations

import pytest

from harness.sanity import SanityGate
from harness.verdict import Verdict

CASES = ["a.py::test_connects[x]", "a.py::test_connects[y]", "a.py::test_second[x]", "b.py::test_other"]


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.TIMEOUT, Verdict.CRASH, Verdict.ERROR, Verdict.UNSUPPORTED])
def test_siblings_of_a_broken_sanity_case_need_not_run(verdict: Verdict) -> None:
    gate = SanityGate()
    gate.collect(CASES)
    assert gate.reason("a.py::test_second[x]", ["chromium"]) == ""
    gate.note("a.py::test_connects[x]", ["chromium"], verdict)
    assert verdict.value in gate.reason("a.py::test_second[x]", ["chromium"])
    assert gate.reason("a.py::test_second[x]", ["firefox"]) == ""
    assert gate.reason("a.py::test_connects[y]", ["chromium"]) == ""
    assert gate.reason("b.py::test_other", ["chromium"]) == ""


def test_other_cases_do_not_close_the_gate() -> None:
    gate = SanityGate()
    gate.collect(CASES)
    gate.note("a.py::test_second[x]", ["chromium"], Verdict.FAIL)
    gate.note("a.py::test_connects[x]", ["chromium"], Verdict.WEAK)
    assert gate.reason("a.py::test_second[x]", ["chromium"]) == ""
