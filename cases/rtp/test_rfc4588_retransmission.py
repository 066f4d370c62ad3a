"""RFC 4588: what an endpoint sends again when it is asked to, and how it asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from cases.rtp.speaking import OURS, Message, Speech, Voice, asked, first_ssrc, ignored, nack, rtx_of, seen, speak
from harness.capture.match import rtp as match
from harness.capture.wire import Hit, Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire import rtcp, rtp


async def ask(peer: Reference, endpoint: Endpoint, wire: Wire, count: int = 1) -> tuple[Speech, list[Hit], list[Hit]]:
    """A few packets of the endpoint's are asked for: (the connection, those packets, what came for them)."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    pairs = await asked(speech, voice, wire, count, lambda hits: ((nack(*hits),),))
    return speech, [original for original, _ in pairs], [answer for _, answer in pairs]


async def test_sanity_a_packet_is_sent_again(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await ask(peer, endpoint, wire)


@clause("RFC4588-4-M13", "RFC8834-6.1-M1")
async def test_the_original_sequence_number_stands_before_the_payload(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    _, originals, again = await ask(peer, endpoint, wire, 3)
    for original, answer in zip(originals, again, strict=True):
        osn = int.from_bytes(bytes(answer.packet.data[:2]), "big")
        check(osn == original.packet.sequence, f"the OSN is {osn}, packet {original.packet.sequence} was asked for")


@clause("RFC4588-4-M14")
async def test_the_original_payload_follows(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, originals, again = await ask(peer, endpoint, wire, 2)
    for original, answer in zip(originals, again, strict=True):
        check(bytes(answer.packet.media[2:]) == bytes(original.packet.media), "another payload came again")


@clause("RFC4588-4-M10")
async def test_the_timestamp_is_the_original_one(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, originals, again = await ask(peer, endpoint, wire, 2)
    for original, answer in zip(originals, again, strict=True):
        check(answer.packet.timestamp == original.packet.timestamp, "the timestamp is another one")


@clause("RFC4588-4-M21")
async def test_marker_and_contributors_are_copied(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, originals, again = await ask(peer, endpoint, wire, 2)
    for original, answer in zip(originals, again, strict=True):
        check(answer.packet.marker == original.packet.marker, "the marker bit is another one")
        check(list(answer.packet.csrcs) == list(original.packet.csrcs), "the CSRCs are others")


@clause("RFC4588-4-M5")
async def test_the_retransmission_stream_has_an_ssrc_of_its_own(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    _, originals, again = await ask(peer, endpoint, wire)
    check(again[0].packet.ssrc != originals[0].packet.ssrc, "both streams have one SSRC")


@clause("RFC4588-4-M9")
async def test_the_retransmission_stream_counts_by_one(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, _, again = await ask(peer, endpoint, wire, 4)
    hits = wire.all(match.packet(ssrc=again[0].packet.ssrc, opened=True), sender=endpoint)
    numbers = [hit.packet.sequence for hit in hits]
    steps = {(after - before) & 0xFFFF for before, after in pairwise(numbers)}
    check(steps <= {1} and len(numbers) >= 4, f"its sequence numbers are {numbers}", clause="RFC4588-4-M9")


@clause("RFC4588-5.2-M1")
async def test_both_streams_have_one_cname(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech, _, _ = await ask(peer, endpoint, wire)
    names = {line.partition("cname:")[2] for line in speech.connection.answer.split("\r\n") if "cname:" in line}
    check(len(names) == 1, f"the answer says the names {sorted(names)}", clause="RFC4588-5.2-M1")
    for hit in await seen(wire, match.report(202), endpoint):
        said = {
            bytes(item.text).decode()
            for _, items in hit.packet.chunks
            for item in items
            if item.fields.get("type") == 1
        }
        check(said <= names, f"RTCP says {said}, the answer {names}", clause="RFC4588-5.2-M1")


@clause("RFC8834-6.1-M1")
async def test_a_request_for_what_was_never_sent_is_passed_over(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    never: list[int] = []

    def both(hits: list[Hit]) -> Iterable[Message]:
        never.append((hits[0].packet.sequence - 5000) & 0xFFFF)
        return (rtcp.Nack(OURS, hits[0].packet.ssrc, (never[-1],)),), (nack(*hits),)

    await asked(speech, voice, wire, 1, both)
    for number in never:
        wire.never(rtx_of(speech, number), sender=endpoint)


@clause("RFC8834-6.1-M1")
async def test_a_request_about_a_strangers_stream_is_passed_over(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await ignored(peer, endpoint, wire, lambda nack: ((replace(nack, media_ssrc=0x1234_5678),),))


async def lose(peer: Reference, endpoint: Endpoint, wire: Wire) -> tuple[Speech, Voice, rtp.Packet, Hit]:
    """One of our packets is lost: the endpoint asks for it."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    await voice.has_sent(5)
    voice.once(lambda packet: (), fits=lambda packet: packet.payload_type == speech.payload_types["vp8"])
    hits = await seen(wire, match.nack(media=first_ssrc(voice, speech)), endpoint)
    assert voice.bent is not None
    return speech, voice, voice.bent, hits[0]


@clause("RFC4588-6.3-S1", "RFC4585-6.2.1-M1", "RFC4585-6.2.1-M3")
async def test_a_lost_packet_is_asked_for_by_generic_nack(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, _, lost, hit = await lose(peer, endpoint, wire)
    check(lost.sequence_number in hit.packet.lost, f"it asks for {hit.packet.lost}, {lost.sequence_number} was lost")
    check(
        hit.packet.length == 2 + len(hit.packet.items), f"the length is {hit.packet.length}", clause="RFC4585-6.2.1-M3"
    )


@clause("RFC4588-6.3-M1")
async def test_requests_are_about_the_original_stream(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, voice, lost, hit = await lose(peer, endpoint, wire)
    check(hit.packet.media == lost.ssrc, "it asks for packets of another stream")
    ours = {packet.ssrc for packet in voice.sent} - {lost.ssrc}
    wire.never(match.nack().where(lambda packet: packet.media in ours, "about the RTX stream"), sender=endpoint)


@clause("RFC8834-6.1-M2")
async def test_what_is_sent_again_is_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech, voice, lost, _ = await lose(peer, endpoint, wire)
    await seen(wire, match.packet(payload_type=speech.payload_types["rtx"]), peer)
    voice.once(lambda packet: (), fits=lambda packet: packet.payload_type == speech.payload_types["vp8"])
    later = match.nack(media=lost.ssrc).where(
        lambda packet: voice.bent is not None and voice.bent.sequence_number in packet.lost, "for the next one lost"
    )
    hit = (await seen(wire, later, endpoint))[0]
    await speech.heard(wire, 4, after=hit)
    wire.never(match.nack(media=lost.ssrc, lost=lost.sequence_number), sender=endpoint, after=hit)
