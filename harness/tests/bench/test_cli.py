"""harness.bench.cli: what is printed says which way is better."""

from __future__ import annotations

import pytest

from harness.bench.cli import compared
from harness.bench.model import Benchmark, Outcome


@pytest.mark.parametrize(("more", "word"), [(True, "more"), (False, "less")])
def test_a_ratio_is_the_figure_of_the_reference_in_terms_of_the_others(more: bool, word: str) -> None:
    outcome = Outcome(Benchmark("one", "ms", {}, more_is_better=more), {"reference": [3.0], "aiortc": [6.0]})
    assert compared(outcome, "aiortc") == f" (reference: 0.50 times that, {word} is better)"


def test_nothing_is_compared_without_the_reference() -> None:
    assert compared(Outcome(Benchmark("one", "ms", {}), {"aiortc": [6.0]}), "aiortc") == ""


@pytest.mark.parametrize(("ours", "theirs"), [(0.0, 6.0), (6.0, 0.0)])
def test_a_figure_of_zero_has_no_ratio(ours: float, theirs: float) -> None:
    outcome = Outcome(Benchmark("one", "MiB", {}, more_is_better=False), {"reference": [ours], "aiortc": [theirs]})
    assert (outcome.to_json()["ratio"], compared(outcome, "aiortc")) == ({}, "")
