"""RFC 8839 section 4: what offers and answers say of ICE beside the candidates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from cases.reading import Said, answer_of, offer_of
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.endpoints.reference import Reference
from peer import sdp
from peer.api import Seams
from peer.sdp import SessionDescription

Connect: TypeAlias = Callable[..., Awaitable[Connection]]


async def gathered(endpoint: Endpoint) -> PeerConnection:
    """An offer with audio, video and data applied, and all its candidates."""
    pc = await endpoint.peer_connection()
    await pc.addTransceiver("audio")
    await pc.addTransceiver("video", {"direction": "inactive"})
    await pc.createDataChannel("case")
    await pc.setLocalDescription(await pc.createOffer())
    await pc.wait_for(iceGatheringState="complete")
    return pc


async def said_by(pc: PeerConnection) -> Said:
    return Said.of(str((await pc.localDescription())["sdp"]))


async def candidates_of(endpoint: Endpoint) -> list[list[str]]:
    """The fields of every candidate of an offer."""
    said = await said_by(await gathered(endpoint))
    return [line.split(" ") for section in said.sections for line in section.attributes("candidate")]


def options(said: Said) -> list[str]:
    """The ice-options of each m-section."""
    return said.everywhere("ice-options")


def without_trickle(description: SessionDescription) -> str:
    """What an agent of before trickle says."""
    lines = sdp.serialize(description).split("\r\n")
    return "\r\n".join(line for line in lines if not line.startswith("a=ice-options"))


async def test_sanity_an_offer_has_ice_attributes(endpoint: Endpoint, connect: Connect) -> None:
    said = await offer_of(endpoint)
    check(len(said.everywhere("ice-ufrag")) == len(said.sections), "an m-section lacks ice-ufrag")


@clause("RFC8839-4.2.1.4-M2")
async def test_a_full_agent_does_not_say_ice_lite(endpoint: Endpoint, connect: Connect) -> None:
    said = await offer_of(endpoint)
    check(said.session.attribute("ice-lite") is None, "the offer says ice-lite")


@clause("RFC8445-10-M1", "RFC8839-4.2.1.5-M1", "RFC8839-4.3.1-M2")
async def test_an_offer_says_ice2(endpoint: Endpoint, connect: Connect) -> None:
    for value in options(await offer_of(endpoint)) or [""]:
        check("ice2" in value.split(), f"ice-options are {value!r}")


@clause("RFC8839-4.3.2-M2")
async def test_an_answer_says_ice2(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    pc = await peer.peer_connection()
    await pc.createDataChannel("case")
    offer = await pc.createOffer()
    for value in options(await answer_of(endpoint, str(offer["sdp"]))) or [""]:
        check("ice2" in value.split(), f"ice-options are {value!r}")


@clause("RFC8839-4.3.2-M2")
async def test_an_answer_has_credentials(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    pc = await peer.peer_connection()
    await pc.createDataChannel("case")
    offer = await pc.createOffer()
    said = await answer_of(endpoint, str(offer["sdp"]))
    for name in ("ice-ufrag", "ice-pwd"):
        check(len(said.everywhere(name)) == len(said.sections), f"the answer lacks {name}")


@clause("RFC8838-3-M2")
async def test_trickle_is_announced_for_all_streams_or_none(endpoint: Endpoint, connect: Connect) -> None:
    said = await offer_of(endpoint)
    announced = ["trickle" in value.split() for value in options(said)]
    check(len(announced) == len(said.sections) and all(announced), f"trickle by m-section: {announced}")


@clause("RFC8839-4.4.1.1.1-M4")
async def test_ice_options_stay_in_a_later_offer(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    again = await made.offerer.createOffer()
    before, after = options(Said.of(made.offer)), options(Said.of(str(again["sdp"])))
    check(before == after, f"ice-options were {before} and are {after}")


@clause("RFC8839-5.4-M2")
async def test_one_user_name_fragment_has_one_password(endpoint: Endpoint, connect: Connect) -> None:
    said = await offer_of(endpoint)
    passwords: dict[str, set[str]] = {}
    for ufrag, pwd in zip(said.everywhere("ice-ufrag"), said.everywhere("ice-pwd"), strict=True):
        passwords.setdefault(ufrag, set()).add(pwd)
    for ufrag, seen in passwords.items():
        check(len(seen) == 1, f"the fragment {ufrag} has {len(seen)} passwords")


@clause("RFC8839-4.2.1.6-M1")
async def test_an_inactive_section_has_ice_attributes(endpoint: Endpoint, connect: Connect) -> None:
    said = await said_by(await gathered(endpoint))
    inactive = [index for index, one in enumerate(said.sections) if one.attribute("inactive") is not None]
    check(bool(inactive), "no section is inactive")
    for name in ("ice-ufrag", "ice-pwd"):
        check(len(said.everywhere(name)) == len(said.sections), f"an inactive section lacks {name}")


@clause("RFC8839-5.1-M1")
async def test_no_candidate_has_a_domain_name(endpoint: Endpoint, connect: Connect) -> None:
    for fields in await candidates_of(endpoint):
        literal = ":" in fields[4] or fields[4].replace(".", "").isdigit()
        check(literal, f"the address of a candidate is {fields[4]!r}", evidence=" ".join(fields))


@clause("RFC8445-5.1.2-S1")
async def test_a_priority_ends_with_256_minus_the_component(endpoint: Endpoint, connect: Connect) -> None:
    for fields in await candidates_of(endpoint):
        low = int(fields[3]) & 0xFF
        check(low == 256 - int(fields[1]), f"a priority ends with {low}", evidence=" ".join(fields))


@clause("RFC8445-5.1.2.2-S1")
async def test_host_candidates_over_udp_have_the_type_preference_126(endpoint: Endpoint, connect: Connect) -> None:
    for fields in await candidates_of(endpoint):
        if fields[7] == "host" and fields[2].lower() == "udp":
            check(int(fields[3]) >> 24 == 126, f"the type preference is {int(fields[3]) >> 24}")


@clause("RFC8445-5.1.2.1-M4")
async def test_local_preferences_of_one_type_differ(endpoint: Endpoint, connect: Connect) -> None:
    said = await said_by(await gathered(endpoint))
    for section in said.sections:
        preferences: dict[tuple[str, str, str], list[int]] = {}
        for fields in (line.split(" ") for line in section.attributes("candidate")):
            kind = fields[1], fields[7], fields[2].lower()
            preferences.setdefault(kind, []).append(int(fields[3]) >> 8 & 0xFFFF)
        for kind, seen in preferences.items():
            check(len(set(seen)) == len(seen), f"candidates {kind} have the local preferences {seen}")


@clause("RFC8838-5-M1", "RFC8838-3-M1")
async def test_an_offer_without_trickle_is_answered_by_regular_ice(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, trickle=False, seams=Seams(sdp=without_trickle))
    assert made.channel is not None
    check("a=candidate:" in made.answer, "the answer has no candidates though nothing trickles")
    check(made.channel.readyState == "open", f"the channel is {made.channel.readyState}")
