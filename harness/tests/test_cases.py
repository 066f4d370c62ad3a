"""What cases are written with."""

from __future__ import annotations

import pytest

from harness.cases import Undecided, clause, inconclusive, throws, unsupported
from harness.errors import Thrown
from harness.script.trace import Failure
from harness.verdict import ConformanceFailure, Ledger, Verdict


def test_clause_is_a_marker_with_its_ids() -> None:
    assert clause("A-1-M1", "B-2-S1").mark.args == ("A-1-M1", "B-2-S1")


def test_the_error_that_was_expected_passes() -> None:
    with Ledger().active() as ledger, throws("TypeError", clause="W3C-x-1"):
        raise Thrown(Failure("TypeError", "no"))
    assert [(judgement.clause, judgement.verdict) for judgement in ledger.judgements] == [("W3C-x-1", Verdict.PASS)]


def test_another_error_is_a_failure() -> None:
    with (
        pytest.raises(ConformanceFailure, match="expected TypeError, it threw InvalidStateError: no"),
        throws("TypeError"),
    ):
        raise Thrown(Failure("InvalidStateError", "no"))


def test_no_error_is_a_failure() -> None:
    with pytest.raises(ConformanceFailure, match="nothing was thrown"), throws("TypeError"):
        pass


def test_an_error_of_the_harness_is_no_error_of_the_endpoint() -> None:
    with pytest.raises(KeyError), throws("KeyError"):
        raise KeyError("ours")


def test_a_case_can_end_without_judging() -> None:
    for end, verdict in ((unsupported, Verdict.UNSUPPORTED), (inconclusive, Verdict.INCONCLUSIVE)):
        with pytest.raises(Undecided, match="why") as raised:
            end("why")
        assert raised.value.verdict is verdict
