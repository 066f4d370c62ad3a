"""RFC 9429 section 5.2.1: what an initial offer has to say."""

from __future__ import annotations

import pytest_asyncio

from cases.reading import Said, offer_of
from harness.cases import check, clause
from harness.endpoints.base import Endpoint


@pytest_asyncio.fixture(loop_scope="session")
async def offer(endpoint: Endpoint) -> Said:
    return await offer_of(endpoint)


async def test_sanity_an_offer_has_three_m_sections(offer: Said) -> None:
    kinds = [section.media[0] for section in offer.sections]
    check(kinds == ["audio", "video", "application"], f"expected audio, video and application, it offers {kinds}")


@clause("RFC9429-5.2.1-M1")
async def test_the_first_line_is_the_version(offer: Said) -> None:
    check(offer.session.lines[0] == "v=0", f"the first line is {offer.session.lines[0]!r}")


@clause("RFC9429-5.2.1-M2")
async def test_the_second_line_is_the_origin(offer: Said) -> None:
    check(offer.session.lines[1].startswith("o="), f"the second line is {offer.session.lines[1]!r}")


@clause("RFC9429-5.2.1-M3")
async def test_the_session_id_is_below_two_to_the_63_minus_1(offer: Said) -> None:
    session_id = int(offer.session.of_type("o")[0].split(" ")[1])
    check(0 <= session_id < 2**63 - 1, f"the session id is {session_id}", evidence=offer.session.lines[1])


@clause("RFC9429-5.2.1-M4")
async def test_the_third_line_is_the_session_name(offer: Said) -> None:
    check(offer.session.lines[2].startswith("s="), f"the third line is {offer.session.lines[2]!r}")


@clause("RFC9429-5.2.1-M5")
async def test_there_are_no_keys_in_the_description(offer: Said) -> None:
    keys = [line for part in (offer.session, *offer.sections) for line in part.of_type("k")]
    check(not keys, f"there are k= lines: {keys}")


@clause("RFC9429-5.2.1-M6")
async def test_there_is_a_t_line(offer: Said) -> None:
    check(offer.session.of_type("t") == ["0 0"], f"the t= lines are {offer.session.of_type('t')}")


@clause("RFC9429-5.2.1-M7")
async def test_ice_options_say_trickle_and_ice2(offer: Said) -> None:
    options = [set(value.split(" ")) for value in offer.everywhere("ice-options")]
    check(bool(options) and all({"trickle", "ice2"} <= each for each in options), f"a=ice-options are {options}")


@clause("RFC9429-5.2.1-M11")
async def test_all_m_sections_have_the_same_fingerprints(offer: Said) -> None:
    fingerprints = set(offer.everywhere("fingerprint"))
    check(len(fingerprints) == 1, f"there are {len(fingerprints)} different a=fingerprint values")


@clause("RFC9429-5.2.1-M15")
async def test_the_port_is_9_before_there_are_candidates(offer: Said) -> None:
    ports = [section.media[1] for section in offer.sections if section.attribute("bundle-only") is None]
    check(set(ports) == {"9"}, f"the ports are {ports}")


@clause("RFC9429-5.2.1-M16")
async def test_media_use_the_dtls_srtp_profile(offer: Said) -> None:
    protos = [section.media[2] for section in offer.sections if section.media[0] != "application"]
    check(set(protos) == {"UDP/TLS/RTP/SAVPF"}, f"the protos are {protos}")


@clause("RFC9429-5.2.1-M18")
async def test_the_codecs_every_endpoint_must_have_are_offered(offer: Said) -> None:
    names = {value.split(" ")[1].split("/")[0].lower() for one in offer.sections for value in one.attributes("rtpmap")}
    missing = {"opus", "pcmu", "pcma", "telephone-event", "vp8", "h264"} - names
    check(not missing, f"not offered: {sorted(missing)}")


@clause("RFC9429-5.2.1-M19")
async def test_a_c_line_follows_each_m_line(offer: Said) -> None:
    seconds = [section.lines[1] for section in offer.sections]
    check(all(line.startswith("c=") for line in seconds), f"after the m= lines stand {seconds}")


@clause("RFC9429-5.2.1-M20")
async def test_the_connection_address_is_0_0_0_0(offer: Said) -> None:
    addresses = [section.of_type("c")[0] for section in offer.sections]
    check(set(addresses) == {"IN IP4 0.0.0.0"}, f"the c= lines are {addresses}")


@clause("RFC9429-5.2.1-M22")
async def test_each_m_section_has_a_mid(offer: Said) -> None:
    mids = [section.attribute("mid") for section in offer.sections]
    check(None not in mids and len(set(mids)) == len(mids), f"the mids are {mids}")


@clause("RFC9429-5.2.1-M32")
async def test_the_offered_setup_is_actpass(offer: Said) -> None:
    check(set(offer.everywhere("setup")) == {"actpass"}, f"a=setup is {offer.everywhere('setup')}")


@clause("RFC9429-5.2.1-M34")
async def test_data_are_offered_as_udp_dtls_sctp(offer: Said) -> None:
    media, _, proto, *_ = offer.data.media
    check((media, proto) == ("application", "UDP/DTLS/SCTP"), f"the m= line is {offer.data.lines[0]!r}")


@clause("RFC9429-5.2.1-M35")
async def test_the_format_of_data_is_webrtc_datachannel(offer: Said) -> None:
    check(offer.data.media[3:] == ["webrtc-datachannel"], f"the m= line is {offer.data.lines[0]!r}")


@clause("RFC9429-5.2.1-M36")
async def test_data_have_an_sctp_port(offer: Said) -> None:
    port = offer.data.attribute("sctp-port")
    check(port is not None and port.isdigit() and 0 < int(port) < 65536, f"a=sctp-port is {port}")


@clause("RFC9429-5.2.1-M37", "RFC9429-5.2.1-M38")
async def test_a_bundle_group_names_every_mid(offer: Said) -> None:
    mids = [section.attribute("mid") for section in offer.sections]
    groups = [value.split(" ") for value in offer.session.attributes("group")]
    check(["BUNDLE", *mids] in groups, f"the mids are {mids}, the groups {groups}")
