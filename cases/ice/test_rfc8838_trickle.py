"""RFC 8838: candidates one at a time, their end, and what comes after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from cases.reading import Said
from harness.capture.match import stun
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.endpoints.reference import Reference
from harness.script.trace import Fired

Connect: TypeAlias = Callable[..., Awaitable[Connection]]


def surfaced(pc: PeerConnection) -> list[dict[str, str] | None]:
    """What icecandidate events brought so far, the end as {"candidate": ""} or None."""
    entries = [one for one in pc.endpoint.fired(pc.handle, "icecandidate") if isinstance(one, Fired)]
    return [entry.detail["candidate"] for entry in entries]


async def gathered(endpoint: Endpoint) -> PeerConnection:
    pc = await endpoint.peer_connection()
    await pc.createDataChannel("case")
    await pc.setLocalDescription(await pc.createOffer())
    await pc.wait_for(iceGatheringState="complete")
    return pc


async def test_sanity_candidates_that_trickle_connect(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    check("a=candidate" not in made.offer, "the reference peer's offer was to have no candidates")
    wire.expect(stun.binding_request(), sender=endpoint)


@clause("RFC8838-13-M2", "RFC8838-13-M3")
async def test_no_candidate_comes_after_the_end(endpoint: Endpoint, connect: Connect) -> None:
    found = surfaced(await gathered(endpoint))
    ends = [index for index, one in enumerate(found) if one is None or not one.get("candidate")]
    check(bool(ends), "the end of candidates was not told")
    check(all(not (one and one.get("candidate")) for one in found[ends[0] :]), "a candidate came after the end")


@clause("RFC8445-5.1.3-S1")
async def test_no_candidate_is_told_twice(endpoint: Endpoint, connect: Connect) -> None:
    found = [one["candidate"] for one in surfaced(await gathered(endpoint)) if one and one.get("candidate")]
    check(bool(found), "no candidate was told")
    check(len(set(found)) == len(found), f"told twice: {sorted({one for one in found if found.count(one) > 1})}")


@clause("RFC8838-9-M1")
async def test_what_was_told_stands_in_the_description(endpoint: Endpoint, connect: Connect) -> None:
    pc = await gathered(endpoint)
    stands = {
        line.split(" ")[5] for line in Said.of(str((await pc.localDescription())["sdp"])).data.attributes("candidate")
    }
    told = {one["candidate"].split(" ")[5] for one in surfaced(pc) if one and one.get("candidate")}
    check(told == stands, f"ports told {sorted(told)}, in the description {sorted(stands)}")


@clause("RFC8838-13-M1", "RFC8838-18-M3")
async def test_each_candidate_names_its_generation(endpoint: Endpoint, connect: Connect) -> None:
    pc = await gathered(endpoint)
    ufrag = Said.of(str((await pc.localDescription())["sdp"])).everywhere("ice-ufrag")[0]
    for one in surfaced(pc):
        if one is not None:
            named = one.get("usernameFragment")
            check(named == ufrag, f"usernameFragment is {named!r}, the description has {ufrag!r}")


@clause("RFC8838-14-M1")
async def test_a_candidate_after_the_end_is_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    here, there = await gathered(peer), await endpoint.peer_connection()
    offer = str((await here.localDescription())["sdp"])
    kept = [line for line in offer.split("\r\n") if not line.startswith(("a=candidate", "a=end-of"))]
    await there.setRemoteDescription({"type": "offer", "sdp": "\r\n".join(kept)})
    await there.setLocalDescription(await there.createAnswer())
    await there.addIceCandidate({"candidate": "", "sdpMid": "0"})
    late = next(one for one in surfaced(here) if one and " 127.0.0.1 " in one["candidate"])
    await there.addIceCandidate(late)
    await asyncio.sleep(0.5)  # ten times Ta: a check would have gone out
    wire.never(stun.binding_request(), sender=endpoint, receiver=peer)


@clause("RFC8838-8-M1")
async def test_the_check_list_stays_running_while_candidates_may_come(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    here, there = await gathered(peer), await endpoint.peer_connection()
    offer = str((await here.localDescription())["sdp"])
    kept = [line for line in offer.split("\r\n") if not line.startswith(("a=candidate", "a=end-of"))]
    await there.setRemoteDescription({"type": "offer", "sdp": "\r\n".join(kept)})
    await there.setLocalDescription(await there.createAnswer())
    await there.wait_for(iceGatheringState="complete")
    await here.setRemoteDescription(await there.localDescription())
    for one in surfaced(here):
        if one and one.get("candidate"):
            await there.addIceCandidate(one)
    await there.wait_for(connectionState="connected", timeout=15)
