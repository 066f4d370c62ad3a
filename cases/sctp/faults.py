"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cases.bending import dropped, each
from cases.planting import Fault, has, init, packet, patched, planted
from peer.api import Seams
from peer.errors import DecodeError
from peer.sctp import AssociationAborted, MessageReceived, State, setup
from peer.sctp.association import Association
from peer.sctp.control import Control
from peer.sctp.inbound import Inbound
from peer.sctp.setup import Cookie, CookieJar, Meaning
from peer.sctp.states import ACTIONS, Action
from peer.sctp.transmission import Transmission
from peer.wire import dtls_handshake, sctp, sctp_tlv

__all__ = ["FAULTS"]

ASSOCIATION = "cases/sctp/test_rfc9260_5_1_association.py::test_"

TAG = "cases/sctp/test_rfc9260_8_5_verification_tag.py::test_"
UNEXPECTED = "cases/sctp/test_rfc9260_5_2_unexpected.py::test_"
ACKNOWLEDGEMENT = "cases/sctp/test_rfc9260_6_2_acknowledgement.py::test_"
RECONFIGURATION = "cases/sctp/test_rfc6525_5_reconfiguration.py::test_"
FORWARD_TSN = "cases/sctp/test_rfc3758_3_6_forward_tsn.py::test_"
LIES = "cases/sctp/test_rfc9260_6_2_1_lies.py::test_"
USER_DATA = "cases/sctp/test_rfc9260_6_user_data.py::test_"

STRING, BINARY = 51, 53


def data(change: Callable[[sctp.Data], sctp.Data]) -> Fault:
    return Fault(Seams(sctp=each(sctp.Data, lambda one: (change(one),))))


def binary(change: Callable[[sctp.Data], sctp.Data]) -> Fault:
    return data(lambda one: change(one) if one.ppid == BINARY else one)


def order(change: Callable[[tuple[Any, ...]], Iterable[Any]]) -> Fault:
    """Packets with DATA and nothing of the handshake have their chunks in another order."""

    def bend(one: sctp.Packet) -> Iterable[sctp.Packet]:
        plain = has(one, sctp.Data) and not has(one, sctp.CookieAck)
        return (replace(one, chunks=tuple(change(one.chunks))) if plain else one,)

    return packet(bend)


def answers_aborts(control: Control, chunk: sctp.Abort, tag: int, now: float, events: list[Any]) -> None:
    control._send_alone(sctp.Abort(), control._peer_tag)
    control._end(AssociationAborted((), by_remote=True), events)


def dies_of_heartbeats(control: Control, chunk: Any, tag: int, now: float, events: list[Any]) -> None:
    control._end(AssociationAborted((), by_remote=False), events)


def goes_on_behind_an_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIONS[sctp.ChunkType.HEARTBEAT], State.CLOSED, Action.ANSWER_HEARTBEAT)
    monkeypatch.setattr(
        Control,
        "_answer_heartbeat",
        lambda control, chunk, *_: control._send_alone(sctp.HeartbeatAck(chunk.parameters), control._peer_tag),
    )


def answers_tag_zero(control: Control, chunk: sctp.Init, *rest: Any) -> None:
    if chunk.tag:
        _answer_init(control, chunk, *rest)
    else:
        control._send_alone(sctp.Abort(), control._peer_tag)


def delivers_at_once(inbound: Inbound, number: int, message: Any, unordered: int, events: list[Any]) -> None:
    events.append(message)


def delivers_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def admits_all(inbound: Inbound, ahead: int, length: int, stream_id: int) -> bool:
        return _admit(inbound, ahead, length, stream_id) or ahead == 0

    monkeypatch.setattr(Inbound, "_admit", admits_all)
    monkeypatch.setattr(Inbound, "_deliver", delivers_at_once)


def admits_again(inbound: Inbound, ahead: int, length: int, stream_id: int) -> bool:
    """A chunk that comes again takes the place of the first."""
    if _admit(inbound, ahead, length, stream_id):
        return True
    return ahead == 0


def believes_the_unsent(transmission: Transmission, cumulative: int, *rest: Any) -> bool:
    """After a SACK for what was never sent nothing is sent any more."""
    ahead = (cumulative - transmission.next_tsn) & 0xFFFFFFFF
    if rest[1] or ahead < 0x80000000:
        transmission.suspended = True
        return False
    return _receive_sack(transmission, cumulative, *rest)


def knows_no_congestion(transmission: Transmission, now: float) -> None:
    _begin_burst(transmission, now)
    transmission.congestion.cwnd = 100_000


def aborts_at_nonsense(association: Association, packet: bytes, now: float, events: list[Any]) -> str:
    try:
        return _receive(association, packet, now, events)
    except DecodeError:
        association.abort(now)
        return "nonsense"


def stops_at_the_unknown(association: Association, kind: int, *rest: Any) -> bool:
    return _receive_control(association, kind, *rest) or kind == 0xBF


def aborts_at(*kinds: int) -> Fault:
    """An established association ends when a chunk of one of these types comes."""

    def receive(association: Association, kind: int, flags: int, body: bytes, tag: int, now: float, *rest: Any) -> bool:
        if kind in kinds and association.state is State.ESTABLISHED:
            association.abort(now)
            return True
        return _receive_control(association, kind, flags, body, tag, now, *rest)

    return patched("peer.sctp.association.Association._receive_control", receive)


def takes_the_other_way(association: Association, kind: int, *rest: Any) -> bool:
    stops = _receive_control(association, kind, *rest)
    return not stops if kind in (0x3E, 0x7E, 0xBE, 0xFE) else stops


def delivers_i_data(association: Association, kind: int, flags: int, body: bytes, *rest: Any) -> bool:
    if kind != sctp.ChunkType.I_DATA:
        return _receive_control(association, kind, flags, body, *rest)
    chunk = sctp.parse_chunk(kind, flags, body)
    if isinstance(chunk, sctp.IData):
        rest[-1].append(MessageReceived(chunk.stream_id, chunk.ppid_or_fsn, chunk.data))
    return False


def never_a_duplicate(*arguments: Any) -> Meaning:
    meaning = _judge(*arguments)
    return Meaning.NONE if meaning is Meaning.DUPLICATE else meaning


def opens_any_cookie(jar: CookieJar, data: bytes) -> Cookie | None:
    forged = data[:-32]
    return _open_cookie(jar, forged + hmac.digest(jar._key, forged, "sha256"))


def request(**fields: Any) -> Fault:
    """Our requests to reset streams have these fields, made from what they are."""

    def bend(one: sctp.Reconfig) -> Iterable[sctp.Reconfig]:
        parameters = tuple(
            replace(each, **{name: change(getattr(each, name)) for name, change in fields.items()})
            if isinstance(each, sctp_tlv.OutgoingReset)
            else each
            for each in one.parameters
        )
        return (replace(one, parameters=parameters),)

    return Fault(Seams(sctp=each(sctp.Reconfig, bend)))


def denies(one: sctp.Reconfig) -> Iterable[sctp.Reconfig]:
    parameters = tuple(
        replace(each, result=2) if isinstance(each, sctp_tlv.ReconfigurationResponse) else each
        for each in one.parameters
    )
    return (replace(one, parameters=parameters),)


def as_i_data(one: sctp.Data) -> Iterable[sctp.Data | sctp.IData]:
    whole = one.ppid == STRING and one.flags & 3 == 3
    return (sctp.IData(one.tsn, one.stream_id, 0, STRING, one.data) if whole else one,)


DENIED = Fault(Seams(sctp=each(sctp.Reconfig, denies)))

_judge, _open_cookie = setup.judge, CookieJar.open
_unpack_common = sctp.COMMON_HEADER.unpack_from
_answer_init, _admit, _deliver = Control._answer_init, Inbound._admit, Inbound._deliver
_receive_sack, _begin_burst = Transmission.receive_sack, Transmission.begin_burst
_receive, _receive_control = Association._receive, Association._receive_control

FAULTS = {
    **planted(
        ASSOCIATION,
        sanity_an_association_is_set_up=Fault(Seams(sctp=dropped(sctp.Init))),
        dtls_stands_before_sctp_begins=Fault(Seams(dtls_handshake=dropped(dtls_handshake.Finished))),
        both_sides_send_an_init=Fault(Seams(sctp=dropped(sctp.Init))),
        both_ports_are_those_of_the_descriptions=packet(lambda one: (replace(one, source_port=5001),)),
        the_init_has_a_tag_and_travels_with_none=init(tag=0),
        an_init_travels_alone=packet(
            lambda one: (replace(one, chunks=(*one.chunks, sctp.CookieAck())) if has(one, sctp.Init) else one,)
        ),
        the_advertised_window_is_1500_at_least=init(a_rwnd=1499),
        there_are_streams_in_both_directions=init(inbound_streams=0),
        partial_reliability_is_supported=init(parameters=()),
        stream_reconfiguration_is_announced=init(parameters=()),
        the_init_names_no_addresses=init(parameters=(sctp_tlv.Parameter(5, b"\x7f\0\0\1"),)),
        the_init_ack_goes_to_the_tag_and_has_a_cookie=Fault(
            Seams(sctp=each(sctp.InitAck, lambda one: (replace(one, parameters=()),)))
        ),
        the_cookie_echo_comes_first_in_its_packet=packet(
            lambda one: (replace(one, chunks=(sctp.CookieAck(), *one.chunks)) if has(one, sctp.CookieEcho) else one,)
        ),
        the_cookie_ack_comes_first_in_its_packet=packet(
            lambda one: (replace(one, chunks=(sctp.Heartbeat(()), *one.chunks)) if has(one, sctp.CookieAck) else one,)
        ),
        the_first_data_are_acknowledged_at_once=Fault(Seams(sctp=dropped(sctp.Sack))),
    ),
    **planted(
        TAG,
        sanity_a_heartbeat_with_the_right_tag_is_answered=Fault(Seams(sctp=dropped(sctp.HeartbeatAck))),
        a_packet_with_another_tag_is_discarded=patched("peer.sctp.association.Association._judge_tag", lambda *_: ""),
        a_packet_with_tag_zero_that_is_no_init_is_discarded=patched(
            "peer.sctp.association.Association._judge_tag", lambda *_: ""
        ),
        an_init_with_another_chunk_behind_it_is_discarded=patched(
            "peer.sctp.association.Association._judge_tag", lambda *_: ""
        ),
        an_abort_with_a_wrong_tag_is_discarded=patched("peer.sctp.association.Association._judge_tag", lambda *_: ""),
        an_abort_with_the_right_tag_ends_the_association=patched("peer.sctp.control.Control._fall", lambda *_: None),
        an_abort_is_not_answered=patched("peer.sctp.control.Control._fall", answers_aborts),
        a_shutdown_complete_out_of_place_is_ignored=Fault(
            patch=lambda monkeypatch: monkeypatch.setitem(
                ACTIONS[sctp.ChunkType.SHUTDOWN_COMPLETE], State.ESTABLISHED, Action.CLOSE
            )
        ),
        what_stands_behind_an_abort_is_not_taken=Fault(patch=goes_on_behind_an_abort),
        an_impossible_init_changes_nothing=patched("peer.sctp.setup.refusal", lambda _: None),
        an_init_with_tag_zero_is_discarded_silently=patched("peer.sctp.control.Control._answer_init", answers_tag_zero),
        a_packet_with_a_wrong_checksum_is_discarded=patched("peer.sctp.association._checksum_holds", lambda _: True),
        a_message_that_comes_twice_is_delivered_once=Fault(patch=delivers_twice),
    ),
    **planted(
        UNEXPECTED,
        sanity_the_association_takes_packets_between_others=Fault(Seams(sctp=dropped(sctp.HeartbeatAck))),
        a_cookie_that_comes_again_is_acknowledged_again=patched("peer.sctp.setup.judge", never_a_duplicate),
        a_cookie_that_was_tampered_with_is_discarded_silently=patched(
            "peer.sctp.setup.CookieJar.open", opens_any_cookie
        ),
        an_unexpected_init_is_answered_and_changes_nothing=Fault(Seams(sctp=dropped(sctp.InitAck))),
        an_unexpected_init_ack_is_discarded=aborts_at(sctp.ChunkType.INIT_ACK),
        what_answers_a_cookie_is_discarded_where_none_waits=aborts_at(sctp.ChunkType.COOKIE_ACK, sctp.ChunkType.ERROR),
        an_unknown_parameter_is_treated_as_its_high_bits_say=patched(
            "peer.sctp.setup.unrecognized", lambda said: (said, (sctp_tlv.Parameter(0x1234),))
        ),
        an_unknown_chunk_is_treated_as_its_high_bits_say=patched(
            "peer.sctp.association.Association._receive_control", takes_the_other_way
        ),
        a_packet_for_another_port_is_discarded=patched(
            "peer.sctp.association._unpack_common", lambda data: (5000, 5000, *_unpack_common(data)[2:])
        ),
    ),
    **planted(
        ACKNOWLEDGEMENT,
        sanity_what_arrived_is_acknowledged_to_the_last=Fault(Seams(sctp=dropped(sctp.Sack))),
        a_packet_of_duplicates_is_reported_at_once=Fault(
            Seams(sctp=each(sctp.Sack, lambda one: (replace(one, duplicates=()),)))
        ),
        gap_blocks_name_exactly_what_arrived_behind_a_gap=Fault(
            Seams(sctp=each(sctp.Sack, lambda one: (replace(one, gaps=one.gaps[:1]),)))
        ),
        data_without_user_data_end_the_association=patched(
            "peer.sctp.association.Association._refuse_empty_data", lambda *_: None
        ),
        data_on_a_stream_that_does_not_exist_are_acknowledged_and_reported=Fault(Seams(sctp=dropped(sctp.Error))),
        nothing_but_a_probe_is_sent_into_a_closed_window=patched(
            "peer.sctp.transmission.Transmission._window_allows", lambda *_: True
        ),
    ),
    **planted(
        LIES,
        sanity_messages_pass_both_ways=data(lambda one: replace(one, ppid=999) if one.ppid == STRING else one),
        a_sack_for_data_never_sent_ends_it_or_does_no_harm=patched(
            "peer.sctp.transmission.Transmission.receive_sack", believes_the_unsent
        ),
        a_window_without_end_does_not_open_the_congestion_window=patched(
            "peer.sctp.transmission.Transmission.begin_burst", knows_no_congestion
        ),
        a_fragment_that_comes_again_with_other_content_changes_nothing=patched(
            "peer.sctp.inbound.Inbound._admit", admits_again
        ),
        impossible_data_end_it_or_do_no_harm=Fault(Seams(sctp=dropped(sctp.HeartbeatAck))),
        a_stale_cookie_is_not_the_end=patched("peer.sctp.control.Control._receive_error", dies_of_heartbeats),
        the_checksum_is_right=packet(lambda one: (replace(one, checksum=0),)),
    ),
    **planted(
        RECONFIGURATION,
        sanity_closing_a_channel_asks_for_a_reset=Fault(Seams(sctp=dropped(sctp.Reconfig))),
        a_request_names_the_stream_that_is_closed_and_no_other=request(streams=lambda streams: (*streams, 777)),
        the_first_request_has_the_number_of_the_initial_tsn=request(request=lambda number: (number + 1) & 0xFFFFFFFF),
        a_request_names_the_last_tsn_that_was_assigned=request(last_tsn=lambda tsn: (tsn - 1) & 0xFFFFFFFF),
        a_request_for_a_stream_that_was_never_used_is_answered=DENIED,
        a_request_that_comes_again_gets_the_same_answer=DENIED,
        a_reset_waits_for_the_data_before_it=DENIED,
        a_response_nobody_waits_for_does_no_harm=aborts_at(sctp.ChunkType.RECONFIG),
        a_stream_that_was_reset_counts_from_zero_again=patched(
            "peer.sctp.outbound.OutboundStream.restart_numbers", lambda _: None
        ),
    ),
    **planted(
        FORWARD_TSN,
        sanity_what_waits_behind_a_message_given_up_is_delivered=patched(
            "peer.sctp.inbound.Inbound.skip", lambda *_: None
        ),
        a_forward_tsn_that_goes_backwards_is_answered_and_changes_nothing=aborts_at(sctp.ChunkType.FORWARD_TSN),
        the_beginning_of_a_message_given_up_is_forgotten=patched("peer.sctp.inbound.Inbound.skip", lambda *_: None),
        i_data_are_not_sent_where_they_were_not_agreed_on=Fault(Seams(sctp=each(sctp.Data, as_i_data))),
        interleaving_is_used_for_everything_where_both_sides_offer_it=Fault(Seams(sctp=each(sctp.Data, as_i_data))),
        i_data_that_were_not_agreed_on_are_not_delivered=patched(
            "peer.sctp.association.Association._receive_control", delivers_i_data
        ),
    ),
    **planted(
        USER_DATA,
        sanity_a_large_message_arrives=binary(lambda one: replace(one, ppid=999)),
        fragments_are_marked_as_beginning_middle_and_end=binary(lambda one: replace(one, flags=one.flags | 2)),
        fragments_have_consecutive_tsns=binary(lambda one: one if one.flags & 3 else replace(one, tsn=one.tsn + 1000)),
        every_fragment_of_an_unordered_message_is_unordered=binary(
            lambda one: one if one.flags & 3 else replace(one, flags=one.flags ^ sctp.DataFlag.UNORDERED)
        ),
        no_packet_exceeds_the_path_mtu_of_1500=Fault(Seams(sctp_config={"mtu": 1600, "max_mtu": 1600})),
        data_of_a_packet_stand_in_the_order_of_their_tsns=order(reversed),
        control_chunks_stand_before_data=packet(lambda one: (replace(one, chunks=one.chunks[::-1]),)),
        ordered_messages_count_from_zero=data(lambda one: replace(one, ssn=one.ssn + 1)),
        packets_are_padded_to_four_bytes=packet(lambda one: (one.serialize() + b"\0",)),
        a_message_whose_last_fragment_comes_first_is_put_together=patched(
            "peer.sctp.reassembly.Reassembly._join_next", lambda *_: None
        ),
        ordered_messages_that_arrive_out_of_order_are_delivered_in_order=patched(
            "peer.sctp.inbound.Inbound._deliver", delivers_at_once
        ),
        the_ssn_of_an_unordered_message_is_ignored=patched(
            "peer.sctp.inbound.Inbound._deliver",
            lambda inbound, number, message, _, events: _deliver(inbound, number, message, 0, events),
        ),
        a_gap_is_reported_and_filled=patched("peer.sctp.inbound.Inbound._deliver", delivers_at_once),
        a_partial_chunk_is_dropped_and_what_stands_before_it_is_taken=patched(
            "peer.sctp.association.Association._receive", aborts_at_nonsense
        ),
        a_chunk_behind_one_to_be_skipped_is_taken=patched(
            "peer.sctp.association.Association._receive_control", stops_at_the_unknown
        ),
        padding_that_is_not_zero_is_ignored=Fault(Seams(sctp=dropped(sctp.HeartbeatAck))),
        a_heartbeat_is_answered_with_what_it_carried=Fault(
            Seams(sctp=each(sctp.HeartbeatAck, lambda one: (replace(one, parameters=()),)))
        ),
        a_flood_of_heartbeats_does_no_harm=patched("peer.sctp.control.Control._answer_heartbeat", dies_of_heartbeats),
        chunks_and_parameters_of_length_zero_do_no_harm=patched(
            "peer.sctp.association.Association._receive", aborts_at_nonsense
        ),
    ),
}
