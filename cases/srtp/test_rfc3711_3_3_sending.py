"""RFC 3711 sections 3.3, 3.4 and 4.1, and RFC 7714: protected packets as an endpoint sends them."""

from __future__ import annotations

from cases.rtp.speaking import Voice, seen, speak
from harness.capture.match import dtls
from harness.capture.match import rtp as match
from harness.capture.wire import Hit, Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference


async def control(peer: Reference, endpoint: Endpoint, wire: Wire) -> list[bytes]:
    """The endpoint's first SRTCP packets as they travel, by the SSRC of most of them."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    await voice.has_sent(5)
    for _ in range(3):
        voice.once(lambda packet: (), fits=lambda packet: packet.payload_type == speech.payload_types["vp8"])
        await voice.was_bent()
        assert voice.bent is not None
        await seen(wire, match.nack(lost=voice.bent.sequence_number), endpoint)
    packets = [bytes(hit.frame.payload) for hit in wire.all(match.compound(), sender=endpoint)]
    ssrcs = [packet[4:8] for packet in packets]
    busiest = max(ssrcs, key=ssrcs.count)
    return [packet for packet in packets if packet[4:8] == busiest]


def index(packet: bytes) -> int:
    """The SRTCP index of an AEAD profile: 31 bits at the very end (RFC 7714 section 9.2)."""
    return int.from_bytes(packet[-4:], "big") & 0x7FFFFFFF


async def test_sanity_control_is_sent(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    check(len(await control(peer, endpoint, wire)) >= 3, "too little RTCP")


@clause("RFC3711-3.4-M7")
async def test_the_control_index_counts_by_one(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    numbers = [index(packet) for packet in await control(peer, endpoint, wire)]
    check(numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"the indices are {numbers}")


@clause("RFC3711-3.4-M5")
async def test_control_says_that_it_is_encrypted(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    flags = {packet[-4] >> 7 for packet in await control(peer, endpoint, wire)}
    check(flags == {1}, f"the E bits are {flags}")


async def stream(peer: Reference, endpoint: Endpoint, wire: Wire) -> list[Hit]:
    """The endpoint's RTP packets."""
    speech = await speak(peer, endpoint, "video", Voice())
    await speech.heard(wire, 10)
    return wire.all(match.packet(), sender=endpoint)


@clause("RFC3711-3.3.1-M1", "RFC3711-3.3.1-M3")
async def test_the_roll_over_counter_begins_at_zero(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    await seen(wire, match.packet(payload_type=speech.payload_types["vp8"]), endpoint, 10)
    # Our side knows no other way than to begin at zero.
    received = [one for one in (await speech.here.getStats()).values() if one["type"] == "inbound-rtp"]
    opened = sum(one["packetsReceived"] for one in received)
    check(opened > 5, f"{opened} packets can be opened with a roll-over counter of zero")


@clause("RFC3711-4.1.1-M6", "RFC3711-4.1.1-M7")
async def test_no_index_is_used_for_two_packets(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    known: dict[tuple[int, int], bytes] = {}
    for hit in await stream(peer, endpoint, wire):
        data = bytes(hit.frame.payload)
        before = known.setdefault((hit.packet.ssrc, hit.packet.sequence), data)
        check(before == data, f"two packets of SSRC {hit.packet.ssrc:#x} have number {hit.packet.sequence}")


@clause("RFC8827-6.5-M5", "RFC8834-4.2-M2")
async def test_nothing_travels_in_clear(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await stream(peer, endpoint, wire)
    wire.never(match.unopened(), sender=endpoint)


@clause("RFC5764-5.1-M1")
async def test_nothing_is_protected_before_the_handshake(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    hits = await stream(peer, endpoint, wire)
    wire.never(match.packet(), sender=endpoint, before=wire.expect(dtls.finished(), sender=endpoint))
    check(bool(hits), "no packet was sent")


@clause("RFC7714-8.2-M1")
async def test_packets_are_longer_by_the_tag_alone(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    for hit in await stream(peer, endpoint, wire):
        longer = len(bytes(hit.frame.payload)) - len(bytes(hit.item.data))
        check(longer == 16, f"a packet is longer by {longer} bytes than what it protects")
