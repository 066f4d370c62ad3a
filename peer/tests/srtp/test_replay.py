"""The index estimate and the replay window, against a set that forgets nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peer.srtp.replay import ReplayWindow, estimate

INDEX = st.integers(0, 2**48 - 1)


@given(INDEX, st.integers(-(2**15) + 1, 2**15 - 1))
def test_estimate_is_right_within_half_the_sequence_space(highest: int, distance: int) -> None:
    index = highest + distance
    if index >= 0:
        assert estimate(index & 0xFFFF, highest) == index


def test_estimate_around_the_first_wrap() -> None:
    assert estimate(0, 65535) == 65536
    assert estimate(65535, 65536) == 65535
    assert estimate(65535, 3) == -1


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=200))
def test_window_agrees_with_a_set(indices: list[int]) -> None:
    window, seen = ReplayWindow(indices[0]), {indices[0]}
    for index in indices[1:]:
        too_old = index <= max(seen) - 1024
        assert window.is_new(index) == (index not in seen and not too_old)
        if window.is_new(index):
            window.add(index)
            seen.add(index)
        assert window.highest == max(seen)
