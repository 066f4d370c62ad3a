"""RFC 3550 section 6, and reduced-size RTCP of RFC 5506."""

from __future__ import annotations

from typing import Any

from cases.rtp.speaking import OURS, Voice, first_ssrc, found, ignored, obeyed, seen, speak
from harness.capture.match import rtp as match
from harness.capture.wire import Hit, Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire import rtcp
from peer.wire.rtcp_xr import UnknownBlock

REPORT = rtcp.ReceiverReport(OURS)
NAME = rtcp.SourceDescription.cname(OURS, "a case")


async def test_sanity_feedback_is_understood(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, NAME, nack))


@clause("RFC8834-4.6-M1", "RFC5506-5-M1")
async def test_feedback_alone_is_understood(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await obeyed(peer, endpoint, wire, lambda nack: (nack,))


@clause("RFC8834-4.6-M4")
async def test_feedback_in_a_compound_packet_is_understood_without_reduced_size(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, NAME, nack), drop=("a=rtcp-rsize",))


@clause("RFC3550-6.1-S8")
async def test_a_packet_of_an_unknown_type_is_passed_over(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    unknown = rtcp.Unknown(211, 3, b"\0\0\0\x09what is this?!?!")
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, NAME, unknown, nack))


@clause("RFC8834-8-M2")
async def test_an_extended_report_of_unknown_blocks_is_passed_over(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    extended = rtcp.ExtendedReport(OURS, (UnknownBlock(211, 7, b"what is this?!?!"),))
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, NAME, extended, nack))


@clause("RFC3550-6.1-Y2", "RFC3550-6.1-S2")
async def test_packets_may_come_in_any_order_and_more_than_once(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    app = rtcp.App(1, OURS, b"case", b"data")
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, app, NAME, REPORT, NAME, app, nack))


@clause("RFC8834-4.9-M4")
async def test_a_name_of_any_form_is_accepted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    odd = rtcp.SourceDescription.cname(OURS, "x" * 200 + " élan \t@")
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, odd, nack))


@clause("RFC3550-6.4.1-M1")
async def test_padding_of_the_last_packet_is_accepted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def padded(nack: rtcp.Nack) -> bytes:
        data = nack.serialize()
        head = bytes([data[0] | 0x20, data[1]]) + (len(data) // 4).to_bytes(2, "big")
        return rtcp.serialize((REPORT, NAME)) + head + data[4:] + b"\0\0\0\4"

    await obeyed(peer, endpoint, wire, padded)


@clause("RFC3550-6.1-M1")
async def test_a_packet_longer_than_its_datagram_is_not_read(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def spoilt(nack: rtcp.Nack) -> tuple[bytes]:
        data = nack.serialize()
        return (data[:2] + b"\0\x20" + data[4:],)

    await ignored(peer, endpoint, wire, spoilt)


@clause("RFC8834-4.1-M2")
async def test_another_version_is_not_read(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def spoilt(nack: rtcp.Nack) -> tuple[bytes]:
        data = nack.serialize()
        return (rtcp.serialize((REPORT, NAME)) + bytes([data[0] & 0x3F | 0x40]) + data[1:],)

    await ignored(peer, endpoint, wire, spoilt)


async def compounds(peer: Reference, endpoint: Endpoint, wire: Wire, **options: Any) -> tuple[list[Hit], Voice]:
    """The endpoint's RTCP, after it had to ask for a packet."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice, **options)
    await voice.has_sent(5)
    voice.once(lambda packet: (), fits=lambda packet: packet.payload_type == speech.payload_types["vp8"])
    await voice.was_bent()
    await seen(wire, match.nack(media=first_ssrc(voice, speech)), endpoint)
    return wire.all(match.compound(), sender=endpoint), voice


def types(hit: Hit) -> list[int]:
    return [int(packet.type) for packet in hit.packet.packets]


@clause("RFC3550-6.1-M7", "RFC8834-4.6-M4")
async def test_without_reduced_size_every_datagram_begins_with_a_report(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    hits, _ = await compounds(peer, endpoint, wire, drop=("a=rtcp-rsize",))
    for hit in hits:
        check(types(hit)[0] in (200, 201), f"a datagram has the types {types(hit)}")


@clause("RFC3550-6.1-M4")
async def test_without_reduced_size_every_datagram_has_two_packets(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    """What is sent to ask for a packet, and by the timer of whoever receives: that runs for up to 1.5 s."""
    await compounds(peer, endpoint, wire, drop=("a=rtcp-rsize",))
    timed = match.compound().where(lambda packet: {int(one.type) for one in packet.packets} <= {201, 202}, "by a timer")
    await found(wire, timed, endpoint, patience=2.0)
    for hit in wire.all(match.compound(), sender=endpoint):
        check(len(types(hit)) >= 2, f"a datagram has the type {types(hit)} alone")


@clause("RFC5506-4-M4")
async def test_reports_are_never_reduced_in_size(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    """A sender report is for its timing: it is no feedback, so it stands in a compound packet."""
    speech = await speak(peer, endpoint, "video", Voice())
    await speech.heard(wire, 3)
    await seen(wire, match.sender_report(), endpoint)
    for hit in wire.all(match.compound(), sender=endpoint):
        check(200 not in types(hit) or 202 in types(hit), f"a datagram has the types {types(hit)}, no SDES")


@clause("RFC3550-6.1-M9")
async def test_without_reduced_size_every_datagram_has_a_name(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    hits, _ = await compounds(peer, endpoint, wire, drop=("a=rtcp-rsize",))
    for hit in hits:
        check(202 in types(hit), f"a datagram has the types {types(hit)}, no SDES")


@clause("RFC4585-6.1-M1")
async def test_feedback_names_its_sender_and_our_stream(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    hits, voice = await compounds(peer, endpoint, wire)
    ours = {packet.ssrc for packet in voice.sent}
    nacks = [packet for hit in hits for packet in hit.packet.packets if packet.type == 205 and packet.format == 1]
    for nack in nacks:
        check(nack.media in ours and nack.sender not in ours, f"from {nack.sender:#x} about {nack.media:#x}")


@clause("RFC3550-6.4.1-M2", "RFC8834-4.1-M2")
async def test_a_sender_report_tells_the_time_of_the_stream(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    stream = (await speech.heard(wire, 3))[0].packet.ssrc
    report = (await seen(wire, match.sender_report(ssrc=stream), endpoint))[0]
    packets = wire.all(match.packet(ssrc=stream), sender=endpoint)
    last = min(packets, key=lambda hit: abs(hit.time - report.time))
    ahead = ((report.packet.rtp_timestamp - last.packet.timestamp + 2**31) % 2**32 - 2**31) / 90000
    check(abs(ahead - (report.time - last.time)) < 0.5, f"it is {ahead:.3f} s ahead of the packet beside it")


@clause("RFC8834-4.1-M2")
async def test_a_sender_report_counts_the_packets(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    stream = (await speech.heard(wire, 3))[0].packet.ssrc
    report = (await seen(wire, match.sender_report(ssrc=stream), endpoint))[0]
    before = [hit for hit in wire.all(match.packet(), sender=endpoint) if hit.number < report.number]
    own = sum(hit.packet.ssrc == stream for hit in before)
    # Whether what was sent again counts is not said clearly enough to judge.
    counted = report.packet.packets
    check(own - 3 <= counted <= len(before) + 3, f"it says {counted}; {own} were sent, {len(before)} with RTX")


@clause("RFC8834-4.9-M2", "RFC3550-6.5.1-M1")
async def test_one_name_stands_for_the_whole_connection(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    await speech.heard(wire, 3)
    hits = await seen(wire, match.report(202), endpoint)
    items = [item for hit in hits for _, several in hit.packet.chunks for item in several]
    names = {bytes(item.text) for item in items if item.fields.get("type") == 1}
    check(len(names) == 1, f"its names are {names}")


@clause("RFC8834-4.9-M1", "RFC8834-4.9-M3")
async def test_two_connections_have_two_names(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    names = []
    for _ in range(2):
        speech = await speak(peer, endpoint, "audio", Voice())
        lines = speech.connection.answer.split("\r\n")
        names.append({line.partition("cname:")[2] for line in lines if "cname:" in line})
    check(bool(names[0] and names[1]) and not names[0] & names[1], f"their names are {names}")


def told(report: Any, ssrc: int) -> bool:
    return any(block.ssrc == ssrc for block in report.blocks)


@clause("RFC8834-4.1-M2")
async def test_a_report_block_tells_of_our_stream(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    await voice.has_sent(5)
    ssrc = first_ssrc(voice, speech)
    about = match.report().where(lambda packet: packet.type in (200, 201) and told(packet, ssrc), "that tells of us")
    hit = (await seen(wire, about, endpoint))[0]
    block = next(one for one in hit.packet.blocks if one.ssrc == ssrc)
    numbers = [packet.sequence_number for packet in voice.sent if packet.ssrc == ssrc]
    check(block.highest_sequence & 0xFFFF in numbers, f"the highest number is {block.highest_sequence}")
    check(block.highest_sequence < 0x20000, f"the highest number is {block.highest_sequence}")
    check(block.cumulative_lost == 0, f"{block.cumulative_lost} are said to be lost")
