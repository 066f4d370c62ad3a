"""Endpoints for targets that play scripts: started once, used again and again, replaced when they die."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from harness.endpoints.base import Endpoint
from harness.endpoints.browser import BrowserEndpoint
from harness.endpoints.stacks import Stacks
from harness.errors import EndpointCrashed, EndpointError, EndpointTimeout
from harness.fuzz.target import Problem
from harness.repro.story import Act, Story, of_script
from harness.script.steps import Script
from harness.script.trace import Trace

__all__ = ["Hosts"]

# Chromium refuses a page its 501st connection, and counts closed ones until they are collected, which not even a reload
# does. A script makes two.
_PLAYS_A_PAGE: Final = 200
_FAREWELL: Final = 15.0


class Hosts:
    """One event loop, its stacks, and one endpoint of each. `play` gives a trace, or the problem of an endpoint that
    died or never came back."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stacks = Stacks()
        self._endpoints: dict[str, Endpoint] = {}
        self._plays = Counter[str]()
        #: What the endpoint that died last left behind: name -> content.
        self.remains: Mapping[str, bytes] = {}

    def play(self, name: str, script: Script) -> Trace | Problem:
        """Play a script on the endpoint `name`. Raises EndpointError when it can't be had at all."""
        return self._runner.run(self._play(name, script))

    async def _play(self, name: str, script: Script) -> Trace | Problem:
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            endpoint = self._endpoints[name] = await self._new(name)
        try:
            trace = await endpoint.play(script)
            endpoint.entries.clear()
            endpoint.moves.clear()
            await self._refresh(endpoint)
        except EndpointCrashed as error:
            return await self._died(name, Problem("crash", "EndpointCrashed", endpoint=name, message=str(error)))
        except EndpointTimeout as error:
            return await self._died(name, Problem("hang", "EndpointTimeout", endpoint=name, message=str(error)))
        return trace

    def story(self, name: str, script: Script, title: str) -> Story:
        """The script as a story for reproducers, with how each of its steps ends on this endpoint."""
        told = of_script(script, name, title)
        trace = self.play(name, script)
        if isinstance(trace, Problem):
            return told
        ends = (outcome.failure.name if outcome.failure else outcome.kind.value for outcome in trace.outcomes)
        acts = tuple(Act(name, step, ended) for step, ended in zip(script, ends, strict=True))
        return replace(told, chapters=acts)

    async def _refresh(self, endpoint: Endpoint) -> None:
        self._plays[endpoint.name] += 1
        if not isinstance(endpoint, BrowserEndpoint):
            await endpoint.reset()
        elif self._plays[endpoint.name] % _PLAYS_A_PAGE == 0:
            # As if it had been lost: a page that is only given back would be let again.
            endpoint.lose(EndpointError(f"{endpoint.name}: its page is worn out"))
            await self._endpoints.pop(endpoint.name).close()

    async def _new(self, name: str) -> Endpoint:
        endpoint = await self._stacks.endpoint(name)
        if name == "reference":
            # Here and not above: a campaign on browsers starts without the peer.
            from harness.endpoints.reference import Reference
            from peer.api import Offline, Seams

            if isinstance(endpoint, Reference):
                endpoint.seams = Seams(edge=Offline)
        return endpoint

    async def _died(self, name: str, problem: Problem) -> Problem:
        """Away with it: the next play gets a new one. Its log is part of the problem."""
        endpoint = self._endpoints.pop(name)
        log = "\n".join(endpoint.log[-20:])
        self.remains = endpoint.remains
        await endpoint.close()
        return Problem(
            problem.oracle, problem.error, problem.state, problem.clause, name, f"{problem.message}\n{log}".rstrip()
        )

    @property
    def builds(self) -> Mapping[str, str]:
        return self._stacks.builds

    def close(self) -> None:
        """End every endpoint and the loop."""
        try:
            self._runner.run(self._end())
        finally:
            self._runner.close()

    async def _end(self) -> None:
        # A terminal's ctrl-C goes to the browsers and their driver too: answers nobody waits for any more are lost, and
        # what is to be ended here has ended. None of that is news.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        with suppress(Exception):
            async with asyncio.timeout(_FAREWELL):
                for endpoint in self._endpoints.values():
                    await endpoint.close()
                await self._stacks.stop()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
