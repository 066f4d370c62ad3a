"""A feed: one source's frames for any number of sinks.

    source ──pump──> Feed ──> sender's encoder, recorder, a reader's queue ...
    receiver's decoder ──deliver──> Feed ──> ...

A sink is called with every frame and must not block; what can't keep up drops frames, it never holds up the others.
The pump of a source runs only while somebody listens.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable
from weakref import WeakValueDictionary

__all__ = ["Feed", "Frame", "Sink", "Source", "feed_of"]

Frame: TypeAlias = Any
"""An av.VideoFrame or av.AudioFrame: this module works without PyAV."""
Sink: TypeAlias = Callable[[Frame], None]

# How many frames wait for a reader: half a second of audio, a quarter of video.
QUEUE: Final = 25


@runtime_checkable
class Source(Protocol):
    """Where frames come from, at their own pace."""

    async def next_frame(self) -> Frame:
        """The next frame, when it is due. Raises StopAsyncIteration at the end."""

    def close(self) -> None:
        """Nobody wants any more."""


class Feed:
    """Frames to sinks. Without a source it is fed by `deliver`. It is a `Source` too, for who would rather read."""

    def __init__(self, source: Source | None = None) -> None:
        self._source = source
        self._sinks: list[Sink] = []
        self._pump: asyncio.Task[None] | None = None
        self._queue: deque[Frame] | None = None
        self._waiting: asyncio.Future[None] | None = None
        self.ended = False
        self.on_ended: list[Callable[[], None]] = []
        self.latest: Frame | None = None
        self.captured: float | None = None
        """Of the frame just delivered: when it was captured, in NTP seconds of its sender, once that is known."""

    def subscribe(self, sink: Sink) -> None:
        """Call `sink` with each frame from now on."""
        if sink not in self._sinks:
            self._sinks.append(sink)
        if self._source is not None and self._pump is None and not self.ended:
            self._pump = asyncio.get_running_loop().create_task(self._run(self._source))

    def unsubscribe(self, sink: Sink) -> None:
        if sink in self._sinks:
            self._sinks.remove(sink)
        if not self._sinks and self._pump is not None:
            self._pump.cancel()
            self._pump = None

    def deliver(self, frame: Frame) -> None:
        """One frame to every sink."""
        self.latest = frame
        for sink in tuple(self._sinks):
            sink(frame)

    def end(self) -> None:
        """No frame comes any more."""
        if self.ended:
            return
        self.ended = True
        self._wake()
        for listener in tuple(self.on_ended):
            listener()

    async def _run(self, source: Source) -> None:
        try:
            while True:
                self.deliver(await source.next_frame())
        except StopAsyncIteration:
            self._pump = None
            self.end()

    # reading

    async def next_frame(self) -> Frame:
        """The next frame; the oldest are dropped when they aren't fetched. Raises StopAsyncIteration at the end."""
        if self._queue is None:
            self._queue = deque(maxlen=QUEUE)
            self.subscribe(self._enqueue)
        while not self._queue:
            if self.ended:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._queue.popleft()

    def _enqueue(self, frame: Frame) -> None:
        if self._queue is not None:
            self._queue.append(frame)
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self) -> None:
        """Stop reading, and the source with it."""
        self.unsubscribe(self._enqueue)
        self._queue = None
        if self._source is not None:
            self._sinks.clear()
            if self._pump is not None:
                self._pump.cancel()
                self._pump = None
            self._source.close()
        self.end()


# A feed holds its source, so an id in here is that of a living source.
_FEEDS: WeakValueDictionary[int, Feed] = WeakValueDictionary()


def feed_of(source: Source | Feed) -> Feed:
    """The feed of a source: one for all tracks and senders that share it."""
    if isinstance(source, Feed):
        return source
    feed = _FEEDS.get(id(source))
    if feed is None:
        feed = _FEEDS[id(source)] = Feed(source)
    return feed
