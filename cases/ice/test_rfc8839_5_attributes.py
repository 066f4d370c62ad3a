"""RFC 8839 sections 5.1 and 5.4: candidates and credentials in descriptions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from cases.reading import Said
from harness.capture.match import stun
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.ice.edge import Selection

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

# Firefox begins no check from a real address to loopback: the peer shows a real one too, where the machine has any.
EVERYWHERE = Seams(interfaces=Selection(others=True))
HOST = "candidate:1 1 udp 2122260223 127.0.0.1 9999 typ host"


async def offering(endpoint: Endpoint, **made: Any) -> PeerConnection:
    """A connection with an offer for data applied, and all its candidates."""
    pc = await endpoint.peer_connection(**made)
    await pc.createDataChannel("case")
    await pc.setLocalDescription(await pc.createOffer())
    await pc.wait_for(iceGatheringState="complete")
    return pc


async def said_by(endpoint: Endpoint) -> Said:
    return Said.of(str((await (await offering(endpoint)).localDescription())["sdp"]))


async def test_sanity_there_are_candidates(endpoint: Endpoint, connect: Connect) -> None:
    check(len((await said_by(endpoint)).data.attributes("candidate")) > 0, "no candidates were gathered")


@clause("RFC8839-5.4-M1")
async def test_each_m_section_has_credentials(endpoint: Endpoint, connect: Connect) -> None:
    said = await said_by(endpoint)
    for name in ("ice-ufrag", "ice-pwd"):
        check(len(said.everywhere(name)) == len(said.sections), f"there is no {name} for an m-section")


@clause("RFC8839-5.4-M3", "RFC8445-5.3-M2")
async def test_credentials_are_long_enough_and_different_every_time(endpoint: Endpoint, connect: Connect) -> None:
    first, second = await said_by(endpoint), await said_by(endpoint)
    for name, shortest in (("ice-ufrag", 4), ("ice-pwd", 22)):
        one, other = first.everywhere(name)[0], second.everywhere(name)[0]
        check(len(one) >= shortest, f"{name} has {len(one)} characters")
        check(one != other, f"{name} is {one!r} in two sessions")


@clause("RFC8839-5.4-M4")
async def test_the_user_name_fragment_has_32_characters_at_most(endpoint: Endpoint, connect: Connect) -> None:
    ufrag = (await said_by(endpoint)).everywhere("ice-ufrag")[0]
    check(len(ufrag) <= 32, f"ice-ufrag has {len(ufrag)} characters")


@clause("RFC8839-5.4-M4")
async def test_a_user_name_fragment_of_256_characters_is_accepted(
    endpoint: Endpoint, peer: Reference, connect: Connect
) -> None:
    offer = str((await (await offering(peer)).localDescription())["sdp"])
    ufrag = Said.of(offer).everywhere("ice-ufrag")[0]
    pc = await endpoint.peer_connection()
    await pc.setRemoteDescription({"type": "offer", "sdp": offer.replace(f"ufrag:{ufrag}", f"ufrag:{'x' * 256}")})
    check(pc.signalingState == "have-remote-offer", f"signalingState is {pc.signalingState}")


@clause("RFC8839-5.1-M3", "RFC8839-5.1-M4")
async def test_candidates_are_for_component_1(endpoint: Endpoint, connect: Connect) -> None:
    for line in (await said_by(endpoint)).data.attributes("candidate"):
        check(line.split(" ")[1] == "1", f"the component is not 1 in {line!r}")


@clause("RFC8839-5.1-M7")
async def test_host_candidates_have_no_related_address(endpoint: Endpoint, connect: Connect) -> None:
    for line in (await said_by(endpoint)).data.attributes("candidate"):
        if " typ host" in line:
            check("raddr" not in line and "rport" not in line, f"a host candidate has a related address: {line!r}")


@clause("RFC8445-5.1.2-M1")
async def test_priorities_are_unique_and_within_31_bits(endpoint: Endpoint, connect: Connect) -> None:
    candidates = (await said_by(endpoint)).data.attributes("candidate")
    priorities = [int(line.split(" ")[3]) for line in candidates]
    check(all(0 < priority < 2**31 for priority in priorities), f"priorities {priorities}")
    check(len(set(priorities)) == len(priorities), f"two candidates share a priority: {priorities}")


@clause("RFC8445-5.1.2.1-M1")
async def test_candidates_of_one_type_have_one_type_preference(endpoint: Endpoint, connect: Connect) -> None:
    preferences: dict[tuple[str, str], set[int]] = {}
    for line in (await said_by(endpoint)).data.attributes("candidate"):
        fields = line.split(" ")
        preferences.setdefault((fields[7], fields[2].lower()), set()).add(int(fields[3]) >> 24)
    for kind, seen in preferences.items():
        check(len(seen) == 1, f"{kind} candidates have the type preferences {sorted(seen)}")
        check(max(seen) <= 126, f"a type preference of {max(seen)}")


@clause("RFC8839-5.1-M2")
async def test_a_candidate_with_a_domain_name_is_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, wait=False)
    named = HOST.replace("127.0.0.1", "host.example.invalid")
    await made.answerer.addIceCandidate({"candidate": named, "sdpMid": "0"})
    await made.established()


@clause("RFC8839-5.1-M10")
async def test_unknown_extensions_of_a_candidate_are_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    here, there = await offering(peer, seams=EVERYWHERE), await endpoint.peer_connection()
    offer: dict[str, Any] = dict(await here.localDescription())
    lines = str(offer["sdp"]).split("\r\n")
    extended = [f"{line} vegetable carrot" if line.startswith("a=candidate:") else line for line in lines]
    await there.setRemoteDescription({"type": "offer", "sdp": "\r\n".join(extended)})
    await there.setLocalDescription(await there.createAnswer())
    await wire.wait_for(stun.binding_request(), sender=endpoint, receiver=peer, timeout=5.0)
