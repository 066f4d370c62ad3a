"""The faults of the cases on transports and data channels; see cases/planting.py."""

from __future__ import annotations

from typing import Any

import pytest

from cases.planting import (
    Fault,
    alike,
    does_nothing,
    gives,
    lacks,
    patched,
    planted,
    raises,
    reads,
    throws_another_error,
)
from peer.api import (
    RTCIceCandidate,
    RTCPeerConnectionIceEvent,
)
from peer.api.channels import DataChannels
from peer.api.core import Core
from peer.api.data_channel import ChannelParameters
from peer.api.gathering import Gathering
from peer.api.states import RTCIceGathererState

__all__ = ["TRANSPORT_FAULTS"]

TRANSPORTS = "cases/api/test_w3c_5_5_transports.py::test_"
ATTRIBUTES = "cases/api/test_w3c_6_2_channel_attributes.py::test_"
DATA = "cases/api/test_w3c_6_data_channels.py::test_"


def unchecked_channel(label: str, init: dict[str, Any] | None) -> ChannelParameters:
    """createDataChannel without its checks."""
    given = init or {}
    return ChannelParameters(label, protocol=given.get("protocol", ""), id=given.get("id"))


def accept_every_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peer.api.peer_connection.channel_parameters", unchecked_channel)
    monkeypatch.setattr("peer.api.peer_connection.check_parameters", lambda _: None)


unchecked = Fault(patch=accept_every_channel)


def ends_silently(gathering: Gathering) -> None:
    """Gathering is complete, and no event is of null."""
    gathering._stack.ice._gathering_state = RTCIceGathererState.COMPLETE
    core: Core = gathering._core
    if core.derive_ice_gathering_state():
        core.fire("icegatheringstatechange")


def surfaces_homeless(gathering: Gathering, candidate: Any, _: str) -> None:
    """Candidates belong to no section."""
    made = RTCIceCandidate._of(candidate=candidate.serialize())
    gathering._core.fire(RTCPeerConnectionIceEvent("icecandidate", {"candidate": made}))


_create_channel = DataChannels.create


def eager_channel(channels: DataChannels, parameters: ChannelParameters) -> Any:
    """createDataChannel fires negotiationneeded, every time."""
    channels._core.fire("negotiationneeded")
    return _create_channel(channels, parameters)


TRANSPORT_FAULTS = {
    **planted(
        DATA,
        sanity_a_channel_starts_connecting=reads("data_channel.RTCDataChannel.readyState", "open"),
        a_negotiated_channel_needs_an_id=unchecked,
        the_two_limits_exclude_each_other=unchecked,
        the_id_65535_is_not_used=unchecked,
        an_id_is_used_once=throws_another_error("OperationError"),
        names_have_at_most_65535_bytes=unchecked,
        the_id_of_a_channel_negotiated_in_band_is_ignored=unchecked,
        nothing_is_sent_before_the_channel_is_open=throws_another_error("InvalidStateError"),
        binary_data_are_array_buffers_at_first=reads("data_channel.RTCDataChannel.binaryType", "blob"),
        close_begins_at_once=does_nothing("data_channel.RTCDataChannel.close"),
        nothing_is_sent_after_close=throws_another_error("InvalidStateError"),
        a_channel_the_other_side_closes_is_closing_then_closed=does_nothing(
            "data_channel.RTCDataChannel._closing_started"
        ),
        the_other_side_gets_the_same_channel=reads("data_channel.RTCDataChannel.label", "another"),
        the_association_says_how_many_channels_it_takes=reads("sctp_transport.RTCSctpTransport.maxChannels", None),
        closing_the_connection_closes_its_channels=does_nothing("channels.DataChannels.close"),
    ),
    **planted(
        TRANSPORTS,
        sanity_an_offer_makes_a_transport=reads("dtls_transport.RTCDtlsTransport.state", "failed"),
        sender_and_receiver_share_a_transport=reads("rtp_receiver.RTCRtpReceiver.transport", None),
        dtls_is_new_before_an_answer=reads("dtls_transport.RTCDtlsTransport.state", "connecting"),
        there_are_no_remote_certificates_before_the_handshake=gives(
            "dtls_transport.RTCDtlsTransport.getRemoteCertificates", [b""]
        ),
        ice_is_new_before_an_answer=reads("ice_transport.RTCIceTransport.state", "checking"),
        a_transport_is_for_rtp=reads("ice_transport.RTCIceTransport.component", "rtcp"),
        the_offerer_is_controlling=reads("ice_transport.RTCIceTransport.role", "controlled"),
        the_answerer_is_controlled=reads("ice_transport.RTCIceTransport.role", "controlling"),
        a_new_transport_has_no_selected_pair=gives("ice_transport.RTCIceTransport.getSelectedCandidatePair", 1),
        local_parameters_are_those_of_the_description=gives(
            "ice_transport.RTCIceTransport.getLocalParameters", {"usernameFragment": "nobody"}
        ),
        there_are_no_remote_parameters_before_an_answer=gives("ice_transport.RTCIceTransport.getRemoteParameters", 1),
        an_offer_of_data_makes_an_association=reads("sctp_transport.RTCSctpTransport.state", "connected"),
        a_message_has_no_limit_before_an_answer=reads("sctp_transport.RTCSctpTransport.maxMessageSize", 1),
        the_number_of_channels_is_unknown_before_the_association=reads(
            "sctp_transport.RTCSctpTransport.maxChannels", 1
        ),
        a_rollback_takes_the_association_away=reads("peer_connection.RTCPeerConnection.sctp", ""),
        an_answer_without_data_takes_the_association_away=reads("peer_connection.RTCPeerConnection.sctp", ""),
        a_message_is_as_large_as_both_sides_take=reads("sctp_transport.RTCSctpTransport.maxMessageSize", 2**40),
        a_bundle_has_one_transport=lacks("a=group:BUNDLE"),
        a_transport_is_closed_with_its_connection=reads("dtls_transport.RTCDtlsTransport.state", "connected"),
        gathering_begins_in_a_task_of_its_own=reads("peer_connection.RTCPeerConnection.iceGatheringState", "complete"),
        gathering_ends=reads("peer_connection.RTCPeerConnection.iceGatheringState", "gathering"),
        the_last_candidate_event_is_of_null=patched("peer.api.gathering.Gathering._all_ended", ends_silently),
        a_candidate_event_names_section_and_index=patched("peer.api.gathering.Gathering._surface", surfaces_homeless),
        candidates_enter_the_pending_description=patched("peer.jsep.add_local_candidate", lambda state, *_: state),
        the_end_of_candidates_enters_the_description=patched("peer.jsep.end_local_candidates", lambda state, *_: state),
        the_end_of_a_generation_is_an_empty_candidate=does_nothing("gathering.Gathering._generation_ended"),
        surfaced_candidates_are_listed=gives("ice_transport.RTCIceTransport.getLocalCandidates", []),
    ),
    **alike(
        ATTRIBUTES,
        patched(
            "peer.api.peer_connection.channel_parameters",
            lambda *_: ChannelParameters("another", True, None, None, "another", False, None),
        ),
        "sanity_a_channel_has_its_label",
        "a_label_is_any_value_as_text",
        "a_label_of_null_is_the_word",
        "a_lone_surrogate_is_replaced",
        "a_channel_may_be_unordered",
        "a_life_time_of_zero_is_kept",
        "a_life_time_is_sixteen_bits",
        "no_retransmission_is_a_limit",
        "retransmissions_are_not_negative",
        "a_protocol_is_empty_unless_told",
        "a_protocol_is_kept",
        "a_channel_may_be_negotiated",
        "a_negotiated_channel_has_the_id_it_is_given",
        "an_id_is_sixteen_bits",
    ),
    **alike(
        ATTRIBUTES,
        patched(
            "peer.api.peer_connection.channel_parameters",
            lambda *_: ChannelParameters("case", False, 5, 5, "", True, 5),
        ),
        "a_channel_is_ordered_unless_told",
        "packets_live_for_ever_unless_told",
        "retransmissions_are_not_limited_unless_told",
        "a_channel_is_announced_unless_told",
        "a_channel_has_no_id_at_first",
    ),
    **planted(
        ATTRIBUTES,
        a_label_is_required=patched("peer.api.peer_connection.RTCPeerConnection.createDataChannel", lambda *_: None),
        close_counts_more_than_a_long_label=throws_another_error("InvalidStateError"),
        only_the_first_channel_needs_negotiation=patched("peer.api.channels.DataChannels.create", eager_channel),
        nothing_is_buffered_at_first=reads("data_channel.RTCDataChannel.bufferedAmount", 1),
        the_threshold_starts_at_zero=reads("data_channel.RTCDataChannel.bufferedAmountLowThreshold", 1),
        a_threshold_that_was_set_is_read=reads("data_channel.RTCDataChannel.bufferedAmountLowThreshold", 1),
        binary_data_may_be_blobs=reads("data_channel.RTCDataChannel.binaryType", "arraybuffer"),
        an_unknown_binary_type_is_ignored=reads("data_channel.RTCDataChannel.binaryType", "paper"),
        an_array_buffer_is_refused_before_the_channel_is_open=throws_another_error("InvalidStateError"),
        a_channel_may_be_closed_twice=raises("data_channel.RTCDataChannel.close"),
        a_channel_is_closing_at_once=does_nothing("data_channel.RTCDataChannel.close"),
        an_answer_gives_channels_their_ids=does_nothing("channels.DataChannels.assign_ids"),
        the_dtls_server_takes_odd_ids=gives("channels.DataChannels._free_id", 500),
        a_channel_made_later_has_an_id_at_once=does_nothing("channels.DataChannels.assign_ids"),
        open_is_fired_at_an_open_channel=reads("data_channel.RTCDataChannel.readyState", "closing"),
        the_association_says_so_before_the_channel_is_open=does_nothing("data_channel.RTCDataChannel._opened"),
        a_message_over_the_limit_is_refused=does_nothing("data_channel.RTCDataChannel.send"),
        what_is_sent_is_buffered_in_this_task=reads("data_channel.RTCDataChannel.bufferedAmount", 0),
        an_announced_channel_is_open_in_its_event=reads("data_channel.RTCDataChannel.label", "another"),
    ),
}
