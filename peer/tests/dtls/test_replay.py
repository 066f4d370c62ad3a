"""The anti-replay window against a plain set of everything accepted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peer.dtls.replay import ReplayWindow


@given(st.lists(st.integers(0, 700), max_size=200))
def test_no_number_twice_and_none_too_old(numbers: list[int]) -> None:
    window, accepted = ReplayWindow(), set[int]()
    for number in numbers:
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
