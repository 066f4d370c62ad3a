"""A bad link on real sockets: a relay that two endpoints take for each other.

    relay = LinkRelay(forth=Link(loss=0.1, delay=0.05, seed=1))
    candidate_for_b = relay.stand_in_for_a(candidate_of_a)      # None: don't pass this one on
    candidate_for_a = relay.stand_in_for_b(candidate_of_b)
    ...
    relay.close()

The same seed loses the same datagrams of the same traffic; times are real. What a `Link` can do, this can
(`peer.testing`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from peer.errors import DecodeError
from peer.ice.agent import Address, Candidate, CandidateType
from peer.ice.edge import Batch
from peer.ice.edge.udp import UdpSocket
from peer.testing import Arrival, Lane, Link

__all__ = ["LinkRelay", "RelayCounts", "ipv4_host", "replaced"]


@dataclass(slots=True)
class RelayCounts:
    """Datagrams in one direction: what came into the relay (and how many bytes that was), what left it, and why the
    others were lost.
    """

    received: int = 0
    bytes_received: int = 0
    delivered: int = 0
    lost: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Direction:
    lane: Lane
    counts: RelayCounts
    out: UdpSocket
    destination: Address | None = None


class LinkRelay:
    """Two UDP sockets on `host` with a link between them. Needs a running event loop.

    Each side is known by one candidate: the first UDP host candidate of the relay's address family. Whatever comes to
    the socket that stands for the other side is carried to it.
    """

    def __init__(self, forth: Link | None = None, back: Link | None = None, *, host: str = "127.0.0.1") -> None:
        forth = forth if forth is not None else Link()
        back = back if back is not None else forth
        self._loop = asyncio.get_running_loop()
        self._pending: set[asyncio.TimerHandle] = set()
        self.lateness = 0.0
        """Seconds after its time at which a datagram was passed on, at most, since the weather changed: what this
        machine added to the link, being busy.
        """
        # What A sends arrives at the socket that stands for B, and leaves from the one that stands for A.
        self._for_b = UdpSocket(host, lambda batch: self._carry(batch, self._forth))
        self._for_a = UdpSocket(host, lambda batch: self._carry(batch, self._back))
        self._forth = _Direction(Lane(forth, "a to b"), RelayCounts(), self._for_a)
        self._back = _Direction(Lane(back, "b to a"), RelayCounts(), self._for_b)

    @property
    def counts(self) -> tuple[RelayCounts, RelayCounts]:
        """From a to b, and back."""
        return self._forth.counts, self._back.counts

    def set_links(self, forth: Link, back: Link | None = None) -> None:
        """Change the weather from now on."""
        self.lateness = 0.0
        self._forth.lane = Lane(forth, "a to b")
        self._back.lane = Lane(back if back is not None else forth, "b to a")

    def stand_in_for_a(self, candidate: Candidate) -> Candidate | None:
        """What b is to be told instead of a candidate of a; None when it is to be told nothing."""
        return self._stand_in(candidate, self._back, self._for_a)

    def stand_in_for_b(self, candidate: Candidate) -> Candidate | None:
        """What a is to be told instead of a candidate of b."""
        return self._stand_in(candidate, self._forth, self._for_b)

    def _stand_in(self, candidate: Candidate, towards: _Direction, socket: UdpSocket) -> Candidate | None:
        usable = (
            candidate.protocol == "udp"
            and candidate.type is CandidateType.HOST
            and not candidate.address.is_name
            and candidate.address.is_ipv6 == socket.address.is_ipv6
        )
        if not usable or towards.destination not in (None, candidate.address):
            return None
        towards.destination = candidate.address
        return replace(candidate, address=socket.address)

    def _carry(self, batch: Batch, direction: _Direction) -> None:
        now = self._loop.time()
        opposite = self._back if direction is self._forth else self._forth
        for data, path in batch:
            opposite.destination = path.remote  # an endpoint may send from elsewhere than its candidate said
            direction.counts.received += 1
            direction.counts.bytes_received += len(data)
            arrivals = direction.lane.carry(data, now)
            if not arrivals:
                why = direction.lane.why_lost
                direction.counts.lost[why] = direction.counts.lost.get(why, 0) + 1
            for arrival in arrivals:
                self._schedule(arrival, direction, now)

    def _schedule(self, arrival: Arrival, direction: _Direction, now: float) -> None:
        if arrival.time <= now and not self._pending:
            self._deliver(arrival.data, direction)
            return
        self._at(arrival.time, lambda: self._deliver(arrival.data, direction))

    def _at(self, time: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._pending.discard(handle)
            self.lateness = max(self.lateness, self._loop.time() - time)
            action()

        handle = self._loop.call_at(time, run)
        self._pending.add(handle)

    def _deliver(self, data: bytes, direction: _Direction) -> None:
        if direction.destination is not None:
            direction.counts.delivered += 1
            direction.out.send(data, direction.destination)

    def close(self) -> None:
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()
        self._for_a.close()
        self._for_b.close()


def ipv4_host(sdp: str) -> str:
    """The address of the first IPv4 candidate of a description: a relay there is reached from there."""
    candidates = (_candidate(line) for line in sdp.splitlines())
    return next(one.address.host for one in candidates if one is not None and not one.address.is_ipv6)


def replaced(sdp: str, stand_in: Callable[[Candidate], Candidate | None]) -> str:
    """A description with the candidates that `stand_in` gives instead, and without those that it has nothing for."""
    lines = []
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            candidate = _candidate(line)
            other = None if candidate is None else stand_in(candidate)
            if other is None:
                continue
            line = f"a={other.serialize()}"
        lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def _candidate(line: str) -> Candidate | None:
    """The candidate of a line, if it has one that can be read."""
    try:
        return Candidate.parse(line.removeprefix("a=")) if line.startswith("a=candidate:") else None
    except DecodeError:
        return None
