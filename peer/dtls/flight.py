"""Flights: what is sent together and repeated together until it is answered. RFC 6347 4.2.4, RFC 9147 5.8 and 7.2.

A flight keeps its messages, not its records: each transmission cuts them into fragments anew, so that the size may
shrink when nothing comes back, and leaves out what the other side has acknowledged (DTLS 1.3 only).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from peer.dtls.config import HandshakeTransform
from peer.dtls.records import RecordLayer
from peer.dtls.transcript import RawMessage, dtls_form
from peer.trace import Direction, Entry, Layer, Sink
from peer.wire.dtls_handshake import FRAGMENT_HEADER_SIZE, Fragment, HandshakeMessage
from peer.wire.dtls_record import ContentType, RecordNumber

__all__ = ["Flights"]

_LONGEST_TIMEOUT: Final = 60.0
# RFC 9147 4.4: when repeated retransmissions go unanswered, smaller records. 548 fits any IPv4 path (576 - 28).
_ATTEMPTS_AT_FULL_SIZE: Final = 2
_SAFE_DATAGRAM: Final = 548
_REMEMBERED_RECORDS: Final = 512


class _Item:
    """One message of a flight (or a ChangeCipherSpec). `left` are the (start, end) not yet acknowledged."""

    __slots__ = ("body", "epoch", "kind", "left", "sequence", "type")

    def __init__(self, kind: ContentType, epoch: int, body: bytes, type_: int = 0, sequence: int = 0) -> None:
        self.kind, self.epoch, self.body, self.type, self.sequence = kind, epoch, body, type_, sequence
        self.left = [(0, len(body))]

    def acknowledge(self, start: int, end: int) -> None:
        left = []
        for low, high in self.left:
            if end < low or start > high:
                left.append((low, high))
                continue
            if low < start:
                left.append((low, start))
            if end < high:
                left.append((end, high))
        self.left = left


class Flights:
    """Our side of the exchange: one flight at a time, its timer and its repetitions."""

    def __init__(
        self, records: RecordLayer, *, transform: HandshakeTransform, trace: Sink | None, timeout: float
    ) -> None:
        self.deadline: float | None = None
        self.next_sequence = 0
        self._records = records
        self._transform = transform
        self._trace = trace
        self._first_timeout = self._timeout = timeout
        self._attempts = 0
        self._items: list[_Item] = []
        self._where: OrderedDict[RecordNumber, tuple[_Item, int, int]] = OrderedDict()

    def begin(self) -> None:
        """Forgets the last flight: it has been answered."""
        self._items = []
        self._where.clear()
        self.finish()

    def add(self, message: HandshakeMessage, epoch: int, now: float) -> list[RawMessage]:
        """Adds a message to the flight. What comes back is what is really sent: it belongs in the transcript."""
        said = []
        for changed in self._transform(message):
            if isinstance(changed, Fragment):
                raw = changed.serialize()
                item = _Item(ContentType.HANDSHAKE, epoch, raw, changed.type, -1)
                self._items.append(item)
                continue
            kind, body = (
                (changed[0], changed[4:]) if isinstance(changed, bytes) else (changed.TYPE, changed.serialize())
            )
            raw_message = RawMessage(kind, self.next_sequence, body, epoch)
            self.next_sequence += 1
            self._items.append(_Item(ContentType.HANDSHAKE, epoch, body, kind, raw_message.sequence))
            said.append(raw_message)
            if self._trace is not None:
                shown = None if isinstance(changed, bytes) else changed
                self._trace(Entry(now, Layer.DTLS_HANDSHAKE, Direction.SENT, shown, dtls_form(raw_message)))
        return said

    def add_change_cipher_spec(self) -> None:
        self._items.append(_Item(ContentType.CHANGE_CIPHER_SPEC, 0, b"\x01"))

    def dispatch(self, now: float, *, until_answered: bool = True) -> None:
        """Sends the flight; `until_answered` repeats it on a timer."""
        self._attempts = 0
        self._timeout = self._first_timeout
        self._transmit(now)
        self.deadline = now + self._timeout if until_answered else None

    def repeat(self, now: float) -> None:
        """Sends what is not acknowledged once more, because the other side shows that it misses it."""
        self._transmit(now)
        if self.deadline is not None:
            self.deadline = now + self._timeout

    def finish(self) -> None:
        """Stops the timer. The flight is kept, to be repeated on demand."""
        self.deadline = None

    def handle_timeout(self, now: float) -> None:
        if self.deadline is None or now < self.deadline:
            return
        self._attempts += 1
        self._timeout = min(self._timeout * 2, _LONGEST_TIMEOUT)
        if self._attempts == _ATTEMPTS_AT_FULL_SIZE:
            self._records.mtu = min(self._records.mtu, _SAFE_DATAGRAM)
        self._transmit(now)
        self.deadline = now + self._timeout

    @property
    def is_acknowledged(self) -> bool:
        """True when nothing of the flight is left to send."""
        return not any(item.left for item in self._items)

    def acknowledge(self, numbers: Iterable[RecordNumber]) -> bool:
        """Takes note of an ACK (RFC 9147 7.2); True when there was news in it."""
        news = False
        for number in numbers:
            found = self._where.pop(number, None)
            if found is not None:
                item, start, end = found
                item.acknowledge(start, end)
                news = True
        return news

    # --- transmission

    def _transmit(self, now: float) -> None:
        self._records.flush()
        for item in self._items:
            if item.kind is ContentType.CHANGE_CIPHER_SPEC or item.sequence < 0:
                self._records.send(item.kind, item.epoch, item.body, now)
                continue
            for start, end in item.left:
                self._send_range(item, start, end, now)
        self._records.flush()

    def _send_range(self, item: _Item, start: int, end: int, now: float) -> None:
        while True:
            room = max(self._records.room(item.epoch) - FRAGMENT_HEADER_SIZE, 1)
            stop = min(start + room, end)
            fragment = Fragment(item.type, len(item.body), item.sequence, start, item.body[start:stop])
            number = self._records.send(item.kind, item.epoch, fragment.serialize(), now)
            self._where[number] = (item, start, stop)
            if len(self._where) > _REMEMBERED_RECORDS:
                self._where.popitem(last=False)
            start = stop
            if start >= end:
                return
