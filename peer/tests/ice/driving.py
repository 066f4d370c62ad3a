"""An agent on real sockets: the least a driver has to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from peer.ice.agent import Address, Agent, Candidate, Config, Event, ResolutionRequested, State
from peer.ice.edge import Batch, CandidateError, Gatherer, Options


class Driver:
    """Owns an agent and a gatherer; application data is whatever isn't STUN."""

    def __init__(self, config: Config | None = None, options: Options | None = None, **agent: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.agent = Agent(config, entropy=os.urandom, **agent)
        self.gatherer = Gatherer(
            options,
            on_candidate=self._candidate,
            on_complete=self._complete,
            on_datagrams=self._datagrams,
            on_error=self._error,
            on_base_lost=self._base_lost,
        )
        self.events: list[Event] = []
        self.errors: list[CandidateError] = []
        self.data: list[bytes] = []
        self.on_local: Callable[[Candidate | None], None] = lambda candidate: None
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    def do(self, events: list[Event]) -> None:
        """Take the events of a call and send what it left."""
        self.events += events
        for event in events:
            if isinstance(event, ResolutionRequested):
                self.gatherer.resolve(event.candidate, self.add_remote)
        self.gatherer.send(self.agent.datagrams_to_send(self.loop.time()))
        if self._timer is not None:
            self._timer.cancel()
        due = self.agent.next_timeout()
        self._timer = None if due is None else self.loop.call_at(due, self._timeout)
        self._changed.set()

    def _timeout(self) -> None:
        self.do(self.agent.handle_timeout(self.loop.time()))

    def _candidate(self, candidate: Candidate) -> None:
        self.do(self.agent.add_local_candidate(candidate, self.loop.time()))
        self.on_local(candidate)

    def _complete(self) -> None:
        self.do(self.agent.end_of_local_candidates(self.loop.time()))
        self.on_local(None)

    def _datagrams(self, batch: Batch) -> None:
        for data, path in batch:
            if data and data[0] < 4:
                self.do(self.agent.receive_datagram(data, self.loop.time(), path))
            else:
                self.data.append(data)
                self._changed.set()

    def _base_lost(self, base: Address) -> None:
        self.do(self.agent.remove_local_base(base, self.loop.time()))

    def _error(self, error: CandidateError) -> None:
        self.errors.append(error)
        self._changed.set()

    def add_remote(self, candidate: Candidate | None) -> None:
        self.do(self.agent.add_remote_candidate(candidate, self.loop.time()))

    async def until(self, happened: Callable[[], bool], timeout: float = 10.0) -> None:
        async with asyncio.timeout(timeout):
            while not happened():
                self._changed.clear()
                await self._changed.wait()

    async def reach(self, *states: State, timeout: float = 10.0) -> None:
        await self.until(lambda: self.agent.state in states, timeout)

    def close(self) -> None:
        self.events += self.agent.close(self.loop.time())
        self.gatherer.close()
        if self._timer is not None:
            self._timer.cancel()


def connect(a: Driver, b: Driver) -> None:
    """Exchange credentials at once and candidates as they come: full trickle in both directions."""
    for one, other in ((a, b), (b, a)):
        one.on_local = lambda candidate, to=other: to.add_remote(  # type: ignore[misc]  # a default argument binds it
            Candidate.parse(candidate.serialize()) if candidate is not None else None
        )
        one.do(one.agent.set_remote_parameters(other.agent.local_parameters, one.loop.time()))
    a.gatherer.start()
    b.gatherer.start()
