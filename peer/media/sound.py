"""What is heard in samples: the frequency of a tone, a level, a spectrum.

Samples are arrays of one channel, floats between -1 and 1.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Samples", "frequency", "level", "samples_of", "spectrum"]

Samples: TypeAlias = NDArray[np.float32]


def samples_of(frame: Any) -> Samples:
    """The samples of an av.AudioFrame, its channels averaged."""
    data = frame.to_ndarray()
    if np.issubdtype(data.dtype, np.integer):
        data = data.astype(np.float32) / float(-np.iinfo(data.dtype).min)
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        data = data.reshape(-1, channels).T
    return np.asarray(data.mean(axis=0), np.float32)


def spectrum(samples: NDArray[np.floating[Any]], rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz, and how strong each is in dB below a full-scale sine (Hann window)."""
    if len(samples) == 0:
        return np.zeros(0), np.zeros(0)
    window = np.hanning(len(samples))
    strength = np.abs(np.fft.rfft(samples * window)) / (window.sum() / 2 or 1)
    lines = np.asarray(np.fft.rfftfreq(len(samples), 1 / rate), np.float64)
    return lines, np.asarray(20 * np.log10(np.maximum(strength, 1e-7)), np.float64)


def frequency(samples: NDArray[np.floating[Any]], rate: int) -> float | None:
    """The frequency of the strongest tone in Hz; None for silence (below -60 dB), or fewer than 512 samples.

    The peak lies between the lines of the transform: a parabola through the three strongest tells where, which for a
    half second of a steady tone is right to a tenth of a hertz.
    """
    if len(samples) < 512:
        return None
    lines, decibels = spectrum(samples - np.mean(samples), rate)
    peak = int(np.argmax(decibels))
    if decibels[peak] < -60 or not 0 < peak < len(lines) - 1:
        return None
    before, at, after = decibels[peak - 1 : peak + 2]
    bend = before - 2 * at + after
    return float((peak + (0.5 * (before - after) / bend if bend else 0.0)) * rate / len(samples))


def level(samples: NDArray[np.floating[Any]]) -> int:
    """The level in -dBov, 0 (loudest) to 127 (RFC 6464 section 3)."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 127 if power <= 0 else int(min(127, max(0, round(-10 * np.log10(power)))))
