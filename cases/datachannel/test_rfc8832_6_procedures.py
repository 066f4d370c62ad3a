"""RFC 8832: how a channel is announced. RFC 8831 section 6: how it is used and closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from cases.bending import changed
from cases.reading import Said
from harness.capture.items import Item
from harness.capture.match import dcep, sctp
from harness.capture.wire import Hit, Wire
from harness.cases import Connection, check, clause, throws
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer import sdp
from peer.api import Seams
from peer.wire import dcep as wire_dcep
from peer.wire.sctp import Data

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

DCEP, STRING, BINARY, STRING_EMPTY, BINARY_EMPTY = 50, 51, 53, 56, 57


def client_parity(made: Connection, *, offerer: bool) -> int:
    """0 for the side that is the DTLS client, 1 for the server: what RFC 8832 section 4 wants its ids to be."""
    answerer_is_client = "active" in Said.of(made.answer).everywhere("setup")
    return int(offerer == answerer_is_client)


def stream_of(hit: Hit) -> int:
    """The stream a DCEP message travelled on."""
    chunk = hit.item.inside
    return int(chunk.packet.stream) if chunk is not None else -1


def on_stream(stream: int | None) -> Callable[[Item], bool]:
    return lambda item: item.inside is not None and item.inside.packet.stream == stream


async def test_sanity_a_channel_is_announced_and_acknowledged(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(dcep.open(label="channel"), sender=peer)
    await wire.wait_for(dcep.ack(), sender=endpoint, timeout=2.0)


@clause("RFC8832-4-M1", "RFC8832-4-M2", "RFC8832-6-M5")
@pytest.mark.parametrize("offers", [True, False], ids=["offerer", "answerer"])
async def test_stream_ids_have_the_parity_of_the_dtls_role(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, offers: bool
) -> None:
    made = await connect(*((endpoint, peer) if offers else (peer, endpoint)))
    await (made.offerer if offers else made.answerer).createDataChannel("its own")
    announced = await wire.wait_for(dcep.open(label="its own"), sender=endpoint, timeout=5.0)
    stream, parity = stream_of(announced), client_parity(made, offerer=offers)
    check(stream % 2 == parity, f"the stream id is {stream} where one of parity {parity} is due")


@clause("RFC8832-5.1-M1")
async def test_a_reliable_channel_has_no_reliability_parameter(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(endpoint, peer)
    wire.expect(dcep.open(channel_type=0, reliability=0), sender=endpoint)


@clause("RFC8832-6-M1", "RFC8832-6-M3")
async def test_dcep_travels_ordered_under_its_own_ppid(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    channel = await made.offerer.createDataChannel("loose", {"ordered": False, "maxRetransmits": 0})
    await channel.opened()
    wire.expect(sctp.data(ppid=DCEP, unordered=False), sender=endpoint)
    wire.never(sctp.data(ppid=DCEP, unordered=True), sender=endpoint)


@clause("RFC8832-6-M2")
async def test_dcep_travels_on_the_stream_of_the_channel(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    assert made.channel is not None
    acknowledged = await wire.wait_for(dcep.ack(), sender=endpoint, timeout=2.0)
    check(stream_of(acknowledged) == made.channel.id, f"the ACK came on stream {stream_of(acknowledged)}")


@clause("RFC8832-6-M4")
async def test_user_messages_never_have_the_ppid_of_dcep(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send("\x03 looks like an OPEN", b"\x02")
    check(await other.receive() == "\x03 looks like an OPEN", "the text did not arrive")
    check(await other.receive() == b"\x02", "the bytes did not arrive")
    wire.never(sctp.data(ppid=DCEP, payload=b"\x02", stream=made.channel.id or 0), sender=endpoint)


@clause("RFC8831-6.6-M4")
@pytest.mark.parametrize(
    ("message", "ppid"),
    [("text", STRING), (b"bytes", BINARY), ("", STRING_EMPTY), (b"", BINARY_EMPTY)],
    ids=["text", "bytes", "empty text", "empty bytes"],
)
async def test_the_ppid_says_what_a_message_is(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, message: str | bytes, ppid: int
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send(message)
    check(await other.receive() == message, "another message arrived")
    wire.expect(sctp.data(ppid=ppid), sender=endpoint)


@clause("RFC8831-6.6-M5")
@pytest.mark.parametrize("message", ["", b""], ids=["text", "bytes"])
async def test_an_empty_message_arrives_empty(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, message: str | bytes
) -> None:
    made = await connect(peer, endpoint)
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send(message)
    check(await other.receive() == message, "what arrived is not empty")


@clause("RFC8831-6.6-M5")
@pytest.mark.parametrize("message", ["", b""], ids=["text", "bytes"])
async def test_an_empty_message_is_empty_whatever_it_carries(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, message: str | bytes
) -> None:
    made = await connect(peer, endpoint, seams=Seams(sctp=with_something_in_empty_messages))
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send(message)
    received = await other.receive()
    check(received == message, f"{received!r} was delivered")


def with_something_in_empty_messages(chunk: Any) -> Iterable[Any]:
    empty = isinstance(chunk, Data) and chunk.ppid in (STRING_EMPTY, BINARY_EMPTY)
    return (replace(chunk, data=b"not empty") if empty else chunk,)


@clause("RFC8832-5.1-M1")
async def test_the_reliability_parameter_of_a_reliable_channel_is_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dcep=changed(wire_dcep.Open, reliability=7)))
    other = await made.other_channel()
    limits = await other.get("maxRetransmits"), await other.get("maxPacketLifeTime")
    check(limits == (None, None), f"maxRetransmits and maxPacketLifeTime are {limits}")


@clause("RFC8832-6-M8")
async def test_an_unordered_channel_sends_unordered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    await made.other_channel()
    channel = await made.offerer.createDataChannel("loose", {"ordered": False})
    other = await made.answerer.datachannel()
    await channel.opened()
    await wire.wait_for(dcep.ack().and_item(on_stream(channel.id), "of it"), sender=peer, timeout=2.0)
    await channel.send("one")
    await other.receive()
    wire.expect(sctp.data(ppid=STRING, unordered=True), sender=endpoint)
    wire.never(sctp.data(ppid=STRING, unordered=False, stream=channel.id or 0), sender=endpoint)


@clause("RFC8831-6.7-M1")
async def test_closing_resets_the_outgoing_stream(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    stream = made.channel.id or 0
    await made.channel.close()
    await other.wait_for(readyState="closed")
    wire.expect(sctp.reconfig(resets=stream), sender=endpoint)


@clause("RFC8831-6.7-M1")
async def test_closing_is_answered_by_a_reset(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    assert made.channel is not None
    await made.other_channel()
    stream = made.channel.id or 0
    await made.channel.close()
    await wire.wait_for(sctp.reconfig(resets=stream), sender=endpoint, timeout=5.0)


@clause("RFC8832-6-M6")
async def test_an_open_that_makes_no_sense_is_not_acknowledged(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dcep=changed(wire_dcep.Open, channel_type=0x7F)), wait=False)
    await wire.wait_for(dcep.open(channel_type=0x7F), sender=peer, timeout=10.0)
    # Another channel, opened after it and answered, shows that the ACK is not merely late.
    later = await made.answerer.createDataChannel("later")
    await later.opened()
    wire.never(dcep.ack(), sender=endpoint)


@clause("RFC8841-6.1-M1", "W3C-RTCDataChannel.send-5")
async def test_a_message_over_the_limit_is_refused(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    answerer = await peer.peer_connection(seams=Seams(sdp=with_a_limit_of_1000))
    made = await connect(endpoint, answerer)
    assert made.channel is not None
    with throws("TypeError"):
        await made.channel.send(bytes(1001))


def with_a_limit_of_1000(description: sdp.SessionDescription) -> str:
    text = sdp.serialize(description)
    return "".join(
        "a=max-message-size:1000\r\n" if line.startswith("a=max-message-size:") else line
        for line in text.splitlines(keepends=True)
    )
