"""W3C webrtc-pc section 8.6 and webrtc-stats: what getStats counts is what was on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from cases.rtp.speaking import OURS, Message, Voice, asked, first_ssrc, forward, nack, repeated, seen, speak
from harness.capture.match import rtp as match
from harness.capture.matcher import Matcher
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire import rtcp, rtp

MEMBERS = "W3C-Mandatory-To-Implement-Stats-M1"
REPORT = rtcp.ReceiverReport(OURS)
NAME = rtcp.SourceDescription.cname(OURS, "a case")


async def test_sanity_sound_is_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "audio", Voice())
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] > 3)
    check(row["packetsReceived"] > 3, f"packetsReceived is {row['packetsReceived']}")


@clause(MEMBERS)
async def test_packets_and_bytes_received_are_those_sent(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    left: list[int] = []

    def ten(packet: rtp.Packet) -> Iterable[Message]:
        if len(left) == 10:
            return ()
        left.append(len(packet.payload))
        return (packet,)

    voice.bend(ten)
    speech = await speak(peer, endpoint, "audio", voice)
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] == 10)
    check(row["packetsReceived"] == 10, f"packetsReceived is {row['packetsReceived']} of 10")
    check(row["bytesReceived"] == sum(left), f"bytesReceived is {row['bytesReceived']} of {sum(left)}")
    check(row["ssrc"] == voice.sent[0].ssrc, f"ssrc is {row['ssrc']}")


@clause(MEMBERS)
async def test_packets_lost_are_those_not_sent(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    voice.bend(lambda packet: () if len(voice.sent) in (4, 6, 7) else (packet,))
    speech = await speak(peer, endpoint, "audio", voice)
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] >= 10)
    check(row["packetsLost"] == 3, f"packetsLost is {row['packetsLost']}, three were lost")


@clause(MEMBERS)
async def test_jitter_is_that_of_the_timestamps(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    """Every other timestamp is a second ahead: how late a busy machine reads a packet is little beside that."""
    voice = Voice()

    def shaken(packet: rtp.Packet) -> Iterable[Message]:
        return (replace(packet, timestamp=forward(48000 * (packet.sequence_number % 2), 32)(packet.timestamp)),)

    voice.bend(shaken)
    speech = await speak(peer, endpoint, "audio", voice)
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] >= 20)
    hits = wire.all(match.packet(ssrc=voice.sent[0].ssrc), sender=peer)[: row["packetsReceived"]]
    expected = jitter([(hit.time, hit.packet.timestamp) for hit in hits], 48000)
    check(0.8 * expected < row["jitter"] < 1.2 * expected, f"jitter is {row['jitter']} s, not about {expected:.3f}")


def jitter(arrivals: list[tuple[float, int]], clock_rate: int) -> float:
    """RFC 3550 section A.8, in seconds, of times of arrival and timestamps."""
    found = 0.0
    for (time, timestamp), (later, ahead) in pairwise(arrivals):
        step = (ahead - timestamp + 2**31) % 2**32 - 2**31
        found += (abs(later - time - step / clock_rate) - found) / 16
    return found


@clause("RFC3550-6.4.1-M3", MEMBERS)
async def test_jitter_survives_a_wrap_of_the_timestamp(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    step: list[int] = []

    def near_the_end(packet: rtp.Packet) -> Iterable[Message]:
        step.append(step[0] if step else (1 << 32) - 5 * 960 - packet.timestamp)
        return (replace(packet, timestamp=forward(step[0], 32)(packet.timestamp)),)

    voice.bend(near_the_end)
    speech = await speak(peer, endpoint, "audio", voice)
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] >= 12)
    check(row["jitter"] < 1.0, f"jitter is {row['jitter']} s")
    check(row["packetsLost"] == 0, f"packetsLost is {row['packetsLost']}")


def without_blocks(said: tuple[rtcp.Packet, ...]) -> tuple[rtcp.Packet, ...]:
    """Our own reports, which tell nothing about the endpoint's streams."""
    reports = (rtcp.SenderReport, rtcp.ReceiverReport)
    return tuple(replace(one, reports=()) if isinstance(one, reports) else one for one in said)


async def reported(
    peer: Reference, endpoint: Endpoint, wire: Wire, *members: str, **block: int
) -> tuple[float, dict[str, float]]:
    """We report about the endpoint's pictures, as if its sender report were twelve seconds older than it is, two of
    which it lay with us: the round trip that makes, and what the endpoint tells of it.
    """
    voice = Voice()
    voice.retell(without_blocks)
    speech = await speak(peer, endpoint, "video", voice)
    stream = (await speech.heard(wire, 3))[0].packet
    report = (await seen(wire, match.sender_report(ssrc=stream.ssrc), endpoint))[0]
    lsr = ((int(report.packet.ntp) >> 16) - 12 * 65536) & 0xFFFFFFFF
    told = rtcp.ReportBlock(stream.ssrc, highest_sequence_number=stream.sequence, lsr=lsr, dlsr=2 * 65536, **block)
    voice.say((rtcp.ReceiverReport(OURS, (told,)), NAME))
    ours = match.report(201).where(lambda packet: packet.ssrc == OURS, "of ours")
    answer = (await seen(wire, ours, peer))[0]
    row = await speech.counted("remote-inbound-rtp", lambda row: all(row.get(one) for one in members))
    return 10 + answer.time - report.time, row


@clause(MEMBERS)
async def test_loss_and_jitter_are_as_we_report_them(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    names = ("packetsLost", "fractionLost", "jitter")
    _, row = await reported(peer, endpoint, wire, *names, packets_lost=7, fraction_lost=64, jitter=4500)
    found = [row.get(name, 0) for name in names]
    check(found[:2] == [7, 0.25] and abs(found[2] - 0.05) < 1e-6, f"{names} are {found}")


@clause(MEMBERS)
async def test_the_round_trip_is_what_is_left_of_the_time(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    expected, row = await reported(peer, endpoint, wire, "roundTripTime")
    found = row.get("roundTripTime", 0)
    check(0.95 * expected < found < 1.05 * expected, f"roundTripTime is {found} s, not about {expected:.3f} s")


@clause(MEMBERS)
async def test_what_the_other_side_sent_is_as_it_reports(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()

    def more(said: tuple[rtcp.Packet, ...]) -> tuple[rtcp.Packet, ...]:
        return tuple(
            replace(one, packet_count=4711, octet_count=12345) if isinstance(one, rtcp.SenderReport) else one
            for one in said
        )

    voice.retell(more)
    speech = await speak(peer, endpoint, "video", voice)
    row = await speech.counted("remote-outbound-rtp", lambda row: row.get("packetsSent"))
    found = [row.get(name) for name in ("packetsSent", "bytesSent")]
    check(found == [4711, 12345], f"packetsSent and bytesSent are {found}, we report 4711 and 12345")


async def requested(
    peer: Reference, endpoint: Endpoint, wire: Wire, member: str, kind: Matcher, *packets: rtcp.Packet
) -> None:
    """We ask for something, and it is counted. Our side may have asked for more of the kind on its own."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    stream = (await speech.heard(wire, 10))[-1].packet
    voice.say(*((_about(one, stream.ssrc, stream.sequence),) for one in packets))
    row = await speech.counted("outbound-rtp", lambda row: row.get(member, 0) >= len(packets))
    counted, sent = row.get(member, 0), len(wire.all(kind, sender=peer))
    check(len(packets) <= counted <= sent, f"{member} is {counted}, {sent} were sent")


def _about(packet: rtcp.Packet, ssrc: int, number: int) -> rtcp.Packet:
    match packet:
        case rtcp.Nack():
            return replace(packet, media_ssrc=ssrc, lost=(number,))
        case rtcp.PictureLoss():
            return replace(packet, media_ssrc=ssrc)
        case rtcp.FullIntraRequest():
            return replace(packet, requests=tuple((ssrc, command) for _, command in packet.requests))
    return packet


@clause(MEMBERS)
async def test_the_nacks_we_send_are_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await requested(peer, endpoint, wire, "nackCount", match.nack(), *[rtcp.Nack(OURS, 0, ())] * 3)


@clause(MEMBERS)
async def test_the_picture_losses_we_send_are_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await requested(peer, endpoint, wire, "pliCount", match.pli(), *[rtcp.PictureLoss(OURS, 0)] * 3)


@clause(MEMBERS)
async def test_the_intra_requests_we_send_are_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    requests = [rtcp.FullIntraRequest(OURS, ((0, command),)) for command in (1, 2)]
    await requested(peer, endpoint, wire, "firCount", match.fir(), *requests)


@clause(MEMBERS)
async def test_the_nacks_it_sends_are_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    await voice.has_sent(5)
    voice.once(lambda packet: (), fits=lambda packet: packet.payload_type == speech.payload_types["vp8"])
    nacks = match.nack(media=first_ssrc(voice, speech))
    await seen(wire, nacks, endpoint)
    row = await speech.counted("inbound-rtp", lambda row: row["nackCount"] >= 1)
    count = len(wire.all(nacks, sender=endpoint))
    check(0 < row["nackCount"] <= count, f"nackCount is {row['nackCount']}, {count} were sent")


@clause(MEMBERS)
async def test_what_is_sent_again_is_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    await asked(speech, voice, wire, 3, lambda hits: ((nack(*hits),),))

    def again() -> int:
        """How many packets that we asked for were sent again. What probes the network, nobody asked for."""
        wanted = {number for hit in wire.all(match.nack(), sender=peer) for number in hit.packet.lost}
        return len(wanted & repeated(speech, wire).keys())

    row = await speech.counted("outbound-rtp", lambda row: row.get("retransmittedPacketsSent") == again())
    check(row["retransmittedPacketsSent"] == again(), f"it is {row['retransmittedPacketsSent']}, not {again()}")
