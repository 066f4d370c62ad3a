"""One candidate at a time, both ways, and the ends of candidates only after the channel is open (RFC 8838)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from harness.endpoints.proxies import PeerConnection
from harness.matrix import exchange
from harness.matrix.meeting import PATIENCE, Meeting
from harness.matrix.row import Row, Stage
from harness.signaling import Said, SaidKind
from harness.verdict import check

__all__ = ["ROW"]


class _Courier:
    """Carries what one connection gathers to the other, each candidate in a call of its own; keeps the end back."""

    def __init__(self, stage: Stage, source: PeerConnection, sink: PeerConnection) -> None:
        self._stage = stage
        self._source = source
        self._sink = sink
        self.carried = 0

    async def carry(self) -> None:
        """Until there are no more candidates."""
        while (candidate := await self._next()) is not None:
            self._hear(SaidKind.CANDIDATE, str(candidate["candidate"]))
            await self._sink.addIceCandidate(candidate)
            self.carried += 1

    async def _next(self) -> Mapping[str, Any] | None:
        fired = await self._source.event("icecandidate", timeout=PATIENCE)
        candidate = fired.detail["candidate"]
        return candidate if candidate is not None and candidate["candidate"] else None

    async def end(self) -> None:
        self._hear(SaidKind.END_OF_CANDIDATES, "")
        await self._sink.addIceCandidate()

    def _hear(self, kind: SaidKind, text: str) -> None:
        here, there = self._source.endpoint.name, self._sink.endpoint.name
        self._stage.scene.hear(Said(time.time(), here, there, kind, text))


async def play(stage: Stage) -> None:
    meeting = await Meeting.arranged(stage)
    offerer, answerer = meeting.connections
    couriers = _Courier(stage, offerer, answerer), _Courier(stage, answerer, offerer)
    stage.announce("connecting")
    began = time.perf_counter()
    await _describe(meeting)
    carrying = [asyncio.create_task(courier.carry()) for courier in couriers]
    try:
        await meeting.opened(began)
        await asyncio.gather(*carrying)
    finally:
        for task in carrying:
            task.cancel()
    check(all(courier.carried for courier in couriers), "an endpoint gathered no candidate")
    await meeting.echoing()
    await exchange.echo(meeting.first, ["before the end of candidates"], "text", stage.scene.ledger)
    for courier in couriers:
        await courier.end()
    await exchange.echo(meeting.first, ["after the end of candidates"], "text", stage.scene.ledger)
    stage.scene.facts["candidates"] = [courier.carried for courier in couriers]
    await meeting.look()
    await meeting.part()
    meeting.judge_packets()


async def _describe(meeting: Meeting) -> None:
    """Offer and answer, neither with a candidate."""
    offerer, answerer = meeting.connections
    offer = await offerer.createOffer()
    _say(meeting, SaidKind.OFFER, offer["sdp"])
    await offerer.setLocalDescription(offer)
    await answerer.setRemoteDescription(offer)
    answer = await answerer.createAnswer()
    _say(meeting, SaidKind.ANSWER, answer["sdp"])
    await answerer.setLocalDescription(answer)
    await offerer.setRemoteDescription(answer)


def _say(meeting: Meeting, kind: SaidKind, sdp: str) -> None:
    ledger = meeting.stage.scene.ledger
    check("a=candidate:" not in sdp, f"the {kind} has candidates before any were gathered", ledger=ledger)
    message = f"the {kind} does not say a=ice-options:trickle"
    check(any(_is_trickle(line) for line in sdp.splitlines()), message, ledger=ledger)
    here, there = (pc.endpoint.name for pc in meeting.connections)
    sender, receiver = (here, there) if kind is SaidKind.OFFER else (there, here)
    meeting.stage.scene.hear(Said(time.time(), sender, receiver, kind, sdp))


def _is_trickle(line: str) -> bool:
    return line.startswith("a=ice-options:") and "trickle" in line.removeprefix("a=ice-options:").split()


ROW: Final = Row("trickle", "one candidate at a time, both ways; data flow before the end of candidates", play)
