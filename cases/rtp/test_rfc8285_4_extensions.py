"""RFC 8285 section 4: header extensions, said and heard; the mid of RFC 9143 among them."""

from __future__ import annotations

from dataclasses import replace

from cases.rtp.speaking import Voice, first_ssrc, seen, speak, taken, until
from harness.capture.match import rtp as match
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.rtp.extensions import VIDEO_ORIENTATION
from peer.wire import rtp
from peer.wire.rtp import Extension

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


def extensions(sdp: str) -> dict[int, str]:
    """Ids and URIs of the a=extmap lines."""
    values = [line.removeprefix("a=extmap:") for line in sdp.split("\r\n") if line.startswith("a=extmap:")]
    return {int(value.split(" ")[0].partition("/")[0]): value.split(" ")[1] for value in values}


async def test_sanity_pictures_arrive(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    await speech.heard(wire, 3)


@clause("RFC8285-4.1.2-M1", "RFC8285-4.1.2-M3")
async def test_ids_are_those_negotiated(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    agreed = extensions(speech.connection.answer)
    for hit in await speech.heard(wire, 5):
        elements = hit.packet.elements if hit.packet.extension else []
        ids = {element.id for element in elements if hasattr(element, "id")}
        check(ids <= set(agreed), f"it sends the ids {ids}, agreed are {sorted(agreed)}")


@clause("RFC8285-4.1.2-M7")
async def test_headers_have_one_form(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice(), drop=("a=extmap-allow-mixed",))
    await speech.heard(wire, 8)
    forms = {hit.packet.profile for hit in wire.all(match.packet(opened=True), sender=endpoint) if hit.packet.extension}
    check(len(forms) <= 1, f"its header extensions are of the forms {sorted(map(hex, forms))}")


@clause("RFC8285-4.1.2-S1")
async def test_the_one_byte_form_is_used_where_it_does(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    for hit in await speech.heard(wire, 5):
        check(not hit.packet.extension or hit.packet.profile == 0xBEDE, f"the form is {hit.packet.profile:#x}")


@clause("RFC8834-5.2.4-M1")
async def test_the_first_packets_name_their_section(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    ids = [id for id, uri in extensions(speech.connection.answer).items() if uri == MID]
    check(len(ids) == 1, "the answer has no mid extension")
    first = (await speech.heard(wire, 1))[0].packet
    check(first.element(ids[0]) == b"0", f"the first packet's mid is {first.element(ids[0])!r}")


@clause("RFC8285-4.1-M1", "RFC8834-5.2-M2")
async def test_an_extension_that_was_not_negotiated_is_passed_over(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def more(packet: rtp.Packet) -> tuple[rtp.Packet]:
        return (replace(packet, extensions=(Extension(9, b"what?"), *packet.extensions)),)

    await taken(peer, endpoint, wire, more)


@clause("RFC8285-4.1.2-Y1")
async def test_padding_between_elements_is_passed_over(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def padded(packet: rtp.Packet) -> tuple[rtp.Packet]:
        parts = [bytes((one.id << 4 | len(one.data) - 1,)) + one.data + b"\0" for one in packet.extensions]
        block = b"\0" + b"".join(parts)
        return (replace(packet, extensions=(), extension_profile=0xBEDE, extension_data=block),)

    await taken(peer, endpoint, wire, padded)


@clause("RFC8285-4.2-M4")
async def test_an_element_with_the_reserved_id_ends_the_extension(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def ended(packet: rtp.Packet) -> tuple[rtp.Packet]:
        parts = [bytes((one.id << 4 | len(one.data) - 1,)) + one.data for one in packet.extensions]
        block = b"".join(parts) + b"\xf0\x11\x22"
        return (replace(packet, extensions=(), extension_profile=0xBEDE, extension_data=block),)

    await taken(peer, endpoint, wire, ended)


@clause("RFC8285-4.1.2-M5")
async def test_an_element_of_id_zero_with_a_length_ends_the_extension(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def ended(packet: rtp.Packet) -> tuple[rtp.Packet]:
        parts = [bytes((one.id << 4 | len(one.data) - 1,)) + one.data for one in packet.extensions]
        block = b"".join(parts) + b"\x02\x11\x22\x33"
        return (replace(packet, extensions=(), extension_profile=0xBEDE, extension_data=block),)

    await taken(peer, endpoint, wire, ended)


@clause("RFC8285-4.1-M1")
async def test_a_header_extension_of_another_form_is_passed_over(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def other(packet: rtp.Packet) -> tuple[rtp.Packet]:
        return (replace(packet, extensions=(), extension_profile=0x1234, extension_data=b"something"),)

    await taken(peer, endpoint, wire, other)


@clause("RFC8285-4.1-Y1", "RFC8834-4.8-M1")
async def test_packets_without_any_extension_are_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def bare(packet: rtp.Packet) -> tuple[rtp.Packet]:
        return (replace(packet, extensions=(), extension_profile=None),)

    await taken(peer, endpoint, wire, bare)


def two_byte(packet: rtp.Packet) -> tuple[rtp.Packet]:
    """The same elements, each behind two bytes."""
    return (replace(packet, extension_profile=0x1000),)


@clause("RFC8285-6-M1", "RFC8285-4.3-M1")
async def test_both_forms_are_taken_where_that_was_agreed_on(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await taken(peer, endpoint, wire, two_byte)
    check("a=extmap-allow-mixed" in speech.connection.answer, "its answer does not allow both forms")


@clause("RFC8285-6-M6")
async def test_both_forms_are_not_answered_where_they_were_not_offered(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    speech = await speak(peer, endpoint, "video", Voice(), drop=("a=extmap-allow-mixed",))
    await speech.heard(wire, 8)
    check("a=extmap-allow-mixed" not in speech.connection.answer, "its answer allows both forms, our offer did not")


@clause("RFC9143-9.2-M6", "RFC8834-4.8-M3")
async def test_a_stream_without_a_name_is_known_by_its_payload_type(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    """No mid in any packet from the first on, nor an SSRC in the offer."""
    voice = Voice()
    lost: list[int] = []

    def bare(packet: rtp.Packet) -> tuple[rtp.Packet, ...]:
        if not lost and len(voice.sent) > 8:
            lost.append(packet.sequence_number)
            return ()
        return (replace(packet, extensions=(), extension_profile=None),)

    voice.bend(bare)
    speech = await speak(peer, endpoint, "video", voice, drop=("a=ssrc",))
    await until(lambda: bool(lost), "we sent too few packets")
    about = match.report().where(
        lambda packet: getattr(packet, "media", None) == first_ssrc(voice, speech), "about our stream"
    )
    await seen(wire, about, endpoint, patience=2.5)


@clause("RFC8834-5.2.5-M1")
async def test_the_orientation_of_video_is_agreed_on(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    check(VIDEO_ORIENTATION in speech.connection.answer, "its answer has no video orientation")
