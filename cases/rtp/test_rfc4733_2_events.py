"""RFC 4733 section 2: a key pressed in a page, as telephone events in the audio stream."""

from __future__ import annotations

from itertools import pairwise

from cases.rtp.speaking import Speech, Voice, seen, speak
from harness.capture.match import rtp as match
from harness.capture.matcher import Matcher
from harness.capture.wire import Hit, Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference

# G.711 and events have one clock, and everyone has both.
PCMU = {"mimeType": "audio/PCMU", "clockRate": 8000, "channels": 1}
EVENTS = {"mimeType": "audio/telephone-event", "clockRate": 8000, "channels": 1, "sdpFmtpLine": "0-15"}


async def press(peer: Reference, endpoint: Endpoint, wire: Wire, tone: str = "5") -> tuple[Speech, list[Hit]]:
    """The packets of one event of 100 ms, up to its last report."""
    speech = await speak(peer, endpoint, "audio", Voice(), formats=[PCMU, EVENTS])
    await speech.heard(wire, 2, name="pcmu")
    dtmf = await speech.sender.follow("dtmf")
    await dtmf.call("insertDTMF", tone, 100)
    last = event(speech).where(lambda packet: bytes(packet.media)[1] >= 0x80, "that ends one")
    await seen(wire, last, endpoint, 3)
    return speech, wire.all(event(speech), sender=endpoint)


def event(speech: Speech) -> Matcher:
    return match.packet(payload_type=speech.payload_types["telephone-event"], opened=True)


def durations(hits: list[Hit]) -> list[int]:
    return [int.from_bytes(bytes(hit.packet.media)[2:4], "big") for hit in hits]


async def test_sanity_a_key_is_heard(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await press(peer, endpoint, wire)
    check({bytes(hit.packet.media)[0] for hit in hits} == {5}, "another key was heard")


@clause("RFC4733-2.1-M1", "RFC4733-2.5.1.2-M1")
async def test_events_are_part_of_the_audio_stream(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech, hits = await press(peer, endpoint, wire)
    audio = wire.all(match.packet(payload_type=speech.payload_types["pcmu"], opened=True), sender=endpoint)
    check({hit.packet.ssrc for hit in hits} == {audio[0].packet.ssrc}, "events have an SSRC of their own")
    numbers = sorted(hit.packet.sequence for hit in [*audio, *hits])
    check(len(numbers) == len(set(numbers)), "a sequence number is used twice")


@clause("RFC4733-2.5.1.2-M3", "RFC4733-2.5.1.2-M5")
async def test_the_first_packet_alone_is_marked(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await press(peer, endpoint, wire)
    marks = [int(hit.packet.marker) for hit in hits]
    check(marks == [1] + [0] * (len(marks) - 1), f"the marker bits are {marks}")


@clause("RFC4733-2.5.1.2-M2")
async def test_all_packets_of_an_event_have_one_timestamp(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await press(peer, endpoint, wire)
    check(len({hit.packet.timestamp for hit in hits}) == 1, "the timestamp changes")


@clause("RFC4733-2.5.1.2-M2", "RFC4733-2.3.5-M1")
async def test_the_duration_grows(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await press(peer, endpoint, wire)
    said = durations(hits)
    check(said[0] > 0 and all(a <= b for a, b in pairwise(said)), f"the durations are {said}")
    check(said[-1] > said[0], f"the durations are {said}")


@clause("RFC4733-2.5.1.2-M4", "RFC4733-2.5.1.4-M1")
async def test_the_last_packets_say_that_it_ended(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await press(peer, endpoint, wire)
    ends = [bytes(hit.packet.media)[1] >> 7 for hit in hits]
    check(ends == sorted(ends) and ends[-1] == 1, f"the E bits are {ends}")


@clause("RFC4733-2.5.1.4-S1")
async def test_the_last_packet_is_sent_three_times(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await press(peer, endpoint, wire)
    said = durations(hits)
    check(said.count(said[-1]) == 3, f"the durations are {said}")


@clause("RFC4733-2.3.3-M1")
async def test_the_reserved_bit_is_clear(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await press(peer, endpoint, wire)
    check(all(not bytes(hit.packet.media)[1] & 0x40 for hit in hits), "the R bit is set")


@clause("RFC4733-2.5.1.6-M1")
async def test_the_sequence_number_goes_up_by_one(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    _, hits = await press(peer, endpoint, wire)
    stream = wire.all(match.packet(ssrc=hits[0].packet.ssrc, opened=True), sender=endpoint)
    steps = [(b.packet.sequence - a.packet.sequence) & 0xFFFF for a, b in pairwise(stream)]
    check(set(steps) == {1}, f"the steps are {steps}")
