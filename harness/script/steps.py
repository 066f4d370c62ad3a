"""The steps a script is made of: few, frozen, and the same for every endpoint.

Objects are spoken of by handles: the name a step gave to its result with `bind`. Wherever a step names an object it may
follow attributes from there (`"pc.sctp.transport"`, `"event.channel"`). A name that no step has bound is a global: an
interface (`RTCPeerConnection`), or `navigator` in a page.

The JSON form of a step is flat: `{"op": "call", "on": "pc", "method": "createOffer", "args": [], "bind": "offer"}`;
members that have their default are left out. A player of one's own has to understand these operations and nothing more.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

from harness.script.values import JSON, ScriptError, Value, from_json, to_json

__all__ = ["Call", "Echo", "Get", "Look", "New", "Pause", "Script", "Set", "Settle", "Step", "Track", "Wait", "Watch"]

#: Seconds a step waits for its promise or event unless it says otherwise.
PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class New:
    """Construct an object: `new RTCPeerConnection(...args)`."""

    op: ClassVar[str] = "new"
    interface: str
    args: tuple[Value, ...] = ()
    bind: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Call a method. A promise it returns is waited for, unless `awaited` is false: then the script goes on, the handle
    stands for the promise, and what becomes of it is an entry of its own in the trace (`settled`)."""

    op: ClassVar[str] = "call"
    on: str
    method: str
    args: tuple[Value, ...] = ()
    bind: str | None = None
    awaited: bool = True
    timeout: float = PATIENCE


@dataclass(frozen=True, slots=True)
class Get:
    """Read an attribute."""

    op: ClassVar[str] = "get"
    on: str
    attribute: str
    bind: str | None = None


@dataclass(frozen=True, slots=True)
class Set:
    """Write an attribute."""

    op: ClassVar[str] = "set"
    on: str
    attribute: str
    value: Value = None


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait for a promise an earlier `Call(..., awaited=False)` bound."""

    op: ClassVar[str] = "settle"
    on: str
    timeout: float = PATIENCE


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for an event, or until an attribute has one of `values`.

    With `event`: the next event of that type at `on` that no Wait has taken yet, so it may have fired before; `bind`
    stands for the event. With `attribute`: at once when it holds already. Exactly one of the two is given.
    """

    op: ClassVar[str] = "wait"
    on: str
    event: str | None = None
    attribute: str | None = None
    values: tuple[Value, ...] = ()
    timeout: float = PATIENCE
    bind: str | None = None

    def __post_init__(self) -> None:
        if (self.event is None) == (self.attribute is None):
            raise ScriptError("a Wait is for an event or for an attribute: give one of the two")
        if self.attribute is not None and not self.values:
            raise ScriptError(f"Wait for {self.attribute}: no values")


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass, in seconds; 0 lets the tasks that are queued by now run."""

    op: ClassVar[str] = "pause"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Track:
    """Make a synthetic media track: a tone of `hz`, or the test picture of `peer.media.pictures`, whose counter goes up
    from `start`.

    `by_clock` both tell the time of their making: the counter is that of the pictures since the epoch (its lowest 20
    bits), the tone sounds in the first tenth of each second since.
    """

    op: ClassVar[str] = "track"
    kind: str
    bind: str | None = None
    width: int = 320
    height: int = 240
    frame_rate: int = 30
    detail: int = 0
    start: int = 0
    hz: float = 440.0
    by_clock: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("audio", "video"):
            raise ScriptError(f"a track is audio or video, not {self.kind!r}")


@dataclass(frozen=True, slots=True)
class Echo:
    """From now on send back what arrives on a channel, in the task that delivers it."""

    op: ClassVar[str] = "echo"
    on: str


@dataclass(frozen=True, slots=True)
class Watch:
    """From now on show the pictures, or play the sound, of a track; `bind` is the watcher, for `Look`."""

    op: ClassVar[str] = "watch"
    on: str
    bind: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a watcher saw or heard, once `frames` came since the last look.

    Of a picture: `{"kind": "video", "count", "sights": [[time, counter or null, width, height], ...] since the last
    look, "width", "height", "picture": RGBA bytes}`. Of sound, once there was something to hear in each of the latest
    `frames` 20 ms: `{"kind": "audio", "rate", "samples": the latest half second as 32-bit floats, little-endian}`.
    Without `content` the pixels and samples are left out.
    """

    op: ClassVar[str] = "look"
    on: str
    frames: int = 1
    content: bool = True
    timeout: float = 2 * PATIENCE


Step: TypeAlias = New | Call | Get | Set | Settle | Wait | Pause | Track | Echo | Watch | Look

_STEPS: Final[Mapping[str, type[Step]]] = {
    step.op: step for step in (New, Call, Get, Set, Settle, Wait, Pause, Track, Echo, Watch, Look)
}


# Of each kind of step the names of its members with their defaults; where there is none, what no value is equal to.
_MEMBERS: Final[Mapping[type[Any], tuple[tuple[str, Any], ...]]] = {
    kind: tuple((member.name, member.default) for member in dataclasses.fields(kind)) for kind in _STEPS.values()
}


def step_to_json(step: Step) -> dict[str, JSON]:
    """The flat form of one step."""
    out: dict[str, JSON] = {"op": step.op}
    for name, default in _MEMBERS[type(step)]:
        value = getattr(step, name)
        if value != default:
            out[name] = to_json(value)
    return out


def step_from_json(data: JSON) -> Step:
    """Read one step. Raises ScriptError with what is wrong."""
    if not isinstance(data, dict):
        raise ScriptError(f"a step is an object, not {data!r}")
    op = data.get("op")
    kind = _STEPS.get(op) if isinstance(op, str) else None
    if kind is None:
        raise ScriptError(f"unknown operation {op!r}; there are {', '.join(sorted(_STEPS))}")
    members = {member.name: member for member in dataclasses.fields(kind)}
    given: dict[str, Any] = {}
    for name, content in data.items():
        if name == "op":
            continue
        if name not in members:
            raise ScriptError(f"{op}: unknown member {name!r}")
        value = from_json(content)
        given[name] = tuple(value) if name in ("args", "values") and isinstance(value, list) else value
        _check_member(op, members[name].type, name, given[name])
    try:
        return kind(**given)
    except TypeError as error:
        raise ScriptError(f"{op}: {error}") from error


_MEMBER_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "bool": (bool,),
    "float": (int, float),
    "int": (int,),
    "tuple[Value, ...]": (tuple,),
}


def _check_member(op: object, annotation: object, name: str, value: object) -> None:
    allowed = _MEMBER_TYPES.get(str(annotation))
    if allowed is not None and not isinstance(value, allowed):
        raise ScriptError(f"{op}: {name} can't be {value!r}")


@dataclass(frozen=True, slots=True)
class Script:
    """Steps in order. Plays on every endpoint; `json.dumps(script.to_json())` is its file form."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, *steps: Step | Sequence[Step]) -> Script:
        """A script of steps and of runs of steps."""
        flat: list[Step] = []
        for step in steps:
            if isinstance(step, Sequence):
                flat.extend(step)
            else:
                flat.append(step)
        return cls(tuple(flat))

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __add__(self, other: Script) -> Script:
        return Script(self.steps + other.steps)

    @property
    def duration(self) -> float:
        """The most seconds this script may wait for promises, events and pauses."""
        return sum(getattr(step, "timeout", 0.0) or getattr(step, "seconds", 0.0) for step in self.steps)

    def to_json(self) -> list[JSON]:
        return [step_to_json(step) for step in self.steps]

    @classmethod
    def from_json(cls, data: object) -> Script:
        """Read a script. Raises ScriptError that names the step."""
        if not isinstance(data, list):
            raise ScriptError("a script is an array of steps")
        steps: list[Step] = []
        for number, entry in enumerate(data):
            try:
                steps.append(step_from_json(entry))
            except ScriptError as error:
                raise ScriptError(f"step {number}: {error}") from error
        return cls(tuple(steps))

    @classmethod
    def parse(cls, text: str) -> Script:
        """Read a script's file form."""
        try:
            return cls.from_json(json.loads(text))
        except json.JSONDecodeError as error:
            raise ScriptError(f"not JSON: {error}") from error

    def serialize(self) -> str:
        """The file form: one step a line."""
        return "[\n" + ",\n".join(json.dumps(step) for step in self.to_json()) + "\n]\n"
