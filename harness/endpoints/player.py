"""Plays scripts on the reference peer: the twin of player.js, operation by operation.

What the operations mean is said in `harness.script.steps`; which states an interface has, which events, and which
members of an event are kept, in interfaces.json, which both players read.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import peer.api
from harness.script.steps import Call, Echo, Get, Look, New, Pause, Set, Settle, Step, Track, Wait, Watch
from harness.script.trace import Entry, Failure, Fired, Kind, Outcome
from harness.script.values import Opaque, Ref
from peer.api.errors import error_name
from peer.api.tasks import Promise

if TYPE_CHECKING:
    from harness.endpoints.watchers import Watcher

__all__ = ["Player", "tables"]

Listener: TypeAlias = Callable[[list[Entry]], None]
_PENDING: Final = object()
# W3C lets a promise of a closed connection stay unsettled for ever.
_CLOSED_PATIENCE: Final = 0.1
# How many turns of the loop let everything run that is queued: the task queue gives a turn away after each of its
# tasks.
_TURNS: Final = 16
_MAX_DEPTH: Final = 8
_AS_THEY_ARE: Final = frozenset({bool, bytes, float, int, str})


@cache
def tables() -> dict[str, Any]:
    """The tables both players read."""
    loaded: dict[str, Any] = json.loads(files("harness.endpoints").joinpath("interfaces.json").read_text("utf-8"))
    return loaded


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the tables say of an interface."""

    states: tuple[str, ...]
    events: tuple[str, ...]


@cache
def _listed(name: str) -> _Listed | None:
    found = tables()["interfaces"].get(tables()["aliases"].get(name, name))
    return None if found is None else _Listed(tuple(found["states"]), tuple(found["events"]))


@cache
def _members_of(event: str) -> tuple[str, ...]:
    return tuple(tables()["events"].get(event, ()))


class Player:
    """Plays steps against `peer.api`. `construct` makes an object of an interface (it may add seams); `deliver` gets
    each event as it fires, once `stream` was asked for."""

    def __init__(self, construct: Callable[[str, tuple[Any, ...]], Any], deliver: Listener) -> None:
        self._construct = construct
        self._deliver = deliver
        self._handles: dict[str, Any] = {}
        self._names: dict[int, tuple[str, Any]] = {}
        self._adopted: defaultdict[str, int] = defaultdict(int)
        self._untaken: defaultdict[tuple[str, str], deque[Any]] = defaultdict(deque)
        self._promises: dict[str, asyncio.Future[Any]] = {}
        self._watchers: list[Callable[[], None]] = []
        self._watching: list[Watcher] = []
        self._plays: list[tuple[list[Entry], bool]] = []
        self._backlog: list[Entry] = []
        self._sequence = 0
        self._step = -1
        self._streaming = False

    # Playing

    async def play(self, steps: Iterable[Step], *, stream: bool = False, quiet: bool = False) -> list[Entry]:
        """Play steps and return the entries; with `quiet` the outcomes only, and with `stream` events are delivered
        too.
        """
        self._streaming = self._streaming or stream
        entries: list[Entry] = []
        if not quiet:
            entries, self._backlog = self._backlog, []
        play = (entries, quiet)
        self._plays.append(play)
        try:
            for index, step in enumerate(steps):
                self._step = index
                kind, value, failure = await self._perform(step)
                entries.append(self._outcome(index, kind, value, failure))
        finally:
            # By identity: an empty list equals every other empty list.
            self._plays = [other for other in self._plays if other is not play]
        return entries

    def reset(self) -> None:
        """Close every connection and forget every handle."""
        for _, thing in list(self._names.values()):
            if type(thing).__name__ == "RTCPeerConnection":
                thing.close()
        for watcher in self._watching:
            watcher.stop()
        self._watching.clear()
        for table in (self._handles, self._names, self._adopted, self._untaken, self._promises):
            table.clear()
        self._backlog.clear()
        self._streaming = False
        self._step = -1

    def native(self, handle: str) -> Any:
        """The object itself, for what only the reference peer offers."""
        return self._handles[handle]

    async def _perform(self, step: Step) -> tuple[Kind, Any, Failure | None]:
        try:
            value = await _OPERATIONS[type(step)](self, step)
        except Exception as error:  # noqa: BLE001  (whatever a call throws is its outcome)
            return Kind.EXCEPTION, None, _failure_of(error)
        return (Kind.PENDING, None, None) if value is _PENDING else (Kind.VALUE, self._encode(value), None)

    def _outcome(self, step: int, kind: Kind, value: Any, failure: Failure | None) -> Outcome:
        return Outcome(step, kind, value, failure, self._all_states(), time.time(), self._next())

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    # Values

    def _encode(self, value: Any, depth: int = 0) -> Any:
        if value is None or type(value) in _AS_THEY_ARE:
            return value
        if isinstance(value, str):
            return str(value)
        if isinstance(value, int | float | bytes):
            return value
        if id(value) in self._names:
            return Ref(self._names[id(value)][0])
        if depth > _MAX_DEPTH:
            return Opaque(_interface_of(value))
        if isinstance(value, bytearray | memoryview):
            return bytes(value)
        if isinstance(value, BaseException):
            failure = _failure_of(value)
            return {"name": failure.name, "message": failure.message, "detail": dict(failure.detail)}
        if isinstance(value, Mapping):
            return {str(name): self._encode(item, depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._encode(item, depth + 1) for item in value]
        if hasattr(value, "toJSON"):
            return self._encode(value.toJSON(), depth + 1)
        return None if callable(value) else Opaque(_interface_of(value))

    def _decode(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return self._resolve(value.path)
        if isinstance(value, list | tuple):
            return [self._decode(item) for item in value]
        if isinstance(value, Mapping):
            return {name: self._decode(item) for name, item in value.items()}
        return value

    def _arguments(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(self._decode(argument) for argument in args)

    def _resolve(self, path: str) -> Any:
        head, *rest = path.split(".")
        if head in self._handles:
            value = self._handles[head]
        elif (value := getattr(peer.api, head, None)) is None:
            raise ReferenceError(f"no step has bound {head}")
        for name in rest:
            if value is None:
                raise TypeError(f"{path}: {name} of null")
            value = _member(value, name)
        return value

    # Handles, states and events

    def _bind(self, name: str | None, value: Any) -> None:
        if name is None:
            return
        self._handles[name] = value
        listed = _listed(type(value).__name__)
        if listed is None:
            return
        known = id(value) in self._names
        self._names[id(value)] = (name, value)
        if not known:
            for event_type in listed.events:
                value.addEventListener(event_type, self._fired)

    def _adopt(self, owner: str, member: str, value: Any) -> None:
        if id(value) in self._names or _listed(type(value).__name__) is None:
            return
        stem = f"{owner}:{member}"
        self._bind(f"{stem}{self._adopted[stem]}", value)
        self._adopted[stem] += 1
        if self._streaming and _interface_of(value) == "RTCDataChannel":
            value.binaryType = "arraybuffer"

    def _states_of(self, thing: Any) -> dict[str, Any]:
        listed = _listed(type(thing).__name__)
        encode = self._encode
        return {name: encode(getattr(thing, name, None)) for name in listed.states} if listed else {}

    def _all_states(self) -> dict[str, dict[str, Any]]:
        states = {name: self._states_of(thing) for name, thing in self._names.values()}
        return {name: known for name, known in states.items() if known}

    def _fired(self, event: Any) -> None:
        known = self._names.get(id(event.currentTarget))
        if known is None:
            return
        on, target = known
        detail: dict[str, Any] = {}
        for member in _members_of(type(event).__name__):
            value = getattr(event, member, None)
            if isinstance(value, list | tuple):
                for item in value:
                    self._adopt(on, member.removesuffix("s"), item)
            else:
                self._adopt(on, member, value)
            detail[member] = self._encode(value)
        fired = Fired(self._step, on, event.type, detail, self._states_of(target), time.time(), self._next())
        self._record(fired)
        if not self._streaming:
            self._untaken[on, event.type].append(event)
        for watcher in list(self._watchers):
            watcher()

    def _record(self, entry: Entry) -> None:
        is_event = isinstance(entry, Fired)
        for entries, quiet in self._plays:
            if not (is_event and quiet):
                entries.append(entry)
        if self._streaming and is_event:
            self._deliver([entry])
        elif not self._plays:
            self._backlog.append(entry)

    # Waiting

    async def _watch(self, look: Callable[[], Any], timeout: float) -> Any:
        """What `look` finds once that isn't None: it looks after every event, and every few milliseconds."""
        found = look()
        if found is not None:
            return found
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def watcher() -> None:
            if not done.done() and (value := look()) is not None:
                done.set_result(value)

        async def tick() -> None:
            while True:
                await asyncio.sleep(0.005)
                watcher()

        ticker = asyncio.get_running_loop().create_task(tick())
        self._watchers.append(watcher)
        try:
            return await _within(done, timeout)
        finally:
            self._watchers.remove(watcher)
            ticker.cancel()

    # The operations

    async def _new(self, step: New) -> Any:
        value = self._construct(step.interface, self._arguments(step.args))
        self._bind(step.bind, value)
        return value

    async def _call(self, step: Call) -> Any:
        target = self._resolve(step.on)
        method = getattr(target, step.method, None)
        if not callable(method):
            raise TypeError(f"{step.on}.{step.method} is not a function")
        value = method(*self._arguments(step.args))
        if inspect.isawaitable(value):
            promise = asyncio.ensure_future(value)
            if not step.awaited:
                return self._later(step.bind, promise)
            closed = getattr(target, "signalingState", None) == "closed"
            value = await _within(promise, min(step.timeout, _CLOSED_PATIENCE) if closed else step.timeout)
            if value is _PENDING:
                return _PENDING
        self._bind(step.bind, value)
        return value

    async def _get(self, step: Get) -> Any:
        value = _member(self._resolve(step.on), step.attribute)
        self._bind(step.bind, value)
        return value

    async def _set(self, step: Set) -> None:
        target, value = self._resolve(step.on), self._decode(step.value)
        if isinstance(target, list):
            target[int(step.attribute)] = value
        elif isinstance(target, dict):
            target[step.attribute] = value
        else:
            setattr(target, step.attribute, value)

    async def _settle(self, step: Settle) -> Any:
        if step.on not in self._promises:
            raise ReferenceError(f"{step.on} is not a promise")
        return await _within(self._promises[step.on], step.timeout)

    async def _wait(self, step: Wait) -> Any:
        target = self._resolve(step.on)
        if step.attribute is not None:
            attribute = step.attribute

            def holds() -> Any:
                value = self._encode(_member(target, attribute))
                return [value] if value in step.values else None

            found = await self._watch(holds, step.timeout)
            return _PENDING if found is _PENDING else found[0]
        name = self._names[id(target)][0] if id(target) in self._names else step.on
        taken = self._untaken[name, str(step.event)]
        event = await self._watch(lambda: taken.popleft() if taken else None, step.timeout)
        if event is _PENDING:
            return _PENDING
        self._bind(step.bind, event)
        return None

    async def _pause(self, step: Pause) -> None:
        if step.seconds > 0:
            await asyncio.sleep(step.seconds)
            return
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def _track(self, step: Track) -> Any:
        from harness.endpoints.watchers import source

        track = peer.api.MediaStreamTrack(step.kind, source=source(step))
        self._bind(step.bind, track)
        return track

    async def _watch_track(self, step: Watch) -> None:
        from harness.endpoints.watchers import Watcher

        watcher = Watcher(self._resolve(step.on))
        self._watching.append(watcher)
        self._handles[step.bind] = watcher

    async def _look(self, step: Look) -> Any:
        watcher = self._resolve(step.on)
        ready = await self._watch(lambda: watcher.ready(step.frames) or None, step.timeout)
        return _PENDING if ready is _PENDING else watcher.report(step.content)

    async def _echo(self, step: Echo) -> None:
        channel = self._resolve(step.on)
        channel.addEventListener("message", lambda event: channel.send(event.data))

    def _later(self, name: str | None, promise: asyncio.Future[Any]) -> None:
        started = self._step
        if name is not None:
            self._promises[name] = promise

        def settled(done: asyncio.Future[Any]) -> None:
            if done.cancelled():
                return
            error = done.exception()
            if error is not None:
                self._record(self._outcome(started, Kind.REJECTED, None, _failure_of(error)))
                return
            self._bind(name, done.result())
            self._record(self._outcome(started, Kind.SETTLED, self._encode(done.result()), None))

        _follow(promise).add_done_callback(settled)


_OPERATIONS: Final[Mapping[type[Any], Callable[[Player, Any], Awaitable[Any]]]] = {
    New: Player._new,
    Call: Player._call,
    Get: Player._get,
    Set: Player._set,
    Settle: Player._settle,
    Wait: Player._wait,
    Pause: Player._pause,
    Track: Player._track,
    Echo: Player._echo,
    Watch: Player._watch_track,
    Look: Player._look,
}


def _member(value: Any, name: str) -> Any:
    """A property as a page reads it: of a sequence its items and its length, None for what isn't there."""
    if isinstance(value, list | tuple):
        if name == "length":
            return len(value)
        return value[int(name)] if name.isdigit() and int(name) < len(value) else None
    if isinstance(value, Mapping) and name in value:
        return value[name]
    return getattr(value, name, None)


def _interface_of(value: Any) -> str:
    name = type(value).__name__
    return str(tables()["aliases"].get(name, name))


def _failure_of(error: BaseException) -> Failure:
    details = {name: getattr(error, name, None) for name in tables()["error_details"]}
    given = {name: str(value) if isinstance(value, str) else value for name, value in details.items()}
    message = str(getattr(error, "message", error))
    return Failure(error_name(error), message, {name: value for name, value in given.items() if value is not None})


def _follow(promise: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """A future of ours that settles as `promise` does: giving up on it leaves the promise alone.

    A `Promise` settles it in the very task it is settled in, so that who waits goes on before the next queued task,
    as a page's microtasks do.
    """
    mine: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def settle(source: asyncio.Future[Any]) -> None:
        if mine.done() or source.cancelled():
            return
        error = source.exception()
        if error is None:
            mine.set_result(source.result())
        else:
            mine.set_exception(error)
            mine.exception()  # looked at: nobody may be waiting, and asyncio would complain

    if isinstance(promise, Promise):
        promise.react(settle)
    else:
        promise.add_done_callback(settle)
    return mine


async def _within(promise: asyncio.Future[Any], timeout: float) -> Any:
    """What the promise comes to, or _PENDING. Giving up on it leaves it alone."""
    mine = _follow(promise)
    if not mine.done():
        late = mine.get_loop().call_later(timeout, _give_up, mine)
        try:
            return await mine
        finally:
            late.cancel()
    return mine.result()


def _give_up(waiting: asyncio.Future[Any]) -> None:
    if not waiting.done():
        waiting.set_result(_PENDING)
