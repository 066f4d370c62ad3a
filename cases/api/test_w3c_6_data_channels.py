"""W3C webrtc-pc section 6: the data channel API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from harness.cases import Connection, check, clause, throws
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference

Connect: TypeAlias = Callable[..., Awaitable[Connection]]


async def test_sanity_a_channel_starts_connecting(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    channel = await pc.createDataChannel("case")
    check(await channel.get("readyState") == "connecting", "the channel is not connecting")


@clause("W3C-RTCPeerConnection.createDataChannel-14")
async def test_a_negotiated_channel_needs_an_id(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    with throws("TypeError"):
        await pc.createDataChannel("case", {"negotiated": True})


@clause("W3C-RTCPeerConnection.createDataChannel-15")
async def test_the_two_limits_exclude_each_other(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    with throws("TypeError"):
        await pc.createDataChannel("case", {"maxRetransmits": 1, "maxPacketLifeTime": 1})


@clause("W3C-RTCPeerConnection.createDataChannel-17")
async def test_the_id_65535_is_not_used(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    with throws("TypeError"):
        await pc.createDataChannel("case", {"negotiated": True, "id": 65535})


@clause("W3C-RTCPeerConnection.createDataChannel-18")
async def test_an_id_is_used_once(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    await pc.createDataChannel("first", {"negotiated": True, "id": 5})
    with throws("OperationError"):
        await pc.createDataChannel("second", {"negotiated": True, "id": 5})


@clause("W3C-RTCPeerConnection.createDataChannel-5", "W3C-RTCPeerConnection.createDataChannel-11")
@pytest.mark.parametrize("name", ["label", "protocol"])
async def test_names_have_at_most_65535_bytes(endpoint: Endpoint, name: str) -> None:
    pc = await endpoint.peer_connection()
    long = "\u20ac" * 21846  # 65538 bytes of UTF-8, but fewer than 65536 characters
    with throws("TypeError"):
        await pc.createDataChannel(*((long, None) if name == "label" else ("", {"protocol": long})))


@clause("W3C-RTCPeerConnection.createDataChannel-13")
async def test_the_id_of_a_channel_negotiated_in_band_is_ignored(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    channel = await pc.createDataChannel("case", {"id": 7})
    check(await channel.get("id") is None, f"the id is {channel.id} before the DTLS role is known")


@clause("W3C-RTCDataChannel.send-3")
async def test_nothing_is_sent_before_the_channel_is_open(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    channel = await pc.createDataChannel("case")
    with throws("InvalidStateError"):
        await channel.call("send", "too soon")


@clause("W3C-RTCDataChannel.binaryType-M1")
async def test_binary_data_are_array_buffers_at_first(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    channel = await pc.createDataChannel("case")
    kind = await channel.get("binaryType")
    check(kind == "arraybuffer", f"binaryType is {kind}")


@clause("W3C-RTCDataChannel.close-3")
async def test_close_begins_at_once(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    await made.channel.call("close")
    check(made.channel.readyState in ("closing", "closed"), f"the channel is {made.channel.readyState}")


@clause("W3C-RTCDataChannel.send-3")
async def test_nothing_is_sent_after_close(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    await made.channel.call("close")
    with throws("InvalidStateError"):
        await made.channel.call("send", "too late")


@clause("W3C-Closing-procedure-4", "W3C-Announcing-a-data-channel-as-closed-6")
async def test_a_channel_the_other_side_closes_is_closing_then_closed(
    connect: Connect, peer: Reference, endpoint: Endpoint
) -> None:
    made = await connect(peer, endpoint)
    assert made.channel is not None
    channel = await made.other_channel()
    await made.channel.close()
    await channel.event("close")
    fired = [event.event for event in channel.events if event.event in ("closing", "close")]
    check(fired == ["closing", "close"], f"the events are {fired}")


@clause("W3C-Announcing-a-data-channel-instance-5", "W3C-RTCDataChannel.label-M1")
async def test_the_other_side_gets_the_same_channel(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    made = await connect(peer, endpoint)
    await made.other_channel()
    asked: dict[str, Any] = {"ordered": False, "maxPacketLifeTime": 300, "protocol": "k\u00e4se"}
    await made.offerer.createDataChannel("\u65e5\u672c", asked)
    channel = await made.answerer.datachannel()
    seen = {name: await channel.get(name) for name in asked}
    check(seen == asked, f"the channel has {seen}")
    check(await channel.get("label") == "\u65e5\u672c", "the label is another one")


@clause("W3C-RTCSctpTransport-3", "W3C-RTCPeerConnection.sctp-M1")
async def test_the_association_says_how_many_channels_it_takes(
    connect: Connect, peer: Reference, endpoint: Endpoint
) -> None:
    made = await connect(endpoint, peer)
    state, limit = await made.offerer.get("sctp.state"), await made.offerer.get("sctp.maxChannels")
    check(state == "connected", f"the SCTP transport is {state}")
    check(isinstance(limit, int) and 0 < limit <= 65535, f"maxChannels is {limit}")


@clause("W3C-close-the-connection-algorithm-5")
async def test_closing_the_connection_closes_its_channels(
    connect: Connect, peer: Reference, endpoint: Endpoint
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    await made.offerer.close()
    check(await made.channel.get("readyState") == "closed", "the channel is not closed")
    fired = [event.event for event in made.channel.events if event.event == "close"]
    check(not fired, "a close event was fired by the side that closed")
