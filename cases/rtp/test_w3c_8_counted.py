"""W3C webrtc-pc section 8.6 and webrtc-stats: what getStats counts is what was on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cases.rtp.speaking import OURS, Message, Speech, Voice, answers, first_ssrc, forward, seen, speak
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
    """Every other timestamp is 100 ms ahead: RFC 3550 appendix A.8 comes near to 100 ms within thirty packets."""
    voice = Voice()

    def shaken(packet: rtp.Packet) -> Iterable[Message]:
        return (replace(packet, timestamp=forward(4800 * (packet.sequence_number % 2), 32)(packet.timestamp)),)

    voice.bend(shaken)
    speech = await speak(peer, endpoint, "audio", voice)
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] >= 30)
    expected = 0.1 * (1 - (15 / 16) ** row["packetsReceived"])
    # A machine with too much to do shakes them more, never less.
    check(0.6 * expected < row["jitter"] < expected + 0.2, f"jitter is {row['jitter']} s, not about {expected:.3f}")


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
) -> tuple[Speech, dict[str, float]]:
    """We report about the endpoint's sound, as if its sender report were a second old; what it makes of that."""
    voice = Voice()
    voice.retell(without_blocks)
    speech = await speak(peer, endpoint, "audio", voice)
    stream = (await speech.heard(wire, 3))[0].packet
    report = (await seen(wire, match.sender_report(ssrc=stream.ssrc), endpoint))[0].packet
    lsr = ((int(report.ntp) >> 16) - 65536) & 0xFFFFFFFF
    told = rtcp.ReportBlock(stream.ssrc, highest_sequence_number=stream.sequence, lsr=lsr, **block)
    voice.say((rtcp.ReceiverReport(OURS, (told,)), NAME))
    return speech, await speech.counted("remote-inbound-rtp", lambda row: all(row.get(one) for one in members))


@clause(MEMBERS)
async def test_loss_and_jitter_are_as_we_report_them(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    names = ("packetsLost", "fractionLost", "jitter")
    _, row = await reported(peer, endpoint, wire, *names, packets_lost=7, fraction_lost=64, jitter=2400)
    found = [row.get(name, 0) for name in names]
    check(found[:2] == [7, 0.25] and abs(found[2] - 0.05) < 1e-6, f"{names} are {found}")


@clause(MEMBERS)
async def test_the_round_trip_is_what_is_left_of_the_time(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, row = await reported(peer, endpoint, wire, "roundTripTime")
    check(0.99 <= row.get("roundTripTime", 0) < 60, f"roundTripTime is {row.get('roundTripTime')} s")


@clause(MEMBERS)
async def test_what_the_other_side_sent_is_as_it_reports(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()

    def more(said: tuple[rtcp.Packet, ...]) -> tuple[rtcp.Packet, ...]:
        return tuple(
            replace(one, packet_count=4711, octet_count=12345) if isinstance(one, rtcp.SenderReport) else one
            for one in said
        )

    voice.retell(more)
    speech = await speak(peer, endpoint, "audio", voice)
    row = await speech.counted("remote-outbound-rtp", lambda row: row.get("packetsSent"))
    found = [row.get(name) for name in ("packetsSent", "bytesSent")]
    check(found == [4711, 12345], f"packetsSent and bytesSent are {found}, we report 4711 and 12345")


async def asked(
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
    await asked(peer, endpoint, wire, "nackCount", match.nack(), *[rtcp.Nack(OURS, 0, ())] * 3)


@clause(MEMBERS)
async def test_the_picture_losses_we_send_are_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await asked(peer, endpoint, wire, "pliCount", match.pli(), *[rtcp.PictureLoss(OURS, 0)] * 3)


@clause(MEMBERS)
async def test_the_intra_requests_we_send_are_counted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    requests = [rtcp.FullIntraRequest(OURS, ((0, command),)) for command in (1, 2)]
    await asked(peer, endpoint, wire, "firCount", match.fir(), *requests)


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
    # The first packets of all may come again without being asked for, to probe the network.
    stream = (await speech.heard(wire, 12))[-1].packet
    voice.say((rtcp.Nack(OURS, stream.ssrc, (stream.sequence,)),))
    await answers(speech, wire, stream.sequence)
    row = await speech.counted("outbound-rtp", lambda row: row.get("retransmittedPacketsSent"))
    again = wire.all(match.packet(payload_type=speech.payload_types["rtx"], opened=True), sender=endpoint)
    # Probes of the network may repeat packets, too, that nobody asked for.
    check(
        1 <= row["retransmittedPacketsSent"] <= len(again), f"it is {row['retransmittedPacketsSent']} of {len(again)}"
    )
