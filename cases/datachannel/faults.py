"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from cases.bending import dropped, each
from cases.planting import Fault, opens, patched, planted
from peer.api import Seams
from peer.wire import dcep, sctp

__all__ = ["FAULTS"]

PROCEDURES = "cases/datachannel/test_rfc8832_6_procedures.py::test_"

FAULTS = {
    **planted(
        PROCEDURES,
        sanity_a_channel_is_announced_and_acknowledged=Fault(Seams(dcep=dropped(dcep.Ack))),
        stream_ids_have_the_parity_of_the_dtls_role=Fault(
            Seams(sctp=each(sctp.Data, lambda one: (replace(one, stream_id=one.stream_id ^ 1),)))
        ),
        a_reliable_channel_has_no_reliability_parameter=opens(reliability=7),
        dcep_travels_ordered_under_its_own_ppid=Fault(
            Seams(sctp=each(sctp.Data, lambda one: (replace(one, flags=one.flags | sctp.DataFlag.UNORDERED),)))
        ),
        dcep_travels_on_the_stream_of_the_channel=Fault(
            Seams(sctp=each(sctp.Data, lambda one: (replace(one, stream_id=one.stream_id + 2),)))
        ),
        user_messages_never_have_the_ppid_of_dcep=Fault(
            Seams(sctp=each(sctp.Data, lambda one: (replace(one, ppid=50) if one.ppid == 53 else one,)))
        ),
        the_ppid_says_what_a_message_is=Fault(
            Seams(sctp=each(sctp.Data, lambda one: (replace(one, ppid=one.ppid ^ 1) if one.ppid != 50 else one,)))
        ),
        an_empty_message_arrives_empty=patched("peer.datachannel.channels.Channels._unusual_message", lambda *_: None),
        an_unordered_channel_sends_unordered=Fault(
            Seams(sctp=each(sctp.Data, lambda one: (replace(one, flags=one.flags & ~sctp.DataFlag.UNORDERED),)))
        ),
        closing_resets_the_outgoing_stream=Fault(Seams(sctp=dropped(sctp.Reconfig))),
        closing_is_answered_by_a_reset=Fault(Seams(sctp=dropped(sctp.Reconfig))),
        an_open_that_makes_no_sense_is_not_acknowledged=patched(
            "peer.wire.dcep.ChannelType", SimpleNamespace(__members__=dict(enumerate(range(256))))
        ),
        a_message_over_the_limit_is_refused=patched(
            "peer.api.sctp_transport.RTCSctpTransport._update_max_message_size",
            lambda transport, _: setattr(transport, "_max_message_size", float("inf")),
        ),
    ),
}
