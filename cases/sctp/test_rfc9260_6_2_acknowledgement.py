"""RFC 9260 section 6.2, with 6.1 and 6.5: what is acknowledged, and how, and what a closed window means."""

from __future__ import annotations

from dataclasses import replace

from cases.sctp.intruder import BINARY, MASK, Connect, established, is_unharmed
from harness.capture.match import sctp
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire.sctp import Data
from peer.wire.sctp_tlv import CauseCode


@clause("RFC9260-6.2-M1", "RFC9260-6.2-M12")
async def test_sanity_what_arrived_is_acknowledged_to_the_last(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint)
    await channel.send("one", "two", "three")
    for text in ("one", "two", "three"):
        check(await other.receive() == text, "another message arrived")
    await wire.wait_for(sctp.sack(cumulative_tsn=intruder.last_tsn), sender=endpoint, timeout=2.0)


@clause("RFC9260-6.2-M14", "RFC9260-6.2-S7")
async def test_a_packet_of_duplicates_is_reported_at_once(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.bend(lambda packet: (packet, packet))
    await channel.send("twice")
    await is_unharmed(made, other, "twice")
    sack = await wire.wait_for(
        sctp.sack().where(lambda chunk: bool(chunk.duplicates), "with a duplicate"), sender=endpoint, timeout=2.0
    )
    doubled = {hit.packet.tsn for hit in wire.all(sctp.data(payload=b"twice"), sender=peer)}
    check(set(sack.packet.duplicates) <= doubled, f"reported as duplicates are {sack.packet.duplicates}")


@clause("RFC9260-6.2-M12", "RFC9260-3.3.4-S1")
async def test_gap_blocks_name_exactly_what_arrived_behind_a_gap(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    before = intruder.last_tsn
    for text in ("lost 1", "here 2", "lost 3", "here 4", "here 5"):
        if text.startswith("lost"):
            intruder.bend(lambda packet: ())
        await channel.send(text)
    gaps = sctp.sack(cumulative_tsn=before).where(
        lambda sack: [(gap.start, gap.end) for gap in sack.gaps] == [(2, 2), (4, 5)], "with the gap blocks 2-2 and 4-5"
    )
    await wire.wait_for(gaps, sender=endpoint, timeout=2.0)
    await is_unharmed(made, other, "lost 1", "here 2", "lost 3", "here 4", "here 5")


@clause("RFC9260-6.2-S16")
async def test_data_without_user_data_end_the_association(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, _ = await established(connect, peer, endpoint)
    intruder.say(Data((intruder.last_tsn + 2) & MASK, 1, 0, BINARY, b""))
    await channel.send("now")
    ended = sctp.abort(cause=int(CauseCode.NO_USER_DATA))
    await wire.wait_for(ended, sender=endpoint, timeout=2.0, clause="RFC9260-6.2-S16")


@clause("RFC9260-6.5-S1")
async def test_data_on_a_stream_that_does_not_exist_are_acknowledged_and_reported(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint)
    intruder.bend(
        lambda packet: (
            replace(
                packet,
                chunks=tuple(replace(c, stream_id=65_535) if isinstance(c, Data) else c for c in packet.chunks),
            ),
        )
    )
    await channel.send("nowhere")
    tsn = intruder.last_tsn
    await wire.wait_for(sctp.sack(cumulative_tsn=tsn), sender=endpoint, timeout=2.0)
    reported = sctp.error(cause=int(CauseCode.INVALID_STREAM))
    await wire.wait_for(reported, sender=endpoint, timeout=2.0, clause="RFC9260-6.5-S1")
    got = [fired.detail.get("data") for fired in other.events if fired.event == "message"]
    check(got == [], f"{got} was delivered")


@clause("RFC9260-6.1-M2", "RFC9260-6.1-M9")
async def test_nothing_but_a_probe_is_sent_into_a_closed_window(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint)
    intruder.window = 0
    await other.send("closes the window")
    await channel.receive()
    await channel.send("with the SACK that closes it")
    await other.receive()
    wire.expect(sctp.sack().where(lambda sack: sack.a_rwnd == 0, "that closes the window"), sender=peer)
    await other.send(bytes(20_000))
    await channel.send("still closed?")
    check(await other.receive() == "still closed?", "another message arrived")
    probes = {hit.packet.tsn for hit in wire.all(sctp.data(ppid=BINARY), sender=endpoint)}
    check(len(probes) <= 1, f"{len(probes)} chunks were sent into a closed window")
    intruder.window = None
    assert intruder.sack is not None
    intruder.say(replace(intruder.sack, a_rwnd=1_000_000))
    await channel.send("open again")
    check(await other.receive() == "open again", "another message arrived")
    check(await channel.receive() == bytes(20_000), "another message arrived")
