"""What an endpoint sees and hears of a track: pictures with their counters, sound with its frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from harness.endpoints.proxies import Proxy
from harness.errors import EndpointError
from harness.script.steps import Look, Watch
from peer.media import pictures, sound

__all__ = ["Heard", "Seen", "Sight", "Watching", "watch"]

_PATIENCE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Sight:
    """One picture: when it was shown (seconds since the epoch), its counter if it could be read, its size."""

    time: float
    counter: int | None
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The pictures since the last look, and the latest of them (RGB). `count` is how many there were in all."""

    count: int
    sights: tuple[Sight, ...]
    picture: pictures.Picture = field(repr=False)

    @property
    def counters(self) -> list[int]:
        """Of the pictures whose counter could be read."""
        return [sight.counter for sight in self.sights if sight.counter is not None]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the latest picture."""
        height, width = self.picture.shape[:2]
        return width, height

    def quality(self, detail: int = 0, *, of: tuple[int, int] | None = None, colours: str = "") -> float:
        """The latest picture against the one that its counter stands for, in dB; 0 when it has no counter.

        `of` is the size (pixels) of the picture that it was scaled from, if it was; `colours` which of
        `pictures.MISREADINGS` it went through.
        """
        counter = pictures.read_counter(self.picture)
        width, height = self.size
        if counter is None:
            return 0.0
        drawn = pictures.draw(counter, *(of or (width, height)), detail=detail)
        if of not in (None, (width, height)):
            drawn = pictures.scaled(drawn, width, height)
        return pictures.psnr(self.picture, pictures.misread(drawn, colours) if colours else drawn)

    @property
    def longest_gap(self) -> float:
        """Seconds between two pictures with different counters, at most."""
        gaps, last = [0.0], None
        for sight in self.sights:
            if sight.counter is None or (last is not None and sight.counter == last.counter):
                continue
            if last is not None:
                gaps.append(sight.time - last.time)
            last = sight
        return max(gaps)


@dataclass(frozen=True, slots=True)
class Heard:
    """The latest half second of sound, one channel, at `rate` Hz."""

    rate: int
    samples: sound.Samples = field(repr=False)

    @property
    def frequency(self) -> float | None:
        """Of the strongest tone in Hz; None in silence."""
        return sound.frequency(self.samples, self.rate)

    @property
    def level(self) -> int:
        """In -dBov: 0 is as loud as can be, 127 silence."""
        return sound.level(self.samples)


class Watching(Proxy):
    """A watcher of one track."""

    async def _look(self, frames: int, timeout: float) -> Mapping[str, Any]:
        step = Look(self.handle, frames, timeout=timeout)
        report: Mapping[str, Any] = (await self.endpoint.run(step))[0]
        return report

    async def see(self, frames: int = 1, *, timeout: float = _PATIENCE) -> Seen:
        """Wait until `frames` pictures came since the last look. Raises EndpointTimeout."""
        report = await self._look(frames, timeout)
        width, height = int(report["width"]), int(report["height"])
        pixels = np.frombuffer(report.get("picture", b""), np.uint8)
        if len(pixels) != width * height * 4:
            raise EndpointError(f"{self.endpoint.name}: {len(pixels)} bytes of a picture of {width} x {height}")
        sights: Sequence[Sequence[Any]] = report["sights"]
        picture = np.ascontiguousarray(pixels.reshape(height, width, 4)[..., :3])
        return Seen(int(report["count"]), tuple(Sight(*sight) for sight in sights), picture)

    async def hear(self, frames: int = 25, *, timeout: float = _PATIENCE) -> Heard:
        """Wait until there is something in each of the latest `frames` 20 ms. Raises EndpointTimeout."""
        report = await self._look(frames, timeout)
        return Heard(int(report["rate"]), np.frombuffer(report.get("samples", b""), "<f4").astype(np.float32))


async def watch(track: Proxy) -> Watching:
    """Show or play a track from now on."""
    handle = track.endpoint.fresh("watcher")
    await track.endpoint.run(Watch(track.handle, handle))
    return Watching(track.endpoint, handle)
