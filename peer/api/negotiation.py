"""Offer/answer at the surface: the algorithms of webrtc-pc sections 4.4.1.5 and 4.4.2, step by step.

What a description means is `peer.jsep`'s: pure functions from state to state. What is here is when: what happens at
the call, what in the operations chain, what in the queued task, and which error goes where.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from peer import jsep
from peer.api.core import Core
from peer.api.effects import Effects
from peer.api.errors import (
    DOMException,
    InvalidAccessError,
    InvalidModificationError,
    InvalidStateError,
    OperationError,
    RTCError,
    RTCErrorDetailType,
)
from peer.api.ice_candidate import RTCIceCandidate, candidate_init
from peer.api.session_description import RTCSdpType, description_init, local_description_init
from peer.api.tasks import Promise
from peer.api.webidl import MISSING, Dictionary

__all__ = ["Negotiation", "dom_error"]

# RFC 9429 section 3.2: where a remote offer, and where no rollback, is possible.
REMOTE_OFFER_STATES = frozenset({jsep.SignalingState.STABLE, jsep.SignalingState.HAVE_REMOTE_OFFER})
NO_ROLLBACK_STATES = frozenset(
    {
        jsep.SignalingState.STABLE,
        jsep.SignalingState.HAVE_LOCAL_PRANSWER,
        jsep.SignalingState.HAVE_REMOTE_PRANSWER,
    }
)
OFFER_STATES = frozenset({jsep.SignalingState.STABLE, jsep.SignalingState.HAVE_LOCAL_OFFER})
ANSWER_STATES = frozenset({jsep.SignalingState.HAVE_REMOTE_OFFER, jsep.SignalingState.HAVE_LOCAL_PRANSWER})
# setLocalDescription step 4.1: where a missing type means "offer".
IMPLICIT_OFFER_STATES = frozenset(
    {
        jsep.SignalingState.STABLE,
        jsep.SignalingState.HAVE_LOCAL_OFFER,
        jsep.SignalingState.HAVE_REMOTE_PRANSWER,
    }
)

_ERRORS: dict[str, type[DOMException]] = {
    error.default_name: error
    for error in (InvalidStateError, InvalidAccessError, InvalidModificationError, OperationError)
}


def dom_error(error: jsep.JsepError) -> DOMException:
    """The W3C error for what jsep refused."""
    if isinstance(error, jsep.SdpSyntax):
        return RTCError({"errorDetail": RTCErrorDetailType.SDP_SYNTAX_ERROR, "sdpLineNumber": error.line}, str(error))
    return _ERRORS[error.name](str(error))


class Negotiation:
    """createOffer, createAnswer, setLocalDescription, setRemoteDescription and addIceCandidate of one connection."""

    def __init__(self, core: Core, effects: Effects) -> None:
        self._core = core
        self._effects = effects

    # createOffer and createAnswer

    def create_offer(self, options: jsep.Options) -> Promise[Dictionary]:
        """Step 3 of createOffer: chain "create an offer"."""
        return self._core.operations.chain(lambda: self._create(RTCSdpType.OFFER, options))

    def create_answer(self, options: jsep.Options) -> Promise[Dictionary]:
        """Step 3 of createAnswer: chain "create an answer"."""
        return self._core.operations.chain(lambda: self._create(RTCSdpType.ANSWER, options))

    def _create(self, kind: RTCSdpType, options: jsep.Options) -> Promise[Dictionary]:
        core = self._core
        states = OFFER_STATES if kind is RTCSdpType.OFFER else ANSWER_STATES
        if core.state.signaling not in states:  # step 1
            return Promise.rejected(InvalidStateError(f"can't create an {kind} in {core.state.signaling}"))
        promise: Promise[Dictionary] = Promise()
        make = jsep.create_offer if kind is RTCSdpType.OFFER else jsep.create_answer

        def final_steps() -> None:
            try:
                creation = make(core.state, options, entropy=core.seams.entropy)
            except jsep.JsepError as error:
                promise.reject(dom_error(error))
                return
            sdp, core.state = self._spoken(kind, creation)
            promise.resolve(Dictionary(type=str(kind), sdp=sdp))

        def in_parallel(identity: str | None) -> None:
            nonlocal options
            options = replace(options, identity=identity)
            core.queue(final_steps)

        core.identity.assert_for(in_parallel, promise.reject)
        return promise

    def _spoken(self, kind: RTCSdpType, creation: jsep.Creation) -> tuple[str, jsep.State]:
        """The text that leaves, and the state that remembers it: the SDP seam is here."""
        sdp = self._core.seams.speak(creation.description)
        if sdp == creation.description.sdp:
            return sdp, creation.state
        if kind is RTCSdpType.OFFER:
            return sdp, replace(creation.state, last_created_offer=sdp)
        return sdp, replace(creation.state, last_created_answer=sdp)

    # setLocalDescription

    def set_local_description(self, description: Any) -> Promise[None]:
        try:
            kind, sdp = local_description_init(description)
        except TypeError as error:  # Web IDL: a conversion error of an operation that returns a promise rejects it
            return Promise.rejected(error)
        self._core.set_local_description_called = True
        return self._core.operations.chain(lambda: self._set_local(kind, sdp))

    def _set_local(self, kind: RTCSdpType | None, sdp: str) -> Promise[None]:
        state = self._core.state
        if kind is None:  # step 4.1
            kind = RTCSdpType.OFFER if state.signaling in IMPLICIT_OFFER_STATES else RTCSdpType.ANSWER
        if kind is RTCSdpType.ROLLBACK:
            return self._set(jsep.Side.LOCAL, kind, "")
        offering = kind is RTCSdpType.OFFER
        last_created = state.last_created_offer if offering else state.last_created_answer
        if sdp not in ("", last_created):  # steps 4.2 and 4.3
            return Promise.rejected(InvalidModificationError(f"this is not the {kind} created last"))
        if sdp == "":  # steps 4.4 and 4.5
            sdp = last_created
            if sdp == "" or not jsep.still_accurate(state):
                created = self._create(RTCSdpType.OFFER if offering else RTCSdpType.ANSWER, jsep.Options())
                return created.and_then(lambda made: self._set(jsep.Side.LOCAL, kind, made["sdp"]))
        return self._set(jsep.Side.LOCAL, kind, sdp)  # step 4.6

    # setRemoteDescription

    def set_remote_description(self, description: Any) -> Promise[None]:
        if description is MISSING:
            return Promise.rejected(TypeError("RTCSessionDescriptionInit is required"))
        try:
            kind, sdp = description_init(description)
        except TypeError as error:
            return Promise.rejected(error)
        return self._core.operations.chain(lambda: self._set_remote(kind, sdp))

    def _set_remote(self, kind: RTCSdpType, sdp: str) -> Promise[None]:
        if kind is RTCSdpType.OFFER and self._core.state.signaling not in REMOTE_OFFER_STATES:  # step 3.1
            rolled_back = self._set(jsep.Side.LOCAL, RTCSdpType.ROLLBACK, "")
            return rolled_back.and_then(lambda _: self._set(jsep.Side.REMOTE, kind, sdp))
        return self._set(jsep.Side.REMOTE, kind, sdp)

    # "set a session description"

    def _set(self, side: jsep.Side, kind: RTCSdpType, sdp: str) -> Promise[None]:
        core = self._core
        if kind is RTCSdpType.ROLLBACK and core.state.signaling in NO_ROLLBACK_STATES:  # step 2
            return Promise.rejected(InvalidStateError(f"nothing to roll back in {core.state.signaling}"))
        promise: Promise[None] = Promise()
        core.queue(lambda: self._apply(side, kind, sdp, promise))
        return promise

    def _apply(self, side: jsep.Side, kind: RTCSdpType, sdp: str, promise: Promise[None]) -> None:
        """The queued task of steps 4.6 and 4.7. Planning it here makes what was added since the call take part
        (4.7.2).
        """
        core = self._core
        if core.media.parameters_pending():  # step 4.7.3: start over when setParameters has settled
            core.queue(lambda: self._apply(side, kind, sdp, promise))
            return
        description = jsep.Description(jsep.DescriptionType(kind), sdp)
        try:
            plan = jsep.plan(core.state, side, description, entropy=core.seams.entropy)
        except jsep.JsepError as error:
            promise.reject(dom_error(error))
            return
        if side is jsep.Side.REMOTE:
            core.identity.check_remote(
                plan,
                lambda: self._commit(plan, promise),
                lambda: self._apply(side, kind, sdp, promise),
                promise.reject,
            )
        else:
            self._commit(plan, promise)

    def _commit(self, plan: jsep.Plan, promise: Promise[None]) -> None:
        """One assignment, then the effects in order (steps 4.7.4 to 4.7.20), then the promise (4.7.21)."""
        core = self._core
        core.state = plan.state
        self._effects.carry_out(plan.effects)
        if core.state.current_local is not None:  # RFC 9429 section 5.11: an answer discards what is left
            core.pool.close()
        core.media.settled()
        promise.resolve(None)

    # addIceCandidate

    def add_ice_candidate(self, candidate: Any) -> Promise[None]:
        try:
            init = candidate_init(candidate)
        except TypeError as error:
            return Promise.rejected(error)
        if init["candidate"] != "" and init["sdpMid"] is None and init["sdpMLineIndex"] is None:  # step 3
            return Promise.rejected(TypeError("sdpMid and sdpMLineIndex are both null"))
        return self._core.operations.chain(lambda: self._add_candidate(init))

    def _add_candidate(self, init: dict[str, Any]) -> Promise[None]:
        core = self._core

        def add() -> tuple[jsep.State, tuple[tuple[int, str], ...]]:
            return jsep.add_remote_candidate(
                core.state, init["sdpMid"], init["sdpMLineIndex"], init["candidate"], init["usernameFragment"]
            )

        try:
            add()  # steps 4.1 to 4.5: nothing is kept of this
        except jsep.MalformedCandidate:
            pass  # step 4.7.1: that is found out later
        except (jsep.InvalidState, jsep.OperationFailed) as error:
            return Promise.rejected(dom_error(error))
        promise: Promise[None] = Promise()

        def applied() -> None:  # step 4.7
            try:
                core.state, additions = add()
            except jsep.JsepError as error:
                promise.reject(dom_error(error))
                return
            for key, text in additions:
                if key in core.transports:
                    made = RTCIceCandidate._of(**init) if text else None
                    core.transports[key].add_remote_candidate(text, made)
            promise.resolve(None)

        core.queue(applied)
        return promise
