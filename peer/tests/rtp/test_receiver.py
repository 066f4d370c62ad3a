"""Receivers: what the network and the other side do to a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from peer.rtp import (
    Codec,
    EncodedFrame,
    FrameLost,
    FrameReceived,
    KeyFrameRequested,
    SendStream,
    StreamStarted,
    extensions,
)
from peer.rtp.extensions import AudioLevel
from peer.rtp.fec import Recovery
from peer.rtp.payload import vp8
from peer.testing import Link
from peer.tests.rtp.test_fec import flexfec, ulpfec, xor
from peer.tests.rtp.worlds import (
    IDS,
    NTP_OFFSET,
    OPUS,
    RED,
    RTX,
    VP8,
    Camera,
    World,
    numbers,
    picture,
    receive_config,
    send_config,
    sound,
)
from peer.wire import rtp


def bend(change: Callable[[rtp.Packet], Iterable[rtp.Packet | bytes]]) -> Callable[[Any], Iterable[Any]]:
    return lambda message: change(message) if isinstance(message, rtp.Packet) else (message,)


def hundredth(payload_type: int) -> Callable[[bytes], bool]:
    """True to the hundredth datagram of this payload type."""
    count = iter(range(100_000))
    return lambda data: data[1] & 0x7F == payload_type and next(count) == 99


def test_a_request_that_gets_lost_is_repeated_before_a_round_trip_is_over() -> None:
    delay, nack = 0.05, 205
    requests = iter(range(100_000))
    asked = Link(delay=delay, drop_if=lambda data: data[1] == nack and data[0] & 0x1F == 1 and next(requests) == 0)
    world = World.make(Link(delay=delay, drop_if=hundredth(VP8.payload_type)), asked)
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    Camera(world, rate=100, size=500).run(2)
    shown = world.frames()
    times = [one.frame.arrival for one in shown]
    assert numbers(shown) == sorted(numbers(shown))
    assert next(requests) >= 2
    assert max(late - number / 100 for late, number in zip(times, numbers(shown), strict=True)) < 4 * delay + 0.05


def test_a_lost_picture_asks_for_a_key_frame_and_shows_nothing_torn() -> None:
    plain = Codec(96, "video/VP8", 90000, feedback=frozenset({"nack pli"}))
    world = World.make(Link(delay=0.02, drop=frozenset({30})))
    world.a.add_sender(send_config(codecs=(plain,), streams=(SendStream(0x1000),)))
    world.b.add_receiver(receive_config(codecs=(plain,)))
    camera = Camera(world)
    camera.run(2)
    world.pump.wait(0.3)
    assert len(world.seen(FrameLost)) == 1
    assert len(world.seen(KeyFrameRequested, at="a")) == 1
    shown = world.frames()
    lost = next(i for i, number in enumerate(numbers(shown)) if number != i)
    assert shown[lost].frame.key_frame
    assert numbers(shown)[-1] == camera.number - 1
    assert world.b.receivers[0].statistics[0].pli_count == 1
    assert world.a.senders[0].statistics[0].pli_count == 1


def test_only_fir_is_sent_where_only_that_was_negotiated() -> None:
    plain = Codec(96, "video/VP8", 90000, feedback=frozenset({"ccm fir"}))
    world = World.make(Link(delay=0.02, drop=frozenset({30})))
    world.a.add_sender(send_config(codecs=(plain,), streams=(SendStream(0x1000),)))
    world.b.add_receiver(receive_config(codecs=(plain,)))
    Camera(world).run(2)
    assert len(world.seen(KeyFrameRequested, at="a")) == 1
    assert world.b.receivers[0].statistics[0].fir_count == 1
    assert world.a.senders[0].statistics[0].fir_count == 1


def test_a_stream_joined_in_the_middle_asks_for_a_key_frame() -> None:
    world = World.make(Link(delay=0.02))
    sender = world.a.add_sender(send_config())
    for number in range(5):
        sender.send(picture(number, key_frame=number == 0), world.pump.now)
        world.pump.wait(0.03)
    world.b.add_receiver(receive_config())
    camera = Camera(world, number=5)
    camera.run(1)
    assert world.seen(KeyFrameRequested, at="a")
    assert world.frames()[0].frame.key_frame


def test_rtx_carries_the_original_number_and_fills_the_gap() -> None:
    world = World.make(Link(delay=0.02, drop=frozenset({12})))
    seen: list[rtp.Packet] = []

    def note(packet: rtp.Packet) -> Iterable[rtp.Packet]:
        seen.append(packet)
        return (packet,)

    world.a._seam._transform = bend(note)
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    Camera(world).run(1)
    (again,) = [packet for packet in seen if packet.ssrc == 0x2000]
    original = next(one for one in seen if one.sequence_number == int.from_bytes(again.payload[:2], "big"))
    assert again.payload_type == 97
    assert again.payload[2:] == original.payload
    assert again.timestamp == original.timestamp
    assert again.marker == original.marker
    assert not world.seen(FrameLost)


def test_without_rtx_the_same_packet_is_sent_again() -> None:
    plain = Codec(96, "video/VP8", 90000, feedback=frozenset({"nack", "nack pli"}))
    world = World.make(Link(delay=0.02, drop=frozenset({12})))
    world.a.add_sender(send_config(codecs=(plain,), streams=(SendStream(0x1000),)))
    world.b.add_receiver(receive_config(codecs=(plain,)))
    Camera(world).run(1)
    assert not world.seen(FrameLost)
    assert world.a.senders[0].statistics[0].retransmitted_packets_sent == 1


def test_red_brings_back_lost_sound() -> None:
    world = World.make(Link(delay=0.02, drop=frozenset({5, 9})))
    world.a.add_sender(send_config("audio", codecs=(RED, OPUS)))
    world.b.add_receiver(receive_config("audio"))
    for number in range(20):
        world.a.senders[0].send(sound(number), world.pump.now)
        world.pump.wait(0.02)
    world.pump.wait(0.1)
    assert [one.frame.timestamp // 960 for one in world.frames()] == list(range(20))
    assert {one.payload_type for one in world.frames()} == {111}
    (counters,) = world.b.receivers[0].statistics
    assert counters.packets_recovered == 20 - counters.packets_received > 0


def test_lost_sound_is_told_with_its_length() -> None:
    world = World.make(Link(delay=0.02, drop=frozenset({5, 6, 7})))
    world.a.add_sender(send_config("audio"))
    world.b.add_receiver(receive_config("audio"))
    for number in range(20):
        world.a.senders[0].send(sound(number), world.pump.now)
        world.pump.wait(0.02)
    world.pump.wait(0.2)
    (lost,) = world.seen(FrameLost)
    assert (lost.packets, lost.duration) == (3, 3 * 960)
    events = [type(event) for event in world.pump.b.events if isinstance(event, FrameLost | FrameReceived)]
    assert events.index(FrameLost) == 5


@pytest.mark.parametrize("reorder", [0.1, 0.4])
def test_reordering_within_reason_loses_nothing(reorder: float) -> None:
    world = World.make(Link(delay=0.02, reorder=reorder, reorder_delay=0.03, duplicate=0.1, seed=1))
    world.a.add_sender(send_config("audio"))
    world.b.add_receiver(receive_config("audio"))
    for number in range(200):
        world.a.senders[0].send(sound(number), world.pump.now)
        world.pump.wait(0.02)
    world.pump.wait(0.2)
    assert [one.frame.timestamp // 960 for one in world.frames()] == list(range(200))


def test_sequence_numbers_and_timestamps_wrap() -> None:
    world = World.make(Link(delay=0.02, loss=0.03, seed=8), Link(delay=0.02))
    sender = world.a.add_sender(send_config())
    sender.streams[0].media.sequence_number = 0xFFF0
    assert sender.streams[0].rtx is not None
    sender.streams[0].rtx.sequence_number = 0xFFFE
    world.b.add_receiver(receive_config())
    for number in range(120):
        timestamp = (0xFFFFFFFF - 60 * 3000 + number * 3000) & 0xFFFFFFFF
        sender.send(picture(number, 2500, key_frame=number == 0, timestamp=timestamp), world.pump.now)
        world.pump.wait(1 / 30)
    world.pump.wait(0.3)
    assert numbers(world.frames()) == list(range(120))
    assert world.a.senders[0].statistics[0].retransmitted_packets_sent > 3


def test_simulcast_layers_are_told_apart_by_rid_and_repaired_each() -> None:
    world = World.make(Link(delay=0.02, loss=0.03, seed=5), Link(delay=0.02))
    streams = tuple(SendStream(0x10 + place, 0x20 + place, rid) for place, rid in enumerate(("q", "h", "f")))
    sender = world.a.add_sender(send_config(streams=streams))
    world.b.add_receiver(receive_config(rids=("q", "h", "f")))
    for number in range(90):
        for rid in ("q", "h", "f"):
            sender.send(picture(number, 2500, key_frame=number == 0), world.pump.now, rid=rid)
        world.pump.wait(1 / 30)
    world.pump.wait(0.5)
    for rid in ("q", "h", "f"):
        assert numbers(one for one in world.frames() if one.rid == rid) == list(range(90))
    assert {event.rid for event in world.seen(StreamStarted)} == {"q", "h", "f"}
    assert all(one.retransmitted_packets_received for one in world.b.receivers[0].statistics)


def test_a_new_ssrc_goes_on_with_the_stream() -> None:
    world = World.make(Link(delay=0.02))
    sender = world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    camera = Camera(world)
    camera.run(0.5)
    world.pump.wait(0.1)  # what is queued is dropped with the old SSRC
    sender.configure(send_config(streams=(SendStream(0x3000, 0x4000),)), world.pump.now)
    for place in range(10):
        sender.send(picture(camera.number + place, key_frame=place == 0), world.pump.now)
        world.pump.wait(1 / 30)
    assert numbers(world.frames()) == list(range(camera.number + 10))
    assert [event.ssrc for event in world.seen(StreamStarted)] == [0x1000, 0x3000]


def test_capture_times_put_sound_and_pictures_together() -> None:
    ids = {uri: id for uri, id in IDS.items() if uri != extensions.ABS_CAPTURE_TIME}
    world = World.make(Link(delay=0.05))
    audio = world.a.add_sender(send_config("audio", mid="a", extensions=ids, streams=(SendStream(1),)))
    video = world.a.add_sender(send_config(mid="v", extensions=ids, streams=(SendStream(2, 3),), key=5))
    world.b.add_receiver(receive_config("audio", mid="a", extensions=ids))
    world.b.add_receiver(receive_config(mid="v", extensions=ids, key=6))
    for number in range(150):
        now = world.pump.now
        captured = now - 0.04  # the encoder takes its time
        audio.send(EncodedFrame(b"\xfc\x01\x02", round(now * 48000) & 0xFFFFFFFF, arrival=now), now)
        shown = EncodedFrame(
            picture(number, key_frame=number == 0).data,
            round(captured * 90000 + 777) & 0xFFFFFFFF,
            key_frame=number == 0,
            arrival=captured,
        )
        video.send(shown, now)
        world.pump.wait(0.02)
    for key, delay in ((2, 0.05), (6, 0.09)):
        late = [one.frame for one in world.frames() if one.key == key][-20:]
        for frame in late:
            assert frame.capture_ntp is not None
            assert frame.arrival + NTP_OFFSET - frame.capture_ntp == pytest.approx(delay, abs=0.01)


def test_absolute_capture_time_needs_no_report() -> None:
    world = World.make(Link(delay=0.05))
    world.a.add_sender(send_config("audio"))
    world.b.add_receiver(receive_config("audio"))
    world.pump.wait(1.0)
    world.a.senders[0].send(sound(0), world.pump.now)
    world.pump.wait(0.06)
    (shown,) = world.frames()
    assert shown.frame.capture_ntp == pytest.approx(NTP_OFFSET + 1.0, abs=1e-6)


def test_audio_levels_and_contributors_are_noted() -> None:
    world = World.make(Link(delay=0.02))

    def mixed(packet: rtp.Packet) -> Iterable[rtp.Packet]:
        return (
            rtp.Packet(
                packet.payload_type,
                packet.sequence_number,
                packet.timestamp,
                packet.ssrc,
                packet.payload,
                csrcs=(71, 72),
                extensions=(*packet.extensions, rtp.Extension(12, b"\x05\x06")),
            ),
        )

    world.a._seam._transform = bend(mixed)
    world.a.add_sender(send_config("audio"))
    receiver = world.b.add_receiver(receive_config("audio", extensions={**IDS, extensions.MIXER_AUDIO_LEVEL: 12}))
    world.a.senders[0].send(sound(0, audio_level=33, voice=True), world.pump.now)
    world.pump.wait(0.03)
    now = world.pump.now
    sources = {one.ssrc: (one.contributing, one.audio_level) for one in receiver.sources(now)}
    assert sources == {0x1000: (False, 33), 71: (True, 5), 72: (True, 6)}
    assert receiver.sources(now + 10.1) == []
    (shown,) = world.frames()
    assert (shown.frame.audio_level, shown.frame.voice) == (33, True)
    assert AudioLevel(33, True) == extensions.pull_audio_level(b"\xa1")


class Parity:
    """Makes repair packets over every four media packets, as a seam of the sender."""

    def __init__(self, *, flex: bool) -> None:
        self.flex = flex
        self.packets: list[bytes] = []
        self.base = 0
        self.number = 100

    def __call__(self, packet: rtp.Packet) -> Iterable[rtp.Packet]:
        if packet.payload_type != 96:
            return (packet,)
        if not self.packets:
            self.base = packet.sequence_number
        self.packets.append(packet.serialize())
        if len(self.packets) < 4:
            return (packet,)
        packets, self.packets = self.packets, []
        assert xor(packets)
        payload = flexfec(packets, self.base, [0, 1, 2, 3]).replace(b"\0\0\x124", (0x1000).to_bytes(4, "big"), 1)
        self.number += 1
        return packet, rtp.Packet(49, self.number, packet.timestamp, 0x5000, payload)


def test_flexfec_brings_back_a_lost_packet() -> None:
    plain = Codec(96, "video/VP8", 90000, feedback=frozenset({"nack pli"}))
    flex = Codec(49, "video/flexfec-03", 90000)
    world = World.make(Link(delay=0.02, drop=frozenset({11, 23, 37})))
    world.a._seam._transform = bend(Parity(flex=True))
    world.a.add_sender(send_config(codecs=(plain,), streams=(SendStream(0x1000),), extensions={extensions.MID: 1}))
    world.b.add_receiver(
        receive_config(codecs=(plain, flex), protects={0x5000: 0x1000}, extensions={extensions.MID: 1})
    )
    camera = Camera(world)
    camera.run(1)
    world.pump.wait(0.2)
    assert numbers(world.frames()) == list(range(camera.number))
    (counters,) = world.b.receivers[0].statistics
    assert counters.packets_recovered == 3
    assert counters.fec_packets_received > 10
    assert counters.fec_packets_discarded == counters.fec_packets_received - 3


def test_ulpfec_in_red_brings_back_a_lost_packet() -> None:
    plain = Codec(96, "video/VP8", 90000, feedback=frozenset({"nack pli"}))
    red, ulp = Codec(118, "video/red", 90000), Codec(120, "video/ulpfec", 90000)
    world = World.make()
    receiver = world.b.add_receiver(receive_config(codecs=(plain, red, ulp), extensions={}))
    frames = [picture(number, 900, key_frame=number == 0).data for number in range(4)]
    media = [rtp.Packet(96, number, number * 3000, 0x1000, b"\x10" + data, True) for number, data in enumerate(frames)]
    parity = ulpfec([one.serialize() for one in media], 0, [0, 1, 2, 3])
    sent = [rtp.Packet(118, one.sequence_number, one.timestamp, 0x1000, b"\x60" + one.payload, True) for one in media]
    sent.append(rtp.Packet(118, 4, 9000, 0x1000, b"\x78" + parity))
    shown: list[int] = []
    for packet in (sent[0], sent[1], sent[3], sent[4]):
        events = receiver.receive(packet, packet.serialize(), 0.0)
        assert not isinstance(events, str)
        shown += numbers(event for event in events if isinstance(event, FrameReceived))
    assert shown == [0, 1, 2, 3]
    assert receiver.statistics[0].packets_recovered == 1
    assert Recovery().discarded == 0


def test_a_number_that_was_no_part_of_a_picture_is_not_waited_for() -> None:
    world = World.make()
    receiver = world.b.add_receiver(receive_config())
    shown: list[int] = []

    def receive(number: int, picture_id: int, *, key_frame: bool = False) -> None:
        head = vp8.Descriptor(picture_id=picture_id).serialize()
        data = head + picture(number, key_frame=key_frame).data
        packet = rtp.Packet(96, number, number * 3000, 0x1000, data, True)
        events = receiver.receive(packet, packet.serialize(), 0.0)
        assert not isinstance(events, str)
        shown.extend(numbers(event for event in events if isinstance(event, FrameReceived)))

    receive(0, 0x7FFF, key_frame=True)
    receive(3, 0)  # 1 and 2 were FEC, say
    assert shown == [0, 3]
    assert receiver.statistics[0].nack_count == 0
    receive(5, 2)  # 4 was a picture
    assert shown == [0, 3]
    assert receiver.statistics[0].nack_count == 1
    receive(4, 1)
    assert shown == [0, 3, 4, 5]


def test_a_codec_may_change_in_mid_stream() -> None:
    other = Codec(98, "audio/PCMU", 8000, 1)
    world = World.make(Link(delay=0.02))
    sender = world.a.add_sender(send_config("audio", codecs=(OPUS, other)))
    world.b.add_receiver(receive_config("audio", codecs=(OPUS, other)))
    for number in range(10):
        sender.send(sound(number), world.pump.now)
        world.pump.wait(0.02)
    for number in range(10):
        frame = EncodedFrame(b"\x7f" * 160, 5000 + number * 160)
        sender.send(frame, world.pump.now, payload_type=98)
        world.pump.wait(0.02)
    world.pump.wait(0.1)
    assert [one.payload_type for one in world.frames()] == [111] * 10 + [98] * 10


def test_rtx_for_nobody_and_unknown_payload_types_are_discarded() -> None:
    world = World.make()
    receiver = world.b.add_receiver(receive_config())
    packet = rtp.Packet(97, 1, 0, 9, b"\x00\x01x")
    assert "isn't known" in str(receiver.receive(packet, packet.serialize(), 0.0))
    packet = rtp.Packet(33, 1, 0, 9, b"x")
    assert "not negotiated" in str(receiver.receive(packet, packet.serialize(), 0.0))
    assert (VP8.name, RTX.name) == ("vp8", "rtx")
