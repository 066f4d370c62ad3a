"""RTCSctpTransport, webrtc-pc section 6.1."""

from __future__ import annotations

import math
from typing import Final

from peer.api.dtls_transport import RTCDtlsTransport
from peer.api.events import EventHandler, EventTarget
from peer.api.states import RTCSctpTransportState

__all__ = ["SEND_BUFFER_SIZE", "RTCSctpTransport"]

# canSendSize of "update the data max message size": what one channel may have buffered, in bytes.
SEND_BUFFER_SIZE: Final = 16 * 1024 * 1024


class RTCSctpTransport(EventTarget):
    """The SCTP association of a connection. Made by the connection."""

    onstatechange = EventHandler()

    def __init__(self, transport: RTCDtlsTransport) -> None:
        super().__init__()
        self._transport = transport
        self._state = RTCSctpTransportState.CONNECTING
        self._max_message_size: float | None = None
        self._max_buffer_size: float | None = None
        self._max_channels: int | None = None

    @property
    def transport(self) -> RTCDtlsTransport:
        return self._transport

    @property
    def state(self) -> RTCSctpTransportState:
        return self._state

    @property
    def maxMessageSize(self) -> float | None:
        """Bytes one send() may take, infinity for no limit, None before an answer."""
        return self._max_message_size

    @property
    def maxChannels(self) -> int | None:
        """Channels that may be open at a time; None before the association is up."""
        return self._max_channels

    def _update_max_message_size(self, remote: int) -> None:
        """The text's "Update the data max message size", steps 4 to 6. 0 means any size."""
        can_send = SEND_BUFFER_SIZE
        if remote == 0 and can_send == 0:
            self._max_message_size = self._max_buffer_size = math.inf
        elif remote == 0 or can_send == 0:
            self._max_message_size = self._max_buffer_size = max(remote, can_send)
        else:
            self._max_message_size = min(remote, can_send)
            self._max_buffer_size = max(remote, can_send)

    def __repr__(self) -> str:
        return f"<RTCSctpTransport {self._state}>"
