"""Pictures both ways over a bad link: one that loses, one that is narrow.

The link is in user space (`harness.net.link_relay`): the two take it for each other. It is good until they are
connected, and bad from then on, the same in both directions. The seed of the run decides what is lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from harness.matrix.meeting import PATIENCE, Meeting
from harness.matrix.row import Row, Stage
from harness.matrix.rows.media import VIDEO
from harness.net.link_relay import LinkRelay, ipv4_host, replaced
from harness.signaling import SaidKind
from harness.verdict import check
from peer.testing import Link

if TYPE_CHECKING:
    from harness.endpoints.watching import Watching

__all__ = ["ROWS"]

_DELAY: Final = 0.02
_LOSS: Final = 0.05
#: Seconds of pictures over the link that loses, and the longest without a new one.
_SPAN: Final = 10.0
_VISIBLE: Final = 0.5
#: Bits per second; seconds of queue in front of it.
_RATE: Final = 300_000
_QUEUE: Final = 0.3
#: The estimate is as near to the rate as this (of it) after so many seconds, on average until the watching ends.
_NEAR: Final = 0.3
_SETTLING: Final = 15.0
_WATCHED: Final = 20.0
_EVERY: Final = 0.5
# What an encoder can't predict: it needs more than the narrow link has.
_DETAIL: Final = 60
#: Seconds that a packet is late by because the machine is busy, from which a message says so.
_BUSY: Final = 0.1


@asynccontextmanager
async def _over_a_link(stage: Stage, **track: Any) -> AsyncIterator[tuple[Meeting, LinkRelay, list[Watching]]]:
    """Both send a track to each other over a link that only takes its time so far, and are watched."""
    from harness.endpoints.watching import watch

    relays: list[LinkRelay] = []

    def rewrite(kind: SaidKind, sdp: str) -> str:
        if kind is SaidKind.OFFER:
            relays.append(LinkRelay(Link(delay=_DELAY), host=ipv4_host(sdp)))
            return replaced(sdp, relays[0].stand_in_for_a)
        return replaced(sdp, relays[0].stand_in_for_b)

    meeting = await Meeting.arranged(stage, rewrite=rewrite)
    for pc in meeting.connections:
        await pc.addTrack("video", **VIDEO, **track)
    try:
        await meeting.connect()
        watching = [await watch(await pc.track(timeout=PATIENCE)) for pc in meeting.connections]
        for one in watching:
            await one.see(1, timeout=PATIENCE)
        yield meeting, relays[0], watching
        await meeting.look(relayed=True)
        await meeting.part()
        meeting.judge_packets()
    finally:
        for relay in relays:
            relay.close()


async def lossy(stage: Stage) -> None:
    async with _over_a_link(stage) as (meeting, relay, watchers):
        stage.announce("losing")
        for watching in watchers:
            await watching.see(1, timeout=PATIENCE)
        relay.set_links(Link(seed=stage.seed, loss=_LOSS, delay=_DELAY))
        await asyncio.sleep(_SPAN)
        ended = time.time()
        facts: dict[str, Any] = {"lost": [sum(one.lost.values()) for one in relay.counts], "late_ms": _late(relay)}
        stage.scene.facts["loss"] = facts
        gaps = []
        for pc, watching in zip(meeting.connections, watchers, strict=True):
            seen = await watching.see(1, timeout=PATIENCE)
            # To the end of the watching, for pictures may have stopped for good; how long an answer takes is no gap.
            where, gap = f"at {pc.endpoint.name}", max(seen.longest_gap, ended - seen.sights[-1].time)
            facts[where] = {"pictures": len(seen.sights), "longest_gap_ms": round(gap * 1000)}
            gaps.append((where, gap, len(seen.counters)))
        for where, gap, pictures in gaps:
            message = f"{where}: {gap:.2f} s without a new picture while 5 % are lost{_excuse(relay)}"
            check(gap <= _VISIBLE and pictures > _SPAN, message, ledger=stage.scene.ledger)
        check(all(facts["lost"]), f"the link lost {facts['lost']}", ledger=stage.scene.ledger)


async def narrow(stage: Stage) -> None:
    async with _over_a_link(stage, detail=_DETAIL) as (meeting, relay, _):
        await _grown(meeting, relay)
        stage.announce("narrowing")
        relay.set_links(Link(seed=stage.seed, rate=_RATE / 8, queue=round(_RATE / 8 * _QUEUE), delay=_DELAY))
        began = time.monotonic()
        looks = [await _look(meeting, relay)]
        while looks[-1].time - began < _WATCHED:
            await asyncio.sleep(_EVERY)
            looks.append(await _look(meeting, relay))
        facts: dict[str, Any] = {"late_ms": _late(relay)}
        stage.scene.facts["bottleneck"] = facts
        means = []
        for side, pc in enumerate(meeting.connections):
            rates = _rates(looks, side)
            settled = [rate for look, rate in zip(looks[1:], rates, strict=True) if look.time - began > _SETTLING]
            mean = sum(settled) / len(settled)
            told = looks[-1].told(side)
            facts[f"{pc.endpoint.name} {told} (kbit/s)"] = [round(rate / 1000) for rate in rates]
            means.append((f"{pc.endpoint.name}: {told}", mean))
        for who, mean in means:
            message = f"{who} {mean / 1000:.0f} kbit/s where {_RATE // 1000} fit{_excuse(relay)}"
            check(abs(mean - _RATE) <= _NEAR * _RATE, message, ledger=stage.scene.ledger)


def _late(relay: LinkRelay) -> int:
    """Milliseconds that this machine, being busy, held a packet longer than the link does, at most."""
    return round(relay.lateness * 1000)


def _excuse(relay: LinkRelay) -> str:
    """For who reads why a cell is red: the link is not the only one to blame when the machine stood still."""
    return f" (this machine held a packet for {_late(relay)} ms more)" if relay.lateness > _BUSY else ""


@dataclass(frozen=True, slots=True)
class _Look:
    """Bytes that each of the two sent so far, and what each says of how much it may send (bit/s)."""

    time: float
    sent: Sequence[int]
    estimates: Sequence[float | None]

    def told(self, side: int) -> str:
        """What is judged, in a word."""
        return "sends" if self.estimates[side] is None else "estimates"


async def _look(meeting: Meeting, relay: LinkRelay) -> _Look:
    estimates = [_estimate(await pc.getStats()) for pc in meeting.connections]
    return _Look(time.monotonic(), [one.bytes_received for one in relay.counts], estimates)


async def _grown(meeting: Meeting, relay: LinkRelay) -> None:
    """Wait until both take more than they are about to have."""
    meeting.stage.announce("growing")
    began = before = await _look(meeting, relay)
    waiting = {0, 1}
    while waiting and before.time - began.time < _SETTLING:
        await asyncio.sleep(_EVERY)
        now = await _look(meeting, relay)
        waiting -= {side for side in waiting if _rates((before, now), side)[0] > (1 + _NEAR) * _RATE}
        before = now
    for side in waiting:
        message = f"{meeting.connections[side].endpoint.name}: {before.told(side)} no more where there is room"
        check(False, message, ledger=meeting.stage.scene.ledger)


def _rates(looks: Sequence[_Look], side: int) -> list[float]:
    """Bits per second at each look but the first: the endpoint's estimate, or what it sent where it tells none."""
    return [
        8 * (now.sent[side] - before.sent[side]) / (now.time - before.time) if estimate is None else estimate
        for before, now in pairwise(looks)
        for estimate in (now.estimates[side],)
    ]


def _estimate(stats: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Of what can be sent, by the pair in use; Firefox (153) doesn't say."""
    told = [entry["availableOutgoingBitrate"] for entry in stats.values() if entry.get("availableOutgoingBitrate")]
    return max(told, default=None)


ROWS: Final = (
    Row(
        "loss",
        "pictures both ways while 5 % of the packets are lost: never half a second without a new one",
        lossy,
        by_default=False,
        as_case=False,
    ),
    Row(
        "bottleneck",
        "pictures both ways through 300 kbit/s: the estimate is within 30 % of it after 15 s",
        narrow,
        by_default=False,
        as_case=False,
    ),
)
