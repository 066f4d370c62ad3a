"""RFC 8445 sections 7.2.5, 7.3 and 8: what answers are worth, early checks, nomination and what comes after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from cases.bending import as_well, from_another_port
from harness.capture.match import dtls, stun
from harness.capture.wire import Hit, Wire
from harness.cases import Connection, check, clause, inconclusive
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.ice.agent import Transmission
from peer.wire.stun import Attribute, AttributeType, Class, Message

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

NOMINATION = stun.binding_request(use_candidate=True)
#: Seconds in which somebody who took a pair for valid would have used it many times over.
_TEMPTATION = 0.5


def answers(change: Callable[[Message], Message]) -> Seams:
    """Success responses are bent."""
    return Seams(stun=lambda one: (change(one) if one.message_class is Class.SUCCESS else one,))


def aggressive(message: Message) -> Iterable[Message]:
    """Every check nominates, as RFC 5245 allowed."""
    if message.message_class is not Class.REQUEST or message.use_candidate:
        return (message,)
    return (replace(message, attributes=(*message.attributes, Attribute(AttributeType.USE_CANDIDATE))),)


def late_ipv6() -> Callable[[Transmission], Iterable[Transmission]]:
    """The peer's first datagrams over IPv6 are lost: a better pair becomes valid when another is nominated already."""
    lost: list[Transmission] = []

    def lose(one: Transmission) -> Iterable[Transmission]:
        if one.path.remote.is_ipv6 and len(lost) < 6:
            lost.append(one)
            return ()
        return (one,)

    return lose


def way(hit: Hit) -> str:
    return f"{hit.frame.source} to {hit.frame.destination}"


async def test_sanity_a_pair_is_nominated(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(endpoint, peer)
    nomination = await wire.wait_for(NOMINATION, sender=endpoint)
    await wire.wait_for(stun.binding_success(to=nomination), sender=peer)


@clause("RFC8445-8.1.1-M2", "RFC8445-8.1.1-M3")
async def test_one_pair_and_no_other_is_nominated(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(endpoint, await peer.peer_connection(seams=Seams(datagram=late_ipv6())))
    first = await wire.wait_for(NOMINATION, sender=endpoint)
    await wire.wait_for(stun.binding_request(), sender=endpoint, after=first.time + 1.0, timeout=8.0)
    ways = {way(hit) for hit in wire.all(NOMINATION, sender=endpoint)}
    check(len(ways) == 1, f"expected nominations of one pair, saw {sorted(ways)}", frames=(first.number,))


@clause("RFC8445-8.1.2-M2")
async def test_checks_of_the_nominated_pair_go_on_being_answered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    nomination = await wire.wait_for(NOMINATION, sender=peer)
    later = await wire.wait_for(stun.binding_request(use_candidate=False), sender=peer, after=nomination, timeout=8.0)
    await wire.wait_for(stun.binding_success(to=later), sender=endpoint)


@clause("RFC8445-8.1.1-M4")
async def test_a_peer_that_nominates_with_every_check_is_accepted(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(stun=aggressive))
    other = await made.other_channel()
    assert made.channel is not None
    await made.channel.send("over the nominated pair")
    check(await other.receive() == "over the nominated pair", "no data over the nominated pair")


@clause("RFC8489-9.1.4-M2")
async def test_an_answer_under_another_password_is_no_answer(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    bent = answers(lambda one: replace(one, integrity_key=b"not the password at all"))
    await connect(peer, endpoint, seams=bent, wait=False)
    first = await wire.wait_for(stun.binding_success(), sender=peer)
    await wire.wait_for(stun.binding_request(), sender=endpoint, after=first.time + 0.3, timeout=5.0)
    wire.never(dtls.anything(), sender=endpoint)


@clause("RFC8445-7.2.5.2.1-M1", "RFC8445-7.2.5.2.1-M3")
async def test_an_answer_from_another_address_makes_no_pair_valid(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, await peer.peer_connection(seams=Seams(datagram=from_another_port)), wait=False)
    asked = await wire.wait_for(stun.binding_request(), sender=endpoint)
    answer = await wire.wait_for(stun.binding_success(to=asked))
    if answer.frame.source == asked.frame.destination:
        inconclusive("where an answer really came from is seen by a capture of the network only")
    # The peer's own checks are answered as they should be: it says hello over its valid pair. Nominations say nothing
    # of what is valid: browsers nominate with every check.
    await wire.wait_for(dtls.anything(), sender=peer)
    await asyncio.sleep(_TEMPTATION)
    wire.never(dtls.anything(), sender=endpoint)
    state = made.offerer.iceConnectionState
    check(state in ("checking", "disconnected", "failed"), f"without a valid pair its iceConnectionState is {state}")


@clause("RFC8445-7.3-M5", "RFC8445-7.3-M6")
async def test_checks_that_come_before_the_answer_are_answered_at_once_and_count_later(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    here, there = await endpoint.peer_connection(), await peer.peer_connection()
    await here.createDataChannel("early")
    await here.setLocalDescription(await here.createOffer())
    await here.wait_for(iceGatheringState="complete")
    await there.setRemoteDescription(await here.localDescription())
    await there.setLocalDescription(await there.createAnswer())
    asked = await wire.wait_for(stun.binding_request(), sender=peer)
    await wire.wait_for(stun.binding_success(to=asked), sender=endpoint)
    await there.wait_for(iceGatheringState="complete")
    await here.setRemoteDescription(await there.localDescription())
    await here.wait_for(connectionState="connected", timeout=15)


@clause("RFC8445-7.3-M2", "RFC8445-7.3-M4")
async def test_the_second_half_of_the_user_name_may_be_anything(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def renamed(message: Message) -> Message:
        ours = (message.username or "").partition(":")[0]
        return replace(
            message,
            attributes=tuple(
                replace(one, value=f"{ours}:somebody") if one.type == AttributeType.USERNAME else one
                for one in message.attributes
            ),
        )

    await connect(peer, endpoint, seams=Seams(stun=as_well(renamed)))
    answer = stun.binding_success().where(
        lambda packet: packet.transaction_id.to_bytes(12, "big").endswith(b"odd"), "to the odd check"
    )
    await wire.wait_for(answer, sender=endpoint)
