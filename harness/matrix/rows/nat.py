"""Every pair of NATs: directly where it can be, by the relay where it must; the kind of the pair is asserted.

Browsers in control nominate a relayed pair as soon as it answers: Firefox (153) puts USE-CANDIDATE into every check,
and Chromium (156) nominates what it uses and moves on later, when the other side's NAT may not be open any more. So
where a browser offers and there is a direct way, nobody is given a relay; the reference peer finds it beside one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.matrix import exchange, facts
from harness.matrix.meeting import PATIENCE
from harness.matrix.place import Place, needs_coturn, needs_namespaces, runs_in_namespaces, two_sites
from harness.matrix.row import Row, Stage
from harness.net.namespaces import Site
from harness.script.steps import Echo
from harness.signaling import Signaling
from harness.verdict import check
from peer.testing import NatKind

__all__ = ["ROW", "SWEEP", "is_direct"]


@dataclass(frozen=True, slots=True)
class _Crossing:
    """Two NATs that face each other, by the names of the table, and whether there is a way without a relay."""

    ours: str
    theirs: str
    direct: bool


_SITES: Final[Mapping[str, Site]] = {str(kind): Site(kind) for kind in NatKind} | {
    "double": Site(NatKind.PORT_RESTRICTED, double=True)
}
_SETTLING: Final = 0.05


def is_direct(ours: NatKind | None, theirs: NatKind | None) -> bool:
    """Whether there is a way without a relay: not between a symmetric NAT and one that wants to have called the very
    port.
    """
    closed = {NatKind.PORT_RESTRICTED, NatKind.SYMMETRIC}
    return not (NatKind.SYMMETRIC in (ours, theirs) and {ours, theirs} <= closed)


def _crossings(pairs: Iterable[tuple[str, str]]) -> tuple[_Crossing, ...]:
    return tuple(_Crossing(a, b, is_direct(_SITES[a].nat, _SITES[b].nat)) for a, b in pairs)


_ALL: Final = _crossings(product(_SITES, _SITES))
# What the pairs that behave differently have in common: one of each.
_FEW: Final = _crossings(
    [("port-restricted", "port-restricted"), ("full-cone", "symmetric"), ("symmetric", "symmetric")]
)
# Behind one and the same NAT of a provider: directly if that lets them turn back at its outer address.
_SHARED: Final = (_Crossing("hairpin", "hairpin", direct=True), _Crossing("no hairpin", "no hairpin", direct=False))


async def play(stage: Stage) -> None:
    # The reference peer alone meets every pair in seconds; browsers have the row `nat-all` for that.
    if stage.cell.browsers:
        await _meet_apart(stage, _FEW)
    else:
        await sweep(stage)


async def sweep(stage: Stage) -> None:
    await _meet_apart(stage, _ALL)
    stage.announce("moving behind one NAT")
    place = await stage.shelf.get("two sites of one provider", _one_provider)
    await _meet_all(stage, place, _SHARED)


def _one_provider() -> AbstractAsyncContextManager[Place]:
    return Place.built(Site(double=True), Site(double=True, shares="a"))


async def _meet_apart(stage: Stage, crossings: Iterable[_Crossing]) -> None:
    stage.announce("starting")
    await _meet_all(stage, await two_sites(stage), crossings)


async def _meet_all(stage: Stage, place: Place, crossings: Iterable[_Crossing]) -> None:
    # A row may do this at several places: what was found out before stays.
    before = stage.scene.facts.get("crossed")
    crossed: dict[str, Any] = dict(before) if isinstance(before, dict) else {}
    stage.scene.facts["crossed"] = crossed
    among = await place.endpoints(stage)
    for crossing in crossings:
        stage.announce(f"{crossing.ours} meets {crossing.theirs}")
        if crossing.ours in _SITES:
            place.lab.change_nat("a", _SITES[crossing.ours])
            place.lab.change_nat("b", _SITES[crossing.theirs])
        else:
            place.lab.set_hairpin("a", crossing.direct)
        crossed[f"{crossing.ours} - {crossing.theirs}"] = await _meet(stage, place, among, direct=crossing.direct)


async def _meet(stage: Stage, place: Place, among: tuple[Endpoint, Endpoint], *, direct: bool) -> str:
    """Connect, exchange, judge the pair, part."""
    ledger, began = stage.scene.ledger, time.perf_counter()
    relays = not direct or stage.cell.offerer == "reference"
    offerer, answerer = await place.connections(among, relays=relays)
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
    "the same for every pair of NAT kinds, double ones too, and behind one NAT with and without hairpinning",
    sweep,
    needs=_NEEDS,
    lacks=runs_in_namespaces,
    limit=240.0,
    by_default=False,
    as_case=False,
)
