"""The offerer's interface goes and comes back with another address: after an ICE restart pictures are back in 2 s.

Pictures with a counter go both ways. The interface is back at once; the restart begins, with restartIce(), when what
was on its way has been shown. A picture is back when its counter is a later one than any shown before: it was sent
by the new path. Both ends have to have one within 2 s, counted from the restart's first candidate with the new address:
how soon an endpoint notices its interfaces is not ICE's business (Chromium takes up to 3 s), and is a fact of the cell.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from harness.endpoints.proxies import PeerConnection
from harness.errors import EndpointTimeout
from harness.matrix import exchange, facts
from harness.matrix.cell import Cell
from harness.matrix.meeting import PATIENCE
from harness.matrix.place import needs_coturn, needs_namespaces, runs_in_namespaces, two_sites
from harness.matrix.row import Row, Stage
from harness.matrix.rows.media import VIDEO
from harness.net.namespaces import Site
from harness.script.steps import Echo
from harness.signaling import Signaling
from harness.verdict import check
from peer.testing import NatKind

if TYPE_CHECKING:
    from harness.endpoints.watching import Watching

__all__ = ["ROW"]

_ADDRESSES: Final = ("10.1.0.2", "10.1.0.3")
_LIMIT: Final = 2.0
# Pictures that are enough to say that video flows.
_ENOUGH: Final = 10
# Seconds in which what was on its way is shown.
_DRAINING: Final = 0.3

T = TypeVar("T")


@dataclass(slots=True)
class View:
    """What arrives at one end, and the latest counter of it."""

    at: str
    watching: Watching
    counter: int = 0

    async def flows(self) -> None:
        """Wait for some pictures. Raises EndpointTimeout."""
        self._read((await self.watching.see(_ENOUGH, timeout=PATIENCE)).counters)

    async def drained(self) -> None:
        """Take note of what has been shown so far."""
        self._read((await self.watching.see(0)).counters)

    async def back(self) -> float:
        """When the first picture was shown that is a later one than those so far (seconds since the epoch)."""
        deadline = time.monotonic() + PATIENCE
        with contextlib.suppress(EndpointTimeout):
            while (left := deadline - time.monotonic()) > 0:
                for sight in (await self.watching.see(timeout=left)).sights:
                    if sight.counter is not None and sight.counter > self.counter:
                        return sight.time
        raise EndpointTimeout(f"{self.at}: no picture came back after the change, the last one was {self.counter}")

    def _read(self, counters: list[int]) -> None:
        self.counter = max([self.counter, *counters])


async def play(stage: Stage) -> None:
    stage.announce("starting")
    place = await two_sites(stage)
    for site in ("a", "b"):
        place.lab.change_nat(site, Site(NatKind.PORT_RESTRICTED))
    ledger = stage.scene.ledger
    offerer, answerer = await place.connections(await place.endpoints(stage))
    channel = await offerer.createDataChannel("reliable")
    for pc in (offerer, answerer):
        await pc.addTrack("video", **VIDEO)
    signaling = Signaling(offerer, answerer, hear=stage.scene.hear)
    stage.announce("connecting")
    await signaling.negotiate()
    await channel.opened(PATIENCE)
    await answerer.endpoint.run(Echo((await answerer.datachannel(timeout=PATIENCE)).handle))
    await exchange.echo(channel, ["before"], "text", ledger)
    views = [await _view(pc) for pc in (offerer, answerer)]
    await _each(view.flows() for view in views)
    stage.announce("changing the address")
    before = place.lab.host("a").address
    after = next(address for address in _ADDRESSES if address != before)
    place.lab.replug("a", after)
    await asyncio.sleep(_DRAINING)
    await _each(view.drained() for view in views)
    began = time.time()
    await offerer.restartIce()
    await signaling.negotiate()
    back = max(await _each(view.back() for view in views))
    noticed = _first_candidate(offerer, after) or began
    stage.scene.facts |= {"noticed_ms": _milliseconds(noticed - began), "back_ms": _milliseconds(back - began)}
    message = f"pictures were back {back - noticed:.2f} s after the new candidate, the limit is {_LIMIT} s"
    check(back - noticed < _LIMIT, message, ledger=ledger)
    await _each(view.flows() for view in views)
    await exchange.echo(channel, ["after"], "text", ledger)
    stats = await facts.statistics(offerer)
    stage.scene.facts |= facts.merge(stage.scene.facts, facts.from_stats(stats))
    await signaling.close()
    await offerer.close()
    await answerer.close()


async def _view(pc: PeerConnection) -> View:
    # Here and not above: numpy takes a while to import.
    from harness.endpoints.watching import watch

    return View(pc.endpoint.name, await watch(await pc.track(timeout=PATIENCE)))


async def _each(work: Iterable[Awaitable[T]]) -> list[T]:
    return list(await asyncio.gather(*work))


def _first_candidate(pc: PeerConnection, address: str) -> float | None:
    """When the endpoint told its first candidate with that address (seconds since the epoch)."""
    events = pc.endpoint.fired(pc.handle, "icecandidate")
    told = (event for event in events if f" {address} " in str((event.detail["candidate"] or {}).get("candidate")))
    return next((event.time for event in told), None)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _lacks(cell: Cell) -> str:
    if cell.offerer == "firefox":
        return "Firefox (153) fails its DTLS transport when its socket refuses a datagram, as it does without interface"
    return runs_in_namespaces(cell)


ROW: Final = Row(
    "interface-change",
    "an interface goes and returns with another address; after an ICE restart pictures are back within 2 s",
    play,
    needs=(needs_namespaces, needs_coturn),
    lacks=_lacks,
    as_case=False,
)
