"""The offerer's interface goes down and comes back with another address: after an ICE restart data are back in 2 s.

The 2 s begin when the offerer has a candidate with the new address: how soon an endpoint notices its interfaces is not
ICE's business (Chromium takes up to 1.5 s).
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from harness.endpoints.proxies import DataChannel, PeerConnection
from harness.errors import EndpointTimeout
from harness.matrix import exchange, facts
from harness.matrix.cell import Cell
from harness.matrix.meeting import PATIENCE
from harness.matrix.place import needs_coturn, needs_namespaces, runs_in_namespaces, two_sites
from harness.matrix.row import Row, Stage
from harness.net.namespaces import Site
from harness.script.steps import Echo
from harness.signaling import Signaling
from harness.verdict import check
from peer.testing import NatKind

__all__ = ["ROW"]

_ADDRESSES: Final = ("10.1.0.2", "10.1.0.3")
_LIMIT: Final = 2.0
_BEAT: Final = 0.05
# No retransmission hides how long the path was gone.
_AS_MEDIA: Final = {"ordered": False, "maxRetransmits": 0}


async def play(stage: Stage) -> None:
    stage.announce("starting")
    place = await two_sites(stage)
    for site in ("a", "b"):
        place.lab.change_nat(site, Site(NatKind.PORT_RESTRICTED))
    ledger = stage.scene.ledger
    offerer, answerer = await place.connections(await place.endpoints(stage))
    reliable = await offerer.createDataChannel("reliable")
    beating = await offerer.createDataChannel("beating", _AS_MEDIA)
    signaling = Signaling(offerer, answerer, hear=stage.scene.hear)
    stage.announce("connecting")
    await signaling.negotiate()
    for channel in (reliable, beating):
        await channel.opened(PATIENCE)
        other = await answerer.datachannel(timeout=PATIENCE)
        await answerer.endpoint.run(Echo(other.handle))
    await exchange.echo(reliable, ["before"], "text", ledger)
    stage.announce("changing the address")
    before = place.lab.host("a").address
    after = next(address for address in _ADDRESSES if address != before)
    place.lab.replug("a", after)
    began = time.perf_counter()
    await offerer.restartIce()
    await signaling.negotiate()
    noticed, back = await _until_back(offerer, beating, after)
    stage.scene.facts |= {"noticed_ms": _since(began, noticed), "silence_ms": _since(began, back)}
    message = f"data were back {back - noticed:.2f} s after the new candidate, the limit is {_LIMIT} s"
    check(back - noticed < _LIMIT, message, ledger=ledger)
    await exchange.echo(reliable, ["after"], "text", ledger)
    stats = await facts.statistics(offerer)
    stage.scene.facts |= facts.merge(stage.scene.facts, facts.from_stats(stats))
    await signaling.close()
    await offerer.close()
    await answerer.close()


async def _until_back(pc: PeerConnection, channel: DataChannel, address: str) -> tuple[float, float]:
    """When a candidate with that address was there, and when a message came back by a channel that repeats none."""
    started, sent, noticed = time.perf_counter(), 0, None
    while not channel.messages:
        now = time.perf_counter()
        if now - started > PATIENCE:
            raise EndpointTimeout(f"{channel.endpoint.name}: nothing came back after the change, {sent} were sent")
        await channel.send(f"{sent}")
        sent += 1
        if noticed is None and _has_candidate(pc, address):
            noticed = now
        await asyncio.sleep(_BEAT)
    back = time.perf_counter()
    return noticed or back, back


def _has_candidate(pc: PeerConnection, address: str) -> bool:
    events = pc.endpoint.fired(pc.handle, "icecandidate")
    return any(f" {address} " in str((event.detail["candidate"] or {}).get("candidate")) for event in events)


def _since(began: float, moment: float) -> int:
    return round((moment - began) * 1000)


def _lacks(cell: Cell) -> str:
    if cell.offerer == "firefox":
        return "Firefox (153) fails its DTLS transport when its socket refuses a datagram, as it does without interface"
    return runs_in_namespaces(cell)


ROW: Final = Row(
    "interface-change",
    "an interface goes down and returns with another address; after an ICE restart data are back within 2 s",
    play,
    needs=(needs_namespaces, needs_coturn),
    lacks=_lacks,
    as_case=False,
)
