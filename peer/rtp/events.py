"""What the RTP machines report. `key` is that of the config the sender or receiver was made with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from peer.rtp.frame import EncodedFrame

__all__ = [
    "EndReason",
    "Event",
    "FrameLost",
    "FrameReceived",
    "KeyFrameRequested",
    "SsrcChanged",
    "StreamEnded",
    "StreamStarted",
    "TargetBitrateChanged",
    "ToneReceived",
]


class EndReason(StrEnum):
    """Why a received stream ended."""

    BYE = "bye"
    TIMEOUT = "timeout"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A whole frame, in its stream's order. `play_at` is a hint: when it is best shown, in seconds on `now`'s clock."""

    key: int
    rid: str | None
    payload_type: int
    ssrc: int
    frame: EncodedFrame
    play_at: float
    first_arrival: float = 0.0
    """When its first packet came."""
    jitter: float = 0.0
    """The delay that jitter asked for when it came, in seconds: what `play_at` holds without a minimum delay."""


@dataclass(frozen=True, slots=True)
class FrameLost:
    """Packets of a stream that won't come any more: `packets` of them, just before the next frame.

    Audio conceals `duration` RTP clock units (0 where it isn't known); for video the key frame is asked for already,
    and frames that need what was lost are held back until it comes.
    """

    key: int
    rid: str | None
    ssrc: int
    packets: int
    duration: int


@dataclass(frozen=True, slots=True)
class KeyFrameRequested:
    """The other side sent PLI or FIR for this encoding of a sender."""

    key: int
    rid: str | None


@dataclass(frozen=True, slots=True)
class TargetBitrateChanged:
    """What all senders of the transport may send together from now on, in bit/s of RTP payload and headers: what is
    estimated, less what retransmissions take of it.
    """

    bits_per_second: int


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The first packet of a stream with this SSRC."""

    key: int
    ssrc: int
    rid: str | None


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """BYE, or nothing for long (RFC 3550 section 6.3.5). `text` is the reason a BYE gave."""

    key: int
    ssrc: int
    reason: EndReason
    text: str = ""


@dataclass(frozen=True, slots=True)
class ToneReceived:
    """An event of RFC 4733: once when it begins (`ended` False), once when it ends. `duration` in seconds so far."""

    key: int
    ssrc: int
    event: int
    volume: int
    duration: float
    ended: bool


@dataclass(frozen=True, slots=True)
class SsrcChanged:
    """The other side used one of our SSRCs: that stream has a new one (RFC 3550 section 8.2)."""

    key: int
    rid: str | None
    old: int
    new: int


Event: TypeAlias = (
    FrameReceived
    | FrameLost
    | KeyFrameRequested
    | TargetBitrateChanged
    | StreamStarted
    | StreamEnded
    | ToneReceived
    | SsrcChanged
)
