"""Two connections in one process, signalled as a page would do it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from peer.api import EventTarget, RTCDataChannel, RTCPeerConnection
from peer.api.channels import DataChannels

T = TypeVar("T")

TIMEOUT = 10.0
# What the loop's exception handler was told during a test: see conftest.
failures: list[dict[str, Any]] = []


def reported() -> list[type]:
    """The types of the exceptions reported so far; they are expected, then."""
    kinds = [type(context["exception"]) for context in failures]
    failures.clear()
    return kinds


def trickle(first: RTCPeerConnection, second: RTCPeerConnection) -> None:
    """Every candidate of one is added to the other."""

    def forward(other: RTCPeerConnection) -> Callable[[Any], None]:
        def candidate(event: Any) -> None:
            if event.candidate is not None:
                other.addIceCandidate(event.candidate)

        return candidate

    first.addEventListener("icecandidate", forward(second))
    second.addEventListener("icecandidate", forward(first))


async def negotiate(offerer: RTCPeerConnection, answerer: RTCPeerConnection) -> None:
    """One offer/answer exchange."""
    await offerer.setLocalDescription()
    await answerer.setRemoteDescription(offerer.localDescription)
    await answerer.setLocalDescription()
    await offerer.setRemoteDescription(answerer.localDescription)


def event(target: EventTarget, name: str, until: Callable[[Any], bool] = lambda event: True) -> asyncio.Future[Any]:
    """The next event of that name for which `until` holds. It listens from this call on."""
    arrived: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def listen(happened: Any) -> None:
        if not arrived.done() and until(happened):
            arrived.set_result(happened)

    target.addEventListener(name, listen)

    async def wait() -> Any:
        try:
            return await asyncio.wait_for(arrived, TIMEOUT)
        finally:
            target.removeEventListener(name, listen)

    return asyncio.ensure_future(wait())


def held(value: T | None) -> T:
    """A value that has to be there."""
    assert value is not None
    return value


def connection(channel: RTCDataChannel) -> RTCPeerConnection:
    """The connection a channel belongs to."""
    link = channel._link
    assert isinstance(link, DataChannels)
    owner = link._core.target
    assert isinstance(owner, RTCPeerConnection)
    return owner


async def settled(pc: RTCPeerConnection) -> None:
    """Let every queued task run that is there now, and what it queues."""
    for _ in range(30):
        await asyncio.sleep(0)


@asynccontextmanager
async def pair(
    first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **seams: Any
) -> AsyncIterator[tuple[RTCPeerConnection, RTCPeerConnection]]:
    """Two connections that trickle to each other; closed in the end."""
    one, other = RTCPeerConnection(first, **seams), RTCPeerConnection(second, **seams)
    trickle(one, other)
    try:
        yield one, other
    finally:
        one.close()
        other.close()


@asynccontextmanager
async def channels(**init: Any) -> AsyncIterator[tuple[RTCDataChannel, RTCDataChannel]]:
    """An open channel, both ends."""
    async with pair() as (one, other):
        mine = one.createDataChannel("test", init)
        announced = asyncio.ensure_future(event(other, "datachannel"))
        opened = asyncio.ensure_future(event(mine, "open"))
        await negotiate(one, other)
        await opened
        theirs = (await announced).channel
        if theirs.readyState != "open":
            await event(theirs, "open")
        yield mine, theirs
