"""Between descriptions: is a new one needed, restart ICE, the legacy options of createOffer."""

from __future__ import annotations

from dataclasses import replace

from peer import sdp
from peer.sdp import Media, SessionDescription

from .model import Description, DescriptionType, Direction, Kind, State, Transceiver
from .offer import basis
from .session import credentials_in, direction_of, is_data, is_rejected, media_at

__all__ = ["negotiation_needed", "offer_to_receive", "restart_ice", "still_accurate"]


def negotiation_needed(state: State) -> bool:
    """W3C "check if negotiation is needed", webrtc-pc section 4.7.3; the steps are its."""
    if state.ice_changed or state.credentials_to_replace:  # 1 and 2
        return True
    model = _model(state.current_local)  # 3
    if state.has_data_channel and not any(is_data(media) and not is_rejected(media) for media in _media(model)):  # 4
        return True
    return any(_transceiver_needs(state, one) for one in state.transceivers)  # 5


def _transceiver_needs(state: State, one: Transceiver) -> bool:
    if one.stopping and not one.stopped:  # 5.1
        return True
    local, remote = _associated(state.current_local, one), _associated(state.current_remote, one)
    if one.stopped:  # 5.4
        return local is not None and not (is_rejected(local) or (remote is not None and is_rejected(remote)))
    if local is None:  # 5.2
        return True
    return _streams_differ(local, one) or _direction_differs(state, local, remote, one)  # 5.3


def _streams_differ(local: Media, one: Transceiver) -> bool:
    """Step 5.3.1."""
    if not one.direction.sends:
        return False
    said = [msid.stream for msid in local.all(sdp.MSID)]
    return not said or {stream for stream in said if stream != "-"} != set(one.stream_ids)


def _direction_differs(state: State, local: Media, remote: Media | None, one: Transceiver) -> bool:
    """Steps 5.3.2 and 5.3.3."""
    ours, theirs = _model(state.current_local), _model(state.current_remote)
    if ours is None or theirs is None or remote is None or state.current_local is None:
        return True
    said, heard = direction_of(ours, local), direction_of(theirs, remote).reversed
    if state.current_local.type is DescriptionType.OFFER:
        return one.direction not in (said, heard)
    return said is not (one.direction & heard)


def _model(description: Description | None) -> SessionDescription | None:
    return None if description is None else description.model


def _media(model: SessionDescription | None) -> tuple[Media, ...]:
    return () if model is None else model.media


def _associated(description: Description | None, one: Transceiver) -> Media | None:
    """The m-section of a description a transceiver is associated with."""
    if one.mid is None or one.index is None:
        return None
    media = media_at(description, one.index)
    return media if media is not None and media.mid in (one.mid, None) else None


def restart_ice(state: State) -> State:
    """restartIce(): all present local credentials are to be replaced (W3C [[LocalIceCredentialsToReplace]])."""
    present = credentials_in(state.current_local) | credentials_in(state.pending_local)
    return replace(state, credentials_to_replace=present)


def offer_to_receive(state: State, *, audio: bool | None = None, video: bool | None = None) -> State:
    """The transceiver effects of the legacy createOffer options (W3C section 4.4.3.2); None: member absent."""
    for kind, wished in ((Kind.AUDIO, audio), (Kind.VIDEO, video)):
        if wished is not None:
            state = _receive(state, kind) if wished else _refuse(state, kind)
    return state


def _living(state: State, kind: Kind) -> list[Transceiver]:
    return [one for one in state.transceivers if one.kind is kind and not one.stopping and not one.stopped]


def _refuse(state: State, kind: Kind) -> State:
    for one in _living(state, kind):
        without = Direction.of(sends=one.direction.sends, receives=False)
        state = state.with_transceiver(replace(one, direction=without))
    return state


def _receive(state: State, kind: Kind) -> State:
    if any(one.direction.receives for one in _living(state, kind)):
        return state
    return state.add(kind, Direction.RECVONLY)[0]


def still_accurate(state: State) -> bool:
    """Whether the offer or answer created last still represents the state (W3C setLocalDescription, 4.4.2, 4.5.2)."""
    return state.basis == basis(state)
