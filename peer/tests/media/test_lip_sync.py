"""Sender reports tie pictures and sound to one clock: what belongs together is known to, within 40 ms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from statistics import median
from typing import Any

import av
import numpy as np

from peer.api import MediaStream, MediaStreamTrack
from peer.api.rtp_stats import _playout_time
from peer.media.inbound import Stream
from peer.media.pictures import draw, picture_of, read_counter
from peer.media.sound import samples_of
from peer.media.work import Inline
from peer.tests.api.connecting import negotiate
from peer.tests.media.flowing import Arrivals, flowing

PICTURES, SOUNDS = 20, 50  # a second
EVERY = 8  # one sound frame of so many is loud
CLOSE = 0.040


class Paced:
    """Frame `n` is due at `began + n / rate`."""

    def __init__(self, rate: int, make: Callable[[int], Any]) -> None:
        self.rate, self.began, self._count, self._make = rate, 0.0, 0, make

    async def next_frame(self) -> Any:
        loop = asyncio.get_running_loop()
        if not self._count:
            self.began = loop.time()
        await asyncio.sleep(max(0.0, self.began + self._count / self.rate - loop.time()))
        frame = self._make(self._count)
        frame.pts, frame.time_base = self._count, Fraction(1, self.rate)
        self._count += 1
        return frame

    def close(self) -> None:
        """Nothing is open."""


def picture(number: int) -> Any:
    return av.VideoFrame.from_ndarray(draw(number, 160, 120), format="rgb24")


def sound(number: int) -> Any:
    loud = 0.6 if number % EVERY == 0 else 0.0
    samples = (loud * 32767 * np.sin(np.arange(960) * 0.2)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = 48000
    return frame


def known(arrivals: Arrivals) -> list[tuple[Any, float]]:
    """The frames whose capture time is known."""
    pairs = zip(arrivals.frames, arrivals.captured, strict=True)
    return [(frame, captured) for frame, captured in pairs if captured is not None]


async def test_pictures_and_sound_are_tied_to_one_clock() -> None:
    async with flowing(()) as (one, other, _):
        stream = MediaStream()
        video, audio = Paced(PICTURES, picture), Paced(SOUNDS, sound)
        for kind, source in (("video", video), ("audio", audio)):
            one.addTrack(MediaStreamTrack(kind, source=source), stream)
        arrivals: dict[str, Arrivals] = {}
        other.addEventListener("track", lambda event: arrivals.update({event.track.kind: Arrivals(event.track)}))
        await negotiate(one, other)
        await arrivals["video"].until(lambda: len(known(arrivals["video"])) > 15)
        await arrivals["audio"].until(lambda: len(known(arrivals["audio"])) > 4 * EVERY)
        zero = one._core.ntp_offset
        late_pictures = [
            captured - zero - (video.began + (read_counter(picture_of(frame)) or 0) / PICTURES)
            for frame, captured in known(arrivals["video"])
        ]
        beats = [
            (captured - zero - audio.began) % (EVERY / SOUNDS)
            for frame, captured in known(arrivals["audio"])
            if np.abs(samples_of(frame)).max() > 0.3
        ]
        late_sounds = [beat if beat < EVERY / SOUNDS / 2 else beat - EVERY / SOUNDS for beat in beats]
        assert abs(median(late_pictures) - median(late_sounds)) < CLOSE
        # What is played now was made after the latest frame whose time is known, and not in the future.
        rows = [row for row in (await other.getStats()).values() if row["type"] == "inbound-rtp"]
        now = other._core.now() + other._core.ntp_offset
        assert {row["kind"] for row in rows} == {"audio", "video"}
        for row in rows:
            _, latest = known(arrivals[row["kind"]])[-1]
            assert latest <= row["estimatedPlayoutTimestamp"] / 1000 < now + CLOSE


async def test_the_time_that_is_played_goes_on_with_the_clock() -> None:
    stream = Stream(1, None, Inline(asyncio.get_running_loop()))
    assert _playout_time(stream, 5.0) is None
    stream.played = 100.0, 5.0
    assert _playout_time(stream, 5.5) == 100_500.0
