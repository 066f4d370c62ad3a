"""Timestamps of what is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.media.timeline import Timeline


def test_a_steady_source_is_followed_exactly() -> None:
    line = Timeline(1000)
    stamps = [line.stamp(5 + number / 30, 100 + number / 30 + number % 2 * 0.01, 90000)[0] for number in range(30)]
    assert stamps == [1000 + 3000 * number for number in range(30)]


def test_it_wraps() -> None:
    line = Timeline(0xFFFFFFFF)
    assert [line.stamp(number, number, 1)[0] for number in range(3)] == [0xFFFFFFFF, 0, 1]


def test_another_source_goes_on_by_the_clock() -> None:
    line = Timeline(0)
    line.stamp(7.0, 50.0, 48000)
    line.restart()
    assert line.stamp(0.0, 50.5, 48000) == (24000, 50.5)


def test_a_gap_is_seen_without_being_told() -> None:
    line = Timeline(0)
    line.stamp(0.0, 10.0, 48000)
    assert line.stamp(0.02, 12.0, 48000) == (96000, 12.0)  # the source stood still meanwhile


def test_another_rate_counts_the_time_since_in_its_own_units() -> None:
    line = Timeline(0)
    line.stamp(0.0, 10.0, 48000)
    assert line.stamp(1.0, 11.0, 8000)[0] == 8000


def test_capture_times_lack_the_jitter_of_delivery() -> None:
    line = Timeline(0)
    line.stamp(0.0, 10.0, 90000)
    assert line.stamp(0.04, 10.06, 90000) == (3600, 10.04)


def test_a_first_frame_that_was_late_does_not_make_all_late() -> None:
    """Lip-sync hangs on capture times: the most punctual frame tells when the source began."""
    line = Timeline(0)
    assert line.stamp(0.0, 10.08, 48000) == (0, 10.08)
    assert line.stamp(0.02, 10.02, 48000) == (960, 10.02)
    assert line.stamp(0.04, 10.07, 48000)[1] == pytest.approx(10.04)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1), st.sampled_from([8000, 48000]), st.booleans())))
def test_it_never_goes_back(steps: list[tuple[float, float, int, bool]]) -> None:
    line, position, now, before = Timeline(0), 0.0, 0.0, -1
    for moved, elapsed, rate, restart in steps:
        position, now = position + moved, now + elapsed
        if restart:
            line.restart()
        stamp, _ = line.stamp(position, now, rate)
        assert before < stamp < 1 << 31
        before = stamp
