"""W3C's RTCIceTransportState, computed from what is the case (webrtc-pc, RTCIceTransportState Enum)."""

from __future__ import annotations

from dataclasses import dataclass

from peer.ice.agent.events import State

__all__ = ["Situation", "transport_state"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What the state depends on. `pending` counts the pairs still to be checked, `pairs` all of them."""

    closed: bool = False
    selected: bool = False
    silent: bool = False
    restarted: bool = False
    local_candidates: int = 0
    remote_candidates: int = 0
    gathered: bool = False
    end_of_candidates: bool = False
    concluded: bool = False
    list_failed: bool = False
    consent_lost: bool = False
    pairs: int = 0
    pending: int = 0
    pac_running: bool = True


def transport_state(now: Situation) -> State:
    """The one state that fits, by the enumeration's table read from the top."""
    no_more = now.gathered and now.end_of_candidates
    if now.closed:
        return State.CLOSED
    if now.selected:
        if now.silent:
            return State.DISCONNECTED
        return State.COMPLETED if no_more and now.concluded and not now.pending else State.CONNECTED
    if now.list_failed:
        return State.FAILED
    if now.pending:
        return State.CHECKING
    if not now.remote_candidates:
        waits = no_more and now.local_candidates and now.pac_running
        return State.FAILED if no_more and not waits else State.CHECKING if now.restarted else State.NEW
    if now.consent_lost:
        # "completed" goes to "failed", "connected" to "disconnected" when nothing is left to check.
        return State.FAILED if no_more else State.DISCONNECTED
    if no_more:
        # RFC 8863: while the PAC timer runs the check list isn't failed, however empty it is.
        return State.CHECKING if now.local_candidates and now.pac_running else State.FAILED
    return State.DISCONNECTED if now.pairs else State.CHECKING
