"""Steps and scripts there and back, and what is wrong with those that aren't any."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.script.steps import Call, Echo, Get, New, Pause, Script, Set, Settle, Step, Track, Wait
from harness.script.values import Ref, ScriptError

handles = st.text("abcdefgh123", min_size=1, max_size=6)
binds = st.none() | handles
arguments = st.lists(st.none() | st.booleans() | st.text(max_size=5) | st.builds(Ref, handles), max_size=3).map(tuple)
timeouts = st.floats(0, 10)
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(New, handles, arguments, binds),
    st.builds(Call, handles, handles, arguments, binds, st.booleans(), timeouts),
    st.builds(Get, handles, handles, binds),
    st.builds(Set, handles, handles, st.text(max_size=5)),
    st.builds(Settle, handles, timeouts),
    st.builds(Wait, handles, handles, st.none(), st.just(()), timeouts, binds),
    st.builds(Wait, handles, st.none(), handles, st.just(("a", None)), timeouts, binds),
    st.builds(Pause, timeouts),
    st.builds(Track, st.sampled_from(["audio", "video"]), binds),
    st.builds(Echo, handles),
)


@given(st.lists(steps, max_size=6))
def test_every_script_survives_its_file_form(listed: list[Step]) -> None:
    script = Script(tuple(listed))
    assert Script.parse(script.serialize()) == script


def test_defaults_are_left_out() -> None:
    assert Script.of(Call("pc", "createOffer", bind="offer")).to_json() == [
        {"op": "call", "on": "pc", "method": "createOffer", "bind": "offer"}
    ]


def test_of_flattens_runs_of_steps() -> None:
    assert Script.of(Echo("a"), [Echo("b"), Echo("c")]) == Script((Echo("a"), Echo("b"), Echo("c")))


def test_scripts_can_be_put_together() -> None:
    assert len(Script.of(Echo("a")) + Script.of(Echo("b"))) == 2


def test_duration_adds_up_what_may_be_waited_for() -> None:
    assert Script.of(Pause(1.5), Wait("pc", event="track", timeout=2), Echo("a")).duration == 3.5


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "array of steps"),
        ([1], "step 0: a step is an object"),
        ([{"op": "dance"}], "unknown operation 'dance'"),
        ([{"op": ["call"]}], "unknown operation"),
        ([{"op": "echo", "on": "a", "loud": True}], "unknown member 'loud'"),
        ([{"op": "echo"}], "missing 1 required positional argument"),
        ([{"op": "echo", "on": 3}], "on can't be 3"),
        ([{"op": "call", "on": "pc", "method": "close", "args": "x"}], "args can't be 'x'"),
        ([{"op": "call", "on": "pc", "method": "close", "awaited": 1}], "awaited can't be 1"),
        ([{"op": "wait", "on": "pc"}], "for an event or for an attribute"),
        ([{"op": "wait", "on": "pc", "event": "x", "attribute": "y"}], "give one of the two"),
        ([{"op": "wait", "on": "pc", "attribute": "y"}], "no values"),
        ([{"op": "track", "kind": "smell"}], "audio or video"),
        ([{"op": "set", "on": "a", "attribute": "b", "value": {"$number": "x"}}], "step 0: \\$number"),
    ],
)
def test_what_is_no_script_says_why(data: Any, words: str) -> None:
    with pytest.raises(ScriptError, match=words):
        Script.from_json(data)


def test_what_is_no_json_says_why() -> None:
    with pytest.raises(ScriptError, match="not JSON"):
        Script.parse("[")


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=4),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["op", "on", "call", "echo", "args", "timeout"]), x),
    )
)
def test_nothing_but_script_errors_comes_out_of_reading(data: Any) -> None:
    try:
        script = Script.from_json(json.loads(json.dumps(data)))
    except ScriptError:
        return
    assert Script.from_json(script.to_json()) == script
