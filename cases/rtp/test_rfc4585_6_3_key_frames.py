"""RFC 4585 section 6.3 and RFC 5104 section 4.3: asking for a key frame, and being asked."""

from __future__ import annotations

from collections.abc import Callable

from cases.rtp.speaking import OURS, Voice, first_ssrc, is_key_frame, seen, speak
from harness.capture.match import rtp as match
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire import rtcp, rtp

Ask = Callable[[int], rtcp.Packet]


async def answered(peer: Reference, endpoint: Endpoint, wire: Wire, ask: Ask) -> None:
    """The endpoint sends a key frame within thirty frames of being asked: a second, where it has the time."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    hits = await speech.heard(wire, 8)
    voice.say((ask(hits[0].packet.ssrc),))
    kind = 206
    asked = (await seen(wire, match.report(kind), peer))[0]
    key_frame = match.packet(payload_type=speech.payload_types["vp8"], opened=True).where(
        lambda packet: is_key_frame(bytes(packet.media)), "that begins a key frame"
    )
    hit = (await seen(wire, key_frame, endpoint, after=asked))[0]
    frames = {one.packet.timestamp for one in await speech.heard(wire, after=asked) if one.number < hit.number}
    check(len(frames) <= 30, f"{len(frames)} frames came before the key frame")


async def test_sanity_the_stream_begins_with_a_key_frame(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    speech = await speak(peer, endpoint, "video", Voice())
    first = (await speech.heard(wire, 1))[0].packet
    check(is_key_frame(bytes(first.media)), "the first packet begins no key frame")


@clause("RFC8834-5.1.2-M1")
async def test_a_picture_loss_indication_is_answered_by_a_key_frame(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await answered(peer, endpoint, wire, lambda ssrc: rtcp.PictureLoss(OURS, ssrc))


@clause("RFC8834-5.1.1-M1")
async def test_a_full_intra_request_is_answered_by_a_key_frame(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await answered(peer, endpoint, wire, lambda ssrc: rtcp.FullIntraRequest(OURS, ((ssrc, 1),)))


@clause("RFC4585-6.3.1.2-M1", "RFC4585-6.3.1-M1")
async def test_a_picture_loss_indication_has_nothing_behind_its_head(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    voice = Voice()
    deaf = [True]

    def without_beginning(packet: rtp.Packet) -> tuple[rtp.Packet, ...]:
        deaf[0] = deaf[0] and not (packet.payload and len(voice.sent) > 3)
        return () if deaf[0] else (packet,)

    voice.bend(without_beginning)
    speech = await speak(peer, endpoint, "video", voice)
    await voice.has_sent(5)
    hit = (await seen(wire, match.pli(media=first_ssrc(voice, speech)), endpoint))[0]
    check(hit.packet.length == 2, f"its length is {hit.packet.length}, not 2")
