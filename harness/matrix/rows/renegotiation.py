"""Negotiation while pictures flow both ways: add, change directions, remove, add again, another track, another codec,
an ICE restart.

A first m-section is there all the time, a second one is what is added, turned and removed. The counter of a picture
that is to be seen never goes back and never stops for more than a second; what is not to be seen is not.

One picture that Firefox shows again is a fact of its cells (`View.shown_again`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from harness.endpoints.proxies import PeerConnection, Proxy
from harness.errors import EndpointTimeout
from harness.matrix.meeting import PATIENCE, Meeting
from harness.matrix.row import Row, Stage
from harness.matrix.rows.media import LONGEST_GAP, VIDEO, common_lines, judge_picture, misreading
from harness.matrix.rows.restart import loses_data
from harness.script.steps import Track
from harness.script.values import Ref
from harness.verdict import Ledger, check

if TYPE_CHECKING:
    from harness.endpoints.watching import Watching

__all__ = ["ROW"]

# Pictures after each change: three quarters of a second of them.
_ENOUGH: Final = 15
# Seconds in which what was on its way arrives; then nothing comes for as long again.
_DRAINING: Final = 0.3
# Where the counter of the track that takes another's place begins.
_LATER: Final = 100_000


@dataclass(slots=True)
class View:
    """A track as it arrives: the counter and the time (seconds since the epoch) of its latest picture."""

    where: str
    watching: Watching
    counter: int = 0
    time: float = field(default_factory=time.time)
    flows: bool = True
    began: int | None = None
    """The counter of the first picture since it flows."""

    def shown_again(self, counter: int) -> bool:
        """Whether it is the picture that Firefox (153) may show once more when its m-section is negotiated again.

        It forgets what it has received then. Browsers probe the network with padding made of packets that were sent
        long ago (as RTX, with their old timestamps): a key frame in there is taken for a new one.
        """
        return self.watching.endpoint.stack == "firefox" and counter == self.began

    async def goes_on(self, after: str, ledger: Ledger) -> str:
        """Judge the pictures since the last look: in order, without a break. Returns the longest break, in words."""
        try:
            sights = (await self.watching.see(1, timeout=PATIENCE)).sights
            sights += (await self.watching.see(_ENOUGH, timeout=PATIENCE)).sights
        except EndpointTimeout:
            check(False, f"{self.where}: no {_ENOUGH} pictures come after: {after}", ledger=ledger)
            return f"{PATIENCE:.0f} s"
        gap, back, again = 0.0, [], 0
        for sight in sights:
            if sight.counter is None or sight.counter == self.counter:
                continue
            if sight.counter < self.counter and self.shown_again(sight.counter):
                again += 1
                continue
            if self.began is None:
                self.began = sight.counter
            if sight.counter < self.counter:
                back.append(f"{self.counter} to {sight.counter}")
            gap = max(gap, sight.time - self.time)
            self.counter, self.time = sight.counter, sight.time
        check(not back, f"{self.where}: the counter goes back, {', '.join(back)}, after: {after}", ledger=ledger)
        message = f"{self.where}: the counter stops for {gap:.2f} s after: {after}"
        check(gap <= LONGEST_GAP, message, ledger=ledger)
        return f"{gap * 1000:.0f} ms" + (f"; picture {self.began} was shown again" if again else "")

    async def stands(self, after: str, ledger: Ledger) -> None:
        """Judge that no picture comes, once what was on its way is there."""
        await asyncio.sleep(_DRAINING)
        drained = (await self.watching.see(0)).counters
        self.counter = max([self.counter, *drained])
        await asyncio.sleep(_DRAINING)
        new = [counter for counter in (await self.watching.see(0)).counters if counter != self.counter]
        check(not new, f"{self.where}: pictures {new} come after: {after}", ledger=ledger)


@dataclass(slots=True)
class Changes:
    """What was changed so far, and what is to be seen."""

    meeting: Meeting
    facts: dict[str, Any]
    views: list[View] = field(default_factory=list)
    _known: set[tuple[str, str]] = field(default_factory=set)

    async def arrives(self, name: str, pc: PeerConnection, *, counter: int = 0) -> View:
        """A track that is announced at one end for the first time: a direction announces one again."""
        from harness.endpoints.watching import watch

        at = pc.endpoint.name
        while (at, (track := await pc.track(timeout=PATIENCE)).handle) in self._known:
            pass
        self._known.add((at, track.handle))
        view = View(f"{name} at {at}", await watch(track), counter)
        self.views.append(view)
        return view

    async def negotiate(self, *flows: tuple[View, bool]) -> None:
        """Offer and answer; from then on these views flow or don't. The break of one that begins is measured from
        there.
        """
        await self.meeting.signaling.negotiate()
        for view, begins in flows:
            if begins and not view.flows:
                view.time, view.began = time.time(), None
            view.flows = begins

    async def judge(self, name: str) -> None:
        """See that everything goes on that should, and nothing else."""
        ledger = self.meeting.stage.scene.ledger
        self.meeting.stage.announce(name)
        going = [view for view in self.views if view.flows]
        judging: list[Awaitable[Any]] = [view.goes_on(name, ledger) for view in going]
        judging += [view.stands(name, ledger) for view in self.views if not view.flows]
        breaks = await asyncio.gather(*judging)
        self.facts[name] = {view.where: words for view, words in zip(going, breaks, strict=False)}


async def play(stage: Stage) -> None:
    meeting = await Meeting.arranged(stage)
    offerer, answerer = meeting.connections
    (_, usual), (other, unusual), *_ = await common_lines(meeting, "video")
    facts: dict[str, Any] = {}
    stage.scene.facts["longest break"] = facts
    changes = Changes(meeting, facts)

    first = await _offered(offerer, usual)
    answering = await answerer.addTrack("video", **VIDEO)
    await meeting.connect()
    there, here = await changes.arrives("first", answerer), await changes.arrives("first", offerer)
    await changes.judge("connecting")

    second = await _offered(offerer, usual)
    await answerer.addTrack("video", **VIDEO)
    await changes.negotiate()
    second_there, second_here = await changes.arrives("second", answerer), await changes.arrives("second", offerer)
    await changes.judge("add")

    for direction, at_answerer, at_offerer in (
        ("sendonly", True, False),
        ("inactive", False, False),
        ("recvonly", False, True),
        ("sendrecv", True, True),
    ):
        await second.set("direction", direction)
        await changes.negotiate((second_there, at_answerer), (second_here, at_offerer))
        await changes.judge(direction)

    sender = await second.follow("sender")
    track = await sender.follow("track")
    await offerer.removeTrack(sender)
    await changes.negotiate((second_there, False))
    await changes.judge("remove")

    await offerer.call("addTrack", track)
    await changes.negotiate()
    await changes.arrives("second again", answerer, counter=second_there.counter)
    await changes.judge("add again")

    for pc, of in ((offerer, await first.follow("sender")), (answerer, answering)):
        later = pc.endpoint.fresh("track")
        await pc.endpoint.run(Track("video", later, start=_LATER, **VIDEO))
        await of.call("replaceTrack", Ref(later))
    await changes.judge("replaceTrack")
    for view in (there, here):
        message = f"{view.where}: the counter is {view.counter}, the other track begins with {_LATER}"
        check(view.counter >= _LATER, message, ledger=stage.scene.ledger)

    await first.call("setCodecPreferences", unusual)
    await changes.negotiate()
    await changes.judge(f"codec {other.name}")
    for pc in meeting.connections:
        await _judge_codec(pc, other.mime_type, stage.scene.ledger)

    if loses_data(stage.cell):
        facts["ICE restart"] = f"not judged: {loses_data(stage.cell)}"
    else:
        await offerer.restartIce()
        await changes.negotiate()
        await changes.judge("ICE restart")

    stacks = [pc.endpoint.stack for pc in meeting.connections]
    for number, (view, (by, at)) in enumerate(zip((there, here), (stacks, reversed(stacks)), strict=True)):
        colours = misreading(by, at, other.mime_type)
        await judge_picture(stage, view.watching, view.where, f"video-{number}-after-all", colours=colours)
    await meeting.look()
    await meeting.part()
    meeting.judge_packets()


async def _offered(pc: PeerConnection, preferences: list[dict[str, Any]]) -> Proxy:
    """A transceiver with a track of its own."""
    track = pc.endpoint.fresh("track")
    await pc.endpoint.run(Track("video", track, **VIDEO))
    transceiver = await pc.addTransceiver(Ref(track))
    await transceiver.call("setCodecPreferences", preferences)
    return transceiver


async def _judge_codec(pc: PeerConnection, mime_type: str, ledger: Ledger) -> None:
    """Something is received in this codec."""
    stats = await pc.getStats()
    inbound = [entry for entry in stats.values() if entry.get("type") == "inbound-rtp"]
    used = {str(stats.get(str(entry.get("codecId")), {}).get("mimeType")) for entry in inbound}
    message = f"{pc.endpoint.name}: {mime_type} was preferred, {sorted(used)} is received"
    check(mime_type.lower() in {one.lower() for one in used}, message, ledger=ledger)


ROW: Final = Row(
    "renegotiation",
    "add, turn, remove, add again, another track, another codec, an ICE restart: no counter goes back or stops for 1 s",
    play,
    by_default=False,
    as_case=False,
)
