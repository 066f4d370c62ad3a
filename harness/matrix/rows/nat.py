"""Every pair of NATs: directly where it can be, by the relay where it must; the kind of the pair is asserted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.matrix import exchange, facts
from harness.matrix.meeting import PATIENCE
from harness.matrix.place import Place, needs_coturn, needs_namespaces, runs_in_namespaces
from harness.matrix.row import Row, Stage
from harness.net.namespaces import Site
from harness.script.steps import Echo
from harness.signaling import Signaling
from harness.verdict import check
from peer.testing import NatKind

__all__ = ["ROW", "SWEEP", "is_direct"]

# What the pairs that behave differently have in common: one of each.
_FEW: Final = (
    (NatKind.PORT_RESTRICTED, NatKind.PORT_RESTRICTED),
    (NatKind.FULL_CONE, NatKind.SYMMETRIC),
    (NatKind.SYMMETRIC, NatKind.SYMMETRIC),
)
_ALL: Final = tuple(product(NatKind, NatKind))
_SETTLING: Final = 0.05


def is_direct(ours: NatKind, theirs: NatKind) -> bool:
    """Whether there is a way without a relay: not between a symmetric NAT and one that wants to have called the very
    port.
    """
    closed = {NatKind.PORT_RESTRICTED, NatKind.SYMMETRIC}
    return not (NatKind.SYMMETRIC in (ours, theirs) and {ours, theirs} <= closed)


async def play(stage: Stage) -> None:
    # The reference peer alone meets every pair in seconds; browsers have the row `nat-all` for that.
    await _meet_all(stage, _FEW if stage.cell.browsers else _ALL)


async def sweep(stage: Stage) -> None:
    await _meet_all(stage, _ALL)


async def _meet_all(stage: Stage, pairs: tuple[tuple[NatKind, NatKind], ...]) -> None:
    crossed: dict[str, Any] = {}
    stage.scene.facts["crossed"] = crossed
    stage.announce("starting")
    place = await stage.shelf.get("two sites behind NATs", lambda: Place.built(Site(), Site()))
    among = await place.endpoints(stage)
    for ours, theirs in pairs:
        stage.announce(f"{ours} meets {theirs}")
        place.lab.change_nat("a", ours)
        place.lab.change_nat("b", theirs)
        crossed[f"{ours} - {theirs}"] = await _meet(stage, place, among, direct=is_direct(ours, theirs))


async def _meet(stage: Stage, place: Place, among: tuple[Endpoint, Endpoint], *, direct: bool) -> str:
    """Connect, exchange, judge the pair, part."""
    ledger, began = stage.scene.ledger, time.perf_counter()
    offerer, answerer = await place.connections(among)
    channel = await offerer.createDataChannel("peerproof")
    signaling = Signaling(offerer, answerer, hear=stage.scene.hear)
    await signaling.negotiate()
    await channel.opened(PATIENCE)
    other = await answerer.datachannel(timeout=PATIENCE)
    await answerer.endpoint.run(Echo(other.handle))
    await exchange.echo(channel, ["through the NATs"], "text", ledger)
    setup = round((time.perf_counter() - began) * 1000)
    pair = await _pair(offerer, direct=direct)
    words = "directly" if direct else "by the relay"
    check(_is_relayed(pair) is not direct, f"these NATs are crossed {words}, the pair is {pair}", ledger=ledger)
    await signaling.close()
    await offerer.close()
    await answerer.close()
    return f"{pair}, {setup} ms"


def _is_relayed(pair: str | None) -> bool:
    return pair is not None and "relay " in pair


async def _pair(pc: PeerConnection, *, direct: bool) -> str | None:
    """The pair in use. Browsers begin with whatever pair answers first and move on: a direct one is waited for."""
    deadline = time.perf_counter() + PATIENCE
    while True:
        stats: Mapping[str, Mapping[str, Any]] = await facts.statistics(pc)
        transport = next((entry for entry in stats.values() if entry.get("type") == "transport"), {})
        pair = facts.ice_pair(stats, transport)
        if _is_relayed(pair) is not direct or time.perf_counter() > deadline:
            return pair
        await asyncio.sleep(_SETTLING)


_NEEDS: Final = (needs_namespaces, needs_coturn)

ROW: Final = Row(
    "nat",
    "both behind NATs: directly where the kinds allow it, else by the relay",
    play,
    needs=_NEEDS,
    lacks=runs_in_namespaces,
    as_case=False,
)
SWEEP: Final = Row(
    "nat-all",
    "the same for every pair of NAT kinds",
    sweep,
    needs=_NEEDS,
    lacks=runs_in_namespaces,
    by_default=False,
    as_case=False,
)
