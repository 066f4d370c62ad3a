"""RFC 7675 section 5.1: consent is asked for again and again, and without it nothing is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

import pytest

from harness.capture.match import dtls, stun
from harness.capture.wire import Hit, Wire
from harness.cases import Connection, check, clause, inconclusive
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.wire.stun import Class, Message

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

CHECK = stun.binding_request()


class Consent:
    """The peer's: while it is withheld, no check is answered."""

    def __init__(self) -> None:
        self.withheld = False

    def __call__(self, message: Message) -> Iterable[Message]:
        return () if self.withheld and message.message_class is Class.SUCCESS else (message,)


async def consent_check(wire: Wire, endpoint: Endpoint, after: Hit | float) -> Hit:
    """The endpoint's next check after that."""
    return await wire.wait_for(CHECK, sender=endpoint, after=after, timeout=8.0)


async def settled(wire: Wire) -> float:
    """A moment at which the check list is concluded: 2 s after the nomination."""
    return (await wire.wait_for(stun.binding_request(use_candidate=True), timeout=5.0)).time + 2.0


async def test_sanity_checks_go_on_after_the_connection_stands(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    await consent_check(wire, endpoint, await settled(wire))


@clause("RFC7675-5.1-M3", "RFC7675-5.1-M4")
async def test_the_period_between_consent_checks_is_4_seconds_at_least(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    first = await consent_check(wire, endpoint, await settled(wire))
    second = await consent_check(wire, endpoint, first)
    gap = second.time - first.time
    check(gap >= 3.99, f"a consent check {gap:.2f} s after the last", frames=(first.number, second.number))


@clause("RFC7675-5.1-M5")
async def test_each_consent_check_is_a_transaction_of_its_own(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    first = await consent_check(wire, endpoint, await settled(wire))
    second = await consent_check(wire, endpoint, first)
    same = first.packet.transaction_id == second.packet.transaction_id
    check(not same, "two consent checks are one transaction", frames=(first.number, second.number))


@pytest.mark.timeout(90)
@clause("RFC7675-5.1-M2")
async def test_30_seconds_without_consent_end_the_transmission(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    consent = Consent()
    made = await connect(peer, endpoint, seams=Seams(stun=consent))
    other = await made.other_channel()
    consent.withheld = True
    granted = wire.all(stun.binding_success(), sender=peer)[-1]
    late = 0.5
    for _ in range(33):  # the 30 seconds are what is judged: no event shortens them
        await other.send("still allowed?")
        asked = time.monotonic()
        await asyncio.sleep(1.0)
        # The endpoint's timers are no better than ours: what this machine keeps us waiting, it may keep them.
        late = max(late, 4 * (time.monotonic() - asked - 1.0))
    if late > 2.0:
        inconclusive(f"timers of this machine are {late / 4:.1f} s late")
    wire.never(dtls.anything(), sender=endpoint, after=granted.time + 30.0 + late)
    wire.expect(dtls.anything(), sender=endpoint, after=granted.time + 1.0)
