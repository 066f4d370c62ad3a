"""The judge sees what differs from the model, and two endpoints that differ from each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.fuzz.hosts import Hosts
from harness.fuzz.model import Connection
from harness.fuzz.signalling import ACTIONS, Signalling, _difference, _Judge
from harness.fuzz.target import Problem
from harness.script import Failure, Fired, Kind, Outcome, Script, Trace
from peer.jsep import SignalingState
from peer.jsep.signaling import TRANSITIONS

GLARE = {
    "actions": [["a", "local"], ["b", "local"], ["a", "remote"], ["b", "rollback"], ["a", "local"], ["b", "close"]]
}


@pytest.fixture(name="played", scope="module")
def _played() -> tuple[Script, Trace]:
    with Signalling() as target:
        script = target.script(GLARE)
        hosts = Hosts()
        trace = hosts.play("reference", script)
        hosts.close()
    assert isinstance(trace, Trace)
    return script, trace


def judged(script: Script, trace: Trace) -> list[Problem]:
    return list(_Judge("reference", script, trace).judge())


def changed(trace: Trace, step: int, **fields: object) -> Trace:
    """The trace with another outcome of one step."""
    entries = [
        replace(entry, **fields) if isinstance(entry, Outcome) and entry.step == step else entry  # type: ignore[arg-type]  # by name
        for entry in trace
    ]
    return Trace(trace.endpoint, tuple(entries))


def test_the_reference_peer_does_as_the_model_says(played: tuple[Script, Trace]) -> None:
    script, trace = played
    assert judged(script, trace) == []
    # glare: a's own offer is taken back for b's, and its answer is final
    states = [outcome.states["a"]["signalingState"] for outcome in trace.outcomes[4:9]]
    assert states == ["have-local-offer", "have-local-offer", "have-remote-offer", "have-remote-offer", "stable"]


def test_another_error_is_seen(played: tuple[Script, Trace]) -> None:
    script, trace = played
    spoilt = changed(trace, 5, kind=Kind.EXCEPTION, failure=Failure("KeyError"))
    assert judged(script, spoilt)[0].error == "KeyError, not success"


def test_a_promise_that_never_settles_is_seen(played: tuple[Script, Trace]) -> None:
    script, trace = played
    assert judged(script, changed(trace, 5, kind=Kind.PENDING))[0].oracle == "hang"


def test_another_state_is_seen(played: tuple[Script, Trace]) -> None:
    script, trace = played
    (problem,) = judged(script, changed(trace, 6, states={"a": {"signalingState": "stable"}}))
    assert (problem.oracle, problem.clause) == ("state", "W3C-RTCPeerConnection.setRemoteDescription-3.1.1")


def test_a_missing_event_is_seen_and_the_states_of_a_rollback_are_two(played: tuple[Script, Trace]) -> None:
    script, trace = played
    entries = [e for e in trace if not (isinstance(e, Fired) and e.event == "signalingstatechange" and e.step == 6)]
    (problem,) = judged(script, Trace("reference", tuple(entries)))
    assert problem.error == "signalingstatechange to [], not ['stable', 'have-remote-offer']"


def test_negotiationneeded_during_a_negotiation_is_seen(played: tuple[Script, Trace]) -> None:
    script, trace = played
    early = Fired(4, "a", "negotiationneeded", states={"signalingState": "have-local-offer"})
    (problem,) = judged(script, Trace("reference", (*trace.entries, early)))
    assert problem.clause == "W3C-update-the-negotiation-needed-flag-2.3"


def test_two_traces_are_compared(played: tuple[Script, Trace]) -> None:
    script, trace = played
    assert _difference(script, trace, trace) is None
    other = changed(trace, 8, kind=Kind.EXCEPTION, failure=Failure("OperationError"))
    different = _difference(script, trace, other)
    assert different is not None
    assert different.error == "value / OperationError"
    late = Trace("other", tuple(entry for entry in trace if not isinstance(entry, Fired)))
    different = _difference(script, trace, late)
    assert different is not None
    assert different.state == "order of events"


@pytest.mark.parametrize("state", SignalingState)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_model_has_an_opinion_of_every_action_in_every_state(action: str, state: SignalingState) -> None:
    step = ACTIONS[action]("a")
    expected = Connection(state).expect(getattr(step, "method", ""), None)
    assert expected.may_succeed or expected.refusals


def test_rows_and_pairs_are_counted(played: tuple[Script, Trace]) -> None:
    script, trace = played
    judge = _Judge("reference", script, trace)
    assert list(judge.judge()) == []
    cells = judge.cells
    # a offers and takes it back for b's offer, which isn't a row of its own; b takes its offer back, a answers
    assert "row: stable, local, offer" in cells
    assert "pair: stable, local, offer > have-local-offer, local, rollback" in cells
    counted = Signalling.figures(cells)
    assert counted["rows"][0] == sum(cell.startswith("row: ") for cell in cells)
    assert counted["pairs"][0] == sum(cell.startswith("pair: ") for cell in cells)
    assert counted["rows"][1] == len(TRANSITIONS)
    assert counted["cells"] == (sum(cell.startswith("cell: ") for cell in cells), 48)
