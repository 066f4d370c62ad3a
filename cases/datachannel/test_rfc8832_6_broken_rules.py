"""RFC 8832 section 6 and RFC 8831 section 6.6: what a peer does wrong with a channel, and what has to become of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from cases.reading import Said
from harness.capture.items import Item
from harness.capture.match import dcep, sctp
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.errors import EndpointTimeout
from peer.api import Seams
from peer.wire import dcep as wire_dcep
from peer.wire.sctp import Data

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

DCEP, STRING = 50, 51


class Ventriloquist:
    """A seam for SCTP: our text messages that begin with a prefix become something else on the wire."""

    def __init__(self, prefix: bytes, **fields: Any) -> None:
        self._prefix = prefix
        self._fields = fields

    def __call__(self, message: Any) -> Iterable[Any]:
        if isinstance(message, Data) and message.ppid == STRING and message.data.startswith(self._prefix):
            return (replace(message, **self._fields),)
        return (message,)


def on_stream(stream: int) -> Callable[[Item], bool]:
    return lambda item: item.inside is not None and item.inside.packet.stream == stream


def our_parity(made: Connection) -> int:
    """The parity of the ids that the reference, which offers, has to use."""
    return int("active" in Said.of(made.answer).everywhere("setup"))


def a_free_stream(parity: int) -> int:
    return 500 + parity


async def test_sanity_a_message_bent_into_an_open_opens_a_channel(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made, _ = await said(connect, peer, endpoint, wire_dcep.Open(0, 256, 0, "bent", ""))
    await (await made.answerer.datachannel()).opened()


async def said(
    connect: Connect, peer: Reference, endpoint: Endpoint, message: wire_dcep.Message | bytes, *, ours: bool = True
) -> tuple[Connection, int]:
    """Connects, and says a DCEP message on an unused stream of our parity (or not). Gives the stream too."""
    data = message if isinstance(message, bytes) else message.serialize()
    bent = Ventriloquist(b"dcep", ppid=DCEP, data=data, ssn=0)
    made = await connect(peer, endpoint, seams=Seams(sctp=lambda chunk: bent(chunk)))
    await made.other_channel()
    stream = a_free_stream(our_parity(made) if ours else 1 - our_parity(made))
    channel = await made.offerer.createDataChannel("unspoken", {"negotiated": True, "id": stream})
    await channel.opened()
    await channel.send("dcep")
    return made, stream


async def barrier(made: Connection) -> None:
    """Another channel of the endpoint's, opened and answered: what it had to say before was said."""
    later = await made.answerer.createDataChannel("later")
    await later.opened()


@clause("RFC8832-6-M6")
@pytest.mark.parametrize(
    "message",
    [
        b"\x03",
        wire_dcep.Open(0, 256, 0, "too long", "").serialize()[:-1],
        b"\x03\x00\x01\x00\x00\x00\x00\x00\x00\x02\x00\x00\xff\xfe",
    ],
    ids=["one byte", "cut off", "not UTF-8"],
)
async def test_a_malformed_open_is_not_acknowledged(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, message: bytes
) -> None:
    made, stream = await said(connect, peer, endpoint, message)
    await barrier(made)
    wire.never(dcep.ack().and_item(on_stream(stream), "of it"), sender=endpoint)


@clause("RFC8832-6-M6")
async def test_an_open_on_a_stream_of_the_wrong_parity_is_not_acknowledged(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made, stream = await said(connect, peer, endpoint, wire_dcep.Open(0, 256, 0, "yours", ""), ours=False)
    await barrier(made)
    wire.never(dcep.ack().and_item(on_stream(stream), "of it"), sender=endpoint)


@clause("RFC8832-6-M6")
async def test_a_second_open_on_an_open_channel_closes_it(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    again = wire_dcep.Open(0, 256, 0, "again", "").serialize()
    made = await connect(peer, endpoint, seams=Seams(sctp=Ventriloquist(b"dcep", ppid=DCEP, data=again)))
    assert made.channel is not None
    other = await made.other_channel()
    stream = made.channel.id or 0
    await made.channel.send("dcep")
    await barrier(made)
    acknowledged = wire.all(dcep.ack().and_item(on_stream(stream), "of it"), sender=endpoint)
    check(len(acknowledged) == 1, f"{len(acknowledged)} DATA_CHANNEL_ACKs for one channel")
    check(other.state("readyState") in ("closing", "closed"), f"the channel is {other.state('readyState')}")


@clause("RFC8832-6-M9")
async def test_user_data_on_an_unused_stream_close_it(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    await made.other_channel()
    stream = a_free_stream(our_parity(made))
    channel = await made.offerer.createDataChannel("unspoken", {"negotiated": True, "id": stream})
    await channel.opened()
    await channel.send("hello?")
    await wire.wait_for(sctp.reconfig(resets=stream), sender=endpoint, timeout=3.0)


@clause("RFC8831-6.6-M4")
async def test_a_ppid_nobody_knows_is_not_delivered_as_a_message(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(sctp=Ventriloquist(b"strange", ppid=999)))
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send("strange")
    await barrier(made)
    got = [fired.detail.get("data") for fired in other.events if fired.event == "message"]
    check(got == [], f"{got} was delivered")


async def test_an_ack_nobody_waits_for_does_no_harm(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    bent = Ventriloquist(b"dcep", ppid=DCEP, data=b"\x02")
    made = await connect(peer, endpoint, seams=Seams(sctp=bent))
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send("dcep")
    await made.channel.send("still here")
    check(await other.receive() == "still here", "another message arrived")


@clause("RFC8832-6-M7")
async def test_before_it_is_acknowledged_a_channel_sends_in_order(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    answerer = await peer.peer_connection(seams=Seams(dcep=OneAck()))
    made = await connect(endpoint, answerer, channel="first")
    await made.other_channel()
    channel = await made.offerer.createDataChannel("held", {"ordered": False})
    other = await (await made.answerer.datachannel()).opened()
    try:
        await channel.opened(timeout=3.0)
    except EndpointTimeout:
        # Some wait for the ACK before they say that it is open: then nothing can be sent, in order or not.
        wire.never(sctp.data(unordered=True), sender=endpoint)
        return
    await channel.send("early")
    await other.receive()
    early = wire.expect(sctp.data(ppid=STRING, payload=b"early"), sender=endpoint)
    check(not early.packet.unordered, "it was sent unordered")


class OneAck:
    """A seam for DCEP: the first channel is acknowledged, no further one is."""

    def __init__(self) -> None:
        self._spent = False

    def __call__(self, message: wire_dcep.Message) -> Iterable[wire_dcep.Message]:
        if not isinstance(message, wire_dcep.Ack):
            return (message,)
        spent, self._spent = self._spent, True
        return () if spent else (message,)


@clause("RFC8831-6.6-M2", "RFC8831-6.6-M3")
async def test_every_message_is_one_sctp_message(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send("a", "b", "c")
    for text in "abc":
        check(await other.receive() == text, "another message arrived")
    whole = sctp.data(ppid=STRING, beginning=True, ending=True)
    seen = [bytes(hit.packet.data) for hit in wire.all(whole, sender=endpoint)]
    check(seen == [b"a", b"b", b"c"], f"the messages are {seen}")
