"""Generated scripts of W3C calls: two connections of one endpoint that negotiate, interrupt and contradict each other.

One endpoint is checked against the model; with two, their traces are compared as well: outcome and error name of every
call, the states after it, and the order of events. A script plays in one round trip; what one connection says to the
other is a reference that the endpoint resolves, so that a script doesn't depend on what was answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from harness.fuzz.explained import unexplained
from harness.fuzz.hosts import Hosts
from harness.fuzz.model import SIDES, Conversation, Expected
from harness.fuzz.target import Example, Played, Problem, Target
from harness.repro import render_page, render_program
from harness.script import (
    AddIceCandidate,
    AddTransceiver,
    Call,
    Close,
    CreateAnswer,
    CreateDataChannel,
    CreateOffer,
    CreatePeerConnection,
    Kind,
    New,
    Outcome,
    Pause,
    Ref,
    RestartIce,
    Script,
    SetLocalDescription,
    SetRemoteDescription,
    Step,
    Trace,
)
from peer.jsep import DescriptionType, Side, SignalingState
from peer.jsep.signaling import TRANSITIONS

__all__ = ["Signalling"]

_NAMES: Final = ("a", "b")
_OTHER: Final[Mapping[str, str]] = {"a": "b", "b": "a"}
_PATIENCE: Final = 3.0
# negotiationneeded waits for an empty task queue, and how soon that is W3C leaves open.
_COMPARED: Final = frozenset({"signalingstatechange", "track"})

#: What may be done to one connection: a word of the script language -> the step it stands for.
ACTIONS: Final[Mapping[str, Callable[[str], Step]]] = {
    "local": lambda on: SetLocalDescription(on=on),
    "remote": lambda on: SetRemoteDescription(Ref(f"{_OTHER[on]}.localDescription"), on=on),
    "rollback": lambda on: SetLocalDescription(on=on, type="rollback"),
    "remote pranswer": lambda on: SetRemoteDescription(
        on=on, type="pranswer", sdp=Ref(f"{_OTHER[on]}.localDescription.sdp")
    ),
    "remote rollback": lambda on: SetRemoteDescription(on=on, type="rollback"),
    "local pranswer": lambda on: SetLocalDescription(on=on, type="pranswer"),
    "local answer": lambda on: SetLocalDescription(on=on, type="answer"),
    "local offer": lambda on: SetLocalDescription(on=on, type="offer"),
    "createOffer": lambda on: CreateOffer(on, bind=None),
    "createOffer restart": lambda on: CreateOffer(on, iceRestart=True, bind=None),
    "createAnswer": lambda on: CreateAnswer(on, bind=None),
    "add audio": lambda on: AddTransceiver("audio", on=on, bind=None),
    "add video": lambda on: AddTransceiver("video", on=on, direction="recvonly", bind=None),
    "add data": lambda on: CreateDataChannel("x", on=on, bind=None),
    "restartIce": lambda on: RestartIce(on),
    "end of candidates": lambda on: AddIceCandidate(on=on),
    "pause": lambda on: Pause(0),
    "close": lambda on: Close(on),
}
_STEPS: Final = {(on, word): action(on) for on in _NAMES for word, action in ACTIONS.items()}
# An offer that is called a provisional answer is a matter of SDP, of which browsers think differently.
_ANSWERS: Final = frozenset({DescriptionType.PRANSWER, DescriptionType.ANSWER})
# The two that make a negotiation come first and often: what hypothesis shrinks to, and what gets anywhere.
_OFTEN: Final = ("local", "remote")
_CHOICES: Final = 1000


def _spoken(choices: list[tuple[str, str | int]]) -> Example:
    """The example of drawn actions: each a word, or the number of one of those that lead somewhere by the model."""
    conversation, actions = Conversation.of(_NAMES), []
    for on, choice in choices:
        word = choice if isinstance(choice, str) else _sensible(conversation, on, choice)
        if word == "remote pranswer" and conversation.connections[_OTHER[on]].spoken() not in _ANSWERS:
            word = "remote"
        actions.append([on, word])
        if isinstance(step := _STEPS[on, word], Call):
            expected = conversation.expect(step)
            conversation.took(step, expected, succeeded=expected.may_succeed)
    return {"actions": actions}


def _sensible(conversation: Conversation, on: str, number: int) -> str:
    """One of the words that set a description that there is now, mostly one that succeeds."""
    set_now, succeed = [], []
    for word in ACTIONS:
        step = _STEPS[on, word]
        if isinstance(step, Call) and (expected := conversation.expect(step)).kind is not None:
            set_now.append(word)
            succeed += [word] * 3 * expected.may_succeed
    words = set_now + succeed
    return words[number % len(words)]


class Signalling(Target):
    """RTCPeerConnection's signalling on one endpoint, or on two to be compared."""

    name: ClassVar[str] = "signalling"
    plays_scripts: ClassVar[bool] = True

    def __init__(self, endpoints: tuple[str, ...] = ("reference",)) -> None:
        super().__init__(endpoints)
        if not 1 <= len(endpoints) <= 2:
            raise ValueError("signalling is played on one endpoint, or on two to compare them")
        self._hosts = Hosts()

    def __exit__(self, *_: object) -> None:
        self._hosts.close()

    def strategy(self) -> st.SearchStrategy[Example]:
        choice = st.one_of(st.sampled_from(_OFTEN), st.integers(0, _CHOICES), st.sampled_from(list(ACTIONS)))
        action = st.tuples(st.sampled_from(_NAMES), choice)
        # short ones to shrink to, long ones to get far
        return st.one_of(st.lists(action, min_size=2, max_size=24), st.lists(action, min_size=12, max_size=36)).map(
            _spoken
        )

    def script(self, example: Example) -> Script:
        """Two connections, data on both so that there is something to negotiate, and the actions."""
        begin = [CreatePeerConnection(bind=name) for name in _NAMES]
        data = [CreateDataChannel("x", on=name, bind=None) for name in _NAMES]
        steps = [_STEPS[on, word] for on, word in example["actions"]]
        patient = [replace(step, timeout=_PATIENCE) if isinstance(step, Call) else step for step in steps]
        return Script.of(begin, data, patient, Pause(0), [Close(name) for name in _NAMES])

    def play(self, example: Example) -> Played:
        script, cells, traces = self.script(example), set[str](), list[Trace]()
        problems: list[Problem] = []
        for endpoint in self.endpoints:
            trace = self._hosts.play(endpoint, script)
            if isinstance(trace, Problem):
                return Played(frozenset(cells), (*problems, trace))
            traces.append(trace)
            judge = _Judge(endpoint, script, trace)
            problems += judge.judge()
            cells |= judge.cells
        # What the model objects to explains a difference; it needs no second finding.
        if len(traces) > 1 and not problems and (different := _difference(script, traces[0], traces[1])):
            problems.append(different)
        return Played(frozenset(cells), unexplained(self.name, problems), steps=len(example["actions"]))

    def files(self, example: Example) -> Mapping[str, str | bytes]:
        script = self.script(example)
        story = self._hosts.story(self.endpoints[0], script, "signalling, as generated")
        return {
            "script.json": script.serialize(),
            "repro.html": render_page(story, self.builds),
            "script.py": render_program(story),
        }

    @property
    def remains(self) -> Mapping[str, bytes]:
        return self._hosts.remains

    @property
    def builds(self) -> Mapping[str, str]:
        return self._hosts.builds

    @classmethod
    def figures(cls, cells: Iterable[str]) -> dict[str, tuple[int, int]]:
        """`cells`: (state, side, type) in which a description was set or refused; `rows`: of the transition table, gone
        by; `pairs`: of rows, one of which begins where the other ends.
        """
        names = {row: ", ".join(row) for row in product(SignalingState, Side, DescriptionType)}
        wanted = {
            "cells": {f"cell: {name}" for name in names.values()},
            "rows": {f"row: {names[row]}" for row in TRANSITIONS},
            "pairs": {
                f"pair: {names[one]} > {names[two]}"
                for (one, after), two in product(TRANSITIONS.items(), TRANSITIONS)
                if two[0] is after
            },
        }
        reached = set(cells)
        return {kind: (len(all_of & reached), len(all_of)) for kind, all_of in wanted.items()}


def _words(step: Step) -> str:
    """A call with what tells it from others of its method."""
    if not isinstance(step, Call):
        return step.op
    given = step.args[0] if step.args else None
    return f"{step.method}({given['type']})" if isinstance(given, Mapping) and "type" in given else step.method


class _Judge:
    """Follows a trace with the model, step by step, and keeps the `cells` it covered."""

    def __init__(self, endpoint: str, script: Script, trace: Trace) -> None:
        self.cells = set[str]()
        self._endpoint, self._script, self._trace = endpoint, script, trace
        self._conversation = Conversation.of(_NAMES)
        self._connections = self._conversation.connections
        self._last: dict[str, str] = {}

    def judge(self) -> Iterator[Problem]:
        """Every problem up to the one after which the model no longer knows where the endpoint is."""
        for number, (step, outcome) in enumerate(zip(self._script, self._trace.outcomes, strict=False)):
            if isinstance(step, New) and outcome.failure is not None:
                yield Problem("outcome", outcome.failure.name, "new", "", self._endpoint, outcome.failure.message)
                return
            if not isinstance(step, Call):
                continue
            ended = outcome.failure.name if outcome.failure is not None else outcome.kind.value
            self.cells.add(f"{self._connections[step.on].state} x {_words(step)} x {ended}")
            found = self._step(number, step, outcome)
            if found is not None:
                yield found
            yield from self._premature(number, step.on)
            seen = outcome.states.get(step.on, {}).get("signalingState")
            if outcome.kind is Kind.PENDING or seen != self._connections[step.on].state:
                return

    def _cover(self, step: Call, before: SignalingState, expected: Expected, *, succeeded: bool) -> None:
        """What setting a description covers: its cell, the rows of the transition table, their pairs."""
        side = SIDES[step.method]
        self.cells.add(f"cell: {before}, {side}, {expected.kind}")
        # an offer that takes our own back goes by two rows
        rows = [f"{before}, {Side.LOCAL}, {DescriptionType.ROLLBACK}"] if expected.rolled_back else []
        if succeeded:
            rows.append(f"{SignalingState.STABLE if rows else before}, {side}, {expected.kind}")
        for row in rows:
            last, self._last[step.on] = self._last.get(step.on), row
            self.cells.update([f"row: {row}", *([f"pair: {last} > {row}"] if last is not None else [])])

    def _premature(self, number: int, on: str) -> Iterator[Problem]:
        """negotiationneeded while a negotiation is under way."""
        clause = "W3C-update-the-negotiation-needed-flag-2.3"
        for fired in self._trace.events("negotiationneeded", on):
            state = str(fired.states.get("signalingState"))
            if fired.step == number and state != SignalingState.STABLE:
                yield Problem("events", "negotiationneeded", state, clause, self._endpoint, f"during step {number}")

    def _step(self, number: int, step: Call, outcome: Outcome) -> Problem | None:
        connection = self._connections[step.on]
        before = connection.state
        expected = self._conversation.expect(step)
        succeeded = outcome.failure is None

        def problem(oracle: str, error: str) -> Problem:
            message = f"step {number}: {step.on}.{_words(step)}: {outcome.failure or outcome.kind}"
            return Problem(oracle, error, f"{before}, {_words(step)}", expected.clause, self._endpoint, message)

        if outcome.kind is Kind.PENDING:
            # W3C "chain an operation" step 7.3 and its like: what a closed connection promised stays unsettled.
            return None if before is SignalingState.CLOSED else problem("hang", "the promise never settles")
        self._conversation.took(step, expected, succeeded=succeeded)
        if outcome.failure is not None and outcome.failure.name not in expected.refusals:
            return problem("outcome", f"{outcome.failure.name}, not {_either(expected)}")
        if succeeded and not expected.may_succeed:
            return problem("outcome", f"success, not {_either(expected)}")
        seen = outcome.states.get(step.on, {}).get("signalingState")
        if seen != connection.state:
            return problem("state", f"{seen}, not {connection.state}")
        passed = [entry.states.get("signalingState") for entry in self._fired(number, step.on)]
        passes = [str(state) for state in (expected.passes if succeeded else expected.rolled_back)]
        if passed != passes:
            return problem("events", f"signalingstatechange to {passed}, not {passes}")
        if expected.kind is not None:
            self._cover(step, before, expected, succeeded=succeeded)
        return None

    def _fired(self, number: int, on: str) -> Iterator[Any]:
        return (fired for fired in self._trace.events("signalingstatechange", on) if fired.step == number)


def _either(expected: Expected) -> str:
    return " or ".join([*(["success"] if expected.may_succeed else []), *sorted(expected.refusals)])


def _difference(script: Script, one: Trace, other: Trace) -> Problem | None:
    """The first difference between two endpoints, named by both."""
    pair = f"{one.endpoint},{other.endpoint}"
    for number, (step, *outcomes) in enumerate(zip(script, one.outcomes, other.outcomes, strict=False)):
        if isinstance(step, New):
            continue  # the other handle may still stand for what an earlier script made
        ended = [o.failure.name if o.failure is not None else o.kind.value for o in outcomes]
        states = [str([o.states.get(name, {}).get("signalingState") for name in _NAMES]) for o in outcomes]
        said = "; ".join(f"{t.endpoint}: {o.failure or o.kind}" for t, o in zip((one, other), outcomes, strict=True))
        message = f"step {number}: {getattr(step, 'on', '')}.{_words(step)}: {said}"
        for seen in (ended, states):
            if seen[0] != seen[1]:
                return Problem("difference", " / ".join(seen), _words(step), "", pair, message)
    for name in _NAMES:
        first, second = _events(one, name), _events(other, name)
        if first != second:
            at = next((n for n, both in enumerate(zip(first, second, strict=False)) if both[0] != both[1]), -1)
            seen = [events[at] if 0 <= at < len(events) else f"{len(events)} events" for events in (first, second)]
            return Problem("difference", " / ".join(seen), "order of events", "", pair, f"{name}: {first} / {second}")
    return None


def _events(trace: Trace, name: str) -> list[str]:
    """The events of one connection in order, with the state it had then."""
    return [f"{e.event} in {e.states.get('signalingState')}" for e in trace.events(on=name) if e.event in _COMPARED]
