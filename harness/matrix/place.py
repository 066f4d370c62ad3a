"""Places: where rows that need a network of their own put their endpoints, each behind something of its own.

async with Place.built(stage, {"a": Site(...), "b": Site(...)}) as place:
    pc = await place.connection(stage.cell.offerer, "a")
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.browsers import Launch
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.endpoints.reference import Reference
from harness.endpoints.stacks import KNOWN, Stacks
from harness.matrix.cell import Cell
from harness.matrix.row import Stage
from harness.net.coturn import Coturn, CoturnUnavailableError, find_turnserver
from harness.net.namespaces import Lab, Namespace, Site, why_unavailable
from peer.api import Seams
from peer.ice.edge import Selection

__all__ = ["Place", "needs_coturn", "needs_namespaces", "runs_in_namespaces", "two_sites"]


def needs_coturn() -> str:
    """Why there is no TURN server; empty when there can be one."""
    try:
        find_turnserver()
    except CoturnUnavailableError as error:
        return str(error)
    return ""


@cache
def needs_namespaces() -> str:
    """Why there are no networks of our own; empty when there can be."""
    return why_unavailable() or ""


def runs_in_namespaces(cell: Cell) -> str:
    """Which endpoint of a cell can't be put into a namespace; empty when all can."""
    strange = [name for name in cell.endpoints if name not in KNOWN]
    return f"{strange[0]} is a program of yours: start it in a namespace yourself" if strange else ""


@dataclass(slots=True)
class Place:
    """A network with two sites, `a` and `b`, and a TURN and STUN server outside; each site has browsers of its own."""

    lab: Lab
    server: Coturn
    _stacks: Mapping[str, Stacks]

    @classmethod
    @contextlib.asynccontextmanager
    async def built(cls, a: Site, b: Site) -> AsyncIterator[Place]:
        """Build it; everything in it is ended afterwards."""
        async with contextlib.AsyncExitStack() as exits:
            folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="peerproof-"))
            lab = exits.enter_context(Lab.build({"a": a, "b": b}))
            started = Coturn.started(Path(folder), host=lab.server_address, prefix=lab.server.prefix)
            server = await exits.enter_async_context(started)
            stacks = {
                site: await exits.enter_async_context(Stacks(launch=Launch(inside=lab.host(site).prefix)))
                for site in ("a", "b")
            }
            yield cls(lab, server, stacks)

    def configuration(self, *, relays: bool = True) -> dict[str, Any]:
        """STUN, and TURN by UDP unless it is left out."""
        username, credential = self.server.credentials()
        turn = {"urls": [self.server.url("udp")], "username": username, "credential": credential}
        return {"iceServers": [{"urls": [self.server.stun_url]}, *([turn] if relays else [])]}

    async def endpoints(self, stage: Stage) -> tuple[Endpoint, Endpoint]:
        """The cell's two: who offers at site a, who answers at site b."""
        scene, cell = stage.scene, stage.cell
        return (
            await scene.endpoint(cell.offerer, self._stacks["a"]),
            await scene.endpoint(cell.answerer, self._stacks["b"]),
        )

    async def connections(
        self, among: tuple[Endpoint, Endpoint], *, relays: bool = True
    ) -> tuple[PeerConnection, PeerConnection]:
        """A new connection of each."""
        configuration = self.configuration(relays=relays)
        here, there = among
        return await self._connection(here, "a", configuration), await self._connection(there, "b", configuration)

    async def _connection(self, endpoint: Endpoint, site: str, configuration: dict[str, Any]) -> PeerConnection:
        if isinstance(endpoint, Reference):
            return await endpoint.peer_connection(configuration, seams=_at(self.lab.host(site)))
        return await endpoint.peer_connection(configuration)


async def two_sites(stage: Stage) -> Place:
    """Two sites behind NATs of their own, which `Lab.change_nat` changes; the same for all rows of a run."""
    return await stage.shelf.get("two sites behind NATs", lambda: Place.built(Site(double=True), Site(double=True)))


def _at(host: Namespace) -> Seams:
    return Seams(interfaces=Selection(loopback=False, others=True), gather={"enter": host.entered})
