"""How loud and how often: audio energy and frame rates, as webrtc-stats measures them."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

__all__ = ["QUIET", "AudioMeter", "BufferMeter", "FrameMeter", "Limits", "decibels"]

# webrtc-stats, framesPerSecond: "the number of frames in the last second".
SECOND: Final = 1.0
QUIET: Final = 127


def decibels(level: float) -> int:
    """A level of 0 to 1 (RMS of full scale) in -dBov, 0 to 127 (RFC 6464 section 3)."""
    return QUIET if level <= 0 else min(QUIET, max(0, round(-20 * math.log10(level))))


class AudioMeter:
    """Energy and duration of all samples (webrtc-stats, totalAudioEnergy)."""

    def __init__(self) -> None:
        self.level = 0.0
        """RMS of the last frame, 0 to 1."""
        self.energy = 0.0
        self.duration = 0.0
        self.samples = 0

    def add(self, frame: Any) -> float:
        """Count an av.AudioFrame; returns its level."""
        samples = frame.to_ndarray()
        if samples.dtype.kind == "i":
            scaled = samples.astype("float32") / float(1 << (8 * samples.dtype.itemsize - 1))
        else:
            scaled = samples.astype("float32")
        power = float((scaled * scaled).mean()) if scaled.size else 0.0
        duration = frame.samples / frame.sample_rate
        self.level = math.sqrt(power)
        self.energy += power * duration
        self.duration += duration
        self.samples += frame.samples
        return self.level


class FrameMeter:
    """Frames so far, their size, and how many there were in the last second."""

    def __init__(self) -> None:
        self.count = 0
        self.width = 0
        self.height = 0
        self._times: deque[float] = deque()

    def add(self, width: int, height: int, now: float) -> None:
        self.count += 1
        self.width, self.height = width, height
        self._times.append(now)
        self._forget(now)

    def rate(self, now: float) -> float:
        """Frames in the last second."""
        self._forget(now)
        return float(len(self._times))

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] <= now - SECOND:
            self._times.popleft()


class BufferMeter:
    """What left the jitter buffer, in samples or pictures, and the seconds that all of them together spent there, were
    to spend there, and would have with jitter alone to think of (webrtc-stats, jitterBufferDelay and its like).
    """

    def __init__(self) -> None:
        self.emitted = 0
        self.delay = 0.0
        self.target = 0.0
        self.minimum = 0.0

    def add(self, count: int, delay: float, target: float, minimum: float) -> None:
        self.emitted += count
        self.delay += count * delay
        self.target += count * target
        self.minimum += count * minimum


class Limits:
    """Why an encoding is worse than it might be, and for how long (webrtc-stats, qualityLimitationReason). The text
    knows "none", "cpu", "bandwidth" and "other".
    """

    def __init__(self) -> None:
        self._durations = dict.fromkeys(("none", "cpu", "bandwidth", "other"), 0.0)
        self._noted: tuple[str, float] | None = None

    def note(self, reason: str, now: float) -> None:
        """With each picture: what holds from now to the next."""
        self._durations = self.durations(now)
        self._noted = reason, now

    def reason(self, now: float) -> str:
        """Nothing limits what has no pictures to send."""
        if self._noted is None or now - self._noted[1] > SECOND:
            return "none"
        return self._noted[0]

    def durations(self, now: float) -> dict[str, float]:
        """The seconds spent in each state since the first picture."""
        durations = dict(self._durations)
        if self._noted is not None:
            durations[self.reason(now)] += now - self._noted[1]
        return durations
