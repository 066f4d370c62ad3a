"""RFC 8445 section 14: how fast checks are begun and repeated, read from the capture."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise
from typing import TypeAlias

from harness.capture.match import stun
from harness.capture.wire import Hit, Wire
from harness.cases import Connection, check, clause, inconclusive
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer import sdp
from peer.api import Seams
from peer.ice.edge import Selection, list_interfaces
from peer.sdp import SessionDescription
from peer.wire.stun import Message

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

# Firefox begins no check from a real address to loopback: the peer shows a real one too, where the machine has any.
EVERYWHERE = Selection(others=True)
CHECK = stun.binding_request()


def silent(message: Message) -> Iterable[Message]:
    """A peer that says nothing at all in STUN."""
    return ()


def transactions(hits: Iterable[Hit]) -> dict[int, list[Hit]]:
    """Checks by transaction, in order."""
    found: dict[int, list[Hit]] = {}
    for hit in hits:
        found.setdefault(int(hit.packet.transaction_id), []).append(hit)
    return found


def with_twenty(description: SessionDescription) -> str:
    """Twenty more candidates for the other side to check, at an address of this machine."""
    host = next(one.host for one in list_interfaces(EVERYWHERE) if not one.is_ipv6)
    lines = [f"a=candidate:{port} 1 udp 2122260223 {host} {port} typ host\r\n" for port in range(20001, 20021)]
    return sdp.serialize(description) + "".join(lines)


CROWDED = Seams(stun=silent, sdp=with_twenty, interfaces=EVERYWHERE)


async def unheard(wire: Wire, endpoint: Endpoint, seconds: float) -> dict[int, list[Hit]]:
    """The endpoint's checks in a time without any answer."""
    first = await wire.wait_for(CHECK, sender=endpoint, timeout=5.0)
    await asyncio.sleep(seconds)
    return transactions(wire.all(CHECK, sender=endpoint, after=first.time - 0.001))


async def test_sanity_checks_without_an_answer_are_sent_again(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=Seams(stun=silent, interfaces=EVERYWHERE), wait=False)
    sent = await unheard(wire, endpoint, 1.2)
    check(sum(map(len, sent.values())) > 1, "a check without an answer was not repeated")


@clause("RFC8445-14.3-M1")
async def test_a_request_is_repeated_after_500_ms_at_the_earliest(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=Seams(stun=silent, interfaces=EVERYWHERE), wait=False)
    sent = (await unheard(wire, endpoint, 2.0)).values()
    repeated = sorted((hits[:2] for hits in sent if len(hits) > 1), key=lambda hits: hits[1].time - hits[0].time)
    if repeated:  # the median: a busy machine sends a request late, and its repetition in time
        earlier, later = repeated[len(repeated) // 2]
        gap = later.time - earlier.time
        check(gap >= 0.495, f"a request was repeated after {gap:.3f} s", frames=(earlier.number, later.number))


@clause("RFC8445-14.2-M3")
async def test_new_checks_begin_every_5_ms_at_most(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=CROWDED, wait=False)
    sent = await unheard(wire, endpoint, 1.0)
    begun = sorted(hits[0].time for hits in sent.values())
    # Ten at a time: on a loaded machine two of them may meet, ten won't.
    spans = [later - earlier for earlier, later in zip(begun, begun[9:], strict=False)]
    if not spans:
        inconclusive(f"only {len(begun)} checks were begun")
    check(min(spans) >= 0.9 * 9 * 0.005, f"ten checks were begun within {min(spans) * 1000:.0f} ms")


@clause("RFC8445-14.2-M1")
async def test_a_pace_other_than_50_ms_is_announced(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=CROWDED, wait=False)
    sent = await unheard(wire, endpoint, 1.0)
    begun = sorted(hits[0].time for hits in sent.values())
    paces = sorted(later - earlier for earlier, later in pairwise(begun))
    pace = paces[len(paces) // 2]
    announced = "a=ice-pacing" in made.answer
    check(pace >= 0.045 or announced, f"a check every {pace * 1000:.0f} ms (median), and no a=ice-pacing")
