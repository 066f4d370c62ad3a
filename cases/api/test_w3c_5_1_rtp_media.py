"""W3C webrtc-pc sections 5.1 to 5.4: transceivers, senders and receivers."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cases import check, clause, throws
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.script import Pause


async def test_sanity_a_transceiver_is_made(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    transceiver = await pc.addTransceiver("audio")
    check(await transceiver.get("direction") == "sendrecv", "the direction is not sendrecv")


@clause("W3C-RTCPeerConnection.addTransceiver-5.1")
async def test_there_are_no_transceivers_of_other_kinds(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    with throws("TypeError"):
        await pc.addTransceiver("smell")


@clause("W3C-RTCPeerConnection.addTransceiver-7")
async def test_a_closed_connection_takes_no_transceiver(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    await pc.close()
    with throws("InvalidStateError"):
        await pc.addTransceiver("audio")


@clause("W3C-RTCPeerConnection.addTransceiver-8.1")
@pytest.mark.parametrize(
    "rids", [["bad rid"], ["a", "a"], ["a", None]], ids=["another alphabet", "twice the same", "some without"]
)
async def test_rids_have_to_tell_encodings_apart(endpoint: Endpoint, rids: list[str | None]) -> None:
    pc = await endpoint.peer_connection()
    encodings = [{} if rid is None else {"rid": rid} for rid in rids]
    with throws("TypeError"):
        await pc.addTransceiver("video", {"sendEncodings": encodings})


@clause("W3C-RTCPeerConnection.addTransceiver-8.6")
async def test_video_is_not_scaled_up(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    with throws("RangeError"):
        await pc.addTransceiver("video", {"sendEncodings": [{"scaleResolutionDownBy": 0.5}]})


@clause("W3C-RTCPeerConnection.addTransceiver-8.11")
async def test_layers_are_scaled_from_small_to_large(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    layers = [{"rid": rid} for rid in "qhf"]
    transceiver = await pc.addTransceiver("video", {"sendEncodings": layers})
    parameters = await (await transceiver.follow("sender")).call("getParameters")
    scales = [encoding.get("scaleResolutionDownBy") for encoding in parameters["encodings"]]
    check(scales == [4, 2, 1], f"the layers are scaled by {scales}")


@clause("W3C-RTCPeerConnection.addTransceiver-8.12")
async def test_a_lone_encoding_has_no_rid(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    transceiver = await pc.addTransceiver("video", {"sendEncodings": [{"rid": "only"}]})
    (encoding,) = (await (await transceiver.follow("sender")).call("getParameters"))["encodings"]
    check(encoding.get("rid") is None, f"the lone encoding has the rid {encoding.get('rid')}")


@clause("W3C-RTCPeerConnection.addTrack-6")
async def test_a_track_has_one_sender(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    sender = await pc.addTrack("audio")
    track = await sender.follow("track")
    with throws("InvalidAccessError"):
        await pc.call("addTrack", track)


@clause("W3C-RTCPeerConnection.removeTrack-4")
async def test_a_sender_is_removed_from_its_own_connection_only(endpoint: Endpoint) -> None:
    pc, other = await endpoint.peer_connection(), await endpoint.peer_connection()
    sender = await other.addTrack("audio")
    with throws("InvalidAccessError"):
        await pc.removeTrack(sender)


@clause("W3C-RTCPeerConnection.removeTrack-10", "W3C-RTCPeerConnection.removeTrack-11")
async def test_a_removed_track_leaves_a_sender_that_only_receives(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    sender = await pc.addTrack("audio")
    await pc.removeTrack(sender)
    check(await sender.get("track") is None, "the sender still has its track")
    offer = str((await pc.createOffer())["sdp"])
    check("a=recvonly" in offer, "the offer doesn't say recvonly", evidence="a=recvonly")


@clause("W3C-RTCRtpTransceiver.direction~2-6")
async def test_a_transceiver_is_stopped_by_stop_alone(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    transceiver = await pc.addTransceiver("audio")
    with throws("TypeError"):
        await transceiver.set("direction", "stopped")


@clause("W3C-RTCRtpTransceiver.direction~2-3", "W3C-RTCRtpTransceiver.direction-2")
async def test_a_stopping_transceiver_has_no_direction_any_more(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    transceiver = await pc.addTransceiver("audio")
    await transceiver.call("stop")
    check(await transceiver.get("direction") == "stopped", "the direction is not stopped")
    with throws("InvalidStateError"):
        await transceiver.set("direction", "inactive")


@clause("W3C-stop-sending-and-receiving-algorithm-5")
async def test_stopping_ends_the_receivers_track(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    transceiver = await pc.addTransceiver("video")
    await transceiver.call("stop")
    state = await transceiver.get("receiver.track.readyState")
    check(state == "ended", f"the track is {state}")


@clause("W3C-RTCRtpSender.setParameters-5")
async def test_parameters_are_set_as_they_were_read(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    sender = await (await pc.addTransceiver("audio")).follow("sender")
    parameters = await sender.call("getParameters")
    await endpoint.run(Pause(0.05))  # the task in which they were read is over
    with throws("InvalidStateError"):
        await sender.call("setParameters", parameters)


@clause("W3C-RTCRtpSender.replaceTrack-5")
async def test_a_track_is_replaced_by_one_of_its_kind(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    video = await (await pc.addTrack("video")).follow("track")
    sender = await (await pc.addTransceiver("audio")).follow("sender")
    with throws("TypeError"):
        await sender.call("replaceTrack", video)


@clause("W3C-RTCRtpTransceiver.setCodecPreferences-7.1")
async def test_unknown_codecs_are_not_preferred(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    transceiver = await pc.addTransceiver("audio")
    with throws("InvalidModificationError"):
        await transceiver.call("setCodecPreferences", [{"mimeType": "audio/none", "clockRate": 8000}])


@clause("W3C-process-remote-tracks-2", "W3C-set-a-session-description-4.7.11.2.7.3")
async def test_an_offered_track_is_announced_and_received(endpoint: Endpoint, peer: Reference) -> None:
    offering = await peer.peer_connection()
    await offering.addTrack("audio")
    pc = await endpoint.peer_connection()
    await pc.setRemoteDescription(await offering.createOffer())
    await pc.event("track")
    answer = str((await pc.createAnswer())["sdp"])
    check("a=recvonly" in answer, "the answer doesn't say recvonly", evidence="a=recvonly")


@clause("W3C-create-an-RTCRtpReceiver-6")
async def test_a_receiver_is_muted_at_first(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    track = await (await pc.addTransceiver("audio")).follow("receiver.track")
    seen: dict[str, Any] = {name: await track.get(name) for name in ("kind", "readyState", "muted")}
    check(seen == {"kind": "audio", "readyState": "live", "muted": True}, f"the track is {seen}")


@clause("W3C-RTCDTMFSender.insertDTMF-4")
async def test_no_tones_without_a_connection(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    dtmf = await (await pc.addTransceiver("audio")).follow("sender.dtmf")
    check(await dtmf.get("canInsertDTMF") is False, "canInsertDTMF is true")
    with throws("InvalidStateError"):
        await dtmf.call("insertDTMF", "1")
