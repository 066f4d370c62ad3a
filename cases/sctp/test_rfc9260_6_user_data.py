"""RFC 9260 section 6: how user data are cut, numbered, bundled and acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from cases.sctp.intruder import BINARY, STRING, Connect, Intruder, established, heartbeat, is_unharmed
from harness.capture.match import sctp
from harness.capture.wire import Hit, Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.wire.sctp import Data, Packet, Unknown

# A peer that knows no padded probes: nobody looks for more than an Ethernet frame carries, loopback or not.
ETHERNET = Seams(sctp_config={"max_mtu": 1188})


async def large_message(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, options: dict[str, Any] | None = None
) -> list[Hit]:
    """The chunks of one message of 20,000 bytes from the endpoint, in the order of their TSNs, each once."""
    there = await peer.peer_connection(seams=ETHERNET)
    made = await connect(endpoint, there, channel="first")
    await made.other_channel()
    channel = await made.offerer.createDataChannel("large", options or {})
    other = await (await made.answerer.datachannel()).opened()
    await channel.opened()
    await channel.send(bytes(20_000))
    check(await other.receive() == bytes(20_000), "another message arrived")
    hits = {hit.packet.tsn: hit for hit in wire.all(sctp.data(ppid=BINARY), sender=endpoint)}
    first = wire.all(sctp.data(ppid=BINARY), sender=endpoint)[0].packet.tsn
    return [hits[tsn] for tsn in sorted(hits, key=lambda tsn: (tsn - first) & 0xFFFFFFFF)]


async def test_sanity_a_large_message_arrives(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    check(len(await large_message(connect, peer, endpoint, wire)) > 1, "it was not cut")


@clause("RFC9260-6.9-M2", "RFC9260-6.9-M8", "RFC9260-6.9-M11")
async def test_fragments_are_marked_as_beginning_middle_and_end(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    chunks = [hit.packet for hit in await large_message(connect, peer, endpoint, wire)]
    marks = [(bool(chunk.beginning), bool(chunk.ending)) for chunk in chunks]
    wanted = [(True, False), *[(False, False)] * (len(chunks) - 2), (False, True)]
    check(marks == wanted, f"the B and E bits are {marks}")


@clause("RFC9260-6.9-M9")
async def test_fragments_have_consecutive_tsns(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    tsns = [hit.packet.tsn for hit in await large_message(connect, peer, endpoint, wire)]
    steps = {(after - before) & 0xFFFFFFFF for before, after in pairwise(tsns)}
    check(steps == {1}, f"the TSNs are {tsns}")


@clause("RFC9260-6.9-M10")
async def test_every_fragment_of_an_unordered_message_is_unordered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    chunks = [hit.packet for hit in await large_message(connect, peer, endpoint, wire, {"ordered": False})]
    # Until the channel is acknowledged it sends in order (RFC 8832 section 6): all of them or none.
    bits = {bool(chunk.unordered) for chunk in chunks}
    check(len(bits) == 1, "some fragments are ordered and some are not")


@clause("RFC9260-6.9-M6", "RFC9260-6.10-M1")
async def test_no_packet_exceeds_the_path_mtu_of_1500(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await large_message(connect, peer, endpoint, wire)
    sizes = [len(bytes(hit.packet)) for hit in wire.all(sctp.packet(), sender=endpoint)]
    check(max(sizes) <= 1500 - 28 - 13, f"the largest SCTP packet has {max(sizes)} bytes")


@clause("RFC9260-6.10-M3")
async def test_data_of_a_packet_stand_in_the_order_of_their_tsns(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send(*[str(number) for number in range(50)])
    for number in range(50):
        check(await other.receive() == str(number), f"message {number} did not arrive in its place")
    for hit in wire.all(sctp.packet(), sender=endpoint):
        tsns = [chunk.tsn for chunk in hit.packet.chunks if chunk.title == "DATA"]
        rising = all((b - a) & 0xFFFFFFFF < 0x80000000 for a, b in pairwise(tsns))
        check(rising, f"a packet has the TSNs {tsns}", clause="RFC9260-6.10-M3")


@clause("RFC9260-6.10-M2")
async def test_control_chunks_stand_before_data(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    for number in range(5):
        await made.channel.send(f"to {number}")
        await other.receive()
        await other.send(f"back {number}")
        await made.channel.receive()
    wire.never(sctp.packet().where(control_behind_data, "with a control chunk behind DATA"), sender=endpoint)


def control_behind_data(packet: Any) -> bool:
    titles = [chunk.title for chunk in packet.chunks]
    return "DATA" in titles and any(title != "DATA" for title in titles[titles.index("DATA") :])


@clause("RFC9260-6.5-M2", "RFC9260-6.5-M3")
async def test_ordered_messages_count_from_zero(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send("one", "two", "three")
    for text in ("one", "two", "three"):
        check(await other.receive() == text, "another message arrived")
    stream = made.channel.id or 0
    chunks = {h.packet.tsn: h.packet.ssn for h in wire.all(sctp.data(stream=stream), sender=endpoint)}
    check(list(chunks.values()) == [0, 1, 2, 3], f"the stream sequence numbers are {list(chunks.values())}")


@clause("RFC9260-3.2-M1", "RFC9260-3.2-M2", "RFC9260-3.2-M3")
async def test_packets_are_padded_to_four_bytes(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    for text in ("1", "22", "333", "4444"):
        await made.channel.send(text)
        await other.receive()
    uneven = sctp.packet().where(lambda packet: len(bytes(packet)) % 4 != 0, "whose length is not a multiple of 4")
    wire.never(uneven, sender=endpoint)


# What arrives in strange ways


def reversed_thrice(intruder: Intruder) -> Callable[[Any], Iterable[Any]]:
    """Three packets of a message are held back and leave the other way round."""
    kept: list[Packet] = []

    def transform(message: Any) -> Iterable[Any]:
        passed = list(intruder(message))
        if not isinstance(message, Packet) or not any(isinstance(c, Data) and c.ppid == BINARY for c in message.chunks):
            return passed
        kept.extend(passed)
        if len(kept) != 3:
            return passed if len(kept) > 3 else ()
        return kept[::-1]

    return transform


@clause("RFC9260-6.9-M1", "RFC9260-6.9-M12")
async def test_a_message_whose_last_fragment_comes_first_is_put_together(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(sctp=reversed_thrice(Intruder()), sctp_config={"max_mtu": 1188}))
    assert made.channel is not None
    other = await made.other_channel()
    message = bytes(range(250)) * 12
    await made.channel.send(message)
    check(await other.receive() == message, "another message arrived")


@clause("RFC9260-6.6-M1", "RFC9260-6.6-M2")
async def test_ordered_messages_that_arrive_out_of_order_are_delivered_in_order(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(sctp=reversed_thrice(Intruder()), sctp_config={"max_mtu": 1188}))
    assert made.channel is not None
    other = await made.other_channel()
    for mark in (b"1", b"2", b"3"):
        await made.channel.send(mark * 1100)
    for mark in (b"1", b"2", b"3"):
        received = await other.receive()
        check(received == mark * 1100, f"expected message {mark!r}, {received[:1]!r} arrived")


@clause("RFC9260-6.6-M3")
async def test_the_ssn_of_an_unordered_message_is_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def strange(message: Any) -> Iterable[Any]:
        unordered = isinstance(message, Data) and message.flags & 4
        return (replace(message, ssn=0x7777) if unordered else message,)

    made = await connect(peer, endpoint, channel="first", seams=Seams(sctp=strange))
    await made.other_channel()
    channel = await made.offerer.createDataChannel("loose", {"ordered": False})
    other = await (await made.answerer.datachannel()).opened()
    await channel.opened()
    for number in range(5):
        await channel.send(str(number))
    check({await other.receive() for _ in range(5)} == set("01234"), "other messages arrived")
    wire.expect(sctp.data(ppid=STRING, unordered=True), sender=peer)


@clause("RFC9260-6.7-S1", "RFC9260-6.6-M2")
async def test_a_gap_is_reported_and_filled(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.bend(lambda packet: ())
    await channel.send("lost at first")
    await channel.send("in time")
    await wire.wait_for(
        sctp.sack().where(lambda sack: bool(sack.gaps), "with a gap"),
        sender=endpoint,
        timeout=2.0,
        clause="RFC9260-6.7-S1",
    )
    await is_unharmed(made, other, "lost at first", "in time")


@clause("RFC9260-6.10-M6")
async def test_a_partial_chunk_is_dropped_and_what_stands_before_it_is_taken(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    cut_off = heartbeat(b"cut off").serialize()[:8]
    intruder.say(cut_off)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    wire.never(sctp.abort(), sender=endpoint)


@clause("RFC9260-6.10-M5")
async def test_a_chunk_behind_one_to_be_skipped_is_taken(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(Unknown(0xBF, 0, b"skip me"), heartbeat(b"behind it"))
    await channel.send("now")
    answer = sctp.heartbeat_ack().where(lambda chunk: b"behind it" in bytes(chunk), "to it")
    await wire.wait_for(answer, sender=endpoint, timeout=2.0)
    await is_unharmed(made, other, "now")


@clause("RFC9260-3.2-M4")
async def test_padding_that_is_not_zero_is_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    # Heartbeat Info of 7 bytes: one byte of padding, and that is 0xff.
    intruder.say(bytes.fromhex("0400000f0001000b") + b"padding" + b"\xff")
    await channel.send("now")
    await wire.wait_for(sctp.heartbeat_ack(), sender=endpoint, timeout=2.0)
    await is_unharmed(made, other, "now")


@clause("RFC9260-3.3.6-M1", "RFC9260-3.3.6-M2", "RFC9260-8.3-M1")
async def test_a_heartbeat_is_answered_with_what_it_carried(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, _ = await established(connect, peer, endpoint)
    information = bytes(range(200))
    intruder.say(heartbeat(information))
    await channel.send("now")
    answer = sctp.heartbeat_ack().where(lambda chunk: information in bytes(chunk), "with its information")
    await wire.wait_for(answer, sender=endpoint, timeout=2.0)


async def test_a_flood_of_heartbeats_does_no_harm(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    for _ in range(50):
        intruder.say(*[heartbeat(bytes([number])) for number in range(40)])
    await channel.send("now")
    await is_unharmed(made, other, "now")


async def test_chunks_and_parameters_of_length_zero_do_no_harm(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(bytes(64))
    intruder.say(Unknown(130, 0, bytes(16)))
    intruder.say(Unknown(4, 0, b"\0\1\0\0" * 4))
    await channel.send("now")
    await is_unharmed(made, other, "now")
