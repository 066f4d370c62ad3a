"""The data channels of one association: RFC 8831 and RFC 8832."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from peer import sctp
from peer.datachannel.channel import DEFAULT_PRIORITY, Channel, ChannelState
from peer.datachannel.events import (
    BufferedAmountReduced,
    ChannelAnnounced,
    ChannelClosed,
    ChannelClosing,
    ChannelOpened,
    Event,
    MessageReceived,
)
from peer.errors import DecodeError, LocalProtocolError
from peer.trace import Direction, Entry, Layer, Sink
from peer.wire import dcep
from peer.wire.dcep import Ppid

__all__ = ["Channels", "Transform", "identity"]

Transform: TypeAlias = Callable[[dcep.Message], Iterable[dcep.Message | bytes]]

_MAX_STREAMS = 65_535


def identity(message: dcep.Message) -> Iterable[dcep.Message | bytes]:
    """Changes nothing."""
    return (message,)


class Channels:
    """Data channels over `association`, in the dialect of every machine.

    `dtls_role` ("client" or "server") decides who opens even stream ids and who odd ones. A channel is named by its
    stream id. When the association ends there is one event that says so and none for each channel.
    """

    def __init__(
        self,
        association: sctp.Association,
        dtls_role: str,
        *,
        transform: Transform = identity,
        trace: Sink | None = None,
    ) -> None:
        self.association = association
        self._parity = 0 if dtls_role == "client" else 1
        self._transform = transform
        self._trace = trace
        self._channels: dict[int, Channel] = {}
        self._wanting_reset: list[int] = []
        self._lowest_free = self._parity
        self._pending: list[Event] = []
        self._pending_since = 0.0
        self._handlers: dict[type, Callable[[Any, float, list[Event]], None]] = {
            sctp.MessageReceived: self._message_received,
            sctp.BufferedAmountChanged: self._buffered_amount_changed,
            sctp.IncomingStreamsReset: self._incoming_reset,
            sctp.OutgoingStreamsReset: self._outgoing_reset,
            sctp.ReconfigurationFailed: self._reset_failed,
            sctp.AssociationEstablished: self._established,
            sctp.AssociationRestarted: self._restarted,
            sctp.AssociationClosed: self._ended,
            sctp.AssociationAborted: self._ended,
        }

    # What the user does

    def connect(self, now: float) -> None:
        """Sets the association up: call it on both sides once DTLS stands."""
        self.association.connect(now)

    def open(
        self,
        label: str = "",
        protocol: str = "",
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
        priority: int = DEFAULT_PRIORITY,
        negotiated: bool = False,
        id: int | None = None,
        now: float,
    ) -> int:
        """Opens a channel and gives its stream id; `id` None takes the lowest free one of our parity.

        A channel that isn't `negotiated` is announced to the peer by DATA_CHANNEL_OPEN; messages may follow at once.
        `max_packet_life_time` is in milliseconds. Raises LocalProtocolError when the id is taken or none is free.
        """
        if max_retransmits is not None and max_packet_life_time is not None:
            raise LocalProtocolError("a channel is limited by retransmissions or by lifetime, not by both")
        if id is None:
            id = self._free_id()
        elif not 0 <= id < _MAX_STREAMS or id in self._channels:
            raise LocalProtocolError(f"stream {id} can't be used")
        channel = Channel(
            id,
            label=label,
            protocol=protocol,
            ordered=ordered,
            max_retransmits=max_retransmits,
            max_packet_life_time=max_packet_life_time,
            priority=priority,
            negotiated=negotiated,
            state=ChannelState.OPEN if negotiated else ChannelState.OPENING,
        )
        if priority != DEFAULT_PRIORITY:
            self.association.set_priority(id, priority)
        if not negotiated:
            self._send_dcep(id, channel.to_open(), now)
        self._channels[id] = channel
        return id

    def send(self, channel: int, data: str | bytes | bytearray | memoryview, now: float) -> None:
        """Queues a message, str as WebRTC String, anything else as binary.

        Raises LocalProtocolError on a channel that isn't there or is closing, and beyond the peer's max-message-size.
        """
        record = self._channels.get(channel)
        if record is None or record.state is ChannelState.CLOSING:
            raise LocalProtocolError(f"channel {channel} is not open")
        if isinstance(data, str):
            ppid, payload = Ppid.STRING, data.encode("utf-8", "surrogatepass")
            empty = Ppid.STRING_EMPTY
        else:
            ppid, payload = Ppid.BINARY, data if isinstance(data, bytes) else bytes(data)
            empty = Ppid.BINARY_EMPTY
        size = len(payload)
        if not size:
            ppid, payload = empty, b"\0"
        self.association.send(
            channel,
            ppid,
            payload,
            now=now,
            ordered=record.ordered or not record.peer_spoke,
            max_retransmits=record.max_retransmits,
            lifetime=record.lifetime,
        )
        record.buffered += size

    def close(self, channel: int, now: float) -> None:
        """Closes a channel once what waits on it has left; `ChannelClosed` follows. Twice is as good as once."""
        record = self._channels.get(channel)
        if record is None:
            raise LocalProtocolError(f"there is no channel {channel}")
        if record.state is not ChannelState.CLOSING:
            record.state = ChannelState.CLOSING
            self._reset(channel, now)

    def buffered_amount(self, channel: int) -> int:
        """Bytes of user data that haven't left yet; 0 for a channel that isn't there."""
        record = self._channels.get(channel)
        return 0 if record is None else min(record.buffered, self.association.buffered_amount(channel))

    def pause(self, channel: int) -> None:
        """Holds incoming messages of a channel back. They count into the window, which closes when nobody reads."""
        record = self._channels.get(channel)
        if record is not None and record.held is None:
            record.held = []

    def resume(self, channel: int) -> list[Event]:
        """Gives what was held back; later messages come as events again, and the window opens."""
        record = self._channels.get(channel)
        if record is None or record.held is None:
            return []
        messages: list[Event] = [MessageReceived(channel, data) for data in record.held]
        self._drop_held(record)
        return messages

    def channel(self, channel: int) -> Channel | None:
        """The record of a channel, to be read."""
        return self._channels.get(channel)

    def shutdown(self, now: float) -> None:
        """Ends the association once everything is delivered."""
        self.association.shutdown(now)

    def abort(self, now: float) -> None:
        """Ends the association at once."""
        self.association.abort(now)

    # The dialect

    def receive_datagram(self, data: bytes, now: float) -> list[Event]:
        """Takes one SCTP packet. Raises RemoteProtocolError as the association does."""
        return self._translate(self.association.receive_datagram(data, now), now)

    def datagrams_to_send(self, now: float) -> list[bytes]:
        return self.association.datagrams_to_send(now)

    def take_events(self, now: float) -> list[Event]:
        """What arose while sending. Whoever doesn't ask gets it with the next timeout."""
        return self._translate(self.association.take_events(), now)

    def next_timeout(self) -> float | None:
        return self._pending_since if self._pending else self.association.next_timeout()

    def handle_timeout(self, now: float) -> list[Event]:
        return self._translate(self.association.handle_timeout(now), now)

    # What the association says

    def _translate(self, caused: list[sctp.Event], now: float) -> list[Event]:
        if not caused and not self._pending:
            return []
        events, self._pending = self._pending, []
        for event in caused:
            handler = self._handlers.get(type(event))
            if handler is not None:
                handler(event, now, events)
        return events

    def _message_received(self, event: sctp.MessageReceived, now: float, events: list[Event]) -> None:
        record = self._channels.get(event.stream_id)
        ppid = event.ppid
        if record is not None and record.incoming_reset:
            self._keep_for_later(record, event)
            return
        if ppid == Ppid.DCEP:
            self._dcep_received(event, record, now, events)
            return
        if record is None:
            # User data on an unused stream is an error, and the stream is to be closed (RFC 8832 section 6).
            self._close_stray(event.stream_id, now)
            return
        if not record.known:
            return
        record.peer_spoke = True
        if ppid == Ppid.BINARY and not record.parts:
            self._deliver(record, event.data, events)
        elif ppid == Ppid.STRING and not record.parts:
            self._deliver(record, event.data.decode("utf-8", "replace"), events)
        else:
            self._unusual_message(event, record, now, events)

    def _deliver(self, record: Channel, data: str | bytes, events: list[Event]) -> None:
        if record.held is None:
            events.append(MessageReceived(record.id, data))
        else:
            record.held.append(data)
            self.association.retain(len(data))

    def _unusual_message(self, event: sctp.MessageReceived, record: Channel, now: float, events: list[Event]) -> None:
        """Empty messages, the deprecated partial PPIDs, and PPIDs nobody knows (RFC 8831 section 6.6)."""
        match event.ppid:
            case Ppid.STRING_EMPTY:
                self._deliver(record, "", events)
            case Ppid.BINARY_EMPTY:
                self._deliver(record, b"", events)
            case Ppid.STRING_PARTIAL | Ppid.BINARY_PARTIAL if self._part_fits(record, event.data):
                record.parts.append(event.data)
            case Ppid.STRING | Ppid.BINARY if self._part_fits(record, event.data):
                whole = b"".join((*record.parts, event.data))
                record.parts = []
                text = event.ppid == Ppid.STRING
                self._deliver(record, whole.decode("utf-8", "replace") if text else whole, events)
            case _:
                self._close_by_rule(record, now, events)

    def _part_fits(self, record: Channel, data: bytes) -> bool:
        limit = self.association.config.max_message_size or 256 * 1024 * 1024
        return sum(map(len, record.parts)) + len(data) <= limit

    def _dcep_received(
        self, event: sctp.MessageReceived, record: Channel | None, now: float, events: list[Event]
    ) -> None:
        try:
            message = dcep.parse(event.data)
        except DecodeError as error:
            self._note(now, Direction.DISCARDED, None, event.data, str(error))
            message = None
        else:
            self._note(now, Direction.RECEIVED, message, event.data)
        if isinstance(message, dcep.Ack) and record is not None:
            record.peer_spoke = True
            if record.state is ChannelState.OPENING:
                record.state = ChannelState.OPEN
                events.append(ChannelOpened(record.id))
        elif isinstance(message, dcep.Open) and record is None and event.stream_id % 2 != self._parity:
            self._announce(event.stream_id, message, now, events)
        elif record is None:
            self._close_stray(event.stream_id, now)
        else:
            self._close_by_rule(record, now, events)

    def _announce(self, stream_id: int, message: dcep.Open, now: float, events: list[Event]) -> None:
        record = self._channels[stream_id] = Channel.of_open(stream_id, message)
        record.peer_spoke = True
        self.association.set_priority(stream_id, record.priority)
        try:
            self._send_dcep(stream_id, dcep.Ack(), now)
        except LocalProtocolError:
            return  # the association is shutting down: nobody needs the channel any more
        events.append(
            ChannelAnnounced(
                stream_id,
                record.label,
                record.protocol,
                record.ordered,
                record.max_retransmits,
                record.max_packet_life_time,
                record.priority,
            )
        )

    def _close_stray(self, stream_id: int, now: float) -> None:
        self._channels[stream_id] = Channel(stream_id, state=ChannelState.CLOSING, known=False)
        self._reset(stream_id, now)

    def _close_by_rule(self, record: Channel, now: float, events: list[Event]) -> None:
        if record.state is not ChannelState.CLOSING:
            record.state = ChannelState.CLOSING
            if record.known:
                events.append(ChannelClosing(record.id))
            self._reset(record.id, now)

    def _buffered_amount_changed(self, event: sctp.BufferedAmountChanged, now: float, events: list[Event]) -> None:
        record = self._channels.get(event.stream_id)
        if record is None:
            return
        left = self.association.buffered_amount(record.id)
        if left < record.buffered:
            events.append(BufferedAmountReduced(record.id, record.buffered - left, left))
            record.buffered = left

    # Closing: RFC 8831 section 6.7

    def _reset(self, stream_id: int, now: float) -> None:
        if self.association.state is not sctp.State.ESTABLISHED:
            self._wanting_reset.append(stream_id)
        elif self.association.offer.reconfiguration:
            self.association.reset_streams((stream_id,), now)
        else:
            # This peer can't reset streams: the channel is over for us, and its stream stays unused.
            self._reset_failed(sctp.ReconfigurationFailed((stream_id,), None), now, self._pending)
            self._pending_since = now

    def _incoming_reset(self, event: sctp.IncomingStreamsReset, now: float, events: list[Event]) -> None:
        for stream_id in event.streams:
            record = self._channels.get(stream_id)
            if record is None:
                continue
            if record.incoming_reset:
                self._keep_for_later(record, sctp.IncomingStreamsReset((stream_id,)))
                continue
            record.incoming_reset = True
            self._close_by_rule(record, now, events)
            self._conclude(record, now, events)

    def _keep_for_later(self, record: Channel, event: sctp.MessageReceived | sctp.IncomingStreamsReset) -> None:
        """The peer uses the id anew: to it both directions are reset, only its answer to our reset is still missing."""
        record.later.append(event)
        self.association.retain(_size(event))

    def _outgoing_reset(self, event: sctp.OutgoingStreamsReset, now: float, events: list[Event]) -> None:
        for stream_id in event.streams:
            record = self._channels.get(stream_id)
            if record is not None:
                record.outgoing_reset = True
                self._close_by_rule(record, now, events)
                self._conclude(record, now, events)

    def _reset_failed(self, event: sctp.ReconfigurationFailed, now: float, events: list[Event]) -> None:
        """The peer refused or can't: the channel is over for us, and its stream stays unused."""
        for stream_id in event.streams:
            record = self._channels.get(stream_id)
            if record is not None and record.known:
                record.known = False
                events.append(ChannelClosed(stream_id))

    def _conclude(self, record: Channel, now: float, events: list[Event]) -> None:
        if not (record.incoming_reset and record.outgoing_reset):
            return
        self._forget(record)
        if record.known:
            events.append(ChannelClosed(record.id))
        self.association.release(sum(map(_size, record.later)))
        for event in record.later:
            self._handlers[type(event)](event, now, events)

    # The association's life

    def _established(self, event: sctp.AssociationEstablished, now: float, events: list[Event]) -> None:
        events.append(event)
        wanting, self._wanting_reset = self._wanting_reset, []
        for stream_id in wanting:
            self._reset(stream_id, now)

    def _restarted(self, event: sctp.AssociationRestarted, now: float, events: list[Event]) -> None:
        """The peer knows nothing of any channel now."""
        events.append(event)
        known = [record.id for record in self._channels.values() if record.known]
        self._channels.clear()
        self._wanting_reset.clear()
        self._lowest_free = self._parity
        events += map(ChannelClosed, known)

    def _ended(self, event: sctp.AssociationClosed | sctp.AssociationAborted, now: float, events: list[Event]) -> None:
        self._channels.clear()
        events.append(event)

    # Inside

    def _free_id(self) -> int:
        free = next((i for i in range(self._lowest_free, _MAX_STREAMS, 2) if i not in self._channels), None)
        if free is None:
            raise LocalProtocolError("no stream id is free")
        self._lowest_free = free + 2
        return free

    def _forget(self, record: Channel) -> None:
        del self._channels[record.id]
        self._drop_held(record)
        if record.id % 2 == self._parity:
            self._lowest_free = min(self._lowest_free, record.id)

    def _drop_held(self, record: Channel) -> None:
        held, record.held = record.held, None
        if held:
            self.association.release(sum(map(len, held)))

    def _send_dcep(self, stream_id: int, message: dcep.Message, now: float) -> None:
        for changed in self._transform(message):
            data = changed if isinstance(changed, bytes) else changed.serialize()
            self._note(now, Direction.SENT, None if isinstance(changed, bytes) else changed, data)
            self.association.send(stream_id, Ppid.DCEP, data, now=now)

    def _note(
        self, now: float, direction: Direction, message: dcep.Message | None, data: bytes, note: str = ""
    ) -> None:
        if self._trace is not None:
            self._trace(Entry(now, Layer.DCEP, direction, message, data, note))


def _size(event: sctp.MessageReceived | sctp.IncomingStreamsReset) -> int:
    """What an event that is kept counts into the window."""
    return 64 + (len(event.data) if isinstance(event, sctp.MessageReceived) else 0)
