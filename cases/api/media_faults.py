"""The faults of the cases on senders and transceivers; see cases/planting.py."""

from __future__ import annotations

import uuid
from typing import Any

from cases.planting import (
    alike,
    always_needed,
    does_nothing,
    gives,
    instead,
    patched,
    planted,
    promises_nothing,
    raises,
    reads,
    refuses,
    slots,
    throws_another_error,
)
from peer import jsep
from peer.api import MediaStreamTrack, RTCRtpTransceiver
from peer.api.errors import RangeError
from peer.api.media import Media
from peer.api.webidl import Dictionary

__all__ = ["MEDIA_FAULTS"]

SENDER = "cases/api/test_w3c_5_2_rtp_sender.py::test_"
TRANSCEIVER = "cases/api/test_w3c_5_4_transceiver.py::test_"
RTP_MEDIA = "cases/api/test_w3c_5_1_rtp_media.py::test_"


_add_transceiver = Media.add_transceiver


def of_any_kind(media: Media, kind: Any, init: Any = None, **options: Any) -> Any:
    """addTransceiver, for which an unknown kind is audio."""
    return _add_transceiver(media, "audio" if kind == "smell" else kind, init, **options)


unchecked_encodings = patched("peer.api.media.check_new_encodings", lambda encodings, *_: tuple(encodings))


def eager_direction(transceiver: RTCRtpTransceiver, _: str) -> None:
    """Setting a direction fires negotiationneeded, every time."""
    transceiver._core.fire("negotiationneeded")


MEDIA_FAULTS = {
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
}
