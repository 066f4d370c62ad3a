"""W3C webrtc-pc section 4.4.1.5 and RFC 9429 section 4.1.8: the signalling states and what is refused in each."""

from __future__ import annotations

from harness.cases import check, clause, throws
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import Description, PeerConnection
from harness.endpoints.reference import Reference


async def with_data(endpoint: Endpoint) -> PeerConnection:
    pc = await endpoint.peer_connection()
    await pc.createDataChannel("case")
    return pc


async def offered_by(peer: Reference) -> Description:
    pc = await with_data(peer)
    return await pc.createOffer()


async def test_sanity_a_connection_starts_stable(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    check(pc.signalingState == "stable", f"signalingState is {pc.signalingState}")


@clause("W3C-set-a-session-description-4.7.5.1")
async def test_a_local_offer_leads_to_have_local_offer(endpoint: Endpoint) -> None:
    pc = await with_data(endpoint)
    await pc.setLocalDescription(await pc.createOffer())
    check(pc.signalingState == "have-local-offer", f"signalingState is {pc.signalingState}")
    check(await pc.get("pendingLocalDescription") is not None, "pendingLocalDescription is null")
    check(await pc.get("currentLocalDescription") is None, "currentLocalDescription is set")


@clause("W3C-set-a-session-description-4.7.6.1")
async def test_a_remote_offer_leads_to_have_remote_offer(endpoint: Endpoint, peer: Reference) -> None:
    pc = await endpoint.peer_connection()
    await pc.setRemoteDescription(await offered_by(peer))
    check(pc.signalingState == "have-remote-offer", f"signalingState is {pc.signalingState}")


@clause("W3C-set-a-session-description-4.7.5.2")
async def test_a_local_answer_leads_to_stable(endpoint: Endpoint, peer: Reference) -> None:
    pc = await endpoint.peer_connection()
    await pc.setRemoteDescription(await offered_by(peer))
    await pc.setLocalDescription(await pc.createAnswer())
    check(pc.signalingState == "stable", f"signalingState is {pc.signalingState}")
    check(await pc.get("pendingRemoteDescription") is None, "pendingRemoteDescription is set")


@clause("W3C-set-a-session-description-4.7.5.3")
async def test_a_local_pranswer_leads_to_have_local_pranswer(endpoint: Endpoint, peer: Reference) -> None:
    pc = await endpoint.peer_connection()
    await pc.setRemoteDescription(await offered_by(peer))
    answer = await pc.createAnswer()
    await pc.setLocalDescription({"type": "pranswer", "sdp": answer["sdp"]})
    check(pc.signalingState == "have-local-pranswer", f"signalingState is {pc.signalingState}")


@clause("W3C-set-a-session-description-4.7.12.4")
async def test_a_rollback_leads_back_to_stable(endpoint: Endpoint) -> None:
    pc = await with_data(endpoint)
    await pc.setLocalDescription(await pc.createOffer())
    await pc.setLocalDescription({"type": "rollback"})
    check(pc.signalingState == "stable", f"signalingState is {pc.signalingState}")
    check(await pc.get("pendingLocalDescription") is None, "pendingLocalDescription is set")


@clause("W3C-set-a-session-description-2")
async def test_a_rollback_in_stable_is_refused(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    with throws("InvalidStateError"):
        await pc.setLocalDescription({"type": "rollback"})


@clause("W3C-set-a-session-description-4.5.2")
async def test_an_answer_in_stable_is_refused(endpoint: Endpoint, peer: Reference) -> None:
    pc = await with_data(endpoint)
    offer = await offered_by(peer)
    with throws("InvalidStateError"):
        await pc.setRemoteDescription({"type": "answer", "sdp": offer["sdp"]})
    check(pc.signalingState == "stable", f"signalingState is {pc.signalingState}")


@clause("W3C-RTCPeerConnection.setLocalDescription-4.2")
async def test_a_changed_offer_is_refused(endpoint: Endpoint) -> None:
    pc = await with_data(endpoint)
    offer = await pc.createOffer()
    with throws("InvalidModificationError"):
        await pc.setLocalDescription({"type": "offer", "sdp": f"{offer['sdp']}a=changed\r\n"})


@clause("RFC9429-5.3.1-M1")
async def test_no_answer_is_made_without_an_offer(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    with throws("InvalidStateError"):
        await pc.createAnswer()


@clause("RFC9429-5.8-M1")
async def test_a_description_that_does_not_parse_leaves_no_trace(endpoint: Endpoint, peer: Reference) -> None:
    pc = await endpoint.peer_connection()
    offer = str((await offered_by(peer))["sdp"]).replace("o=", "o:", 1)
    with throws("OperationError"):
        await pc.setRemoteDescription({"type": "offer", "sdp": offer})
    check(pc.signalingState == "stable", f"signalingState is {pc.signalingState}")
    check(await pc.get("pendingRemoteDescription") is None, "pendingRemoteDescription is set")


@clause("W3C-RTCPeerConnection.createOffer-2")
async def test_no_offer_is_made_after_close(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    await pc.close()
    with throws("InvalidStateError"):
        await pc.createOffer()


@clause("W3C-RTCPeerConnection.createDataChannel-2")
async def test_no_channel_is_made_after_close(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    await pc.close()
    with throws("InvalidStateError"):
        await pc.createDataChannel("late")


@clause("W3C-RTCPeerConnection.addIceCandidate-4.1")
async def test_no_candidate_is_taken_before_a_remote_description(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    with throws("InvalidStateError"):
        await pc.addIceCandidate({"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0"})


@clause("W3C-RTCPeerConnection.addIceCandidate-4.2.1")
async def test_a_candidate_for_an_unknown_mid_is_refused(endpoint: Endpoint, peer: Reference) -> None:
    pc = await endpoint.peer_connection()
    await pc.setRemoteDescription(await offered_by(peer))
    with throws("OperationError"):
        await pc.addIceCandidate({"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "nobody"})
