"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cases.bending import dropped, each
from cases.planting import Fault, has, init, packet, patched, planted
from peer.api import Seams
from peer.errors import DecodeError
from peer.sctp import AssociationAborted, State
from peer.sctp.association import Association
from peer.sctp.control import Control
from peer.sctp.inbound import Inbound
from peer.sctp.states import ACTIONS, Action
from peer.wire import dtls_handshake, sctp, sctp_tlv

__all__ = ["FAULTS"]

ASSOCIATION = "cases/sctp/test_rfc9260_5_1_association.py::test_"

TAG = "cases/sctp/test_rfc9260_8_5_verification_tag.py::test_"
USER_DATA = "cases/sctp/test_rfc9260_6_user_data.py::test_"

BINARY = 53


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


def aborts_at_nonsense(association: Association, packet: bytes, now: float, events: list[Any]) -> str:
    try:
        return _receive(association, packet, now, events)
    except DecodeError:
        association.abort(now)
        return "nonsense"


def stops_at_the_unknown(association: Association, kind: int, *rest: Any) -> bool:
    return _receive_control(association, kind, *rest) or kind == 0xBF


_answer_init, _admit, _deliver = Control._answer_init, Inbound._admit, Inbound._deliver
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
