"""Traces: what a player returns is read back, and says what was asked of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.script.trace import Failure, Fired, Kind, Outcome, Trace
from harness.script.values import Ref, ScriptError

STATES = {"pc": {"signalingState": "stable"}}
TRACE = Trace(
    "chromium",
    (
        Outcome(0, Kind.VALUE, Ref("pc"), None, STATES, 1.0, 0),
        Fired(1, "pc", "icecandidate", {"candidate": None}, {"signalingState": "stable"}, 2.0, 1),
        Outcome(1, Kind.SETTLED, "late", None, STATES, 2.5, 2),
        Fired(1, "channel", "message", {"data": b"\x00"}, {}, 2.75, 3),
        Outcome(1, Kind.EXCEPTION, None, Failure("RTCError", "no", {"sdpLineNumber": 3}), STATES, 3.0, 4),
    ),
)


def test_a_trace_survives_json() -> None:
    assert Trace.from_json("chromium", json.loads(json.dumps(TRACE.to_json()))) == TRACE


def test_outcomes_are_those_of_the_steps_that_were_played() -> None:
    assert [outcome.kind for outcome in TRACE.outcomes] == [Kind.VALUE, Kind.EXCEPTION]
    assert TRACE.value(0) == Ref("pc")


def test_events_are_found_by_type_and_by_object() -> None:
    assert [fired.on for fired in TRACE.events()] == ["pc", "channel"]
    assert [fired.step for fired in TRACE.events("message", on="channel")] == [1]
    assert TRACE.events("message", on="pc") == ()


def test_failures_say_what_was_thrown() -> None:
    assert [str(failure) for failure in TRACE.failures] == ["RTCError: no"]
    assert str(Failure("TypeError")) == "TypeError"


def test_without_times_two_traces_of_the_same_behaviour_are_equal() -> None:
    later = Trace("chromium", tuple(replace(entry, time=9.0) for entry in TRACE))
    assert later != TRACE
    assert later.without_times() == TRACE.without_times()


@pytest.mark.parametrize(
    "broken", [{}, [1], [{}], [{"what": "event", "step": "x"}], [{"what": "outcome", "step": 0, "kind": "odd"}]]
)
def test_what_is_no_trace_is_a_script_error(broken: object) -> None:
    with pytest.raises(ScriptError):
        Trace.from_json("x", broken)
