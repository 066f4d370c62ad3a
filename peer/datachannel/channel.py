"""One data channel's record."""

from __future__ import annotations

from enum import StrEnum

from peer import sctp
from peer.wire.dcep import ChannelType, Open

__all__ = ["DEFAULT_PRIORITY", "Channel", "ChannelState"]

DEFAULT_PRIORITY = 256  # "low" of RFC 8831 section 6.4; W3C's default
_UNORDERED = 0x80


class ChannelState(StrEnum):
    OPENING = "opening"  # OPEN left, no ACK yet; messages may be sent all the same
    OPEN = "open"
    CLOSING = "closing"


class Channel:
    """Parameters and state of one channel. `max_packet_life_time` in milliseconds, as in W3C's API and in DCEP."""

    __slots__ = (
        "buffered",
        "held",
        "id",
        "incoming_reset",
        "known",
        "label",
        "later",
        "max_packet_life_time",
        "max_retransmits",
        "negotiated",
        "ordered",
        "outgoing_reset",
        "parts",
        "peer_spoke",
        "priority",
        "protocol",
        "state",
    )

    def __init__(
        self,
        id: int,
        *,
        label: str = "",
        protocol: str = "",
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
        priority: int = DEFAULT_PRIORITY,
        negotiated: bool = False,
        state: ChannelState,
        known: bool = True,
    ) -> None:
        self.id = id
        self.label = label
        self.protocol = protocol
        self.ordered = ordered
        self.max_retransmits = max_retransmits
        self.max_packet_life_time = max_packet_life_time
        self.priority = priority
        self.negotiated = negotiated
        self.state = state
        self.known = known
        """Whether the user has heard of it: not so for a stream that only exists to be closed."""
        self.peer_spoke = negotiated
        """Whether ACK or another message came: until then everything is sent in order (RFC 8832 section 6)."""
        self.buffered = 0
        self.held: list[str | bytes] | None = None
        """Messages that wait for `resume`; None while the channel isn't paused."""
        self.outgoing_reset = self.incoming_reset = False
        self.later: list[sctp.MessageReceived | sctp.IncomingStreamsReset] = []
        """What came for the id's next use: the peer is done with closing, we still wait to hear so."""
        self.parts: list[bytes] = []
        """What came with one of the deprecated "partial" PPIDs."""

    @property
    def lifetime(self) -> float | None:
        """`max_packet_life_time` in seconds."""
        return None if self.max_packet_life_time is None else self.max_packet_life_time / 1000

    def to_open(self) -> Open:
        """The DATA_CHANNEL_OPEN that describes it (RFC 8832 section 5.1)."""
        kind, reliability = ChannelType.RELIABLE, 0
        if self.max_retransmits is not None:
            kind, reliability = ChannelType.PARTIAL_RELIABLE_REXMIT, self.max_retransmits
        elif self.max_packet_life_time is not None:
            kind, reliability = ChannelType.PARTIAL_RELIABLE_TIMED, self.max_packet_life_time
        unordered = 0 if self.ordered else _UNORDERED
        return Open(kind | unordered, self.priority, reliability, self.label, self.protocol)

    @classmethod
    def of_open(cls, id: int, message: Open) -> Channel:
        """The channel that a received DATA_CHANNEL_OPEN describes."""
        kind = message.channel_type & ~_UNORDERED
        return cls(
            id,
            label=message.label,
            protocol=message.protocol,
            ordered=not message.channel_type & _UNORDERED,
            max_retransmits=message.reliability if kind == ChannelType.PARTIAL_RELIABLE_REXMIT else None,
            max_packet_life_time=message.reliability if kind == ChannelType.PARTIAL_RELIABLE_TIMED else None,
            priority=message.priority,
            state=ChannelState.OPEN,
        )
