"""What most rows do: make two connections, connect them, tell what they agreed on, part, judge the packets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import DataChannel, PeerConnection
from harness.endpoints.reference import Reference
from harness.endpoints.stacks import Stacks
from harness.matrix import facts
from harness.matrix.row import Stage
from harness.script.steps import Echo
from harness.signaling import Rewrite, Signaling
from harness.verdict import check
from peer.api import Seams

__all__ = ["PATIENCE", "Meeting"]

#: Seconds an endpoint may take for what it does next.
PATIENCE: Final = 20.0
# Chromium answers getStats from a report that may be 50 ms old.
_STATS_AGE: Final = 0.06


@dataclass(slots=True)
class Meeting:
    """The two connections of a cell. `first` is the offerer's end of the first channel."""

    stage: Stage
    offerer: PeerConnection
    answerer: PeerConnection
    signaling: Signaling
    first: DataChannel

    @classmethod
    async def arranged(
        cls,
        stage: Stage,
        *,
        configuration: Mapping[str, Any] | None = None,
        seams: Seams | None = None,
        stacks: Stacks | None = None,
        rewrite: Rewrite | None = None,
    ) -> Meeting:
        """Two connections with this configuration and a channel, nothing negotiated.

        `seams` are the reference peer's; `stacks` make the endpoints where not the session's do; `rewrite` is what
        happens to descriptions on their way.
        """
        stage.announce("starting")
        scene, cell = stage.scene, stage.cell
        here = await _connection(await scene.endpoint(cell.offerer, stacks), configuration, seams)
        there = await _connection(await scene.endpoint(cell.answerer, stacks), configuration, seams)
        signaling = Signaling(here, there, hear=scene.hear, rewrite=rewrite)
        return cls(stage, here, there, signaling, await here.createDataChannel("peerproof"))

    @property
    def connections(self) -> tuple[PeerConnection, PeerConnection]:
        return self.offerer, self.answerer

    async def connect(self) -> None:
        """Negotiate, and wait until the channel is open and both sides say connected."""
        self.stage.announce("connecting")
        began = time.perf_counter()
        await self.signaling.negotiate()
        await self.opened(began)

    async def opened(self, began: float) -> None:
        """Wait for the channel and both states; the time since `began` becomes the fact `setup_ms`."""
        await self.first.opened(PATIENCE)
        self.stage.scene.facts["setup_ms"] = round((time.perf_counter() - began) * 1000, 1)
        await asyncio.gather(*(pc.wait_for(connectionState="connected", timeout=PATIENCE) for pc in self.connections))

    async def echoing(self) -> None:
        """From now on the answerer sends back whatever comes by the first channel."""
        other = await self.answerer.datachannel(timeout=PATIENCE)
        await other.opened(PATIENCE)
        await self.answerer.endpoint.run(Echo(other.handle))

    async def look(self, *, relayed: bool = False) -> None:
        """Find out what was agreed, from the packets and from everybody's statistics. What is `relayed` on this very
        machine is captured twice, so that counts can't agree.
        """
        self.stage.announce("judging")
        scene = self.stage.scene
        scene.collect_secrets()
        await asyncio.sleep(_STATS_AGE)
        told = {pc.endpoint.name: await facts.statistics(pc) for pc in self.connections}
        by_stats = [facts.from_stats(stats) for stats in told.values()]
        scene.facts |= facts.merge(scene.facts, facts.from_wire(scene.wire), *by_stats)
        if not relayed:
            scene.facts |= facts.witnesses(scene.recording, told)

    async def part(self) -> None:
        """Close the offerer's end; the answerer is told by the wire."""
        self.stage.announce("closing")
        await self.signaling.close()
        for pc in self.connections:
            await pc.close()
            await pc.wait_for(connectionState="closed")

    @property
    def sees_packets(self) -> bool:
        """Whether the packets of this cell were captured: the tap hears the reference peer only."""
        return self.stage.scene.recording.method == "af_packet" or "reference" in self.stage.cell.endpoints

    def judge_packets(self) -> None:
        """The order of the layers, a nomination, and that something was captured at all."""
        if not self.sees_packets:
            return
        # Here and not above: scapy takes a third of a second to import.
        from harness.capture.match import dtls, stun

        scene = self.stage.scene
        wire = scene.wire
        wire.in_order([stun.binding_request(), stun.binding_success(), dtls.client_hello(), dtls.server_hello()])
        wire.expect(stun.binding_request(use_candidate=True))
        statistics = scene.recording.statistics
        scene.facts["capture"] = {"frames": statistics.frames, "dropped": statistics.dropped}
        check(statistics.frames > 0, "no packet of this cell was captured", ledger=scene.ledger)


async def _connection(
    endpoint: Endpoint, configuration: Mapping[str, Any] | None, seams: Seams | None
) -> PeerConnection:
    if isinstance(endpoint, Reference):
        return await endpoint.peer_connection(configuration, seams=seams)
    return await endpoint.peer_connection(configuration)
