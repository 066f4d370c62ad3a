"""harness.bench.fuzz: what is compared is the same work, and it succeeds."""

from __future__ import annotations

import pytest

from harness.bench import fuzz
from harness.endpoints.stacks import Stacks
from harness.errors import EndpointError
from harness.script import Call, CreateOffer, Script


def test_every_benchmark_has_a_name_of_its_own() -> None:
    names = [one.name for one in fuzz.benchmarks()]
    assert len(set(names)) == len(names)
    assert {"fuzz/sdp-parse", "fuzz/signalling", "fuzz/rollback-chromium", "fuzz/rollback-firefox"} <= set(names)


def test_a_turn_is_an_offer_applied_and_taken_back() -> None:
    calls = [step.method for step in fuzz.rollbacks(2).steps if isinstance(step, Call)]
    turn = ["createOffer", "setLocalDescription", "setLocalDescription"]
    assert calls == ["createDataChannel", *turn, *turn, "close"]


def test_the_scripts_are_the_same_every_time() -> None:
    before = fuzz.negotiations()
    fuzz.negotiations.cache_clear()
    assert fuzz.negotiations() == before


@pytest.mark.parametrize("play", [fuzz.in_one_round_trip, fuzz.by_hand, fuzz.call_by_call, fuzz.generated])
async def test_every_way_does_its_work_on_the_reference(play: fuzz.Play) -> None:
    async with Stacks() as stacks:
        endpoint = await stacks.endpoint("reference")
        done = await play(endpoint)
        expected = sum(len(script.steps) for script in fuzz.negotiations()) if play is fuzz.generated else fuzz.TURNS
        assert done == expected
        assert not [move for move in endpoint.moves if move.outcome.failure] or play is fuzz.generated
        await endpoint.close()


async def test_refused_work_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "rollbacks", lambda: Script((CreateOffer("nobody"),)))
    with pytest.raises(EndpointError):
        await fuzz.per_second("reference", fuzz.in_one_round_trip)
