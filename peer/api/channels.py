"""The data channels of a connection: [[DataChannels]], stream ids, and what the SCTP association reports.

Stream ids: RFC 8832 section 6 (even for the DTLS client, odd for the server). The association's own bookkeeping is
`peer.datachannel`'s; here are W3C's objects and the queued tasks that change them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from peer import datachannel, jsep
from peer.api.data_channel import ChannelParameters, RTCDataChannel, RTCDataChannelState, priority_name
from peer.api.errors import InvalidStateError, OperationError, RTCError, RTCErrorDetailType
from peer.api.events import RTCDataChannelEvent
from peer.api.sctp_transport import RTCSctpTransport
from peer.api.states import RTCSctpTransportState
from peer.jsep.effects import SctpNegotiated

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.transports import TransportStack

__all__ = ["DataChannels"]

# RFC 8831 section 6.2: 65535 streams each way; ids 0 to 65534.
MAX_CHANNELS: Final = 65535
# How many channels getStats tells of when all are closed, at least.
MAX_REMEMBERED: Final = 1000


class DataChannels:
    """The channels of one connection."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.open: list[RTCDataChannel] = []  # [[DataChannels]]
        self.every: dict[int, RTCDataChannel] = {}  # for getStats: closed ones too, the latest of them
        self._numbered = 0
        self.opened = self.closed = 0  # RTCPeerConnectionStats
        self._by_id: dict[int, RTCDataChannel] = {}  # until the stream may be used again
        self._failed: list[RTCDataChannel] = []  # errorList of "set a session description"
        self._role: jsep.DtlsRole | None = None
        self._stack: TransportStack | None = None
        self._ever_created = False

    # createDataChannel

    def create(self, parameters: ChannelParameters) -> RTCDataChannel:
        """Steps 18 to 23 of createDataChannel. Raises OperationError."""
        core = self._core
        channel = RTCDataChannel(self, parameters)
        if channel._id is None and self._role is not None:  # step 18
            channel._id = self._free_id()
            if channel._id is None:
                raise OperationError("no stream id is free")
        elif channel._id is not None and channel._id in self._by_id:
            raise OperationError(f"id {channel._id} is in use")
        limit = None if core.sctp is None else core.sctp.maxChannels
        if channel._id is not None and limit is not None and channel._id >= limit:  # step 19
            raise OperationError(f"id {channel._id} is not below maxChannels, {limit}")
        first, self._ever_created = not self._ever_created, True
        core.state = core.state.with_data_channel()
        if first and core.sctp is None:  # step 20, as WebRTC Extensions has it ("Always negotiating data channels")
            core.update_negotiation_needed()
        self.open.append(channel)  # step 21
        self._remember(channel)
        if channel._id is not None:
            self._by_id[channel._id] = channel
            self._create_transport(channel)  # step 23
        return channel

    def _remember(self, channel: RTCDataChannel) -> None:
        """Number a channel for getStats. Of the closed ones the oldest are forgotten: a connection may see millions."""
        self._numbered += 1
        self.every[self._numbered] = channel
        if len(self.every) >= 2 * MAX_REMEMBERED + len(self._by_id):
            kept = list(self.every.items())[:-MAX_REMEMBERED]
            for number, old in kept:
                if old.readyState is RTCDataChannelState.CLOSED:
                    del self.every[number]

    def _free_id(self) -> int | None:
        start = 0 if self._role is jsep.DtlsRole.CLIENT else 1
        limit = MAX_CHANNELS
        if self._core.sctp is not None and self._core.sctp.maxChannels is not None:
            limit = self._core.sctp.maxChannels
        return next((number for number in range(start, limit, 2) if number not in self._by_id), None)

    def _create_transport(self, channel: RTCDataChannel) -> None:
        """Create the channel's underlying transport; announce it as open when the association stands."""
        if self._stack is None or channel._id is None:
            return
        self._stack.open_channel(channel._id, channel._parameters)
        if self._core.sctp is not None and self._core.sctp.state is RTCSctpTransportState.CONNECTED:
            self._announce_open(channel)

    def _announce_open(self, channel: RTCDataChannel) -> None:
        self._core.queue(channel._opened)

    # what a description does

    def assign_ids(self, role: jsep.DtlsRole) -> None:
        """Step 4.7.10.2: the DTLS role is known, channels without an id get one."""
        self._role = role
        for channel in list(self.open):
            if channel._id is None:
                channel._id = self._free_id()
                if channel._id is None:
                    channel._ready_state = RTCDataChannelState.CLOSED
                    self._failed.append(channel)
                    self.open.remove(channel)
                else:
                    self._by_id[channel._id] = channel
                    self._create_transport(channel)

    def fire_errors(self) -> None:
        """Step 4.7.16."""
        failed, self._failed = self._failed, []
        for channel in failed:
            channel._fire_failure("no stream id is free")

    def negotiated(self, effect: SctpNegotiated) -> None:
        """The association's ports are known: it starts as soon as DTLS stands."""
        stack = self._core.transports[effect.transport]
        stack.negotiate_sctp(effect.local_port, effect.remote_port, effect.remote_max_message_size)
        self._core.sctp_transports[effect.key]._transport = stack.dtls  # the answer may have bundled it elsewhere
        if self._stack is stack:
            return
        self._stack = stack
        for channel in self.open:
            self._create_transport(channel)

    # ChannelLink: what a channel asks

    def channel_limits(self) -> tuple[float, float]:
        sctp = self._core.sctp
        if sctp is None or sctp._max_message_size is None or sctp._max_buffer_size is None:
            raise InvalidStateError("there is no SCTP association")
        return sctp._max_message_size, sctp._max_buffer_size

    def send_on_channel(self, channel: RTCDataChannel, data: str | bytes) -> None:
        if self._stack is not None and channel._id is not None:
            self._stack.send_on_channel(channel._id, data)

    def close_channel(self, channel: RTCDataChannel) -> None:
        """The text's "Closing procedure", started by close()."""

        def closing_procedure() -> None:
            if channel in self.open:
                self.open.remove(channel)  # step 3
            if self._stack is not None and channel._id is not None and self._stack.close_channel(channel._id):
                return
            self._announce_closed(channel)  # there is no stream to reset

        self._core.queue(closing_procedure)

    # what the association reports: each from the transport's driver, each a queued task

    def handle(self, event: datachannel.Event) -> None:
        _HANDLERS[type(event)](self, event)

    def _established(self, event: datachannel.AssociationEstablished) -> None:
        """The text's "Connected procedure"."""
        core = self._core
        transport = core.sctp

        def connected() -> None:
            if transport is None or core.sctp is not transport:
                return
            transport._state = RTCSctpTransportState.CONNECTED
            transport._max_channels = min(event.inbound_streams, event.outbound_streams, MAX_CHANNELS)  # step 3
            for channel in list(self.open):  # step 4
                if channel._id is None or channel._id >= transport._max_channels:
                    self.open.remove(channel)
                    self._fail_to_create(channel, f"id {channel._id} is not below {transport._max_channels}")
                else:
                    self._announce_open(channel)
            transport._fire("statechange")  # step 5

        core.queue(connected)

    def _fail_to_create(self, channel: RTCDataChannel, message: str) -> None:
        self._core.queue(lambda: channel._fail_to_create(message))

    def _announced(self, event: datachannel.ChannelAnnounced) -> None:
        """The text's "Announcing a data channel instance"."""
        parameters = ChannelParameters(
            label=event.label,
            ordered=event.ordered,
            max_packet_life_time=event.max_packet_life_time,
            max_retransmits=event.max_retransmits,
            protocol=event.protocol,
            id=event.channel,
            priority=priority_name(event.priority),
        )
        # Made here so that messages right behind the OPEN find it; nobody sees it before the task.
        channel = RTCDataChannel(self, parameters)
        self._by_id[event.channel] = channel
        self._remember(channel)

        def announce() -> None:
            self.open.append(channel)  # step 7
            channel._ready_state = RTCDataChannelState.OPEN  # step 8
            self._core.fire(RTCDataChannelEvent("datachannel", {"channel": channel}))  # step 9
            self._core.queue(channel._opened)  # step 10

        self._core.queue(announce)

    def _received(self, event: datachannel.MessageReceived) -> None:
        channel = self._by_id.get(event.channel)
        if channel is not None:
            self._core.deliver(partial(channel._received, event.data))

    def _drained(self, event: datachannel.BufferedAmountReduced) -> None:
        channel = self._by_id.get(event.channel)
        if channel is not None:
            size = event.size
            self._core.queue(lambda: channel._drained(size))

    def _closing(self, event: datachannel.ChannelClosing) -> None:
        """The other side began the closing procedure."""
        channel = self._by_id.get(event.channel)
        if channel is None:
            return

        def closing() -> None:
            if channel in self.open:
                self.open.remove(channel)
            channel._closing_started()

        self._core.queue(closing)

    def _closed(self, event: datachannel.ChannelClosed) -> None:
        channel = self._by_id.pop(event.channel, None)
        if channel is not None:
            self._announce_closed(channel)

    def _announce_closed(self, channel: RTCDataChannel, error: RTCError | None = None) -> None:
        def closed() -> None:
            if channel in self.open:
                self.open.remove(channel)
            if channel._id is not None and self._by_id.get(channel._id) is channel:
                del self._by_id[channel._id]
            channel._closed(error)

        self._core.queue(closed)

    def _association_closed(self, _: datachannel.AssociationClosed) -> None:
        self._end(None)

    def _association_aborted(self, event: datachannel.AssociationAborted) -> None:
        cause = event.causes[0].code if event.causes else None
        self._end(_sctp_error(event.reason or "the association was aborted", None if cause is None else int(cause)))

    def lost(self, reason: str) -> None:
        """The DTLS association below is gone."""
        self._end(_sctp_error(reason, None))

    def failed(self, reason: str, cause: int | None) -> None:
        """The other side broke SCTP."""
        self._end(_sctp_error(reason, cause))

    def _end(self, error: RTCError | None) -> None:
        if self._core.sctp is not None:
            self.association_ended(self._core.sctp, error)

    def removed(self, transport: RTCSctpTransport) -> None:
        """A description took the association away (section 4.4.1.5, step 4.7.8)."""
        stack = self._stack
        self.association_ended(transport)
        if stack is not None:
            stack.end_sctp()

    def association_ended(self, transport: RTCSctpTransport, error: RTCError | None = None) -> None:
        """SHUTDOWN, ABORT, or the DTLS association is gone: the SCTP transport and every channel on it is closed."""

        def ended() -> None:
            if transport._state is not RTCSctpTransportState.CLOSED:
                transport._state = RTCSctpTransportState.CLOSED
                transport._fire("statechange")

        self._core.queue(ended)
        self._stack = None
        for channel in dict.fromkeys([*self.open, *self._by_id.values()]):
            self._announce_closed(channel, error)

    def _nothing(self, event: Any) -> None:
        """Of no concern to a script: the ACK of a channel that is open already, or a restart whose channels were
        closed.
        """

    def close(self) -> None:
        """Steps 5 and 6 of "close the connection": abruptly, without events."""
        for channel in [*self.open, *self._by_id.values()]:
            channel._ready_state = RTCDataChannelState.CLOSED
        if self._core.sctp is not None:
            self._core.sctp._state = RTCSctpTransportState.CLOSED


def _sctp_error(reason: str, cause: int | None) -> RTCError:
    known = {} if cause is None else {"sctpCauseCode": cause}
    return RTCError({"errorDetail": RTCErrorDetailType.SCTP_FAILURE, **known}, reason)


_HANDLERS: Final[dict[type, Callable[[DataChannels, Any], None]]] = {
    datachannel.AssociationEstablished: DataChannels._established,
    datachannel.AssociationClosed: DataChannels._association_closed,
    datachannel.AssociationAborted: DataChannels._association_aborted,
    datachannel.AssociationRestarted: DataChannels._nothing,
    datachannel.ChannelAnnounced: DataChannels._announced,
    datachannel.ChannelOpened: DataChannels._nothing,
    datachannel.MessageReceived: DataChannels._received,
    datachannel.BufferedAmountReduced: DataChannels._drained,
    datachannel.ChannelClosing: DataChannels._closing,
    datachannel.ChannelClosed: DataChannels._closed,
}
