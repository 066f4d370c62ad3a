"""A tone's frequency and level are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.media import sound
from peer.tests.media.made import tone


def sine(hz: float, *, rate: int = 48000, seconds: float = 0.5, amplitude: float = 0.3) -> sound.Samples:
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate), np.float32)


@given(st.floats(100, 3500), st.sampled_from([8000, 16000, 48000]))
def test_the_frequency_is_right_to_half_a_hertz(hz: float, rate: int) -> None:
    assert sound.frequency(sine(hz, rate=rate), rate) == pytest.approx(hz, abs=0.5)


def test_a_tone_is_heard_through_noise() -> None:
    noise = np.random.default_rng(7).normal(0, 0.05, 24000).astype(np.float32)
    assert sound.frequency(sine(440) + noise, 48000) == pytest.approx(440, abs=0.5)


def test_silence_has_no_frequency() -> None:
    assert sound.frequency(np.zeros(24000, np.float32), 48000) is None
    assert sound.frequency(np.full(24000, 0.5, np.float32), 48000) is None
    assert sound.frequency(sine(440, seconds=0.01), 48000) is None
    assert sound.frequency(sine(440, amplitude=0.0005), 48000) is None


@pytest.mark.parametrize(("amplitude", "expected"), [(1.0, 3), (0.1, 23), (0.001, 63), (0.0, 127)])
def test_levels(amplitude: float, expected: int) -> None:
    assert sound.level(sine(1000, amplitude=amplitude)) == expected


def test_a_spectrum_has_its_peak_at_the_tone() -> None:
    lines, decibels = sound.spectrum(sine(1000, amplitude=1.0), 48000)
    assert lines[int(np.argmax(decibels))] == pytest.approx(1000, abs=2)
    assert decibels.max() == pytest.approx(0, abs=0.5)
    assert sound.spectrum(np.zeros(0, np.float32), 48000)[0].size == 0


def test_channels_are_averaged_whatever_the_format() -> None:
    frame = tone(0, channels=2)
    packed = sound.samples_of(frame)
    assert packed.shape == (960,)
    import av

    (planar,) = av.AudioResampler("fltp", "stereo", 48000).resample(frame)
    assert sound.samples_of(planar) == pytest.approx(packed, abs=0.001)
