"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from cases.api.parameter_faults import PARAMETER_FAULTS
from cases.planting import (
    Fault,
    alike,
    does_nothing,
    gives,
    instead,
    lacks,
    patched,
    planted,
    reads,
    slots,
    throws_another_error,
)
from peer import jsep
from peer.api import (
    MediaStreamTrack,
    RTCIceCandidate,
    RTCPeerConnectionIceEvent,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from peer.api.channels import DataChannels
from peer.api.configuration import Configuration
from peer.api.core import Core
from peer.api.data_channel import ChannelParameters
from peer.api.errors import OperationError, RangeError
from peer.api.gathering import Gathering
from peer.api.media import Media
from peer.api.session_description import RTCSdpType
from peer.api.states import RTCIceGathererState
from peer.api.tasks import Promise
from peer.api.webidl import Dictionary
from peer.dtls import KeyKind

__all__ = ["FAULTS"]

CONSTRUCTOR = "cases/api/test_w3c_4_4_1_1_constructor.py::test_"
METHODS = "cases/api/test_w3c_4_4_2_methods.py::test_"
LEGACY = "cases/api/test_w3c_4_4_3_legacy.py::test_"
DESCRIPTION = "cases/api/test_w3c_4_6_session_description.py::test_"
CANDIDATE = "cases/api/test_w3c_4_8_ice_candidate.py::test_"
EVENTS = "cases/api/test_w3c_4_8_2_events.py::test_"
CERTIFICATES = "cases/api/test_w3c_4_9_certificates.py::test_"
SENDER = "cases/api/test_w3c_5_2_rtp_sender.py::test_"
TRANSCEIVER = "cases/api/test_w3c_5_4_transceiver.py::test_"
TRANSPORTS = "cases/api/test_w3c_5_5_transports.py::test_"
ATTRIBUTES = "cases/api/test_w3c_6_2_channel_attributes.py::test_"
CONFIGURATION = "cases/api/test_w3c_4_4_1_6_configuration.py::test_"
NEEDED = "cases/api/test_w3c_4_7_negotiation_needed.py::test_"
RTP_MEDIA = "cases/api/test_w3c_5_1_rtp_media.py::test_"
DATA = "cases/api/test_w3c_6_data_channels.py::test_"


def promises_nothing(method: str) -> Fault:
    """A method does nothing, and says at once that it is done."""
    return patched(f"peer.api.{method}", lambda *_, **__: Promise.resolved(None))


def raises(function: str, error: type[Exception] = OperationError) -> Fault:
    def raiser(*_: Any, **__: Any) -> Any:
        raise error("planted")

    return patched(f"peer.api.{function}", raiser)


def refuses(method: str) -> Fault:
    """A method that returns a promise rejects it."""
    return patched(f"peer.api.{method}", lambda *_, **__: Promise.rejected(OperationError("planted")))


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


def accept_every_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peer.api.peer_connection.channel_parameters", unchecked_channel)
    monkeypatch.setattr("peer.api.peer_connection.check_parameters", lambda _: None)


unchecked = Fault(patch=accept_every_channel)
unchecked_encodings = patched("peer.api.media.check_new_encodings", lambda encodings, *_: tuple(encodings))
always_needed = patched("peer.api.core.Core._check_negotiation_needed", lambda core: core.fire("negotiationneeded"))

unconfigured = gives("peer_connection.parse_configuration", Configuration())


def one_more(media: Media, _: Any) -> None:
    """offerToReceive adds a transceiver, whatever there is."""
    media.add_transceiver("audio", {"direction": "recvonly"}, update_flag=False)


def typeless_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """The constructors of events need nothing."""
    for name in (
        "RTCPeerConnectionIceEvent",
        "RTCPeerConnectionIceErrorEvent",
        "RTCTrackEvent",
        "RTCDataChannelEvent",
        "RTCDTMFToneChangeEvent",
    ):
        monkeypatch.setattr(f"peer.api.{name}.__init__", lambda *_: None)


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


def empty_description(made: RTCSessionDescription, *_: Any) -> None:
    made._type, made._sdp = RTCSdpType.OFFER, ""


_create_channel = DataChannels.create


def eager_channel(channels: DataChannels, parameters: ChannelParameters) -> Any:
    """createDataChannel fires negotiationneeded, every time."""
    channels._core.fire("negotiationneeded")
    return _create_channel(channels, parameters)


def eager_direction(transceiver: RTCRtpTransceiver, _: str) -> None:
    """Setting a direction fires negotiationneeded, every time."""
    transceiver._core.fire("negotiationneeded")


OF_ANOTHER = {
    "candidate": "another",
    "sdpMid": "x",
    "sdpMLineIndex": 9,
    "usernameFragment": None,
    "relayProtocol": None,
    "url": None,
}

FAULTS = {
    **PARAMETER_FAULTS,
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
    **planted(
        CONSTRUCTOR,
        sanity_a_connection_is_made=raises("peer_connection.parse_configuration"),
        signaling_starts_stable=reads("peer_connection.RTCPeerConnection.signalingState", "have-local-offer"),
        ice_connection_state_starts_new=reads("peer_connection.RTCPeerConnection.iceConnectionState", "checking"),
        gathering_state_starts_new=reads("peer_connection.RTCPeerConnection.iceGatheringState", "gathering"),
        connection_state_starts_new=reads("peer_connection.RTCPeerConnection.connectionState", "connecting"),
        there_is_no_description_at_first=reads("peer_connection.RTCPeerConnection.currentLocalDescription", ""),
        there_is_no_sctp_transport_at_first=reads("peer_connection.RTCPeerConnection.sctp", ""),
        null_is_an_empty_configuration=no_configuration,
        unknown_members_are_ignored=raises("peer_connection.parse_configuration", TypeError),
    ),
    **alike(
        CONSTRUCTOR,
        unconfigured,
        "a_number_is_no_configuration",
        "servers_are_not_null",
        "a_server_has_urls",
        "servers_are_a_sequence",
        "a_transport_policy_is_one_of_two",
        "a_bundle_policy_is_one_of_three",
        "a_bundle_policy_is_not_null",
        "rtcp_is_always_multiplexed",
        "a_pool_has_at_most_255_candidates",
        "certificates_are_of_their_interface",
        "an_expired_certificate_is_refused",
        "a_certificate_given_is_the_certificate_used",
        "thirty_two_servers_are_taken",
    ),
    **planted(
        METHODS,
        an_offer_of_before_the_last_may_not_be_set=throws_another_error("InvalidModificationError"),
        a_changed_answer_is_refused=throws_another_error("InvalidModificationError"),
        the_certificates_can_not_change=throws_another_error("InvalidModificationError"),
        a_pranswer_without_text_is_made_as_needed=reads("peer_connection.RTCPeerConnection.signalingState", "stable"),
        an_offer_that_is_out_of_date_is_made_anew=patched("peer.jsep.still_accurate", lambda _: True),
        the_type_of_a_local_description_is_one_of_four=gives("negotiation.local_description_init", (None, "")),
        a_remote_offer_takes_our_own_back=patched(
            "peer.api.negotiation.REMOTE_OFFER_STATES", frozenset(jsep.SignalingState)
        ),
        restart_ice_asks_for_other_credentials=patched("peer.jsep.restart_ice", lambda state: state),
        restart_ice_before_a_description_changes_nothing=raises("peer_connection.jsep.restart_ice"),
        the_same_certificates_may_be_set_again=raises("peer_connection.check_modification"),
        a_configuration_that_fails_leaves_the_old_one=does_nothing("peer_connection.check_servers"),
        close_may_be_called_twice=raises("channels.DataChannels.close"),
        the_descriptions_outlive_the_connection=reads("peer_connection.RTCPeerConnection.localDescription", None),
        trickling_is_unknown_before_a_remote_description=reads(
            "peer_connection.RTCPeerConnection.canTrickleIceCandidates", False
        ),
        a_remote_side_that_does_not_say_so_does_not_trickle=reads(
            "peer_connection.RTCPeerConnection.canTrickleIceCandidates", True
        ),
        a_remote_side_says_that_it_trickles=reads("peer_connection.RTCPeerConnection.canTrickleIceCandidates", False),
        the_configuration_is_read_after_close=raises("configuration.Configuration.to_dictionary"),
    ),
    **alike(
        METHODS,
        raises("negotiation.local_description_init"),
        "the_offer_created_last_may_be_set",
        "the_answer_created_last_may_be_set",
        "without_a_type_an_offer_is_set_in_stable",
        "without_a_type_an_answer_is_set_to_an_offer",
        "members_of_null_take_no_description",
    ),
    **alike(
        METHODS,
        throws_another_error("InvalidStateError"),
        "no_offer_is_made_with_a_remote_one_pending",
        "no_answer_is_made_after_close",
        "no_answer_is_made_to_a_local_offer",
        "no_candidate_is_taken_after_close",
        "no_local_description_is_set_after_close",
        "no_remote_description_is_set_after_close",
    ),
    **alike(
        METHODS,
        promises_nothing("peer_connection.RTCPeerConnection.setRemoteDescription"),
        "a_remote_description_is_required",
        "a_remote_description_has_a_type",
    ),
    **alike(
        METHODS,
        promises_nothing("peer_connection.RTCPeerConnection.addIceCandidate"),
        "a_candidate_is_for_some_section",
        "an_index_beyond_the_last_section_is_refused",
        "a_candidate_of_an_unknown_generation_is_refused",
        "a_malformed_candidate_is_refused",
        "a_candidate_enters_the_pending_description",
        "a_candidate_enters_the_current_description",
        "null_ends_the_candidates_of_all_sections",
    ),
    **alike(
        METHODS,
        refuses("peer_connection.RTCPeerConnection.addIceCandidate"),
        "a_candidate_is_found_by_its_mid",
        "a_candidate_is_found_by_its_index",
        "the_mid_counts_and_not_the_index",
        "a_candidate_of_a_known_generation_is_taken",
        "an_empty_candidate_ends_those_of_a_section",
        "a_candidate_for_a_rejected_section_is_passed_over",
    ),
    **alike(
        METHODS,
        does_nothing("peer_connection.RTCPeerConnection.close"),
        "close_is_done_when_it_returns",
        "close_stops_the_transceivers",
        "close_closes_the_channels_without_events",
    ),
    **alike(
        METHODS,
        refuses("peer_connection.RTCPeerConnection.createOffer"),
        "sanity_an_offer_is_made",
    ),
    **alike(
        METHODS,
        does_nothing("peer_connection.RTCPeerConnection.setConfiguration"),
        "members_that_are_not_given_have_their_defaults_again",
        "what_was_configured_is_what_is_read",
    ),
    **alike(
        LEGACY,
        refuses("peer_connection.with_callbacks"),
        "the_callback_form_of_create_offer_promises_nothing",
        "the_callback_form_of_create_answer_promises_nothing",
        "the_callback_form_of_set_local_description_promises_nothing",
        "the_callback_form_of_set_remote_description_promises_nothing",
        "the_callback_form_of_add_ice_candidate_promises_nothing",
    ),
    **alike(
        LEGACY,
        promises_nothing("peer_connection.with_callbacks"),
        "a_failure_callback_is_callable",
        "one_callback_is_too_few",
    ),
    **alike(
        LEGACY,
        does_nothing("media.Media.offer_to_receive"),
        "sanity_the_option_makes_a_section",
        "the_option_makes_a_transceiver_that_receives",
        "one_that_only_sends_is_not",
        "refusing_leaves_a_transceiver_that_sends",
        "refusing_leaves_a_transceiver_that_does_nothing",
        "the_option_makes_another_when_the_first_stopped_receiving",
    ),
    **planted(
        LEGACY,
        a_transceiver_that_receives_is_enough=patched("peer.api.media.Media.offer_to_receive", one_more),
        refusing_leaves_the_other_kind_alone=reads("rtp_transceiver.RTCRtpTransceiver.direction", "sendonly"),
        the_option_alone_does_not_ask_for_negotiation=patched(
            "peer.api.media.Media.offer_to_receive", lambda media, _: media.add_transceiver("audio") and None
        ),
    ),
    **alike(
        DESCRIPTION,
        gives("session_description.description_init", (RTCSdpType.ROLLBACK, "another")),
        "sanity_a_description_is_made",
        "a_description_has_a_type",
        "a_type_is_one_of_four",
        "an_absent_text_is_empty",
        "a_description_may_be_made_of_another",
        "a_description_is_signalled_whole",
        "the_local_description_is_the_pending_one",
    ),
    **planted(
        DESCRIPTION,
        a_description_is_made_of_something=patched(
            "peer.api.session_description.RTCSessionDescription.__init__", empty_description
        ),
    ),
    **alike(
        CANDIDATE,
        gives("ice_candidate._parse", {}),
        "the_attribute_is_parsed",
        "component_two_is_rtcp",
        "a_transport_in_capitals_is_read",
        "related_address_and_port_are_read",
        "the_tcp_type_is_read",
    ),
    **alike(
        CANDIDATE,
        gives(
            "ice_candidate._parse",
            {"foundation": "1", "type": "relay", "tcpType": "so", "relatedAddress": "192.0.2.1", "relatedPort": 1},
        ),
        "a_host_candidate_has_no_related_address",
        "a_udp_candidate_has_no_tcp_type",
        "what_does_not_parse_is_kept_as_it_is",
        "an_unknown_type_leaves_every_field_null",
    ),
    **alike(
        CANDIDATE,
        gives("ice_candidate.candidate_init", OF_ANOTHER),
        "sanity_a_candidate_is_made",
        "a_candidate_belongs_to_some_section",
        "nothing_is_no_candidate",
        "an_index_alone_is_enough",
        "the_members_given_are_attributes",
        "a_relay_protocol_and_a_url_are_kept",
        "a_relay_protocol_is_one_of_three",
        "an_index_is_sixteen_bits",
        "a_candidate_of_null_is_a_string",
        "the_end_of_candidates_has_no_fields",
    ),
    **alike(
        CANDIDATE,
        gives("ice_candidate.RTCIceCandidate.toJSON", {}),
        "four_members_are_signalled",
        "members_that_are_null_are_signalled_too",
    ),
    **alike(
        EVENTS,
        gives("events.dictionary", {}),
        "an_ice_event_holds_its_candidate",
        "a_candidate_in_an_event_is_of_its_interface",
        "an_ice_error_has_a_code",
        "an_ice_error_holds_its_members",
        "a_channel_event_has_a_channel",
        "a_channel_in_an_event_is_not_null",
        "a_channel_event_holds_its_channel",
        "a_track_event_has_three_members",
        "a_track_event_is_of_no_streams_unless_told",
        "a_track_event_holds_its_streams",
        "a_tone_is_held",
        "an_error_event_has_an_error",
        "an_error_event_holds_its_error",
    ),
    **alike(
        EVENTS,
        gives("errors.dictionary", {"errorDetail": "dtls-failure", "sdpLineNumber": 7}),
        "an_error_has_a_detail",
        "a_detail_is_one_of_those_listed",
        "an_error_holds_its_members",
        "members_an_error_was_not_given_are_null",
    ),
    **planted(
        EVENTS,
        sanity_an_event_is_made=gives("events.string", "another"),
        an_event_has_a_type=Fault(patch=typeless_events),
        an_ice_event_may_be_empty=reads("events.RTCPeerConnectionIceEvent.candidate", "x"),
        a_tone_is_empty_unless_told=reads("events.RTCDTMFToneChangeEvent.tone", "x"),
        an_error_is_an_operation_error=throws_another_error("OperationError"),
    ),
    **alike(
        CERTIFICATES,
        gives("certificate._normalize", (KeyKind.ECDSA_P256, 400 * 24 * 3600 * 1000)),
        "a_certificate_is_valid_for_thirty_days",
        "a_certificate_is_valid_as_long_as_asked",
        "a_certificate_is_valid_for_a_year_at_most",
        "a_negative_life_is_refused",
        "an_algorithm_has_a_name",
        "an_elliptic_key_has_a_curve",
        "an_unknown_algorithm_is_not_supported",
        "keys_that_only_agree_are_not_supported",
        "an_algorithm_is_required",
    ),
    **alike(
        CERTIFICATES,
        gives("certificate.RTCCertificate.getFingerprints", [{"algorithm": "md5", "value": "AB"}]),
        "fingerprints_are_lower_case",
        "there_is_a_fingerprint_by_sha_256",
    ),
    **planted(CERTIFICATES, sanity_a_certificate_is_made=refuses("peer_connection.generate_certificate")),
    **planted(
        SENDER,
        sanity_parameters_are_read=raises("rtp_sender.send_parameters"),
        a_sender_of_a_kind_has_no_track=reads("rtp_sender.RTCRtpSender.track", ""),
        a_sender_has_no_transport_before_a_description=reads("rtp_sender.RTCRtpSender.transport", ""),
        a_sender_of_audio_sends_tones=reads("rtp_sender.RTCRtpSender.dtmf", None),
        a_sender_of_video_does_not=reads("rtp_sender.RTCRtpSender.dtmf", ""),
        parameters_of_one_task_are_of_one_transaction=patched(
            "peer.api.rtp_sender.RTCRtpSender.getParameters", lambda _: Dictionary(transactionId=str(uuid.uuid4()))
        ),
        another_task_is_another_transaction=gives("rtp_sender.uuid.uuid4", "same"),
        a_stopping_sender_takes_no_parameters=throws_another_error("InvalidStateError"),
        nothing_is_sent_of_another_kind=gives("rtp_sender.RTCRtpSender.getCapabilities", {}),
        codecs_and_extensions_for_sending_are_listed=gives("rtp_sender.RTCRtpSender.getCapabilities", {"codecs": []}),
        nothing_is_received_of_another_kind=gives("rtp_receiver.RTCRtpReceiver.getCapabilities", {}),
        retransmission_is_listed_once=gives("rtp_receiver.RTCRtpReceiver.getCapabilities", {"codecs": []}),
        a_track_is_taken_away=refuses("rtp_sender.RTCRtpSender.replaceTrack"),
        a_track_is_replaced=refuses("rtp_sender.RTCRtpSender.replaceTrack"),
        nothing_replaces_the_track_of_a_stopping_sender=promises_nothing("rtp_sender.RTCRtpSender.replaceTrack"),
        nothing_replaces_a_track_after_close=promises_nothing("rtp_sender.RTCRtpSender.replaceTrack"),
        replacing_a_track_needs_no_negotiation=always_needed,
        no_streams_are_set_after_close=does_nothing("rtp_sender.RTCRtpSender.setStreams"),
        streams_that_are_set_are_offered=does_nothing("rtp_sender.RTCRtpSender.setStreams"),
        streams_are_streams=does_nothing("rtp_sender.RTCRtpSender.setStreams"),
        a_receiver_has_a_track_at_once=reads("media_stream.MediaStreamTrack.kind", "smell"),
        a_receiver_has_no_transport_before_a_description=reads("rtp_receiver.RTCRtpReceiver.transport", ""),
        a_receiver_is_ready_for_nothing_before_negotiation=gives("rtp_receiver.receive_parameters", {"codecs": [1]}),
        a_rid_can_not_be_given=throws_another_error("InvalidModificationError"),
    ),
    **alike(
        SENDER,
        gives("rtp_sender.send_parameters", Dictionary(transactionId="1", encodings=[Dictionary()], codecs=None)),
        "a_sender_has_one_active_encoding",
        "video_is_not_scaled_unless_told",
        "there_are_no_codecs_before_negotiation",
    ),
    **alike(
        SENDER,
        gives("rtp_sender.send_parameters", Dictionary(codecs=[], headerExtensions=[])),
        "codecs_are_negotiated_for_sending",
        "header_extensions_are_negotiated_for_sending",
    ),
    **alike(
        SENDER,
        promises_nothing("rtp_sender.RTCRtpSender.setParameters"),
        "parameters_that_were_set_are_read_again",
        "an_encoding_is_made_inactive",
        "a_transaction_can_not_be_changed",
        "encodings_can_not_be_added",
        "encodings_can_not_be_removed",
        "header_extensions_can_not_be_changed",
        "the_cname_can_not_be_changed",
        "codecs_can_not_be_changed",
        "parameters_do_not_scale_up",
        "a_frame_rate_is_not_negative",
        "parameters_have_encodings",
        "parameters_are_required",
    ),
    **planted(SENDER, a_scale_means_nothing_to_audio=raises("rtp_sender.check_set_parameters", RangeError)),
    **alike(
        SENDER,
        reads("rtp_receiver.RTCRtpReceiver.jitterBufferTarget", 5),
        "a_jitter_buffer_has_no_target_at_first",
        "a_target_that_was_set_is_read",
        "a_target_is_four_seconds_at_most",
        "a_target_is_not_negative",
    ),
    **alike(
        TRANSCEIVER,
        throws_another_error("InvalidStateError"),
        "no_track_is_added_after_close",
        "no_track_is_removed_after_close",
        "nothing_is_stopped_after_close",
    ),
    **alike(
        TRANSCEIVER,
        gives("media.Media._reusable", False),
        "a_track_takes_a_sender_that_has_none",
        "a_sender_that_is_taken_sends_too",
        "an_inactive_sender_that_is_taken_sends",
    ),
    **alike(
        TRANSCEIVER,
        gives("media.Media._reusable", True),
        "a_sender_of_another_kind_is_not_taken",
        "a_stopping_sender_is_not_taken",
        "a_sender_that_has_sent_is_not_taken",
    ),
    **alike(
        TRANSCEIVER,
        patched("peer.api.media.check_new_encodings", lambda *_: (jsep.Encoding(scale_resolution_down_by=7.0),) * 3),
        "a_frame_rate_of_zero_is_refused",
        "a_codec_that_is_not_implemented_is_refused",
        "a_scale_of_audio_is_forgotten",
        "where_one_scale_is_given_the_others_are_one",
        "audio_has_one_encoding",
        "encodings_keep_their_order_and_rids",
        "layers_are_offered_in_their_order",
    ),
    **alike(
        TRANSCEIVER,
        does_nothing("core.Core.update_negotiation_needed"),
        "a_transceiver_needs_negotiation",
        "another_direction_needs_negotiation",
        "stopping_needs_negotiation",
    ),
    **alike(
        TRANSCEIVER,
        does_nothing("rtp_transceiver.RTCRtpTransceiver.stop"),
        "a_transceiver_stopped_before_it_was_offered_is_not_offered",
        "a_stopping_transceiver_is_offered_with_port_zero",
    ),
    **alike(
        TRANSCEIVER,
        raises("rtp_transceiver.parse_preferences"),
        "no_preferences_are_taken",
        "every_codec_there_is_may_be_preferred",
        "a_codec_may_be_named_twice",
        "a_mime_type_may_be_in_capitals",
        "preferences_are_taken_back",
    ),
    **alike(
        TRANSCEIVER,
        gives("rtp_transceiver.parse_preferences", ()),
        "a_codec_of_another_kind_is_refused",
        "another_clock_rate_is_another_codec",
        "a_codec_with_channels_is_another_one",
        "a_codec_with_parameters_is_another_one",
        "retransmission_alone_is_no_preference",
        "a_codec_has_a_clock_rate",
        "only_preferred_codecs_are_offered",
    ),
    **planted(
        TRANSCEIVER,
        sanity_a_transceiver_is_in_the_set=gives("media.Media.transceivers", []),
        a_stream_is_not_null=gives("media.stream_ids", ()),
        a_track_is_sent_and_received=slots(direction=jsep.Direction.SENDONLY),
        a_track_may_be_removed_twice=raises("media.Media.remove_track"),
        a_stopping_sender_keeps_its_track=reads("rtp_sender.RTCRtpSender.track", None),
        a_sender_that_only_sends_becomes_inactive=does_nothing("media.Media.remove_track"),
        a_sender_without_track_is_still_listed=gives("media.Media.senders", []),
        a_closed_connection_has_no_receivers=patched(
            "peer.api.media.Media.active", lambda media: list(media._transceivers.values())
        ),
        transceivers_are_listed_in_order=patched(
            "peer.api.media.Media.transceivers", lambda media: list(media._transceivers.values())[::-1]
        ),
        a_transceiver_is_of_its_tracks_kind=reads("media_stream.MediaStreamTrack.kind", "audio"),
        a_transceiver_has_the_direction_it_is_given=slots(direction=jsep.Direction.SENDONLY),
        a_direction_is_one_of_those_listed=gives("media.dictionary", {}),
        a_transceiver_has_no_mid_at_first=reads("rtp_transceiver.RTCRtpTransceiver.mid", "0"),
        a_transceiver_has_no_current_direction_at_first=slots(current_direction=jsep.Direction.INACTIVE),
        a_direction_that_is_set_is_read=reads("rtp_transceiver.RTCRtpTransceiver.direction", "sendrecv"),
        an_unknown_direction_is_ignored=reads("rtp_transceiver.RTCRtpTransceiver.direction", "sideways"),
        the_same_direction_needs_none=patched(
            "peer.api.rtp_transceiver.RTCRtpTransceiver.direction", property(lambda _: "sendrecv", eager_direction)
        ),
        the_current_direction_waits_for_negotiation=reads(
            "rtp_transceiver.RTCRtpTransceiver.currentDirection", "inactive"
        ),
        stop_may_be_called_twice=raises("rtp_transceiver.RTCRtpTransceiver.stop"),
        a_stopping_transceiver_keeps_its_current_direction=reads(
            "rtp_transceiver.RTCRtpTransceiver.currentDirection", "stopped"
        ),
        sender_and_receiver_stay_the_same=patched(
            "peer.api.rtp_transceiver.RTCRtpTransceiver.sender", property(lambda _: MediaStreamTrack("audio"))
        ),
        a_stream_is_offered_with_the_track=gives("media.stream_ids", ()),
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
