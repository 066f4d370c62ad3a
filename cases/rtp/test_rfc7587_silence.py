"""RFC 7587 and RFC 7874: silence in a stream of sound, sent and received; the audio level of RFC 6464."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from cases.rtp.speaking import Message, Voice, speak
from harness.capture.match import rtp as match
from harness.capture.wire import Wire
from harness.cases import check, clause, unsupported
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.rtp.extensions import AUDIO_LEVEL
from peer.wire import rtp

PCMU = {"mimeType": "audio/PCMU", "clockRate": 8000, "channels": 1}
CN = {"mimeType": "audio/CN", "clockRate": 8000, "channels": 1}


async def test_sanity_sound_arrives(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "audio", Voice())
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] > 3)
    check(row["packetsReceived"] > 3, f"packetsReceived is {row['packetsReceived']}")


@clause("RFC7587-3.1.3-M1")
async def test_timestamps_of_opus_differ_by_whole_frames(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "audio", Voice())
    stamps = [hit.packet.timestamp for hit in await speech.heard(wire, 12)]
    steps = {(after - before) & 0xFFFFFFFF for before, after in pairwise(stamps)}
    check(not any(step % 120 for step in steps), f"they differ by {sorted(steps)}")


@clause("RFC7587-3.1.3-M1")
async def test_silence_that_is_not_sent_is_not_lost(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    """Our sequence numbers go on by one where our timestamps leave 200 ms out."""
    voice = Voice()
    quiet: list[int] = []

    def discontinuous(packet: rtp.Packet) -> Iterable[Message]:
        if 5 <= len(voice.sent) < 15:
            quiet.append(packet.sequence_number)
            return ()
        return (replace(packet, sequence_number=(packet.sequence_number - len(quiet)) & 0xFFFF),)

    voice.bend(discontinuous)
    speech = await speak(peer, endpoint, "audio", voice)
    await voice.has_sent(20)
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] >= 10)
    check(row["packetsLost"] == 0, f"packetsLost is {row['packetsLost']}")
    check(row["packetsReceived"] >= 10, f"packetsReceived is {row['packetsReceived']}")


@clause("RFC7874-3-M2")
async def test_comfort_noise_is_agreed_on_for_g711(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "audio", Voice(), formats=[PCMU, CN])
    formats = [line for line in speech.connection.answer.split("\r\n") if line.startswith("m=audio")]
    check("13" in formats[0].split(" ")[3:], f"its answer has {formats[0]!r}")


@clause("RFC7874-3-M2")
async def test_comfort_noise_is_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    """RFC 3389: a packet of noise, then nothing for 100 ms, then sound again."""
    voice = Voice()

    def noise(packet: rtp.Packet) -> Iterable[Message]:
        at = len(voice.sent) % 10
        number = packet.sequence_number - 5 * (len(voice.sent) // 10) - max(at - 5, 0)
        quiet = replace(packet, payload_type=13, payload=b"\x40\x10\x08", sequence_number=number & 0xFFFF)
        if at < 5:
            return (replace(packet, sequence_number=number & 0xFFFF),)
        return (quiet,) if at == 5 else ()

    voice.bend(noise)
    speech = await speak(peer, endpoint, "audio", voice, formats=[PCMU, CN])
    if " 13" not in next(line for line in speech.connection.answer.split("\r\n") if line.startswith("m=audio")):
        unsupported("its answer has no comfort noise")
    await voice.has_sent(24)
    count = len(wire.all(match.packet(payload_type=13), sender=peer))
    row = await speech.counted("inbound-rtp", lambda row: row["packetsReceived"] >= 12)
    check(count >= 2 and row["packetsReceived"] >= 12, f"packetsReceived is {row['packetsReceived']}")
    check(row["packetsLost"] == 0, f"packetsLost is {row['packetsLost']}")


@clause("RFC8834-5.2.2-M1")
async def test_the_audio_level_is_told(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "audio", Voice())
    ids = [line for line in speech.connection.answer.split("\r\n") if AUDIO_LEVEL in line]
    check(len(ids) == 1, "its answer has no audio level")
    id = int(ids[0].removeprefix("a=extmap:").partition(" ")[0].partition("/")[0])
    for hit in await speech.heard(wire, 5):
        level = hit.packet.element(id)
        check(level is not None and len(level) == 1, f"packet {hit.packet.sequence} has the level {level!r}")
