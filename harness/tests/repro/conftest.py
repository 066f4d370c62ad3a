"""A story told by two reference peers that talked."""

from __future__ import annotations

import asyncio

import pytest_asyncio

from harness.endpoints import Stacks
from harness.repro import Story, tell
from harness.script.trace import Fired
from harness.signaling import connect


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def story(stacks: Stacks) -> Story:
    """Two connections, a channel, an echo of a large message, an error on the way."""
    one, other = await stacks.endpoint("reference", "one"), await stacks.endpoint("reference", "other")
    offerer, answerer = await one.peer_connection(), await other.peer_connection()
    channel = await offerer.createDataChannel("x", {"protocol": "p"})
    signaling = await connect(offerer, answerer)
    await channel.opened()
    far = await answerer.datachannel()
    await far.opened()
    await channel.send("hello", b"\x00\x01", bytes(5000))
    for _ in range(3):
        await far.receive()
    await one.play([])
    await asyncio.gather(offerer.call("noSuchMethod"), return_exceptions=True)
    await offerer.close()
    await signaling.close()
    told = tell(
        "two that <talk>",
        {"one": "reference", "other": "reference"},
        [*one.moves, *other.moves],
        {endpoint.name: [entry for entry in endpoint.entries if isinstance(entry, Fired)] for endpoint in (one, other)},
    )
    await one.close()
    await other.close()
    return told
