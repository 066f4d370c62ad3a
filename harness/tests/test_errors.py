"""Every exception a case can end with has its verdict."""

from __future__ import annotations

import pytest

from harness.errors import EndpointCrashed, EndpointError, EndpointTimeout, NotFound, Thrown, verdict_of_error
from harness.script.trace import Failure
from harness.verdict import ConformanceFailure, Judgement, Verdict


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (AssertionError(), Verdict.FAIL),
        (ConformanceFailure(Judgement(None, Verdict.FAIL)), Verdict.FAIL),
        (Thrown(Failure("TypeError")), Verdict.FAIL),
        (EndpointCrashed(), Verdict.CRASH),
        (EndpointTimeout(), Verdict.TIMEOUT),
        (TimeoutError(), Verdict.TIMEOUT),
        (NotFound(), Verdict.ERROR),
        (EndpointError(), Verdict.ERROR),
        (KeyError(), Verdict.ERROR),
    ],
)
def test_every_way_to_end_has_its_verdict(error: Exception, verdict: Verdict) -> None:
    assert verdict_of_error(error) is verdict
