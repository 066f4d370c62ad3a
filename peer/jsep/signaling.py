"""The signaling state machine as a table: (state, side, type) -> next state. What is not here is refused.

RFC 9429 section 3.2 draws it, sections 5.5 to 5.7 say it in words, W3C webrtc-pc section 4.3.3 (RTCSignalingState)
names the states. Where the two differ W3C wins, because it is what an application meets: JSEP allows a rollback from
any state but "stable"; W3C "set a session description" step 2 refuses it after a provisional answer.
"""

from __future__ import annotations

from .errors import InvalidState
from .model import DescriptionType, Side, SignalingState

__all__ = ["TRANSITIONS", "allows", "transition"]

_STABLE = SignalingState.STABLE
_LOCAL_OFFER = SignalingState.HAVE_LOCAL_OFFER
_REMOTE_OFFER = SignalingState.HAVE_REMOTE_OFFER
_LOCAL_PRANSWER = SignalingState.HAVE_LOCAL_PRANSWER
_REMOTE_PRANSWER = SignalingState.HAVE_REMOTE_PRANSWER
_LOCAL, _REMOTE = Side.LOCAL, Side.REMOTE
_OFFER, _PRANSWER = DescriptionType.OFFER, DescriptionType.PRANSWER
_ANSWER, _ROLLBACK = DescriptionType.ANSWER, DescriptionType.ROLLBACK

TRANSITIONS: dict[tuple[SignalingState, Side, DescriptionType], SignalingState] = {
    # an offer opens, or replaces the one that is out
    (_STABLE, _LOCAL, _OFFER): _LOCAL_OFFER,  # RFC 9429 section 5.5
    (_LOCAL_OFFER, _LOCAL, _OFFER): _LOCAL_OFFER,  # RFC 9429 section 5.5
    (_STABLE, _REMOTE, _OFFER): _REMOTE_OFFER,  # RFC 9429 section 5.6
    (_REMOTE_OFFER, _REMOTE, _OFFER): _REMOTE_OFFER,  # RFC 9429 section 5.6
    # we answer theirs
    (_REMOTE_OFFER, _LOCAL, _PRANSWER): _LOCAL_PRANSWER,  # RFC 9429 section 5.5
    (_LOCAL_PRANSWER, _LOCAL, _PRANSWER): _LOCAL_PRANSWER,  # RFC 9429 section 5.5
    (_REMOTE_OFFER, _LOCAL, _ANSWER): _STABLE,  # RFC 9429 section 5.5
    (_LOCAL_PRANSWER, _LOCAL, _ANSWER): _STABLE,  # RFC 9429 section 5.5
    # they answer ours
    (_LOCAL_OFFER, _REMOTE, _PRANSWER): _REMOTE_PRANSWER,  # RFC 9429 section 5.6
    (_REMOTE_PRANSWER, _REMOTE, _PRANSWER): _REMOTE_PRANSWER,  # RFC 9429 section 5.6
    (_LOCAL_OFFER, _REMOTE, _ANSWER): _STABLE,  # RFC 9429 section 5.6
    (_REMOTE_PRANSWER, _REMOTE, _ANSWER): _STABLE,  # RFC 9429 section 5.6
    # either side's method takes back whatever offer is pending: RFC 9429 section 5.7, W3C 4.4.1.5 step 2
    (_LOCAL_OFFER, _LOCAL, _ROLLBACK): _STABLE,
    (_LOCAL_OFFER, _REMOTE, _ROLLBACK): _STABLE,
    (_REMOTE_OFFER, _LOCAL, _ROLLBACK): _STABLE,
    (_REMOTE_OFFER, _REMOTE, _ROLLBACK): _STABLE,
}


def allows(state: SignalingState, side: Side, kind: DescriptionType) -> bool:
    """Whether a description of that type may be set now."""
    return (state, side, kind) in TRANSITIONS


def transition(state: SignalingState, side: Side, kind: DescriptionType) -> SignalingState:
    """The state after setting a description of that type. Raises InvalidState when the table has no row."""
    try:
        return TRANSITIONS[state, side, kind]
    except KeyError:
        raise InvalidState(f"a {side} {kind} can't be set in {state!r}") from None
