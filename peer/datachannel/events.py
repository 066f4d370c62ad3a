"""What the data channels of an association tell their user. Channels are named by their stream id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from peer.sctp import AssociationAborted, AssociationClosed, AssociationEstablished, AssociationRestarted

__all__ = [
    "EVENTS",
    "AssociationAborted",
    "AssociationClosed",
    "AssociationEstablished",
    "AssociationRestarted",
    "BufferedAmountReduced",
    "ChannelAnnounced",
    "ChannelClosed",
    "ChannelClosing",
    "ChannelOpened",
    "Event",
    "MessageReceived",
]


@dataclass(frozen=True, slots=True)
class ChannelAnnounced:
    """The peer opened a channel (DATA_CHANNEL_OPEN). It is open; the ACK is on its way.

    `max_packet_life_time` is in milliseconds, as W3C counts it; it and `max_retransmits` exclude each other.
    """

    channel: int
    label: str
    protocol: str
    ordered: bool
    max_retransmits: int | None
    max_packet_life_time: int | None
    priority: int


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """The peer acknowledged a channel that we opened. (We could send before.)"""

    channel: int


@dataclass(slots=True)
class MessageReceived:
    """A message: str for a WebRTC String, bytes for binary; either may be empty."""

    channel: int
    data: str | bytes


@dataclass(frozen=True, slots=True)
class BufferedAmountReduced:
    """`size` bytes of user data left for the network (or were given up), `amount` still wait."""

    channel: int
    size: int
    amount: int


@dataclass(frozen=True, slots=True)
class ChannelClosing:
    """The peer began to close a channel, or broke a rule by which we have to close it."""

    channel: int


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """Both directions are reset: the stream id may be used again."""

    channel: int


Event: TypeAlias = (
    AssociationAborted
    | AssociationClosed
    | AssociationEstablished
    | AssociationRestarted
    | BufferedAmountReduced
    | ChannelAnnounced
    | ChannelClosed
    | ChannelClosing
    | ChannelOpened
    | MessageReceived
)

EVENTS: Final[frozenset[type]] = frozenset(
    {
        AssociationAborted,
        AssociationClosed,
        AssociationEstablished,
        AssociationRestarted,
        BufferedAmountReduced,
        ChannelAnnounced,
        ChannelClosed,
        ChannelClosing,
        ChannelOpened,
        MessageReceived,
    }
)
"""Every type of event, for a table of handlers."""
