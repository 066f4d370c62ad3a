"""RFC 3550 section 5: RTP packets, sent and received."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any

from cases.rtp.speaking import Voice, first_ssrc, refused, seen, speak, taken
from harness.capture.match import rtp as match
from harness.capture.matcher import Matcher
from harness.capture.wire import Wire
from harness.cases import check, clause, connect
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire import rtp


async def test_sanity_sound_arrives(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "audio", Voice())
    await speech.heard(wire, 3)


@clause("RFC3550-3-M1")
async def test_sound_and_pictures_have_ssrcs_of_their_own(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    here, there = await peer.peer_connection(), await endpoint.peer_connection()
    await there.addTrack("audio")
    await there.addTrack("video")
    await connect(there, here, channel=None)

    found: dict[int, set[int]] = {}
    for hit in await seen(wire, match.packet(opened=True), endpoint, 40):
        found.setdefault(hit.packet.ssrc, set()).add(hit.packet.payload_type)
    check(len(found) >= 2, f"everything comes from {found}")


@clause("RFC3550-5.1-M3")
async def test_timestamps_of_sound_advance_as_its_clock_does(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "audio", Voice())
    hits = await speech.heard(wire, 12)
    steps = [
        ((after.packet.timestamp - before.packet.timestamp) & 0xFFFFFFFF)
        / ((after.packet.sequence - before.packet.sequence) & 0xFFFF)
        for before, after in pairwise(hits)
    ]
    # A source that had no time leaves whole packets out: the clock went on meanwhile.
    check(all(step and step % 960 == 0 for step in steps), f"packets of 20 ms are {steps} ticks apart, not 960")
    check(median(steps) == 960.0, f"packets of 20 ms are {steps} ticks apart, not 960")


def another(payload_type: int, known: set[int]) -> Matcher:
    """Packets of a stream that isn't one of the known ones."""
    wanted = match.packet(payload_type=payload_type, opened=True)
    return wanted.where(lambda packet: packet.ssrc not in known, "of a new stream")


@clause("RFC3550-5.1-S2", "RFC3550-5.1-S3", "RFC3550-5.1-S4")
async def test_numbers_begin_at_random(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    begun: list[Any] = []
    for _ in range(2):
        speech = await speak(peer, endpoint, "audio", Voice())
        known = {packet.ssrc for packet in begun}
        hits = await seen(wire, another(speech.payload_types["opus"], known), endpoint)
        begun.append(hits[0].packet)
    first, second = begun
    check(first.sequence != second.sequence, "both begin with one sequence number")
    check(abs(first.timestamp - second.timestamp) > 48000 * 60, "both begin with one timestamp")
    check(first.ssrc != second.ssrc, "both have one SSRC")


@clause("RFC8834-4.3-M1")
async def test_payload_types_are_those_agreed_on(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    await speech.heard(wire, 6)
    used = {hit.packet.payload_type for hit in wire.all(match.packet(opened=True), sender=endpoint)}
    check(used <= set(speech.payload_types.values()), f"it sends payload types {used}")


@clause("RFC3550-5.3.1-M1")
async def test_the_extension_bit_and_the_extension_come_together(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    for hit in await speech.heard(wire, 6):
        packet = hit.packet
        whole = not packet.extension or (packet.words is not None and packet.elements)
        check(bool(whole), f"packet {packet.sequence} has an extension bit and no extension")


@clause("RFC3550-5.1-M2")
async def test_a_packet_of_an_unknown_payload_type_is_passed_over(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await refused(peer, endpoint, wire, lambda packet: (replace(packet, payload_type=35),))


@clause("RFC3550-5.3.1-M1")
async def test_an_extension_past_the_end_is_not_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def spoil(packet: rtp.Packet) -> Iterable[bytes]:
        data = replace(packet, extensions=(), extension_profile=0xBEDE, extension_data=b"\x10a\0\0").serialize()
        return (data[:14] + b"\x7f\xff" + data[16:],)

    await refused(peer, endpoint, wire, spoil)


@clause("RFC3550-5.1-M1")
async def test_an_extension_bit_without_an_extension_is_not_taken(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def spoil(packet: rtp.Packet) -> Iterable[bytes]:
        data = replace(packet, extensions=(), extension_profile=None, payload=b"").serialize()
        return (bytes([data[0] | 0x10]) + data[1:],)

    await refused(peer, endpoint, wire, spoil)


@clause("RFC8834-4.1-M1")
async def test_padding_longer_than_the_packet_is_not_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def spoil(packet: rtp.Packet) -> Iterable[bytes]:
        data = replace(packet, payload=packet.payload[:20] + b"\xff").serialize()
        return (bytes([data[0] | 0x20]) + data[1:],)

    await refused(peer, endpoint, wire, spoil)


@clause("RFC8834-4.1-M1")
async def test_contributors_past_the_end_are_not_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def spoil(packet: rtp.Packet) -> Iterable[bytes]:
        data = replace(packet, extensions=(), extension_profile=None, payload=b"short").serialize()
        return (bytes([data[0] | 0x0F]) + data[1:],)

    await refused(peer, endpoint, wire, spoil)


@clause("RFC8834-4.1-M1")
async def test_a_list_of_contributors_is_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await taken(peer, endpoint, wire, lambda packet: (replace(packet, csrcs=(1, 2, 3)),))


@clause("RFC8834-4.1-M1")
async def test_padding_is_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await taken(peer, endpoint, wire, lambda packet: (replace(packet, padding=8),))


@clause("RFC8834-4.8-M3")
async def test_an_ssrc_that_was_not_signalled_is_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await taken(peer, endpoint, wire, lambda packet: (packet,), drop=("a=ssrc",))


@clause("RFC8834-4.8-M3")
async def test_a_stream_may_go_on_under_another_ssrc(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice, drop=("a=ssrc",))
    await voice.has_sent(5)
    other = first_ssrc(voice, speech) ^ 0x5555
    moved: list[int] = []

    def move(packet: rtp.Packet) -> Iterable[rtp.Packet]:
        moved.append(packet.sequence_number)
        return () if len(moved) == 6 else (replace(packet, ssrc=other),)

    voice.bend(move)
    # It asks for the packet, or for a key frame: it takes the stream for one to be shown.
    about = match.report().where(lambda packet: getattr(packet, "media", None) == other, f"about {other:#x}")
    await seen(wire, about, endpoint)
