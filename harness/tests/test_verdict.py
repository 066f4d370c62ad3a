from __future__ import annotations

import pytest

from harness.verdict import ConformanceFailure, Judgement, Ledger, Verdict, broken, check, current_ledger, worst


def test_letters_are_unique_and_every_verdict_is_defined_in_words() -> None:
    assert len({verdict.letter for verdict in Verdict}) == len(Verdict)
    assert all(verdict.meaning.endswith(".") for verdict in Verdict)


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("RFC8445-7.3.1.1-M2", Verdict.FAIL),
        ("RFC8445-7.3.1.1-S2", Verdict.WEAK),
        ("RFC8445-7.3.1.1-Y12", Verdict.WEAK),
        ("WEBRTC-PC-set-description-4.3", Verdict.FAIL),
        ("WEBRTC-PC-dom-Stuff", Verdict.FAIL),
        (None, Verdict.FAIL),
    ],
)
def test_what_a_broken_clause_means_depends_on_its_level(clause: str | None, expected: Verdict) -> None:
    assert broken(clause) is expected


def test_a_broken_must_is_recorded_and_ends_the_case() -> None:
    ledger = Ledger()
    with pytest.raises(ConformanceFailure, match="RFC1-1-M1: expected 487, saw 400") as caught, ledger.active():
        check(False, "expected 487, saw 400", clause="RFC1-1-M1", frames=(7,))
    assert caught.value.judgement == Judgement("RFC1-1-M1", Verdict.FAIL, "expected 487, saw 400", (7,))
    assert ledger.judgements == (caught.value.judgement,)
    assert ledger.verdict is Verdict.FAIL


def test_a_broken_should_is_recorded_and_the_case_goes_on() -> None:
    ledger = Ledger()
    with ledger.active():
        check(0, "no jitter", clause="RFC1-1-S1", evidence="a=x")
        check(1, "unused", clause="RFC1-1-M1")
    assert ledger.judgements == (
        Judgement("RFC1-1-S1", Verdict.WEAK, "no jitter", (), "a=x"),
        Judgement("RFC1-1-M1", Verdict.PASS),
    )
    assert ledger.verdict is Verdict.WEAK


def test_a_disputed_clause_is_listed_and_not_scored() -> None:
    ledger = Ledger(disputed=frozenset({"RFC1-1-M1"}))
    check(False, "either reading", clause="RFC1-1-M1", ledger=ledger)
    assert ledger.verdict is Verdict.DISPUTED


def test_outside_of_a_case_a_check_still_asserts() -> None:
    assert current_ledger() is None
    with pytest.raises(AssertionError, match="does not hold"):
        check(False)


def test_ledgers_nest_and_are_left_on_errors() -> None:
    outer, inner = Ledger(), Ledger()
    with outer.active():
        with pytest.raises(ConformanceFailure), inner.active():
            check(False)
        assert current_ledger() is outer
    assert outer.judgements == ()


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([], Verdict.INCONCLUSIVE),
        ([Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.WEAK, Verdict.DISPUTED], Verdict.WEAK),
        ([Verdict.FAIL, Verdict.TIMEOUT], Verdict.FAIL),
        ([Verdict.CRASH, Verdict.FAIL], Verdict.CRASH),
    ],
)
def test_the_verdict_of_a_whole(verdicts: list[Verdict], whole: Verdict) -> None:
    assert worst(verdicts) is whole
