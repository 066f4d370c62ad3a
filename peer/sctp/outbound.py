"""Messages that wait to be sent: one queue a stream, and a schedule of the streams (RFC 8260 section 3).

Without interleaving a message keeps its turn until its last fragment has left: its fragments have consecutive TSNs.
With I-DATA (RFC 8260) every fragment may be another stream's.
"""

from __future__ import annotations

from collections import deque

from peer.sctp.schedulers import Schedule, Scheduling

__all__ = ["Message", "OutboundQueue", "OutboundStream"]

_DEFAULT_WEIGHT = 256


class Message:
    """A user message on its way out. `offset` is where its next fragment begins."""

    __slots__ = (
        "abandoned",
        "data",
        "expires",
        "first_tsn",
        "fragments",
        "last_tsn",
        "max_retransmits",
        "number",
        "offset",
        "ppid",
        "serial",
        "size",
        "stream",
        "unordered",
    )

    def __init__(
        self,
        stream: OutboundStream,
        ppid: int,
        data: bytes,
        *,
        unordered: bool,
        max_retransmits: int | None,
        expires: float | None,
    ) -> None:
        self.stream = stream
        self.ppid = ppid
        self.data = data
        self.size = len(data)
        self.offset = 0
        self.unordered = unordered
        self.max_retransmits = max_retransmits
        self.expires = expires
        self.serial: int = 0
        self.number = 0  # SSN, or MID with interleaving; given to it when its first fragment leaves
        self.fragments = 0  # sent so far: the FSN of the next one
        self.first_tsn = self.last_tsn = -1
        self.abandoned = False


class OutboundStream:
    """One outgoing stream. `buffered` counts bytes that haven't been sent for the first time."""

    __slots__ = (
        "buffered",
        "held",
        "id",
        "messages",
        "next_mid",
        "next_ssn",
        "next_unordered_mid",
        "priority",
        "ready",
        "virtual",
    )

    def __init__(self, stream_id: int) -> None:
        self.id = stream_id
        self.messages: deque[Message] = deque()
        self.next_ssn = 0
        self.next_mid = 0
        self.next_unordered_mid = 0
        self.buffered = 0
        self.priority: int = _DEFAULT_WEIGHT
        self.virtual: float = 0.0
        self.held = False  # a reset is under way: no new message may begin (RFC 6525 section 5.1.2, A1)
        self.ready = False  # is in the schedule

    def restart_numbers(self) -> None:
        """After a reset (RFC 6525; RFC 8260 section 2.3.2)."""
        self.next_ssn = self.next_mid = self.next_unordered_mid = 0

    def next_number(self, *, unordered: bool, interleaving: bool) -> int:
        """The SSN, or the MID with interleaving, for a message that begins now."""
        if not interleaving:
            if unordered:
                return 0
            number, self.next_ssn = self.next_ssn, (self.next_ssn + 1) & 0xFFFF
        elif unordered:
            number, self.next_unordered_mid = self.next_unordered_mid, (self.next_unordered_mid + 1) & 0xFFFFFFFF
        else:
            number, self.next_mid = self.next_mid, (self.next_mid + 1) & 0xFFFFFFFF
        return number


class OutboundQueue:
    """All streams' messages. `current` is the message whose fragment goes next, once that was decided."""

    def __init__(self, scheduling: Scheduling = Scheduling.WEIGHTED_FAIR) -> None:
        self.streams: dict[int, OutboundStream] = {}
        self.buffered = 0
        self.current: Message | None = None
        self.interleaving = False
        self._per_packet = scheduling is Scheduling.ROUND_ROBIN_PER_PACKET
        self._packet_stream: OutboundStream | None = None
        self._schedule = Schedule(scheduling)
        self._serial = 0

    def stream(self, stream_id: int) -> OutboundStream:
        stream = self.streams.get(stream_id)
        if stream is None:
            stream = self.streams[stream_id] = OutboundStream(stream_id)
        return stream

    def push(self, message: Message) -> None:
        stream = message.stream
        self._serial += 1
        message.serial = self._serial
        stream.messages.append(message)
        stream.buffered += message.size
        self.buffered += message.size
        self._enlist(stream)

    def begin_packet(self) -> None:
        """A new packet is being filled: the round robin per packet may change streams now."""
        if not self._per_packet:
            return
        self._packet_stream = None
        if self.current is not None and (self.interleaving or not self.current.offset):
            waiting, self.current = self.current.stream, None
            self._enlist(waiting)

    def next(self) -> Message | None:
        """The message whose fragment goes next; None when nothing may be sent (in this packet)."""
        if self.current is not None:
            return self.current
        if self._packet_stream is not None:
            return None
        while (stream := self._schedule.pick()) is not None:
            if stream.messages and not stream.held:
                if self._per_packet:
                    self._packet_stream = stream
                self.current = stream.messages[0]
                return self.current
        return None

    def took(self, message: Message, size: int) -> None:
        """`size` more bytes of `message` left, or were given up; its turn may be over."""
        stream = message.stream
        message.offset += size
        stream.buffered -= size
        self.buffered -= size
        done = message.offset >= message.size
        if not done and not self.interleaving:
            return
        self._schedule.charge(stream, size if self.interleaving else message.size)
        if done:
            stream.messages.popleft()
        if self.current is message:
            self.current = None
            if self._packet_stream is stream and stream.messages:
                self.current = stream.messages[0]
                return
        self._enlist(stream)

    def drop_rest(self, message: Message) -> None:
        """Gives up what hasn't been sent of the first message of a stream."""
        self.took(message, message.size - message.offset)

    def hold(self, stream: OutboundStream) -> None:
        stream.held = True

    def release(self, stream: OutboundStream) -> None:
        stream.held = False
        self._enlist(stream)

    def clear(self) -> None:
        """Drops every message."""
        for stream in self.streams.values():
            stream.messages.clear()
            stream.buffered = 0
        self._schedule.clear()
        self.buffered = 0
        self.current = self._packet_stream = None

    def reset(self) -> None:
        """A new association under the same user: what is queued is dropped, numbers begin anew."""
        self.clear()
        self.streams.clear()

    def _enlist(self, stream: OutboundStream) -> None:
        if stream.messages and not stream.held and not stream.ready:
            self._schedule.add(stream)
