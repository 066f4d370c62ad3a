"""What came back from playing a script: an outcome per step, and the events between, in the order they happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

from harness.script.values import JSON, ScriptError, Value, from_json, to_json

__all__ = ["Entry", "Failure", "Fired", "Kind", "Outcome", "States", "Trace"]

#: handle -> attribute -> value, of every object that has states and a handle.
States: TypeAlias = Mapping[str, Mapping[str, Value]]


class Kind(StrEnum):
    """How a step ended. `PENDING`: its promise or event did not come in time; `SETTLED`: a promise nobody waited
    for.
    """

    VALUE = "value"
    EXCEPTION = "exception"
    PENDING = "pending"
    SETTLED = "settled"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Failure:
    """What was thrown: a DOMException's name ("InvalidStateError"), or the class's ("TypeError"). `detail` has an
    RTCError's further attributes."""

    name: str
    message: str = ""
    detail: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to. `time` is in seconds since the player was loaded; `sequence` orders all entries of a
    player.
    """

    step: int
    kind: Kind
    value: Value = None
    failure: Failure | None = None
    states: States = field(default_factory=dict)
    time: float = 0.0
    sequence: int = 0

    @property
    def what(self) -> str:
        return "outcome"


@dataclass(frozen=True, slots=True)
class Fired:
    """An event at the object `on`, during step `step` (or after it, before the next began). `states` are its
    target's.
    """

    step: int
    on: str
    event: str
    detail: Mapping[str, Value] = field(default_factory=dict)
    states: Mapping[str, Value] = field(default_factory=dict)
    time: float = 0.0
    sequence: int = 0

    @property
    def what(self) -> str:
        return "event"


Entry: TypeAlias = Outcome | Fired


@dataclass(frozen=True, slots=True)
class Trace:
    """The entries of one play on one endpoint."""

    endpoint: str
    entries: tuple[Entry, ...] = ()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """One per step that was played, in order."""
        late = (Kind.SETTLED, Kind.REJECTED)
        return tuple(entry for entry in self.entries if isinstance(entry, Outcome) and entry.kind not in late)

    def events(self, event: str | None = None, on: str | None = None) -> tuple[Fired, ...]:
        """The events, of one type and at one object where those are given."""
        return tuple(
            entry
            for entry in self.entries
            if isinstance(entry, Fired) and event in (None, entry.event) and on in (None, entry.on)
        )

    def outcome(self, step: int) -> Outcome:
        """The outcome of step `step`. Raises LookupError when it was not played."""
        return self.outcomes[step]

    def value(self, step: int = -1) -> Value:
        """The value of a step, the last one by default."""
        return self.outcomes[step].value

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What was thrown, in order."""
        return tuple(
            entry.failure for entry in self.entries if isinstance(entry, Outcome) and entry.failure is not None
        )

    def without_times(self) -> Trace:
        """The same with every time and sequence number 0: what two endpoints' traces are compared by."""
        return Trace(self.endpoint, tuple(replace(entry, time=0.0, sequence=0) for entry in self.entries))

    def to_json(self) -> list[JSON]:
        return [entry_to_json(entry) for entry in self.entries]

    @classmethod
    def from_json(cls, endpoint: str, data: object) -> Trace:
        """Read what a player returned. Raises ScriptError."""
        if not isinstance(data, list):
            raise ScriptError("a trace is an array of entries")
        return cls(endpoint, tuple(entry_from_json(entry) for entry in data))


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """The JSON form of an entry: what a player returns."""
    out: dict[str, Any] = {"what": entry.what, "step": entry.step, "time": entry.time, "sequence": entry.sequence}
    if isinstance(entry, Fired):
        return out | {
            "on": entry.on,
            "event": entry.event,
            "detail": to_json(entry.detail),
            "states": to_json(entry.states),
        }
    out |= {"kind": entry.kind.value, "value": to_json(entry.value), "states": to_json(entry.states)}
    if entry.failure is not None:
        failure = entry.failure
        out["failure"] = {"name": failure.name, "message": failure.message, "detail": to_json(failure.detail)}
    return out


def entry_from_json(data: object) -> Entry:
    """Read an entry. Raises ScriptError when it isn't one."""
    try:
        return _read_entry(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ScriptError(f"not an entry of a trace: {error!r}") from error


def _read_entry(data: Any) -> Entry:
    time, sequence = float(data.get("time", 0.0)), int(data.get("sequence", 0))
    states = from_json(data.get("states") or {})
    step = int(data["step"])
    if data["what"] == "event":
        detail = from_json(data.get("detail") or {})
        return Fired(step, data["on"], data["event"], detail, states, time, sequence)
    failure = None if data.get("failure") is None else failure_from_json(data["failure"])
    return Outcome(step, Kind(data["kind"]), from_json(data.get("value")), failure, states, time, sequence)


def failure_from_json(data: Any) -> Failure:
    """Read what was thrown. Raises KeyError, TypeError or AttributeError when it isn't that."""
    return Failure(data["name"], data.get("message", ""), from_json(data.get("detail") or {}))
