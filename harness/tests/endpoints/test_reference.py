"""The reference peer as an endpoint: seams and taps."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.endpoints import Stacks
from harness.endpoints.reference import Reference, ReferenceStack
from harness.errors import EndpointError
from harness.signaling import connect
from peer import sdp
from peer.api import RTCPeerConnection, Seams
from peer.sdp import SessionDescription
from peer.trace import Entry, Layer, Secret


def loud(description: SessionDescription) -> str:
    return sdp.serialize(description).replace("s=-", "s=LOUD")


@pytest_asyncio.fixture(loop_scope="session")
async def pair(stacks: Stacks) -> AsyncIterator[tuple[Reference, Reference]]:
    one, other = await stacks.endpoint("reference", "one"), await stacks.endpoint("reference", "other")
    assert isinstance(one, Reference)
    assert isinstance(other, Reference)
    yield one, other
    await one.close()
    await other.close()


async def test_seams_bend_the_connection_they_are_given_to(pair: tuple[Reference, Reference]) -> None:
    bent = await pair[0].peer_connection(seams=Seams(sdp=loud))
    straight = await pair[0].peer_connection()
    assert "s=LOUD" in (await bent.createOffer())["sdp"]
    assert "s=LOUD" not in (await straight.createOffer())["sdp"]


async def test_seams_of_the_endpoint_bend_what_has_none_of_its_own(pair: tuple[Reference, Reference]) -> None:
    pair[0].seams = Seams(sdp=loud)
    assert "s=LOUD" in (await (await pair[0].peer_connection()).createOffer())["sdp"]
    own = await pair[0].peer_connection(seams=Seams())
    assert "s=LOUD" not in (await own.createOffer())["sdp"]


async def test_taps_hear_every_layer_and_the_secrets(pair: tuple[Reference, Reference]) -> None:
    heard: list[Entry | Secret] = []
    also: list[Entry | Secret] = []
    pair[0].taps.append(heard.append)
    offerer = await pair[0].peer_connection(seams=Seams(trace=also.append))
    answerer = await pair[1].peer_connection()
    channel = await offerer.createDataChannel("x")
    await (await connect(offerer, answerer)).close()
    await channel.opened()
    layers = {entry.layer for entry in heard if isinstance(entry, Entry)}
    assert layers >= {Layer.DATAGRAM, Layer.STUN, Layer.SCTP, Layer.DCEP}
    assert any(isinstance(entry, Secret) for entry in heard)
    assert also == heard


async def test_the_connection_itself_is_within_reach(pair: tuple[Reference, Reference]) -> None:
    pc = await pair[0].peer_connection()
    native = pair[0].native(pc)
    assert isinstance(native, RTCPeerConnection)
    await pc.close()
    assert native.signalingState == "closed"


async def test_a_closed_endpoint_says_so(pair: tuple[Reference, Reference]) -> None:
    await pair[0].close()
    with pytest.raises(EndpointError, match="one is closed"):
        await pair[0].peer_connection()


async def test_a_stack_keeps_no_endpoint_that_nobody_else_holds() -> None:
    stack = ReferenceStack()
    held, dropped = await stack.endpoint(), weakref.ref(await stack.endpoint())
    gc.collect()
    assert dropped() is None
    await stack.stop()
    with pytest.raises(EndpointError, match="is closed"):
        await held.peer_connection()
