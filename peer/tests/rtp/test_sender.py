"""Senders: what goes out, as a look into the packets shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from peer.errors import LocalProtocolError
from peer.rtp import Codec, EncodedFrame, SendStream, Transport, extensions
from peer.rtp.extensions import AudioLevel, CaptureTime, Orientation
from peer.rtp.payload import vp8
from peer.tests.rtp.worlds import IDS, NTP_OFFSET, OPUS, connect_keys, picture, send_config, sound, transport
from peer.wire import rtcp, rtp


class Ear:
    """Hears what a transport sends, in clear."""

    def __init__(self, one: Transport) -> None:
        self.rtp: list[rtp.Packet] = []
        self.rtcp: list[tuple[rtcp.Packet, ...]] = []
        one._seam._transform = self

    def __call__(self, message: Any) -> Iterable[Any]:
        (self.rtcp if isinstance(message, tuple) else self.rtp).append(message)
        return (message,)


@pytest.fixture
def a() -> Transport:
    a = transport("a")
    connect_keys(a, transport("b"))
    return a


def drain(one: Transport, until: float) -> None:
    now = 0.0
    one.datagrams_to_send(now)
    while (due := one.next_timeout()) is not None and due <= until:
        now = max(now, due)
        one.handle_timeout(now)
        one.datagrams_to_send(now)


def value(packet: rtp.Packet, uri: str) -> bytes | None:
    return packet.extension(IDS[uri])


def test_a_frame_is_one_timestamp_with_a_marker_at_its_end(a: Transport) -> None:
    ear = Ear(a)
    a.add_sender(send_config()).send(picture(7, 5000, key_frame=True), 0.0)
    drain(a, 1.0)
    packets = [one for one in ear.rtp if one.payload]
    assert {one.timestamp for one in packets} == {21000}
    assert [one.marker for one in packets] == [False] * (len(packets) - 1) + [True]
    first = packets[0].sequence_number
    assert [one.sequence_number - first for one in packets] == list(range(len(packets)))
    assert first < 0x8000
    assert all(len(one.serialize()) <= 1180 for one in packets)


def test_picture_ids_go_on_when_other_formats_are_negotiated(a: Transport) -> None:
    ear = Ear(a)
    sender = a.add_sender(send_config())
    sender.send(picture(0, 100, key_frame=True), 0.0)
    sender.configure(replace(sender.config, codecs=(*sender.config.codecs, OPUS)), 0.1)
    sender.send(picture(1, 100), 0.1)
    drain(a, 1.0)
    first, second = (vp8.parse(one.payload)[0].picture_id or 0 for one in ear.rtp if one.payload)
    assert second == (first + 1) & 0x7FFF


def test_every_packet_names_its_section_and_encoding(a: Transport) -> None:
    ear = Ear(a)
    streams = (SendStream(1, 2, "lo"), SendStream(3, 4, "hi"))
    sender = a.add_sender(send_config(mid="vid", streams=streams))
    sender.send(picture(0, 3000), 0.0, rid="hi")
    drain(a, 0.2)
    assert {value(one, extensions.MID) for one in ear.rtp} == {b"vid"}
    assert {(one.ssrc, value(one, extensions.RID)) for one in ear.rtp} == {(3, b"hi")}


def test_an_rtx_packet_names_what_it_repairs(a: Transport) -> None:
    ear = Ear(a)
    sender = a.add_sender(send_config(streams=(SendStream(1, 2, "lo"),)))
    sender.send(picture(0, 500), 0.0)
    a.datagrams_to_send(0.0)
    sender.retransmit(sender.streams[0], [ear.rtp[0].sequence_number], 0.1, 0.05)
    a.datagrams_to_send(0.1)
    again = ear.rtp[1]
    assert again.ssrc == 2
    assert value(again, extensions.REPAIRED_RID) == b"lo"
    assert value(again, extensions.RID) is None
    assert value(again, extensions.MID) == b"0"


def test_what_was_sent_again_a_moment_ago_is_not_sent_once_more(a: Transport) -> None:
    ear = Ear(a)
    sender = a.add_sender(send_config())
    sender.send(picture(0, 500), 0.0)
    a.datagrams_to_send(0.0)
    for now in (0.1, 0.12, 0.3):
        sender.retransmit(sender.streams[0], [ear.rtp[0].sequence_number], now, 0.1)
        a.datagrams_to_send(now)
    assert [one.ssrc for one in ear.rtp] == [0x1000, 0x2000, 0x2000]
    sender.retransmit(sender.streams[0], [ear.rtp[0].sequence_number], 10.0, 0.1)
    a.datagrams_to_send(10.0)
    assert len([one for one in ear.rtp if one.ssrc == 0x2000]) == 2  # too old by now


def test_the_extensions_tell_when_it_left_and_how_loud_it_was(a: Transport) -> None:
    ear = Ear(a)
    sender = a.add_sender(send_config("audio"))
    sender.send(sound(1, audio_level=42, voice=True, arrival=1.25), 1.5)
    a.datagrams_to_send(1.5)
    (packet,) = ear.rtp
    sent = value(packet, extensions.ABS_SEND_TIME)
    assert sent == extensions.push_abs_send_time(1.5 + NTP_OFFSET)
    assert value(packet, extensions.AUDIO_LEVEL) == extensions.push_audio_level(AudioLevel(42, True))
    captured = value(packet, extensions.ABS_CAPTURE_TIME)
    assert captured == extensions.push_capture_time(CaptureTime(int((1.25 + NTP_OFFSET) * 2**32)))
    assert not packet.marker


def test_the_last_packet_of_a_key_frame_tells_the_orientation(a: Transport) -> None:
    ear = Ear(a)
    a.add_sender(send_config()).send(picture(0, 3000, key_frame=True), 0.0)
    drain(a, 0.5)
    told = [value(one, extensions.VIDEO_ORIENTATION) for one in ear.rtp if one.payload]
    assert told == [None] * (len(told) - 1) + [extensions.push_orientation(Orientation())]


def test_transport_wide_numbers_go_on_over_all_streams(a: Transport) -> None:
    ear = Ear(a)
    video = a.add_sender(send_config(mid="v"))
    audio = a.add_sender(send_config("audio", mid="a", key=3, streams=(SendStream(0x9),)))
    for number in range(5):
        video.send(picture(number, 500), number * 0.1)
        audio.send(sound(number), number * 0.1)
        a.datagrams_to_send(number * 0.1)
    wide = [extensions.pull_transport_wide(value(one, extensions.TRANSPORT_WIDE) or b"") for one in ear.rtp]
    assert [one - wide[0] for one in wide] == list(range(len(ear.rtp)))
    assert {one.ssrc for one in ear.rtp} == {0x1000, 0x9}


def test_pacing_spreads_a_large_frame(a: Transport) -> None:
    sender = a.add_sender(send_config())
    sender.send(picture(0, 20_000, key_frame=True), 0.0)
    assert len(a.datagrams_to_send(0.0)) <= 2
    drain(a, 0.15)
    assert a._pacer.queued > 5_000
    drain(a, 0.6)
    assert a._pacer.queued == 0


def test_sound_does_not_wait_behind_pictures(a: Transport) -> None:
    ear = Ear(a)
    a.add_sender(send_config()).send(picture(0, 20_000, key_frame=True), 0.0)
    audio = a.add_sender(send_config("audio", mid="a", key=3, streams=(SendStream(0x9),)))
    a.datagrams_to_send(0.0)
    audio.send(sound(0), 0.01)
    a.datagrams_to_send(0.01)
    assert 0x9 in {one.ssrc for one in ear.rtp}


def test_codecs_are_found_by_payload_type(a: Transport) -> None:
    ear = Ear(a)
    other = Codec(8, "audio/PCMA", 8000, 1)
    sender = a.add_sender(send_config("audio", codecs=(OPUS, other)))
    sender.send(EncodedFrame(b"x" * 160, 0), 0.0, payload_type=8)
    a.datagrams_to_send(0.0)
    assert ear.rtp[0].payload_type == 8
    with pytest.raises(LocalProtocolError, match="not negotiated"):
        sender.send(EncodedFrame(b"x" * 160, 0), 0.0, payload_type=9)
    with pytest.raises(LocalProtocolError, match="no encoding"):
        sender.send(EncodedFrame(b"x" * 160, 0), 0.0, rid="hi")
    with pytest.raises(LocalProtocolError, match="no telephone-event"):
        sender.send_tone(1, 100, 0.0)


def test_the_end_is_a_bye_in_a_compound_packet(a: Transport) -> None:
    ear = Ear(a)
    sender = a.add_sender(send_config("audio"))
    sender.send(sound(0), 0.0)
    a.datagrams_to_send(0.0)
    sender.end(0.1)
    sender.end(0.1)
    a.datagrams_to_send(0.1)
    (packets,) = ear.rtcp
    assert [type(one) for one in packets] == [rtcp.ReceiverReport, rtcp.SourceDescription, rtcp.Bye]
    assert packets[2] == rtcp.Bye((0x1000,))
    with pytest.raises(LocalProtocolError, match="ended"):
        sender.send(sound(1), 0.2)


def test_who_never_sent_does_not_say_bye(a: Transport) -> None:
    ear = Ear(a)
    a.add_sender(send_config("audio")).end(0.0)
    a.datagrams_to_send(0.0)
    assert ear.rtcp == []


def test_counters_are_those_of_the_packets(a: Transport) -> None:
    ear = Ear(a)
    sender = a.add_sender(send_config())
    for number in range(4):
        sender.send(picture(number, 2500, key_frame=number == 0), number * 0.1)
    drain(a, 2.0)
    (counters,) = sender.statistics
    assert counters.packets_sent == len(ear.rtp)
    assert counters.bytes_sent == sum(len(one.payload) for one in ear.rtp)
    assert counters.bytes_sent + counters.header_bytes_sent == sum(len(one.serialize()) for one in ear.rtp)
    assert (counters.frames_sent, counters.key_frames_sent) == (4, 1)
    assert counters.payload_type == 96
