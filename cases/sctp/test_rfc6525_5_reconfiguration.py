"""RFC 6525 section 5: how streams are reset, and how such requests are answered."""

from __future__ import annotations

from typing import Any

from cases.sctp.intruder import MASK, Connect, established, is_unharmed, read
from harness.capture.match import sctp
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.wire.sctp import Reconfig
from peer.wire.sctp_tlv import OutgoingReset, ReconfigurationResponse

NOTHING_TO_DO, PERFORMED, IN_PROGRESS = 0, 1, 6


async def closed_by_it(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> tuple[int, OutgoingReset]:
    """The endpoint closes its channel. Gives the stream, and the request that says so."""
    made = await connect(endpoint, peer)
    assert made.channel is not None
    other = await made.other_channel()
    await made.channel.send("the last one")
    await other.receive()
    stream = made.channel.id or 0
    await made.channel.close()
    hit = await wire.wait_for(sctp.reconfig(resets=stream), sender=endpoint, timeout=3.0)
    return stream, next(each for each in read(hit).parameters if isinstance(each, OutgoingReset))


async def test_sanity_closing_a_channel_asks_for_a_reset(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await closed_by_it(connect, peer, endpoint, wire)


@clause("RFC6525-5.1.2-M7", "RFC6525-4.1-M1")
async def test_a_request_names_the_stream_that_is_closed_and_no_other(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    stream, request = await closed_by_it(connect, peer, endpoint, wire)
    check(request.streams == (stream,), f"the request names {request.streams}")


@clause("RFC6525-5.1.2-M2")
async def test_the_first_request_has_the_number_of_the_initial_tsn(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    _, request = await closed_by_it(connect, peer, endpoint, wire)
    first = wire.all(sctp.data(), sender=endpoint)[0].packet.tsn
    check(request.request == first, f"the request has the number {request.request}, the first DATA {first}")


@clause("RFC6525-5.1.2-M4")
async def test_a_request_names_the_last_tsn_that_was_assigned(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    _, request = await closed_by_it(connect, peer, endpoint, wire)
    last = wire.all(sctp.data(), sender=endpoint)[-1].packet.tsn
    check(request.last_tsn == last, f"the request says {request.last_tsn}, the last DATA was {last}")


def response_to(request: int, *results: int) -> Any:
    """A RE-CONFIG chunk that answers the request of this number with one of these results."""

    def answers(chunk: Any) -> bool:
        data = bytes(chunk)
        wanted = [request.to_bytes(4, "big") + result.to_bytes(4, "big") for result in results]
        return data[4:8] == b"\x00\x10\x00\x0c" and data[8:16] in wanted

    return sctp.reconfig(response=True).where(answers, f"to request {request} with result {results}")


@clause("RFC6525-5.2.2-M9", "RFC6525-4.4-M1")
async def test_a_request_for_a_stream_that_was_never_used_is_answered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(Reconfig((OutgoingReset(intruder.own_tsn, 0, intruder.last_tsn, (1234,)),)))
    await channel.send("now")
    answer = response_to(intruder.own_tsn, NOTHING_TO_DO, PERFORMED)
    await wire.wait_for(answer, sender=endpoint, timeout=2.0)
    await is_unharmed(made, other, "now")


@clause("RFC6525-5.2.1-M2")
async def test_a_request_that_comes_again_gets_the_same_answer(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    request = Reconfig((OutgoingReset(intruder.own_tsn, 0, intruder.last_tsn, (1234,)),))
    answer = response_to(intruder.own_tsn, NOTHING_TO_DO, PERFORMED)
    intruder.say(request)
    await channel.send("first")
    first = await wire.wait_for(answer, sender=endpoint, timeout=2.0)
    intruder.say(request)
    await channel.send("again")
    again = await wire.wait_for(answer, sender=endpoint, after=first, timeout=2.0)
    check(read(first) == read(again), f"the answers are {read(first)} and {read(again)}")
    await is_unharmed(made, other, "first", "again")


@clause("RFC6525-5.2.2-M5")
async def test_a_reset_waits_for_the_data_before_it(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    beyond = (intruder.last_tsn + 1000) & MASK
    intruder.say(Reconfig((OutgoingReset(intruder.own_tsn, 0, beyond, (1234,)),)))
    await channel.send("now")
    await wire.wait_for(response_to(intruder.own_tsn, IN_PROGRESS), sender=endpoint, timeout=2.0)
    await is_unharmed(made, other, "now")


async def test_a_response_nobody_waits_for_does_no_harm(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(Reconfig((ReconfigurationResponse(0x12345678, PERFORMED),)))
    await channel.send("now")
    await is_unharmed(made, other, "now")


@clause("RFC6525-5.2.2-M7", "RFC6525-5.2.7-M4")
async def test_a_stream_that_was_reset_counts_from_zero_again(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    await made.other_channel()
    agreed = {"negotiated": True, "id": 100}
    for text in ("first life", "second life"):
        here = await made.offerer.createDataChannel("again", agreed)
        there = await made.answerer.createDataChannel("again", agreed)
        await here.opened()
        await there.opened()
        await here.send(text)
        await there.send(text)
        check(await there.receive() == text, "another message arrived")
        check(await here.receive() == text, "another message arrived")
        await here.close()
        await here.wait_for(readyState="closed", timeout=5.0)
        await there.wait_for(readyState="closed", timeout=5.0)
    numbers = {hit.packet.tsn: hit.packet.ssn for hit in wire.all(sctp.data(stream=100), sender=endpoint)}
    check(list(numbers.values()) == [0, 0], f"the stream sequence numbers are {list(numbers.values())}")
