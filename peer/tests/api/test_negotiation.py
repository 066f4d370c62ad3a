"""Offer/answer at the surface: what is rejected when, in which state, and what the operations chain does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from peer.api import DOMException, RTCError, RTCPeerConnection, Seams, error_name
from peer.sdp import SessionDescription
from peer.tests.api.connecting import event, held, negotiate, pair, settled

# How one comes into each signalling state; `other` is a connection to make descriptions with.
Road = Callable[[RTCPeerConnection, RTCPeerConnection], Awaitable[None]]


async def stay(pc: RTCPeerConnection, other: RTCPeerConnection) -> None:
    return


async def local_offer(pc: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await pc.setLocalDescription()
    await other.setRemoteDescription(pc.localDescription)


async def remote_offer(pc: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await other.setLocalDescription()
    await pc.setRemoteDescription(other.localDescription)


async def local_pranswer(pc: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await remote_offer(pc, other)
    answer = await pc.createAnswer()
    await pc.setLocalDescription({"type": "pranswer", "sdp": answer.sdp})


async def remote_pranswer(pc: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await local_offer(pc, other)
    answer = await other.createAnswer()
    await pc.setRemoteDescription({"type": "pranswer", "sdp": answer.sdp})


ROADS: dict[str, Road] = {
    "stable": stay,
    "have-local-offer": local_offer,
    "have-remote-offer": remote_offer,
    "have-local-pranswer": local_pranswer,
    "have-remote-pranswer": remote_pranswer,
}
TYPES = ("offer", "pranswer", "answer", "rollback")

# RFC 9429 section 3.2 and W3C's steps: (state, side, type) -> state afterwards. What is not here is InvalidStateError.
TABLE: dict[tuple[str, str, str], str] = {
    ("stable", "local", "offer"): "have-local-offer",
    ("stable", "remote", "offer"): "have-remote-offer",
    ("have-local-offer", "local", "offer"): "have-local-offer",
    ("have-local-offer", "local", "rollback"): "stable",
    ("have-local-offer", "remote", "rollback"): "stable",
    ("have-local-offer", "remote", "offer"): "have-remote-offer",  # implicit rollback
    ("have-local-offer", "remote", "answer"): "stable",
    ("have-local-offer", "remote", "pranswer"): "have-remote-pranswer",
    ("have-remote-offer", "remote", "offer"): "have-remote-offer",
    ("have-remote-offer", "remote", "rollback"): "stable",
    ("have-remote-offer", "local", "rollback"): "stable",
    ("have-remote-offer", "local", "answer"): "stable",
    ("have-remote-offer", "local", "pranswer"): "have-local-pranswer",
    ("have-local-pranswer", "local", "answer"): "stable",
    ("have-local-pranswer", "local", "pranswer"): "have-local-pranswer",
    ("have-remote-pranswer", "remote", "answer"): "stable",
    ("have-remote-pranswer", "remote", "pranswer"): "have-remote-pranswer",
}


async def description(pc: RTCPeerConnection, other: RTCPeerConnection, side: str, kind: str) -> dict[str, Any]:
    """A description of that type that is right but for the state, as far as there can be one."""
    if kind == "rollback":
        return {"type": kind}
    if side == "local":
        return {"type": kind, "sdp": ""}
    third = RTCPeerConnection()
    third.createDataChannel("")
    if kind == "offer":
        sdp = (await third.createOffer()).sdp
    elif pc.localDescription is not None and held(pc.localDescription).type == "offer":
        sdp = (await other.createAnswer()).sdp
    else:
        await third.setRemoteDescription(await other.createOffer())
        sdp = (await third.createAnswer()).sdp
    third.close()
    return {"type": kind, "sdp": sdp}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("side", ["local", "remote"])
@pytest.mark.parametrize("state", ROADS)
async def test_every_cell_of_the_state_table(state: str, side: str, kind: str) -> None:
    pc, other = RTCPeerConnection(), RTCPeerConnection()
    for one in (pc, other):
        one.createDataChannel("")
    await ROADS[state](pc, other)
    assert pc.signalingState == state
    log: list[str] = []
    pc.onsignalingstatechange = lambda happened: log.append(pc.signalingState)
    given = await description(pc, other, side, kind)
    call = pc.setLocalDescription if side == "local" else pc.setRemoteDescription
    expected = TABLE.get((state, side, kind))
    if expected is None:
        with pytest.raises(DOMException) as caught:
            await call(given)
        assert caught.value.name == "InvalidStateError"
        assert pc.signalingState == state
        assert log == []
    else:
        await call(given)
        assert pc.signalingState == expected
        # An event for a change, none without; the implicit rollback passes through stable.
        through = ["stable"] if (state, side, kind) == ("have-local-offer", "remote", "offer") else []
        assert log == ([] if expected == state else [*through, expected])
    pc.close()
    other.close()


@pytest.mark.parametrize(("method", "states"), [("createOffer", 2), ("createAnswer", 2)])
async def test_create_in_every_state(method: str, states: int) -> None:
    allowed = {
        "createOffer": {"stable", "have-local-offer"},
        "createAnswer": {"have-remote-offer", "have-local-pranswer"},
    }[method]
    assert len(allowed) == states
    for state, road in ROADS.items():
        pc, other = RTCPeerConnection(), RTCPeerConnection()
        for one in (pc, other):
            one.createDataChannel("")
        await road(pc, other)
        promise = getattr(pc, method)()
        if state in allowed:
            assert (await promise).sdp.startswith("v=0\r\n")
        else:
            assert promise.failure is not None
            assert error_name(promise.failure) == "InvalidStateError"
        pc.close()
        other.close()


async def test_a_local_description_must_be_the_one_created_last() -> None:
    pc = RTCPeerConnection()
    pc.createDataChannel("")
    offer = await pc.createOffer()
    promise = pc.setLocalDescription({"type": "offer", "sdp": offer.sdp.replace("a=mid:0", "a=mid:x")})
    assert promise.failure is not None
    assert error_name(promise.failure) == "InvalidModificationError"
    pc.addTransceiver("audio")
    second = await pc.createOffer()
    assert second.sdp != offer.sdp
    with pytest.raises(DOMException, match="InvalidModificationError"):
        await pc.setLocalDescription(offer)
    await pc.setLocalDescription(second)
    pc.close()


async def test_an_implicit_local_description_follows_the_state() -> None:
    async with pair() as (one, other):
        one.createDataChannel("")
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription({})
        assert held(other.localDescription).type == "answer"
        # what was created before but is out of date is created again
        one.addTransceiver("audio")
        await one.setLocalDescription({"type": "offer"})
        assert "m=audio" in held(one.localDescription).sdp


async def test_syntax_errors_carry_the_line() -> None:
    pc = RTCPeerConnection()
    with pytest.raises(RTCError) as caught:
        await pc.setRemoteDescription({"type": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nnonsense\r\n"})
    assert (caught.value.name, caught.value.errorDetail, caught.value.sdpLineNumber) == (
        "OperationError",
        "sdp-syntax-error",
        3,
    )
    assert pc.signalingState == "stable"
    assert pc.remoteDescription is None
    pc.close()


async def test_invalid_contents_are_refused_and_leave_nothing_behind() -> None:
    pc, other = RTCPeerConnection(), RTCPeerConnection()
    other.addTransceiver("audio")
    other.addTransceiver("video")
    offer = await other.createOffer()
    broken = offer.sdp.replace("a=rtcp-mux\r\n", "")
    with pytest.raises(DOMException) as caught:
        await pc.setRemoteDescription({"type": "offer", "sdp": broken})
    assert caught.value.name == "InvalidAccessError"
    assert pc.getTransceivers() == []
    assert (pc.signalingState, pc.remoteDescription, pc.canTrickleIceCandidates) == ("stable", None, None)
    pc.close()
    other.close()


async def test_operations_run_in_order() -> None:
    pc = RTCPeerConnection()
    pc.createDataChannel("")
    done: list[str] = []
    calls = {
        "offer": pc.createOffer(),
        "local": pc.setLocalDescription(),
        "rollback": pc.setLocalDescription({"type": "rollback"}),
        "again": pc.createOffer(),
    }
    for name, promise in calls.items():
        promise.add_done_callback(partial(lambda name, _: done.append(name), name))
    await asyncio.gather(*calls.values())
    assert done == list(calls)
    assert pc.signalingState == "stable"
    pc.close()


# --- negotiationneeded


async def needed(pc: RTCPeerConnection) -> int:
    """How often negotiationneeded fires until the queue is empty."""
    count = 0

    def fired(_: Any) -> None:
        nonlocal count
        count += 1

    pc.addEventListener("negotiationneeded", fired)
    await settled(pc)
    pc.removeEventListener("negotiationneeded", fired)
    return count


@pytest.mark.parametrize(
    "change",
    [
        lambda pc: pc.createDataChannel(""),
        lambda pc: pc.addTransceiver("audio"),
        lambda pc: [pc.addTransceiver("audio"), pc.addTransceiver("video"), pc.createDataChannel("")],
    ],
)
async def test_negotiation_needed_fires_once_for_many_changes(change: Any) -> None:
    pc = RTCPeerConnection()
    change(pc)
    assert await needed(pc) == 1
    change(pc)
    assert await needed(pc) == 0  # the flag is set already
    pc.close()


async def test_negotiation_needed_waits_for_the_chain_and_for_stable() -> None:
    async with pair() as (one, other):
        one.createDataChannel("")
        await one.setLocalDescription()
        assert await needed(one) == 0
        one.addTransceiver("audio")
        assert await needed(one) == 0  # not in have-local-offer
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription()
        fired = event(one, "negotiationneeded")
        await one.setRemoteDescription(other.localDescription)
        assert one.signalingState == "stable"
        await fired


async def test_negotiation_is_not_needed_after_the_first_channel() -> None:
    async with pair() as (one, other):
        one.createDataChannel("")
        await negotiate(one, other)
        one.createDataChannel("second")
        assert await needed(one) == 0
        one.restartIce()
        assert await needed(one) == 1
        await negotiate(one, other)
        assert await needed(one) == 0


async def test_stopping_and_undoing_a_direction() -> None:
    async with pair() as (one, other):
        transceiver = one.addTransceiver("audio")
        await negotiate(one, other)
        transceiver.direction = "recvonly"
        transceiver.direction = "sendrecv"
        assert await needed(one) == 0
        transceiver.stop()
        assert await needed(one) == 1


# --- rollback


async def test_rollback_gives_the_transceivers_back() -> None:
    async with pair() as (one, other):
        mine = one.addTransceiver("audio")
        await one.setLocalDescription()
        assert mine.mid == "0"
        assert mine.sender.transport is not None
        await one.setLocalDescription({"type": "rollback"})
        assert mine.mid is None
        assert mine.sender.transport is None
        assert one.signalingState == "stable"
        assert one.getTransceivers() == [mine]
        other.addTransceiver("audio")
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription)
        assert len(one.getTransceivers()) == 2
        await one.setRemoteDescription({"type": "rollback"})
        assert one.getTransceivers() == [mine]


async def test_rollback_of_a_data_offer_takes_the_sctp_transport_away() -> None:
    pc = RTCPeerConnection()
    pc.createDataChannel("")
    await pc.setLocalDescription()
    assert pc.sctp is not None
    assert held(pc.sctp).state == "connecting"
    await pc.setLocalDescription({"type": "rollback"})
    assert pc.sctp is None
    assert pc.localDescription is None
    await settled(pc)
    assert pc.iceGatheringState == "new"
    pc.close()


async def test_perfect_negotiation_under_glare() -> None:
    """webrtc-pc section 10.7, both politenesses, with offers that cross."""
    async with pair() as (polite, impolite):
        for pc in (polite, impolite):
            pc.createDataChannel("", {"negotiated": True, "id": 0})
        await asyncio.gather(polite.setLocalDescription(), impolite.setLocalDescription())
        # the impolite one ignores the polite one's offer; the polite one rolls back by itself
        await polite.setRemoteDescription(impolite.localDescription)
        assert polite.signalingState == "have-remote-offer"
        await polite.setLocalDescription()
        await impolite.setRemoteDescription(polite.localDescription)
        while impolite.connectionState != "connected":
            await event(impolite, "connectionstatechange")


# --- the SDP seam


async def test_the_sdp_seam_speaks_in_our_place() -> None:
    def without_trickle(model: SessionDescription) -> str:
        from peer import sdp

        return sdp.serialize(model).replace("a=ice-options:trickle ice2\r\n", "")

    pc = RTCPeerConnection(seams=Seams(sdp=without_trickle))
    pc.createDataChannel("")
    offer = await pc.createOffer()
    assert "trickle" not in offer.sdp
    await pc.setLocalDescription(offer)
    assert pc.signalingState == "have-local-offer"
    other = RTCPeerConnection()
    await other.setRemoteDescription(pc.localDescription)
    assert other.canTrickleIceCandidates is False
    pc.close()
    other.close()


async def test_a_malformed_candidate_is_found_out_in_a_task() -> None:
    """addIceCandidate, step 4.7.1; what steps 4.1 to 4.5 refuse is rejected at the call."""
    async with pair() as (one, other):
        one.createDataChannel("")
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        unknown = other.addIceCandidate({"candidate": "candidate:x", "sdpMid": "none"})
        assert isinstance(unknown.failure, DOMException)
        malformed = other.addIceCandidate({"candidate": "candidate:x", "sdpMLineIndex": 0})
        assert not malformed.done()
        with pytest.raises(DOMException, match="OperationError"):
            await malformed
