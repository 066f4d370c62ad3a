"""Frames without waiting for a source."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np

from peer.media.pictures import draw

__all__ = ["picture", "tone"]


def picture(counter: int, width: int = 320, height: int = 240, *, detail: int = 0) -> Any:
    frame = av.VideoFrame.from_ndarray(draw(counter, width, height, detail=detail), format="rgb24")
    frame.pts, frame.time_base = counter, Fraction(1, 30)
    return frame


def tone(index: int, hz: float = 1000.0, *, rate: int = 48000, channels: int = 1, amplitude: float = 0.3) -> Any:
    """The `index`th 20 ms of a tone; a second channel has it an octave higher and half as loud."""
    size = rate // 50
    at = np.arange(index * size, (index + 1) * size) / rate
    waves = [np.sin(2 * np.pi * hz * (channel + 1) * at) / (channel + 1) for channel in range(channels)]
    samples = (amplitude * 32767 * np.stack(waves, axis=-1)).astype(np.int16)
    layout = "mono" if channels == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, index * size, Fraction(1, rate)
    return frame
