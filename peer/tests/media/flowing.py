"""Two connections between which media flows, and what arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from peer.api import MediaStream, MediaStreamTrack, RTCPeerConnection, Seams
from peer.media.feed import Feed
from peer.media.pictures import read_counter
from peer.media.sources import TestPattern, Tone
from peer.tests.api.connecting import negotiate, trickle

TIMEOUT = 20.0


class Arrivals:
    """The frames of one track as they come; `until` waits for what makes a condition true."""

    def __init__(self, track: MediaStreamTrack) -> None:
        assert isinstance(track.source, Feed)
        self.track = track
        self.frames: list[Any] = []
        self.captured: list[float | None] = []
        self._feed = track.source
        self._changed = asyncio.Event()
        track.source.subscribe(self._arrived)

    def _arrived(self, frame: Any) -> None:
        self.frames.append(frame)
        self.captured.append(self._feed.captured)
        self._changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def count(self, number: int) -> None:
        """Until so many frames more have come."""
        wanted = len(self.frames) + number
        await self.until(lambda: len(self.frames) >= wanted)

    def counters(self) -> list[int | None]:
        return [read_counter(frame.to_ndarray(format="rgb24")) for frame in self.frames]


def tracks(kinds: Iterable[str] = ("audio", "video"), *, hz: float = 440.0) -> list[MediaStreamTrack]:
    """A tone and a small test picture."""
    return [MediaStreamTrack(kind, source=Tone(hz) if kind == "audio" else TestPattern(160, 120, 30)) for kind in kinds]


@asynccontextmanager
async def flowing(
    kinds: Iterable[str] = ("audio", "video"),
    *,
    both: bool = False,
    prepare: Callable[[RTCPeerConnection], Any] = id,
    first: Seams | None = None,
) -> AsyncIterator[tuple[RTCPeerConnection, RTCPeerConnection, dict[str, Arrivals]]]:
    """The first sends; the arrivals are the second's by kind (the first's as "kind back")."""
    one, other = RTCPeerConnection(seams=first), RTCPeerConnection()
    trickle(one, other)
    try:
        stream = MediaStream()
        for track in tracks(kinds):
            one.addTrack(track, stream)
        if both:
            for track in tracks(kinds, hz=660.0):
                other.addTrack(track, stream)
        arrivals: dict[str, Arrivals] = {}
        other.addEventListener("track", lambda event: arrivals.update({event.track.kind: Arrivals(event.track)}))
        one.addEventListener(
            "track", lambda event: arrivals.update({f"{event.track.kind} back": Arrivals(event.track)})
        )
        prepare(one)
        await negotiate(one, other)
        yield one, other, arrivals
    finally:
        one.close()
        other.close()


def _arrivals(track: MediaStreamTrack, suffix: str) -> dict[str, Arrivals]:
    return {f"{track.kind}{suffix}": Arrivals(track)}
