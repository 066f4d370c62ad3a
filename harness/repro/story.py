"""A story: everything the endpoints of a case were asked to do, in the order it was done, ready to be done again.

What was said in the case is not what will be said the next time: a description or candidate that came from the other
endpoint is replaced by `Spoken`, "the local description that connection has by then", and single candidates by one
`Trickles`, "carry the candidates of these two connections to each other from here on".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from harness.endpoints.base import Move
from harness.script.steps import Call, New, Script, Step, step_from_json, step_to_json
from harness.script.trace import Fired, Kind
from harness.script.values import JSON, Ref, ScriptError, Value

__all__ = ["Act", "Chapter", "Spoken", "Story", "Trickles", "of_script", "tell"]

# A message larger than this is replaced by as many zero bytes: what is in it has not mattered yet.
_LARGEST_LITERAL: Final = 256


@dataclass(frozen=True, slots=True)
class Act:
    """One step of one endpoint, and how it ended: "value", or the name of what was thrown."""

    endpoint: str
    step: Step
    ended: str = Kind.VALUE.value


@dataclass(frozen=True, slots=True)
class Spoken:
    """The description of `type` that the connection `handle` of `endpoint` has made last."""

    endpoint: str
    handle: str
    type: str


@dataclass(frozen=True, slots=True)
class Trickles:
    """From here on the candidates of two connections go to each other: (endpoint, handle) twice."""

    one: tuple[str, str]
    other: tuple[str, str]


Chapter: TypeAlias = Act | Trickles


@dataclass(frozen=True, slots=True)
class Story:
    """`stacks` maps each endpoint of the story to what it is; `spoken` gives, by position, the remote description an
    act applies."""

    title: str
    stacks: Mapping[str, str]
    chapters: tuple[Chapter, ...]
    spoken: Mapping[int, Spoken]

    def to_json(self) -> dict[str, JSON]:
        """The form `from_json` reads."""
        return {
            "title": self.title,
            "stacks": dict(self.stacks),
            "chapters": [_chapter_to_json(chapter) for chapter in self.chapters],
            "spoken": {str(at): [said.endpoint, said.handle, said.type] for at, said in self.spoken.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Story:
        """Read a story. Raises ScriptError."""
        try:
            return cls(
                data["title"],
                dict(data["stacks"]),
                tuple(_chapter_from_json(chapter) for chapter in data["chapters"]),
                {int(at): Spoken(*said) for at, said in data["spoken"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ScriptError(f"not a story: {error!r}") from error


def _chapter_to_json(chapter: Chapter) -> dict[str, JSON]:
    if isinstance(chapter, Trickles):
        return {"trickles": [list(chapter.one), list(chapter.other)]}
    return {"endpoint": chapter.endpoint, "ended": chapter.ended, "step": step_to_json(chapter.step)}


def _chapter_from_json(data: Mapping[str, Any]) -> Chapter:
    if "trickles" in data:
        one, other = data["trickles"]
        return Trickles((one[0], one[1]), (other[0], other[1]))
    return Act(data["endpoint"], step_from_json(data["step"]), data["ended"])


def of_script(script: Script, stack: str, title: str = "") -> Story:
    """The story of one script on one endpoint."""
    return Story(title or f"a script on {stack}", {stack: stack}, tuple(Act(stack, step) for step in script), {})


def tell(title: str, stacks: Mapping[str, str], moves: Iterable[Move], fired: Mapping[str, Iterable[Fired]]) -> Story:
    """The story of a case: `moves` of all its endpoints, and the events each of them saw (`fired`)."""
    return _Teller(title, stacks, fired).tell(sorted(moves, key=lambda move: move.outcome.time))


class _Teller:
    def __init__(self, title: str, stacks: Mapping[str, str], fired: Mapping[str, Iterable[Fired]]) -> None:
        self._title = title
        self._stacks = stacks
        self._candidates = {
            str(event.detail["candidate"]["candidate"]): (endpoint, event.on)
            for endpoint, events in fired.items()
            for event in events
            if event.event == "icecandidate" and isinstance(event.detail.get("candidate"), Mapping)
        }
        self._said: dict[str, Spoken] = {}
        self._chapters: list[Chapter] = []
        self._spoken: dict[int, Spoken] = {}
        self._trickling: set[frozenset[tuple[str, str]]] = set()

    def tell(self, moves: Iterable[Move]) -> Story:
        for move in moves:
            self._take(move)
        return Story(self._title, self._stacks, tuple(self._chapters), self._spoken)

    def _take(self, move: Move) -> None:
        step = move.step
        if isinstance(step, Call) and step.method == "addIceCandidate" and self._trickles(move, step):
            return
        if isinstance(step, Call) and step.method == "setRemoteDescription":
            self._live(step)
        self._listen(move)
        failure = move.outcome.failure
        ended = move.outcome.kind.value if failure is None else failure.name
        self._chapters.append(Act(move.endpoint, _lightened(step), ended))

    def _listen(self, move: Move) -> None:
        """Note what an endpoint says of itself, by its text."""
        value, step = move.outcome.value, move.step
        if isinstance(step, New) or not isinstance(value, Mapping) or not isinstance(sdp := value.get("sdp"), str):
            return
        handle = getattr(step, "on", "")
        self._said.setdefault(sdp, Spoken(move.endpoint, handle, str(value.get("type"))))

    def _live(self, step: Call) -> None:
        description = step.args[0] if step.args else None
        said = self._said.get(str(description.get("sdp"))) if isinstance(description, Mapping) else None
        if said is not None:
            self._spoken[len(self._chapters)] = said

    def _trickles(self, move: Move, step: Call) -> bool:
        """Whether this candidate is the other side's own: then it is carried, not repeated."""
        candidate = step.args[0] if step.args else None
        sink = (move.endpoint, step.on)
        if candidate is None or (isinstance(candidate, Mapping) and candidate.get("candidate") == ""):
            return any(sink in pair for pair in self._trickling)
        source = self._candidates.get(str(candidate.get("candidate"))) if isinstance(candidate, Mapping) else None
        if source is None or source == sink:
            return False
        pair = frozenset({source, sink})
        if pair not in self._trickling:
            self._trickling.add(pair)
            self._chapters.append(Trickles(source, sink))
        return True


def _lightened(step: Step) -> Step:
    """The step without what would bloat a reproducer: large messages."""
    if not isinstance(step, Call) or step.method != "send":
        return step
    return replace(step, args=tuple(_light(argument) for argument in step.args))


def _light(value: Value) -> Value:
    if isinstance(value, bytes) and len(value) > _LARGEST_LITERAL:
        return Ref(f"zeros:{len(value)}")
    if isinstance(value, str) and len(value) > _LARGEST_LITERAL:
        return "x" * _LARGEST_LITERAL
    return value
