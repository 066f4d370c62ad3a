"""RFC 8834 sections 5.1.6 and 7: how fast an endpoint sends is told to it, and it tells when packets came.

Transport-wide feedback is draft-holmer-rmcat-transport-wide-cc-extensions-01: what browsers agree on for what section 7
asks for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations, pairwise
from statistics import median

from cases.rtp.speaking import OURS, Message, Speech, Voice, obeyed, seen, speak
from harness.capture.layers.rtcp import arrivals
from harness.capture.match import rtp as match
from harness.capture.wire import Hit, Wire
from harness.cases import check, clause, unsupported
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.rtp.extensions import TRANSPORT_WIDE
from peer.wire import rtcp, rtp

LIMIT = 120_000
TICK, REFERENCE = 250e-6, 0.064
REPORT = rtcp.ReceiverReport(OURS)
NAME = rtcp.SourceDescription.cname(OURS, "a case")


def number_of(hit: Hit, id: int) -> int:
    """The transport-wide number of a packet."""
    return int.from_bytes(hit.packet.element(id), "big")


async def told(
    peer: Reference, endpoint: Endpoint, wire: Wire, count: int, voice: Voice | None = None
) -> tuple[list[Hit], dict[int, Hit]]:
    """The endpoint's transport-wide feedback, `count` messages of it, and our packets by transport-wide number."""
    speech = await speak(peer, endpoint, "audio", voice or Voice(), wide=True)
    id = next(
        int(line.removeprefix("a=extmap:").partition(" ")[0].partition("/")[0])
        for line in speech.connection.answer.split("\r\n")
        if line.startswith("a=extmap:") and TRANSPORT_WIDE in line
    )
    hits = await seen(wire, match.transport_feedback(), endpoint, count)
    sent = wire.all(match.packet(extension=id), sender=peer)
    return hits, {number_of(hit, id): hit for hit in sent}


async def test_sanity_arrivals_are_told(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await told(peer, endpoint, wire, 1)


@clause("RFC8834-7.2-M1")
async def test_what_arrived_is_what_was_sent(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    hits, sent = await told(peer, endpoint, wire, 2)
    for hit in hits:
        for number, delta in arrivals(hit.packet):
            check(number in sent, f"it tells of packet {number}, which was not sent")
            check(delta is not None, f"it tells that packet {number} did not arrive")


def in_tens() -> Callable[[rtp.Packet], Iterable[Message]]:
    """Nine packets are held back and leave with the tenth."""
    held: list[rtp.Packet] = []

    def bend(packet: rtp.Packet) -> Iterable[Message]:
        held.append(packet)
        if len(held) < 10:
            return ()
        out = tuple(held)
        held.clear()
        return out

    return bend


@clause("RFC8834-7.2-M1")
async def test_arrivals_are_as_far_apart_as_in_the_capture(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    """Sound leaves in tens, 200 ms apart. A busy machine reads some of them late: it moves those, not the medians."""
    voice = Voice()
    voice.bend(in_tens())
    hits, sent = await told(peer, endpoint, wire, 4, voice)
    both: list[tuple[float, float]] = []
    for hit in hits:
        at = hit.packet.reference_time * REFERENCE
        for number, delta in arrivals(hit.packet):
            at += (delta or 0) * TICK
            if delta is not None and number in sent:
                both.append((sent[number].time, at))
    gaps = [(after[0] - before[0], after[1] - before[1]) for before, after in combinations(both, 2)]
    together = [after[1] - before[1] for before, after in pairwise(both) if after[0] - before[0] < 0.005]
    rates = [said / real for real, said in gaps if real > 0.1]
    check(bool(together and rates), f"the arrivals it tells are {both}")
    check(abs(median(together)) < 0.005, f"packets that left together came {median(together):.4f} s apart")
    check(0.9 < median(rates) < 1.1, f"a second of the capture is {median(rates):.3f} s of what it tells")


@clause("RFC8834-7.2-M1")
async def test_messages_are_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    hits, _ = await told(peer, endpoint, wire, 3)
    counts = [hit.packet.feedback_count for hit in hits]
    check({(after - before) & 0xFF for before, after in pairwise(counts)} == {1}, f"the counts are {counts}")


@clause("RFC8834-7.2-M1")
async def test_what_was_lost_is_told_as_lost(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    lost: list[rtp.Packet] = []

    def lose(packet: rtp.Packet) -> Iterable[Message]:
        if len(voice.sent) != 4:
            return (packet,)
        lost.append(packet)
        return ()

    voice.bend(lose)
    hits, sent = await told(peer, endpoint, wire, 3, voice)
    missing = [number for hit in hits for number, delta in arrivals(hit.packet) if delta is None]
    check(len(missing) == len(lost) == 1 and missing[0] not in sent, f"it misses {missing}")


async def limit(peer: Reference, endpoint: Endpoint, wire: Wire) -> tuple[Speech, Hit]:
    """The endpoint agrees on TMMBR, and is told one: (the connection, its notification)."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    if "ccm tmmbr" not in speech.connection.answer:
        unsupported("its answer has no TMMBR")
    stream = (await speech.heard(wire, 5))[0].packet.ssrc
    voice.say((rtcp.MaximumRequest(OURS, (rtcp.MaximumRate(stream, LIMIT, 40),)),))
    return speech, (await seen(wire, match.feedback(205, 4), endpoint))[0]


@clause("RFC8834-5.1.6-M1")
async def test_a_temporary_maximum_is_agreed_on(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    check("ccm tmmbr" in speech.connection.answer, "its answer has no TMMBR")


@clause("RFC5104-4.2.1.2-M9", "RFC5104-4.2.2.2-M2", "RFC5104-4.2.2.2-M4")
async def test_a_temporary_maximum_is_confirmed(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hit = await limit(peer, endpoint, wire)
    owners = [item.ssrc for item in hit.packet.items]
    check(owners == [OURS], f"the owners of its bounding set are {owners}")
    rate = hit.packet.items[0].mantissa << hit.packet.items[0].exponent
    check(rate == LIMIT, f"it confirms {rate} bit/s")


@clause("RFC5104-4.2.2.1-M1", "RFC5104-4.2.2.2-M1")
async def test_a_confirmation_names_no_stream(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hit = await limit(peer, endpoint, wire)
    check(hit.packet.media == 0, f"it is about {hit.packet.media:#x}")
    check(hit.packet.length == 2 + 2 * len(hit.packet.items), f"its length is {hit.packet.length}")


@clause("RFC5104-4.2.2.2-M2")
async def test_a_maximum_for_somebody_else_is_passed_over(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    request = rtcp.MaximumRequest(OURS, (rtcp.MaximumRate(0x1234_5678, LIMIT, 40),))
    await obeyed(peer, endpoint, wire, lambda nack: (REPORT, NAME, request, nack))
    wire.never(match.feedback(205, 4), sender=endpoint)


async def rate(speech: Speech, wire: Wire, seconds: float) -> float:
    """The bits of payload per second that the endpoint sends from now on."""
    began = time.time()
    await asyncio.sleep(seconds)
    hits = wire.all(match.packet(opened=True), sender=speech.endpoint, after=began)
    return 8 * sum(len(bytes(hit.packet.data)) for hit in hits) / seconds


@clause("RFC8834-7-M1")
async def test_a_maximum_that_the_receiver_estimates_is_kept_to(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    """REMB (draft-alvestrand-rmcat-remb-03), which counts where transport-wide feedback was not agreed on."""
    voice, estimate = Voice(), 20 * LIMIT

    def retold(said: tuple[rtcp.Packet, ...]) -> tuple[rtcp.Packet, ...]:
        return tuple(replace(one, bitrate=estimate) if isinstance(one, rtcp.Remb) else one for one in said)

    voice.retell(retold)
    speech = await speak(peer, endpoint, "video", voice, detail=200)
    if "goog-remb" not in speech.connection.answer:
        unsupported("its answer has no goog-remb")
    stream = (await speech.heard(wire, 5))[0].packet.ssrc
    before = await rate(speech, wire, 0.5)
    estimate = LIMIT
    voice.say((rtcp.Remb(OURS, LIMIT, (stream,)),))
    await asyncio.sleep(0.7)
    after = await rate(speech, wire, 1.0)
    check(before > 1.5 * LIMIT, f"it sent {before:.0f} bit/s before")
    check(after < 1.25 * LIMIT, f"it sends {after:.0f} bit/s, {before:.0f} before; {LIMIT} were allowed")
