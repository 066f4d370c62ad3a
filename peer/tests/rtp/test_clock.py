from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.rtp.clock import Clock, Unwrapper, distance16, distance32, middle, ntp64, seconds


@given(st.integers(0, 0xFFFF), st.integers(-0x8000, 0x7FFF))
def test_distance_is_what_was_added(start: int, ahead: int) -> None:
    assert distance16((start + ahead) & 0xFFFF, start) == ahead


def test_distance_of_timestamps_wraps() -> None:
    assert distance32(5, 0xFFFFFFFB) == 10
    assert distance32(0xFFFFFFFB, 5) == -10


@given(st.integers(0, 0xFFFF), st.lists(st.integers(-2000, 2000), max_size=50))
def test_unwrapped_numbers_go_on(start: int, steps: list[int]) -> None:
    unwrap, value = Unwrapper(16), start
    assert unwrap(start) == start
    for step in steps:
        value += step
        assert unwrap(value & 0xFFFF) == value


def test_ntp_there_and_back() -> None:
    assert seconds(ntp64(3_900_000_000.25)) == 3_900_000_000.25
    assert middle(3_900_000_000.25) == (3_900_000_000 * 65536 + 16384) & 0xFFFFFFFF


def test_a_clock_is_none_without_a_report() -> None:
    assert Clock(90000).ntp(0) is None


def test_a_clock_measures_a_drifting_sender() -> None:
    clock = Clock(90000)
    for second in range(10):
        clock.report(100.0 + second, second * 90090)
    assert clock.ntp(9 * 90090 + 90090 * 5) == pytest.approx(114.0, abs=1e-6)


def test_a_clock_forgets_when_timestamps_begin_anew() -> None:
    clock = Clock(48000)
    clock.report(100.0, 0)
    clock.report(103.0, 3 * 48000)
    clock.report(104.0, 77)
    assert clock.ntp(77 + 24000) == pytest.approx(104.5)
