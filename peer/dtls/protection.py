"""What record protection looks like to the record layer, and the null protection of epoch 0."""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

from peer.errors import LocalProtocolError
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import HEADER_SIZE, Record, WireRecord

__all__ = ["MAX_SEQUENCE", "NullOpener", "NullSealer", "Opener", "Sealer"]

MAX_SEQUENCE: Final = (1 << 48) - 1
_REMEMBERED: Final = 32


class Sealer(Protocol):
    """Protects what we send in one epoch. `sequence` is the number of the next record."""

    epoch: int
    sequence: int
    connection_id: bytes

    @property
    def overhead(self) -> int:
        """Bytes a record is longer than its payload."""

    def seal(self, kind: int, payload: bytes) -> bytes:
        """The next record, ready to send."""

    def seal_record(self, record: Record) -> bytes:
        """A record with the epoch and sequence number it says itself."""


class Opener(Protocol):
    """Opens what is received in one epoch. `expansion`: bytes a ciphertext is longer than what was encrypted."""

    epoch: int
    expansion: int

    def open(self, record: WireRecord) -> tuple[int, int, bytes] | None:
        """Content type, sequence number and payload; None when it is replayed or not authentic."""

    def open_application_data(self, datagram: bytes) -> bytes | None:
        """The short way for a datagram that is one record of application data and nothing else.

        None when it is anything else, or not authentic, or replayed: then `open` is to say so.
        """


def check_sequence(sequence: int) -> None:
    """RFC 6347 4.1: sequence numbers must not wrap."""
    if sequence > MAX_SEQUENCE:
        raise LocalProtocolError("the record sequence numbers of this epoch are used up")


class NullSealer:
    """Epoch 0."""

    __slots__ = ("connection_id", "epoch", "sequence", "version")

    def __init__(self) -> None:
        self.epoch = 0
        self.sequence = 0
        self.connection_id = b""
        self.version = DTLS12

    @property
    def overhead(self) -> int:
        return HEADER_SIZE

    def seal(self, kind: int, payload: bytes) -> bytes:
        record = Record(kind, self.version, 0, self.sequence, payload)
        self.sequence += 1
        return record.serialize()

    def seal_record(self, record: Record) -> bytes:
        return record.serialize()


class NullOpener:
    """Epoch 0. Nothing is authentic here, so a window would let anybody push it beyond all honest records.

    Exact doubles of late are dropped, no more: what they would cost is only an answer sent twice. Another record of the
    same number is none: Firefox begins to count anew after a HelloRetryRequest, repeated or not.
    """

    __slots__ = ("_recent", "epoch", "expansion")

    def __init__(self) -> None:
        self.epoch = 0
        self.expansion = 0
        self._recent: deque[Record] = deque(maxlen=_REMEMBERED)

    def open(self, record: WireRecord) -> tuple[int, int, bytes] | None:
        if not isinstance(record, Record) or record in self._recent:
            return None
        self._recent.append(record)
        return record.type, record.sequence, record.fragment

    def open_application_data(self, datagram: bytes) -> bytes | None:
        return None  # there is none in clear
