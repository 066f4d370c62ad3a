"""RFC 9429 section 5.3.1: what an initial answer has to say."""

from __future__ import annotations

import pytest_asyncio

from cases.reading import Said, answer_of
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference


@pytest_asyncio.fixture(loop_scope="session")
async def offered(peer: Reference) -> str:
    """The reference peer's offer of audio, video and data."""
    pc = await peer.peer_connection()
    await pc.addTransceiver("audio")
    await pc.addTransceiver("video")
    await pc.createDataChannel("case")
    return str((await pc.createOffer())["sdp"])


@pytest_asyncio.fixture(loop_scope="session")
async def offer(offered: str) -> Said:
    return Said.of(offered)


@pytest_asyncio.fixture(loop_scope="session")
async def answer(offered: str, endpoint: Endpoint) -> Said:
    return await answer_of(endpoint, offered)


async def test_sanity_an_answer_has_the_m_sections_of_the_offer(offer: Said, answer: Said) -> None:
    check(
        [section.media[0] for section in answer.sections] == [section.media[0] for section in offer.sections],
        f"the answer has {[section.lines[0] for section in answer.sections]}",
    )


@clause("RFC9429-5.3.1-M8")
async def test_the_port_is_9_before_there_are_candidates(answer: Said) -> None:
    ports = [section.media[1] for section in answer.sections]
    check(set(ports) == {"9"}, f"the ports are {ports}")


@clause("RFC9429-5.3.1-M9")
async def test_the_protos_are_those_of_the_offer(offer: Said, answer: Said) -> None:
    ours, theirs = ([section.media[2] for section in said.sections] for said in (offer, answer))
    check(ours == theirs, f"offered {ours}, answered {theirs}")


@clause("RFC9429-5.3.1-M13")
async def test_each_m_section_keeps_a_format_of_the_offer(offer: Said, answer: Said) -> None:
    for asked, said in zip(offer.sections, answer.sections, strict=True):
        common = set(asked.media[3:]) & set(said.media[3:])
        check(bool(common), f"{asked.media[0]}: offered {asked.media[3:]}, answered {said.media[3:]}")


@clause("RFC9429-5.3.1-M14")
async def test_a_c_line_follows_each_m_line(answer: Said) -> None:
    seconds = [section.lines[1] for section in answer.sections]
    check(all(line.startswith("c=") for line in seconds), f"after the m= lines stand {seconds}")


@clause("RFC9429-5.3.1-M15")
async def test_the_connection_address_is_0_0_0_0(answer: Said) -> None:
    addresses = [section.of_type("c")[0] for section in answer.sections]
    check(set(addresses) == {"IN IP4 0.0.0.0"}, f"the c= lines are {addresses}")


@clause("RFC9429-5.3.1-M18")
async def test_the_mids_are_those_of_the_offer(offer: Said, answer: Said) -> None:
    ours, theirs = ([section.attribute("mid") for section in said.sections] for said in (offer, answer))
    check(ours == theirs, f"offered {ours}, answered {theirs}")


@clause("RFC9429-5.3.1-M24")
async def test_the_answered_setup_is_active_or_passive(answer: Said) -> None:
    roles = set(answer.everywhere("setup"))
    check(roles <= {"active", "passive"} and len(roles) == 1, f"a=setup is {roles}")


@clause("RFC9429-5.3.1-M27")
async def test_the_m_line_of_data_is_that_of_the_offer(offer: Said, answer: Said) -> None:
    asked, said = offer.data.media, answer.data.media
    check((asked[0], asked[2:]) == (said[0], said[2:]), f"offered {asked}, answered {said}")


@clause("RFC9429-5.3.1-M28")
async def test_data_have_a_mid_and_an_sctp_port(answer: Said) -> None:
    port = answer.data.attribute("sctp-port") or ""
    check(port.isdigit() and answer.data.attribute("mid") is not None, f"a=sctp-port is {port!r}")


@clause("RFC9429-5.3.1-M30")
async def test_the_bundle_group_is_answered_whole(offer: Said, answer: Said) -> None:
    mids = {section.attribute("mid") for section in offer.sections}
    groups = [value.split(" ") for value in answer.session.attributes("group")]
    check(
        any(name == "BUNDLE" and set(named) == mids for name, *named in groups),
        f"the mids are {sorted(map(str, mids))}, the groups {groups}",
    )


@clause("RFC9429-5.3.1-M31")
async def test_nothing_is_bundle_only_in_an_answer(answer: Said) -> None:
    marked = [section.lines[0] for section in answer.sections if section.attribute("bundle-only") is not None]
    check(not marked, f"a=bundle-only stands in {marked}")
