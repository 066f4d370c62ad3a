"""One cell of the matrix: an offerer and an answerer connect, exchange messages and part; the capture is judged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from harness.endpoints.proxies import DataChannel, PeerConnection
from harness.errors import EndpointTimeout
from harness.matrix import exchange, facts
from harness.scene import Scene
from harness.signaling import Signaling
from harness.verdict import check

__all__ = ["Cell", "play"]

#: Told what a cell is doing, for the progress bar.
Announce: TypeAlias = Callable[[str], None]

_PATIENCE: Final = 20.0
#: A cell that takes longer than this hangs.
LIMIT: Final = 90.0
# Chromium answers getStats from a report that may be 50 ms old.
_STATS_AGE: Final = 0.06
# Text that is sent as it is: were it seen in a datagram, it would not be encrypted.
_IN_CLEAR: Final = b"this must never be seen on the wire in clear"


@dataclass(frozen=True, slots=True)
class Cell:
    """Who offers and who answers, by stack name."""

    offerer: str
    answerer: str

    def __str__(self) -> str:
        return f"{self.offerer} -> {self.answerer}"

    @property
    def endpoints(self) -> tuple[str, str]:
        return self.offerer, self.answerer


async def play(cell: Cell, scene: Scene, *, seed: int, announce: Announce = lambda _: None) -> None:
    """Play a cell to its end. What it finds out is in `scene.facts` as soon as it is known.

    Raises ConformanceFailure when what was seen is wrong, Thrown when an endpoint refuses what the other said,
    EndpointError (EndpointCrashed, EndpointTimeout) when one can't go on.
    """
    scene.facts |= facts.merge()
    try:
        async with asyncio.timeout(LIMIT):
            await _play(cell, scene, seed, announce)
    except TimeoutError as error:
        raise EndpointTimeout(f"{cell} took longer than {LIMIT:.0f} s") from error


async def _play(cell: Cell, scene: Scene, seed: int, announce: Announce) -> None:
    announce("starting")
    offerer = await (await scene.endpoint(cell.offerer)).peer_connection()
    answerer = await (await scene.endpoint(cell.answerer)).peer_connection()
    announce("connecting")
    first, signaling = await _connect(offerer, answerer, scene)
    announce("exchanging messages")
    size = await exchange.run(offerer, answerer, first, scene.ledger, seed)
    scene.facts["largest_message"] = size
    await exchange.echo(first, [_IN_CLEAR.decode()], "text", scene.ledger)
    announce("judging")
    scene.collect_secrets()
    await asyncio.sleep(_STATS_AGE)
    told = {pc.endpoint.name: await facts.statistics(pc) for pc in (offerer, answerer)}
    by_stats = [facts.from_stats(stats) for stats in told.values()]
    scene.facts |= facts.merge(scene.facts, facts.from_wire(scene.wire), *by_stats)
    scene.facts |= facts.witnesses(scene.recording, told)
    announce("closing")
    await signaling.close()
    await _part(offerer, answerer)
    _judge_wire(scene, cell)


async def _connect(offerer: PeerConnection, answerer: PeerConnection, scene: Scene) -> tuple[DataChannel, Signaling]:
    signaling = Signaling(offerer, answerer, hear=scene.hear)
    first = await offerer.createDataChannel("peerproof")
    began = time.perf_counter()
    await signaling.negotiate()
    await first.opened(_PATIENCE)
    scene.facts["setup_ms"] = round((time.perf_counter() - began) * 1000, 1)
    await asyncio.gather(
        offerer.wait_for(connectionState="connected", timeout=_PATIENCE),
        answerer.wait_for(connectionState="connected", timeout=_PATIENCE),
    )
    return first, signaling


async def _part(offerer: PeerConnection, answerer: PeerConnection) -> None:
    """Close the offerer's end; the answerer is told by the wire."""
    await offerer.close()
    await offerer.wait_for(connectionState="closed")
    await answerer.close()
    await answerer.wait_for(connectionState="closed")


def _judge_wire(scene: Scene, cell: Cell) -> None:
    """What the packets say: the order of the layers, and that nothing went in clear."""
    if scene.recording.method != "af_packet" and "reference" not in cell.endpoints:
        return  # the tap hears the reference peer only
    from harness.capture.match import datagram, dtls, stun

    wire = scene.wire
    wire.in_order([stun.binding_request(), stun.binding_success(), dtls.client_hello(), dtls.server_hello()])
    wire.expect(stun.binding_request(use_candidate=True))
    wire.never(datagram.containing(_IN_CLEAR))
    statistics = scene.recording.statistics
    scene.facts["capture"] = {"frames": statistics.frames, "dropped": statistics.dropped}
    check(statistics.frames > 0, "no packet of this cell was captured", ledger=scene.ledger)
