"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from typing import Any

import pytest

from cases.planting import Fault, instead, patched, planted, throws_another_error
from peer.api.data_channel import ChannelParameters
from peer.api.media import Media

__all__ = ["FAULTS"]

CONFIGURATION = "cases/api/test_w3c_4_4_1_6_configuration.py::test_"
NEEDED = "cases/api/test_w3c_4_7_negotiation_needed.py::test_"
RTP_MEDIA = "cases/api/test_w3c_5_1_rtp_media.py::test_"
DATA = "cases/api/test_w3c_6_data_channels.py::test_"


def reads(attribute: str, value: Any) -> Fault:
    """An attribute of an interface always has this value, and takes any."""
    return patched(f"peer.api.{attribute}", property(lambda _: value, lambda *_: None))


def does_nothing(function: str) -> Fault:
    return patched(f"peer.api.{function}", lambda *_, **__: None)


def unchecked_channel(label: str, init: dict[str, Any] | None) -> ChannelParameters:
    """createDataChannel without its checks."""
    given = init or {}
    return ChannelParameters(label, protocol=given.get("protocol", ""), id=given.get("id"))


_add_transceiver = Media.add_transceiver


def of_any_kind(media: Media, kind: Any, init: Any = None, **options: Any) -> Any:
    """addTransceiver, for which an unknown kind is audio."""
    return _add_transceiver(media, "audio" if kind == "smell" else kind, init, **options)


no_configuration = patched(
    "peer.api.configuration.Configuration.to_dictionary",
    lambda _: {"iceServers": [], "iceTransportPolicy": "all", "bundlePolicy": "max-bundle"},
)


def unchecked_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peer.api.peer_connection.channel_parameters", unchecked_channel)
    monkeypatch.setattr("peer.api.peer_connection.check_parameters", lambda _: None)


unchecked = Fault(patch=unchecked_everywhere)
unchecked_encodings = patched("peer.api.media.check_new_encodings", lambda encodings, *_: tuple(encodings))
always_needed = patched("peer.api.core.Core._check_negotiation_needed", lambda core: core.fire("negotiationneeded"))

FAULTS = {
    **planted(
        CONFIGURATION,
        sanity_the_constructor_takes_nothing=no_configuration,
        urls_that_are_no_ice_servers_are_syntax_errors=throws_another_error("SyntaxError_"),
        an_unknown_transport_is_a_syntax_error=throws_another_error("SyntaxError_"),
        a_turn_server_needs_both_credentials=throws_another_error("InvalidAccessError"),
        a_server_needs_a_url=throws_another_error("SyntaxError_"),
        the_bundle_policy_can_not_change=throws_another_error("InvalidModificationError"),
        the_pool_size_can_not_change_after_a_local_description=throws_another_error("InvalidModificationError"),
        a_closed_connection_is_not_configured=throws_another_error("InvalidStateError"),
        the_configuration_given_is_the_configuration_read=no_configuration,
    ),
    **planted(
        NEEDED,
        sanity_a_channel_needs_negotiation=does_nothing("core.Core.update_negotiation_needed"),
        changes_in_one_task_need_one_negotiation=always_needed,
        nothing_is_needed_while_an_offer_is_out=always_needed,
        operations_end_in_the_order_they_were_asked_for=patched(
            "peer.api.tasks.OperationsChain.chain", lambda _, operation: operation()
        ),
        restart_ice_needs_negotiation=patched("peer.jsep.restart_ice", lambda state: state),
        close_sets_the_states_and_fires_nothing=reads(
            "peer_connection.RTCPeerConnection.iceConnectionState", "connected"
        ),
        close_closes_the_transports=reads("dtls_transport.RTCDtlsTransport.state", "connected"),
    ),
    **planted(
        RTP_MEDIA,
        sanity_a_transceiver_is_made=reads("rtp_transceiver.RTCRtpTransceiver.direction", "inactive"),
        there_are_no_transceivers_of_other_kinds=patched("peer.api.media.Media.add_transceiver", of_any_kind),
        a_closed_connection_takes_no_transceiver=throws_another_error("InvalidStateError"),
        rids_have_to_tell_encodings_apart=unchecked_encodings,
        video_is_not_scaled_up=unchecked_encodings,
        layers_are_scaled_from_small_to_large=unchecked_encodings,
        a_lone_encoding_has_no_rid=unchecked_encodings,
        a_track_has_one_sender=throws_another_error("InvalidAccessError"),
        a_sender_is_removed_from_its_own_connection_only=throws_another_error("InvalidAccessError"),
        a_removed_track_leaves_a_sender_that_only_receives=does_nothing("media.Media.remove_track"),
        a_transceiver_is_stopped_by_stop_alone=reads("rtp_transceiver.RTCRtpTransceiver.direction", "sendrecv"),
        a_stopping_transceiver_has_no_direction_any_more=reads(
            "rtp_transceiver.RTCRtpTransceiver.direction", "sendrecv"
        ),
        stopping_ends_the_receivers_track=does_nothing("media.Media.ended"),
        parameters_are_set_as_they_were_read=throws_another_error("InvalidStateError"),
        a_track_is_replaced_by_one_of_its_kind=does_nothing("rtp_sender.RTCRtpSender.replaceTrack"),
        unknown_codecs_are_not_preferred=throws_another_error("InvalidModificationError"),
        an_offered_track_is_announced_and_received=instead("a=recvonly", "a=inactive"),
        a_receiver_is_muted_at_first=reads("media_stream.MediaStreamTrack.muted", False),
        no_tones_without_a_connection=throws_another_error("InvalidStateError"),
    ),
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
}
