"""RTCRtpTransceiver, webrtc-pc section 5.4. Its slots are in the connection's `jsep.State`; the object keeps their
key.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from peer import jsep
from peer.api.dtls_transport import RTCDtlsTransport
from peer.api.dtmf_sender import RTCDTMFSender
from peer.api.errors import InvalidStateError
from peer.api.parameters import check_extensions, extension_dictionaries, parse_extensions, parse_preferences
from peer.api.rtp_receiver import RTCRtpReceiver
from peer.api.rtp_sender import RTCRtpSender
from peer.api.webidl import Dictionary, enumeration

if TYPE_CHECKING:
    from peer.api.core import Core

__all__ = ["RTCRtpTransceiver", "RTCRtpTransceiverDirection"]


class RTCRtpTransceiverDirection(StrEnum):
    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"
    STOPPED = "stopped"


class RTCRtpTransceiver:
    """A sender and a receiver that share an m-section."""

    def __init__(self, core: Core, slots: jsep.Transceiver, sender: RTCRtpSender, receiver: RTCRtpReceiver) -> None:
        self._core = core
        self._key = slots.key
        self._last_slots = slots
        self._sender = sender
        self._receiver = receiver
        sender._transceiver = receiver._transceiver = self
        if slots.kind is jsep.Kind.AUDIO:
            sender._dtmf = RTCDTMFSender(core, self)

    @property
    def _slots(self) -> jsep.Transceiver:
        """The internal slots as they are now; the last ones once the transceiver left the set."""
        slots = self._core.state.transceiver(self._key)
        if slots is None:
            return self._last_slots
        self._last_slots = slots
        return slots

    def _transport(self) -> RTCDtlsTransport | None:
        key = self._slots.transport
        stack = None if key is None else self._core.transports.get(key)
        return None if stack is None else stack.dtls

    @property
    def mid(self) -> str | None:
        return self._slots.mid

    @property
    def sender(self) -> RTCRtpSender:
        return self._sender

    @property
    def receiver(self) -> RTCRtpReceiver:
        return self._receiver

    @property
    def direction(self) -> RTCRtpTransceiverDirection:
        """The preferred direction, for the next offer or answer. Setting "stopped" raises TypeError."""
        slots = self._slots
        return RTCRtpTransceiverDirection("stopped" if slots.stopping else slots.direction)

    @direction.setter
    def direction(self, value: str) -> None:
        try:
            new = enumeration(RTCRtpTransceiverDirection, value, "direction")
        except TypeError:
            return  # Web IDL: an invalid enumeration value given to an attribute is ignored
        slots = self._slots
        if slots.stopping:  # step 3
            raise InvalidStateError("the transceiver is stopping")
        if str(new) == slots.direction:  # step 5
            return
        if new is RTCRtpTransceiverDirection.STOPPED:  # step 6
            raise TypeError("call stop() to stop a transceiver")
        self._core.state = self._core.state.with_transceiver(replace(slots, direction=jsep.Direction(new)))  # step 7
        self._core.update_negotiation_needed()  # step 8

    @property
    def currentDirection(self) -> RTCRtpTransceiverDirection | None:
        """The negotiated direction; None before the first negotiation."""
        slots = self._slots
        if slots.stopped:
            return RTCRtpTransceiverDirection.STOPPED
        return None if slots.current_direction is None else RTCRtpTransceiverDirection(slots.current_direction)

    def stop(self) -> None:
        """Stop sending and receiving for good."""
        if self._core.is_closed:  # step 3
            raise InvalidStateError("the connection is closed")
        slots = self._slots
        if slots.stopping:  # step 4
            return
        # step 5, "stop sending and receiving"
        self._core.media.ended(self._key)
        stopping = replace(slots, direction=jsep.Direction.INACTIVE, stopping=True)
        self._core.state = self._core.state.with_transceiver(stopping)
        self._last_slots = stopping
        self._core.update_negotiation_needed()  # step 6

    def setCodecPreferences(self, codecs: Any) -> None:
        """Offer and answer with these codecs, in this order. Raises TypeError, InvalidModificationError."""
        slots = self._slots
        preferences = parse_preferences(codecs, self._core.state.configuration.capabilities(slots.kind))
        self._core.state = self._core.state.with_transceiver(replace(slots, preferred_codecs=preferences))

    def getHeaderExtensionsToNegotiate(self) -> list[Dictionary]:
        """RTCRtpHeaderExtensionCapability of every header extension that is implemented; "stopped" ones stay out."""
        slots = self._slots
        state = self._core.state
        return extension_dictionaries(state.configuration.capabilities(slots.kind), state.extensions(slots))

    def setHeaderExtensionsToNegotiate(self, extensions: Any) -> None:
        """The same list, with other directions. Raises TypeError, InvalidModificationError."""
        slots = self._slots
        given = parse_extensions(extensions)
        chosen = check_extensions(given, self._core.state.configuration.capabilities(slots.kind))
        self._core.state = self._core.state.with_transceiver(replace(slots, extensions=chosen))

    def getNegotiatedHeaderExtensions(self) -> list[Dictionary]:
        """What the last answer made of them; empty before one."""
        slots = self._slots
        if slots.negotiated_extensions is None:
            return []
        return extension_dictionaries(
            self._core.state.configuration.capabilities(slots.kind), slots.negotiated_extensions
        )

    def __repr__(self) -> str:
        slots = self._slots
        return f"<RTCRtpTransceiver {slots.kind} mid={slots.mid} {self.direction}>"
