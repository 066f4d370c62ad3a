"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

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
    patched,
    planted,
    throws_another_error,
    transition,
)

__all__ = ["FAULTS"]

STATES = "cases/jsep/test_w3c_4_4_1_5_set_a_session_description.py::test_"

FAULTS = {
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
}
