"""ICE, DTLS and their states as the W3C objects show them (webrtc-pc sections 5.5 and 5.6)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import pytest

from peer.api import (
    DOMException,
    RTCDtlsTransport,
    RTCIceTransport,
    RTCPeerConnection,
    RTCSctpTransport,
    RTCSessionDescription,
    Seams,
)
from peer.ice.edge import Selection
from peer.tests.api.connecting import channels, connection, event, held, negotiate, pair, settled, trickle


async def test_candidates_then_their_end_then_null() -> None:
    pc = RTCPeerConnection()
    pc.createDataChannel("")
    seen: list[Any] = []
    states: list[str] = []
    pc.onicecandidate = lambda happened: seen.append(happened.candidate)
    pc.onicegatheringstatechange = lambda happened: states.append(pc.iceGatheringState)
    await pc.setLocalDescription()
    assert pc.iceGatheringState == "new"  # it began in a task that has not run yet
    ice = held(pc.sctp).transport.iceTransport
    while pc.iceGatheringState != "complete":
        await event(pc, "icegatheringstatechange")
    await settled(pc)
    assert states == ["gathering", "complete"]
    *candidates, end, nothing = seen
    assert nothing is None
    assert (end.candidate, end.sdpMid, end.sdpMLineIndex) == ("", "0", 0)
    assert candidates
    parameters = held(ice.getLocalParameters())
    for candidate in candidates:
        assert (candidate.sdpMid, candidate.sdpMLineIndex, candidate.type) == ("0", 0, "host")
        assert candidate.usernameFragment == end.usernameFragment == parameters.usernameFragment
        assert f"a={candidate.candidate}\r\n" in held(pc.localDescription).sdp
    assert "a=end-of-candidates" in held(pc.localDescription).sdp
    assert ice.getLocalCandidates() == candidates
    assert ice.gatheringState == "complete"
    assert (
        f"a=ice-ufrag:{parameters.usernameFragment}\r\na=ice-pwd:{parameters.password}" in held(pc.localDescription).sdp
    )
    assert ice.getRemoteParameters() is None
    pc.close()


async def test_without_trickle() -> None:
    async with pair_without_trickle() as (one, other):
        channel = one.createDataChannel("")
        await one.setLocalDescription()
        await gathered(one)
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription()
        await gathered(other)
        opened = event(channel, "open")
        await one.setRemoteDescription(other.localDescription)
        await opened
        assert held(one.sctp).transport.iceTransport.getRemoteCandidates()


def pair_without_trickle() -> Any:
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def made() -> Any:
        one, other = RTCPeerConnection(), RTCPeerConnection()
        yield one, other
        one.close()
        other.close()

    return made()


async def gathered(pc: RTCPeerConnection) -> None:
    while pc.iceGatheringState != "complete":
        await event(pc, "icegatheringstatechange")


async def test_a_connected_transport() -> None:
    async with channels() as (mine, theirs):
        one, other = connection(mine), connection(theirs)
        ice, far = held(one.sctp).transport.iceTransport, held(other.sctp).transport.iceTransport
        assert (ice.role, far.role, ice.component) == ("controlling", "controlled", "rtp")
        assert one.connectionState == "connected"
        assert one.iceConnectionState in ("connected", "completed")
        chosen = held(ice.getSelectedCandidatePair())
        theirs_chosen = held(far.getSelectedCandidatePair())
        assert (chosen.local.address, chosen.local.port) == (theirs_chosen.remote.address, theirs_chosen.remote.port)
        assert chosen.local in ice.getLocalCandidates()
        assert ice.getRemoteParameters() == far.getLocalParameters()
        (certificate,) = held(one.sctp).transport.getRemoteCertificates()
        digest = hashlib.sha256(certificate).digest().hex(":").upper()
        assert f"a=fingerprint:sha-256 {digest}" in held(one.remoteDescription).sdp


async def test_the_states_of_a_transport_in_order() -> None:
    async with pair() as (one, other):
        channel = one.createDataChannel("")
        await one.setLocalDescription()
        dtls = held(one.sctp).transport
        log: list[str] = []
        dtls.onstatechange = lambda happened: log.append(f"dtls {dtls.state}")
        dtls.iceTransport.onstatechange = lambda happened: log.append(f"ice {dtls.iceTransport.state}")
        dtls.iceTransport.onselectedcandidatepairchange = lambda happened: log.append("pair")
        one.onconnectionstatechange = lambda happened: log.append(f"connection {one.connectionState}")
        one.oniceconnectionstatechange = lambda happened: log.append(f"iceconnection {one.iceConnectionState}")
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription)
        await event(channel, "open")
        log = log[: log.index("connection connected") + 1]
        assert log[:3] == ["ice checking", "iceconnection checking", "connection connecting"]
        assert log[3:6] == ["pair", "ice connected", "iceconnection connected"]
        rest = [entry for entry in log[6:] if entry.startswith(("dtls", "connection"))]
        assert rest == ["dtls connecting", "dtls connected", "connection connected"]


async def test_a_wrong_fingerprint_fails_both_sides() -> None:
    async with pair() as (one, other):
        one.createDataChannel("")
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription()
        answer = held(other.localDescription)
        digest = next(line for line in answer.sdp.splitlines() if line.startswith("a=fingerprint"))
        forged = digest[:-2] + ("00" if digest[-2:] != "00" else "11")
        failed = event(held(one.sctp).transport, "error")
        refused = event(held(other.sctp).transport, "error")
        states = asyncio.gather(
            event(one, "connectionstatechange", lambda _: one.connectionState == "failed"),
            event(other, "connectionstatechange", lambda _: other.connectionState == "failed"),
        )
        await one.setRemoteDescription({"type": "answer", "sdp": answer.sdp.replace(digest, forged)})
        assert (await failed).error.errorDetail == "fingerprint-failure"
        error = (await refused).error
        assert (error.errorDetail, error.receivedAlert, error.sentAlert) == ("dtls-failure", 42, None)
        await states
        assert held(one.sctp).transport.state == held(other.sctp).transport.state == "failed"


@pytest.mark.parametrize(
    ("init", "name"),
    [
        ({"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "none"}, "OperationError"),
        ({"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMLineIndex": 7}, "OperationError"),
        (
            {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "0", "usernameFragment": "no"},
            "OperationError",
        ),
        ({"candidate": "nonsense", "sdpMid": "0"}, "OperationError"),
        ({"candidate": "", "sdpMid": "none"}, "OperationError"),
    ],
)
async def test_candidates_that_can_not_be_added(init: dict[str, Any], name: str) -> None:
    async with pair_without_trickle() as (one, other):
        one.createDataChannel("")
        await negotiate(one, other)
        before = held(other.remoteDescription).sdp
        with pytest.raises(DOMException) as caught:
            await other.addIceCandidate(init)
        assert caught.value.name == name
        assert held(other.remoteDescription).sdp == before


async def test_a_candidate_needs_a_remote_description() -> None:
    pc = RTCPeerConnection()
    promise = pc.addIceCandidate({"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "0"})
    assert promise.failure is not None
    assert promise.failure.name == "InvalidStateError"  # type: ignore[attr-defined]  # a DOMException
    pc.close()


@pytest.mark.parametrize("end", [None, {}, {"candidate": ""}, {"candidate": "", "sdpMid": "0"}])
async def test_the_forms_of_end_of_candidates(end: Any) -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    one.createDataChannel("")
    await one.setLocalDescription()
    await other.setRemoteDescription(one.localDescription)
    assert "a=end-of-candidates" not in held(other.remoteDescription).sdp
    await other.addIceCandidate(end)
    assert "a=end-of-candidates" in held(other.remoteDescription).sdp
    one.close()
    other.close()


async def test_added_candidates_stand_in_the_description() -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    one.createDataChannel("")
    await one.setLocalDescription()
    await other.setRemoteDescription(RTCSessionDescription(one.localDescription))
    candidate = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
    await other.addIceCandidate({"candidate": candidate, "sdpMLineIndex": 0})
    assert f"a={candidate}\r\n" in held(other.remoteDescription).sdp
    one.close()
    other.close()


async def test_an_ice_restart_keeps_the_connection() -> None:
    async with channels() as (mine, theirs):
        one, other = connection(mine), connection(theirs)
        ice = held(one.sctp).transport.iceTransport
        before = held(ice.getLocalParameters())
        first = ice.getSelectedCandidatePair()
        one.restartIce()
        await event(one, "negotiationneeded")
        offer = await one.createOffer()
        assert before.usernameFragment not in offer.sdp
        changed = event(ice, "selectedcandidatepairchange")
        await negotiate(one, other)
        await changed
        assert held(ice.getLocalParameters()).usernameFragment != before.usernameFragment
        assert ice.getSelectedCandidatePair() is not first
        assert one.connectionState == "connected"
        arrived = event(theirs, "message")
        mine.send("still there")
        assert (await arrived).data == "still there"


async def test_ice_fails_when_nobody_answers() -> None:
    """Candidates that lead nowhere, and no more to come."""
    pc, other = RTCPeerConnection(seams=Seams(ice={"ta": 0.005})), RTCPeerConnection()
    pc.createDataChannel("")
    await pc.setLocalDescription()
    await other.setRemoteDescription(pc.localDescription)
    await other.setLocalDescription()
    other.close()
    answer = held(other.currentLocalDescription).sdp
    await pc.setRemoteDescription({"type": "answer", "sdp": answer})
    await pc.addIceCandidate(None)
    # RFC 8863's timer is 39.5 s: what can be seen soon is that it is still being checked, and never connected
    await asyncio.sleep(0.2)
    assert pc.iceConnectionState in ("new", "checking", "disconnected")
    assert pc.connectionState in ("new", "connecting", "disconnected")
    pc.close()


async def test_the_interfaces_seam_says_what_is_gathered() -> None:
    pc = RTCPeerConnection(seams=Seams(interfaces=Selection(hosts=("127.0.0.1",))))
    pc.createDataChannel("")
    await pc.setLocalDescription()
    await gathered(pc)
    assert {candidate.address for candidate in held(pc.sctp).transport.iceTransport.getLocalCandidates()} == {
        "127.0.0.1"
    }
    pc.close()


async def test_transport_statistics() -> None:
    async with channels() as (mine, _):
        pc = connection(mine)
        report = await pc.getStats()
        (transport,) = report.of_type("transport")
        assert (transport.dtlsState, transport.iceRole, transport.dtlsRole) == ("connected", "controlling", "server")
        assert transport.tlsVersion in ("FEFD", "FEFC")
        pair_stats = report[transport.selectedCandidatePairId]
        assert (pair_stats.type, pair_stats.state) == ("candidate-pair", "succeeded")
        local, remote = report[pair_stats.localCandidateId], report[pair_stats.remoteCandidateId]
        chosen = held(held(pc.sctp).transport.iceTransport.getSelectedCandidatePair())
        assert (local.address, local.port) == (chosen.local.address, chosen.local.port)
        assert (remote.type, remote.candidateType) == ("remote-candidate", chosen.remote.type)
        certificate = report[transport.remoteCertificateId]
        assert (
            certificate.fingerprint
            == hashlib.sha256(held(pc.sctp).transport.getRemoteCertificates()[0]).digest().hex(":").upper()
        )
        assert (local.usernameFragment, remote.usernameFragment) == (
            transport.iceLocalUsernameFragment,
            held(held(pc.sctp).transport.iceTransport.getRemoteParameters()).usernameFragment,
        )
        again = await pc.getStats()
        assert set(report) == set(again)
        assert report.has(transport.id)
        assert report.size == len(report.entries())
        seen: list[str] = []
        report.forEach(lambda stats, stats_id, whole: seen.append(stats_id))
        assert seen == list(report)


async def test_statistics_hide_an_address_nobody_told_of() -> None:
    async with channels() as (mine, _):
        pc = connection(mine)
        transport = held(pc.sctp).transport.iceTransport
        told = [one.address for one in (await pc.getStats()).of_type("remote-candidate")]
        assert all(told)
        transport._remote_candidates.clear()  # as if it had come by connectivity checks alone
        hidden = (await pc.getStats()).of_type("remote-candidate")
        assert [one["address"] for one in hidden] == [None] * len(told)


async def test_a_transport_without_a_handshake_has_no_dtls_role() -> None:
    pc = RTCPeerConnection()
    pc.createDataChannel("")
    await pc.setLocalDescription()
    (transport,) = (await pc.getStats()).of_type("transport")
    assert (transport.dtlsRole, transport.remoteCertificateId) == ("unknown", None)
    pc.close()


async def test_a_certificate_chain_is_told_link_by_link() -> None:
    async with channels() as (mine, _):
        pc = connection(mine)
        (stack,) = pc._core.transports.values()
        stack.dtls._remote_certificates = (b"leaf", b"issuer")
        report = await pc.getStats()
        leaf = report[report.of_type("transport")[0].remoteCertificateId]
        assert report[leaf.issuerCertificateId].base64Certificate == base64.b64encode(b"issuer").decode()


async def test_no_interface_of_a_transport_is_constructed() -> None:
    made: Any
    for made in (RTCIceTransport, RTCDtlsTransport, RTCSctpTransport):
        with pytest.raises(TypeError):
            made()


async def test_no_timer_or_socket_is_left_behind() -> None:
    async with channels() as (mine, theirs):
        stacks = [stack for channel in (mine, theirs) for stack in connection(channel)._core.transports.values()]
    assert all(stack._timer is None or stack._timer.cancelled() for stack in stacks)


async def test_trickle_helper_of_these_tests_is_symmetrical() -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    assert one._has_listener("icecandidate")
    assert other._has_listener("icecandidate")
    one.close()
    other.close()
