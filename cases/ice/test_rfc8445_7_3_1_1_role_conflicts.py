"""RFC 8445 sections 7.3.1.1 and 7.2.5.1: both sides claim the same role, and who gives in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from cases.bending import Bend, as_well
from harness.capture.layers.stun import IceControlled, IceControlling
from harness.capture.match import stun
from harness.capture.matcher import Matcher
from harness.capture.wire import Hit, Wire
from harness.cases import Connection, check, clause, inconclusive
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.ice.edge import Selection
from peer.wire.stun import Attribute, AttributeType, Class, ErrorCode, Message

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

SMALLEST, GREATEST = 0, 2**64 - 1
ROLES = (AttributeType.ICE_CONTROLLING, AttributeType.ICE_CONTROLLED)


# Firefox begins no check from a real address to loopback: the peer shows a real one too, where the machine has any.
EVERYWHERE = Selection(others=True)


def claim(message: Message, role: AttributeType, tiebreaker: int) -> Message:
    kept = tuple(one for one in message.attributes if one.type not in (*ROLES, AttributeType.USE_CANDIDATE))
    return replace(message, attributes=(*kept, Attribute(role, tiebreaker)))


def once_checked(bend: Bend) -> Seams:
    """Our checks go through `bend`, and wait until one of the endpoint was answered: it has our description then."""
    met = False

    def bent(message: Message) -> Iterable[Message]:
        nonlocal met
        met = met or message.message_class is Class.SUCCESS
        if message.message_class is Class.REQUEST and not met:
            return ()
        return bend(message)

    return Seams(stun=bent, interfaces=EVERYWHERE)


def claiming(role: AttributeType, tiebreaker: int) -> Seams:
    """Beside each check goes another that claims a role with this tiebreaker."""
    return once_checked(as_well(lambda message: claim(message, role, tiebreaker)))


def claiming_once(role: AttributeType, tiebreaker: int) -> Seams:
    """Of our checks the first alone is sent, and claims the role with this tiebreaker."""
    claims: list[bytes] = []

    def insist(message: Message) -> Iterable[Message]:
        if message.message_class is not Class.REQUEST:
            return (message,)
        if not claims:
            claims.append(message.transaction_id)
        return (claim(message, role, tiebreaker),) if message.transaction_id in claims else ()

    return once_checked(insist)


def refusing(count: int = 1) -> Seams:
    """The first checks that come are answered by 487. The peer sends none itself: one that claims its role would be
    the next conflict, and who has switched may have to switch back.
    """
    refused: list[bytes] = []

    def refuse(message: Message) -> Iterable[Message]:
        if message.message_class is Class.REQUEST:
            return ()
        if message.message_class is Class.SUCCESS and (len(refused) < count or message.transaction_id in refused):
            refused.append(message.transaction_id)
            error = Attribute(AttributeType.ERROR_CODE, ErrorCode(487, "Role Conflict"))
            return (replace(message, message_class=Class.ERROR, attributes=(error,)),)
        return (message,)

    return Seams(stun=refuse, interfaces=EVERYWHERE)


def odd(matcher: Matcher) -> Matcher:
    return matcher.where(lambda packet: packet.transaction_id.to_bytes(12, "big").endswith(b"odd"), "to the odd check")


def tiebreaker(hit: Hit) -> int:
    role = hit.packet.find(IceControlling) or hit.packet.find(IceControlled)
    return int(role.tie_breaker)


async def next_check(endpoint: Endpoint, wire: Wire, after: Hit) -> Hit:
    """The endpoint's next check; one of consent comes within 6 s (RFC 7675 section 5.1)."""
    end = time.monotonic() + 8.0
    while (hit := wire.first(stun.binding_request(), sender=endpoint, after=after)) is None:
        if time.monotonic() > end:
            # Firefox, where it takes over after its pair succeeded, nominates none and checks no more.
            inconclusive("no check came after the claim: its role can't be seen")
        await asyncio.sleep(0.01)
    return hit


async def gives_in(claimed: Hit, endpoint: Endpoint, wire: Wire, role: type[Any]) -> None:
    """The claim is answered by success, and the endpoint's next check has this role."""
    answered = await wire.wait_for(stun.binding_success(to=claimed), sender=endpoint)
    following = await next_check(endpoint, wire, answered)
    check(
        following.packet.find(role) is not None,
        "a check that claims the role is answered by success, and the next one claims it too",
        frames=(claimed.number, answered.number, following.number),
    )


@clause("RFC8445-6.1.1-M1")
async def test_sanity_the_initiating_agent_controls(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(endpoint, peer)
    wire.expect(stun.binding_request(controlling=True), sender=endpoint)
    wire.never(stun.binding_request(controlled=True), sender=endpoint)


@clause("RFC8445-6.1.1-M1")
async def test_the_other_agent_is_controlled(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    wire.expect(stun.binding_request(controlled=True), sender=endpoint)
    wire.never(stun.binding_request(controlling=True), sender=endpoint)


@clause("RFC8445-7.3.1.1-M2", "RFC8445-7.3.1.1-M3")
async def test_a_controlling_agent_refuses_a_claim_with_a_smaller_tiebreaker(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    bent = await peer.peer_connection(seams=claiming(AttributeType.ICE_CONTROLLING, SMALLEST))
    await connect(endpoint, bent)
    await wire.wait_for(odd(stun.error(487)), sender=endpoint)
    wire.never(stun.binding_request(controlled=True), sender=endpoint)


@clause("RFC8445-7.3.1.1-M2", "RFC8445-7.3.1.1-M3")
async def test_a_controlled_agent_refuses_a_claim_with_a_greater_tiebreaker(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=claiming(AttributeType.ICE_CONTROLLED, GREATEST))
    await wire.wait_for(odd(stun.error(487)), sender=endpoint)
    wire.never(stun.binding_request(controlling=True), sender=endpoint)


@clause("RFC8445-7.3.1.1-M3")
async def test_a_controlling_agent_gives_in_to_a_greater_tiebreaker(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    bent = await peer.peer_connection(seams=claiming_once(AttributeType.ICE_CONTROLLING, GREATEST))
    await connect(endpoint, bent, wait=False)
    asked = await wire.wait_for(stun.binding_request(tie_breaker=GREATEST), sender=peer)
    await gives_in(asked, endpoint, wire, IceControlled)


@clause("RFC8445-7.3.1.1-M3")
async def test_a_controlled_agent_takes_over_from_a_smaller_tiebreaker(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=claiming_once(AttributeType.ICE_CONTROLLED, SMALLEST), wait=False)
    asked = await wire.wait_for(stun.binding_request(tie_breaker=SMALLEST), sender=peer)
    await gives_in(asked, endpoint, wire, IceControlling)


@pytest.mark.parametrize("controls", [True, False], ids=["controlling", "controlled"])
@clause("RFC8445-7.2.5.1-M1", "RFC8445-7.2.5.1-M2", "RFC8445-7.2.5.1-M3")
async def test_a_487_makes_the_agent_switch_and_check_again(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, controls: bool
) -> None:
    bent = await peer.peer_connection(seams=refusing())
    await connect(*((endpoint, bent) if controls else (bent, endpoint)), wait=False)
    refused = await wire.wait_for(stun.error(487), sender=peer, timeout=5.0)
    switched = stun.binding_request(controlled=True) if controls else stun.binding_request(controlling=True)
    await wire.wait_for(switched, sender=endpoint, after=refused, timeout=5.0)


@clause("RFC8445-7.2.5.1-M4")
async def test_a_487_makes_the_agent_change_its_tiebreaker(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=refusing(2), wait=False)
    first = await wire.wait_for(stun.error(487), sender=peer, timeout=5.0)
    second = await wire.wait_for(stun.error(487), sender=peer, after=first, timeout=5.0)
    before = wire.expect(stun.binding_request(), sender=endpoint)
    after = await wire.wait_for(stun.binding_request(), sender=endpoint, after=second, timeout=5.0)
    check(
        tiebreaker(after) != tiebreaker(before),
        f"the tiebreaker is {tiebreaker(before):016x} before and after the 487",
        frames=(before.number, first.number, second.number, after.number),
    )
