"""Gathering candidates and moving datagrams: all the I/O of one ICE transport.

    gatherer = Gatherer(Options(), on_candidate=..., on_complete=..., on_datagrams=...)
    gatherer.start()          # candidates come by callback, each in a task of the loop of its own
    gatherer.send(agent.datagrams_to_send(now))
    gatherer.close()

Callbacks are never called from within a call of ours.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from peer.ice.agent import (
    Address,
    Candidate,
    CandidateType,
    Transmission,
    compute_foundation,
    compute_priority,
)
from peer.ice.edge.interfaces import LOOPBACK_ONLY, Interface, Selection, list_interfaces
from peer.ice.edge.mdns import MdnsResolver
from peer.ice.edge.servers import IceServer
from peer.ice.edge.udp import Batch, UdpSocket

__all__ = ["CandidateError", "Gatherer", "Options"]

_GATHERING_TIMEOUT: Final = 9.5
"""RFC 8489's Ti for TCP is 39.5 s; nobody waits for a server that long. What comes later isn't used."""


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

    `tls` verifies TURN servers reached by TLS; None stands for the system's default verification.
    """

    selection: Selection = LOOPBACK_ONLY
    servers: tuple[IceServer, ...] = ()
    policy: str = "all"
    tcp: bool = False
    mdns: bool = False
    tls: ssl.SSLContext | None = None
    port: int = 0


@dataclass(slots=True)
class _Callbacks:
    candidate: Callable[[Candidate], None]
    complete: Callable[[], None]
    datagrams: Callable[[Batch], None]
    error: Callable[[CandidateError], None] | None = None


@dataclass(slots=True)
class _Tasks:
    """The tasks of a gatherer: none outlives it."""

    running: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    def cancel(self) -> None:
        for task in self.running:
            task.cancel()


class Gatherer:
    """See the module's docstring. Belongs to the running event loop."""

    def __init__(
        self,
        options: Options | None = None,
        *,
        on_candidate: Callable[[Candidate], None],
        on_complete: Callable[[], None],
        on_datagrams: Callable[[Batch], None],
        on_error: Callable[[CandidateError], None] | None = None,
    ) -> None:
        self.options = options if options is not None else Options()
        self._callbacks = _Callbacks(on_candidate, on_complete, on_datagrams, on_error)
        self._sockets: dict[Address, UdpSocket] = {}
        self._tasks = _Tasks()
        self._resolver = MdnsResolver()
        self._loop = asyncio.get_running_loop()
        self._closed = False

    def start(self) -> None:
        """Gather; after a restart, again: sockets that are there are used again, new interfaces are added."""
        for index, interface in enumerate(list_interfaces(self.options.selection)):
            self._gather_host(interface, index)
        self._loop.call_soon(self._complete)

    def _complete(self) -> None:
        if not self._closed:
            self._callbacks.complete()

    def _gather_host(self, interface: Interface, index: int) -> None:
        known = next((udp for udp in self._sockets.values() if udp.address.host == interface.host), None)
        if known is None:
            try:
                known = UdpSocket(interface.host, self._deliver, port=self.options.port)
            except OSError as error:
                self._report(CandidateError(interface.host, None, "", 701, f"can't bind: {error.strerror}"))
                return
            self._sockets[known.address] = known
        # RFC 8421 section 4 and RFC 8445 section 5.1.2.1: the order of the interfaces is the order of preference.
        preference = 65535 - index
        self._announce(
            Candidate(
                foundation=compute_foundation(CandidateType.HOST, interface.host, "udp"),
                component=1,
                protocol="udp",
                priority=compute_priority(CandidateType.HOST, preference),
                address=known.address,
                type=CandidateType.HOST,
                base=known.address,
            )
        )

    def _announce(self, candidate: Candidate) -> None:
        if self.options.policy != "relay" or candidate.type is CandidateType.RELAYED:
            self._loop.call_soon(self._give, candidate)

    def _give(self, candidate: Candidate) -> None:
        if not self._closed:
            self._callbacks.candidate(candidate)

    def _report(self, error: CandidateError) -> None:
        if self._callbacks.error is not None and not self._closed:
            self._loop.call_soon(self._callbacks.error, error)

    def _deliver(self, batch: Batch) -> None:
        self._callbacks.datagrams(batch)

    def send(self, transmissions: Iterable[Transmission]) -> None:
        """Send each by its path. One whose base is gone is lost."""
        for transmission in transmissions:
            path = transmission.path
            udp = self._sockets.get(path.local)
            if udp is not None:
                udp.send(transmission.data, path.remote)

    def resolve(self, candidate: Candidate, found: Callable[[Candidate], None]) -> None:
        """Look up the name of a remote candidate by mDNS; `found` gets it with an address, or is never called."""

        async def look_up() -> None:
            host = await self._resolver.resolve(candidate.address.host)
            if host is not None and not self._closed:
                found(replace(candidate, address=Address(host, candidate.address.port)))

        if not self._closed:
            self._tasks.start(look_up())

    def close(self) -> None:
        """Close every socket and stop every task. Nothing is called back from now on."""
        self._closed = True
        self._tasks.cancel()
        self._resolver.close()
        for udp in self._sockets.values():
            udp.close()
        self._sockets.clear()
