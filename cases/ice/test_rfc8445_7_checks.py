"""RFC 8445 sections 6 and 7: whom an agent checks, what it makes of odd answers, and how it meets a lite agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from harness.capture.match import stun
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.endpoints.reference import Reference
from peer import sdp
from peer.api import Seams
from peer.ice.edge import Selection
from peer.sdp import SessionDescription
from peer.wire.stun import Class, Message

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

# Firefox begins no check from a real address to loopback: the peer shows a real one too, where the machine has any.
EVERYWHERE = Selection(others=True)
REQUEST = stun.binding_request()


def lite(description: SessionDescription) -> str:
    """What an ice-lite agent says."""
    text = sdp.serialize(description)
    return text.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n", 1)


def with_a_thousand(description: SessionDescription) -> str:
    """A thousand candidates at an address nobody has."""
    lines = [f"a=candidate:{n} 1 udp {2113929471 - n} 198.51.100.7 {10000 + n} typ host\r\n" for n in range(1000)]
    return sdp.serialize(description) + "".join(lines)


LITE = Seams(ice={"lite": True}, sdp=lite, interfaces=EVERYWHERE)


async def told_nothing(peer: Reference, endpoint: Endpoint) -> tuple[PeerConnection, PeerConnection]:
    """The endpoint answers an offer without candidates, and is told none; the peer knows the endpoint's."""
    here, there = await peer.peer_connection(seams=Seams(interfaces=EVERYWHERE)), await endpoint.peer_connection()
    await here.createDataChannel("case")
    offer = await here.createOffer()
    await there.setRemoteDescription(offer)
    await there.setLocalDescription(await there.createAnswer())
    await there.wait_for(iceGatheringState="complete")
    await here.setLocalDescription(offer)
    await here.setRemoteDescription(await there.localDescription())
    return here, there


async def lite_peer(connect: Connect, peer: Reference, endpoint: Endpoint) -> Connection:
    """The peer is lite and offers: the endpoint has all its candidates in the offer."""
    here = await peer.peer_connection(seams=LITE)
    return await connect(here, endpoint, trickle=False, wait=False)


async def test_sanity_an_agent_checks_what_it_is_told(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(REQUEST, sender=endpoint, receiver=peer)


@clause("RFC8445-7.3.1.4-M1")
async def test_a_check_from_an_unknown_candidate_triggers_a_check_back(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await told_nothing(peer, endpoint)
    asked = await wire.wait_for(REQUEST, sender=peer, timeout=5.0)
    await wire.wait_for(REQUEST, sender=endpoint, receiver=peer, after=asked, timeout=5.0)


@clause("RFC8445-7.3.1.4-M2")
async def test_peer_reflexive_candidates_are_enough_to_connect(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    _, there = await told_nothing(peer, endpoint)
    await there.wait_for(connectionState="connected", timeout=15)
    check(there.iceConnectionState in ("connected", "completed"), f"iceConnectionState is {there.iceConnectionState}")


@clause("RFC8445-6.1.2.5-M1")
async def test_a_thousand_candidates_do_not_keep_it_from_connecting(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(sdp=with_a_thousand))
    other = await made.other_channel()
    await other.send("still there")
    assert made.channel is not None
    check(await made.channel.receive() == "still there", "no data after a thousand candidates")


@clause("RFC8445-7-M1")
async def test_a_flood_of_checks_does_not_keep_it_from_connecting(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def flood(message: Message) -> Iterable[Message]:
        """Before each request go two hundred like it, each in a transaction of its own."""
        if message.message_class is not Class.REQUEST:
            return (message,)
        first = message.transaction_id[:10]
        return (*(replace(message, transaction_id=first + n.to_bytes(2, "big")) for n in range(200)), message)

    made = await connect(peer, endpoint, seams=Seams(stun=flood))
    other = await made.other_channel()
    await other.send("still there")
    assert made.channel is not None
    check(await made.channel.receive() == "still there", "no data after a flood of checks")


@clause("RFC8839-4.2.5-M5")
async def test_a_name_that_never_resolves_is_no_failure(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, wait=False)
    name = "00000000-0000-4000-8000-000000000000.local"
    await made.answerer.addIceCandidate(
        {"candidate": f"candidate:1 1 udp 2113929471 {name} 9999 typ host", "sdpMid": "0"}
    )
    await made.established()


@clause("RFC8445-6.1.1-M2")
async def test_an_agent_controls_a_lite_one_though_that_initiated(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await lite_peer(connect, peer, endpoint)
    await wire.wait_for(stun.binding_request(controlling=True), sender=endpoint, timeout=5.0)
    wire.never(stun.binding_request(controlled=True), sender=endpoint)


@clause("RFC8445-8.1.1-M2")
async def test_an_agent_nominates_to_a_lite_one(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await lite_peer(connect, peer, endpoint)
    await wire.wait_for(stun.binding_request(use_candidate=True), sender=endpoint, timeout=5.0)


@clause("RFC8445-9-M3", "RFC8445-6.1.1-M4")
async def test_a_restart_by_the_controlled_side_leaves_the_roles(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    # An endpoint that takes control shows it only while the peer's own claim, which it may hear first, is the smaller.
    here = await peer.peer_connection(seams=Seams(ice={"tiebreaker": 0}, interfaces=EVERYWHERE))
    made = await connect(here, endpoint)
    await made.signaling.close()
    peer_side, side = made.offerer, made.answerer
    await side.setLocalDescription(await side.createOffer({"iceRestart": True}))
    await side.wait_for(iceGatheringState="complete")
    offer = await side.localDescription()
    await peer_side.setRemoteDescription(offer)
    await peer_side.setLocalDescription(await peer_side.createAnswer())
    await peer_side.wait_for(iceGatheringState="complete")
    await side.setRemoteDescription(await peer_side.localDescription())
    ours = next(line.partition(":")[2] for line in str(offer["sdp"]).splitlines() if line.startswith("a=ice-ufrag:"))
    renewed = REQUEST.where(lambda packet: named(packet, ours), f"from the restarted {ours}")
    hit = await wire.wait_for(renewed, sender=endpoint, timeout=5.0)
    controlled = stun.binding_request(controlled=True).where(lambda packet: named(packet, ours), "after the restart")
    wire.expect(controlled, sender=endpoint, after=hit.time - 0.001)


def named(packet: Any, ufrag: str) -> bool:
    from harness.capture.layers.stun import Username

    found = packet.find(Username)
    return found is not None and found.username.decode().endswith(f":{ufrag}")
