"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cases.planting import (
    ANSWER,
    LOCAL,
    LOCAL_OFFER,
    OFFER,
    PRANSWER,
    REMOTE,
    REMOTE_OFFER,
    ROLLBACK,
    STABLE,
    Fault,
    alike,
    does_nothing,
    gives,
    instead,
    patched,
    planted,
    reads,
    slots,
    throws_another_error,
    transition,
)
from peer import jsep
from peer.api import MediaStream
from peer.api.errors import OperationError
from peer.api.media import Media
from peer.api.tasks import Promise

__all__ = ["FAULTS"]

TRANSCEIVERS = "cases/jsep/test_w3c_4_4_1_5_transceivers.py::test_"
GLARE = "cases/jsep/test_w3c_10_7_perfect_negotiation.py::test_"
SEMANTICS = "cases/jsep/test_rfc9429_5_8_3_semantics.py::test_"
ROLLBACK_CASES = "cases/jsep/test_w3c_4_4_1_5_rollback.py::test_"
NEGOTIATED = "cases/jsep/test_w3c_4_4_1_5_negotiated_parameters.py::test_"
STATES = "cases/jsep/test_w3c_4_4_1_5_set_a_session_description.py::test_"

TRANSCEIVER = "rtp_transceiver.RTCRtpTransceiver"
CONNECTION = "peer_connection.RTCPeerConnection"

_fire_track = Media.fire_track


def fires_twice(media: Media, key: int, ids: tuple[str, ...]) -> None:
    """Every track is announced twice."""
    _fire_track(media, key, ids)
    _fire_track(media, key, ids)


def doubled(media: Media) -> list[Any]:
    """getTransceivers has every transceiver twice."""
    return [*media._transceivers.values()] * 2


_receive_parameters, _as_said = jsep.media._receive_parameters, jsep.media._as_said


def receives_as_they_say(model: Any, ours: Any, theirs: Any, direction: Any) -> Any:
    """What is received has the parameters of the other side."""
    made = _receive_parameters(model, ours, theirs, direction)
    return made if theirs is None else replace(made, codecs=_as_said(theirs, made.codecs))


always_needed = patched("peer.api.core.Core._check_negotiation_needed", lambda core: core.fire("negotiationneeded"))
silent = does_nothing("media.Media.fire_track")
never_needed = does_nothing("core.Core._check_negotiation_needed")
no_streams_left = does_nothing("media.Media.remove_from_stream")
not_proposed: Fault = patched("peer.jsep.media.proposed_encodings", lambda *_: ())

unverified = patched("peer.jsep.apply.verify", lambda *_: None)
refused = patched(
    "peer.api.peer_connection.RTCPeerConnection.setRemoteDescription",
    lambda *_: Promise.rejected(OperationError("planted")),
)

FAULTS = {
    **planted(
        GLARE,
        sanity_one_side_offers=refused,
        offers_cross_and_both_sides_agree=patched(
            "peer.api.negotiation.REMOTE_OFFER_STATES", frozenset(jsep.SignalingState)
        ),
    ),
    **alike(
        SEMANTICS,
        unverified,
        "an_offer_has_ice_credentials",
        "a_username_fragment_has_four_characters_at_least",
        "an_offer_has_a_fingerprint",
        "an_offer_multiplexes_rtcp",
        "keys_are_not_in_the_description",
        "a_mid_stands_once",
        "a_later_offer_keeps_every_section",
        "a_later_offer_keeps_the_order_of_sections",
        "an_offer_after_an_offer_keeps_its_sections",
        "an_answer_is_of_the_offered_kind",
        "an_answer_without_a_restart_keeps_its_credentials",
        "an_answer_to_a_restart_has_other_credentials",
        "an_answer_has_no_feedback_that_was_not_offered",
    ),
    **alike(SEMANTICS, refused, "sanity_the_offer_itself_is_taken", "an_offer_after_an_offer_may_add_sections"),
    **planted(
        SEMANTICS,
        an_answer_has_the_sections_of_the_offer=throws_another_error("InvalidAccessError"),
        a_text_that_is_no_description_is_a_syntax_error=throws_another_error("OperationError"),
        a_syntax_error_names_its_line=patched("peer.api.negotiation.dom_error", lambda _: OperationError("planted")),
    ),
    **planted(
        TRANSCEIVERS,
        sanity_an_offer_makes_a_transceiver=gives("media.Media.transceivers", []),
        a_local_offer_gives_a_transceiver_its_mid=reads(f"{TRANSCEIVER}.mid", "nobody"),
        a_remote_offer_gives_a_transceiver_its_mid=reads(f"{TRANSCEIVER}.mid", "nobody"),
        a_transceiver_that_an_offer_makes_only_receives=reads(f"{TRANSCEIVER}.direction", "sendrecv"),
        a_transceiver_that_an_offer_makes_has_no_track_to_send=reads("rtp_sender.RTCRtpSender.track", ""),
        an_offer_sets_no_current_direction=reads(f"{TRANSCEIVER}.currentDirection", "inactive"),
        an_offer_is_for_a_track_that_waits=slots(add_track=False),
        an_offer_is_not_for_a_transceiver_that_was_added=slots(add_track=True),
        a_track_does_not_make_a_transceiver_wait_that_was_added=slots(add_track=True),
        a_transceiver_that_outlived_a_rollback_waits_for_an_offer=gives("media.Media.transceivers", []),
        an_offer_is_not_for_a_track_of_another_kind=patched("peer.jsep.association.kind_of", lambda _: jsep.Kind.VIDEO),
        an_offer_to_receive_fires_no_track=patched("peer.jsep.media.direction_of", lambda *_: jsep.Direction.SENDRECV),
        a_track_comes_in_the_stream_its_offer_names=patched("peer.api.media.Media._stream", lambda *_: MediaStream()),
        two_tracks_of_one_stream_come_in_one_object=patched("peer.api.media.Media._stream", lambda *_: MediaStream()),
        a_track_without_a_stream_comes_alone=patched("peer.jsep.media._msids", lambda *_: ("x",)),
        the_receiver_of_a_track_event_is_the_transceivers=reads(f"{TRANSCEIVER}.mid", "nobody"),
        a_track_leaves_its_stream_when_it_is_no_longer_sent=no_streams_left,
        an_offer_that_says_the_same_announces_nothing=patched("peer.api.media.Media.fire_track", fires_twice),
        a_rejected_section_stops_its_transceiver=reads(f"{TRANSCEIVER}.direction", "inactive"),
        the_section_of_a_stopped_transceiver_is_used_again=patched("peer.jsep.offer._is_recyclable", lambda *_: False),
        what_the_answer_left_out_needs_negotiation=never_needed,
        nothing_more_is_needed_after_an_answer=always_needed,
        data_that_is_negotiated_needs_nothing_more=always_needed,
        an_answer_takes_the_direction_of_the_transceiver=reads(f"{TRANSCEIVER}.currentDirection", "recvonly"),
        a_direction_is_turned_to_our_view=reads(f"{TRANSCEIVER}.currentDirection", "recvonly"),
        an_answer_without_layers_leaves_the_first=patched("peer.jsep.media._prune_encodings", lambda one, _: one),
        a_remote_offer_of_data_makes_an_association=reads("sctp_transport.RTCSctpTransport.state", "connected"),
    ),
    **alike(
        TRANSCEIVERS,
        reads(f"{TRANSCEIVER}.currentDirection", None),
        "a_local_answer_sets_the_current_direction",
        "a_remote_answer_sets_the_current_direction",
        "a_provisional_answer_sets_the_current_direction",
    ),
    **alike(
        TRANSCEIVERS,
        silent,
        "an_offer_to_send_fires_track",
        "the_signaling_state_comes_before_the_track",
        "the_track_comes_before_the_promise",
        "a_track_that_is_sent_again_is_announced_again",
        "a_track_in_another_stream_is_announced_again",
    ),
    **alike(
        TRANSCEIVERS,
        patched("peer.api.media.Media.transceivers", doubled),
        "a_stopped_transceiver_leaves_the_set_with_the_answer",
        "a_stopped_transceiver_leaves_the_other_set_too",
    ),
    **alike(
        TRANSCEIVERS,
        not_proposed,
        "an_offer_to_receive_layers_gives_a_sender_its_encodings",
        "layers_that_are_asked_for_are_scaled",
        "a_layer_that_is_asked_for_twice_is_one",
    ),
    **planted(
        ROLLBACK_CASES,
        sanity_a_remote_offer_is_taken_back=transition((REMOTE_OFFER, REMOTE, ROLLBACK), None),
        no_description_is_pending_any_more=reads(f"{CONNECTION}.pendingRemoteDescription", ""),
        the_transceiver_that_the_offer_made_is_gone=gives("media.Media.transceivers", [None]),
        the_transceiver_that_is_gone_is_stopped=reads(f"{TRANSCEIVER}.currentDirection", None),
        a_transceiver_with_a_track_of_ours_stays=gives("media.Media.transceivers", []),
        a_transceiver_of_ours_loses_its_mid=reads(f"{TRANSCEIVER}.mid", "0"),
        a_transceiver_of_ours_loses_its_transport=reads("rtp_sender.RTCRtpSender.transport", ""),
        a_mid_that_was_negotiated_stays=reads(f"{TRANSCEIVER}.mid", None),
        a_transport_that_was_negotiated_stays=reads("rtp_sender.RTCRtpSender.transport", None),
        a_track_leaves_the_stream_it_was_offered_in=no_streams_left,
        a_track_that_stopped_being_sent_is_announced_again=silent,
        the_track_of_a_transceiver_that_is_gone_ends=does_nothing("media.Media.ended"),
        layers_an_offer_proposed_are_forgotten=patched("peer.jsep.rollback._slots", lambda one, _: one),
        an_association_the_offer_made_is_gone=reads(f"{CONNECTION}.sctp", ""),
        what_was_needed_is_needed_again=never_needed,
        a_rollback_of_the_wrong_side_is_the_same=transition((LOCAL_OFFER, REMOTE, ROLLBACK), None),
        a_provisional_answer_can_not_be_taken_back=throws_another_error("InvalidStateError"),
        nothing_can_be_taken_back_twice=throws_another_error("InvalidStateError"),
        the_text_of_a_rollback_does_not_count=transition((LOCAL_OFFER, LOCAL, ROLLBACK), None),
        a_rollback_fires_signalingstatechange=transition((REMOTE_OFFER, REMOTE, ROLLBACK), None),
        an_offer_after_a_rollback_is_as_before=instead("m=audio", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nm=audio", 1),
        the_current_descriptions_stay=reads(f"{CONNECTION}.localDescription", None),
    ),
    **planted(
        STATES,
        sanity_a_connection_starts_stable=patched(
            "peer.api.peer_connection.RTCPeerConnection.signalingState", property(lambda _: "have-local-offer")
        ),
        a_local_offer_leads_to_have_local_offer=transition((STABLE, LOCAL, OFFER), REMOTE_OFFER),
        a_remote_offer_leads_to_have_remote_offer=transition((STABLE, REMOTE, OFFER), LOCAL_OFFER),
        a_local_answer_leads_to_stable=transition((REMOTE_OFFER, LOCAL, ANSWER), REMOTE_OFFER),
        a_local_pranswer_leads_to_have_local_pranswer=transition((REMOTE_OFFER, LOCAL, PRANSWER), REMOTE_OFFER),
        a_rollback_leads_back_to_stable=transition((LOCAL_OFFER, LOCAL, ROLLBACK), None),
        a_rollback_in_stable_is_refused=throws_another_error("InvalidStateError"),
        an_answer_in_stable_is_refused=throws_another_error("InvalidStateError"),
        a_changed_offer_is_refused=throws_another_error("InvalidModificationError"),
        no_answer_is_made_without_an_offer=throws_another_error("InvalidStateError"),
        a_description_that_does_not_parse_leaves_no_trace=throws_another_error("OperationError"),
        no_offer_is_made_after_close=throws_another_error("InvalidStateError"),
        no_channel_is_made_after_close=throws_another_error("InvalidStateError"),
        no_candidate_is_taken_before_a_remote_description=throws_another_error("InvalidStateError"),
        a_candidate_for_an_unknown_mid_is_refused=throws_another_error("OperationError"),
    ),
    **planted(
        NEGOTIATED,
        sanity_an_offer_is_answered=reads(f"{CONNECTION}.signalingState", "have-remote-offer"),
        a_format_is_sent_as_the_other_side_says_it=patched("peer.jsep.media._as_said", lambda _, codecs: tuple(codecs)),
        a_format_is_received_as_we_say_it=patched("peer.jsep.media._receive_parameters", receives_as_they_say),
        an_answer_leaves_the_codecs_both_have=patched("peer.jsep.media._in", lambda *_: True),
        a_rollback_brings_the_received_codecs_back=patched("peer.jsep.rollback._slots", lambda one, _: one),
        a_layer_the_answer_lacks_is_gone=patched("peer.jsep.media._prune_encodings", lambda one, _: one),
        an_answer_sends_the_first_of_alternative_layers=patched("peer.jsep.answer._simulcast", lambda *_: None),
        the_first_transceiver_tags_the_bundle=instead("a=group:BUNDLE ", "a=group:BUNDLE nobody "),
        an_answer_that_receives_no_more_takes_the_track_out_of_its_stream=does_nothing(
            "media.Media.remove_from_stream"
        ),
        the_transport_of_a_removed_transceiver_is_closed=reads("dtls_transport.RTCDtlsTransport.state", "new"),
        what_is_bundled_shares_a_transport=reads("rtp_receiver.RTCRtpReceiver.transport", None),
        the_remote_description_is_the_pending_one=reads(f"{CONNECTION}.remoteDescription", None),
        in_stable_the_descriptions_are_the_current_ones=reads(f"{CONNECTION}.remoteDescription", None),
        an_encoding_loses_a_codec_that_is_not_negotiated=patched("peer.jsep.media.settle_codecs", lambda one: one),
    ),
}
