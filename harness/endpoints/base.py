"""What an endpoint is: a thing under test that plays scripts, and the stack that makes such things.

An `Endpoint` lives as long as one case. `play` is all it has to be able to do; everything a case says in sugar
(`await pc.createOffer()`) is a script of one or two steps.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

from harness.endpoints.proxies import PeerConnection
from harness.errors import EndpointError, EndpointTimeout, Thrown
from harness.script.steps import Call, Get, New, Script, Step, Wait
from harness.script.trace import Entry, Fired, Kind, Outcome, Trace
from harness.script.values import Value

__all__ = ["Endpoint", "Move", "Observer", "Stack"]

#: Called with every entry as it becomes known, in the order the endpoint made them.
Observer: TypeAlias = Callable[[Entry], None]

# What a page may take on top of the waiting its script asks for.
_MARGIN = 15.0


@dataclass(frozen=True, slots=True)
class Move:
    """One step an endpoint was asked to play, and what it came to."""

    endpoint: str
    step: Step
    outcome: Outcome


class Endpoint(ABC):
    """One endpoint of one case. `name` is unique within the case, `stack` says what it is ("chromium")."""

    def __init__(self, name: str, stack: str, build: str = "") -> None:
        self.name = name
        self.stack = stack
        self.build = build
        self.entries: list[Entry] = []
        #: What it wrote to its own log: a page's console, errors nobody caught.
        self.log: list[str] = []
        #: What it was asked to do so far, sugar and waiting included: what a reproducer is made of.
        self.moves: list[Move] = []
        #: Called with each SDP text this endpoint made for itself, as soon as it is known.
        self.on_description: Callable[[str], None] | None = None
        self._observers: list[Observer] = []
        self._fresh = count(1)
        self._states: dict[str, dict[str, Value]] = {}
        self._known_at: dict[str, int] = {}
        self._fired: dict[tuple[str, str], list[Fired]] = {}
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # To be written for every kind of endpoint

    @abstractmethod
    async def _perform(self, steps: Sequence[Step], *, stream: bool, quiet: bool) -> list[Entry]:
        """Play steps in one go. With `stream`, events are given to `_deliver` as they come, from now on; with
        `quiet` only outcomes are returned. Raises EndpointCrashed when the endpoint dies."""

    @abstractmethod
    async def close(self) -> None:
        """End the endpoint, dead or alive. Raises nothing."""

    async def reset(self) -> None:
        """Close every connection and forget every handle: as new, but sooner than a new one."""
        for table in (self._states, self._known_at, self._fired):
            table.clear()

    @property
    def secrets(self) -> list[str]:
        """Lines of an NSS key log, where the endpoint writes one."""
        return []

    @property
    def remains(self) -> Mapping[str, bytes]:
        """What its process left behind since it was made, log and dumps: name -> content."""
        return {}

    # Playing

    async def play(self, script: Script | Iterable[Step]) -> Trace:
        """Play a script, in one round trip.

        What calls throw is in the trace; raises EndpointCrashed when the endpoint dies, EndpointTimeout when it doesn't
        come back within the script's own waiting times and a margin.
        """
        whole = script if isinstance(script, Script) else Script(tuple(script))
        entries = await self._ask(whole, stream=False, quiet=False)
        return Trace(self.name, tuple(entries))

    async def run(self, *steps: Step) -> list[Value]:
        """Play steps and return their values; from now on events are streamed.

        Raises Thrown at what the first step that failed threw (later steps were played all the same),
        EndpointTimeout when its promise or event did not come.
        """
        entries = await self._ask(Script(steps), stream=True, quiet=True)
        outcomes = [entry for entry in entries if isinstance(entry, Outcome) and entry.kind in _ENDS]
        for step, outcome in zip(steps, outcomes, strict=True):
            if outcome.failure is not None:
                raise Thrown(outcome.failure)
            if outcome.kind is Kind.PENDING:
                raise EndpointTimeout(f"{self.name}: {_describe(step)}: not settled in time")
        return [outcome.value for outcome in outcomes]

    async def peer_connection(self, configuration: Mapping[str, Any] | None = None) -> PeerConnection:
        """`new RTCPeerConnection(configuration)`, to be used as in a page."""
        handle = self.fresh("pc")
        await self.run(New("RTCPeerConnection", () if configuration is None else (dict(configuration),), handle))
        return PeerConnection(self, handle)

    def fresh(self, stem: str) -> str:
        """A handle nobody uses."""
        return f"{stem}{next(self._fresh)}"

    async def _ask(self, script: Script, *, stream: bool, quiet: bool) -> list[Entry]:
        if self._lost.done():
            self._lost.result()
        limit = script.duration + _MARGIN
        asked = asyncio.ensure_future(self._perform(script.steps, stream=stream, quiet=quiet))
        either: set[asyncio.Future[Any]] = {asked, self._lost}
        done, _ = await asyncio.wait(either, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if asked not in done:
            asked.cancel()
            if self._lost in done:
                self._lost.result()
            raise EndpointTimeout(f"{self.name} did not come back from a script within {limit:.0f} s")
        entries = asked.result()
        for entry in entries:
            self._absorb(entry)
        self._keep(script.steps, entries)
        return entries

    def waited(self, step: Wait) -> None:
        """A wait that was done here and not by the player."""
        ended = Outcome(0, Kind.VALUE, None, None, {}, time.time())
        self.moves.append(Move(self.name, step, ended))

    def _keep(self, steps: Sequence[Step], entries: Iterable[Entry]) -> None:
        ends = [entry for entry in entries if isinstance(entry, Outcome) and entry.kind in _ENDS]
        for step, outcome in zip(steps, ends, strict=False):
            self.moves.append(Move(self.name, step, outcome))
            if not isinstance(outcome.value, Mapping) or not isinstance(sdp := outcome.value.get("sdp"), str):
                continue
            made = isinstance(step, Call) and step.method in ("createOffer", "createAnswer")
            read = isinstance(step, Get) and step.attribute in _LOCAL_DESCRIPTIONS
            if (made or read) and self.on_description is not None:
                self.on_description(sdp)

    # Watching

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` with every entry from now on; returns what ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer) if observer in self._observers else None

    def states(self, handle: str) -> Mapping[str, Value]:
        """The latest known states of a handle."""
        return self._states.get(handle, {})

    def fired(self, handle: str, event: str) -> Sequence[Fired]:
        """Every event of one type at one handle so far."""
        return self._fired.get((handle, event), ())

    async def until(self, look: Callable[[], Any], timeout: float, waited_for: Callable[[], str]) -> Any:
        """What `look` finds once that isn't None; it looks after every entry.

        Raises EndpointTimeout with `waited_for()` in its message, or EndpointCrashed.
        """
        found = look()
        if found is not None:
            return found
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def observer(_: Entry) -> None:
            if done.done():
                return
            try:
                value = look()
            except EndpointError as error:
                done.set_exception(error)
            else:
                if value is not None:
                    done.set_result(value)

        stop = self.observe(observer)
        try:
            finished, _ = await asyncio.wait({done, self._lost}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop()
        if done in finished:
            return done.result()
        if self._lost in finished:
            self._lost.result()
        raise EndpointTimeout(f"{self.name}: {waited_for()}: not within {timeout:g} s")

    def _deliver(self, entries: Iterable[Entry]) -> None:
        """Events that came by stream."""
        for entry in entries:
            self._absorb(entry)

    def lose(self, error: EndpointError) -> None:
        """The endpoint died: whoever waits, or asks from now on, gets `error`."""
        if not self._lost.done():
            self._lost.set_exception(error)
            self._lost.exception()  # looked at: it may be that nobody waits

    def _absorb(self, entry: Entry) -> None:
        self.entries.append(entry)
        if isinstance(entry, Fired):
            self._fired.setdefault((entry.on, entry.event), []).append(entry)
            self._update(entry.on, entry.states, entry.sequence)
        else:
            for handle, states in entry.states.items():
                self._update(handle, states, entry.sequence)
        for observer in list(self._observers):
            observer(entry)

    def _update(self, handle: str, states: Mapping[str, Value], sequence: int) -> None:
        # An outcome and a streamed event may overtake each other on their way here.
        if sequence >= self._known_at.get(handle, -1):
            self._known_at[handle] = sequence
            self._states.setdefault(handle, {}).update(states)

    def __repr__(self) -> str:
        return f"<{self.name}>"


_LOCAL_DESCRIPTIONS = ("localDescription", "currentLocalDescription", "pendingLocalDescription")
_ENDS = (Kind.VALUE, Kind.EXCEPTION, Kind.PENDING)


def _describe(step: Step) -> str:
    return " ".join(str(part) for part in (step.op, getattr(step, "on", ""), getattr(step, "method", "")) if part)


class Stack(ABC):
    """What makes endpoints of one kind. A browser is started once and makes an endpoint per case."""

    name: str
    build: str = ""

    @abstractmethod
    async def start(self) -> None:
        """Get ready; at once when it is. Raises NotFound when what it needs isn't installed."""

    @abstractmethod
    async def endpoint(self, name: str | None = None) -> Endpoint:
        """A new endpoint; a stack that died since is started again."""

    @abstractmethod
    async def stop(self) -> None:
        """End everything it made. Raises nothing."""
