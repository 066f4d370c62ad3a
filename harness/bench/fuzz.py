"""Fuzzing: examples through our SDP parser, steps of generated signalling scripts, and what the harness costs a page.

The last is told by one piece of work, an offer that is applied and rolled back, done in three ways: as whole scripts of
the harness, each in one round trip; as the same code written into the page by hand; as a script of one step for every
call, each a round trip of its own. Of these the first is the benchmark's "reference", whatever endpoint plays it.
"""

from __future__ import annotations

import asyncio
import functools
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

from harness.bench.model import Benchmark, ContestantMissing
from harness.endpoints.base import Endpoint
from harness.endpoints.browser import BrowserEndpoint
from harness.endpoints.reference import Reference
from harness.endpoints.stacks import KNOWN, Stacks
from harness.errors import EndpointError, NotFound
from harness.fuzz.campaign import Campaign, Limits
from harness.fuzz.signalling import ACTIONS, Signalling
from harness.fuzz.targets import make
from harness.script import (
    Close,
    CreateDataChannel,
    CreateOffer,
    CreatePeerConnection,
    Ref,
    Script,
    SetLocalDescription,
    Step,
)
from peer.api import Offline, RTCPeerConnection, Seams

__all__ = ["benchmarks", "negotiations", "rollbacks"]

#: Plays once and returns how much was done.
Play: TypeAlias = Callable[[Endpoint], Awaitable[int]]

SEED: Final = 9
SECONDS: Final = 1.0
TURNS: Final = 20
# Fewer than usual: each begins with the start of a browser.
ROUNDS: Final = 3
_SCRIPTS: Final = 10

BY_HAND: Final = """
async (turns) => {
  const pc = new RTCPeerConnection();
  pc.createDataChannel('x');
  for (let turn = 0; turn < turns; turn++) {
    const offer = await pc.createOffer();
    await pc.setLocalDescription(offer);
    await pc.setLocalDescription({ type: 'rollback' });
  }
  pc.close();
}
"""


def rollbacks(turns: int = TURNS) -> Script:
    """A connection that makes an offer, applies it and takes it back, `turns` times."""
    turn = (
        CreateOffer("pc", bind="offer"),
        SetLocalDescription(Ref("offer"), on="pc"),
        SetLocalDescription(on="pc", type="rollback"),
    )
    begin = (CreatePeerConnection(bind="pc"), CreateDataChannel("x", on="pc", bind=None))
    return Script((*begin, *(turn * turns), Close("pc")))


@functools.cache
def negotiations() -> tuple[Script, ...]:
    """Scripts as a signalling campaign plays them, the same ones every time."""
    dice = random.Random(SEED)  # noqa: S311 - which scripts are played is no secret
    target = Signalling()
    often = ["local", "remote"] * 4
    lists = [[[dice.choice("ab"), dice.choice([*often, *ACTIONS])] for _ in range(16)] for _ in range(_SCRIPTS)]
    return tuple(target.script({"actions": actions}) for actions in lists)


def parsed() -> float:
    """Examples of the `sdp-parse` campaign per second: hypothesis, parser, oracle and coverage."""
    with tempfile.TemporaryDirectory(prefix="peerproof-") as folder, make("sdp-parse") as target:
        begin = time.perf_counter()
        done = Campaign(target, Path(folder), seed=SEED, limits=Limits(2 * SECONDS, None)).run()
        return done.examples / (time.perf_counter() - begin)


async def generated(endpoint: Endpoint) -> int:
    for script in negotiations():
        await endpoint.play(script)
    return sum(len(script.steps) for script in negotiations())


async def in_one_round_trip(endpoint: Endpoint) -> int:
    await endpoint.play(rollbacks())
    return TURNS


async def call_by_call(endpoint: Endpoint) -> int:
    steps: tuple[Step, ...] = rollbacks().steps
    for step in steps:
        await endpoint.play([step])
    return TURNS


async def by_hand(endpoint: Endpoint) -> int:
    if isinstance(endpoint, BrowserEndpoint):
        await endpoint.page.evaluate(BY_HAND, TURNS)
        return TURNS
    pc = RTCPeerConnection(seams=Seams(edge=Offline))
    pc.createDataChannel("x")
    for _ in range(TURNS):
        offer = await pc.createOffer()
        await pc.setLocalDescription(offer)
        await pc.setLocalDescription({"type": "rollback"})
    pc.close()
    return TURNS


async def per_second(stack: str, play: Play) -> float:
    """How much `play` does in a second on a fresh endpoint, after a first time that doesn't count.

    Raises EndpointError where the endpoint refuses the work: a refusal is soon made.
    """
    async with Stacks() as stacks:
        try:
            endpoint = await stacks.endpoint(stack)
        except NotFound as error:
            raise ContestantMissing(str(error)) from error
        if isinstance(endpoint, Reference):
            endpoint.seams = Seams(edge=Offline)
        trace = await endpoint.play(rollbacks())
        if failed := [outcome.failure for outcome in trace.outcomes if outcome.failure is not None]:
            raise EndpointError(f"{stack}: {failed[0].name}: {failed[0].message}")
        await play(endpoint)
        count, taken = 0, 0.0
        while taken < SECONDS:
            # What a play leaves behind is no part of it.
            endpoint.entries.clear()
            endpoint.moves.clear()
            await endpoint.reset()
            begin = time.perf_counter()
            count += await play(endpoint)
            taken += time.perf_counter() - begin
        await endpoint.close()
        return count / taken


def on(stack: str, play: Play) -> Callable[[], float]:
    return lambda: asyncio.run(per_second(stack, play))


def benchmarks() -> list[Benchmark]:
    ways = {"reference": in_one_round_trip, "by hand": by_hand, "call by call": call_by_call}
    return [
        Benchmark("fuzz/sdp-parse", "examples/s", {"reference": parsed}),
        Benchmark("fuzz/signalling", "steps/s", {name: on(name, generated) for name in KNOWN}, rounds=ROUNDS),
        *(
            Benchmark(
                f"fuzz/rollback-{name}",
                "rollbacks/s",
                {way: on(name, play) for way, play in ways.items()},
                rounds=ROUNDS,
                why="the harness encodes every outcome and reads every state after each step",
            )
            for name in KNOWN
        ),
    ]
