"""Carry descriptions and candidates between two connections, as an application's signalling channel would.

Trickled (RFC 8838): each candidate goes over as soon as its endpoint says it. Not trickled: descriptions go over
once all candidates are in them. What is said, by whom and when, is kept: it is what the report shows, and how the
capture learns whose address is whose.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import Description, PeerConnection
from harness.errors import EndpointError, Thrown
from harness.script.steps import Call, Get, Step
from harness.script.trace import Entry, Fired
from harness.script.values import Ref

__all__ = ["Rewrite", "Said", "SaidKind", "Signaling", "Trickle", "connect"]


class SaidKind(StrEnum):
    """What can be said."""

    OFFER = "offer"
    ANSWER = "answer"
    CANDIDATE = "candidate"
    END_OF_CANDIDATES = "end of candidates"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said over the signalling channel: SDP, or a candidate-attribute. `time` is in seconds since the
    epoch.
    """

    time: float
    sender: str
    receiver: str
    kind: SaidKind
    text: str


Hearer: TypeAlias = Callable[[Said], None]
#: What a description becomes on its way.
Rewrite: TypeAlias = Callable[[SaidKind, str], str]


class Trickle:
    """Takes the candidates of one connection to the other, from the moment that one has a description to hang them
    on.
    """

    def __init__(
        self,
        source: PeerConnection,
        sink: PeerConnection,
        hear: Callable[[Mapping[str, Any]], None],
        *,
        from_start: bool = False,
    ) -> None:
        self._source = source
        self._sink = sink
        self._hear = hear
        self._waiting: list[Mapping[str, Any]] = []
        self._open = False
        self._ended = False
        self._task: asyncio.Task[None] | None = None
        self._refusal: Thrown | None = None
        self._stop = source.endpoint.observe(self._observed)
        if from_start:
            for entry in list(source.endpoint.fired(source.handle, "icecandidate")):
                self._observed(entry)

    @property
    def sink(self) -> PeerConnection:
        return self._sink

    def open(self) -> None:
        """The other side has (or is just being given) the description: candidates may go."""
        self._open = True
        self._carry()

    def hold(self) -> None:
        """Another description comes: candidates wait until the other side has it."""
        self._open = False

    async def close(self) -> None:
        """Stop, and raise what an endpoint had against a candidate, if anything."""
        self._stop()
        if self._task is not None:
            await self._task
        if self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            raise refusal

    def _observed(self, entry: Entry) -> None:
        if not isinstance(entry, Fired) or entry.on != self._source.handle or entry.event != "icecandidate":
            return
        candidate = entry.detail["candidate"]
        if candidate is None:
            # The end, as older texts say it; a new round starts after it.
            ended, self._ended = self._ended, False
            if ended:
                return
            candidate = {}
        self._ended = candidate.get("candidate") == ""
        self._waiting.append(candidate)
        self._carry()

    def _carry(self) -> None:
        if self._open and self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        """Carry what waits. Nobody awaits this: a refusal is kept, and an endpoint that is gone needs no candidates."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            for candidate in batch:
                self._hear(candidate)
            steps = [
                Call(self._sink.handle, "addIceCandidate", (candidate,) if candidate else ()) for candidate in batch
            ]
            try:
                await self._sink.endpoint.run(*steps)
            except EndpointError:
                return
            except Thrown as thrown:
                # A connection that was closed meanwhile took its candidates with it.
                if thrown.name != "InvalidStateError":
                    self._refusal = self._refusal or thrown
                    self._sink.endpoint.log.append(f"refused a candidate: {thrown}")


class Signaling:
    """The signalling channel of two connections. `heard` has everything said so far; `hear` is told at once.

    With `rewrite` descriptions arrive as it makes them of those that were sent, which have all candidates in them.
    """

    def __init__(
        self,
        offerer: PeerConnection,
        answerer: PeerConnection,
        *,
        trickle: bool = True,
        hear: Hearer | None = None,
        rewrite: Rewrite | None = None,
    ) -> None:
        self.offerer = offerer
        self.answerer = answerer
        self.heard: list[Said] = []
        self._hear = hear
        self._rewrite = rewrite
        self._to_answerer = self._to_offerer = None
        if trickle and rewrite is None:
            self._to_answerer = self._trickle(offerer, answerer)
            self._to_offerer = self._trickle(answerer, offerer)

    def _trickle(self, source: PeerConnection, sink: PeerConnection) -> Trickle:
        def hear(candidate: Mapping[str, Any]) -> None:
            text = str(candidate.get("candidate") or "")
            kind = SaidKind.CANDIDATE if text else SaidKind.END_OF_CANDIDATES
            self._say(source.endpoint, sink.endpoint, kind, text)

        return Trickle(source, sink, hear)

    def _say(self, sender: Endpoint, receiver: Endpoint, kind: SaidKind, text: str) -> None:
        said = Said(time.time(), sender.name, receiver.name, kind, text)
        self.heard.append(said)
        if self._hear is not None:
            self._hear(said)

    async def negotiate(self, *, options: Mapping[str, Any] | None = None) -> tuple[Description, Description]:
        """One round of offer and answer. Returns both, as they went over.

        Raises Thrown when an endpoint refuses, EndpointTimeout, EndpointCrashed.
        """
        offer = await self.offer(options=options)
        return offer, await self.answer(offer)

    async def offer(self, *, options: Mapping[str, Any] | None = None) -> Description:
        """The first half: the offerer describes itself; nothing goes over yet. Raises as `negotiate`."""
        for trickle in (self._to_answerer, self._to_offerer):
            if trickle is not None:
                trickle.hold()
        return await self._describe(self.offerer, "createOffer", (dict(options),) if options else ())

    async def answer(self, offer: Description) -> Description:
        """The second half: the offer goes over, the answer comes back. Raises as `negotiate`."""
        offer = self._rewritten(SaidKind.OFFER, offer)
        self._say(self.offerer.endpoint, self.answerer.endpoint, SaidKind.OFFER, offer["sdp"])
        if self._to_answerer is not None:
            # The endpoint's operations chain keeps the order: the candidates come behind the description.
            asyncio.get_running_loop().call_soon(self._to_answerer.open)
        answer = await self._describe(self.answerer, "createAnswer", (), before=_remote(self.answerer, offer))
        answer = self._rewritten(SaidKind.ANSWER, answer)
        self._say(self.answerer.endpoint, self.offerer.endpoint, SaidKind.ANSWER, answer["sdp"])
        if self._to_offerer is not None:
            asyncio.get_running_loop().call_soon(self._to_offerer.open)
        await self.offerer.endpoint.run(_remote(self.offerer, answer))
        return answer

    def _rewritten(self, kind: SaidKind, description: Description) -> Description:
        if self._rewrite is None:
            return description
        return {"type": description["type"], "sdp": self._rewrite(kind, description["sdp"])}

    async def _describe(
        self, pc: PeerConnection, method: str, args: tuple[Any, ...], *, before: Step | None = None
    ) -> Description:
        """Make a description and apply it locally, in one round trip; untrickled, wait for its candidates."""
        made = pc.endpoint.fresh("description")
        steps: list[Step] = [
            Call(pc.handle, method, args, made),
            Call(pc.handle, "setLocalDescription", (Ref(made),)),
            Get(pc.handle, "localDescription"),
        ]
        values = await pc.endpoint.run(*([] if before is None else [before]), *steps)
        description: Description = values[-1]
        if self._to_answerer is None:
            await pc.wait_for(iceGatheringState="complete")
            description = await pc.localDescription()
        return description

    async def close(self) -> None:
        """End the carrying of candidates. Raises Thrown when an endpoint refused one."""
        for trickle in (self._to_answerer, self._to_offerer):
            if trickle is not None:
                await trickle.close()


def _remote(pc: PeerConnection, description: Description) -> Step:
    members = {"type": description["type"], "sdp": description["sdp"]}
    return Call(pc.handle, "setRemoteDescription", (members,))


async def connect(
    offerer: PeerConnection, answerer: PeerConnection, *, trickle: bool = True, timeout: float = 15.0
) -> Signaling:
    """Negotiate once and wait until both sides say connected. The channel stays open for what is said later.

    Raises Thrown, EndpointTimeout, EndpointCrashed.
    """
    signaling = Signaling(offerer, answerer, trickle=trickle)
    await signaling.negotiate()
    await asyncio.gather(
        offerer.wait_for(connectionState="connected", timeout=timeout),
        answerer.wait_for(connectionState="connected", timeout=timeout),
    )
    return signaling
