"""W3C webrtc-pc sections 5.2 and 9.3: what a sender does with its track, and what the track that receives it says."""

from __future__ import annotations

from typing import Any

from cases.media.flowing import Flow, flowing, until
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.errors import EndpointTimeout
from harness.script import Ref
from harness.script.steps import Track
from peer.media.pictures import is_black, picture_of, read_counter
from peer.wire import rtcp


def counters(flow: Flow) -> list[int]:
    """The counters of the pictures that came."""
    read = (read_counter(picture_of(frame)) for frame in flow.frames["video"])
    return [counter for counter in read if counter is not None]


async def test_sanity_pictures_arrive(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "video")
    await until(lambda: flow.frames.get("video") and counters(flow), "no counter could be read")


@clause("W3C-RTCRtpSender.track-M1")
async def test_a_disabled_track_is_black(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "video")
    await flow.seen(2)
    await (await flow.senders["video"].follow("track")).set("enabled", False)
    await until(lambda: is_black(picture_of(flow.frames["video"][-1])), "the picture is not black")


@clause("W3C-RTCRtpSender.track-M1")
async def test_disabled_sound_is_not_sent(peer: Reference, endpoint: Endpoint) -> None:
    """Pictures that come meanwhile show that nothing was only late."""
    flow = await flowing(peer, endpoint, "audio", "video")
    await flow.seen(2, "audio")
    await (await flow.senders["audio"].follow("track")).set("enabled", False)
    await flow.seen(3)
    before = len(flow.packets("opus"))
    await flow.seen(6)
    check(len(flow.packets("opus")) == before, f"{len(flow.packets('opus')) - before} packets of sound came")


@clause("W3C-MediaStreamTrack-M1")
async def test_data_unmutes_a_track(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "audio", back=True)
    track = await flow.there.track()
    if await track.get("muted"):
        await track.event("unmute")
    check(await track.get("muted") is False, "the track is muted")


@clause("W3C-MediaStreamTrack-M2")
async def test_a_bye_mutes_a_track(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "audio", back=True)
    track = await flow.there.track()
    if await track.get("muted"):
        await track.event("unmute")
    flow.native.getTransceivers()[0].stop()
    try:
        await track.event("mute", timeout=2.0)
    except EndpointTimeout:
        check(False, "the track is not muted after a BYE")


@clause("W3C-RTCRtpSender.replaceTrack-6.4.3")
async def test_a_replaced_track_takes_over_without_a_goodbye(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "video", width=160, height=120)
    await flow.seen(2)
    other = endpoint.fresh("track")
    await endpoint.run(Track("video", other, width=320, height=240))
    await flow.senders["video"].call("replaceTrack", Ref(other))
    await until(lambda: flow.frames["video"][-1].width == 320, "the other track's pictures did not come")
    check(not any(isinstance(packet, rtcp.Bye) for packet in flow.ear.control), "the first track's stream said BYE")


async def change(flow: Flow, kind: str, **members: Any) -> None:
    """getParameters and setParameters of the endpoint's sender, in one task."""
    sender = flow.senders[kind]
    parameters = await sender.call("getParameters")
    parameters["encodings"][0].update(members)
    await sender.call("setParameters", parameters)


@clause("W3C-RTP-Media-API-M2")
async def test_pictures_are_no_larger_than_scaled(peer: Reference, endpoint: Endpoint) -> None:
    encodings = [{"scaleResolutionDownBy": 2.0}]
    flow = await flowing(peer, endpoint, "video", encodings=encodings, width=320, height=240)
    frames = await flow.seen(3)
    sizes = {(frame.width, frame.height) for frame in frames}
    check(max(sizes) <= (160, 120), f"the sizes are {sorted(sizes)}")
