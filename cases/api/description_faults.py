"""The faults of the cases on descriptions, candidates and events; see cases/planting.py."""

from __future__ import annotations

from typing import Any

import pytest

from cases.planting import (
    Fault,
    alike,
    gives,
    patched,
    planted,
    reads,
    throws_another_error,
)
from peer.api import (
    RTCSessionDescription,
)
from peer.api.session_description import RTCSdpType

__all__ = ["DESCRIPTION_FAULTS"]

DESCRIPTION = "cases/api/test_w3c_4_6_session_description.py::test_"
CANDIDATE = "cases/api/test_w3c_4_8_ice_candidate.py::test_"
EVENTS = "cases/api/test_w3c_4_8_2_events.py::test_"


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


def empty_description(made: RTCSessionDescription, *_: Any) -> None:
    made._type, made._sdp = RTCSdpType.OFFER, ""


OF_ANOTHER = {
    "candidate": "another",
    "sdpMid": "x",
    "sdpMLineIndex": 9,
    "usernameFragment": None,
    "relayProtocol": None,
    "url": None,
}


DESCRIPTION_FAULTS = {
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
}
