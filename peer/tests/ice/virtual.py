"""Two agents on a network in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from peer.ice.agent import (
    Address,
    Agent,
    Candidate,
    CandidateType,
    Config,
    Event,
    State,
    compute_foundation,
    compute_priority,
)
from peer.testing import Entropy, Link, Network, Side
from peer.trace import Direction, Entry, Secret
from peer.wire import stun

DONE = (State.CONNECTED, State.COMPLETED)


def host(address: str, port: int = 5000, preference: int = 65535, **fields: Any) -> Candidate:
    where = Address(address, port)
    kind = fields.pop("type", CandidateType.HOST)
    return Candidate(
        foundation=fields.pop("foundation", compute_foundation(kind, address, fields.get("protocol", "udp"))),
        component=1,
        protocol=fields.pop("protocol", "udp"),
        priority=compute_priority(kind, preference),
        address=where,
        type=kind,
        **fields,
    )


class Peer:
    """One agent, its candidates and what it said and heard."""

    def __init__(self, name: str, config: Config, candidates: Sequence[Candidate], seed: object, **agent: Any) -> None:
        self.trace: list[Entry] = []
        self.agent = Agent(config, entropy=Entropy(f"{name} {seed}"), trace=self._note, **agent)
        self.candidates = list(candidates)
        self.name = name
        self.side = Side(name, self.agent)

    def _note(self, entry: Entry | Secret) -> None:
        if isinstance(entry, Entry):
            self.trace.append(entry)

    def do(self, events: list[Event]) -> None:
        self.side.events += events

    def said(self, kind: stun.Class | None = None) -> list[stun.Message]:
        """The messages it sent, of one class or all."""
        return [m for entry in self.sent() if (m := entry.message) is not None and kind in (None, m.message_class)]

    def sent(self) -> list[Entry]:
        return [entry for entry in self.trace if entry.direction is Direction.SENT]

    def discarded(self) -> list[str]:
        return [entry.note for entry in self.trace if entry.direction is Direction.DISCARDED]

    def seen(self, kind: type) -> list[Any]:
        return [event for event in self.side.events if isinstance(event, kind)]

    @property
    def states(self) -> list[str]:
        return [str(event.state) for event in self.side.events if type(event).__name__ == "StateChanged"]


class World:
    """`a` controls, `b` is controlled, unless their configurations say otherwise."""

    def __init__(
        self,
        ours: Sequence[Candidate] = (),
        theirs: Sequence[Candidate] = (),
        *,
        a: Config | None = None,
        b: Config | None = None,
        link: Link | None = None,
        seed: object = 0,
        transform_a: Callable[..., Any] | None = None,
        transform_b: Callable[..., Any] | None = None,
    ) -> None:
        ours, theirs = ours or [host("192.0.2.1")], theirs or [host("198.51.100.1")]
        self.network = Network(link=link if link is not None else Link(delay=0.01))
        self.a = self._join("a", a or Config(controlling=True), ours, seed, transform_a)
        self.b = self._join("b", b or Config(), theirs, seed, transform_b)

    def _join(self, name: str, config: Config, candidates: Sequence[Candidate], seed: object, transform: Any) -> Peer:
        peer = Peer(name, config, candidates, seed, **({"transform": transform} if transform else {}))
        self.network.sides.append(peer.side)
        for candidate in candidates:
            self.network.add_address(peer.side, candidate.sending_address)
        return peer

    @property
    def now(self) -> float:
        return self.network.now

    def other(self, peer: Peer) -> Peer:
        return self.b if peer is self.a else self.a

    def introduce(self, *peers: Peer) -> None:
        """Tell the named ones (or both) the credentials of the other."""
        for peer in peers or (self.a, self.b):
            peer.do(peer.agent.set_remote_parameters(self.other(peer).agent.local_parameters, self.now))

    def gather(self, *peers: Peer) -> None:
        """All local candidates at once, and their end."""
        for peer in peers or (self.a, self.b):
            for candidate in peer.candidates:
                peer.do(peer.agent.add_local_candidate(candidate, self.now))
            peer.do(peer.agent.end_of_local_candidates(self.now))

    def signal(self, *peers: Peer, end: bool = True) -> None:
        """Tell the named ones the candidates of the other, as text that went over a wire."""
        for peer in peers or (self.a, self.b):
            for candidate in self.other(peer).candidates:
                again = Candidate.parse(candidate.serialize())
                peer.do(peer.agent.add_remote_candidate(again, self.now))
            if end:
                peer.do(peer.agent.add_remote_candidate(None, self.now))

    def start(self) -> World:
        self.introduce()
        self.gather()
        self.signal()
        return self

    def connect(self, timeout: float = 60.0) -> World:
        """Start, and run until both are completed."""
        self.start()
        self.run_to(State.COMPLETED, timeout=timeout)
        return self

    def run_to(self, *states: State, timeout: float = 60.0) -> float:
        return self.network.run(lambda: self.a.agent.state in states and self.b.agent.state in states, timeout)
