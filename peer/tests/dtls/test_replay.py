"""The anti-replay window against a plain set of everything accepted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peer.dtls.replay import ReplayWindow

# Often the number after the last one, as it is in life.
RUNS = st.tuples(st.integers(0, 700), st.integers(1, 300)).map(lambda run: range(run[0], sum(run)))


@given(st.lists(st.integers(0, 700).map(lambda number: range(number, number + 1)) | RUNS, max_size=40))
def test_no_number_twice_and_none_too_old(runs: list[range]) -> None:
    window, accepted = ReplayWindow(), set[int]()
    for run in runs:
        if run.start == window.highest + 1:
            window.advance(len(run))
            accepted.update(run)
        for number in run:
            old = bool(accepted) and max(accepted) - number >= 256
            assert window.is_fresh(number) is (number not in accepted and not old)
            if window.is_fresh(number):
                window.accept(number)
                accepted.add(number)
            assert window.highest == max(accepted, default=-1)


def test_a_great_leap() -> None:
    window = ReplayWindow()
    window.accept(0)
    window.accept(1 << 47)
    assert not window.is_fresh(0)
    assert window.is_fresh((1 << 47) - 255)
    assert not window.is_fresh((1 << 47) - 256)
