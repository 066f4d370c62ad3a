"""`plan`: what setting a description would do, all of it checked, none of it done.

W3C webrtc-pc section 4.4.1.5 "set a session description" over RFC 9429 sections 5.9 to 5.11. The steps are in the
order of W3C's text; the state that comes out is committed by one assignment, the effects are carried out after it.
"""

from __future__ import annotations

from dataclasses import replace

from peer import sdp
from peer.errors import DecodeError
from peer.sdp import SessionDescription

from . import association, media, sctp, transports
from .draft import Draft
from .effects import (
    EarlyCandidatesReleased,
    IdentityReceived,
    NegotiationNeededUpdated,
    Plan,
    SignalingStateChanged,
    TransceiverRemoved,
)
from .errors import InvalidModification, SdpSyntax
from .model import Description, DescriptionType, Entropy, NegotiatedCodec, Side, SignalingState, State
from .rollback import rollback
from .session import credentials_in
from .signaling import transition
from .verify import verify

__all__ = ["plan"]


def plan(state: State, side: Side, description: Description, *, entropy: Entropy) -> Plan:
    """What setting `description` does to `state`. Touches nothing; `description.model` is not read.

    Raises InvalidModification, InvalidState, SdpSyntax, InvalidAccess or OperationFailed, in the order in which W3C
    checks.
    """
    kind = description.type
    if side is Side.LOCAL:
        _check_unmodified(state, description)
    signaling = transition(state.signaling, side, kind)
    if kind is DescriptionType.ROLLBACK:
        return rollback(state, entropy)
    model = _parse(description.sdp)
    verify(state, side, kind, model)
    draft = Draft(state, side, Description(kind, description.sdp, model), model, entropy)
    if kind is DescriptionType.OFFER and state.signaling is SignalingState.STABLE:
        draft.state = replace(state, stable=state)
    association.associate(draft)
    transports.resolve(draft)
    _set_descriptions(draft, signaling)
    sctp.update(draft)
    media.apply(draft)
    if draft.is_final:
        _remove_stopped(draft)
    transports.negotiate(draft)
    sctp.negotiate(draft)
    return _finish(draft, before=state.signaling)


def _check_unmodified(state: State, description: Description) -> None:
    """W3C setLocalDescription, steps 4.2 and 4.3; RFC 9429 section 5.4."""
    created = {
        DescriptionType.OFFER: state.last_created_offer,
        DescriptionType.ANSWER: state.last_created_answer,
        DescriptionType.PRANSWER: state.last_created_answer,
    }
    expected = created.get(description.type)
    if expected is not None and description.sdp != expected:
        raise InvalidModification(f"not the {description.type} that was created last")


def _parse(text: str) -> SessionDescription:
    try:
        return sdp.parse(text)
    except DecodeError as error:
        raise SdpSyntax(error.reason, line=error.line or 1) from error


def _set_descriptions(draft: Draft, signaling: SignalingState) -> None:
    """Steps 5 and 6."""
    state, description = draft.state, draft.description
    if draft.is_final:
        ours = description if draft.local else state.pending_local
        theirs = state.pending_remote if draft.local else description
        replaced = state.credentials_to_replace
        draft.state = replace(
            state,
            signaling=signaling,
            current_local=ours,
            current_remote=theirs,
            pending_local=None,
            pending_remote=None,
            last_created_offer="",
            last_created_answer="",
            stable=None,
            ice_changed=False,
            credentials_to_replace=replaced if replaced & credentials_in(ours) else frozenset(),
        )
    elif draft.local:
        draft.state = replace(state, signaling=signaling, pending_local=description)
    else:
        draft.state = replace(state, signaling=signaling, pending_remote=description)


def _remove_stopped(draft: Draft) -> None:
    """Step 13: a stopped transceiver whose m-section is rejected leaves the set."""
    for index, section in enumerate(draft.sections):
        one = None if section.transceiver is None else draft.transceivers.get(section.transceiver)
        if one is not None and one.stopped and section.rejected:
            del draft.transceivers[one.key]
            draft.sections[index] = replace(section, transceiver=None)
            draft.emit(TransceiverRemoved(one.key, one))


def _finish(draft: Draft, before: SignalingState) -> Plan:
    """Steps 14 to 20, and the state put together."""
    state = draft.state
    stable = state.signaling is SignalingState.STABLE
    if not draft.local:
        identities = (*draft.model.session.all(sdp.IDENTITY),)
        if identities:
            draft.emit(IdentityReceived(identities))
        trickle = any("trickle" in options for block in _blocks(draft.model) for options in block.all(sdp.ICE_OPTIONS))
        state = replace(state, can_trickle=trickle)
    if stable:
        draft.transceivers = {key: media.settle_codecs(one) for key, one in draft.transceivers.items()}
        draft.emit(NegotiationNeededUpdated())
    if state.signaling is not before:
        draft.emit(SignalingStateChanged(state.signaling))
    draft.emit(*draft.muted, *draft.left, *draft.entered, *draft.fired)
    if draft.local:
        draft.emit(EarlyCandidatesReleased())
    state = replace(
        state,
        transceivers=tuple(draft.transceivers.values()),
        transports=tuple(draft.transports.values()),
        sections=tuple(draft.sections),
        next_mid=_next_mid(draft),
        payload_types=_payload_types(draft),
    )
    return Plan(state, tuple(draft.effects))


def _blocks(model: SessionDescription) -> tuple[sdp.Block, ...]:
    return (model.session, *model.media)


def _next_mid(draft: Draft) -> int:
    numbers = [int(section.mid) for section in draft.sections if section.mid.isascii() and section.mid.isdigit()]
    return max([draft.state.next_mid, *(number + 1 for number in numbers if number < 10**6)])


def _payload_types(draft: Draft) -> tuple[NegotiatedCodec, ...]:
    """Every format that ever had a number in our descriptions and in their offers."""
    known = {one.payload_type: one for one in draft.state.payload_types}
    if draft.local or draft.is_offer:
        for one in (one for block in draft.model.media for one in media.formats_of(block)):
            known.setdefault(one.payload_type, one)
    return tuple(known.values())
