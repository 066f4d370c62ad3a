"""setRemoteDescription with spoilt descriptions on an endpoint: never a crash, a hang, or half of it applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from harness.fuzz.explained import unexplained
from harness.fuzz.hosts import Hosts
from harness.fuzz.sdp import spoilt
from harness.fuzz.target import Example, Played, Problem, Target
from harness.repro import render_page
from harness.script import (
    AddTransceiver,
    Call,
    Close,
    CreateAnswer,
    CreateDataChannel,
    CreatePeerConnection,
    Get,
    Kind,
    Script,
    SetLocalDescription,
    SetRemoteDescription,
    Step,
    Trace,
)

__all__ = ["SdpApply"]

# W3C "set a session description" step 4.5: what a description that can't be applied is refused with.
_REFUSALS: Final = frozenset(
    {"InvalidStateError", "InvalidAccessError", "InvalidModificationError", "OperationError", "RTCError"}
)
_REFUSED: Final = "W3C-set-a-session-description-4.5"
_APPLIED: Final = "W3C-set-a-session-description-4.7"
_PATIENCE: Final = 3.0
_AFTER: Final[Mapping[str, str]] = {
    "offer": "have-remote-offer",
    "answer": "stable",
    "pranswer": "have-remote-pranswer",
}
_SEEN: Final = (
    Get("pc", "remoteDescription"),
    Get("pc", "pendingRemoteDescription"),
    Get("pc", "currentRemoteDescription"),
    Call("pc", "getTransceivers"),
)


class SdpApply(Target):
    """setRemoteDescription on one endpoint, offers on a new connection and answers to an offer of its own."""

    name: ClassVar[str] = "sdp-apply"
    plays_scripts: ClassVar[bool] = True

    def __init__(self, endpoints: tuple[str, ...] = ("reference",)) -> None:
        super().__init__(endpoints)
        if len(endpoints) != 1:
            raise ValueError("sdp-apply is played on one endpoint")
        self._endpoint = endpoints[0]
        self._hosts = Hosts()

    def __exit__(self, *_: object) -> None:
        self._hosts.close()

    def strategy(self) -> st.SearchStrategy[Example]:
        kinds = st.sampled_from(["offer", "offer", "answer", "pranswer"])
        return st.builds(lambda kind, text: {"type": kind, **text}, kinds, spoilt())

    def script(self, example: Example) -> Script:
        """The steps; the sixth from the end is setRemoteDescription, with a look around before and after."""
        before: list[Step] = [CreatePeerConnection()]
        if example["type"] != "offer":
            before += [AddTransceiver("audio"), AddTransceiver("video"), CreateDataChannel("x"), SetLocalDescription()]
        apply = replace(SetRemoteDescription(type=example["type"], sdp=example["sdp"]), timeout=_PATIENCE)
        answer = replace(CreateAnswer(), timeout=_PATIENCE)
        return Script.of(before, _SEEN, apply, _SEEN, answer, Close())

    def play(self, example: Example) -> Played:
        trace = self._hosts.play(self._endpoint, self.script(example))
        if isinstance(trace, Problem):
            return Played.of((), replace(trace, state=example["type"]))
        at = len(trace.outcomes) - len(_SEEN) - 3
        done = trace.outcomes[at]
        ended = str(done.failure.name if done.failure else done.kind)
        cells = frozenset(f"{example['type']}: {mark} x {ended}" for mark in example["marks"])
        problem = self._judge(example["type"], trace, at)
        return Played(cells, unexplained(self.name, filter(None, [problem])))

    def _judge(self, kind: str, trace: Trace, at: int) -> Problem | None:
        done, seen = trace.outcomes[at], len(_SEEN)
        before, after = trace.outcomes[at - seen : at], trace.outcomes[at + 1 : at + 1 + seen]
        if done.kind is Kind.PENDING or trace.outcomes[at + 1 + seen].kind is Kind.PENDING:
            call = "setRemoteDescription" if done.kind is Kind.PENDING else "createAnswer"
            return self._problem("hang", f"{call} never settles", kind)
        states = done.states.get("pc", {})
        if done.failure is None:
            if states.get("signalingState") != _AFTER[kind]:
                return self._problem("state", f"{kind} leads to {states.get('signalingState')}", kind, _APPLIED)
            return None
        if done.failure.name not in _REFUSALS:
            return self._problem("error name", done.failure.name, kind, _REFUSED, done.failure.message)
        if [_shape(one.value) for one in before] != [_shape(one.value) for one in after]:
            return self._problem("half applied", "observables changed", kind, _REFUSED, done.failure.message)
        if before[-1].states.get("pc", {}).get("signalingState") != states.get("signalingState"):
            return self._problem("half applied", "signalingState changed", kind, _REFUSED, done.failure.message)
        return None

    def _problem(self, oracle: str, error: str, state: str, clause: str = "", message: str = "") -> Problem:
        return Problem(oracle, error, state, clause, self._endpoint, message)

    def files(self, example: Example) -> Mapping[str, str | bytes]:
        script = self.script(example)
        story = self._hosts.story(self._endpoint, script, f"setRemoteDescription of a spoilt {example['type']}")
        return {
            "input.sdp": example["sdp"],
            "script.json": script.serialize(),
            "repro.html": render_page(story, self.builds),
        }

    @property
    def remains(self) -> Mapping[str, bytes]:
        return self._hosts.remains

    @property
    def builds(self) -> Mapping[str, str]:
        return self._hosts.builds


def _shape(value: Any) -> Any:
    """What must not change: of objects their number, of descriptions their text."""
    return len(value) if isinstance(value, list) else value
