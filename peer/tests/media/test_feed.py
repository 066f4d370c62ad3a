"""One source, many sinks."""

from __future__ import annotations

import asyncio

import pytest

from peer.media.feed import QUEUE, Feed, feed_of


class Counting:
    """Counts as fast as it is asked, to a limit."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.count, self.limit, self.closed = 0, limit, False

    async def next_frame(self) -> int:
        await asyncio.sleep(0)
        if self.count == self.limit:
            raise StopAsyncIteration
        self.count += 1
        return self.count

    def close(self) -> None:
        self.closed = True


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_every_sink_gets_every_frame() -> None:
    source = Counting(3)
    first: list[int] = []
    second: list[int] = []
    feed = feed_of(source)
    assert feed_of(source) is feed
    assert feed_of(feed) is feed
    feed.subscribe(first.append)
    feed.subscribe(second.append)
    ended: list[bool] = []
    feed.on_ended.append(lambda: ended.append(True))
    await turns(10)
    assert first == second == [1, 2, 3]
    assert feed.ended
    assert ended == [True]


async def test_nothing_is_pumped_without_a_sink() -> None:
    source = Counting()
    feed = feed_of(source)
    seen: list[int] = []
    await turns()
    assert source.count == 0
    feed.subscribe(seen.append)
    await turns()
    assert seen
    feed.unsubscribe(seen.append)
    await turns()
    before = source.count
    await turns()
    assert source.count == before


async def test_a_reader_that_is_slow_loses_the_oldest() -> None:
    feed = Feed()
    reading = asyncio.ensure_future(feed.next_frame())
    await turns()
    for number in range(QUEUE + 10):
        feed.deliver(number)
    assert await reading == 10
    assert await feed.next_frame() == 11
    feed.end()
    for _ in range(QUEUE - 2):
        await feed.next_frame()
    with pytest.raises(StopAsyncIteration):
        await feed.next_frame()


async def test_closing_closes_the_source_and_ends_readers() -> None:
    source = Counting()
    feed = feed_of(source)
    seen: list[int] = []
    feed.subscribe(seen.append)
    await turns()
    feed.close()
    await turns()
    assert source.closed
    assert feed.ended
    count = len(seen)
    await turns()
    assert len(seen) == count
