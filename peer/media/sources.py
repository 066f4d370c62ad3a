"""Where frames come from: a test picture, a tone, silence, a file.

`next_frame` returns when the frame is due, by the loop's clock. A source that was not read for a while skips what is
past (pictures: the counter tells; sound: beyond 200 ms), it never hurries to catch up. Time stamps start at 0.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from peer.media.pictures import COUNTER_BITS, draw

__all__ = ["BEAT", "FileSource", "Silence", "TestPattern", "Tone"]

BEAT: Final = 0.1
"""Seconds."""
_SAMPLE_RATE: Final = 48000
_FRAME: Final = 960
_TOLERANCE: Final = 0.2


class _Pace:
    """Turns of one length. `turn` waits for the next one and tells its number; what is longer past than `tolerance`
    seconds is left out. `by_clock` they are counted from the epoch, else from the first.
    """

    def __init__(self, period: float, tolerance: float, *, by_clock: bool = False) -> None:
        self._period, self._tolerance, self._by_clock = period, tolerance, by_clock
        self._began: float | None = None
        self._next = 0

    async def turn(self) -> int:
        clock = asyncio.get_running_loop().time
        if self._began is None:
            self._began = clock()
            if self._by_clock:
                since_epoch = time.time()
                self._began -= since_epoch
                self._next = math.ceil(since_epoch / self._period)
        # A sleep may end late as well: what is past is known only after it.
        while (late := clock() - self._began - self._next * self._period) < 0:  # noqa: ASYNC110 - it waits for a time
            await asyncio.sleep(-late)
        if late > self._tolerance:
            self._next += int(late / self._period)
        turn = self._next
        self._next += 1
        return turn


class TestPattern:
    """The test picture (`peer.media.pictures`), its counter going up by one a picture, from `start`.

    `by_clock` it is how many pictures would have come since the epoch, as far as a picture's counter can tell.
    """

    def __init__(
        self,
        width: int = 640,
        height: int = 480,
        frame_rate: int = 30,
        *,
        detail: int = 0,
        start: int = 0,
        by_clock: bool = False,
    ) -> None:
        self.width, self.height, self.frame_rate, self.detail, self.start = width, height, frame_rate, detail, start
        self._pace = _Pace(1 / frame_rate, 1 / frame_rate, by_clock=by_clock)
        self._closed = False

    async def next_frame(self) -> Any:
        if self._closed:
            raise StopAsyncIteration
        turn = await self._pace.turn()
        picture = draw((self.start + turn) % (1 << COUNTER_BITS), self.width, self.height, detail=self.detail)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = turn, Fraction(1, self.frame_rate)
        return frame

    def close(self) -> None:
        self._closed = True


class Tone:
    """A sine of `hz`; `amplitude` between 0 and 1. `by_clock` it begins with each second since the epoch, and lasts for
    `BEAT` of it.
    """

    def __init__(self, hz: float = 440.0, *, amplitude: float = 0.3, by_clock: bool = False) -> None:
        self.hz, self.amplitude, self._by_clock = hz, amplitude, by_clock
        self._pace = _Pace(_FRAME / _SAMPLE_RATE, _TOLERANCE, by_clock=by_clock)
        self._closed = False

    async def next_frame(self) -> Any:
        if self._closed:
            raise StopAsyncIteration
        turn = await self._pace.turn()
        at = np.arange(turn * _FRAME, (turn + 1) * _FRAME, dtype=np.float64) / _SAMPLE_RATE
        sine = np.sin(2 * np.pi * self.hz * at)
        if self._by_clock:
            sine[at % 1.0 >= BEAT] = 0.0
        samples = (self.amplitude * 32767 * sine).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _SAMPLE_RATE, turn * _FRAME, Fraction(1, _SAMPLE_RATE)
        return frame

    def close(self) -> None:
        self._closed = True


class Silence(Tone):
    """A tone that isn't heard."""

    def __init__(self) -> None:
        super().__init__(amplitude=0.0)


class FileSource:
    """The first picture or sound track of a file, at its own pace, from its start again and again if `loop`.

    Raises FFmpeg's errors (OSError, ValueError) at the first frame when the file can't be read.
    """

    def __init__(self, path: str | Path, kind: str, *, loop: bool = False) -> None:
        self._path, self._kind, self._loop = path, kind, loop
        self._frames: Iterator[Any] | None = None
        self._began: float | None = None
        self._closed = False

    async def next_frame(self) -> Any:
        if self._frames is None:
            self._frames = self._read()
        frame = None if self._closed else await asyncio.to_thread(next, self._frames, None)
        if frame is None:
            raise StopAsyncIteration
        now = asyncio.get_running_loop().time()
        due = float(frame.pts * frame.time_base)
        if self._began is None:
            self._began = now - due
        await asyncio.sleep(max(0.0, self._began + due - now))
        return frame

    def _read(self) -> Iterator[Any]:
        offset = Fraction(0)
        while not self._closed:
            end = offset
            with av.open(str(self._path)) as container:
                first: Fraction | None = None
                for frame in container.decode(**{self._kind: 0}):
                    at = (frame.pts or 0) * frame.time_base
                    first = at if first is None else first
                    frame.pts = round((at - first + offset) / frame.time_base)
                    rate = container.streams.video[0].average_rate if self._kind == "video" else None
                    length = Fraction(frame.samples, frame.sample_rate) if rate is None else 1 / Fraction(rate)
                    end = at - first + offset + length
                    if self._closed:
                        return
                    yield frame
            if not self._loop or end == offset:
                return
            offset = end

    def close(self) -> None:
        self._closed = True
