"""Gathering candidates and moving datagrams: all the I/O of one ICE transport.

    gatherer = Gatherer(Options(), on_candidate=..., on_complete=..., on_datagrams=...)
    gatherer.start()          # candidates come by callback
    gatherer.send(agent.datagrams_to_send(now))
    gatherer.close()

Callbacks come from the event loop, never from within a call of ours. A gatherer may be started before anybody needs its
candidates (W3C's iceCandidatePoolSize): it doesn't know the agent.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

from peer.ice.agent import (
    Address,
    Candidate,
    CandidateType,
    Path,
    TcpType,
    Transmission,
    compute_foundation,
    compute_priority,
)
from peer.ice.agent.context import Transform, identity
from peer.ice.edge.interfaces import LOOPBACK_ONLY, Interface, Selection, list_interfaces
from peer.ice.edge.mdns import Mdns
from peer.ice.edge.reflexive import ReflexiveQuery, StunFailure
from peer.ice.edge.relay import Relay
from peer.ice.edge.servers import IceServer, ServerUrl
from peer.ice.edge.tcp import ACTIVE_PORT, ActiveTcp, PassiveTcp
from peer.ice.edge.udp import Batch, UdpSocket, link_mtu
from peer.trace import Sink
from peer.wire import stun

__all__ = ["CandidateError", "Gatherer", "Options"]

_SERVER_TIMEOUT: Final = 9.5
"""How long a STUN or TURN server may take: five requests. Nobody waits the 39.5 s of RFC 8489 for a candidate."""
# RFC 6544 section 4.2: the direction preference of TCP candidates, in the upper three bits of the local preference.
_DIRECTION_PREFERENCES: Final = {TcpType.ACTIVE: 6, TcpType.PASSIVE: 4}
_RELAY_PREFERENCES: Final = {"udp": 3 << 14, "tcp": 2 << 14, "tls": 1 << 14}


@dataclass(frozen=True, slots=True)
class CandidateError:
    """W3C's RTCPeerConnectionIceErrorEvent: `code` is 300..699 from the server, 701 when it can't be reached."""

    address: str | None
    port: int | None
    url: str
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Options:
    """What to gather. `selection` defaults to loopback only. `policy` is W3C's iceTransportPolicy ("all" or "relay").

    `tcp` adds TCP candidates, `udp` may be turned off; `mdns` hides host addresses behind names. `tls` verifies TURN
    servers reached by TLS; None stands for the system's verification. `port` is the UDP port to bind, 0 for any. What
    is said to TURN servers goes through `turn`; `trace` is told what both sides say.
    """

    selection: Selection = LOOPBACK_ONLY
    servers: tuple[IceServer, ...] = ()
    policy: str = "all"
    udp: bool = True
    tcp: bool = False
    mdns: bool = False
    tls: ssl.SSLContext | None = None
    port: int = 0
    server_timeout: float = _SERVER_TIMEOUT
    enter: Callable[[], AbstractContextManager[None]] = nullcontext
    turn: Transform = identity
    trace: Sink | None = None


class _Carrier(Protocol):
    """Whatever sends from one base: a UDP socket, an allocation, a TCP listener or caller."""

    address: Address

    def send(self, data: bytes, remote: Address) -> None: ...
    def close(self) -> None: ...


class _Within:
    """Runs a coroutine with every one of its steps inside a context, which is left whenever the coroutine waits."""

    def __init__(self, enter: Callable[[], AbstractContextManager[None]], work: Coroutine[Any, Any, None]) -> None:
        self._enter = enter
        self._work = work

    async def run(self) -> None:
        await self

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[], Any] = partial(self._work.send, None)
        while True:
            try:
                with self._enter():
                    waits_for = step()
            except StopIteration:
                return
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001 - the coroutine decides: a cancellation has to reach it
                step = partial(self._work.throw, error)
            else:
                step = partial(self._work.send, value)


class Gatherer:
    """See the module's docstring. Belongs to the running event loop.

    `on_base_lost` is told when a base stops working (an allocation expired): pass it to `Agent.remove_local_base`.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        on_candidate: Callable[[Candidate], None],
        on_complete: Callable[[], None],
        on_datagrams: Callable[[Batch], None],
        on_error: Callable[[CandidateError], None] | None = None,
        on_base_lost: Callable[[Address], None] | None = None,
    ) -> None:
        self.options = options if options is not None else Options()
        self._on_candidate = on_candidate
        self._on_complete = on_complete
        self._on_datagrams = on_datagrams
        self._on_error = on_error
        self._on_base_lost = on_base_lost
        self._carriers: dict[tuple[Address, str], _Carrier] = {}
        self._reflected: set[tuple[Address, Address]] = set()
        self._queries: dict[Address, list[ReflexiveQuery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathering: set[asyncio.Task[None]] = set()
        self._mdns = Mdns()
        self._loop = asyncio.get_running_loop()
        self._round = 0
        self._completed = False
        self._closed = False

    # -- gathering ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Gather; after a restart, again: sockets that are there are used again, interfaces come and go."""
        self._round += 1
        self._completed = False
        self._reflected.clear()
        with self.options.enter():
            interfaces = list_interfaces(self.options.selection)
            self._drop_bases_beyond({interface.host for interface in interfaces})
            for index, interface in enumerate(interfaces):
                # RFC 8421 section 4 and RFC 8445 section 5.1.2.1: the order of interfaces is the order of preference.
                if self.options.udp:
                    self._gather_host(interface, 65535 - index)
                if self.options.tcp:
                    self._gather_tcp(interface, index)
        relays = [(url, server) for server in self.options.servers for url in server.urls if url.is_turn]
        for index, (url, server) in enumerate(relays):
            self._start(self._allocate(url, server, index), gathering=True)
        self._loop.call_soon(self._check_complete, self._round)

    def _drop_bases_beyond(self, hosts: set[str]) -> None:
        """Sockets of addresses this machine doesn't have any more are of no use."""
        for (base, protocol), carrier in list(self._carriers.items()):
            if not isinstance(carrier, Relay) and base.host not in hosts:
                carrier.close()
                del self._carriers[(base, protocol)]
                self._loop.call_soon(self._lose, base)

    def _lose(self, base: Address) -> None:
        if self._on_base_lost is not None and not self._closed:
            self._on_base_lost(base)

    def _start(self, work: Coroutine[Any, Any, None], *, gathering: bool = False) -> None:
        if self._closed:
            work.close()
            return
        task = self._loop.create_task(_Within(self.options.enter, work).run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never comes to the work.
        task.add_done_callback(lambda _: work.close())
        if gathering:
            self._gathering.add(task)
            task.add_done_callback(self._gathering.discard)
            task.add_done_callback(lambda _, number=self._round: self._check_complete(number))  # type: ignore[misc]

    def _check_complete(self, number: int) -> None:
        if not self._gathering and not self._closed and number == self._round and not self._completed:
            self._completed = True
            # After the candidates that were announced meanwhile.
            self._loop.call_soon(self._complete)

    def _complete(self) -> None:
        if not self._closed:
            self._on_complete()

    def _gather_host(self, interface: Interface, preference: int) -> None:
        known = next(
            (
                one
                for one in self._carriers.values()
                if isinstance(one, UdpSocket) and one.address.host == interface.host
            ),
            None,
        )
        if known is None:
            try:
                known = UdpSocket(interface.host, self._receive, port=self.options.port)
            except OSError as error:
                self._report(interface.host, self.options.port, "", 701, f"can't bind: {error.strerror}")
                return
            self._carriers[(known.address, "udp")] = known
        self._announce_host(_host_candidate(known.address, compute_priority(CandidateType.HOST, preference)))
        if self.options.policy == "relay":
            return
        # A stuns: server tells a TCP address, which is no use to a UDP candidate.
        urls = [url for server in self.options.servers for url in server.urls if url.scheme == "stun"]
        for index, url in enumerate(urls):
            self._start(self._reflect(url, known, preference - 256 * index), gathering=True)

    def _announce_host(self, candidate: Candidate) -> None:
        if not self.options.mdns:
            self._announce(candidate)
            return

        async def publish() -> None:
            name = await self._mdns.publish(candidate.address.host)
            if name is not None:
                self._announce(replace(candidate, address=Address(name, candidate.address.port)))

        self._start(publish(), gathering=True)

    def _gather_tcp(self, interface: Interface, index: int) -> None:
        passive = self._listener(interface)
        if passive is None:
            return
        active = ActiveTcp(interface.host, self._receive, self._start)
        carriers: tuple[tuple[TcpType, _Carrier], ...] = ((TcpType.ACTIVE, active), (TcpType.PASSIVE, passive))
        for tcp_type, carrier in carriers:
            self._carriers.setdefault((carrier.address, "tcp"), carrier)
            preference = (_DIRECTION_PREFERENCES[tcp_type] << 13) + 8191 - index
            priority = compute_priority(CandidateType.HOST, preference, protocol="tcp")
            self._announce_host(_host_candidate(carrier.address, priority, tcp_type))

    def _listener(self, interface: Interface) -> PassiveTcp | None:
        for known in self._carriers.values():
            if isinstance(known, PassiveTcp) and known.address.host == interface.host:
                return known
        try:
            passive = PassiveTcp(interface.host, self._receive)
        except OSError as error:
            self._report(interface.host, None, "", 701, f"can't listen: {error.strerror}")
            return None
        self._start(passive.serve(), gathering=True)
        return passive

    async def _reflect(self, url: ServerUrl, udp: UdpSocket, preference: int) -> None:
        base = udp.address
        server = await self._look_up(url, ipv6=base.is_ipv6)
        if server is None:
            self._report(base.host, base.port, url.text, 701, "STUN host lookup received error.")
            return
        query = ReflexiveQuery(lambda data: udp.send(data, server), self.options.server_timeout)
        queries = self._queries.setdefault(base, [])
        queries.append(query)
        try:
            mapped = await query.run()
        except StunFailure as failure:
            self._report(base.host, base.port, url.text, failure.code, failure.text)
            return
        finally:
            queries.remove(query)
        if mapped == base or (base, mapped) in self._reflected:
            return  # redundant: RFC 8445 section 5.1.3
        self._reflected.add((base, mapped))
        self._announce(
            Candidate(
                foundation=compute_foundation(CandidateType.SERVER_REFLEXIVE, base.host, "udp", server.host),
                component=1,
                protocol="udp",
                priority=compute_priority(CandidateType.SERVER_REFLEXIVE, preference),
                address=mapped,
                type=CandidateType.SERVER_REFLEXIVE,
                related=Address("0.0.0.0", 0) if self.options.mdns else base,  # noqa: S104 - says nothing, binds nothing
                base=base,
                server=url.text,
            )
        )

    async def _look_up(self, url: ServerUrl, *, ipv6: bool) -> Address | None:
        family = socket.AF_INET6 if ipv6 else socket.AF_INET
        try:
            found = await self._loop.getaddrinfo(url.host, url.port, family=family, type=socket.SOCK_DGRAM)
        except OSError:
            return None
        return Address(*found[0][4][:2]) if found else None

    async def _allocate(self, url: ServerUrl, server: IceServer, index: int) -> None:
        try:
            relay = await Relay.allocate(
                url,
                server.username,
                server.credential,
                deliver=self._receive,
                lost=self._relay_lost,
                tls=self.options.tls,
                timeout=self.options.server_timeout,
                transform=self.options.turn,
                trace=self.options.trace,
            )
        except StunFailure as failure:
            self._report(None, None, url.text, failure.code, failure.text)
            return
        if self._closed:
            relay.close()
            return
        self._carriers[(relay.address, "udp")] = relay
        self._announce(
            Candidate(
                foundation=compute_foundation(CandidateType.RELAYED, relay.address.host, "udp", url.text),
                component=1,
                protocol="udp",
                priority=compute_priority(CandidateType.RELAYED, _RELAY_PREFERENCES[url.relay_protocol] - index),
                address=relay.address,
                type=CandidateType.RELAYED,
                related=relay.mapped,
                base=relay.address,
                server=url.text,
                relay_protocol=url.relay_protocol,
            )
        )

    def _relay_lost(self, relay: Relay) -> None:
        self._carriers.pop((relay.address, "udp"), None)
        self._lose(relay.address)

    def _announce(self, candidate: Candidate) -> None:
        if self.options.policy != "relay" or candidate.type is CandidateType.RELAYED:
            self._loop.call_soon(self._give, candidate)

    def _give(self, candidate: Candidate) -> None:
        if not self._closed:
            self._on_candidate(candidate)

    def _report(self, host: str | None, port: int | None, url: str, code: int, text: str) -> None:
        if self._on_error is not None and not self._closed:
            self._loop.call_soon(self._on_error, CandidateError(host, port, url, code, text))

    # -- datagrams ---------------------------------------------------------------------------------------------------

    def _receive(self, batch: Batch) -> None:
        if self._closed:
            return
        if any(self._queries.values()):
            batch = [(data, path) for data, path in batch if not self._is_answer(data, path.local)]
        if batch:
            self._on_datagrams(batch)

    def _is_answer(self, data: bytes, base: Address) -> bool:
        return stun.is_stun(data) and any(query.take(data) for query in self._queries.get(base, ()))

    def send(self, transmissions: Iterable[Transmission]) -> None:
        """Send each by its path. One whose base is gone is lost."""
        for transmission in transmissions:
            path = transmission.path
            carrier = self._carriers.get((path.local, path.protocol))
            if carrier is not None:
                carrier.send(transmission.data, path.remote)

    def path_mtu(self, path: Path) -> int | None:
        """The largest IP packet that the first link of a path takes; None for TCP, relays, and where nobody knows."""
        carrier = self._carriers.get((path.local, path.protocol))
        if not isinstance(carrier, UdpSocket):
            return None
        with self.options.enter():
            return link_mtu(path)

    def resolve(self, candidate: Candidate, found: Callable[[Candidate], None]) -> None:
        """Look up the name of a remote candidate by mDNS; `found` gets it with an address, or is never called."""

        async def look_up() -> None:
            host = await self._mdns.resolve(candidate.address.host)
            if host is not None and not self._closed:
                found(replace(candidate, address=Address(host, candidate.address.port)))

        self._start(look_up())

    def close(self) -> None:
        """Close every socket and stop every task. Nothing is called back from now on.

        Allocations are given back and the multicast socket is left in the background; `wait_closed` waits for that.
        """
        if self._closed:
            return
        for task in self._tasks:
            task.cancel()
        if self._mdns.is_open:
            self._start(self._mdns.close())
        self._closed = True
        for carrier in self._carriers.values():
            carrier.close()
        self._carriers.clear()

    async def wait_closed(self) -> None:
        """Wait until everything `close` began is done."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _host_candidate(address: Address, priority: int, tcp_type: TcpType | None = None) -> Candidate:
    protocol = "udp" if tcp_type is None else "tcp"
    return Candidate(
        foundation=compute_foundation(CandidateType.HOST, address.host, protocol),
        component=1,
        protocol=protocol,
        priority=priority,
        address=address if tcp_type is not TcpType.ACTIVE else Address(address.host, ACTIVE_PORT),
        type=CandidateType.HOST,
        tcp_type=tcp_type,
        base=address,
    )
