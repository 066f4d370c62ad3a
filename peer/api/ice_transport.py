"""RTCIceTransport, webrtc-pc section 5.6."""

from __future__ import annotations

from peer.api.events import EventHandler, EventTarget
from peer.api.ice_candidate import RTCIceCandidate, RTCIceCandidatePair, RTCIceComponent
from peer.api.states import RTCIceGathererState, RTCIceRole, RTCIceTransportState
from peer.api.webidl import Dictionary

__all__ = ["RTCIceTransport"]


class RTCIceTransport(EventTarget):
    """The ICE layer of one transport. Made by the connection, which names its first role."""

    onstatechange = EventHandler()
    ongatheringstatechange = EventHandler()
    onselectedcandidatepairchange = EventHandler()

    def __init__(self, role: RTCIceRole) -> None:
        super().__init__()
        self._state = RTCIceTransportState.NEW
        self._gathering_state = RTCIceGathererState.NEW
        self._role = role
        self._selected_pair: RTCIceCandidatePair | None = None
        self._local_candidates: list[RTCIceCandidate] = []
        self._remote_candidates: list[RTCIceCandidate] = []
        self._local_parameters: Dictionary | None = None
        self._remote_parameters: Dictionary | None = None

    @property
    def role(self) -> RTCIceRole:
        return self._role

    @property
    def component(self) -> RTCIceComponent:
        """Always "rtp": RTCP is multiplexed, or not negotiated at all."""
        return RTCIceComponent.RTP

    @property
    def state(self) -> RTCIceTransportState:
        return self._state

    @property
    def gatheringState(self) -> RTCIceGathererState:
        return self._gathering_state

    def getLocalCandidates(self) -> list[RTCIceCandidate]:
        return list(self._local_candidates)

    def getRemoteCandidates(self) -> list[RTCIceCandidate]:
        """Those that came by addIceCandidate or in a description; peer-reflexive ones are not among them."""
        return list(self._remote_candidates)

    def getSelectedCandidatePair(self) -> RTCIceCandidatePair | None:
        """The pair packets are sent on; None in the states "new" and "closed"."""
        if self._state in (RTCIceTransportState.NEW, RTCIceTransportState.CLOSED):
            return None
        return self._selected_pair

    def getLocalParameters(self) -> Dictionary | None:
        """usernameFragment and password, None before setLocalDescription."""
        return None if self._local_parameters is None else Dictionary(self._local_parameters)

    def getRemoteParameters(self) -> Dictionary | None:
        """usernameFragment and password, None before setRemoteDescription."""
        return None if self._remote_parameters is None else Dictionary(self._remote_parameters)

    def __repr__(self) -> str:
        return f"<RTCIceTransport {self._state}>"
