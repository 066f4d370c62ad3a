from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.rtp import extensions as ext
from peer.rtp.frame import ColorSpace

PULLS: list[Callable[[bytes], Any]] = [
    ext.pull_text,
    ext.pull_audio_level,
    ext.pull_mixer_levels,
    ext.pull_abs_send_time,
    ext.pull_transport_wide,
    ext.pull_toffset,
    ext.pull_orientation,
    ext.pull_capture_time,
    ext.pull_playout_delay,
    ext.pull_color_space,
]


@given(st.integers(0, 127), st.booleans())
def test_audio_level(level: int, voice: bool) -> None:
    value = ext.AudioLevel(level, voice)
    assert ext.pull_audio_level(ext.push_audio_level(value)) == value


def test_audio_level_puts_voice_first() -> None:
    assert ext.push_audio_level(ext.AudioLevel(5, True)) == b"\x85"
    assert ext.pull_audio_level(b"\x85\x00") == ext.AudioLevel(5, True)  # two-byte headers may pad


def test_mixer_levels_are_one_a_contributor() -> None:
    assert ext.pull_mixer_levels(b"\x01\x7f\x83") == (1, 127, 3)


def test_abs_send_time_is_24_bits_with_18_of_fraction() -> None:
    assert ext.push_abs_send_time(64.5) == (1 << 17).to_bytes(3, "big")
    assert ext.pull_abs_send_time(b"\x02\x00\x00") == 1 << 17


def test_transport_wide_takes_both_versions() -> None:
    assert ext.pull_transport_wide(ext.push_transport_wide(0x1_2345)) == 0x2345
    assert ext.pull_transport_wide(b"\x00\x07\x80\x01") == 7


@given(st.integers(-(1 << 23), (1 << 23) - 1))
def test_toffset(value: int) -> None:
    assert ext.pull_toffset(ext.push_toffset(value)) == value


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("back", [True, False])
def test_orientation(rotation: int, flip: bool, back: bool) -> None:
    value = ext.Orientation(rotation, flip, back)
    assert ext.pull_orientation(ext.push_orientation(value)) == value


@given(st.integers(0, (1 << 64) - 1), st.none() | st.integers(-(1 << 63), (1 << 63) - 1))
def test_capture_time(ntp: int, offset: int | None) -> None:
    value = ext.CaptureTime(ntp, offset)
    assert ext.pull_capture_time(ext.push_capture_time(value)) == value


def test_playout_delay() -> None:
    assert ext.pull_playout_delay(ext.push_playout_delay(0.1, 40.95)) == pytest.approx((0.1, 40.95))
    assert ext.push_playout_delay(0, 100) == b"\x00\x0f\xff"


@pytest.mark.parametrize("pull", PULLS)
@given(data=st.binary(max_size=20))
def test_garbage_is_a_decode_error(pull: Callable[[bytes], Any], data: bytes) -> None:
    try:
        pull(data)
    except DecodeError:
        return


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("01010120", ColorSpace(1, 1, 1, full_range=True)),
        ("010d0610", ColorSpace(1, 13, 6, full_range=False)),
        ("02020230", ColorSpace(2, 2, 2)),
    ],
)
def test_color_spaces(data: str, value: ColorSpace) -> None:
    assert ext.push_color_space(value) == bytes.fromhex(data)
    assert ext.pull_color_space(bytes.fromhex(data)) == value
    assert ext.pull_color_space(bytes.fromhex(data) + bytes(24)) == value
