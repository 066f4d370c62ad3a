"""The receiving half of an association: DATA in, SACK out (RFC 9260 sections 6.2, 6.5, 6.6, 6.7).

`cumulative` is the last TSN with nothing missing before it, as a plain integer that never wraps (32 low bits are the
wire's); `_ranges` are the islands beyond it. Nearly every chunk is the next one and finds no island: a short path.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from peer.sctp.config import Config
from peer.sctp.events import Event, MessageReceived
from peer.sctp.ranges import Range, add
from peer.sctp.reassembly import FRAGMENT_COST, Reassembly, i_data_key
from peer.wire.sctp import ChunkType

__all__ = ["Inbound", "InboundStream"]

_MASK = 0xFFFFFFFF
_HALF = 0x80000000
_REACH = 0xFFFF  # how far a gap block can point
_MAX_DUPLICATES = 32
_ALLOWANCE = 64 * 1024 * 1024  # bytes of incomplete messages beyond the window, with interleaving
_SACK = struct.Struct(">BBHIIHH")
_unpack_data = struct.Struct(">IHHI").unpack_from
_unpack_i_data = struct.Struct(">IHHII").unpack_from


class InboundStream:
    """The order of one incoming stream: the SSN (or MID) that is next, and messages that are ahead of it."""

    __slots__ = ("next_number", "waiting")

    def __init__(self) -> None:
        self.next_number = 0
        self.waiting: dict[int, MessageReceived] = {}


class Inbound:
    """Takes DATA or I-DATA chunks, makes `MessageReceived` events and SACKs."""

    def __init__(self, config: Config, initial_tsn: int, stream_count: int, *, interleaving: bool = False) -> None:
        self._config = config
        self._window = config.receive_window
        self.stream_count = stream_count
        self.cumulative = initial_tsn - 1
        self.streams: dict[int, InboundStream] = {}
        self.waiting_bytes = 0
        self.deadline: float | None = None
        """When the delayed SACK is due."""
        self.invalid_streams: list[int] = []
        self.oversized = False
        """A message longer than we take has come, in whole or in part."""
        self.receive = self._receive_i_data if interleaving else self._receive_data
        """Takes the chunk of `length` bytes at `offset` of a packet: (packet, offset, length, flags, events)."""
        self._interleaving = interleaving
        self._admitted = 0
        self._number_mask = 0xFFFFFFFF if interleaving else 0xFFFF
        self._limit = config.max_message_size
        self.reassembly = Reassembly(max(2 * self._limit, _ALLOWANCE) if self._limit or interleaving else 1 << 62)
        self._retained = 0
        self._held: tuple[frozenset[int], int] | None = None
        self._careful = False  # there is something that the short path doesn't look at
        self._ranges: list[Range] = []
        self._duplicates: list[int] = []
        self._packets = 0
        self._first = True
        self._immediate = False
        self._advertised = self._window

    # In

    def _receive_data(self, packet: bytes, offset: int, length: int, flags: int, events: list[Event]) -> None:
        tsn, stream_id, number, ppid = _unpack_data(packet, offset + 4)
        ahead = (tsn - self.cumulative) & _MASK
        if ahead == 1 and not self._ranges and not self._careful:
            tsn = self.cumulative = self.cumulative + 1
        else:
            ahead = self._admit(ahead, length, stream_id)
            if not ahead:
                return
            tsn = self._admitted
        if flags & 8:
            self._immediate = True
        if stream_id >= self.stream_count:
            self.invalid_streams.append(stream_id)
            return
        data = packet[offset + 16 : offset + length]
        reassembly = self.reassembly
        if flags & 3 != 3:
            run = reassembly.add(tsn, stream_id, number, ppid, flags, data, in_order=tsn <= self.cumulative)
            if self._limit and reassembly.under_delivery > self._limit:
                self.oversized = True
            if run is None:
                return
            data, ppid = run.message(), run.ppid
        elif not reassembly.is_empty:
            reassembly.interrupt(tsn)
        self._deliver(number, MessageReceived(stream_id, ppid, data), flags & 4, events)

    def _receive_i_data(self, packet: bytes, offset: int, length: int, flags: int, events: list[Event]) -> None:
        tsn, stream_id, _, mid, fourth = _unpack_i_data(packet, offset + 4)
        if not self._admit((tsn - self.cumulative) & _MASK, length, stream_id):
            return
        if flags & 8:
            self._immediate = True
        if stream_id >= self.stream_count:
            self.invalid_streams.append(stream_id)
            return
        data = packet[offset + 20 : offset + length]
        if flags & 3 != 3:
            fsn = 0 if flags & 2 else fourth
            key = i_data_key(stream_id, flags & 4, mid, fsn)
            run = self.reassembly.add(key, stream_id, mid, fourth, flags, data, in_order=True)
            if run is None:
                return
            data, fourth = run.message(), run.ppid
            self.oversized = self.oversized or 0 < self._limit < len(data)
        self._deliver(mid, MessageReceived(stream_id, fourth, data), flags & 4, events)

    def _admit(self, ahead: int, length: int, stream_id: int) -> bool:
        """Judges a TSN off the short path, `ahead` of the cumulative one; leaves it unwrapped in `_admitted`."""
        tsn = self._admitted = self.cumulative + ahead
        if ahead == 0 or ahead >= _HALF:
            self._note_duplicate(tsn)
            return False
        if ahead > 1 or self._ranges:
            self._immediate = True
        top = self._ranges[-1][1] if self._ranges else self.cumulative
        full = self.window < length
        # Beyond the highest TSN a full window takes nothing; a hole is filled, since that frees what waits for it.
        refused = ahead > _REACH or (full and (tsn > top or self._retained >= self._window))
        if self._held is not None and tsn > self._held[1] and (stream_id in self._held[0] or not self._held[0]):
            refused = True
        if refused:
            self._immediate = True
            return False
        if not add(self._ranges, tsn):
            self._note_duplicate(tsn)
            return False
        first, last = self._ranges[0]
        if first == self.cumulative + 1:
            self.cumulative = last
            del self._ranges[0]
            if last > tsn and not self._interleaving:
                self.reassembly.settle(last + 1)
        return True

    def _note_duplicate(self, tsn: int) -> None:
        self._immediate = True
        if len(self._duplicates) < _MAX_DUPLICATES:
            self._duplicates.append(tsn & _MASK)

    def _deliver(self, number: int, message: MessageReceived, unordered: int, events: list[Event]) -> None:
        if self._limit and len(message.data) > self._limit:
            self.oversized = True
            return
        if unordered:
            events.append(message)
            return
        stream = self.streams.get(message.stream_id)
        if stream is None:
            stream = self.streams[message.stream_id] = InboundStream()
        if number != stream.next_number:
            # Behind the next one means a number that was used before: nobody waits for it any more.
            if not self._is_behind(number, stream) and number not in stream.waiting:
                stream.waiting[number] = message
                self.waiting_bytes += len(message.data) + FRAGMENT_COST
            return
        events.append(message)
        stream.next_number = (number + 1) & self._number_mask
        if stream.waiting:
            self._drain(stream, events)

    def _is_behind(self, number: int, stream: InboundStream) -> bool:
        mask = self._number_mask
        return (number - stream.next_number) & mask > mask >> 1

    def _drain(self, stream: InboundStream, events: list[Event]) -> None:
        while (message := stream.waiting.pop(stream.next_number, None)) is not None:
            self.waiting_bytes -= len(message.data) + FRAGMENT_COST
            stream.next_number = (stream.next_number + 1) & self._number_mask
            events.append(message)

    def packet_received(self, now: float) -> None:
        """A packet with at least one DATA chunk was taken: decides when it is acknowledged (section 6.2)."""
        self._packets += 1
        if self._first:
            self._first = False
            self._immediate = True  # the first of an association: section 5.1
        if self.deadline is None and self._packets == 1:
            self.deadline = now + self._config.sack_delay

    def skip(self, cumulative: int, skipped: Mapping[tuple[int, bool], int], events: list[Event]) -> None:
        """FORWARD-TSN (RFC 3758 section 3.6) or I-FORWARD-TSN (RFC 8260 section 2.3.1).

        `cumulative` as on the wire; `skipped` the last SSN or MID by (stream, unordered). One that tells nothing new is
        answered by a SACK at once.
        """
        ahead = (cumulative - self.cumulative) & _MASK
        if ahead == 0 or ahead >= _HALF:
            self._immediate = True
            return
        target = self.cumulative = self.cumulative + ahead
        while self._ranges and self._ranges[0][0] <= self.cumulative + 1:
            self.cumulative = max(self.cumulative, self._ranges[0][1])
            del self._ranges[0]
        if not self._interleaving:
            self.reassembly.skip(target)
        for (stream_id, unordered), number in skipped.items():
            if stream_id >= self.stream_count:
                continue
            if self._interleaving:
                self.reassembly.skip_message(stream_id, unordered, number)
            if not unordered:
                self._skip_stream(stream_id, number, events)

    def _skip_stream(self, stream_id: int, number: int, events: list[Event]) -> None:
        """Nothing up to `number` will come any more: what waits behind it is delivered."""
        stream = self.streams.setdefault(stream_id, InboundStream())
        if self._is_behind(number, stream):
            return
        mask = self._number_mask
        passed = [n for n in stream.waiting if (number - n) & mask <= mask >> 1]
        for n in sorted(passed, key=lambda n: (n - stream.next_number) & mask):
            message = stream.waiting.pop(n)
            self.waiting_bytes -= len(message.data) + FRAGMENT_COST
            events.append(message)
        stream.next_number = (number + 1) & mask
        self._drain(stream, events)

    # Re-configuration: RFC 6525

    def reset_streams(self, stream_ids: tuple[int, ...]) -> None:
        """The peer reset these streams, all when empty (section 5.2.2, E3)."""
        for stream_id in stream_ids or tuple(self.streams):
            stream = self.streams.pop(stream_id, None)
            if stream is not None:
                self.waiting_bytes -= sum(len(m.data) + FRAGMENT_COST for m in stream.waiting.values())
            if not self.reassembly.is_empty:
                self.reassembly.skip_stream(stream_id)
        self.hold(None)

    def hold(self, request: tuple[frozenset[int], int] | None) -> None:
        """Takes nothing beyond a TSN on some streams (all, when none is named) until a reset is done (E2)."""
        self._held = request
        self._careful = self._held is not None or self._retained > 0

    def restart_tsns(self, next_tsn: int) -> None:
        """After a TSN reset (section 5.2.4): what was incomplete is gone."""
        self.cumulative = next_tsn - 1
        self._ranges.clear()
        self._duplicates.clear()
        self.reassembly.clear()
        self.reset_streams(())

    # The user's side of the window

    def retain(self, size: int) -> None:
        """The user keeps `size` bytes it was given."""
        self._retained += size
        self._careful = self._held is not None or self._retained > 0

    def release(self, size: int) -> None:
        """The user consumed `size` retained bytes; a window that opens by a quarter is announced (section 6.2)."""
        self._retained = max(self._retained - size, 0)
        self._careful = self._held is not None or self._retained > 0
        if self.window - self._advertised >= self._window // 4:
            self._immediate = True

    # Out

    @property
    def window(self) -> int:
        """The window to advertise now, in bytes."""
        return max(self._window - self.reassembly.counted - self.waiting_bytes - self._retained, 0)

    @property
    def sack_due(self) -> bool:
        """Whether a SACK has to leave now: a second packet, a gap, a duplicate, an I bit, a window that opened."""
        return self._immediate or self._packets >= 2

    @property
    def sack_pending(self) -> bool:
        """Whether there is anything a SACK would acknowledge."""
        return self._immediate or self._packets > 0

    def want_sack(self) -> None:
        self._immediate = True

    def sack(self, room: int) -> bytes:
        """The SACK chunk for now, of at most `room` bytes."""
        cumulative = self.cumulative
        self._advertised = window = self.window
        self._packets = 0
        self._immediate = False
        self.deadline = None
        if not self._ranges and not self._duplicates:
            return _SACK.pack(ChunkType.SACK, 0, 16, cumulative & _MASK, window, 0, 0)
        fitting = (room - 16) // 4
        gaps = [(a - cumulative, b - cumulative) for a, b in self._ranges[:fitting]]
        duplicates = self._duplicates[: fitting - len(gaps)]
        self._duplicates = []
        length = 16 + 4 * (len(gaps) + len(duplicates))
        numbers = [n for gap in gaps for n in gap]
        header = _SACK.pack(ChunkType.SACK, 0, length, cumulative & _MASK, window, len(gaps), len(duplicates))
        return header + struct.pack(f">{len(numbers)}H{len(duplicates)}I", *numbers, *duplicates)
