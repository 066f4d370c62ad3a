"""The aggregated states of an RTCPeerConnection as pure functions of its transports' states: webrtc-pc section 4.3.

In each table the first row that applies wins. "All" of no transports is true, so the rows on "all" name `new` for none.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

__all__ = [
    "RTCDtlsTransportState",
    "RTCIceConnectionState",
    "RTCIceGathererState",
    "RTCIceGatheringState",
    "RTCIceRole",
    "RTCIceTransportState",
    "RTCPeerConnectionState",
    "RTCSctpTransportState",
    "RTCSignalingState",
    "connection_state",
    "ice_connection_state",
    "ice_gathering_state",
]


class RTCSignalingState(StrEnum):
    STABLE = "stable"
    HAVE_LOCAL_OFFER = "have-local-offer"
    HAVE_REMOTE_OFFER = "have-remote-offer"
    HAVE_LOCAL_PRANSWER = "have-local-pranswer"
    HAVE_REMOTE_PRANSWER = "have-remote-pranswer"
    CLOSED = "closed"


class RTCIceGatheringState(StrEnum):
    NEW = "new"
    GATHERING = "gathering"
    COMPLETE = "complete"


class RTCIceGathererState(StrEnum):
    NEW = "new"
    GATHERING = "gathering"
    COMPLETE = "complete"


class RTCIceTransportState(StrEnum):
    CLOSED = "closed"
    FAILED = "failed"
    DISCONNECTED = "disconnected"
    NEW = "new"
    CHECKING = "checking"
    COMPLETED = "completed"
    CONNECTED = "connected"


class RTCIceRole(StrEnum):
    UNKNOWN = "unknown"
    CONTROLLING = "controlling"
    CONTROLLED = "controlled"


class RTCIceConnectionState(StrEnum):
    CLOSED = "closed"
    FAILED = "failed"
    DISCONNECTED = "disconnected"
    NEW = "new"
    CHECKING = "checking"
    COMPLETED = "completed"
    CONNECTED = "connected"


class RTCPeerConnectionState(StrEnum):
    CLOSED = "closed"
    FAILED = "failed"
    DISCONNECTED = "disconnected"
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"


class RTCDtlsTransportState(StrEnum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"
    FAILED = "failed"


class RTCSctpTransportState(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"


def ice_gathering_state(gatherers: Collection[RTCIceGathererState]) -> RTCIceGatheringState:
    """webrtc-pc section 4.3.2."""
    if RTCIceGathererState.GATHERING in gatherers:
        return RTCIceGatheringState.GATHERING
    if not gatherers or RTCIceGathererState.NEW in gatherers:
        return RTCIceGatheringState.NEW
    return RTCIceGatheringState.COMPLETE


def ice_connection_state(transports: Collection[RTCIceTransportState], *, is_closed: bool) -> RTCIceConnectionState:
    """webrtc-pc section 4.3.4."""
    ice = RTCIceTransportState
    if is_closed:
        return RTCIceConnectionState.CLOSED
    if ice.FAILED in transports:
        return RTCIceConnectionState.FAILED
    if ice.DISCONNECTED in transports:
        return RTCIceConnectionState.DISCONNECTED
    if all(state in (ice.NEW, ice.CLOSED) for state in transports):
        return RTCIceConnectionState.NEW
    if any(state in (ice.NEW, ice.CHECKING) for state in transports):
        return RTCIceConnectionState.CHECKING
    if all(state in (ice.COMPLETED, ice.CLOSED) for state in transports):
        return RTCIceConnectionState.COMPLETED
    return RTCIceConnectionState.CONNECTED


def connection_state(
    ice_state: RTCIceConnectionState, dtls_transports: Collection[RTCDtlsTransportState]
) -> RTCPeerConnectionState:
    """webrtc-pc section 4.3.3.

    The text's row "connected" names ICE state `connected` alone; read literally a connection would fall back to
    `connecting` once ICE completes, so `completed`, a stronger form of it, counts too (as every implementation does).
    """
    ice = RTCIceConnectionState
    dtls = RTCDtlsTransportState
    if ice_state == ice.CLOSED:
        return RTCPeerConnectionState.CLOSED
    if ice_state == ice.FAILED or dtls.FAILED in dtls_transports:
        return RTCPeerConnectionState.FAILED
    if ice_state == ice.DISCONNECTED:
        return RTCPeerConnectionState.DISCONNECTED
    if ice_state == ice.NEW and all(state in (dtls.NEW, dtls.CLOSED) for state in dtls_transports):
        return RTCPeerConnectionState.NEW
    if ice_state in (ice.CONNECTED, ice.COMPLETED) and all(
        state in (dtls.CONNECTED, dtls.CLOSED) for state in dtls_transports
    ):
        return RTCPeerConnectionState.CONNECTED
    return RTCPeerConnectionState.CONNECTING
