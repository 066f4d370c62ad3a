"""What an association tells its user. Returned by `receive_datagram` and `handle_timeout`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from peer.wire.sctp_tlv import Cause

__all__ = [
    "AssociationAborted",
    "AssociationClosed",
    "AssociationEstablished",
    "AssociationRestarted",
    "BufferedAmountChanged",
    "Event",
    "IncomingStreamsReset",
    "MessageReceived",
    "OutgoingStreamsReset",
    "ReconfigurationFailed",
    "StreamsAdded",
    "TsnsReset",
]


@dataclass(frozen=True, slots=True)
class AssociationEstablished:
    """The four-way handshake is done. Streams are what both sides allow, each way."""

    outbound_streams: int
    inbound_streams: int


@dataclass(frozen=True, slots=True)
class AssociationRestarted:
    """The peer lost its state and began anew (RFC 9260 section 5.2.4 A). What was under way is lost."""


@dataclass(frozen=True, slots=True)
class AssociationClosed:
    """The graceful shutdown is complete: both sides have everything."""


@dataclass(frozen=True, slots=True)
class AssociationAborted:
    """The association ended at once: by the peer's ABORT (`by_remote`), by ours, or because the peer is gone.

    `causes` are those of the ABORT chunk, either way; empty when the peer stopped answering.
    """

    causes: tuple[Cause, ...]
    by_remote: bool
    reason: str = ""


@dataclass(slots=True)
class MessageReceived:
    """A whole message. Not frozen, unlike the others: making a frozen one costs four times as much."""

    stream_id: int
    ppid: int
    data: bytes


@dataclass(frozen=True, slots=True)
class BufferedAmountChanged:
    """Bytes of a stream left for the network, or were given up."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class IncomingStreamsReset:
    """The peer reset its outgoing streams (RFC 6525). All that it sent before has been delivered."""

    streams: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OutgoingStreamsReset:
    """The peer performed our reset of these streams: their sequence numbers begin at 0 again."""

    streams: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StreamsAdded:
    """Streams were added (RFC 6525); the totals now."""

    outbound_streams: int
    inbound_streams: int


@dataclass(frozen=True, slots=True)
class TsnsReset:
    """TSNs and all stream sequence numbers began anew, both ways (RFC 6525 section 4.3)."""


@dataclass(frozen=True, slots=True)
class ReconfigurationFailed:
    """The peer refused a re-configuration; `result` is RFC 6525 section 4.4's number, None for "can't do it at all"."""

    streams: tuple[int, ...]
    result: int | None


Event: TypeAlias = (
    AssociationAborted
    | AssociationClosed
    | AssociationEstablished
    | AssociationRestarted
    | BufferedAmountChanged
    | IncomingStreamsReset
    | MessageReceived
    | OutgoingStreamsReset
    | ReconfigurationFailed
    | StreamsAdded
    | TsnsReset
)
