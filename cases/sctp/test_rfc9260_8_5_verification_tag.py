"""RFC 9260 sections 8.5 and 9.1: packets that must not be believed, and the ABORT that must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cases.sctp.intruder import Connect, established, heartbeat, is_unharmed
from harness.capture.match import sctp
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire.sctp import Abort, Init, ShutdownComplete


async def test_sanity_a_heartbeat_with_the_right_tag_is_answered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, _ = await established(connect, peer, endpoint)
    intruder.say(heartbeat())
    await channel.send("now")
    await wire.wait_for(sctp.heartbeat_ack(), sender=endpoint, timeout=2.0)


@clause("RFC9260-8.5-M2", "RFC9260-8.5-M3")
async def test_a_packet_with_another_tag_is_discarded(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(heartbeat(b"wrong tag"), tag=intruder.tag ^ 1)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    wire.never(sctp.heartbeat_ack().where(says(b"wrong tag"), "to it"), sender=endpoint)
    wire.never(sctp.abort() | sctp.error(), sender=endpoint)


@clause("RFC9260-8.5.1-M2")
async def test_a_packet_with_tag_zero_that_is_no_init_is_discarded(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(heartbeat(b"tag zero"), tag=0)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    wire.never(sctp.heartbeat_ack().where(says(b"tag zero"), "to it"), sender=endpoint)


@clause("RFC9260-8.5.1-M2", "RFC9260-5.1-M9")
async def test_an_init_with_another_chunk_behind_it_is_discarded(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    answered = len(wire.all(sctp.init_ack(), sender=endpoint))
    intruder.say(Init(0x77777777, 100_000, 10, 10, 1), heartbeat(b"behind an INIT"), tag=0)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    wire.never(sctp.heartbeat_ack().where(says(b"behind an INIT"), "to it"), sender=endpoint)
    check(len(wire.all(sctp.init_ack(), sender=endpoint)) == answered, "the INIT was answered")


@clause("RFC9260-8.5.1-M6")
@pytest.mark.parametrize("reflected", [False, True], ids=["T bit clear", "T bit set"])
async def test_an_abort_with_a_wrong_tag_is_discarded(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, reflected: bool
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    # Without the T bit it has to be the receiver's tag, with it the sender's: here each is the other way round.
    intruder.say(Abort(reflected=reflected), tag=intruder.tag if reflected else intruder.own_tag)
    await channel.send("now")
    await is_unharmed(made, other, "now")


@clause("RFC9260-8.5.1-M5", "RFC9260-9.1-M4", "RFC9260-9.1-M5")
@pytest.mark.parametrize("reflected", [False, True], ids=["T bit clear", "T bit set"])
async def test_an_abort_with_the_right_tag_ends_the_association(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, reflected: bool
) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint)
    intruder.say(Abort(reflected=reflected), tag=intruder.own_tag if reflected else intruder.tag)
    await channel.send("now")
    await other.wait_for(readyState="closed", timeout=5.0)


@clause("RFC9260-9.1-M3", "RFC9260-3.3.7-M4")
async def test_an_abort_is_not_answered(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint)
    intruder.say(Abort())
    await channel.send("now")
    await other.wait_for(readyState="closed", timeout=5.0)
    aborted = wire.expect(sctp.abort(), sender=peer)
    wire.never(sctp.abort(), sender=endpoint, after=aborted)


@clause("RFC9260-8.5.1-M10")
async def test_a_shutdown_complete_out_of_place_is_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(ShutdownComplete())
    await channel.send("now")
    await is_unharmed(made, other, "now")


@clause("RFC9260-3.3.7-M2", "RFC9260-6.10-M5")
async def test_what_stands_behind_an_abort_is_not_taken(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint)
    intruder.say(Abort(), heartbeat(b"behind the end"))
    await channel.send("now")
    await other.wait_for(readyState="closed", timeout=5.0)
    wire.never(sctp.heartbeat_ack().where(says(b"behind the end"), "to it"), sender=endpoint)


@clause("RFC9260-3.3.2-M7", "RFC9260-3.3.2-M9", "RFC9260-3.3.2-M11")
@pytest.mark.parametrize(
    "fields",
    [{"a_rwnd": 1499}, {"outbound_streams": 0}, {"inbound_streams": 0}],
    ids=["window of 1499", "no outbound streams", "no inbound streams"],
)
async def test_an_impossible_init_changes_nothing(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, fields: dict[str, int]
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    answered = len(wire.all(sctp.init_ack(), sender=endpoint))
    values: dict[str, Any] = {"a_rwnd": 100_000, "outbound_streams": 10, "inbound_streams": 10, **fields}
    intruder.say(Init(tag=0x77777777, initial_tsn=1, **values), tag=0)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    check(len(wire.all(sctp.init_ack(), sender=endpoint)) == answered, "the INIT was answered by an INIT ACK")


@clause("RFC9260-3.3.2-M5")
async def test_an_init_with_tag_zero_is_discarded_silently(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(Init(0, 100_000, 10, 10, 1), tag=0)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    wire.never(sctp.abort(), sender=endpoint)


@clause("RFC9260-6.8-M3", "RFC9260-6.8-M4")
async def test_a_packet_with_a_wrong_checksum_is_discarded(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(heartbeat(b"wrong checksum"), checksum=1)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    wire.never(sctp.heartbeat_ack().where(says(b"wrong checksum"), "to it"), sender=endpoint)


@clause("RFC9260-6.7-M1")
async def test_a_message_that_comes_twice_is_delivered_once(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.bend(lambda packet: (packet, packet, packet))
    await channel.send("once")
    await is_unharmed(made, other, "once")
    twice = [hit.packet.tsn for hit in wire.all(sctp.data(), sender=peer)]
    check(len(twice) > len(set(twice)), "the packet was not doubled")


def says(info: bytes) -> Callable[[object], bool]:
    """Whether a HEARTBEAT ACK gives this information back."""
    return lambda packet: info in bytes(packet)  # type: ignore[call-overload]  # scapy packets have __bytes__
