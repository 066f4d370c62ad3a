"""Cases about the API alone: a script, played in one round trip, and what its steps came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.cases import check
from harness.endpoints.base import Endpoint
from harness.script import (
    Call,
    CreatePeerConnection,
    Get,
    Kind,
    New,
    Outcome,
    Ref,
    Script,
    SetLocalDescription,
    SetRemoteDescription,
    Step,
    Trace,
)

__all__ = ["PAIR", "PC", "Played", "negotiate", "play", "read", "remote", "settled"]

PC: Final = CreatePeerConnection()
#: Two connections, "a" and "b".
PAIR: Final = [CreatePeerConnection(bind="a"), CreatePeerConnection(bind="b")]


def read(*paths: str) -> list[Step]:
    """Steps that read attributes, each reached from a handle: `read("pc.sctp.state")`."""
    return [Get(on, attribute) for on, _, attribute in (path.rpartition(".") for path in paths)]


def negotiate(offerer: str = "a", answerer: str = "b") -> list[Step]:
    """Steps of offer and answer between two connections of one endpoint."""
    return [
        SetLocalDescription(on=offerer),
        SetRemoteDescription(Ref(f"{offerer}.localDescription"), on=answerer),
        SetLocalDescription(on=answerer),
        SetRemoteDescription(Ref(f"{answerer}.localDescription"), on=offerer),
    ]


def settled(on: str = "a") -> Call:
    """A round trip that passes by the operations chain: what was queued before has run, a negotiationneeded too."""
    return Call(on, "getStats")


def remote(type: str, sdp: str | Ref, *, on: str = "pc") -> Call:
    """setRemoteDescription."""
    return Call(on, "setRemoteDescription", ({"type": type, "sdp": sdp},))


@dataclass(frozen=True, slots=True)
class Played:
    """A script and its trace. A step goes by the name it bound its value to, or by its words: "pc.sctp" for a reading,
    "pc.close()" for a call; by the last one, where several have it."""

    script: Script
    trace: Trace

    def __getitem__(self, name: str) -> Any:
        found = [outcome.value for step, outcome in self._pairs() if name in _names(step)]
        return found[-1]

    def gave(self, expected: Mapping[str, Any] | None = None, **named: Any) -> None:
        """That every step succeeded, and these came to these values."""
        for number, (step, outcome) in enumerate(self._pairs()):
            check(outcome.failure is None, f"step {number}, {_words(step)}, threw {outcome.failure}")
            check(outcome.kind is not Kind.PENDING, f"step {number}, {_words(step)}, did not come to an end")
        for name, value in {**(expected or {}), **named}.items():
            check(self[name] == value, f"{name} is {self[name]!r}, not {value!r}")

    def threw(self, name: str, *, step: int = -1) -> None:
        """That one step, the last by default, threw (or was rejected with) an error of this name, and none before."""
        pairs = list(self._pairs())
        for number, (one, outcome) in enumerate(pairs):
            if number == range(len(pairs))[step]:
                ended = outcome.failure.name if outcome.failure else f"gave {outcome.value!r}"
                check(ended == name, f"expected {name} of {_words(one)}, it {_threw(outcome)}")
                return
            check(outcome.failure is None, f"step {number}, {_words(one)}, threw {outcome.failure}")

    def events(self, *types: str, on: str | None = None) -> list[str]:
        """The types of the events in order: all, or those of some types, at one object."""
        return [one.event for one in self.trace.events(on=on) if not types or one.event in types]

    def _pairs(self) -> Iterator[tuple[Step, Outcome]]:
        return zip(self.script, self.trace.outcomes, strict=True)


def _threw(outcome: Outcome) -> str:
    return f"threw {outcome.failure}" if outcome.failure else f"gave {outcome.value!r}"


def _words(step: Step) -> str:
    match step:
        case Call():
            return f"{step.on}.{step.method}()"
        case Get():
            return f"{step.on}.{step.attribute}"
        case New():
            return f"new {step.interface}()"
        case _:
            return step.op


def _names(step: Step) -> tuple[str | None, str]:
    return getattr(step, "bind", None), _words(step)


async def play(endpoint: Endpoint, *steps: Step | Sequence[Step]) -> Played:
    """Play steps at an endpoint."""
    script = Script.of(*steps)
    return Played(script, await endpoint.play(script))
