"""RFC 3758 section 3.6 and RFC 8260 section 2.2: what was given up, and data of the kind that was not agreed on."""

from __future__ import annotations

from dataclasses import replace

from cases.sctp.intruder import MASK, STRING, Connect, established, heartbeat, is_unharmed
from harness.capture.match import sctp
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.wire.sctp import Chunk, Data, DataFlag, ForwardTsn, IData, Packet, SkippedStream


@clause("RFC3758-3.6-M2", "RFC3758-3.6-M6")
async def test_sanity_what_waits_behind_a_message_given_up_is_delivered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.bend(lambda packet: ())
    await channel.send("given up")
    skipped = SkippedStream(channel.id or 0, intruder.last_ssn)
    intruder.say(ForwardTsn(intruder.last_tsn, (skipped,)))
    await channel.send("behind it")
    await is_unharmed(made, other, "behind it")
    await wire.wait_for(sctp.sack(cumulative_tsn=intruder.last_tsn), sender=endpoint, timeout=2.0)


@clause("RFC3758-3.6-M4", "RFC3758-3.6-S1")
async def test_a_forward_tsn_that_goes_backwards_is_answered_and_changes_nothing(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    await channel.send("one", "two")
    for text in ("one", "two"):
        check(await other.receive() == text, "another message arrived")
    intruder.say(ForwardTsn((intruder.own_tsn - 1) & MASK, (SkippedStream(channel.id or 0, 0xFFF0),)))
    await channel.send("now")
    await is_unharmed(made, other, "now")
    await wire.wait_for(sctp.sack(cumulative_tsn=intruder.last_tsn), sender=endpoint, timeout=2.0)


@clause("RFC3758-3.6-M8")
async def test_the_beginning_of_a_message_given_up_is_forgotten(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.bend(lambda packet: (replace(packet, chunks=tuple(map(without_an_end, packet.chunks))),))
    await channel.send("only a beginning")

    def given_up(packet: Packet) -> tuple[Packet]:
        skipped = SkippedStream(channel.id or 0, intruder.last_ssn)
        return (replace(packet, chunks=(ForwardTsn(intruder.last_tsn, (skipped,)),)),)

    intruder.bend(given_up)
    await channel.send("what FORWARD TSN stands for")
    await is_unharmed(made, other)


def without_an_end(chunk: Chunk | bytes) -> Chunk | bytes:
    return replace(chunk, flags=chunk.flags & ~DataFlag.END) if isinstance(chunk, Data) else chunk


@clause("RFC8260-2.2.1-M2")
async def test_i_data_are_not_sent_where_they_were_not_agreed_on(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send("text", bytes(5000))
    check(await other.receive() == "text", "another message arrived")
    check(await other.receive() == bytes(5000), "another message arrived")
    wire.never(sctp.i_data(), sender=endpoint)


@clause("RFC8260-2.2.1-M1", "RFC8260-2.2.1-M2")
async def test_interleaving_is_used_for_everything_where_both_sides_offer_it(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(sctp_config={"interleaving": True}))
    assert made.channel is not None
    other = await made.other_channel()
    message = bytes(range(250)) * 200
    await other.send("text", message)
    check(await made.channel.receive() == "text", "another message arrived")
    check(await made.channel.receive() == message, "another message arrived")
    offers = sctp.init(supports=("I-DATA",)) | sctp.init_ack(supports=("I-DATA",))
    wire.never(sctp.data() if wire.all(offers, sender=endpoint) else sctp.i_data(), sender=endpoint)


@clause("RFC8260-2.2.1-M2")
async def test_i_data_that_were_not_agreed_on_are_not_delivered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint)
    intruder.say(IData((intruder.last_tsn + 2) & MASK, channel.id or 0, 1, STRING, b"interleaved"))
    intruder.say(heartbeat(b"and now?"))
    await channel.send("before it")
    check(await other.receive() == "before it", "another message arrived")
    answered = sctp.heartbeat_ack().where(lambda chunk: b"and now?" in bytes(chunk), "to what came behind it")
    await wire.wait_for(answered | sctp.abort(), sender=endpoint, timeout=2.0)
    got = [fired.detail.get("data") for fired in other.events if fired.event == "message"]
    check("interleaved" not in got, f"{got} was delivered")
