"""The faults of the cases on the connection itself; see cases/planting.py."""

from __future__ import annotations

from typing import Any

from cases.planting import (
    alike,
    always_needed,
    does_nothing,
    gives,
    patched,
    planted,
    promises_nothing,
    raises,
    reads,
    refuses,
    throws_another_error,
)
from peer import jsep
from peer.api.configuration import Configuration
from peer.api.media import Media
from peer.dtls import KeyKind

__all__ = ["CONNECTION_FAULTS"]

CONSTRUCTOR = "cases/api/test_w3c_4_4_1_1_constructor.py::test_"
METHODS = "cases/api/test_w3c_4_4_2_methods.py::test_"
LEGACY = "cases/api/test_w3c_4_4_3_legacy.py::test_"
CERTIFICATES = "cases/api/test_w3c_4_9_certificates.py::test_"
CONFIGURATION = "cases/api/test_w3c_4_4_1_6_configuration.py::test_"
NEEDED = "cases/api/test_w3c_4_7_negotiation_needed.py::test_"


no_configuration = patched(
    "peer.api.configuration.Configuration.to_dictionary",
    lambda _: {"iceServers": [], "iceTransportPolicy": "all", "bundlePolicy": "max-bundle"},
)


unconfigured = gives("peer_connection.parse_configuration", Configuration())


def one_more(media: Media, _: Any) -> None:
    """offerToReceive adds a transceiver, whatever there is."""
    media.add_transceiver("audio", {"direction": "recvonly"}, update_flag=False)


CONNECTION_FAULTS = {
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
}
