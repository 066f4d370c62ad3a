"""Tracks and watchers: every endpoint draws, reads, plays and hears the same; browsers show each other's tracks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.endpoints import Endpoint, Stacks
from harness.endpoints.proxies import Proxy
from harness.endpoints.watching import Seen, Sight, watch
from harness.errors import EndpointTimeout
from harness.script.steps import Look, Track, Watch
from harness.signaling import connect
from peer.media import pictures

BROWSERS = ("chromium", "firefox")


async def made(endpoint: Endpoint, kind: str, **options: Any) -> Proxy:
    handle = endpoint.fresh("track")
    await endpoint.run(Track(kind, handle, **options))
    return Proxy(endpoint, handle)


@pytest.mark.parametrize(("width", "height", "detail"), [(320, 240, 0), (160, 120, 50), (426, 240, 0)])
async def test_every_endpoint_draws_the_same_picture(
    any_endpoint: Endpoint, width: int, height: int, detail: int
) -> None:
    watching = await watch(await made(any_endpoint, "video", width=width, height=height, detail=detail))
    seen = await watching.see(3)
    assert seen.quality(detail) == float("inf")
    assert seen.picture.shape == (height, width, 3)
    counters = seen.counters
    assert counters == sorted(counters)
    assert counters[-1] > counters[0]
    assert (await watching.see(1)).counters[0] > counters[-1]


async def test_every_endpoint_plays_and_hears_a_tone(any_endpoint: Endpoint) -> None:
    heard = await (await watch(await made(any_endpoint, "audio", hz=697.0))).hear()
    assert heard.frequency == pytest.approx(697, abs=0.5)
    assert heard.level == pytest.approx(14, abs=2)


async def test_a_track_that_stops_shows_nothing_new(any_endpoint: Endpoint) -> None:
    track = await made(any_endpoint, "video")
    watching = await watch(track)
    await watching.see(2)
    await track.call("stop")
    with pytest.raises(EndpointTimeout):
        await watching.see(30, timeout=1.2)


async def test_a_look_without_content_has_none(any_endpoint: Endpoint) -> None:
    track = await made(any_endpoint, "video")
    _, report = await any_endpoint.run(Watch(track.handle, "w"), Look("w", 1, content=False))
    assert report["kind"] == "video"
    assert "picture" not in report


@pytest.mark.parametrize("answerer", BROWSERS)
@pytest.mark.parametrize("offerer", BROWSERS)
async def test_browsers_see_and_hear_each_other(stacks: Stacks, offerer: str, answerer: str) -> None:
    here = await stacks.endpoint(offerer)
    there = await stacks.endpoint(answerer)
    try:
        one, other = await here.peer_connection(), await there.peer_connection()
        await one.addTrack("video")
        await one.addTrack("audio", hz=697.0)
        await other.addTrack("video")
        await other.addTrack("audio", hz=1209.0)
        signaling = await connect(one, other)
        for pc, hz in ((other, 697), (one, 1209)):
            for _ in range(2):
                track = await pc.track()
                watching = await watch(track)
                if await track.get("kind") == "audio":
                    assert (await watching.hear()).frequency == pytest.approx(hz, abs=1)
                else:
                    seen = await watching.see(20)
                    assert len(set(seen.counters)) > 10
                    assert not pictures.is_black(seen.picture)
        await signaling.close()
    finally:
        await here.close()
        await there.close()


def test_the_longest_gap_is_between_different_pictures() -> None:
    sights = [(0.0, 1), (0.1, 2), (0.2, None), (0.3, 2), (0.9, 3), (1.0, 4)]
    seen = Seen(6, tuple(Sight(time, counter, 4, 4) for time, counter in sights), np.zeros((4, 4, 3), np.uint8))
    assert seen.longest_gap == pytest.approx(0.8)
    assert seen.quality() == 0
    assert seen.counters == [1, 2, 2, 3, 4]
