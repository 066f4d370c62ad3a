"""RTCPeerConnection's surface."""

from __future__ import annotations

from typing import Any

import pytest

from peer.api import DOMException, MediaStream, MediaStreamTrack, RTCPeerConnection, error_name
from peer.api.tasks import Promise
from peer.tests.api.connecting import channels, connection, event, held, negotiate, pair, settled

EVENTS = (
    "negotiationneeded",
    "icecandidate",
    "icecandidateerror",
    "signalingstatechange",
    "iceconnectionstatechange",
    "icegatheringstatechange",
    "connectionstatechange",
    "track",
    "datachannel",
    "addstream",
    "removestream",
    "identityresult",
    "peeridentity",
    "idpassertionerror",
    "idpvalidationerror",
)


def record(pc: RTCPeerConnection, log: list[Any], *names: str) -> None:
    for name in names or EVENTS:
        pc.addEventListener(name, lambda happened: log.append(happened.type))


async def test_a_new_connection() -> None:
    pc = RTCPeerConnection()
    assert (pc.signalingState, pc.iceGatheringState, pc.iceConnectionState, pc.connectionState) == (
        "stable",
        "new",
        "new",
        "new",
    )
    for name in ("local", "currentLocal", "pendingLocal", "remote", "currentRemote", "pendingRemote"):
        assert getattr(pc, f"{name}Description") is None
    assert pc.canTrickleIceCandidates is None
    assert pc.sctp is None
    for collected in (pc.getSenders(), pc.getReceivers(), pc.getTransceivers()):
        assert collected == []
    for name in EVENTS:
        assert getattr(pc, f"on{name}") is None
    pc.close()


@pytest.mark.parametrize(
    "name", ["signalingState", "localDescription", "sctp", "canTrickleIceCandidates", "peerIdentity"]
)
async def test_attributes_are_read_only(name: str) -> None:
    pc = RTCPeerConnection()
    with pytest.raises(AttributeError):
        setattr(pc, name, "x")
    pc.close()


async def test_descriptions_move_from_pending_to_current() -> None:
    async with pair() as (one, other):
        one.createDataChannel("")
        offer = await one.createOffer()
        await one.setLocalDescription(offer)
        assert one.localDescription is one.pendingLocalDescription is not None
        assert one.localDescription is one.localDescription
        assert one.currentLocalDescription is None
        await other.setRemoteDescription(offer)
        assert other.canTrickleIceCandidates is True
        await other.setLocalDescription()
        assert other.localDescription is other.currentLocalDescription
        assert (held(other.currentRemoteDescription).type, held(other.localDescription).type) == ("offer", "answer")
        await one.setRemoteDescription(other.localDescription)
        assert one.pendingLocalDescription is one.pendingRemoteDescription is None
        assert (held(one.currentLocalDescription).type, held(one.currentRemoteDescription).type) == ("offer", "answer")


async def test_an_offer_is_a_dictionary() -> None:
    pc = RTCPeerConnection()
    offer = await pc.createOffer()
    assert set(offer) == {"type", "sdp"}
    assert (offer.type, offer["type"]) == ("offer", "offer")
    pc.close()


async def test_the_order_of_events_of_one_exchange() -> None:
    async with pair() as (one, other):
        mine: list[str] = []
        theirs: list[str] = []
        names = [name for name in EVENTS if name != "icecandidate"]
        record(one, mine, *names)
        record(other, theirs, *names)
        channel = one.createDataChannel("")
        await settled(one)
        assert mine == ["negotiationneeded"]
        opened = event(channel, "open")
        await negotiate(one, other)
        await opened
        await settled(other)
        # Events of signalling and of transports interleave, but each kind has its own order.
        assert [name for name in mine if name in ("negotiationneeded", "signalingstatechange")] == [
            "negotiationneeded",
            "signalingstatechange",
            "signalingstatechange",
        ]
        assert mine.count("icegatheringstatechange") == 2
        assert mine.count("connectionstatechange") == 2
        assert mine.index("iceconnectionstatechange") == mine.index("connectionstatechange") - 1
        assert theirs.index("datachannel") > theirs.index("signalingstatechange")
        assert theirs.count("icegatheringstatechange") == 2


CLOSED_PROMISES: dict[str, Any] = {
    "createOffer": lambda pc: pc.createOffer(),
    "createAnswer": lambda pc: pc.createAnswer(),
    "setLocalDescription": lambda pc: pc.setLocalDescription(),
    "setRemoteDescription": lambda pc: pc.setRemoteDescription({"type": "offer", "sdp": ""}),
    "addIceCandidate": lambda pc: pc.addIceCandidate({"candidate": "", "sdpMid": "0"}),
    "getIdentityAssertion": lambda pc: pc.getIdentityAssertion(),
}
CLOSED_THROWS: dict[str, Any] = {
    "createDataChannel": lambda pc: pc.createDataChannel("x"),
    "addTransceiver": lambda pc: pc.addTransceiver("audio"),
    "addTrack": lambda pc: pc.addTrack(MediaStreamTrack("audio")),
    "addStream": lambda pc: pc.addStream(MediaStream()),
    "removeStream": lambda pc: pc.removeStream(MediaStream()),
    "setConfiguration": lambda pc: pc.setConfiguration(),
    "setIdentityProvider": lambda pc: pc.setIdentityProvider("idp.example"),
    "createDTMFSender": lambda pc: pc.createDTMFSender(MediaStreamTrack("audio")),
}


@pytest.mark.parametrize("name", CLOSED_PROMISES)
async def test_closed_connections_reject_at_once(name: str) -> None:
    pc = RTCPeerConnection()
    pc.close()
    promise: Promise[Any] = CLOSED_PROMISES[name](pc)
    assert promise.failure is not None
    assert error_name(promise.failure) == "InvalidStateError"


@pytest.mark.parametrize("name", CLOSED_THROWS)
async def test_closed_connections_throw(name: str) -> None:
    pc = RTCPeerConnection()
    pc.close()
    with pytest.raises(DOMException) as caught:
        CLOSED_THROWS[name](pc)
    assert caught.value.name == "InvalidStateError"


async def test_remove_track_on_a_closed_connection() -> None:
    pc = RTCPeerConnection()
    sender = pc.addTrack(MediaStreamTrack("audio"))
    transceiver = pc.getTransceivers()[0]
    pc.close()
    with pytest.raises(DOMException, match="InvalidStateError"):
        pc.removeTrack(sender)
    with pytest.raises(DOMException, match="InvalidStateError"):
        transceiver.stop()
    with pytest.raises(DOMException, match="InvalidStateError"):
        sender.setStreams()


async def test_close_sets_every_state_and_fires_nothing() -> None:
    async with channels() as (mine, theirs):
        pc = connection(mine)
        assert isinstance(pc, RTCPeerConnection)
        dtls = held(pc.sctp).transport
        log: list[str] = []
        record(pc, log)
        for target in (mine, dtls, dtls.iceTransport, held(pc.sctp)):
            for name in ("close", "closing", "error", "statechange", "message"):
                target.addEventListener(name, lambda happened: log.append(happened.type))
        pending = pc.createOffer()
        theirs.send("late")
        pc.close()
        assert (pc.signalingState, pc.iceConnectionState, pc.connectionState) == ("closed", "closed", "closed")
        assert (dtls.state, dtls.iceTransport.state, held(pc.sctp).state) == ("closed", "closed", "closed")
        assert dtls.iceTransport.getSelectedCandidatePair() is None
        assert mine.readyState == "closed"
        await event(theirs, "close")
        assert log == []
        assert not pending.done()
        pc.close()
        assert pc.getTransceivers() == []


async def test_the_other_side_of_a_closed_connection_sees_it() -> None:
    async with channels() as (mine, theirs):
        other = connection(theirs)
        sctp = held(other.sctp)
        ended = event(sctp, "statechange")
        error = event(theirs, "error")
        connection(mine).close()
        assert (await error).error.errorDetail == "sctp-failure"
        await ended
        assert (sctp.state, theirs.readyState) == ("closed", "closed")
        assert error_name((await error).error) == "OperationError"


async def test_stats_of_a_closed_connection_remain() -> None:
    async with channels() as (mine, _):
        pc = connection(mine)
        pc.close()
        report = await pc.getStats()
        assert report.of_type("data-channel")[0].state == "closed"


async def test_nothing_moves_while_the_callers_code_runs() -> None:
    pc = RTCPeerConnection()
    log: list[str] = []
    record(pc, log)
    promise = pc.setLocalDescription()
    for _ in range(1000):
        assert pc.signalingState == "stable"
    assert log == []
    await promise
    # the promise is settled in the task that changed the state and fired the event
    assert (pc.signalingState, log) == ("have-local-offer", ["signalingstatechange"])
    pc.close()


async def test_keyword_options() -> None:
    pc = RTCPeerConnection()
    await pc.createOffer(offerToReceiveAudio=True)
    assert [one.direction for one in pc.getTransceivers()] == ["recvonly"]
    pc.close()


@pytest.mark.parametrize(
    "call",
    [
        lambda pc: pc.createOffer(5),
        lambda pc: pc.createAnswer("x"),
        lambda pc: pc.setLocalDescription("x"),
        lambda pc: pc.setLocalDescription({"type": "wish"}),
        lambda pc: pc.setRemoteDescription({}),
        lambda pc: pc.setRemoteDescription(None),
        lambda pc: pc.addIceCandidate({"candidate": "candidate:x"}),
        lambda pc: pc.addIceCandidate("candidate:x"),
        lambda pc: pc.getStats("x"),
    ],
)
async def test_conversion_errors_reject(call: Any) -> None:
    pc = RTCPeerConnection()
    promise = call(pc)
    assert isinstance(promise.failure, TypeError)
    pc.close()


def test_a_connection_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError):
        RTCPeerConnection()
