"""Negotiation while media flows: what arrives never goes back, and doesn't stop for more than a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

from peer.api import MediaStream, MediaStreamTrack, RTCPeerConnection, RTCRtpReceiver
from peer.media import sources
from peer.tests.api.connecting import event, held, negotiate
from peer.tests.media.flowing import Arrivals, flowing, tracks

LONGEST = 1.0


class Watch:
    """When the pictures of a track came."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        self.times: list[float] = []
        arrivals.track.source.subscribe(lambda _: self.times.append(asyncio.get_running_loop().time()))

    def check(self) -> None:
        counters = [counter for counter in self.arrivals.counters() if counter is not None]
        assert counters == sorted(counters)
        assert len(counters) == len(self.arrivals.frames)
        assert max((after - before for before, after in pairwise(self.times)), default=0) < LONGEST


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[RTCPeerConnection, RTCPeerConnection, Arrivals]]:
    """Video flows; in the end it is checked that it never stopped and never went back."""
    async with flowing(("video",)) as (one, other, arrivals):
        await arrivals["video"].count(3)
        watch = Watch(arrivals["video"])
        yield one, other, arrivals["video"]
        await arrivals["video"].count(5)
        watch.check()


async def test_adding_and_removing_another_track() -> None:
    async with watched() as (one, other, video):
        (audio,) = tracks(("audio",))
        heard: list[Arrivals] = []
        other.addEventListener("track", lambda event: heard.append(Arrivals(event.track)))
        sender = one.addTrack(audio, MediaStream())
        await negotiate(one, other)
        await heard[0].count(5)
        one.removeTrack(sender)
        await negotiate(one, other)
        assert heard[0].track.muted
        await video.count(2)
        one.addTrack(audio, MediaStream())
        await negotiate(one, other)
        await heard[-1].count(3)


async def test_an_ice_restart() -> None:
    async with watched() as (one, other, video):
        for pc in (one, other):
            await video.count(2)
            pc.restartIce()
            await negotiate(pc, one if pc is other else other)
            await video.count(10)


async def test_another_order_of_codecs() -> None:
    """The answerer prefers another codec each time: the offerer's encoder follows."""
    async with watched() as (one, other, video):
        for name in ("video/H264", "video/VP9", "video/VP8"):
            codecs = [
                c for c in held(RTCRtpReceiver.getCapabilities("video")).codecs if c.mimeType in (name, "video/rtx")
            ]
            other.getTransceivers()[0].setCodecPreferences(codecs)
            await negotiate(other, one)
            await video.count(4)
            (row,) = (await other.getStats()).of_type("inbound-rtp")
            assert (await other.getStats())[row["codecId"]]["mimeType"] == name


async def test_the_other_direction_is_added() -> None:
    async with watched() as (one, other, video):
        back: list[Arrivals] = []
        one.addEventListener("track", lambda event: back.append(Arrivals(event.track)))
        other.addTrack(MediaStreamTrack("video", source=sources.TestPattern(160, 120, 30)), MediaStream())
        await negotiate(other, one)
        await back[0].count(5)
        assert len(other.getTransceivers()) == 1
        await video.count(2)


async def test_on_hold_and_off_again() -> None:
    """Section 5.4.2: nothing arrives on hold; afterwards the same track goes on."""
    async with flowing(("video",)) as (one, other, arrivals):
        video = arrivals["video"]
        await video.count(3)
        (transceiver,) = one.getTransceivers()
        transceiver.direction = "inactive"
        muted = event(video.track, "mute") if not video.track.muted else None
        await negotiate(one, other)
        if muted is not None:
            await muted
        before = len(video.frames)
        transceiver.direction = "sendonly"
        unmuted = event(video.track, "unmute")
        await negotiate(one, other)
        await unmuted
        await video.until(lambda: len(video.frames) >= before + 5)
        counters = [counter for counter in video.counters() if counter is not None]
        assert counters == sorted(counters)


async def test_a_transceiver_that_stops_ends_the_track() -> None:
    async with flowing() as (one, other, arrivals):
        await arrivals["video"].count(1)
        await arrivals["audio"].count(1)
        ended = event(arrivals["audio"].track, "ended")
        one.getTransceivers()[0].stop()
        await negotiate(one, other)
        await ended
        assert arrivals["audio"].track.readyState == "ended"
        await arrivals["video"].count(3)


async def test_media_joins_a_connection_of_data_channels() -> None:
    """The transport stands already when the first track comes."""
    async with flowing(()) as (one, other, arrivals):
        channel = one.createDataChannel("first")
        await negotiate(one, other)
        await event(channel, "open")
        for track in tracks():
            one.addTrack(track)
        await negotiate(one, other)
        await arrivals["video"].count(3)
        await arrivals["audio"].count(3)
