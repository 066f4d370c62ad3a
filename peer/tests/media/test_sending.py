"""What a sender does with its track and its parameters (webrtc-pc sections 5.2 and 5.2.8)."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from peer.api import MediaStreamTrack, RTCPeerConnection, Seams
from peer.media import codecs, sources
from peer.media.feed import Feed
from peer.media.plans import Codecs
from peer.media.sources import Tone
from peer.media.work import Inline
from peer.tests.api.connecting import event
from peer.tests.media.flowing import Arrivals, flowing
from peer.tests.media.made import picture
from peer.tests.media.wiretap import Wiretap

OPUS, VP8 = 111, 96


def mean(frame: Any) -> float:
    return float(np.mean(frame.to_ndarray(format="rgb24")))


def rising(counters: list[int | None]) -> bool:
    known = [counter for counter in counters if counter is not None]
    return known == sorted(known)


async def set_encoding(pc: RTCPeerConnection, **members: Any) -> None:
    (sender,) = (one for one in pc.getSenders() if one.track is not None)
    parameters = sender.getParameters()
    parameters.encodings[0].update(members)
    await sender.setParameters(parameters)


async def test_a_disabled_video_track_is_black_about_once_a_second() -> None:
    """Section 5.2: "MUST send black frames (video)", "SHOULD send one black frame per second"."""
    async with flowing(("video",)) as (one, _, arrivals):
        video = arrivals["video"]
        await video.count(3)
        track = one.getSenders()[0].track
        assert track is not None
        track.enabled = False
        await video.until(lambda: mean(video.frames[-1]) < 20)
        before, began = len(video.frames), asyncio.get_running_loop().time()
        await video.count(1)
        assert asyncio.get_running_loop().time() - began > 0.5
        assert len(video.frames) == before + 1
        track.enabled = True
        await video.until(lambda: mean(video.frames[-1]) > 60)


async def test_an_ended_video_track_goes_on_black() -> None:
    """Section 5.2 again: "If track is ended ... MUST send black frames", though no picture comes from its source."""
    async with flowing(("video",)) as (one, _, arrivals):
        video = arrivals["video"]
        await video.count(3)
        track = one.getSenders()[0].track
        assert track is not None
        track.stop()
        await video.until(lambda: mean(video.frames[-1]) < 20)


async def test_a_disabled_audio_track_is_not_sent() -> None:
    """Section 5.2: "MUST NOT send (audio)"."""
    tap = Wiretap()
    async with flowing(("audio", "video"), first=tap.seams) as (one, _, arrivals):
        await arrivals["audio"].count(3)
        track = one.getSenders()[0].track
        assert track is not None
        track.enabled = False
        await arrivals["video"].count(1)
        before = len(tap.of(OPUS))
        await arrivals["video"].count(4)
        assert len(tap.of(OPUS)) == before
        track.enabled = True
        await arrivals["audio"].count(3)
        times = [packet.timestamp for packet in tap.of(OPUS)]
        assert times == sorted(times) or min(times) < 1 << 20  # they go on (or wrapped)


async def test_replacing_a_track_goes_on_in_the_same_stream() -> None:
    tap = Wiretap()
    async with flowing(("video",), first=tap.seams) as (one, _, arrivals):
        video, (sender,) = arrivals["video"], one.getSenders()
        await video.count(3)
        await sender.replaceTrack(MediaStreamTrack("video", source=sources.TestPattern(320, 240, 30, start=5000)))
        await video.until(lambda: (video.counters()[-1] or 0) >= 5000)
        assert video.frames[-1].width == 320
        assert rising(video.counters())
        assert len({packet.ssrc for packet in tap.of(VP8)}) == 1
        await sender.replaceTrack(None)
        await asyncio.sleep(0)
        sent = len(tap.sent)
        await sender.replaceTrack(MediaStreamTrack("video", source=sources.TestPattern(160, 120, 30, start=9000)))
        await video.until(lambda: (video.counters()[-1] or 0) >= 9000)
        assert len(tap.sent) > sent
        presented = [frame.pts for frame in video.frames]
        assert presented == sorted(presented)


async def test_two_senders_share_a_source() -> None:
    source = Tone(500)
    async with flowing(("video",)) as (one, other, arrivals):
        for _ in range(2):
            one.addTransceiver(MediaStreamTrack("audio", source=source))
        heard: list[Arrivals] = []
        other.addEventListener("track", lambda event: heard.append(Arrivals(event.track)))
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription)
        for each in heard:
            await each.count(3)
        await arrivals["video"].count(1)


async def frames_sent(pc: RTCPeerConnection) -> int:
    """Pictures handed to the RTP machine: what it still paces isn't looked at."""
    (row,) = (row for row in (await pc.getStats()).of_type("outbound-rtp") if row["kind"] == "video")
    sent: int = row["framesSent"]
    return sent


async def test_an_inactive_encoding_is_not_sent() -> None:
    tap = Wiretap()
    async with flowing(first=tap.seams) as (one, _, arrivals):
        await arrivals["video"].count(2)
        sender = one.getSenders()[1]
        parameters = sender.getParameters()
        parameters.encodings[0]["active"] = False
        await sender.setParameters(parameters)
        before = await frames_sent(one)
        await arrivals["audio"].count(8)
        assert await frames_sent(one) == before
        parameters = sender.getParameters()
        parameters.encodings[0]["active"] = True
        await sender.setParameters(parameters)
        await arrivals["video"].count(2)
        assert not any("Bye" in type(packet).__name__ for _, packet in tap.control)  # section 5.2.8, active


async def test_scale_and_frame_rate_are_obeyed() -> None:
    async with flowing(("video",)) as (one, _, arrivals):
        video = arrivals["video"]
        await video.count(2)
        await set_encoding(one, scaleResolutionDownBy=2.0)
        await video.until(lambda: video.frames[-1].width == 80)
        assert video.frames[-1].height == 60
        await set_encoding(one, scaleResolutionDownBy=1.0, maxFramerate=5.0)
        await video.until(lambda: video.frames[-1].width == 160)
        await video.count(3)
        gaps = np.diff([frame.pts for frame in video.frames[-3:]]) / 90000
        assert min(gaps) > 0.15


class Steady:
    """Noise that would take all it can get, 30 pictures a second by its own count, however late each of them is."""

    def __init__(self) -> None:
        self._count = 0

    async def next_frame(self) -> Any:
        await asyncio.sleep(1 / 30)
        self._count += 1
        return picture(self._count, 160, 120, detail=40)

    def close(self) -> None: ...


async def test_a_maximum_bit_rate_is_obeyed() -> None:
    """Noise limited to 60 kbit/s of its own time: a machine that stalls makes neither more nor less of it."""
    kept: list[tuple[float, int]] = []

    def encoder(*arguments: Any, **options: Any) -> Any:
        made: Any = codecs.encoder(*arguments, **options)
        encode = made.encode

        def counted(frame: Any, **how: Any) -> Any:
            encoded = encode(frame, **how)
            kept.append((float(frame.pts * frame.time_base), sum(8 * len(one.data) for one in encoded)))
            return encoded

        made.encode = counted
        return made

    async with flowing(("video",), first=Seams(codecs=Codecs(encoder=encoder), pool=Inline)) as (one, _, arrivals):
        await set_encoding(one, maxBitrate=60_000)
        (sender,) = one.getSenders()
        await sender.replaceTrack(MediaStreamTrack("video", source=Steady()))
        await arrivals["video"].count(60)
        steady = kept[20:]
        rate = sum(bits for _, bits in steady[1:]) / (steady[-1][0] - steady[0][0])
        assert rate < 75_000


async def test_a_codec_is_changed_while_media_flows() -> None:
    """Section 5.2.8: an encoding's codec may be any of those negotiated."""
    async with flowing(("video",)) as (one, _, arrivals):
        video, (sender,) = arrivals["video"], one.getSenders()
        await video.count(3)
        negotiated = sender.getParameters().codecs
        for name in ("video/VP9", "video/H264", "video/VP8"):
            chosen = next(codec for codec in negotiated if codec.mimeType == name)
            codec = {key: value for key, value in chosen.items() if key != "payloadType"}
            await set_encoding(one, codec=codec)
            report = await one.getStats()
            (row,) = report.of_type("outbound-rtp")
            assert report[row["codecId"]]["mimeType"] == name
            await video.count(4)
        assert rising(video.counters())
        assert None not in video.counters()


async def test_a_key_frame_follows_a_request_within_a_second() -> None:
    async with flowing(("video",)) as (one, other, arrivals):
        await arrivals["video"].count(3)
        before = (await one.getStats()).of_type("outbound-rtp")[0]["keyFramesEncoded"]
        (inbound,) = other._core.media.engine.receivers.values()  # type: ignore[union-attr]
        assert inbound.receiver is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        inbound.receiver.request_key_frame(loop.time())
        (stack,) = other._core.transports.values()
        stack.flush_soon()
        while (row := (await one.getStats()).of_type("outbound-rtp")[0])["keyFramesEncoded"] == before:
            await arrivals["video"].count(1)
        assert row["pliCount"] >= 1
        assert loop.time() - began < 1.0


class Short:
    """A tone of so many frames."""

    def __init__(self, frames: int) -> None:
        self._tone, self._left = Tone(440), frames

    async def next_frame(self) -> Any:
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return await self._tone.next_frame()

    def close(self) -> None:
        self._tone.close()


async def test_a_track_ends_with_its_source() -> None:
    """Media Capture and Streams section 4.3.1: ended, with its event in a task; what has no source sends no sound."""
    tap = Wiretap()
    async with flowing(("audio", "video"), first=tap.seams) as (one, _, arrivals):
        await arrivals["audio"].count(1)
        track = MediaStreamTrack("audio", source=Short(5))
        copy, stopped = track.clone(), track.clone()
        ended, of_copy = event(track, "ended"), event(copy, "ended")
        fired: list[Any] = []
        stopped.stop()
        stopped.addEventListener("ended", fired.append)
        await one.getSenders()[0].replaceTrack(track)
        assert track.readyState == "live"
        await ended
        await of_copy
        assert (track.readyState, copy.readyState, fired) == ("ended", "ended", [])
        await arrivals["video"].count(2)
        before = len(tap.of(OPUS))
        await arrivals["video"].count(4)
        assert len(tap.of(OPUS)) == before
        await one.getSenders()[0].replaceTrack(MediaStreamTrack("audio", source=Tone(440)))
        await arrivals["audio"].count(3)


async def test_a_track_ends_in_a_task_of_its_own() -> None:
    feed = Feed()
    track = MediaStreamTrack("audio", source=feed)
    ended = event(track, "ended")
    feed.end()
    assert track.readyState == "live"
    await ended
    assert track.readyState == "ended"
    assert MediaStreamTrack("audio", source=feed).readyState == "ended"


async def test_bye_mutes() -> None:
    """Section 9.3: data unmutes, a BYE mutes; section 5.4, "stop sending and receiving" says BYE."""
    async with flowing(("audio",)) as (one, _, arrivals):
        track = arrivals["audio"].track
        if track.muted:
            await event(track, "unmute")
        muted = event(track, "mute")
        one.getTransceivers()[0].stop()
        await muted
        assert track.muted
