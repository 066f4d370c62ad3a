"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from dataclasses import replace

from cases.bending import dropped, each
from cases.planting import Fault, has, init, packet, planted
from peer.api import Seams
from peer.wire import dtls_handshake, sctp, sctp_tlv

__all__ = ["FAULTS"]

ASSOCIATION = "cases/sctp/test_rfc9260_5_1_association.py::test_"

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
}
