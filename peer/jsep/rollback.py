"""Rollback (RFC 9429 section 5.7, W3C step 12): the last stable state, but for what the application did since."""

from __future__ import annotations

from dataclasses import replace

from peer.sdp import Block, SessionDescription

from .draft import Draft
from .effects import (
    IceRestarted,
    NegotiationNeededUpdated,
    Plan,
    SctpTransportCreated,
    SctpTransportRemoved,
    SignalingStateChanged,
    TransceiverDisassociated,
    TransceiverRemoved,
    TransportAssigned,
    TransportClosed,
)
from .model import Description, DescriptionType, Entropy, Side, SignalingState, State, Transceiver

__all__ = ["rollback"]

_NOTHING = SessionDescription(Block(()))


def rollback(state: State, entropy: Entropy) -> Plan:
    """Takes the pending offer back. The signaling table has allowed it, so there is a stable state before it."""
    stable = state.stable or state
    draft = Draft(state, Side.LOCAL, Description(DescriptionType.ROLLBACK), _NOTHING, entropy)
    _sctp(draft, stable)
    for one in state.transceivers:
        _transceiver(draft, one, stable)
    _transports(draft, stable)
    draft.emit(NegotiationNeededUpdated(), SignalingStateChanged(SignalingState.STABLE))
    draft.emit(*draft.muted, *draft.left, *draft.entered, *draft.fired)
    after = replace(
        state,
        signaling=SignalingState.STABLE,
        pending_local=None,
        pending_remote=None,
        sctp=stable.sctp,
        sections=stable.sections,
        can_trickle=stable.can_trickle,
        transceivers=tuple(draft.transceivers.values()),
        transports=tuple(draft.transports.values()),
        stable=None,
    )
    return Plan(after, tuple(draft.effects))


def _sctp(draft: Draft, stable: State) -> None:
    """Step 12.2."""
    now, before = draft.state.sctp, stable.sctp
    if now is not None and (before is None or before.key != now.key):
        draft.emit(SctpTransportRemoved(now.key))
    if before is not None and (now is None or before.key != now.key):
        draft.emit(SctpTransportCreated(before.key, before.transport))


def _transceiver(draft: Draft, one: Transceiver, stable: State) -> None:
    """Step 12.3, its sub-steps in order."""
    before = stable.transceiver(one.key)
    if (before is None or before.jsep_mid is None) and one.jsep_mid is not None:
        one = replace(one, jsep_mid=None, mid=None, index=None)
        draft.emit(TransceiverDisassociated(one.key))
    elif before is not None:
        one = replace(one, jsep_mid=before.jsep_mid, mid=before.mid, index=before.index)
    transport = None if before is None else before.transport
    if transport != one.transport:
        one = replace(one, transport=transport)
        draft.emit(TransportAssigned(one.key, transport))
    one = _slots(one, before)
    if draft.state.signaling is SignalingState.HAVE_REMOTE_OFFER:
        streams = before.remote_stream_ids if before is not None and not one.stopped else ()
        one = draft.process_remote_tracks(one, one.current_direction, streams)
    if before is None and one.remote_made and not one.add_track:
        one = draft.stop(one)
        del draft.transceivers[one.key]
        draft.emit(TransceiverRemoved(one.key, one))
    else:
        draft.transceivers[one.key] = one


def _slots(one: Transceiver, before: Transceiver | None) -> Transceiver:
    """Steps 12.3.3 and 12.3.5: encodings of a proposed envelope, and what we were ready to receive.

    W3C forgets [[Receptive]]; RFC 9429 section 5.7 has media received as the previous descriptions say.
    """
    if before is None:
        return one
    ridless = len(before.encodings) == 1 and before.encodings[0].rid is None
    if ridless and any(encoding.rid is not None for encoding in one.encodings):
        one = replace(one, encodings=before.encodings)
    return replace(one, receive=before.receive, receptive=before.receptive and not one.stopped)


def _transports(draft: Draft, stable: State) -> None:
    """Transports the offer made end; those it restarted go on with the credentials of before."""
    before = {one.key: one for one in stable.transports}
    for one in draft.state.transports:
        old = before.get(one.key)
        if old is None:
            draft.emit(TransportClosed(one.key, discarded=True))
        elif old.credentials != one.credentials:
            index = next((at for at, section in enumerate(stable.sections) if section.mid == old.mid), 0)
            draft.emit(IceRestarted(one.key, old.mid, index, old.credentials))
    draft.transports = before
