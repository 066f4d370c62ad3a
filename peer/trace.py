"""One trace for every layer: who said what, when, in clear and on the wire, and the secrets that open it.

A machine takes `trace: Sink | None = None` and calls it, when there is one, for each message at the point where it is
encoded or decoded. Nothing is printed and nothing is kept here: the harness decides what to keep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

__all__ = ["Direction", "Entry", "Layer", "Secret", "Sink"]


class Layer(StrEnum):
    """The layer that speaks."""

    SIGNALING = "signaling"
    DATAGRAM = "datagram"
    STUN = "stun"
    TURN = "turn"
    DTLS_RECORD = "dtls-record"
    DTLS_HANDSHAKE = "dtls-handshake"
    SCTP = "sctp"
    DCEP = "dcep"
    RTP = "rtp"
    RTCP = "rtcp"


class Direction(StrEnum):
    SENT = "sent"
    RECEIVED = "received"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message at one layer.

    `time` is in seconds on the machine's clock, `message` the decoded form (None when it didn't decode), `data` the
    bytes of that layer in clear, `note` the reason when it was discarded.
    """

    time: float
    layer: Layer
    direction: Direction
    message: Any
    data: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """Key material of this run: one line of an NSS key log, or of SRTP master keys in the same manner.

    `line` has the form `LABEL <client random, hex> <secret, hex>`, without a line end.
    """

    time: float
    line: str


Sink: TypeAlias = Callable[[Entry | Secret], None]
