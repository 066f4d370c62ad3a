"""The faults of the cases on parameters, preferences, statistics and the need of negotiation; see cases/planting.py."""

from __future__ import annotations

from typing import Any

import pytest

from cases.planting import (
    Fault,
    alike,
    always_needed,
    does_nothing,
    gives,
    patched,
    planted,
    reads,
    refuses,
    throws_another_error,
)
from peer.api import RTCStatsReport
from peer.api.states import RTCIceGatheringState
from peer.api.webidl import Dictionary

__all__ = ["PARAMETER_FAULTS"]

NEEDS = "cases/api/test_w3c_4_7_3_what_needs_negotiation.py::test_"
STATISTICS = "cases/api/test_w3c_8_statistics.py::test_"
PREFERENCES = "cases/api/test_w3c_5_parameters_and_preferences.py::test_"

never_needed = patched("peer.jsep.negotiation_needed", lambda _: False)
nothing_is_told = patched("peer.api.stats.Stats._collect", lambda *_: RTCStatsReport({}))
all_is_told = patched("peer.api.stats._Collection.referenced_by", lambda *_: {"all": Dictionary()})
other_streams = gives("media.stream_ids", ("another",))


def gathers_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection says that its gathering is over, the transport doesn't."""
    over: Any = lambda _: RTCIceGatheringState.COMPLETE  # noqa: E731 - a function that is set is no definition here
    monkeypatch.setattr("peer.api.core.ice_gathering_state", over)
    monkeypatch.setattr("peer.api.ice_transport.RTCIceTransport.gatheringState", property(lambda _: "gathering"))


PARAMETER_FAULTS = {
    **alike(
        NEEDS,
        never_needed,
        "a_stopping_transceiver_needs_negotiation",
        "other_streams_need_negotiation",
        "another_direction_of_the_offerer_needs_negotiation",
        "another_direction_of_the_answerer_needs_negotiation",
        "a_removed_track_needs_negotiation",
        "a_track_for_a_sender_that_never_sent_needs_negotiation",
    ),
    **alike(
        NEEDS,
        always_needed,
        "sanity_nothing_is_needed_after_a_negotiation",
        "a_stopped_transceiver_whose_section_is_rejected_needs_no_more",
        "what_the_offer_did_not_allow_anyway_needs_no_negotiation",
        "a_change_that_is_taken_back_needs_no_negotiation",
        "another_track_of_a_sender_needs_no_negotiation",
    ),
    **alike(
        STATISTICS,
        nothing_is_told,
        "sanity_a_connection_has_statistics",
        "null_selects_the_whole_connection",
        "statistics_outlive_the_connection",
    ),
    **alike(
        STATISTICS,
        throws_another_error("InvalidAccessError"),
        "a_track_of_nobody_selects_nothing",
        "a_track_of_two_senders_selects_none",
    ),
    **alike(
        STATISTICS,
        refuses("peer_connection.RTCPeerConnection.getStats"),
        "a_track_selects_its_sender",
        "a_track_selects_its_receiver",
    ),
    **alike(
        STATISTICS,
        all_is_told,
        "a_sender_that_sends_nothing_has_no_statistics",
        "a_receiver_that_receives_nothing_has_no_statistics",
    ),
    **planted(
        PREFERENCES,
        sanity_codecs_are_implemented=gives("rtp_sender.capabilities_dictionary", Dictionary(codecs=[])),
        video_that_is_not_told_its_scale_is_not_scaled=patched("peer.api.parameters._with_scale", lambda one, _: one),
        parameters_that_were_set_end_their_transaction=patched("peer.api.rtp_sender.uuid.uuid4", lambda: "the same"),
        before_negotiation_every_implemented_codec_may_be_chosen=refuses("rtp_sender.RTCRtpSender.setParameters"),
        a_codec_with_other_parameters_is_another=patched("peer.api.parameters.codec_matches", lambda *_, **__: True),
        the_order_of_parameters_makes_no_other_codec=patched("peer.api.parameters._formats", lambda _: None),
        the_streams_of_a_track_are_offered_once_each=other_streams,
        a_sender_that_is_used_again_has_the_streams_of_its_track=other_streams,
        streams_that_are_set_replace_those_before=does_nothing("rtp_sender.RTCRtpSender.setStreams"),
        the_direction_of_an_init_is_read=reads("rtp_transceiver.RTCRtpTransceiver.direction", "inactive"),
        a_certificate_can_not_be_added_later=does_nothing("peer_connection.check_modification"),
        close_closes_the_association=does_nothing("channels.DataChannels.close"),
        a_channel_that_never_opened_closes=does_nothing("channels.DataChannels.close_channel"),
        a_transport_says_that_its_gathering_is_over=Fault(patch=gathers_for_ever),
        no_tone_can_be_sent_without_a_connection=reads("dtmf_sender.RTCDTMFSender.canInsertDTMF", True),
        a_remote_track_has_no_capabilities=gives(
            "media_stream.MediaStreamTrack.getCapabilities", Dictionary(width={"max": 640})
        ),
        a_remote_track_can_not_be_constrained=gives("media_stream.MediaStreamTrack.applyConstraints", None),
    ),
}
