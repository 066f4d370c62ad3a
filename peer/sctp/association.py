"""The association: RFC 9260 over DTLS (RFC 8261), one path, one association at a time."""

from __future__ import annotations

import struct
from collections.abc import Callable

from peer.errors import DecodeError, LocalProtocolError, RemoteProtocolError
from peer.sctp.config import Config
from peer.sctp.control import COOKIE_ACK, Control, Timer
from peer.sctp.events import AssociationAborted, BufferedAmountChanged, Event
from peer.sctp.inbound import Inbound
from peer.sctp.outbound import Message
from peer.sctp.reset import Request
from peer.sctp.seam import Seam, Transform, identity
from peer.sctp.states import ACCEPTS_DATA, ACTIONS, MAY_SEND_DATA, Action, State
from peer.trace import Sink
from peer.wire.sctp import COMMON_HEADER, Abort, ChunkType, Error, Unknown, crc32c, parse, parse_chunk, with_checksum
from peer.wire.sctp_tlv import Cause, CauseCode, TsnReset

__all__ = ["Association"]

_unpack_common = COMMON_HEADER.unpack_from
_unpack_chunk = struct.Struct(">BBH").unpack_from
_SACK_FIXED = struct.Struct(">IIHH")
_SACK = int(ChunkType.SACK)
_DATA_TYPES = frozenset({int(ChunkType.DATA), int(ChunkType.I_DATA)})
_TAGLESS = frozenset({int(ChunkType.INIT), int(ChunkType.ABORT), int(ChunkType.SHUTDOWN_COMPLETE)})
_ALONE = frozenset({int(ChunkType.INIT), int(ChunkType.INIT_ACK), int(ChunkType.SHUTDOWN_COMPLETE)})
_NOWHERE: dict[State, Action] = {}
_STARTING = frozenset({State.CLOSED, State.COOKIE_WAIT, State.COOKIE_ECHOED})


class Association(Control):
    """One SCTP association. Times are seconds, sizes bytes; the package's docstring has the whole picture.

    `entropy` gives tags, the cookie key and heartbeat nonces. `transform` is offered every outgoing chunk, then the
    packet, before it is encoded. Everything is driven by the four methods of the machine dialect.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        entropy: Callable[[int], bytes],
        transform: Transform = identity,
        trace: Sink | None = None,
    ) -> None:
        super().__init__(config or Config(), entropy)
        self._seam = Seam(transform, trace)
        self._last_now = 0.0
        self._timer_handlers: dict[str, Callable[[float, list[Event]], None]] = {
            Timer.INIT: self._init_unanswered,
            Timer.COOKIE: self._cookie_unanswered,
            Timer.SHUTDOWN: self._shutdown_unanswered,
            Timer.GUARD: self._shutdown_overdue,
            Timer.HEARTBEAT: self._heartbeat_due,
            Timer.PATH_MTU: lambda now, events: self._probe_path(now),
        }

    # What the user does

    @property
    def max_message_size(self) -> int:
        """The longest message `send` takes, in bytes; 0 means no limit."""
        return self.config.remote_max_message_size

    @property
    def buffered(self) -> int:
        """Bytes that wait for their first transmission, over all streams."""
        return self._queue.buffered

    def buffered_amount(self, stream_id: int) -> int:
        """Bytes of one stream that wait for their first transmission."""
        stream = self._queue.streams.get(stream_id)
        return stream.buffered if stream is not None else 0

    def connect(self, now: float) -> None:
        """Sends INIT. Does nothing where the peer was faster and the association is under way."""
        if self._ended:
            raise LocalProtocolError("the association has ended")
        if self.state == State.CLOSED:
            self.state = State.COOKIE_WAIT
            self._send_init(now)

    def send(
        self,
        stream_id: int,
        ppid: int,
        data: bytes | bytearray | memoryview,
        *,
        now: float,
        ordered: bool = True,
        max_retransmits: int | None = None,
        lifetime: float | None = None,
    ) -> None:
        """Queues a message. `lifetime` in seconds and `max_retransmits` limit its reliability (RFC 7496).

        Raises LocalProtocolError when it is empty (section 6.2: DATA always carries something), longer than
        `max_message_size`, on a stream that doesn't exist, or when the association is shutting down or over.
        """
        if self._ended or self._shutdown_wanted or self.state not in _SENDABLE:
            raise LocalProtocolError(f"no message can be sent in state {self.state}")
        limit = self.config.remote_max_message_size
        if not data or (limit and len(data) > limit):
            raise LocalProtocolError(f"message of {len(data)} bytes; the limit is {limit or 'none'}")
        if not 0 <= stream_id < self.outbound_streams:
            raise LocalProtocolError(f"no stream {stream_id}")
        message = Message(
            self._queue.stream(stream_id),
            ppid,
            data if isinstance(data, bytes) else bytes(data),
            unordered=not ordered,
            max_retransmits=max_retransmits,
            expires=None if lifetime is None else now + lifetime,
        )
        self._queue.push(message)

    def reset_streams(self, stream_ids: tuple[int, ...], now: float) -> None:
        """Resets outgoing streams once what waits on them has left; `OutgoingStreamsReset` tells when it is done."""
        if self._reconfigurations is None or not self.offer.reconfiguration:
            raise LocalProtocolError("streams can't be reset with this peer, or not yet")
        self._reconfigurations.reset(stream_ids)

    def reconfigure(self, request: Request, now: float) -> None:
        """Any other request of RFC 6525: IncomingReset, TsnReset, AddOutgoingStreams, AddIncomingStreams.

        Its number is filled in; an event tells what became of it.
        """
        if self._reconfigurations is None or not self.offer.reconfiguration:
            raise LocalProtocolError("this peer can't be asked to re-configure, or not yet")
        if isinstance(request, TsnReset) and self.offer.interleaving:
            raise LocalProtocolError("TSNs aren't reset where messages are interleaved")
        self._reconfigurations.request(request)

    def set_priority(self, stream_id: int, priority: int) -> None:
        """The weight of a stream, from 1; 256 where nothing was set."""
        self._queue.stream(stream_id).priority = max(priority, 1)

    def retain(self, size: int) -> None:
        """The user holds `size` bytes of what it was given: the window we advertise is that much smaller."""
        if self._inbound is not None:
            self._inbound.retain(size)

    def release(self, size: int) -> None:
        """The user consumed `size` bytes it had retained."""
        if self._inbound is not None:
            self._inbound.release(size)

    def path_changed(self, link_mtu: int | None, now: float) -> None:
        """Packets take another path, whose first link takes packets of `link_mtu` bytes (None: nobody knows)."""
        self._link_mtu = self.config.max_mtu if link_mtu is None else link_mtu
        if self.state in MAY_SEND_DATA:
            self._search_path(now)

    def shutdown(self, now: float) -> None:
        """Ends gracefully: what is queued is sent and acknowledged first (section 9.2)."""
        self._shutdown_wanted = True
        if self.state == State.ESTABLISHED:
            self.state = State.SHUTDOWN_PENDING
            self._advance_shutdown(now)
        elif self.state == State.CLOSED:
            self._ended = True

    def abort(self, now: float, cause: Cause | None = None) -> None:
        """Ends at once; the peer is told why. `AssociationAborted` follows from the next timeout."""
        if self._ended or self.state == State.CLOSED:
            self._ended = True
            return
        causes = (cause or Cause(CauseCode.USER_INITIATED_ABORT),)
        if self._peer_tag:
            self._send_alone(Abort(causes), self._peer_tag)
        self._end(AssociationAborted(causes, by_remote=False), self._pending)

    # The dialect

    def receive_datagram(self, data: bytes, now: float) -> list[Event]:
        """Takes one packet, as DTLS gave it. Raises RemoteProtocolError once, when the peer's fault ends it all."""
        events = self.take_events()
        try:
            note = self._receive(data, now, events)
        except DecodeError as error:
            note = str(error)
        except RemoteProtocolError as error:
            self._seam.received(data, now, str(error))
            raise
        if self._seam.active:
            self._seam.received(data, now, note)
        return events

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Every packet that may leave now. Drain it after every other call; in a batch, after the batch."""
        self._last_now = now
        packets, self._outbox = self._outbox, []
        inbound = self._inbound
        if inbound is not None and self.state not in _STARTING:
            self._fill_packets(packets, inbound, now)
        if self._seam.active and packets:
            return [sent for packet in packets for sent in self._seam.send(packet, now)]
        return packets

    def take_events(self) -> list[Event]:
        """What arose while sending. Whoever doesn't ask gets it with the next timeout."""
        return self._collect() if self._pending or self._transmission.touched else []

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called next; None for never."""
        if self._pending or self._transmission.touched:
            return self._last_now
        due = list(self._timers.values())
        if self._transmission.deadline is not None:
            due.append(self._transmission.deadline)
        if self._inbound is not None and self._inbound.deadline is not None:
            due.append(self._inbound.deadline)
        if self._reconfigurations is not None and self._reconfigurations.deadline is not None:
            due.append(self._reconfigurations.deadline)
        return min(due) if due else None

    def handle_timeout(self, now: float) -> list[Event]:
        """Runs every timer that is due, and gives the events that arose while sending."""
        events = self._collect()
        for name in [name for name, due in self._timers.items() if due <= now]:
            if self._timers.get(name, now + 1) <= now:
                del self._timers[name]
                self._timer_handlers[name](now, events)
        inbound, reconfigurations, transmission = self._inbound, self._reconfigurations, self._transmission
        if inbound is not None and inbound.deadline is not None and inbound.deadline <= now:
            inbound.deadline = None
            inbound.want_sack()
        if transmission.deadline is not None and transmission.deadline <= now and transmission.handle_timeout(now):
            self._path_mtu.timed_out(now)
            self._adopt_path_mtu()
            self._count_error(events)
        if (
            reconfigurations is not None
            and (reconfigurations.deadline or now + 1) <= now
            and reconfigurations.handle_timeout()
        ):
            self._count_error(events)
        self._advance_shutdown(now)
        return events

    # In

    def _receive(self, data: bytes, now: float, events: list[Event]) -> str:
        """Takes a packet; gives why it was discarded, or nothing. DecodeError: the rest of the packet is discarded."""
        end = len(data)
        if end < 16:
            return "too short"
        source, destination, tag, checksum = _unpack_common(data)
        first = data[12]
        config = self.config
        if source != config.remote_port or destination != config.local_port:
            return "ports"
        # Zero may stand for "DTLS has checked it" once we said so; INIT always has the right one (RFC 9653, 5.2).
        if (checksum or not config.zero_checksum or first == 1) and not _checksum_holds(data):
            return "checksum"
        if tag != self._local_tag or first in _TAGLESS:
            note = self._judge_tag(tag, first, data)
            if note:
                return note
        return self._receive_chunks(data, tag, now, events)

    def _receive_chunks(self, data: bytes, tag: int, now: float, events: list[Event]) -> str:
        end, offset, had_data, inbound = len(data), 12, False, self._inbound
        data_type, least = (64, 20) if self.offer.interleaving else (0, 16)
        while offset + 4 <= end:
            type_, flags, length = _unpack_chunk(data, offset)
            stop = offset + length
            if length < 4 or stop > end:
                raise DecodeError(f"chunk of type {type_} says length {length}", offset=offset)
            if type_ == data_type:
                if inbound is not None and self.state in ACCEPTS_DATA:
                    if length <= least:
                        self._refuse_empty_data(data, offset, length, least, events)
                    had_data = True
                    inbound.receive(data, offset, length, flags, events)
            elif type_ == _SACK:
                if inbound is not None:
                    self._receive_sack(data, offset, length, now)
            else:
                if self._receive_control(type_, flags, data[offset + 4 : stop], tag, now, events):
                    return "rest of the packet after an unknown chunk"
                inbound = self._inbound
            offset = (stop + 3) & ~3
        if had_data and inbound is not None and inbound is self._inbound:
            self._after_data(inbound, now, events)
        if self.state in (State.SHUTDOWN_PENDING, State.SHUTDOWN_RECEIVED):
            self._advance_shutdown(now)
        return ""

    def _judge_tag(self, tag: int, first: int, data: bytes) -> str:
        """Verification tags off the common path (section 8.5.1). Gives why the packet is discarded, or nothing."""
        if first == ChunkType.INIT:
            length = int.from_bytes(data[14:16], "big")
            return "" if tag == 0 and (length + 3) & ~3 >= len(data) - 12 else "INIT with a tag or not alone"
        if first == ChunkType.COOKIE_ECHO:
            return ""
        if first in (ChunkType.ABORT, ChunkType.SHUTDOWN_COMPLETE):
            expected = self._peer_tag if data[13] & 1 else self._local_tag
            return "" if tag == expected and tag else "verification tag"
        if self.state == State.CLOSED and not self._ended and first != ChunkType.COOKIE_ACK:
            return self._answer_stray(tag, data)
        if first == ChunkType.SHUTDOWN_ACK and self.state in (State.COOKIE_WAIT, State.COOKIE_ECHOED):
            return ""
        return "verification tag"

    def _answer_stray(self, tag: int, data: bytes) -> str:
        """Out of the blue: section 8.4 (2), (5), (7) and (8)."""
        types = [chunk.type for chunk in parse(data).chunks if not isinstance(chunk, bytes)]
        if types[0] == ChunkType.SHUTDOWN_ACK:
            return ""
        if not {ChunkType.ABORT, ChunkType.ERROR} & set(types):
            self._send_alone(Abort((), reflected=True), tag)
        return "out of the blue"

    def _receive_control(self, type_: int, flags: int, body: bytes, tag: int, now: float, events: list[Event]) -> bool:
        """Takes any chunk but DATA and SACK. True if the rest of the packet is to be discarded."""
        chunk = parse_chunk(type_, flags, body)
        if type_ in _DATA_TYPES:
            if self.state in ACCEPTS_DATA:
                self._fail(Cause(CauseCode.PROTOCOL_VIOLATION, b"DATA of the kind that was not agreed on"), events)
            return False
        if isinstance(chunk, Unknown):
            if type_ & 0x40 and self.state not in _STARTING:
                self._send(Error((Cause(CauseCode.UNRECOGNIZED_CHUNK, chunk.serialize()),)))
            return not type_ & 0x80
        action = ACTIONS.get(type_, _NOWHERE).get(self.state)
        if action is not None:
            self._handlers[action](chunk, tag, now, events)
        return False

    def _receive_sack(self, data: bytes, offset: int, length: int, now: float) -> None:
        if length < 16:
            raise DecodeError("SACK chunk is too short", offset=offset)
        cumulative, a_rwnd, gap_count, duplicate_count = _SACK_FIXED.unpack_from(data, offset + 4)
        gaps: list[tuple[int, int]] = []
        if gap_count:
            if length < 16 + 4 * (gap_count + duplicate_count):
                raise DecodeError("SACK chunk is too short for its blocks", offset=offset)
            gaps = list(struct.iter_unpack(">HH", data[offset + 16 : offset + 16 + 4 * gap_count]))
        if self._transmission.receive_sack(cumulative, a_rwnd, gaps, now):
            self._path_mtu.answered()

    def _refuse_empty_data(self, data: bytes, offset: int, length: int, least: int, events: list[Event]) -> None:
        if length < least:
            raise DecodeError("DATA chunk is too short", offset=offset)
        self._fail(Cause(CauseCode.NO_USER_DATA, data[offset + 4 : offset + 8]), events)

    def _after_data(self, inbound: Inbound, now: float, events: list[Event]) -> None:
        inbound.packet_received(now)
        if self._reconfigurations is not None:
            self._reconfigurations.advanced(events)
        if inbound.invalid_streams:
            for stream_id in inbound.invalid_streams[:8]:
                self._send(Error((Cause(CauseCode.INVALID_STREAM, struct.pack(">HH", stream_id, 0)),)))
            inbound.invalid_streams.clear()
        if inbound.oversized:
            self._fail(Cause(CauseCode.OUT_OF_RESOURCE, b"message longer than max-message-size"), events)
        if self.state == State.SHUTDOWN_SENT:
            self._send_shutdown(now)

    def _collect(self) -> list[Event]:
        """Events that arose outside a receiving call."""
        events, self._pending = self._pending, []
        touched = self._transmission.touched
        if touched:
            events += map(BufferedAmountChanged, touched)
            touched.clear()
        return events

    # Out

    def _fill_packets(self, packets: list[bytes], inbound: Inbound, now: float) -> None:
        """Packets of control chunks, a SACK, and as much DATA as may leave, bundled (sections 6.10, 6.1)."""
        transmission, config = self._transmission, self.config
        header = COMMON_HEADER.pack(config.local_port, config.remote_port, self._peer_tag, 0)
        checked = not self.offer.zero_checksum
        sending = self.state in MAY_SEND_DATA
        transmission.begin_burst(now)
        control, self._bundle = self._bundle, []
        control += self._requests(now)
        if inbound.sack_due:
            after = 1 if control and control[0] == COOKIE_ACK else 0
            control.insert(after, inbound.sack(transmission.mtu - 12 - 4 * after))
        limit = transmission.mtu - 12
        while True:
            parts, room = [header], limit
            while control and (len(control[0]) <= room or room == limit):
                room -= len(control[0])
                parts.append(control.pop(0))
            if sending and not control:
                if inbound.sack_pending:
                    # DATA that leaves takes a delayed SACK along (section 6.1).
                    room = self._fill_with_sack(parts, room, inbound, now)
                else:
                    room = transmission.fill(parts, room, now)
            if len(parts) == 1:
                # Filling may have given up messages, or sent the last one of a stream that is to be reset.
                control = self._requests(now)
                if not control:
                    return
                continue
            packet = b"".join(parts)
            packets.append(with_checksum(packet) if checked else packet)

    def _requests(self, now: float) -> list[bytes]:
        """FORWARD-TSN and RE-CONFIG, where they are due."""
        chunks = [self._transmission.forward_tsn(now).serialize()] if self._transmission.forward_due else []
        if self._reconfigurations is not None and self.state in MAY_SEND_DATA:
            chunks += self._reconfigurations.chunks(now)
        return chunks

    def _fill_with_sack(self, parts: list[bytes], room: int, inbound: Inbound, now: float) -> int:
        before = len(parts)
        left = self._transmission.fill(parts, room - 16, now)
        if len(parts) > before:
            parts.insert(before, inbound.sack(16))
        return left

    # Time

    def _init_unanswered(self, now: float, events: list[Event]) -> None:
        if self._attempt(events):
            self._send_init(now)

    def _cookie_unanswered(self, now: float, events: list[Event]) -> None:
        if self._attempt(events):
            self._send_cookie(now)

    def _attempt(self, events: list[Event]) -> bool:
        self._attempts += 1
        if self._attempts > self.config.max_init_retransmits:
            self._end(AssociationAborted((), by_remote=False, reason="the peer doesn't answer INIT"), events)
            return False
        self._transmission.rto.back_off()
        return True

    def _shutdown_unanswered(self, now: float, events: list[Event]) -> None:
        self._transmission.rto.back_off()
        if not self._count_error(events):
            return
        if self.state == State.SHUTDOWN_SENT:
            self._send_shutdown(now)
        elif self.state == State.SHUTDOWN_ACK_SENT:
            self._send_shutdown_ack(now)

    def _shutdown_overdue(self, now: float, events: list[Event]) -> None:
        self.abort(now)

    def _heartbeat_due(self, now: float, events: list[Event]) -> None:
        if self._heartbeat and not self._count_error(events):
            return
        self._send_heartbeat(now)
        self._plan_heartbeat(now)

    def _count_error(self, events: list[Event]) -> bool:
        """One more time the peer didn't answer (section 8.1). False when that was once too often."""
        self._transmission.errors += 1
        if self._transmission.errors <= self.config.max_retransmits:
            return True
        if self._peer_tag:
            self._send_alone(Abort((Cause(CauseCode.USER_INITIATED_ABORT, b"no answer"),)), self._peer_tag)
        self._end(AssociationAborted((), by_remote=False, reason="the peer doesn't answer"), events)
        return False


_SENDABLE = frozenset({State.COOKIE_WAIT, State.COOKIE_ECHOED, State.ESTABLISHED, State.CLOSED})


def _checksum_holds(data: bytes) -> bool:
    return crc32c(data) == int.from_bytes(data[8:12], "little")
