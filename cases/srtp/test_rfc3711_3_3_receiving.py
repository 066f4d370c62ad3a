"""RFC 3711 section 3.3 and 3.4: what an endpoint does with protected packets, and with those that are not quite.

A packet of ours that is not taken is asked for again by its sequence number: that is how a case sees it refused. A
request of ours (RTCP) that is not taken is not answered, though the one behind it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from cases.rtp.speaking import OURS, Speech, Voice, answers, first_ssrc, missed, rtx_of, speak, until
from harness.capture.match import rtp as match
from harness.capture.wire import Wire
from harness.cases import clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer import srtp
from peer.api import Seams
from peer.ice.agent import Transmission
from peer.wire import rtcp, rtp

Spoil = Callable[[bytes], Iterable[bytes]]


class Hand:
    """A transform for `Seams(datagram=...)`: protected datagrams of ours, in its hand once each."""

    def __init__(self) -> None:
        self._media: Spoil | None = None
        self._requests: list[Spoil] = []
        self.number: int | None = None
        """The sequence number of the packet that was spoilt."""

    def __call__(self, message: Transmission) -> Iterable[Transmission]:
        data = message.data
        if not data or not 128 <= data[0] < 192:
            return (message,)
        if not 192 <= data[1] <= 223:
            if self._media is None or data[1] & 0x7F != 96:
                return (message,)
            spoil, self._media = self._media, None
            self.number = int.from_bytes(data[2:4], "big")
        elif data[1] == 205 and self._requests and data[0] & 0x1F == 1:
            spoil = self._requests.pop(0)
        else:
            return (message,)
        return [replace(message, data=changed) for changed in spoil(data)]

    def media(self, spoil: Spoil) -> None:
        """The next packet of our stream."""
        self._media = spoil

    def requests(self, *spoils: Spoil) -> None:
        """Our next NACKs, one by one."""
        self._requests += spoils


async def refused(peer: Reference, endpoint: Endpoint, wire: Wire, spoil: Spoil) -> None:
    """A spoilt packet of our stream is asked for as if it had never come."""
    voice, hand = Voice(), Hand()
    speech = await speak(peer, endpoint, "video", voice, seams=Seams(datagram=hand))
    await voice.has_sent(5)
    hand.media(spoil)
    await until(lambda: hand.number is not None, "no packet of ours left")
    assert hand.number is not None
    await missed(speech, voice, wire, hand.number)


async def request(peer: Reference, endpoint: Endpoint, wire: Wire, *spoils: Spoil) -> tuple[Speech, list[int]]:
    """Requests for two packets leave through `spoils`; the second one is answered."""
    voice, hand = Voice(), Hand()
    speech = await speak(peer, endpoint, "video", voice, seams=Seams(datagram=hand))
    packets = [hit.packet for hit in (await speech.heard(wire, 10))[-2:]]
    hand.requests(*spoils)
    voice.say(*[(rtcp.Nack(OURS, packet.ssrc, (packet.sequence,)),) for packet in packets])
    numbers = [packet.sequence for packet in packets]
    await answers(speech, wire, numbers[1])
    return speech, numbers


async def unheard(peer: Reference, endpoint: Endpoint, wire: Wire, spoil: Spoil) -> None:
    """A spoilt request is not answered, the one behind it is."""
    speech, numbers = await request(peer, endpoint, wire, spoil)
    wire.never(rtx_of(speech, numbers[0]), sender=endpoint)


def flipped(at: int) -> Spoil:
    """One bit of a byte is another one."""

    def spoil(data: bytes) -> Iterable[bytes]:
        changed = bytearray(data)
        changed[at] ^= 0x01
        return (bytes(changed),)

    return spoil


async def test_sanity_what_is_not_spoilt_is_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await request(peer, endpoint, wire)


@clause("RFC3711-3.3-M4", "RFC3711-4.2-M3")
async def test_a_packet_with_another_tag_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await refused(peer, endpoint, wire, flipped(-1))


@clause("RFC3711-3.3-M4")
async def test_a_packet_with_another_payload_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await refused(peer, endpoint, wire, flipped(-30))


@clause("RFC3711-3.3-M4", "RFC7714-8.2-M1")
async def test_a_packet_with_another_marker_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def spoil(data: bytes) -> Iterable[bytes]:
        return (data[:1] + bytes([data[1] ^ 0x80]) + data[2:],)

    await refused(peer, endpoint, wire, spoil)


@clause("RFC3711-3.3-M4")
async def test_a_packet_with_another_timestamp_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await refused(peer, endpoint, wire, flipped(7))


@clause("RFC3711-3.3-M4")
async def test_a_packet_with_another_header_extension_is_refused(
    peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await refused(peer, endpoint, wire, flipped(19))


@clause("RFC3711-3.2.3-M2")
async def test_a_packet_moved_to_another_ssrc_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await refused(peer, endpoint, wire, flipped(11))


@clause("RFC3711-3.3-M4")
async def test_a_packet_cut_short_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await refused(peer, endpoint, wire, lambda data: (data[:20], data[:-4]))


@clause("RFC8827-6.5-M4", "RFC8834-4.2-M3")
async def test_a_packet_in_clear_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def clear(data: bytes) -> Iterable[bytes]:
        number, timestamp = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
        packet = rtp.Packet(data[1] & 0x7F, number, timestamp, int.from_bytes(data[8:12], "big"), b"\x10" + bytes(200))
        return (replace(packet, marker=data[1] >= 0x80).serialize(),)

    await refused(peer, endpoint, wire, clear)


@clause("RFC3711-3.3-M4", "RFC3711-3.2.3-M2")
async def test_a_packet_under_another_key_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    profile = srtp.PROFILES[0x0007]
    stranger = srtp.Outbound(profile, srtp.MasterKey(b"k" * profile.key_length, b"s" * profile.salt_length))
    await refused(peer, endpoint, wire, lambda data: (stranger.protect(data[:-16]),))


@clause("RFC3711-3.3.1-M6", "RFC3711-3.3.1-S1")
async def test_sequence_numbers_may_wrap(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    offset: list[int] = []
    lost: list[int] = []

    def shifted(packet: rtp.Packet) -> Iterable[rtp.Packet]:
        if packet.payload_type != 96:
            return (packet,)
        offset.append(65528 - packet.sequence_number if not offset else offset[0])
        number = packet.sequence_number + offset[0]
        if number == 65536 + 6:
            lost.append(number & 0xFFFF)
            return ()
        return (replace(packet, sequence_number=number & 0xFFFF),)

    voice.bend(shifted)
    speech = await speak(peer, endpoint, "video", voice)
    await until(lambda: bool(lost), "we sent too few packets")
    # It asks for the one that was lost behind the wrap, and for none of those around it.
    hit = await missed(speech, voice, wire, lost[0])
    assert hit.packet.lost == lost
    wire.never(match.nack(media=first_ssrc(voice, speech), lost=(lost[0] - 1) & 0xFFFF), sender=endpoint)


@clause("RFC3711-3.4-M13", "RFC3711-3.3-M4")
async def test_control_with_another_tag_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await unheard(peer, endpoint, wire, flipped(-5))


@clause("RFC3711-3.4-M13")
async def test_control_with_other_content_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await unheard(peer, endpoint, wire, flipped(15))


@clause("RFC3711-3.4-M13", "RFC7714-9-M1")
async def test_control_with_another_index_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await unheard(peer, endpoint, wire, flipped(-1))


@clause("RFC8827-6.5-M4", "RFC3711-3.4-M13")
async def test_control_in_clear_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice, hand = Voice(), Hand()
    speech = await speak(peer, endpoint, "video", voice, seams=Seams(datagram=hand))
    first, second = [hit.packet for hit in (await speech.heard(wire, 10))[-2:]]
    plain = rtcp.Nack(OURS, first.ssrc, (first.sequence,)).serialize()
    hand.requests(lambda data: (plain, data))
    voice.say((rtcp.Nack(OURS, second.ssrc, (second.sequence,)),))
    await answers(speech, wire, second.sequence)
    wire.never(rtx_of(speech, first.sequence), sender=endpoint)


@clause("RFC3711-3.3.2-M2", "RFC3711-3.4-M13")
async def test_control_cut_short_is_refused(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await unheard(peer, endpoint, wire, lambda data: (data[:12], data[:-6]))


@clause("RFC3711-3.3.2-M2")
async def test_control_behind_a_newer_one_is_taken(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    held: list[bytes] = []

    def hold(data: bytes) -> Iterable[bytes]:
        held.append(data)
        return ()

    speech, numbers = await request(peer, endpoint, wire, hold, lambda data: (data, *held))
    await answers(speech, wire, numbers[0])


@clause("RFC3711-3.3-M3", "RFC3711-3.3.2-M2", "RFC3711-3.3.2-S1")
async def test_control_that_comes_twice_is_taken_once(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice, hand = Voice(), Hand()
    speech = await speak(peer, endpoint, "video", voice, seams=Seams(datagram=hand))
    first, second, third = [hit.packet for hit in (await speech.heard(wire, 10))[-3:]]
    kept: list[bytes] = []

    def keep(data: bytes) -> Iterable[bytes]:
        kept.append(data)
        return (data,)

    hand.requests(keep, lambda data: (data,), lambda data: (*kept, data))
    for packet in (first, second, third):
        voice.say((rtcp.Nack(OURS, packet.ssrc, (packet.sequence,)),))
        await answers(speech, wire, packet.sequence)
    wire.count(rtx_of(speech, first.sequence), exactly=1, sender=endpoint)
