"""One cell of the matrix: an offerer and an answerer connect, exchange messages and part; the capture is judged."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from harness.errors import EndpointCrashed, EndpointError, EndpointTimeout, Thrown
from harness.endpoints.proxies import DataChannel, PeerConnection
from harness.matrix import exchange, facts
from harness.results import Fact
from harness.scene import Scene
from harness.signaling import Signaling
from harness.verdict import ConformanceFailure, Verdict, check

__all__ = ["Cell", "Outcome", "play"]

#: Told what a cell is doing, for the progress bar.
Announce: TypeAlias = Callable[[str], None]

_PATIENCE: Final = 20.0
#: A cell that takes longer than this hangs.
LIMIT: Final = 90.0
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


@dataclass(slots=True)
class Outcome:
    """What became of a cell."""

    verdict: Verdict = Verdict.PASS
    message: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)


async def play(cell: Cell, scene: Scene, *, seed: int, announce: Announce = lambda _: None) -> Outcome:
    """Play a cell to its end, whatever happens: every way to fail has its verdict. Closes the scene."""
    outcome = Outcome(facts=facts.merge())
    try:
        async with asyncio.timeout(LIMIT):
            await _play(cell, scene, outcome, seed, announce)
            outcome.verdict = scene.ledger.verdict
    except (ConformanceFailure, EndpointError, Thrown, TimeoutError) as error:
        outcome.verdict, outcome.message = _verdict_of(error), _message_of(error)
    except Exception as error:  # noqa: BLE001  (a bug of ours in one cell must not take the others with it)
        outcome.verdict, outcome.message = Verdict.ERROR, "".join(traceback.format_exception(error))
    finally:
        await scene.close()
    return outcome


def _verdict_of(error: Exception) -> Verdict:
    match error:
        case ConformanceFailure() | Thrown():
            return Verdict.FAIL
        case EndpointTimeout() | TimeoutError():
            return Verdict.TIMEOUT
        case EndpointCrashed():
            return Verdict.CRASH
        case _:
            return Verdict.ERROR


def _message_of(error: Exception) -> str:
    if isinstance(error, Thrown):
        return f"an endpoint refused what the other one said: {error}"
    if isinstance(error, TimeoutError):
        return f"the cell took longer than {LIMIT:.0f} s"
    return str(error)


async def _play(cell: Cell, scene: Scene, outcome: Outcome, seed: int, announce: Announce) -> None:
    announce("starting")
    offerer = await (await scene.endpoint(cell.offerer)).peer_connection()
    answerer = await (await scene.endpoint(cell.answerer)).peer_connection()
    announce("connecting")
    first, signaling = await _connect(offerer, answerer, scene, outcome)
    announce("exchanging messages")
    size = await exchange.run(offerer, answerer, first, scene.ledger, seed)
    outcome.facts["largest_message"] = size
    await exchange.echo(first, [_IN_CLEAR.decode()], "text", scene.ledger)
    announce("judging")
    scene.collect_secrets()
    mine, theirs = await facts.from_stats(offerer), await facts.from_stats(answerer)
    outcome.facts |= facts.merge(facts.from_wire(scene.wire), mine, theirs, outcome.facts)
    announce("closing")
    await signaling.close()
    await _part(offerer, answerer)
    _judge_wire(scene, cell)


async def _connect(
    offerer: PeerConnection, answerer: PeerConnection, scene: Scene, outcome: Outcome
) -> tuple[DataChannel, Signaling]:
    signaling = Signaling(offerer, answerer, hear=scene.hear)
    first = await offerer.createDataChannel("peerproof")
    began = time.perf_counter()
    await signaling.negotiate()
    await first.opened(_PATIENCE)
    outcome.facts["setup_ms"] = round((time.perf_counter() - began) * 1000, 1)
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
    check(statistics.frames > 0, "no packet of this cell was captured", ledger=scene.ledger)
