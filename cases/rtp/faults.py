"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cases.bending import each
from cases.planting import Fault, lines, patched, patient, planted, says
from cases.rtp.speaking import is_key_frame
from peer.api import Seams
from peer.api.stats import _Collection
from peer.rtp.control import Control
from peer.rtp.demultiplexer import Demultiplexer
from peer.rtp.events import StreamStarted
from peer.rtp.intake import Intake
from peer.rtp.outgoing import History
from peer.rtp.reception import Reception
from peer.wire import rtcp, rtp

__all__ = ["FAULTS", "deaf_to", "never_asks"]

VP8, RTX, OPUS, EVENT = 96, 97, 111, 126


def packets(change: Callable[[rtp.Packet], rtp.Packet], *types: int) -> Fault:
    """RTP packets of these payload types (all, without any) are changed."""
    return Fault(
        Seams(rtp=each(rtp.Packet, lambda one: (change(one) if not types or one.payload_type in types else one,)))
    )


def without(test: Callable[[rtp.Packet], bool]) -> Fault:
    """RTP packets of a kind are not sent."""
    return Fault(Seams(rtp=each(rtp.Packet, lambda one: () if test(one) else (one,))))


def controls(change: Callable[[tuple[Any, ...]], Any]) -> Fault:
    """The RTCP packets of a datagram are others; none of them, and it isn't sent."""

    def bend(said: tuple[Any, ...]) -> Iterable[Any]:
        changed = change(said)
        return (changed,) if changed else ()

    return Fault(Seams(rtp=each(tuple, bend)))


def each_control(kind: type, change: Callable[[Any], Any]) -> Fault:
    return controls(lambda said: tuple(change(one) if isinstance(one, kind) else one for one in said))


def dropped_controls(*kinds: type) -> Fault:
    return controls(lambda said: tuple(one for one in said if not isinstance(one, kinds)))


def never_asks() -> Fault:
    """What is missing is not asked for: as if whatever came had been taken."""
    return dropped_controls(rtcp.Nack)


def refuses(test: Callable[[rtp.Packet, bytes], bool]) -> Fault:
    """Packets of ours that nothing is wrong with are not taken."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        receive = Intake.receive

        def picky(self: Intake, packet: rtp.Packet, clear: bytes, now: float) -> Any:
            return "refused" if test(packet, clear) else receive(self, packet, clear, now)

        monkeypatch.setattr(Intake, "receive", picky)

    return Fault(patch=patch)


def asks_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes again is not taken, nor is it given up: the request is repeated."""
    refuses_again = refuses(lambda one, _: one.payload_type == RTX).patch
    if refuses_again is not None:
        refuses_again(monkeypatch)
    for waits in ("MIN_WAIT", "MAX_WAIT"):
        monkeypatch.setattr(f"peer.rtp.receiver.{waits}", 60.0)
    monkeypatch.setattr("peer.rtp.jitter.MAX_TRIES", 10_000)


def deaf(test: Callable[[tuple[Any, ...], bytes], bool]) -> Fault:
    """RTCP that nothing is wrong with is not read."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        receive = Control._receive_rtcp

        def picky(self: Control, clear: bytes, now: float) -> Any:
            return [] if test(rtcp.parse(clear), clear) else receive(self, clear, now)

        monkeypatch.setattr(Control, "_receive_rtcp", picky)

    return Fault(patch=patch)


def deaf_to(kind: type) -> Fault:
    return deaf(lambda said, _: any(isinstance(one, kind) for one in said))


def mended(monkeypatch: pytest.MonkeyPatch) -> None:
    """RTCP is read whatever its head says."""
    parse = rtcp.parse

    def lenient(data: bytes) -> tuple[rtcp.Packet, ...]:
        mended, at = bytearray(data), 0
        while at + 4 <= len(mended):
            left = (len(mended) - at) // 4 - 1
            words = min(int.from_bytes(mended[at + 2 : at + 4], "big"), left)
            mended[at] = mended[at] & 0x3F | 0x80
            mended[at + 2 : at + 4] = words.to_bytes(2, "big")
            at += 4 * (words + 1)
        return parse(bytes(mended))

    monkeypatch.setattr(rtcp, "parse", lenient)


def answers_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for a packet that was never sent is answered by another one under its number."""
    take = History.take

    def some(self: History, number: int, now: float, round_trip_time: float) -> rtp.Packet | None:
        found = take(self, number, now, round_trip_time)
        other = next(iter(self._packets.values())).packet
        return found or replace(other, sequence_number=number)

    monkeypatch.setattr(History, "take", some)


def answers_for_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    def nack(self: Control, said: rtcp.Nack, now: float, _: Any) -> None:
        for sender, stream in {id(known[1]): known for known in self._streams.values()}.values():
            sender.retransmit(stream, said.lost, now, self.round_trip_time)

    monkeypatch.setattr(Control, "_nack", nack)


def knows_declared_only(monkeypatch: pytest.MonkeyPatch) -> None:
    route = Demultiplexer.route

    def strict(self: Demultiplexer, packet: rtp.Packet) -> Any:
        declared = {ssrc for one in self._receivers for ssrc in (*one.config.ssrcs, *one.config.repairs)}
        return route(self, packet) if packet.ssrc in declared else "not declared"

    monkeypatch.setattr(Demultiplexer, "route", strict)


def one_ssrc(one: rtp.Packet) -> rtp.Packet:
    return replace(one, ssrc=7)


def bare(said: tuple[Any, ...]) -> tuple[Any, ...]:
    """Feedback without what has to stand before it."""
    feedback = tuple(one for one in said if isinstance(one, rtcp.Nack))
    return feedback or said


def long_indication(said: tuple[Any, ...]) -> Any:
    if not any(isinstance(one, rtcp.PictureLoss) for one in said):
        return said
    data = rtcp.serialize(tuple(one for one in said if isinstance(one, rtcp.PictureLoss)))
    return data[:2] + b"\0\3" + data[4:] + bytes(4)


def renamed(one: rtcp.SourceDescription) -> rtcp.SourceDescription:
    return rtcp.SourceDescription(tuple((ssrc, ((1, b"somebody"),)) for ssrc, _ in one.chunks))


def named_by_chance() -> Fault:
    count = iter(range(1 << 20))
    return each_control(
        rtcp.SourceDescription,
        lambda one: rtcp.SourceDescription(
            tuple((ssrc, ((1, b"a"), (1, f"name {next(count)}".encode()))) for ssrc, _ in one.chunks)
        ),
    )


def blocks(change: Callable[[rtcp.ReportBlock], rtcp.ReportBlock]) -> Fault:
    kinds = (rtcp.SenderReport, rtcp.ReceiverReport)
    return controls(
        lambda said: tuple(
            replace(one, reports=tuple(map(change, one.reports))) if isinstance(one, kinds) else one for one in said
        )
    )


def tone(change: Callable[[bytearray], None]) -> Fault:
    def changed(one: rtp.Packet) -> rtp.Packet:
        payload = bytearray(one.payload)
        change(payload)
        return replace(one, payload=bytes(payload))

    return packets(changed, EVENT)


def put(at: int, value: int) -> Callable[[bytearray], None]:
    def change(payload: bytearray) -> None:
        payload[at] = value

    return change


def set_reserved(payload: bytearray) -> None:
    payload[1] |= 0x40


def never_ending(payload: bytearray) -> None:
    payload[1] &= 0x7F


def flat(payload: bytearray) -> None:
    payload[2:4] = b"\0\1"


COUNT = iter(range(1 << 30))


def growing(payload: bytearray) -> None:
    payload[2:4] = (next(COUNT) & 0xFFFF).to_bytes(2, "big")


def mixed_forms(one: rtp.Packet) -> rtp.Packet:
    return replace(one, extension_profile=0x1000 if one.sequence_number % 2 else 0xBEDE)


def doubled(one: rtp.Packet) -> rtp.Packet:
    return replace(one, sequence_number=one.sequence_number * 2 & 0xFFFF)


def alone(said: tuple[Any, ...]) -> tuple[Any, ...]:
    """BYE without what has to stand before it."""
    return tuple(one for one in said if isinstance(one, rtcp.Bye)) or said


def goes_on_after_goodbye() -> Fault:
    """Behind a BYE comes another packet of the stream."""
    last: list[rtp.Packet] = []

    def bend(said: rtp.Packet | tuple[rtcp.Packet, ...]) -> Iterable[Any]:
        if isinstance(said, rtp.Packet):
            last[:] = [said]
            return (said,)
        gone = {ssrc for one in said if isinstance(one, rtcp.Bye) for ssrc in one.ssrcs}
        return (
            said,
            *(replace(one, sequence_number=one.sequence_number + 1 & 0xFFFF) for one in last if one.ssrc in gone),
        )

    return Fault(Seams(rtp=bend))


def sees_no_collision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peer.rtp.transport.Transport._collided", lambda *_: StreamStarted(0, 0, None))


def feedback(change: Callable[[rtcp.TransportFeedback], rtcp.TransportFeedback]) -> Fault:
    return each_control(rtcp.TransportFeedback, change)


def milliseconds(one: rtcp.TransportFeedback) -> rtcp.TransportFeedback:
    """As if a delta counted milliseconds."""
    deltas = tuple(None if delta is None else delta // 4 for delta in one.deltas)
    return replace(one, deltas=deltas, reference_time=one.reference_time // 4)


def lacks_feedback(name: str) -> Fault:
    return lines(lambda line: None if line.startswith("a=rtcp-fb:") and line.endswith(name) else line)


def about_a_stream(said: tuple[Any, ...]) -> Any:
    """The notification names a stream."""
    notes = tuple(one for one in said if isinstance(one, rtcp.MaximumNotification))
    data = rtcp.serialize(notes)
    return data[:8] + b"\0\0\0\1" + data[12:] if notes else said


def limited_for_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    def request(self: Control, said: rtcp.MaximumRequest, now: float, _: Any) -> None:
        for stream in self._media_streams():
            self._notify_maximum(stream)

    monkeypatch.setattr(Control, "_maximum_request", request)


_add = _Collection.add


def told(stats_type: str, **values: Any) -> Fault:
    """Statistics of a type have other values."""

    def added(self: _Collection, kind: str, name: str, /, **members: Any) -> str:
        return _add(self, kind, name, **(members | values if kind == stats_type else members))

    return patched("peer.api.stats._Collection.add", added)


def miscounts(lost: int) -> Fault:
    return told("inbound-rtp", packetsLost=lost)


def measures_without_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The difference of two transits isn't taken modulo 2^32."""

    def measure(self: Reception, timestamp: int, now: float) -> None:
        transit = now * self.clock_rate - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

    monkeypatch.setattr(Reception, "_measure", measure)


RTX_FILE = planted(
    "cases/rtp/test_rfc4588_retransmission.py::test_",
    sanity_a_packet_is_sent_again=without(lambda one: one.payload_type == RTX),
    the_original_sequence_number_stands_before_the_payload=packets(
        lambda one: replace(one, payload=b"\0\0" + one.payload[2:]), RTX
    ),
    the_original_payload_follows=packets(lambda one: replace(one, payload=one.payload[:-1] + b"?"), RTX),
    the_timestamp_is_the_original_one=packets(lambda one: replace(one, timestamp=one.timestamp ^ 1), RTX),
    marker_and_contributors_are_copied=packets(lambda one: replace(one, marker=not one.marker), RTX),
    the_retransmission_stream_has_an_ssrc_of_its_own=packets(one_ssrc, VP8, RTX),
    the_retransmission_stream_counts_by_one=packets(doubled, RTX),
    both_streams_have_one_cname=each_control(rtcp.SourceDescription, renamed),
    a_request_for_what_was_never_sent_is_passed_over=Fault(patch=answers_everything),
    a_request_about_a_strangers_stream_is_passed_over=Fault(patch=answers_for_strangers),
    a_lost_packet_is_asked_for_by_generic_nack=never_asks(),
    requests_are_about_the_original_stream=each_control(rtcp.Nack, lambda one: replace(one, media_ssrc=1)),
    what_is_sent_again_is_taken=Fault(patch=asks_for_ever),
)
PACKETS_FILE = planted(
    "cases/rtp/test_rfc3550_5_packets.py::test_",
    sanity_sound_arrives=without(lambda one: one.payload_type == OPUS),
    sound_and_pictures_have_ssrcs_of_their_own=packets(one_ssrc),
    timestamps_of_sound_advance_as_its_clock_does=packets(
        lambda one: replace(one, timestamp=one.timestamp + one.sequence_number & 0xFFFFFFFF)
    ),
    numbers_begin_at_random=packets(lambda one: replace(one, timestamp=1)),
    payload_types_are_those_agreed_on=packets(lambda one: replace(one, payload_type=50), RTX, VP8),
    the_extension_bit_and_the_extension_come_together=packets(
        lambda one: replace(one, extensions=(), extension_profile=0xBEDE)
    ),
    a_packet_of_an_unknown_payload_type_is_passed_over=never_asks(),
    an_extension_past_the_end_is_not_taken=never_asks(),
    an_extension_bit_without_an_extension_is_not_taken=never_asks(),
    padding_longer_than_the_packet_is_not_taken=never_asks(),
    contributors_past_the_end_are_not_taken=never_asks(),
    a_list_of_contributors_is_taken=refuses(lambda one, _: bool(one.csrcs)),
    padding_is_taken=refuses(lambda one, _: one.padding > 0),
    an_ssrc_that_was_not_signalled_is_taken=Fault(patch=knows_declared_only),
    a_stream_may_go_on_under_another_ssrc=Fault(patch=knows_declared_only),
)
RTCP_FILE = planted(
    "cases/rtp/test_rfc3550_6_rtcp.py::test_",
    sanity_feedback_is_understood=deaf_to(rtcp.Nack),
    feedback_alone_is_understood=deaf(lambda said, _: isinstance(said[0], rtcp.Nack)),
    feedback_in_a_compound_packet_is_understood_without_reduced_size=deaf(
        lambda said, _: rtcp.is_compound(said) and any(isinstance(one, rtcp.Nack) for one in said)
    ),
    a_packet_of_an_unknown_type_is_passed_over=deaf_to(rtcp.Unknown),
    packets_may_come_in_any_order_and_more_than_once=deaf_to(rtcp.App),
    a_name_of_any_form_is_accepted=deaf(lambda _, clear: b"x" * 200 in clear),
    padding_of_the_last_packet_is_accepted=deaf(lambda _, clear: clear.endswith(b"\0\0\0\4")),
    a_packet_longer_than_its_datagram_is_not_read=Fault(patch=mended),
    another_version_is_not_read=Fault(patch=mended),
    without_reduced_size_every_datagram_begins_with_a_report=controls(bare),
    an_extended_report_of_unknown_blocks_is_passed_over=deaf_to(rtcp.ExtendedReport),
    without_reduced_size_every_datagram_has_two_packets=controls(lambda said: said[:1]),
    reports_are_never_reduced_in_size=dropped_controls(rtcp.SourceDescription),
    two_connections_have_two_names=lines(
        lambda line: line.partition("cname:")[0] + "cname:everybody" if "cname:" in line else line
    ),
    without_reduced_size_every_datagram_has_a_name=dropped_controls(rtcp.SourceDescription),
    feedback_names_its_sender_and_our_stream=each_control(rtcp.Nack, lambda one: replace(one, ssrc=one.media_ssrc)),
    a_sender_report_tells_the_time_of_the_stream=each_control(
        rtcp.SenderReport, lambda one: replace(one, rtp_timestamp=one.rtp_timestamp ^ 0x400000)
    ),
    a_sender_report_counts_the_packets=each_control(
        rtcp.SenderReport, lambda one: replace(one, packet_count=one.packet_count + 1000)
    ),
    one_name_stands_for_the_whole_connection=named_by_chance(),
    a_report_block_tells_of_our_stream=blocks(lambda one: replace(one, packets_lost=50)),
)
KEY_FRAMES_FILE = planted(
    "cases/rtp/test_rfc4585_6_3_key_frames.py::test_",
    sanity_the_stream_begins_with_a_key_frame=without(lambda one: is_key_frame(one.payload)),
    a_picture_loss_indication_is_answered_by_a_key_frame=deaf_to(rtcp.PictureLoss),
    a_full_intra_request_is_answered_by_a_key_frame=deaf_to(rtcp.FullIntraRequest),
    a_picture_loss_indication_has_nothing_behind_its_head=controls(long_indication),
)
EXTENSIONS_FILE = planted(
    "cases/rtp/test_rfc8285_4_extensions.py::test_",
    sanity_pictures_arrive=without(lambda one: one.payload_type == VP8),
    ids_are_those_negotiated=packets(
        lambda one: replace(one, extensions=(*one.extensions, rtp.Extension(9, b"mine"))), VP8
    ),
    headers_have_one_form=packets(mixed_forms),
    the_one_byte_form_is_used_where_it_does=packets(lambda one: replace(one, extension_profile=0x1000)),
    the_first_packets_name_their_section=packets(
        lambda one: replace(one, extensions=tuple(each for each in one.extensions if each.data != b"0"))
    ),
    an_extension_that_was_not_negotiated_is_passed_over=refuses(lambda one, _: one.extension(9) is not None),
    padding_between_elements_is_passed_over=refuses(lambda _, clear: bool(clear[0] & 0x10) and clear[16] == 0),
    an_element_with_the_reserved_id_ends_the_extension=refuses(lambda _, clear: b"\xf0\x11\x22" in clear),
    an_element_of_id_zero_with_a_length_ends_the_extension=refuses(lambda _, clear: b"\x02\x11\x22\x33" in clear),
    a_header_extension_of_another_form_is_passed_over=refuses(lambda one, _: one.extension_profile == 0x1234),
    both_forms_are_taken_where_that_was_agreed_on=refuses(lambda one, _: one.extension_profile == 0x1000),
    both_forms_are_not_answered_where_they_were_not_offered=says(
        lambda text: text.replace("a=mid:", "a=extmap-allow-mixed\r\na=mid:")
    ),
    a_stream_without_a_name_is_known_by_its_payload_type=Fault(patch=knows_declared_only),
    the_orientation_of_video_is_agreed_on=lines(lambda line: None if "video-orientation" in line else line),
    packets_without_any_extension_are_taken=refuses(lambda one, _: not one.extensions),
)
EVENTS_FILE = planted(
    "cases/rtp/test_rfc4733_2_events.py::test_",
    sanity_a_key_is_heard=tone(put(0, 6)),
    events_are_part_of_the_audio_stream=packets(one_ssrc, EVENT),
    the_first_packet_alone_is_marked=packets(lambda one: replace(one, marker=True), EVENT),
    all_packets_of_an_event_have_one_timestamp=packets(
        lambda one: replace(one, timestamp=one.timestamp + one.sequence_number & 0xFFFFFFFF), EVENT
    ),
    the_duration_grows=tone(flat),
    the_last_packets_say_that_it_ended=tone(never_ending),
    the_last_packet_is_sent_three_times=tone(growing),
    the_reserved_bit_is_clear=tone(set_reserved),
    the_sequence_number_goes_up_by_one=packets(doubled),
)
LEAVING_FILE = planted(
    "cases/rtp/test_rfc3550_8_2_leaving.py::test_",
    sanity_feedback_is_understood=deaf_to(rtcp.Nack),
    who_stops_says_goodbye=dropped_controls(rtcp.Bye),
    a_goodbye_stands_behind_a_report=controls(alone),
    nothing_of_a_stream_follows_its_goodbye=goes_on_after_goodbye(),
    a_goodbye_may_have_a_reason=deaf(lambda said, _: any(isinstance(one, rtcp.Bye) and one.reason for one in said)),
    a_goodbye_of_nobody_is_passed_over=deaf(
        lambda said, _: any(isinstance(one, rtcp.Bye) and not one.ssrcs for one in said)
    ),
    an_ssrc_that_is_taken_is_left_for_another=Fault(patch=sees_no_collision),
)
CONGESTION_FILE = planted(
    "cases/rtp/test_rfc8834_7_congestion.py::test_",
    sanity_arrivals_are_told=dropped_controls(rtcp.TransportFeedback),
    what_arrived_is_what_was_sent=feedback(lambda one: replace(one, base=one.base ^ 0x4000)),
    arrivals_are_as_far_apart_as_in_the_capture=patient(feedback(milliseconds)),
    messages_are_counted=feedback(lambda one: replace(one, count=7)),
    what_was_lost_is_told_as_lost=feedback(
        lambda one: replace(one, deltas=tuple(0 if delta is None else delta for delta in one.deltas))
    ),
    a_temporary_maximum_is_agreed_on=lacks_feedback("ccm tmmbr"),
    a_temporary_maximum_is_confirmed=deaf_to(rtcp.MaximumRequest),
    a_confirmation_names_no_stream=controls(about_a_stream),
    a_maximum_for_somebody_else_is_passed_over=Fault(patch=limited_for_strangers),
    a_maximum_that_the_receiver_estimates_is_kept_to=deaf_to(rtcp.Remb),
)
SILENCE_FILE = planted(
    "cases/rtp/test_rfc7587_silence.py::test_",
    sanity_sound_arrives=refuses(lambda one, _: one.payload_type == OPUS),
    timestamps_of_opus_differ_by_whole_frames=packets(
        lambda one: replace(one, timestamp=one.timestamp + one.sequence_number & 0xFFFFFFFF), OPUS
    ),
    silence_that_is_not_sent_is_not_lost=miscounts(lost=3),
    comfort_noise_is_agreed_on_for_g711=says(lambda text: text.replace("SAVPF 0 13", "SAVPF 0")),
    comfort_noise_is_taken=miscounts(lost=3),
    the_audio_level_is_told=packets(
        lambda one: replace(one, extensions=tuple(each for each in one.extensions if each.id != 1)), OPUS
    ),
)
COUNTED_FILE = planted(
    "cases/rtp/test_w3c_8_counted.py::test_",
    sanity_sound_is_counted=told("inbound-rtp", packetsReceived=0),
    packets_and_bytes_received_are_those_sent=told("inbound-rtp", bytesReceived=1),
    packets_lost_are_those_not_sent=told("inbound-rtp", packetsLost=0),
    jitter_is_that_of_the_timestamps=told("inbound-rtp", jitter=0.0),
    jitter_survives_a_wrap_of_the_timestamp=Fault(patch=measures_without_wrap),
    loss_and_jitter_are_as_we_report_them=told("remote-inbound-rtp", jitter=1.0),
    the_round_trip_is_what_is_left_of_the_time=told("remote-inbound-rtp", roundTripTime=0.01),
    what_the_other_side_sent_is_as_it_reports=told("remote-outbound-rtp", bytesSent=5),
    the_nacks_we_send_are_counted=told("outbound-rtp", nackCount=0),
    the_picture_losses_we_send_are_counted=told("outbound-rtp", pliCount=0),
    the_intra_requests_we_send_are_counted=told("outbound-rtp", firCount=0),
    the_nacks_it_sends_are_counted=told("inbound-rtp", nackCount=1000),
    what_is_sent_again_is_counted=told("outbound-rtp", retransmittedPacketsSent=1000),
)
RIDS_FILE = planted(
    "cases/rtp/test_rfc8851_streams_by_rid.py::test_",
    sanity_pictures_arrive=without(lambda _: True),
    each_stream_names_its_encoding=packets(
        lambda one: replace(one, extensions=tuple(each for each in one.extensions if each.data != b"one"))
    ),
    a_repair_stream_names_what_it_repairs=packets(
        lambda one: replace(one, extensions=tuple(each for each in one.extensions if each.id != 11))
    ),
)
FAULTS = {
    **RTX_FILE,
    **PACKETS_FILE,
    **RTCP_FILE,
    **KEY_FRAMES_FILE,
    **EXTENSIONS_FILE,
    **EVENTS_FILE,
    **LEAVING_FILE,
    **CONGESTION_FILE,
    **SILENCE_FILE,
    **COUNTED_FILE,
    **RIDS_FILE,
}
