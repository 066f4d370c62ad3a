"""The sending half of an association: DATA out, SACK in (RFC 9260 sections 6.1, 6.2.1, 6.3 and 7.2).

TSNs are counted on as plain integers that never wrap; only the 32 low bits go on the wire. What has been sent and not
cumulatively acknowledged stands in `outstanding`, a dict by TSN: a cumulative acknowledgement takes from its front and
a gap block looks up, so a SACK costs what it newly acknowledges and nothing for what is still on its way.

A chunk in `outstanding` is in one of four states:

    IN_FLIGHT --gap block--> GAP_ACKED       RFC 9260 calls the bytes of these two and of MARKED "outstanding";
        |  ^                      |          only IN_FLIGHT counts into `flight`, which cwnd bounds
        |  +----- sent again      | reneged
        v                         v
      MARKED <--------------------+          ABANDONED: given up, waits for FORWARD-TSN to pass it (RFC 3758)
"""

from __future__ import annotations

from enum import IntEnum
from heapq import heapify, heappop, heappush

from peer.sctp.config import Config
from peer.sctp.congestion import CongestionWindow
from peer.sctp.outbound import Message, OutboundQueue
from peer.sctp.ranges import Range, subtract
from peer.sctp.rto import RetransmissionTimeout
from peer.wire.sctp import (
    COMMON_HEADER,
    DATA_HEADER,
    I_DATA_HEADER,
    PADDING,
    ForwardTsn,
    IForwardTsn,
    SkippedMessage,
    SkippedStream,
)

__all__ = ["Sent", "SentState", "Transmission"]

_MASK = 0xFFFFFFFF
_HALF = 0x80000000
_MISSES = 3
_MAX_HALVINGS = 16
_WINDOW_LIMIT = 32_768  # chunks; keeps TSNs and SSNs of one window apart (section 6.1, last rules)
_LEAST_FRAGMENT = 256  # a smaller piece of a longer message isn't worth its 16 bytes of header
_pack_data = DATA_HEADER.pack
_pack_i_data = I_DATA_HEADER.pack


class SentState(IntEnum):
    IN_FLIGHT = 0
    MARKED = 1
    GAP_ACKED = 2
    ABANDONED = 3


_IN_FLIGHT, _MARKED, _GAP_ACKED, _ABANDONED = SentState


class Sent:
    """One DATA chunk that was sent: `chunk` as it stands on the wire, which is also how much it counts in the windows
    (section 7.2).
    """

    __slots__ = ("chunk", "fast", "message", "misses", "size", "state", "transmissions", "tsn")

    def __init__(self, tsn: int, chunk: bytes, message: Message) -> None:
        self.tsn = tsn
        self.chunk = chunk
        self.size = len(chunk)
        self.message = message
        self.state: int = _IN_FLIGHT
        self.transmissions = 1
        self.misses = 0
        self.fast = False  # was fast-retransmitted: not a second time (section 7.2.4, 5)


class Transmission:
    """Fills packets with DATA and takes SACKs. Its one timer is `deadline` (T3-rtx, or the zero window probe)."""

    def __init__(self, config: Config, queue: OutboundQueue, initial_tsn: int) -> None:
        self._config = config
        self.queue = queue
        self.next_tsn = initial_tsn
        self.cumulative = initial_tsn - 1
        self.outstanding: dict[int, Sent] = {}
        self.flight = 0
        self.peer_window = 0
        self.congestion = CongestionWindow(config.mtu - COMMON_HEADER.size)
        self.rto = RetransmissionTimeout(initial=config.rto_initial, minimum=config.rto_min, maximum=config.rto_max)
        self.deadline: float | None = None
        self.errors = 0
        self.touched: set[int] = set()
        """Streams whose buffered amount fell since this was last emptied."""
        self.interleaving = False
        self.partial_reliability = False
        self.suspended = False
        """No new message may begin: a TSN reset is under way."""
        self.forward_due = False
        self._header_size = DATA_HEADER.size
        self._advanced = self.cumulative
        self._any_abandoned = False
        self._alone = False  # after a time-out one packet may be in flight until an acknowledgement (section 7.2.3)
        self._burst = 0
        self._marked: list[int] = []
        self._fast_pending = False
        self._gaps: list[Range] = []
        self._missing: dict[int, Sent] = {}
        self._timed_tsn: int | None = None
        self._timed_at = 0.0
        self._probing = False
        self._probe_allowed = False
        self._last_sent = 0.0

    @property
    def all_acknowledged(self) -> bool:
        return not self.outstanding and not self.queue.buffered

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is outstanding and no message is half sent."""
        return not self.outstanding and (self.queue.current is None or not self.queue.current.offset)

    @property
    def peer_window_closed(self) -> bool:
        return self._probing

    # Out

    def begin_burst(self, now: float) -> None:
        """Called once a drain, before `fill`: sets how many bytes may leave in it."""
        if not self.outstanding and self.queue.buffered and now - self._last_sent > self.rto.value:
            for _ in range(min(int((now - self._last_sent) / self.rto.value), _MAX_HALVINGS)):
                self.congestion.idled()
        self._burst = self._config.burst_limit

    def fill(self, parts: list[bytes], room: int, now: float) -> int:
        """Appends as many DATA chunks as fit and may be sent to `parts`; gives the room that is left."""
        before = room
        if self._alone and self.flight:
            return room
        self.queue.begin_packet()
        if self._marked:
            room = self._fill_again(parts, room, now)
        if not self._marked and self._burst > 0:
            room = self._fill_new(parts, room, now)
        if room != before:
            self._burst -= before - room
            self._last_sent = now
            if self.deadline is None:
                self.deadline = now + self.rto.value
        return room

    def _fill_new(self, parts: list[bytes], room: int, now: float) -> int:
        queue, outstanding, header_size = self.queue, self.outstanding, self._header_size
        while room > header_size:
            message = queue.current or queue.next()
            if message is None or (self.suspended and not message.offset):
                break
            if (
                message.expires is not None
                and message.expires <= now
                and (not message.offset or self.partial_reliability)
            ):
                self.abandon(message)
                continue
            left = message.size - message.offset
            size = min(left, room - header_size)
            if size < left and size < _LEAST_FRAGMENT:
                break
            if self.flight >= self.congestion.cwnd or not self._window_allows(size, now):
                break
            room = self._send(message, size, parts, room, now)
            if len(outstanding) >= _WINDOW_LIMIT:
                break
        return room

    def _send(self, message: Message, size: int, parts: list[bytes], room: int, now: float) -> int:
        tsn = self.next_tsn
        offset = message.offset
        stream = message.stream
        flags = 4 if message.unordered else 0
        if not offset:
            flags |= 2
            message.first_tsn = tsn
            message.number = stream.next_number(unordered=message.unordered, interleaving=self.interleaving)
        end = offset + size
        self.queue.took(message, size)
        length = self._header_size + size
        padded = (length + 3) & ~3
        self.flight += padded
        self.peer_window -= padded
        if end >= message.size:
            flags |= 1
            message.last_tsn = tsn
            # The sender waits, or soon will, for this SACK (RFC 7053 section 4). A small message's may be delayed: it
            # then comes with the answer, and a question and its answer cost a packet each.
            if 2 * self.flight >= self.congestion.cwnd and (
                self.flight >= self.congestion.cwnd or not self.queue.buffered
            ):
                flags |= 8
        if self.interleaving:
            fourth = message.fragments if offset else message.ppid
            header = _pack_i_data(64, flags, length, tsn & _MASK, stream.id, 0, message.number, fourth & _MASK)
            message.fragments += 1
        else:
            header = _pack_data(0, flags, length, tsn & _MASK, stream.id, message.number, message.ppid)
        chunk = header + message.data[offset:end]
        if length & 3:
            chunk += PADDING[length & 3]
        self.outstanding[tsn] = Sent(tsn, chunk, message)
        self.next_tsn = tsn + 1
        self.touched.add(stream.id)
        if self._timed_tsn is None:
            self._timed_tsn = tsn
            self._timed_at = now
        parts.append(chunk)
        return room - len(chunk)

    def _fill_again(self, parts: list[bytes], room: int, now: float) -> int:
        """Chunks marked for retransmission, lowest TSN first (section 6.1 C)."""
        marked = self._marked
        began = room
        while marked:
            sent = self.outstanding.get(marked[0])
            if sent is None or sent.state != _MARKED:
                heappop(marked)
                continue
            if self._gives_up(sent, now):
                continue
            # A fast retransmission's first packet ignores cwnd (section 7.2.4, 3). A chunk that outgrew a packet goes
            # alone.
            blocked = self.flight >= self.congestion.cwnd and not self._fast_pending
            if blocked or self._burst <= 0 or (len(sent.chunk) > room and len(parts) > 1):
                break
            heappop(marked)
            sent.state = _IN_FLIGHT
            sent.transmissions += 1
            self.flight += sent.size
            self.peer_window -= sent.size
            if self._timed_tsn is not None and sent.tsn <= self._timed_tsn:
                self._timed_tsn = None  # Karn: rule C5 of section 6.3.1
            if sent.tsn == self.cumulative + 1:
                self.deadline = now + self.rto.value
            parts.append(sent.chunk)
            room -= len(sent.chunk)
        if room != began:
            self._fast_pending = False
        return room

    def _window_allows(self, size: int, now: float) -> bool:
        """Rule A of section 6.1, with its zero window probe: one chunk an RTO, doubling, when nothing is in flight."""
        if size <= self.peer_window:
            self._probing = False
            return True
        if self.outstanding:
            return False
        if self._probe_allowed:
            self._probe_allowed = False
            return True
        self._probing = True
        if self.deadline is None:
            self.deadline = now + self.rto.value
        return False

    # Time

    def handle_timeout(self, now: float) -> bool:
        """T3-rtx expired (section 6.3.3), or it is time to probe a zero window. True if it counts as an error."""
        self.deadline = None
        self.rto.back_off()
        if not self.outstanding:
            if self.queue.buffered:
                self._probe_allowed = True
            else:
                self._probing = False
            return False
        self.congestion.timed_out()
        self._alone = True
        self._timed_tsn = None
        self._missing.clear()
        for sent in self.outstanding.values():
            if sent.state == _IN_FLIGHT:
                sent.state = _MARKED
                self.peer_window += sent.size
            if sent.state == _MARKED:
                sent.misses = 0
        self._marked = [tsn for tsn, sent in self.outstanding.items() if sent.state == _MARKED]
        heapify(self._marked)
        self.flight = 0
        if self._any_abandoned:
            self._advance_point()
        return not self._probing

    # In

    def receive_sack(self, cumulative: int, a_rwnd: int, gaps: list[tuple[int, int]], now: float) -> bool:
        """Takes a SACK: `cumulative` as on the wire, `gaps` as offsets from it. False if it can't be true or is old."""
        cumulative = self.cumulative + (((cumulative - self.cumulative) + _HALF) & _MASK) - _HALF
        if cumulative < self.cumulative or cumulative >= self.next_tsn:
            return False
        if gaps and not _are_gaps(gaps, self.next_tsn - 1 - cumulative):
            return False
        before = self.flight
        advanced = cumulative > self.cumulative
        acked = self._acknowledge(cumulative) if advanced else 0
        highest_newly = -1
        if gaps or self._gaps:
            gap_bytes, highest_newly = self._acknowledge_gaps([(cumulative + a, cumulative + b) for a, b in gaps])
            acked += gap_bytes
        timed = self._timed_tsn
        if timed is not None and (timed <= cumulative or timed not in self.outstanding or self._is_gap_acked(timed)):
            self.rto.measure(now - self._timed_at)
            self._timed_tsn = None
        if acked:
            self.errors = 0
            self._alone = False
            self.congestion.acknowledged(acked, before, self.flight)
        if advanced:
            self.congestion.advanced(cumulative)
        if self._missing:
            self._count_misses(highest_newly, everything=advanced and self.congestion.recovery_exit is not None)
        self.peer_window = max(a_rwnd - self.flight, 0)
        if self._probing:
            self.errors = 0
            if a_rwnd:
                self._probing = False
        if not self.outstanding:
            self.deadline = None
        elif advanced or self.deadline is None:
            self.deadline = now + self.rto.value
        if self._any_abandoned:
            self._advance_point()
        return True

    def _acknowledge(self, cumulative: int) -> int:
        pop = self.outstanding.pop
        newly = flown = 0
        for tsn in range(self.cumulative + 1, cumulative + 1):
            sent = pop(tsn)
            if sent.state == 0:
                flown += sent.size
            elif sent.state == 1:
                newly += sent.size
        self.flight -= flown
        self.cumulative = cumulative
        if self._missing:
            for tsn in [tsn for tsn in self._missing if tsn <= cumulative]:
                del self._missing[tsn]
        return newly + flown

    def _is_gap_acked(self, tsn: int) -> bool:
        return self.outstanding[tsn].state == _GAP_ACKED

    def _acknowledge_gaps(self, gaps: list[Range]) -> tuple[int, int]:
        """Gives the bytes newly acknowledged by gap blocks and the highest such TSN (-1 if none)."""
        outstanding = self.outstanding
        known = [(max(a, self.cumulative + 1), b) for a, b in self._gaps if b > self.cumulative]
        top = known[-1][1] if known else self.cumulative
        acked, highest = 0, -1
        for first, last in subtract(gaps, known):
            for tsn in range(first, last + 1):
                sent = outstanding[tsn]
                if sent.state > _MARKED:
                    continue
                if sent.state == _IN_FLIGHT:
                    self.flight -= sent.size
                sent.state = _GAP_ACKED
                acked += sent.size
                highest = tsn
                self._missing.pop(tsn, None)
        for first, last in subtract(known, gaps):
            self._renege(first, last)
        if gaps and gaps[-1][1] > top:
            for first, last in subtract([(top + 1, gaps[-1][1])], gaps):
                for tsn in range(first, last + 1):
                    sent = outstanding[tsn]
                    if sent.state == _IN_FLIGHT and not sent.fast:
                        self._missing[tsn] = sent
        self._gaps = gaps
        return acked, highest

    def _renege(self, first: int, last: int) -> None:
        """The receiver dropped what it had acknowledged by a gap block (section 6.2.1 D iii)."""
        for tsn in range(first, last + 1):
            sent = self.outstanding.get(tsn)
            if sent is not None and sent.state == _GAP_ACKED:
                sent.state = _IN_FLIGHT
                self.flight += sent.size
                self._missing[tsn] = sent

    def _count_misses(self, highest_newly: int, *, everything: bool) -> None:
        """Section 7.2.4: the third report that a TSN is missing marks it for fast retransmission."""
        third: list[Sent] = []
        for tsn, sent in self._missing.items():
            if everything or tsn < highest_newly:
                sent.misses += 1
                if sent.misses >= _MISSES:
                    third.append(sent)
        for sent in third:
            del self._missing[sent.tsn]
            sent.fast = True
            sent.state = _MARKED
            self.flight -= sent.size
            heappush(self._marked, sent.tsn)
        if third and self.congestion.lost(self.next_tsn - 1):
            self._fast_pending = True

    # Giving up: RFC 3758 and RFC 7496

    def _gives_up(self, sent: Sent, now: float) -> bool:
        message = sent.message
        expired = message.expires is not None and message.expires <= now
        worn = message.max_retransmits is not None and sent.transmissions > message.max_retransmits
        if not self.partial_reliability or not (expired or worn):
            return False
        self.abandon(message)
        return True

    def abandon(self, message: Message) -> None:
        """Gives a message up: nothing more of it is sent, and FORWARD-TSN will pass what was."""
        message.abandoned = True
        unsent = message.offset < message.size
        if unsent:
            self.queue.drop_rest(message)
            self.touched.add(message.stream.id)
        if message.first_tsn < 0:
            return
        self._any_abandoned = True
        if unsent:
            # Stands for the fragments that will never be: else FORWARD-TSN had nothing to pass when the peer has all
            # that was sent, and it would wait for the rest, and its stream for the message.
            stand_in = Sent(self.next_tsn, b"", message)
            self.outstanding[self.next_tsn] = stand_in
            message.last_tsn = self.next_tsn
            self.next_tsn += 1
        last = message.last_tsn if message.last_tsn >= 0 else self.next_tsn - 1
        for tsn in range(max(message.first_tsn, self.cumulative + 1), last + 1):
            sent = self.outstanding.get(tsn)
            if sent is None or sent.message is not message:
                continue
            if sent.state == _IN_FLIGHT:
                self.flight -= sent.size
            if sent.state != _GAP_ACKED:
                sent.state = _ABANDONED
            self._missing.pop(tsn, None)
        self._advance_point()

    def _advance_point(self) -> None:
        """Steps C1 to C3 of RFC 3758 section 3.5."""
        point = max(self._advanced, self.cumulative)
        streams: set[tuple[int, bool]] = set()
        outstanding, limit = self.outstanding, self._skip_limit
        for tsn in range(self.cumulative + 1, point + 1):
            self._note_skipped(outstanding[tsn].message, streams)
        while (sent := outstanding.get(point + 1)) is not None and sent.message.abandoned:
            self._note_skipped(sent.message, streams)
            if len(streams) > limit:
                break
            point += 1
        self._advanced = point
        self.forward_due = point > self.cumulative
        if not self.forward_due and not any(sent.message.abandoned for sent in outstanding.values()):
            self._any_abandoned = False

    def _note_skipped(self, message: Message, streams: set[tuple[int, bool]]) -> None:
        if not message.unordered or self.interleaving:
            streams.add((message.stream.id, message.unordered))

    @property
    def _skip_limit(self) -> int:
        """How many streams one FORWARD-TSN can name (step C4)."""
        return (self.mtu - 32) // (8 if self.interleaving else 4)

    def forward_tsn(self, now: float) -> ForwardTsn | IForwardTsn:
        """The chunk that passes what was given up; `forward_due` says that it has to leave."""
        self.forward_due = False
        if self.deadline is None:
            self.deadline = now + self.rto.value  # step C5
        last: dict[tuple[int, bool], int] = {}
        for tsn in range(self.cumulative + 1, self._advanced + 1):
            message = self.outstanding[tsn].message
            if not message.unordered or self.interleaving:
                last[message.stream.id, message.unordered] = message.number
        point = self._advanced & _MASK
        if self.interleaving:
            return IForwardTsn(point, tuple(SkippedMessage(i, u, n) for (i, u), n in last.items()))
        return ForwardTsn(point, tuple(SkippedStream(i, n) for (i, _), n in last.items()))

    # What others change

    def negotiated(self, *, peer_window: int, interleaving: bool, partial_reliability: bool) -> None:
        """The handshake told what the peer takes and understands."""
        self.peer_window = peer_window
        self.interleaving = self.queue.interleaving = interleaving
        self.partial_reliability = partial_reliability
        self._header_size = I_DATA_HEADER.size if interleaving else DATA_HEADER.size

    @property
    def mtu(self) -> int:
        """The largest packet, in bytes."""
        return self.congestion.pmdcs + COMMON_HEADER.size

    @mtu.setter
    def mtu(self, size: int) -> None:
        self.congestion.pmdcs = size - COMMON_HEADER.size

    def restart_tsns(self, next_tsn: int) -> None:
        """After a TSN reset (RFC 6525 sections 5.1.4, 5.2.4): nothing is outstanding, and TSNs go on from there."""
        self.outstanding.clear()
        self._missing.clear()
        self._marked.clear()
        self._gaps = []
        self.flight = 0
        self.deadline = self._timed_tsn = None
        self.next_tsn = next_tsn
        self.cumulative = self._advanced = next_tsn - 1
        self.forward_due = self._any_abandoned = False
        self.congestion.recovery_exit = None
        for stream in self.queue.streams.values():
            stream.restart_numbers()


def _are_gaps(gaps: list[tuple[int, int]], limit: int) -> bool:
    """Whether gap blocks are in order, apart, and about TSNs that were sent."""
    last = 0
    for start, end in gaps:
        if start <= last or end < start:
            return False
        last = end
    return last <= limit
