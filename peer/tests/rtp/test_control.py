"""RTCP: reports both ways, feedback both ways."""

from __future__ import annotations

import pytest

from peer.rtp import (
    Codec,
    EndReason,
    KeyFrameRequested,
    SendStream,
    SsrcChanged,
    StreamEnded,
    TargetBitrateChanged,
    Transport,
)
from peer.rtp.clock import ntp64
from peer.rtp.events import Event
from peer.testing import Link
from peer.tests.rtp.test_sender import Ear
from peer.tests.rtp.worlds import (
    IDS,
    NTP_OFFSET,
    RTX,
    VP8,
    Camera,
    World,
    connect_keys,
    picture,
    receive_config,
    send_config,
    sound,
    transport,
)
from peer.wire import rtcp, rtp
from peer.wire.rtcp_xr import Dlrr, ReceiverReferenceTime


class Mouth:
    """The other side: says RTCP and RTP of our making to a transport."""

    def __init__(self, one: Transport) -> None:
        self.one = one
        self.other = transport("other")
        connect_keys(one, self.other)

    def says(self, *packets: rtcp.Packet, now: float = 1.0) -> list[Event]:
        assert self.other._outbound is not None
        return self.one.receive_datagram(self.other._outbound.protect_rtcp(rtcp.serialize(packets)), now)

    def sends(self, packet: rtp.Packet, now: float = 1.0) -> list[Event]:
        assert self.other._outbound is not None
        return self.one.receive_datagram(self.other._outbound.protect(packet.serialize()), now)


@pytest.fixture
def a() -> Transport:
    return transport("a")


def test_reports_come_at_the_pace_of_rfc_3550() -> None:
    world = World.make(Link(delay=0.02))
    ear = Ear(world.a)
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    Camera(world).run(20)
    reports = [packets for packets in ear.rtcp if isinstance(packets[0], rtcp.SenderReport)]
    assert 20 / (0.36 * 1.5 / 1.21828) < len(reports) < 20 / (0.36 * 0.5 / 1.21828)
    assert all(isinstance(packets[1], rtcp.SourceDescription) for packets in reports)
    names = reports[0][1]
    assert isinstance(names, rtcp.SourceDescription)
    assert names.chunks == ((0x1000, ((1, b"them"), (15, b"0"))),)


def test_both_sides_measure_the_round_trip_and_the_loss() -> None:
    world = World.make(Link(delay=0.06, loss=0.2, seed=9), Link(delay=0.04))
    plain = Codec(96, "video/VP8", 90000)
    world.a.add_sender(send_config(codecs=(plain,), streams=(SendStream(0x1000),)))
    world.b.add_receiver(receive_config(codecs=(plain,)))
    Camera(world).run(10)
    remote = world.a.senders[0].statistics[0].remote
    assert remote is not None
    assert remote.round_trip_time == pytest.approx(0.1, abs=0.002)
    assert remote.total_round_trip_time == pytest.approx(0.1 * remote.round_trip_time_measurements, abs=0.02)
    assert remote.packets_lost == pytest.approx(0.2 * world.a.senders[0].statistics[0].packets_sent, rel=0.3)
    inbound = world.b.receivers[0].statistics[0]
    assert inbound.remote is not None
    assert inbound.remote.round_trip_time == pytest.approx(0.1, abs=0.002)  # by DLRR
    assert inbound.remote.packets_sent <= world.a.senders[0].statistics[0].packets_sent
    assert inbound.remote.reports_sent > 10
    assert world.b.round_trip_time == pytest.approx(0.1, abs=0.002)


def test_a_sender_report_counts_and_maps_time(a: Transport) -> None:
    mouth, ear = Mouth(a), Ear(a)
    sender = a.add_sender(send_config("audio"))
    for number in range(50):
        sender.send(sound(number, 60), number * 0.02)
        a.datagrams_to_send(number * 0.02)
    a.handle_timeout(2.0)
    a.datagrams_to_send(2.0)
    report = ear.rtcp[-1][0]
    assert isinstance(report, rtcp.SenderReport)
    assert report.packet_count == 50
    assert report.octet_count == 50 * 60
    assert report.ntp == ntp64(2.0 + NTP_OFFSET)
    assert report.rtp_timestamp == 49 * 960 + round((2.0 - 0.98) * 48000)
    assert mouth.says(rtcp.ReceiverReport(5)) == []


def test_a_transport_that_only_receives_reports_and_asks_for_the_time() -> None:
    world = World.make(Link(delay=0.02))
    ear = Ear(world.b)
    world.a.add_sender(send_config("audio"))
    world.b.add_receiver(receive_config("audio"))
    for number in range(60):
        world.a.senders[0].send(sound(number), world.pump.now)
        world.pump.wait(0.02)
    packets = next(one for one in ear.rtcp if isinstance(one[0], rtcp.ReceiverReport) and one[0].reports)
    assert isinstance(packets[0], rtcp.ReceiverReport)
    assert packets[0].reports[0].ssrc == 0x1000
    (extended,) = [one for one in packets if isinstance(one, rtcp.ExtendedReport)]
    assert isinstance(extended.blocks[0], ReceiverReferenceTime)


def test_a_reference_time_is_answered(a: Transport) -> None:
    mouth, ear = Mouth(a), Ear(a)
    a.add_sender(send_config("audio")).send(sound(0), 1.0)
    a.datagrams_to_send(1.0)
    mouth.says(rtcp.ExtendedReport(77, (ReceiverReferenceTime(0x0123_4567_89AB_CDEF),)), now=1.0)
    a.handle_timeout(1.5)
    a.datagrams_to_send(1.5)
    blocks = [
        block for packets in ear.rtcp for one in packets if isinstance(one, rtcp.ExtendedReport) for block in one.blocks
    ]
    assert blocks == [Dlrr(((77, 0x4567_89AB, 32768),))]


def test_feedback_without_reduced_size_stands_in_a_compound_packet(a: Transport) -> None:
    mouth, ear = Mouth(a), Ear(a)
    receiver = a.add_receiver(receive_config(reduced_size=False))
    mouth.sends(rtp.Packet(96, 1, 0, 7, b"\x10" + picture(0, 100, key_frame=True).data, True))
    receiver.request_key_frame(1.0)
    a.datagrams_to_send(1.0)
    assert [type(one) for one in ear.rtcp[-1]] == [rtcp.ReceiverReport, rtcp.SourceDescription, rtcp.PictureLoss]
    assert rtcp.is_compound(ear.rtcp[-1])


def test_feedback_with_reduced_size_stands_alone(a: Transport) -> None:
    mouth, ear = Mouth(a), Ear(a)
    receiver = a.add_receiver(receive_config())
    mouth.sends(rtp.Packet(96, 1, 0, 7, b"\x10" + picture(0, 100, key_frame=True).data, True))
    receiver.request_key_frame(1.0)
    a.datagrams_to_send(1.0)
    assert [type(one) for one in ear.rtcp[-1]] == [rtcp.PictureLoss]


def test_pli_and_fir_ask_for_a_key_frame_of_the_encoding(a: Transport) -> None:
    mouth = Mouth(a)
    a.add_sender(send_config(streams=(SendStream(1, 2, "lo"), SendStream(3, 4, "hi"))))
    assert mouth.says(rtcp.PictureLoss(9, 3)) == [KeyFrameRequested(1, "hi")]
    assert mouth.says(rtcp.PictureLoss(9, 99)) == []
    fir = rtcp.FullIntraRequest(9, ((1, 7), (3, 7)))
    assert mouth.says(fir) == [KeyFrameRequested(1, "lo"), KeyFrameRequested(1, "hi")]
    assert mouth.says(fir) == []  # a repetition: the command number is the same
    assert mouth.says(rtcp.FullIntraRequest(9, ((1, 8),))) == [KeyFrameRequested(1, "lo")]


def test_remb_is_obeyed_and_holds_ten_seconds(a: Transport) -> None:
    mouth = Mouth(a)
    a.add_sender(send_config())
    assert mouth.says(rtcp.Remb(9, 100_000, (0x1000,))) == [TargetBitrateChanged(100_000)]
    assert a.target_bitrate == 100_000
    mouth.says(rtcp.ReceiverReport(9), now=12.0)
    assert a.target_bitrate == 300_000


def test_remb_alone_may_raise_the_target(a: Transport) -> None:
    mouth = Mouth(a)
    a.add_sender(send_config())
    mouth.says(rtcp.Remb(9, 2_000_000, (0x1000,)))
    assert a.target_bitrate == 2_000_000


def test_remb_is_sent_where_nothing_better_was_negotiated() -> None:
    codec = Codec(96, "video/VP8", 90000, feedback=frozenset({"goog-remb", "nack pli"}))
    world = World.make(Link(rate=200_000 / 8, delay=0.02), Link(delay=0.02))
    ear = Ear(world.b)
    world.a.add_sender(send_config(codecs=(codec,), streams=(SendStream(0x1000),)))
    world.b.add_receiver(receive_config(codecs=(codec,)))
    camera = Camera(world)
    for _ in range(20):
        camera.size = world.a.target_bitrate // 8 // 30
        camera.run(1)
    limits = [one for packets in ear.rtcp for one in packets if isinstance(one, rtcp.Remb)]
    assert 140_000 < limits[-1].bitrate < 260_000
    assert limits[-1].ssrcs == (0x1000,)
    assert 140_000 < world.a.target_bitrate < 260_000


def test_rfc_8888_steers_as_transport_wide_feedback_does() -> None:
    codec = Codec(96, "video/VP8", 90000, feedback=frozenset({"ack ccfb", "nack", "nack pli"}))
    ids = {uri: id for uri, id in IDS.items() if "transport-wide" not in uri}
    world = World.make(Link(rate=200_000 / 8, delay=0.02), Link(delay=0.02))
    world.a.add_sender(send_config(codecs=(codec, RTX), extensions=ids))
    world.b.add_receiver(receive_config(codecs=(codec, RTX), extensions=ids))
    camera = Camera(world)
    for _ in range(20):
        camera.size = world.a.target_bitrate // 8 // 30
        camera.run(1)
    assert 140_000 < world.a.target_bitrate < 260_000
    assert VP8.feedback != codec.feedback


def test_an_ssrc_that_both_use_is_changed_with_a_bye(a: Transport) -> None:
    mouth, ear = Mouth(a), Ear(a)
    sender = a.add_sender(send_config())
    a.add_receiver(receive_config())
    sender.send(picture(0, 300, key_frame=True), 1.0)
    a.datagrams_to_send(1.0)
    events = mouth.sends(rtp.Packet(96, 1, 0, 0x1000, b"\x10" + picture(0, 100, key_frame=True).data, True))
    (changed,) = [event for event in events if isinstance(event, SsrcChanged)]
    assert (changed.key, changed.old) == (1, 0x1000)
    assert sender.streams[0].ssrc == changed.new == sender.config.streams[0].ssrc
    a.datagrams_to_send(1.0)
    assert rtcp.Bye((0x1000,)) in ear.rtcp[-1]
    sender.send(picture(1, 300), 1.1)
    a.datagrams_to_send(1.1)
    assert ear.rtp[-1].ssrc == changed.new


def test_bye_with_a_reason_ends_the_stream_and_stragglers_do_not_wake_it(a: Transport) -> None:
    mouth = Mouth(a)
    a.add_receiver(receive_config("audio"))
    for number in (1, 2, 4):
        mouth.sends(rtp.Packet(111, number, number * 960, 7, b"\xfcx"))
    (ended,) = mouth.says(rtcp.ReceiverReport(7), rtcp.Bye((7,), b"done"))
    assert ended == StreamEnded(2, 7, EndReason.BYE, "done")
    assert mouth.sends(rtp.Packet(111, 3, 3 * 960, 7, b"\xfcx")) == []
    assert mouth.sends(rtp.Packet(111, 5, 5 * 960, 7, b"\xfcx"))


def test_a_silent_stream_ends(a: Transport) -> None:
    mouth = Mouth(a)
    a.add_receiver(receive_config("audio"))
    mouth.sends(rtp.Packet(111, 1, 960, 7, b"\xfcx"))
    events = a.handle_timeout(40.0)
    assert [event.reason for event in events if isinstance(event, StreamEnded)] == ["timeout"]


def test_what_is_unknown_is_ignored_and_the_rest_is_read(a: Transport) -> None:
    mouth = Mouth(a)
    a.add_sender(send_config())
    packets = (
        rtcp.ReceiverReport(9),
        rtcp.Unknown(211, 3, b"\0\0\0\x09what"),
        rtcp.App(1, 9, b"name", b"data"),
        rtcp.PictureLoss(9, 0x1000),
    )
    assert mouth.says(*packets) == [KeyFrameRequested(1, None)]


def test_names_are_remembered_within_bounds(a: Transport) -> None:
    mouth = Mouth(a)
    for ssrc in range(200):
        mouth.says(rtcp.ReceiverReport(ssrc), rtcp.SourceDescription.cname(ssrc, f"name {ssrc}"))
    assert a.cnames[199] == "name 199"
    assert len(a.cnames) <= 64
