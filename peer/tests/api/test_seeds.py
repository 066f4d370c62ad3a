"""Every row of the public documentation of RTCPeerConnection: its constructor, properties, methods and events work.

A row is a name and what shows that it works; the tests of the single interfaces go into the details.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from peer.api import (
    IdpLoginError,
    MediaStream,
    MediaStreamTrack,
    RTCCertificate,
    RTCPeerConnection,
    RTCStatsReport,
    register_identity_provider,
    unregister_identity_provider,
)
from peer.tests.api.connecting import event, held, negotiate, pair, settled

Check = Callable[[RTCPeerConnection, RTCPeerConnection], Awaitable[Any]]
DOMAIN = "seeds.example"


class Provider:
    def generateAssertion(self, contents: str, origin: str, options: dict[str, str]) -> Any:
        return {"idp": {"domain": DOMAIN}, "assertion": contents}

    def validateAssertion(self, assertion: str, origin: str) -> Any:
        return {"identity": f"bob@{DOMAIN}", "contents": assertion}


class LoggedOut(Provider):
    def generateAssertion(self, contents: str, origin: str, options: dict[str, str]) -> Any:
        raise IdpLoginError("https://seeds.example/login")

    def validateAssertion(self, assertion: str, origin: str) -> Any:
        raise ValueError("not ours")


async def connected(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    one.createDataChannel("seed")
    await negotiate(one, other)
    while one.connectionState != "connected":
        await event(one, "connectionstatechange")


# --- properties


async def can_trickle(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    assert one.canTrickleIceCandidates is None
    await connected(one, other)
    assert one.canTrickleIceCandidates is True


async def connection_state(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    assert one.connectionState == "new"
    await connected(one, other)
    assert one.connectionState == "connected"
    one.close()
    assert one.connectionState == "closed"


async def current_descriptions(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await connected(one, other)
    assert one.currentLocalDescription is not None
    assert one.currentRemoteDescription is not None
    assert (held(one.currentLocalDescription).type, held(one.currentRemoteDescription).type) == ("offer", "answer")


async def pending_descriptions(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    one.createDataChannel("")
    await one.setLocalDescription()
    assert one.pendingLocalDescription is not None
    assert one.pendingRemoteDescription is None
    await other.setRemoteDescription(one.pendingLocalDescription)
    assert other.pendingRemoteDescription is not None
    assert one.currentLocalDescription is None


async def descriptions(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    assert one.localDescription is one.remoteDescription is None
    await connected(one, other)
    assert one.localDescription is not None
    assert held(one.localDescription).sdp.startswith("v=0")
    assert one.remoteDescription is not None


async def ice_states(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    assert (one.iceConnectionState, one.iceGatheringState) == ("new", "new")
    await connected(one, other)
    assert one.iceConnectionState in ("connected", "completed")
    while one.iceGatheringState != "complete":
        await event(one, "icegatheringstatechange")


async def sctp(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    assert one.sctp is None
    await connected(one, other)
    assert one.sctp is not None
    assert held(one.sctp).transport.state == "connected"


async def signaling_state(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    assert one.signalingState == "stable"
    await one.setLocalDescription()
    assert one.signalingState == "have-local-offer"


async def peer_identity(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    register_identity_provider(DOMAIN, Provider())
    try:
        one.setIdentityProvider(DOMAIN)
        one.createDataChannel("")
        log: list[str] = []
        one.onidentityresult = lambda happened: log.append(happened.type)
        other.onpeeridentity = lambda happened: log.append(happened.type)
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        assert (await other.peerIdentity).name == f"bob@{DOMAIN}"
        assert await one.getIdentityAssertion()
        await settled(other)
        assert log == ["identityresult", "peeridentity"]
    finally:
        unregister_identity_provider(DOMAIN)


async def identity_errors(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    register_identity_provider(DOMAIN, Provider())
    one.setIdentityProvider(DOMAIN)
    one.createDataChannel("")
    await one.setLocalDescription()
    register_identity_provider(DOMAIN, LoggedOut())
    try:
        invalid = event(other, "idpvalidationerror")
        await other.setRemoteDescription(one.localDescription)
        assert (await invalid).idp == DOMAIN
        other.setIdentityProvider(DOMAIN)
        failed = event(other, "idpassertionerror")
        other.getIdentityAssertion()
        assert (await failed).loginUrl == "https://seeds.example/login"
    finally:
        unregister_identity_provider(DOMAIN)


# --- methods


async def generate_certificate(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    made = await RTCPeerConnection.generateCertificate({"name": "ECDSA", "namedCurve": "P-256"})
    assert isinstance(made, RTCCertificate)


async def add_ice_candidate(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    one.createDataChannel("")
    await one.setLocalDescription()
    await other.setRemoteDescription(one.localDescription)
    candidate = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
    await other.addIceCandidate({"candidate": candidate, "sdpMid": "0"})
    assert other.remoteDescription is not None
    assert candidate in held(other.remoteDescription).sdp
    await other.addIceCandidate()


async def add_track(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    stream, track = MediaStream(), MediaStreamTrack("audio")
    sender = one.addTrack(track, stream)
    assert one.getSenders() == [sender]
    await one.setLocalDescription()
    arrived = event(other, "track")
    await other.setRemoteDescription(one.localDescription)
    assert (await arrived).streams[0].id == stream.id
    one.removeTrack(sender)
    assert sender.track is None
    assert sender in one.getSenders()


async def add_transceiver(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    transceiver = one.addTransceiver("video", {"direction": "recvonly"})
    assert one.getTransceivers() == [transceiver]
    assert one.getReceivers() == [transceiver.receiver]
    assert "a=recvonly" in (await one.createOffer()).sdp


async def answers(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    one.createDataChannel("")
    await other.setRemoteDescription(await one.createOffer())
    answer = await other.createAnswer()
    assert (answer.type, answer.sdp[:3]) == ("answer", "v=0")


async def data_channel(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    arrived = event(other, "datachannel")
    await connected(one, other)
    assert (await arrived).channel.label == "seed"


async def configuration(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    one.setConfiguration({"iceServers": [{"urls": "stun:stun.example"}]})
    assert one.getConfiguration()["iceServers"][0]["urls"] == "stun:stun.example"


async def stats(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    report = await one.getStats()
    assert isinstance(report, RTCStatsReport)
    assert report.of_type("peer-connection")


async def restart(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await connected(one, other)
    needed = event(one, "negotiationneeded")
    one.restartIce()
    await needed


async def legacy_streams(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    stream = MediaStream([MediaStreamTrack("audio")])
    one.addStream(stream)
    assert one.getStreamById(stream.id) is stream
    assert one.createDTMFSender(stream.getTracks()[0]) is one.getSenders()[0].dtmf
    added = event(other, "addstream")
    await negotiate(one, other)
    assert (await added).stream.id == stream.id
    removed = event(other, "removestream")
    one.removeStream(stream)
    await negotiate(one, other)
    assert (await removed).stream.id == stream.id


# --- createOffer's options


async def ice_restart(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await connected(one, other)
    same, renewed = await one.createOffer(), await one.createOffer({"iceRestart": True})

    def credentials(sdp: str) -> list[str]:
        return [line for line in sdp.splitlines() if line.startswith(("a=ice-ufrag", "a=ice-pwd"))]

    assert one.localDescription is not None
    assert credentials(same.sdp) == credentials(held(one.localDescription).sdp) != credentials(renewed.sdp)


async def offer_to_receive(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    offer = await one.createOffer({"offerToReceiveAudio": True, "offerToReceiveVideo": True})
    assert ("m=audio" in offer.sdp, "m=video" in offer.sdp, offer.sdp.count("a=recvonly")) == (True, True, 2)
    await one.createOffer({"offerToReceiveAudio": False, "offerToReceiveVideo": False})
    assert [one.direction for one in one.getTransceivers()] == ["inactive", "inactive"]


async def voice_activity_detection(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    one.addTransceiver("audio")
    with_noise = await one.createOffer({"voiceActivityDetection": True})
    without = await one.createOffer({"voiceActivityDetection": False})
    assert " CN/" in with_noise.sdp
    assert " CN/" not in without.sdp


ROWS: dict[str, Check] = {
    "canTrickleIceCandidates": can_trickle,
    "connectionState, connectionstatechange, close()": connection_state,
    "currentLocalDescription, currentRemoteDescription": current_descriptions,
    "pendingLocalDescription, pendingRemoteDescription": pending_descriptions,
    "localDescription, remoteDescription": descriptions,
    "iceConnectionState, iceGatheringState and their events": ice_states,
    "sctp": sctp,
    "signalingState, setLocalDescription()": signaling_state,
    "peerIdentity, setIdentityProvider(), getIdentityAssertion(), identityresult, peeridentity": peer_identity,
    "idpassertionerror, idpvalidationerror": identity_errors,
    "generateCertificate()": generate_certificate,
    "addIceCandidate(), setRemoteDescription()": add_ice_candidate,
    "addTrack(), removeTrack(), getSenders(), track": add_track,
    "addTransceiver(), getTransceivers(), getReceivers()": add_transceiver,
    "createAnswer()": answers,
    "createDataChannel(), datachannel": data_channel,
    "getConfiguration(), setConfiguration()": configuration,
    "getStats()": stats,
    "restartIce(), negotiationneeded": restart,
    "addStream(), removeStream(), getStreamById(), createDTMFSender(), addstream, removestream": legacy_streams,
    "createOffer() iceRestart": ice_restart,
    "createOffer() offerToReceiveAudio, offerToReceiveVideo": offer_to_receive,
    "createOffer() voiceActivityDetection": voice_activity_detection,
}


@pytest.mark.parametrize("line", ROWS)
async def test_row(line: str) -> None:
    async with pair() as (one, other):
        await ROWS[line](one, other)


async def test_icecandidateerror() -> None:
    """A STUN server that isn't there: one error event with code 701 (section 4.8.3)."""
    pc = RTCPeerConnection({"iceServers": [{"urls": "stun:127.0.0.1:9"}]})
    pc.createDataChannel("")
    failed = event(pc, "icecandidateerror")
    await pc.setLocalDescription()
    error = await failed
    assert (error.errorCode, error.url) == (701, "stun:127.0.0.1:9")
    pc.close()
