"""RTCDtlsTransport, webrtc-pc section 5.5."""

from __future__ import annotations

from peer.api.errors import RTCError
from peer.api.events import EventHandler, EventTarget, RTCErrorEvent
from peer.api.ice_transport import RTCIceTransport
from peer.api.states import RTCDtlsTransportState

__all__ = ["RTCDtlsTransport"]


class RTCDtlsTransport(EventTarget):
    """The DTLS layer of one transport. Made by the connection."""

    onstatechange = EventHandler()
    onerror = EventHandler()

    def __init__(self, ice_transport: RTCIceTransport) -> None:
        super().__init__()
        self._ice_transport = ice_transport
        self._state = RTCDtlsTransportState.NEW
        self._remote_certificates: tuple[bytes, ...] = ()

    @property
    def iceTransport(self) -> RTCIceTransport:
        return self._ice_transport

    @property
    def state(self) -> RTCDtlsTransportState:
        return self._state

    def getRemoteCertificates(self) -> list[bytes]:
        """The certificate chain in use by the remote side, DER, leaf first; empty before the handshake is complete."""
        return list(self._remote_certificates)

    # What the connection's queued tasks do: slots first, then events, so both are visible at once.

    def _set_state(self, state: RTCDtlsTransportState, remote_certificates: tuple[bytes, ...] | None = None) -> bool:
        """Set the slots. True when the state is a new one."""
        if self._state in (state, RTCDtlsTransportState.FAILED, RTCDtlsTransportState.CLOSED):
            return False
        self._state = state
        if remote_certificates is not None:
            self._remote_certificates = remote_certificates
        return True

    def _restart(self) -> None:
        """A new DTLS association for the same transport: the object stays."""
        self._state = RTCDtlsTransportState.NEW
        self._remote_certificates = ()

    def _fire_state(self, error: RTCError | None = None) -> None:
        if error is not None:
            self._fire(RTCErrorEvent("error", {"error": error}))
        self._fire("statechange")

    def __repr__(self) -> str:
        return f"<RTCDtlsTransport {self._state}>"
