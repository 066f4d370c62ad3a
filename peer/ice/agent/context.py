"""What all generations of an agent share: its role, its ways out, and how a message is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from peer.ice.agent import timing
from peer.ice.agent.candidate import Parameters
from peer.ice.agent.events import Event, RoleChanged
from peer.ice.agent.path import Path, Transmission
from peer.trace import Direction, Entry, Layer, Sink
from peer.wire import stun

__all__ = ["Config", "Context", "Transform", "identity"]

Transform: TypeAlias = Callable[[stun.Message], Iterable[stun.Message | bytes]]


def identity(message: stun.Message) -> Iterable[stun.Message | bytes]:
    """The transform of an agent that behaves."""
    return (message,)


@dataclass(frozen=True, slots=True)
class Config:
    """How an agent is set up.

    `local` is what we say of ourselves (made up when None). `ta` is the Ta we propose; the larger of both sides'
    counts. `transport_policy` is W3C's iceTransportPolicy: "relay" pairs relayed candidates only. `report_pairs` adds a
    `PairChanged` event for every move of the check list. `tiebreaker` (64 bits) is made up when None.
    """

    controlling: bool = False
    local: Parameters | None = None
    lite: bool = False
    ta: float = timing.TA
    transport_policy: str = "all"
    renomination: bool = False
    nomination_patience: float = timing.NOMINATION_PATIENCE
    relay_patience: float = timing.RELAY_PATIENCE
    max_pairs: int = 100
    max_remote_candidates: int = 256
    report_pairs: bool = False
    tiebreaker: int | None = None


@dataclass(slots=True)
class Context:
    config: Config
    entropy: Callable[[int], bytes]
    transform: Transform
    trace: Sink | None
    controlling: bool
    tiebreaker: int
    next_check_at: float = 0.0
    outbox: list[Transmission] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def switch_role(self) -> None:
        self.controlling = not self.controlling
        self.events.append(RoleChanged(self.controlling))

    def new_tiebreaker(self) -> None:
        """RFC 8445 section 7.2.5.1: after a 487 the tiebreaker changes too."""
        self.tiebreaker = int.from_bytes(self.entropy(8), "big")

    def random(self, low: float, high: float) -> float:
        return low + (high - low) * int.from_bytes(self.entropy(4), "big") / 2**32

    def send(self, message: stun.Message, path: Path, now: float) -> None:
        """Put a message through the transform into the outbox."""
        for out in self.transform(message):
            data = out if isinstance(out, bytes) else out.serialize()
            if self.trace is not None:
                said = out if isinstance(out, stun.Message) else None
                self.trace(Entry(now, Layer.STUN, Direction.SENT, said, data, str(path)))
            self.outbox.append(Transmission(data, path))

    def note_received(self, message: stun.Message | None, data: bytes, path: Path, now: float, why: str = "") -> None:
        """Tell the trace what came, and why it was discarded if it was."""
        if self.trace is not None:
            direction = Direction.DISCARDED if why else Direction.RECEIVED
            self.trace(Entry(now, Layer.STUN, direction, message, data, why or str(path.reversed())))
