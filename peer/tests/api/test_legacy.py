"""The legacy forms (webrtc-pc section 4.4.3)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from peer.api import DOMException, MediaStream, MediaStreamTrack, RTCPeerConnection
from peer.tests.api.connecting import event, pair, reported, settled


async def test_callback_forms_of_a_whole_exchange() -> None:
    async with pair() as (one, other):
        loop = asyncio.get_running_loop()
        one.createDataChannel("")

        async def called(method: Any, *arguments: Any) -> Any:
            done: asyncio.Future[Any] = loop.create_future()
            returned = method(*arguments, lambda *value: done.set_result(value), done.set_exception)
            assert returned.result() is None  # a promise resolved with undefined, at once
            return await asyncio.wait_for(done, 5)

        (offer,) = await called(one.createOffer)
        assert await called(one.setLocalDescription, offer) == ()
        assert await called(other.setRemoteDescription, offer) == ()
        (answer,) = await called(other.createAnswer)
        assert await called(other.setLocalDescription, answer) == ()
        assert await called(one.setRemoteDescription, answer) == ()
        assert await called(one.addIceCandidate, {"candidate": "", "sdpMid": "0"}) == ()
        assert one.signalingState == other.signalingState == "stable"


async def test_options_of_the_callback_form() -> None:
    pc = RTCPeerConnection()
    done = asyncio.get_running_loop().create_future()
    pc.createOffer(done.set_result, done.set_exception, {"offerToReceiveVideo": True})
    assert "m=video" in (await done).sdp
    pc.close()


async def test_failures_go_to_the_failure_callback() -> None:
    pc = RTCPeerConnection()
    failed = asyncio.get_running_loop().create_future()
    returned = pc.createAnswer(lambda answer: pytest.fail("called"), failed.set_result)
    assert returned.result() is None
    error = await failed
    assert isinstance(error, DOMException)
    assert error.name == "InvalidStateError"
    pc.close()


async def test_callbacks_that_are_none_or_raise() -> None:
    pc = RTCPeerConnection()
    assert isinstance(pc.createOffer(lambda offer: None, None).failure, TypeError)
    assert isinstance(pc.createOffer(None, lambda error: None).failure, TypeError)
    assert isinstance(pc.addIceCandidate({}, lambda: None).failure, TypeError)
    wrong: Any = 5
    assert isinstance(pc.setLocalDescription({}, lambda: None, wrong).failure, TypeError)

    def broken(offer: Any) -> None:
        raise ValueError("theirs")

    pc.createOffer(broken, lambda error: None)
    await settled(pc)
    assert reported() == [ValueError]
    pc.close()


@pytest.mark.parametrize(
    ("directions", "options", "expected"),
    [
        ([], {"offerToReceiveAudio": True}, ["recvonly"]),
        ([], {"offerToReceiveAudio": False}, []),
        (["sendrecv"], {"offerToReceiveAudio": True}, ["sendrecv"]),
        (["sendonly"], {"offerToReceiveAudio": True}, ["sendonly", "recvonly"]),
        (["inactive", "recvonly"], {"offerToReceiveAudio": True}, ["inactive", "recvonly"]),
        (["sendrecv", "recvonly"], {"offerToReceiveAudio": False}, ["sendonly", "inactive"]),
        (["sendonly", "inactive"], {"offerToReceiveAudio": False}, ["sendonly", "inactive"]),
        (["sendrecv"], {}, ["sendrecv"]),
    ],
)
async def test_offer_to_receive(directions: list[str], options: dict[str, bool], expected: list[str]) -> None:
    pc = RTCPeerConnection()
    for direction in directions:
        pc.addTransceiver("audio", {"direction": direction})
    await settled(pc)
    fired: list[str] = []
    pc.onnegotiationneeded = lambda happened: fired.append("needed")
    await pc.createOffer(options)
    assert [transceiver.direction for transceiver in pc.getTransceivers()] == expected
    await settled(pc)
    assert fired == []
    pc.close()


async def test_streams_as_they_used_to_be() -> None:
    async with pair() as (one, other):
        audio, video = MediaStreamTrack("audio"), MediaStreamTrack("video")
        stream = MediaStream([audio, video])
        one.addStream(stream)
        one.addStream(stream)
        assert [sender.track for sender in one.getSenders()] == [audio, video]
        assert one.getLocalStreams() == [stream]
        assert one.getStreamById(stream.id) is stream
        assert one.getStreamById("none") is None
        log: list[str] = []
        for name in ("track", "addstream", "removestream"):
            other.addEventListener(name, lambda happened: log.append(happened.type))
        added = event(other, "addstream")
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        remote = (await added).stream
        assert (remote.id, len(remote.getTracks())) == (stream.id, 2)
        assert other.getStreamById(stream.id) is remote
        assert other.getRemoteStreams() == [remote]
        assert log.count("addstream") == 1
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription)
        one.removeStream(stream)
        assert [sender.track for sender in one.getSenders()] == [None, None]
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        assert log[-1] == "removestream"
        assert log.count("removestream") == 1
        assert other.getRemoteStreams() == []


@pytest.mark.parametrize("method", ["addStream", "removeStream", "createDTMFSender"])
async def test_arguments_of_the_wrong_type(method: str) -> None:
    pc = RTCPeerConnection()
    with pytest.raises(TypeError):
        getattr(pc, method)(5)
    pc.close()


async def test_create_dtmf_sender() -> None:
    pc = RTCPeerConnection()
    track = MediaStreamTrack("audio")
    sender = pc.addTrack(track)
    assert pc.createDTMFSender(track) is sender.dtmf
    with pytest.raises(DOMException, match="InvalidAccessError"):
        pc.createDTMFSender(MediaStreamTrack("audio"))
    pc.close()
