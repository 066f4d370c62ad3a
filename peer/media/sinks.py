"""Where frames go: a sink is called with each and must not block. These two remember what a test asks about."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from peer.media.pictures import Picture, picture_of, read_counter
from peer.media.sound import Samples, samples_of

__all__ = ["Listener", "Sight", "Watcher"]

# Pictures and sounds remembered: a minute of the first, two seconds of the second.
_SIGHTS: Final = 1800
_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Sight:
    """When a picture came (seconds), its counter if it could be read, and its size."""

    time: float
    counter: int | None
    width: int
    height: int


class Watcher:
    """A sink of pictures: their counters, and the latest picture."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.sights: deque[Sight] = deque(maxlen=_SIGHTS)
        self.count = 0
        self.latest: Picture | None = None

    def __call__(self, frame: Any) -> None:
        self.latest = picture_of(frame)
        self.count += 1
        self.sights.append(Sight(self._clock(), read_counter(self.latest), frame.width, frame.height))


class Listener:
    """A sink of sound: the last two seconds of it, at the rate of the latest frame."""

    def __init__(self) -> None:
        self.rate = 0
        self._parts: deque[Samples] = deque()
        self._length = 0

    def __call__(self, frame: Any) -> None:
        if frame.sample_rate != self.rate:
            self.rate = frame.sample_rate
            self._parts.clear()
            self._length = 0
        part = samples_of(frame)
        self._parts.append(part)
        self._length += len(part)
        while self._length - len(self._parts[0]) >= _SECONDS * self.rate:
            self._length -= len(self._parts.popleft())

    def heard(self, seconds: float = _SECONDS) -> Samples:
        """The latest samples; fewer than asked for when no more came."""
        if not self._parts:
            return np.zeros(0, np.float32)
        return np.concatenate(self._parts)[-max(1, int(seconds * self.rate)) :]

    def forget(self) -> None:
        """What was heard so far."""
        self._parts.clear()
        self._length = 0
