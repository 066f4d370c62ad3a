"""The record layer: epochs, packing records into datagrams, the seams for records and datagrams.

It knows no version: `Sealer`s and `Opener`s, one an epoch, do. What can't be opened is dropped without a word, as
RFC 6347 4.1.2.7 and RFC 9147 4.5.2 want, except that records of an epoch still to come wait for its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from peer.dtls.config import DatagramTransform, RecordTransform, identity
from peer.dtls.protection import NullOpener, NullSealer, Opener, Sealer, check_sequence
from peer.errors import DecodeError
from peer.trace import Direction, Entry, Layer, Sink
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import MAX_FRAGMENT, CiphertextRecord, Record, RecordNumber, WireRecord, iterate_records

__all__ = ["Opened", "RecordLayer"]

# Enough for a flight of 100-byte fragments that overtook the message with the keys.
_MAX_DEFERRED: Final = 64
_SMALLEST_ROOM: Final = 64


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that proved authentic (or of epoch 0, where nothing can)."""

    kind: int
    epoch: int
    sequence: int
    payload: bytes


class RecordLayer:
    """`write_epoch` is the epoch for alerts and application data.

    `connection_ids` are those we gave out, all of one length. `send_limit` and `receive_limit` are about records under
    keys: bytes of payload that one of ours may have, and bytes that were encrypted in one of theirs (RFC 8449).
    """

    def __init__(
        self,
        *,
        mtu: int,
        transform_record: RecordTransform = identity,
        transform_datagram: DatagramTransform = identity,
        trace: Sink | None = None,
    ) -> None:
        self.mtu = mtu
        self.write_epoch = 0
        self.connection_ids: frozenset[bytes] = frozenset()
        self.send_limit = MAX_FRAGMENT
        self.receive_limit: int | None = None
        self._transform_record = transform_record
        self._transform_datagram = transform_datagram
        self._trace = trace
        self._sealers: dict[int, Sealer] = {0: NullSealer()}
        self._openers: dict[int, Opener] = {0: NullOpener()}
        self._deferred: list[WireRecord] = []
        self._released: list[WireRecord] = []
        self._pending = b""
        self.outbox: list[bytes] = []

    @property
    def is_plain(self) -> bool:
        """True when nobody looks at records or changes them, so that the short way may be taken for sending."""
        return self._trace is None and self._transform_record is identity

    @property
    def opens_plainly(self) -> bool:
        """The same for receiving, where a short way knows neither connection ids nor limits."""
        return self.is_plain and not self.connection_ids and self.receive_limit is None

    @property
    def connection_id_size(self) -> int:
        return len(next(iter(self.connection_ids), b""))

    # --- epochs

    def add_sealer(self, sealer: Sealer) -> None:
        self._sealers[sealer.epoch] = sealer

    def add_opener(self, opener: Opener) -> None:
        """From now on records of this epoch can be opened; those that came early are in `released` next."""
        self._openers[opener.epoch] = opener
        self._released += self._deferred
        self._deferred = []

    def drop_opener(self, epoch: int) -> None:
        self._openers.pop(epoch, None)

    def sealer(self, epoch: int) -> Sealer:
        return self._sealers[epoch]

    @property
    def newest_opener(self) -> Opener:
        return self._openers[max(self._openers)]

    # --- sending

    def room(self, epoch: int) -> int:
        """Payload bytes of a record that still fits the datagram under way; starts a new one when too little does."""
        overhead = self._sealers[epoch].overhead
        left = self.mtu - len(self._pending) - overhead
        if left < _SMALLEST_ROOM and self._pending:
            self.flush()
            left = self.mtu - overhead
        return max(min(left, self.send_limit) if epoch else left, 1)

    def send(self, kind: int, epoch: int, payload: bytes, now: float) -> RecordNumber:
        """Puts a record into the datagram under way, or the next one."""
        sealer = self._sealers[epoch]
        sequence = sealer.sequence
        check_sequence(sequence)
        if self.is_plain:
            self._append(sealer.seal(kind, payload))
        else:
            sealer.sequence += 1
            for record in self._transform_record(Record(kind, DTLS12, epoch, sequence, payload)):
                if isinstance(record, Record):
                    self._note(now, Direction.SENT, record, record.fragment)
                    self._append(sealer.seal_record(record))
                else:
                    self._note(now, Direction.SENT, None, record)
                    self._append(record)
        return RecordNumber(epoch, sequence)

    def _append(self, record: bytes) -> None:
        if self._pending and len(self._pending) + len(record) > self.mtu:
            self.flush()
        self._pending += record

    def flush(self) -> None:
        """Ends the datagram under way."""
        if self._pending:
            self.outbox.append(self._pending)
            self._pending = b""

    def drain(self) -> list[bytes]:
        """The datagrams to send."""
        if self._pending:
            self.flush()
        datagrams, self.outbox = self.outbox, []
        if self._transform_datagram is identity:
            return datagrams
        return [sent for datagram in datagrams for sent in self._transform_datagram(datagram)]

    # --- receiving

    def receive(self, datagram: bytes, now: float) -> Iterator[Opened]:
        """Opens the records of a datagram, then those that had to wait for keys which a record of it brought."""
        for record in self._split(datagram, now):
            if record.connection_id and record.connection_id not in self.connection_ids:
                # RFC 9147 section 4: what follows it in the datagram goes too.
                self._note(now, Direction.DISCARDED, record, record.serialize(), "not our connection id")
                break
            yield from self._open(record, now)
        while self._released:
            records, self._released = self._released, []
            for record in records:
                yield from self._open(record, now)

    def _split(self, datagram: bytes, now: float) -> Iterator[WireRecord]:
        try:
            yield from iterate_records(datagram, self.connection_id_size)
        except DecodeError as error:
            self._note(now, Direction.DISCARDED, None, datagram, str(error))

    def _open(self, record: WireRecord, now: float) -> Iterable[Opened]:
        opener = self._opener_for(record)
        if opener is None:
            self._defer(record, now)
            return ()
        if self._is_beyond_limit(record, opener):
            self._note(now, Direction.DISCARDED, record, record.serialize(), "beyond the record size limit")
            return ()
        opened = opener.open(record)
        if opened is None:
            self._note(now, Direction.DISCARDED, record, record.serialize(), "replayed or not authentic")
            return ()
        kind, sequence, payload = opened
        if self._trace is not None:
            self._note(now, Direction.RECEIVED, Record(kind, DTLS12, opener.epoch, sequence, payload), payload)
        return (Opened(kind, opener.epoch, sequence, payload),)

    def _is_beyond_limit(self, record: WireRecord, opener: Opener) -> bool:
        """RFC 8449 section 4: such a record may be dropped. What isn't protected has no limit."""
        if self.receive_limit is None or not opener.epoch:
            return False
        sealed = record.fragment if isinstance(record, Record) else record.ciphertext
        return len(sealed) - opener.expansion > self.receive_limit

    def _opener_for(self, record: WireRecord) -> Opener | None:
        if isinstance(record, Record):
            return self._openers.get(record.epoch)
        # RFC 9147 4.2.2: the most recent epoch whose low bits match.
        matching = [epoch for epoch in self._openers if epoch and epoch & 3 == record.epoch_bits]
        return self._openers[max(matching)] if matching else None

    def _defer(self, record: WireRecord, now: float) -> None:
        early = isinstance(record, CiphertextRecord) or record.epoch > max(self._openers)
        if early and len(self._deferred) < _MAX_DEFERRED:
            self._deferred.append(record)
        else:
            self._note(now, Direction.DISCARDED, record, record.serialize(), "no keys for this epoch")

    def _note(self, now: float, direction: Direction, record: WireRecord | None, data: bytes, note: str = "") -> None:
        if self._trace is not None:
            self._trace(Entry(now, Layer.DTLS_RECORD, direction, record, data, note))
