"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from cases.bending import dropped, each
from cases.planting import Fault, opens, patched, planted
from peer.api import Seams
from peer.datachannel.channel import Channel, ChannelState
from peer.datachannel.channels import Channels
from peer.wire import dcep, sctp

__all__ = ["FAULTS"]

PROCEDURES = "cases/datachannel/test_rfc8832_6_procedures.py::test_"

BROKEN_RULES = "cases/datachannel/test_rfc8832_6_broken_rules.py::test_"

STRING = 51


def acknowledges_anything(channels: Channels, stream_id: int, now: float) -> None:
    channels._send_dcep(stream_id, dcep.Ack(), now)


def closes_at_an_ack(channels: Channels, event: Any, record: Channel | None, now: float, events: list[Any]) -> None:
    if record is not None and record.state is ChannelState.OPEN and event.data == b"\x02":
        channels._close_by_rule(record, now, events)
    else:
        _dcep_received(channels, event, record, now, events)


def limited_by_its_parameter(id: int, message: dcep.Open) -> Channel:
    return Channel(id, label=message.label, max_retransmits=message.reliability, state=ChannelState.OPEN)


_dcep_received = Channels._dcep_received

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
        an_empty_message_is_empty_whatever_it_carries=patched(
            "peer.datachannel.channels.Channels._unusual_message",
            lambda channels, event, record, now, events: channels._deliver(record, event.data, events),
        ),
        the_reliability_parameter_of_a_reliable_channel_is_ignored=patched(
            "peer.datachannel.channel.Channel.of_open", limited_by_its_parameter
        ),
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
    **planted(
        BROKEN_RULES,
        sanity_a_message_bent_into_an_open_opens_a_channel=patched(
            "peer.datachannel.channels.Channels._announce", lambda *_: None
        ),
        a_malformed_open_is_not_acknowledged=patched(
            "peer.datachannel.channels.Channels._close_stray", acknowledges_anything
        ),
        an_open_on_a_stream_of_the_wrong_parity_is_not_acknowledged=patched(
            "peer.datachannel.channels.Channels._close_stray", acknowledges_anything
        ),
        a_second_open_on_an_open_channel_closes_it=patched(
            "peer.datachannel.channels.Channels._close_by_rule", lambda *_: None
        ),
        user_data_on_an_unused_stream_close_it=patched(
            "peer.datachannel.channels.Channels._close_stray", lambda *_: None
        ),
        a_ppid_nobody_knows_is_not_delivered_as_a_message=patched(
            "peer.datachannel.channels.Channels._unusual_message",
            lambda channels, event, record, now, events: channels._deliver(record, event.data, events),
        ),
        an_ack_nobody_waits_for_does_no_harm=patched(
            "peer.datachannel.channels.Channels._dcep_received", closes_at_an_ack
        ),
        before_it_is_acknowledged_a_channel_sends_in_order=Fault(
            Seams(
                sctp=each(
                    sctp.Data,
                    lambda one: (replace(one, flags=one.flags | 4) if one.ppid == STRING else one,),
                )
            )
        ),
        every_message_is_one_sctp_message=Fault(
            Seams(sctp=each(sctp.Data, lambda one: (replace(one, data=one.data * 2) if one.ppid == STRING else one,)))
        ),
    ),
}
