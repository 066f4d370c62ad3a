"""Virtual time: two machines, or a network of them, over a seeded bad link. Public.

`Pump` drives two machines of the four-method dialect against each other, without sockets, threads or sleeps:

    pump = Pump(client, server, link=Link(loss=0.2, delay=0.05, seed=7))
    client.start(pump.now)
    pump.run(until=pump.seen(HandshakeCompleted), timeout=30.0)     # virtual seconds
    assert pump.b.events[0].version == "DTLSv1.2"

The same seed gives the same run, byte for byte, on every machine. `Network` does the same for machines with addresses
(ice.Agent, Session), whose datagrams are `Transmission`s and which are told the path a datagram came by.
`Lane` is one direction of a bad link on its own: a relay on real sockets uses it too.
"""

from __future__ import annotations

import hashlib
import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from peer.errors import RemoteProtocolError
from peer.ice.agent.path import Address, Path, Transmission

__all__ = [
    "AddressedMachine",
    "Arrival",
    "Entropy",
    "Lane",
    "Link",
    "Machine",
    "Nat",
    "NatKind",
    "Network",
    "Pump",
    "PumpTimeoutError",
    "Side",
    "Step",
]

# A run that takes this many steps without the clock moving is a machine that asks for a time-out and then does nothing.
_STEPS_WITHOUT_PROGRESS = 20_000


class Entropy:
    """A seeded source of bytes for a machine's `entropy` argument: SHA-256 in counter mode. Not secret, of course."""

    def __init__(self, seed: int | str = 0) -> None:
        self._key = f"peerproof {seed}".encode()
        self._counter = 0
        self._pool = b""

    def __call__(self, size: int) -> bytes:
        while len(self._pool) < size:
            self._pool += hashlib.sha256(self._key + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
        data, self._pool = self._pool[:size], self._pool[size:]
        return data

    def chance(self) -> float:
        """A number in [0, 1), evenly spread."""
        return int.from_bytes(self(6), "big") / (1 << 48)

    def below(self, limit: int) -> int:
        """A whole number in [0, limit)."""
        return int(self.chance() * limit)


@dataclass(frozen=True, slots=True)
class Link:
    """What a link does to datagrams: a plain description, the same for both directions unless you give two.

    Probabilities are 0..1 a datagram, times virtual seconds, sizes bytes of datagram (no IP or UDP header).
    """

    seed: int | str = 0
    loss: float = 0.0
    burst_enter: float = 0.0
    """The chance that a burst of losses begins; inside a burst everything is lost (Gilbert's model)."""
    burst_leave: float = 0.5
    """The chance, a datagram, that the burst ends."""
    delay: float = 0.0
    jitter: float = 0.0
    """Up to this much more delay, evenly spread. Order is kept: only `reorder` changes it."""
    reorder: float = 0.0
    """The chance that a datagram is held back by `reorder_delay`, so that later ones overtake it."""
    reorder_delay: float = 0.01
    duplicate: float = 0.0
    corrupt: float = 0.0
    """The chance that one bit is turned over."""
    rate: float | None = None
    """Bytes a second, or None for no limit."""
    queue: int = 65_536
    """Bytes that may wait for the rate; what does not fit is dropped."""
    mtu: int | None = None
    """Longer datagrams are dropped."""
    drop: frozenset[int] = frozenset()
    """The datagrams to drop, by number in this direction, from 0."""
    outages: tuple[tuple[float, float], ...] = ()
    """(from, to): nothing sent in that time arrives. On one of two links: a one-way outage."""
    drop_if: Callable[[bytes], bool] | None = None
    """Drops what it says True to."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A datagram that comes out of a lane at `time`. `note` says what happened to it on the way, if anything."""

    time: float
    data: bytes
    note: str = ""


class Lane:
    """One direction of a link: `carry` says what arrives and when."""

    def __init__(self, link: Link, name: str = "") -> None:
        self.link = link
        self._chance = Entropy(f"{link.seed} {name}")
        self._count = 0
        self._bursting = False
        self._free_at = 0.0  # when the rate limiter has sent all it holds
        self._last_arrival = 0.0

    def carry(self, data: bytes, now: float) -> list[Arrival]:
        """What becomes of a datagram sent at `now`: no arrival, one, or two. `why_lost` tells why there was none."""
        self.why_lost = self._lost(data, now)
        self._count += 1
        if self.why_lost:
            return []
        leaves = self._queued(data, now)
        if leaves is None:
            self.why_lost = "queue full"
            return []
        arrivals = [self._arrival(data, leaves)]
        if self._happens(self.link.duplicate):
            arrivals.append(Arrival(self._arrival(data, leaves).time, arrivals[0].data, "duplicate"))
        return arrivals

    why_lost: str = ""

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._chance.chance() < probability

    def _lost(self, data: bytes, now: float) -> str:
        link = self.link
        self._bursting = not self._happens(link.burst_leave) if self._bursting else self._happens(link.burst_enter)
        lost = self._happens(link.loss)
        reasons = (
            (self._count in link.drop, "on the drop list"),
            (link.drop_if is not None and link.drop_if(data), "chosen by drop_if"),
            (any(start <= now < end for start, end in link.outages), "outage"),
            (link.mtu is not None and len(data) > link.mtu, "longer than the mtu"),
            (self._bursting, "lost in a burst"),
            (lost, "lost"),
        )
        return next((text for is_so, text in reasons if is_so), "")

    def _queued(self, data: bytes, now: float) -> float | None:
        if self.link.rate is None:
            return now
        starts = max(now, self._free_at)
        if (starts - now) * self.link.rate + len(data) > self.link.queue:
            return None
        self._free_at = starts + len(data) / self.link.rate
        return self._free_at

    def _arrival(self, data: bytes, leaves: float) -> Arrival:
        link, note = self.link, ""
        time = leaves + link.delay + (self._chance.chance() * link.jitter if link.jitter else 0.0)
        if self._happens(link.reorder):
            time, note = time + link.reorder_delay, "held back"
        else:
            time = self._last_arrival = max(time, self._last_arrival)
        if data and self._happens(link.corrupt):
            bit = self._chance.below(len(data) * 8)
            spoilt = bytearray(data)
            spoilt[bit // 8] ^= 1 << bit % 8
            data, note = bytes(spoilt), "corrupted"
        return Arrival(time, data, note)


class Machine(Protocol):
    """The four-method dialect."""

    def receive_datagram(self, data: bytes, now: float, /) -> Sequence[Any]: ...
    def datagrams_to_send(self, now: float, /) -> Sequence[bytes]: ...
    def next_timeout(self) -> float | None: ...
    def handle_timeout(self, now: float, /) -> Sequence[Any]: ...


class AddressedMachine(Protocol):
    """The dialect of machines that have addresses: ice.Agent, Session."""

    def receive_datagram(self, data: bytes, now: float, path: Path, /) -> Sequence[Any]: ...
    def datagrams_to_send(self, now: float, /) -> Sequence[Transmission]: ...
    def next_timeout(self) -> float | None: ...
    def handle_timeout(self, now: float, /) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a transcript.

    `what` is one of sent, lost, received, event, error. `item` is the event or the exception; `note` the reason of a
    loss, what the link did, or the path.
    """

    time: float
    side: str
    what: str
    data: bytes = b""
    item: Any = None
    note: str = ""

    def __str__(self) -> str:
        shown = repr(self.item) if self.item is not None else f"{len(self.data)} bytes {self.data[:12].hex()}"
        return f"{self.time:10.4f} {self.side:>8} {self.what:<8} {shown}{f'  ({self.note})' if self.note else ''}"


@dataclass(slots=True)
class Side:
    """One machine in a pump: what it has reported so far. A `RemoteProtocolError` it raised is kept in `errors`."""

    name: str
    machine: Any
    events: list[Any] = field(default_factory=list)
    errors: list[RemoteProtocolError] = field(default_factory=list)

    def seen(self, kind: type) -> bool:
        return any(isinstance(event, kind) for event in self.events)


class PumpTimeoutError(AssertionError):
    """What was waited for did not happen; the message ends with the last lines of the transcript."""


class _Loop(ABC):
    """What `Pump` and `Network` share: the virtual clock, the datagrams in flight, the timers."""

    def __init__(self, start: float, *, keep_transcript: bool) -> None:
        self.now = start
        self.transcript: list[Step] = []
        self.sides: list[Side] = []
        self._flying: list[tuple[float, int, Side, bytes, tuple[Path, ...], str]] = []
        self._order = 0
        self._keep = keep_transcript

    def seen(self, kind: type) -> Callable[[], bool]:
        """A predicate for `run`: every side has reported an event of this class."""
        return lambda: all(side.seen(kind) for side in self.sides)

    def run(self, until: Callable[[], bool] | None = None, timeout: float = 60.0) -> float:
        """Run until the predicate holds; without one, until nothing is in flight and no timer is set, or for `timeout`.

        Returns the virtual seconds that went by. Raises `PumpTimeoutError` when the predicate doesn't hold in time.
        """
        start, deadline, still = self.now, self.now + timeout, 0
        while True:
            self._drain_all()
            if until is not None and until():
                return self.now - start
            upcoming = self._upcoming()
            if upcoming is None or upcoming > deadline:
                break
            still = 0 if upcoming > self.now else still + 1
            if still > _STEPS_WITHOUT_PROGRESS:
                raise self._failure("the clock stands still: a machine's next_timeout stays in the past")
            self.now = max(self.now, upcoming)
            self._advance()
        if until is not None:
            self.now = deadline
            raise self._failure("it never happened: nothing is left to happen" if upcoming is None else "timed out")
        self.now = deadline if upcoming is not None else self.now
        return self.now - start

    def wait(self, seconds: float) -> None:
        """Let exactly this much virtual time go by."""
        end = self.now + seconds
        self.run(timeout=seconds)
        self.now = end

    @property
    def idle(self) -> bool:
        """True when nothing is in flight and no machine has a timer."""
        self._drain_all()
        return self._upcoming() is None

    def _failure(self, why: str) -> PumpTimeoutError:
        lines = "\n".join(map(str, self.transcript[-40:]))
        return PumpTimeoutError(f"{why} (at {self.now:.4f} s). The transcript ends:\n{lines}")

    def _upcoming(self) -> float | None:
        times = [time for side in self.sides if (time := side.machine.next_timeout()) is not None]
        return min([*times, self._flying[0][0]] if self._flying else times, default=None)

    def _advance(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            _, _, side, data, path, note = heapq.heappop(self._flying)
            self._note(side, "received", data, note=note)
            self._call(side, side.machine.receive_datagram, data, self.now, *path)
            self._drain(side)
        for side in self.sides:
            due = side.machine.next_timeout()
            if due is not None and due <= self.now:
                self._call(side, side.machine.handle_timeout, self.now)
                self._drain(side)

    def _call(self, side: Side, method: Callable[..., Iterable[Any]], *arguments: Any) -> None:
        try:
            events = list(method(*arguments))
        except RemoteProtocolError as error:
            side.errors.append(error)
            self._note(side, "error", item=error)
            return
        side.events.extend(events)
        for event in events:
            self._note(side, "event", item=event)

    def _drain_all(self) -> None:
        for side in self.sides:
            self._drain(side)

    @abstractmethod
    def _drain(self, side: Side) -> None:
        """Send off what a side has to send."""

    def _carry(self, sender: Side, receiver: Side, lane: Lane, data: bytes, path: tuple[Path, ...]) -> None:
        shown = f"to {path[0].local}" if path else ""
        arrivals = lane.carry(data, self.now)
        self._note(sender, "sent" if arrivals else "lost", data, note=lane.why_lost or shown)
        for arrival in arrivals:
            self._order += 1
            entry = (arrival.time, self._order, receiver, arrival.data, path, arrival.note)
            heapq.heappush(self._flying, entry)

    def _note(self, side: Side, what: str, data: bytes = b"", *, item: Any = None, note: str = "") -> None:
        if self._keep:
            self.transcript.append(Step(self.now, side.name, what, data, item, note))


class Pump(_Loop):
    """Two machines and a link between them, in virtual time.

    `a` and `b` are `Side`s: `pump.a.machine`, `pump.a.events`, `pump.a.errors`. `link` is used in both directions (each
    with its own chances) unless `back`, the link from b to a, is given. Call the machines freely between runs, with
    `pump.now`; events those calls return are yours.
    """

    def __init__(
        self,
        a: Machine,
        b: Machine,
        *,
        link: Link = Link(),
        back: Link | None = None,
        start: float = 0.0,
        names: tuple[str, str] = ("a", "b"),
        keep_transcript: bool = True,
    ) -> None:
        super().__init__(start, keep_transcript=keep_transcript)
        self.a, self.b = Side(names[0], a), Side(names[1], b)
        self.sides = [self.a, self.b]
        self.set_link(link, back)

    def set_link(self, link: Link, back: Link | None = None) -> None:
        """Change the link from now on; what is in flight stays in flight."""
        self._lanes = {"forth": Lane(link, "a to b"), "back": Lane(back if back is not None else link, "b to a")}

    def inject(self, side: Side, data: bytes) -> None:
        """Hand a datagram to a side now, as if it came from the link."""
        self._order += 1
        heapq.heappush(self._flying, (self.now, self._order, side, data, (), "injected"))

    def _drain(self, side: Side) -> None:
        lane, other = (self._lanes["forth"], self.b) if side is self.a else (self._lanes["back"], self.a)
        for data in side.machine.datagrams_to_send(self.now):
            self._carry(side, other, lane, bytes(data), ())


class NatKind(StrEnum):
    """The four kinds of old; in RFC 4787's words mapping is endpoint-independent for the first three."""

    FULL_CONE = "full-cone"
    RESTRICTED = "restricted"
    PORT_RESTRICTED = "port-restricted"
    SYMMETRIC = "symmetric"


class Nat:
    """A NAT with one address outside. `behind` is a second one in front of it, `hairpin` whether it talks to itself."""

    def __init__(
        self, outside: str, kind: NatKind = NatKind.PORT_RESTRICTED, *, behind: Nat | None = None, hairpin: bool = True
    ) -> None:
        self.outside, self.kind, self.behind, self.hairpin = outside, kind, behind, hairpin
        self._ports: dict[tuple[Address, Address | None], int] = {}
        self._inside: dict[int, Address] = {}
        self._called: dict[int, set[Address]] = {}

    def outbound(self, source: Address, destination: Address) -> Address:
        """What the destination sees as the source."""
        key = (source, destination if self.kind is NatKind.SYMMETRIC else None)
        port = self._ports.setdefault(key, 40_000 + len(self._ports))
        self._inside[port] = source
        self._called.setdefault(port, set()).add(destination)
        here = Address(self.outside, port)
        return here if self.behind is None else self.behind.outbound(here, destination)

    def inbound(self, source: Address, destination: Address) -> Address | None:
        """Who inside gets a datagram sent to `destination`; None when it is filtered."""
        if self.behind is not None and destination.host != self.outside:
            inner = self.behind.inbound(source, destination)
            return None if inner is None else self.inbound(source, inner)
        called = self._called.get(destination.port, set())
        if self.kind is NatKind.FULL_CONE:
            let_in = bool(called)
        elif self.kind is NatKind.RESTRICTED:
            let_in = any(known.host == source.host for known in called)
        else:
            let_in = source in called
        return self._inside[destination.port] if let_in else None

    @property
    def outermost(self) -> Nat:
        return self if self.behind is None else self.behind.outermost


class Network(_Loop):
    """Machines with addresses: a datagram goes to whoever owns the address it is sent to, or nowhere.

    `links` maps (sender's name, receiver's name) to a `Link` where `link` isn't meant. Every path has its own lane, so
    loss on one doesn't depend on the traffic of another.

        network = Network(link=Link(loss=0.2, seed=1))
        a = network.attach("a", agent_a, [Address("192.0.2.1", 1000)])
        network.run(until=lambda: agent_a.state == "connected")
    """

    def __init__(
        self,
        *,
        link: Link = Link(),
        links: Mapping[tuple[str, str], Link] | None = None,
        start: float = 0.0,
        keep_transcript: bool = True,
    ) -> None:
        super().__init__(start, keep_transcript=keep_transcript)
        self.link, self.links = link, dict(links or {})
        self._owners: dict[Address, Side] = {}
        self._lanes: dict[tuple[Path, Link], Lane] = {}
        self._blocked: set[tuple[Address, Address]] = set()
        self._nats: dict[Address, Nat] = {}

    def attach(self, name: str, machine: AddressedMachine, addresses: Iterable[Address]) -> Side:
        side = Side(name, machine)
        self.sides.append(side)
        for address in addresses:
            self.add_address(side, address)
        return side

    def add_address(self, side: Side, address: Address) -> None:
        self._owners[address] = side

    def remove_address(self, address: Address) -> None:
        """From now on nothing reaches this address (an interface went down)."""
        self._owners.pop(address, None)

    def add_nat(self, nat: Nat, inside: Iterable[Address]) -> None:
        """Put addresses behind a NAT: they reach the world as its outside address, and are reached by its grace."""
        self._nats.update(dict.fromkeys(inside, nat))

    def block(self, source: Address, destination: Address) -> None:
        """Drop everything from one address to the other, in this direction."""
        self._blocked.add((source, destination))

    def unblock(self, source: Address, destination: Address) -> None:
        self._blocked.discard((source, destination))

    def inject(self, side: Side, data: bytes, path: Path) -> None:
        """Hand a datagram to a side now, as if it had come by `path` (seen from that side)."""
        self._order += 1
        heapq.heappush(self._flying, (self.now, self._order, side, data, (path,), "injected"))

    def _drain(self, side: Side) -> None:
        for transmission in side.machine.datagrams_to_send(self.now):
            path, data = transmission.path, transmission.data
            source, destination = self._translated(path)
            owner = self._owners.get(destination) if destination is not None else None
            if owner is None or self._owners.get(path.local) is not side or (path.local, path.remote) in self._blocked:
                self._note(side, "lost", data, note=f"no way from {path.local} to {path.remote}")
                continue
            link = self.links.get((side.name, owner.name), self.link)
            lane = self._lanes.setdefault((path, link), Lane(link, str(path)))
            self._carry(side, owner, lane, data, (Path(destination or path.remote, source, path.protocol),))

    def _translated(self, path: Path) -> tuple[Address, Address | None]:
        """The source as the receiver sees it, and whose address it ends at; behind one NAT there is nothing to do."""
        here, there = self._nats.get(path.local), self._nats.get(path.remote)
        if there is not None:
            return path.local, path.remote if here is there else None  # a private address, reachable from inside only
        nat = next((nat for nat in self._nats.values() if nat.outermost.outside == path.remote.host), None)
        source = path.local if here is None else here.outbound(path.local, path.remote)
        if nat is None:
            return source, path.remote
        if here is not None and here.outermost is nat.outermost and not nat.outermost.hairpin:
            return source, None
        return source, nat.inbound(source, path.remote)
