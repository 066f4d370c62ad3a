"""RFC 3550 sections 6.6 and 8.2: taking leave of an SSRC, and giving one up that somebody else uses, too."""

from __future__ import annotations

from dataclasses import replace

from cases.rtp.speaking import OURS, Speech, Voice, found, is_vp8, obeyed, seen, speak
from harness.capture.match import rtp as match
from harness.capture.wire import Hit, Wire
from harness.cases import check, clause, unsupported
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire import rtcp

STRANGER = 0x5712A49E
REPORT = rtcp.ReceiverReport(OURS)
NAME = rtcp.SourceDescription.cname(OURS, "a case")


async def test_sanity_feedback_is_understood(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, NAME, nack))


async def stopped(
    peer: Reference, endpoint: Endpoint, wire: Wire, drop: tuple[str, ...] = ()
) -> tuple[Speech, list[Hit]]:
    """The endpoint stops its transceiver: (the connection, what says BYE, if anything does within two seconds)."""
    speech = await speak(peer, endpoint, "video", Voice(), drop=drop)
    stream = (await speech.heard(wire, 5))[0].packet.ssrc
    await (await speech.transceiver()).call("stop")
    return speech, await found(wire, match.bye(ssrc=stream), endpoint, patience=2.0)


async def left(peer: Reference, endpoint: Endpoint, wire: Wire, drop: tuple[str, ...] = ()) -> tuple[Speech, Hit]:
    """The same, where there is a BYE."""
    speech, hits = await stopped(peer, endpoint, wire, drop)
    if not hits:
        unsupported("it says no BYE")
    return speech, hits[0]


@clause("W3C-stop-sending-and-receiving-algorithm-3")
async def test_who_stops_says_goodbye(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await stopped(peer, endpoint, wire)
    check(bool(hits), "there is no BYE")


@clause("RFC3550-6.1-M8", "RFC3550-6.1-M10")
async def test_a_goodbye_stands_behind_a_report(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hit = await left(peer, endpoint, wire, ("a=rtcp-rsize",))
    whole = next(one for one in wire.all(match.compound(), sender=endpoint) if one.number == hit.number)
    types = [int(packet.type) for packet in whole.packet.packets]
    check(types[0] in (200, 201), f"the datagram has the types {types}")


@clause("RFC3550-6.1-S2")
async def test_nothing_of_a_stream_follows_its_goodbye(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech, hit = await left(peer, endpoint, wire)
    await speech.here.close()
    for ssrc in hit.packet.sources:
        wire.never(match.packet(ssrc=ssrc), sender=endpoint, after=hit)


@clause("RFC3550-6.6-Y1")
async def test_a_goodbye_may_have_a_reason(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    goodbye = rtcp.Bye((STRANGER,), b"camera malfunction")
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, NAME, goodbye, nack))


@clause("RFC8834-4.1-M2")
async def test_a_goodbye_of_nobody_is_passed_over(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    """Section 6.6: a count of zero is valid, but useless."""
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, NAME, rtcp.Bye(), nack))


@clause("RFC3550-8.2-M2", "RFC8834-4.8-M4")
async def test_an_ssrc_that_is_taken_is_left_for_another(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    theirs = (await speech.heard(wire, 5))[0].packet.ssrc
    voice.once(lambda packet: (replace(packet, ssrc=theirs),), fits=is_vp8(speech))
    await voice.was_bent()
    ours = (await seen(wire, match.packet(ssrc=theirs), peer))[0]
    later = await speech.heard(wire, 20, after=ours)
    check(later[-1].packet.ssrc != theirs, f"twenty packets later it still sends as {theirs:#x}")
    check(bool(wire.all(match.bye(ssrc=theirs), sender=endpoint, after=ours)), f"there is no BYE of {theirs:#x}")
