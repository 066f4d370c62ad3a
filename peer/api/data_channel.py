"""RTCDataChannel, webrtc-pc section 6.2.

What a page's ArrayBuffer is, is `bytes` here. The channel knows its link to the SCTP association (`ChannelLink`) and
nothing of the transport below; the connection tells it what happened there, always from a queued task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

from peer.api.blob import Blob
from peer.api.errors import InvalidStateError, OperationError, RTCError, RTCErrorDetailType
from peer.api.events import EventHandler, EventTarget, MessageEvent, RTCErrorEvent
from peer.api.parameters import RTCPriorityType
from peer.api.webidl import Conversion, boolean, dictionary, enforced, enumeration, integer, one_of, string

__all__ = [
    "BinaryType",
    "ChannelLink",
    "ChannelParameters",
    "RTCDataChannel",
    "RTCDataChannelState",
    "channel_parameters",
    "check_parameters",
    "priority_name",
    "priority_number",
]

SendData: TypeAlias = str | bytes | bytearray | memoryview | Blob

# RFC 8832 section 5.1: label and protocol lengths are 16 bits on the wire.
MAX_NAME_BYTES: Final = 65535
# Stream 65535 is reserved (RFC 8831 section 6.2, RFC 8832 section 5).
RESERVED_ID: Final = 65535


class RTCDataChannelState(StrEnum):
    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class BinaryType(StrEnum):
    BLOB = "blob"
    ARRAYBUFFER = "arraybuffer"


@dataclass(frozen=True, slots=True)
class ChannelParameters:
    """What createDataChannel was given, or a DATA_CHANNEL_OPEN brought. Life time in ms."""

    label: str
    ordered: bool = True
    max_packet_life_time: int | None = None
    max_retransmits: int | None = None
    protocol: str = ""
    negotiated: bool = False
    id: int | None = None
    priority: RTCPriorityType = RTCPriorityType.LOW


class ChannelLink(Protocol):
    """What a channel asks of the connection that made it. `opened` and `closed`: how many of its channels ever were."""

    opened: int
    closed: int

    def channel_limits(self) -> tuple[float, float]:
        """[[MaxMessageSize]] and [[MaxBufferSize]] of the SCTP transport, in bytes."""

    def send_on_channel(self, channel: RTCDataChannel, data: str | bytes) -> None: ...

    def close_channel(self, channel: RTCDataChannel) -> None:
        """Start the closing procedure."""


_unsigned_short = enforced(0, 65535)
_INIT: Final[Mapping[str, Conversion]] = {
    "id": _unsigned_short,
    "maxPacketLifeTime": _unsigned_short,
    "maxRetransmits": _unsigned_short,
    "negotiated": boolean,
    "ordered": boolean,
    "priority": one_of(RTCPriorityType),
    "protocol": string,
}
# RFC 8831 section 6.4; WebRTC Priority has W3C's names for them
_PRIORITIES: Final = {
    RTCPriorityType.VERY_LOW: 128,
    RTCPriorityType.LOW: 256,
    RTCPriorityType.MEDIUM: 512,
    RTCPriorityType.HIGH: 1024,
}


def priority_number(priority: RTCPriorityType) -> int:
    """What stands in a DATA_CHANNEL_OPEN."""
    return _PRIORITIES[priority]


def priority_name(number: int) -> RTCPriorityType:
    """The lowest that isn't below the number, for whatever stands in a DATA_CHANNEL_OPEN."""
    return next((name for name, limit in _PRIORITIES.items() if number <= limit), RTCPriorityType.HIGH)


def channel_parameters(label: Any, init: Any) -> ChannelParameters:
    """The Web IDL conversions of createDataChannel. Raises TypeError."""
    name = string(label)
    given = dictionary(init, "RTCDataChannelInit", _INIT)
    negotiated = given.get("negotiated", False)
    return ChannelParameters(
        label=name,
        ordered=given.get("ordered", True),
        max_packet_life_time=given.get("maxPacketLifeTime"),
        max_retransmits=given.get("maxRetransmits"),
        protocol=given.get("protocol", ""),
        negotiated=negotiated,
        priority=given.get("priority", RTCPriorityType.LOW),
        id=given.get("id") if negotiated else None,  # step 13: ignored when negotiated in-band
    )


def check_parameters(parameters: ChannelParameters) -> None:
    """Steps 5 to 17 of createDataChannel. Raises TypeError."""
    if len(parameters.label.encode()) > MAX_NAME_BYTES:  # step 5
        raise TypeError(f"label: more than {MAX_NAME_BYTES} bytes")
    if len(parameters.protocol.encode()) > MAX_NAME_BYTES:  # step 11
        raise TypeError(f"protocol: more than {MAX_NAME_BYTES} bytes")
    if parameters.negotiated and parameters.id is None:  # step 14
        raise TypeError("a negotiated channel needs an id")
    if parameters.max_packet_life_time is not None and parameters.max_retransmits is not None:  # step 15
        raise TypeError("maxPacketLifeTime and maxRetransmits exclude each other")
    if parameters.id == RESERVED_ID:  # step 17
        raise TypeError(f"id {RESERVED_ID} is reserved")


class RTCDataChannel(EventTarget):
    """Made by `createDataChannel` or brought by a `datachannel` event."""

    onopen = EventHandler()
    onbufferedamountlow = EventHandler()
    onerror = EventHandler()
    onclosing = EventHandler()
    onclose = EventHandler()
    onmessage = EventHandler()

    def __init__(self, link: ChannelLink, parameters: ChannelParameters) -> None:
        super().__init__()
        self._link = link
        self._parameters = parameters
        self._id = parameters.id
        self._state = RTCDataChannelState.CONNECTING
        self._buffered_amount = 0
        self._low_threshold = 0
        self._binary_type = BinaryType.ARRAYBUFFER
        # What getStats reports.
        self._messages_sent = self._bytes_sent = 0
        self._messages_received = self._bytes_received = 0

    @property
    def _ready_state(self) -> RTCDataChannelState:
        return self._state

    @_ready_state.setter
    def _ready_state(self, new: RTCDataChannelState) -> None:
        """[[ReadyState]]. RTCPeerConnectionStats counts how often "open" is entered and left."""
        self._link.opened += new is RTCDataChannelState.OPEN and self._state is RTCDataChannelState.CONNECTING
        self._link.closed += new is not RTCDataChannelState.OPEN and self._state is RTCDataChannelState.OPEN
        self._state = new

    @property
    def label(self) -> str:
        return self._parameters.label

    @property
    def ordered(self) -> bool:
        return self._parameters.ordered

    @property
    def maxPacketLifeTime(self) -> int | None:
        """In ms, None for no limit."""
        return self._parameters.max_packet_life_time

    @property
    def maxRetransmits(self) -> int | None:
        return self._parameters.max_retransmits

    @property
    def protocol(self) -> str:
        return self._parameters.protocol

    @property
    def priority(self) -> RTCPriorityType:
        return self._parameters.priority

    @property
    def negotiated(self) -> bool:
        return self._parameters.negotiated

    @property
    def id(self) -> int | None:
        """The SCTP stream id; None until it is chosen."""
        return self._id

    @property
    def readyState(self) -> RTCDataChannelState:
        return self._state

    @property
    def bufferedAmount(self) -> int:
        """Bytes given to send() that the transport has not taken yet. Never shrinks while the caller's code runs."""
        return self._buffered_amount

    @property
    def bufferedAmountLowThreshold(self) -> int:
        return self._low_threshold

    @bufferedAmountLowThreshold.setter
    def bufferedAmountLowThreshold(self, value: int) -> None:
        self._low_threshold = integer(value, "bufferedAmountLowThreshold", 0, (1 << 32) - 1)

    @property
    def binaryType(self) -> BinaryType:
        return self._binary_type

    @binaryType.setter
    def binaryType(self, value: str) -> None:
        try:
            self._binary_type = enumeration(BinaryType, value, "binaryType")
        except TypeError:
            return  # Web IDL: an invalid enumeration value given to an attribute is ignored

    def send(self, data: SendData) -> None:
        """Send text (str) or binary data (bytes, bytearray, memoryview, Blob).

        Raises TypeError for other types or more bytes than `pc.sctp.maxMessageSize`, InvalidStateError unless open,
        OperationError when too much is buffered already.
        """
        payload: str | bytes
        if isinstance(data, str):
            payload = string(data)
            size = len(payload) if payload.isascii() else len(payload.encode())
        elif isinstance(data, bytes | bytearray | memoryview | Blob):
            payload = bytes(data)  # a copy of what may change: the caller may reuse its buffer
            size = len(payload)
        else:
            raise TypeError(f"send() takes str, bytes, bytearray, memoryview or Blob, not {type(data).__name__}")
        if self._state is not RTCDataChannelState.OPEN:  # step 3
            raise InvalidStateError(f"the channel is {self._state}")
        max_message_size, max_buffer_size = self._link.channel_limits()
        if size > max_message_size:  # step 5
            raise TypeError(f"{size} bytes exceed maxMessageSize, {max_message_size:.0f}")
        if self._buffered_amount + size > max_buffer_size:  # step 6
            raise OperationError(f"more than {max_buffer_size:.0f} bytes would be buffered")
        self._buffered_amount += size  # step 8
        self._messages_sent += 1
        self._bytes_sent += size
        self._link.send_on_channel(self, payload)  # step 7

    def close(self) -> None:
        """Close after everything sent so far has been delivered."""
        if self._state in (RTCDataChannelState.CLOSING, RTCDataChannelState.CLOSED):  # step 2
            return
        self._ready_state = RTCDataChannelState.CLOSING  # step 3
        self._link.close_channel(self)  # step 4

    # What the connection's queued tasks do.

    def _opened(self) -> None:
        """The text's "Announce the data channel as open", steps 3 to 5."""
        if self._state in (RTCDataChannelState.CLOSING, RTCDataChannelState.CLOSED):
            return
        self._ready_state = RTCDataChannelState.OPEN
        self._fire("open")

    def _received(self, data: str | bytes) -> None:
        """The text's "Receiving messages on a data channel", steps 3 to 5."""
        if self._state is not RTCDataChannelState.OPEN:
            return
        self._messages_received += 1
        if isinstance(data, str):
            self._bytes_received += len(data) if data.isascii() else len(data.encode())
            value: str | bytes | Blob = data
        else:
            self._bytes_received += len(data)
            value = data if self._binary_type is BinaryType.ARRAYBUFFER else Blob([data])
        self._fire(MessageEvent("message", {"data": value}))

    def _drained(self, size: int) -> None:
        """The transport took `size` bytes from its queue."""
        before = self._buffered_amount
        self._buffered_amount = max(0, before - size)
        if before > self._low_threshold >= self._buffered_amount:
            self._fire("bufferedamountlow")

    def _closing_started(self) -> None:
        """The text's "Closing procedure", step 4, when the other side began it."""
        if self._state in (RTCDataChannelState.CLOSING, RTCDataChannelState.CLOSED):
            return
        self._ready_state = RTCDataChannelState.CLOSING
        self._fire("closing")

    def _closed(self, error: RTCError | None = None) -> None:
        """The text's "Announcing a data channel as closed" and, with an error, "unable to create"."""
        if self._state is RTCDataChannelState.CLOSED:
            return
        self._ready_state = RTCDataChannelState.CLOSED
        if error is not None:
            self._fire(RTCErrorEvent("error", {"error": error}))
        self._fire("close")

    def _fail_to_create(self, message: str) -> None:
        """The text's "Error on creating data channels"."""
        self._closed(_creation_error(message))

    def _fire_failure(self, message: str) -> None:
        """The same for a channel whose slot says "closed" already."""
        self._fire(RTCErrorEvent("error", {"error": _creation_error(message)}))

    def __repr__(self) -> str:
        return f"<RTCDataChannel {self.label!r} id={self._id} {self._state}>"


def _creation_error(message: str) -> RTCError:
    return RTCError({"errorDetail": RTCErrorDetailType.DATA_CHANNEL_FAILURE}, message)
