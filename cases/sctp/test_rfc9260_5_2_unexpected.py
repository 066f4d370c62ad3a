"""RFC 9260 section 5.2: the chunks of the handshake in an association that stands, and parameters nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cases.sctp.intruder import Connect, established, heartbeat, is_unharmed, read
from harness.capture.match import sctp
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.wire.sctp import CookieAck, CookieEcho, Error, Init, InitAck, Unknown
from peer.wire.sctp_tlv import Cause, CauseCode, Parameter, ParameterType

NEW_TAG = 0x77777777


async def test_sanity_the_association_takes_packets_between_others(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(heartbeat())
    await channel.send("now")
    await wire.wait_for(sctp.heartbeat_ack(), sender=endpoint, timeout=2.0)
    await is_unharmed(made, other, "now")


@clause("RFC9260-5.2.4-S7")
async def test_a_cookie_that_comes_again_is_acknowledged_again(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint, one_way=True)
    first = wire.expect(sctp.cookie_ack(), sender=endpoint)
    intruder.say(CookieEcho(intruder.cookie))
    await channel.send("now")
    await is_unharmed(made, other, "now")
    await wire.wait_for(sctp.cookie_ack(), sender=endpoint, after=first, timeout=2.0, clause="RFC9260-5.2.4-S7")


@clause("RFC9260-5.1.5-M2")
async def test_a_cookie_that_was_tampered_with_is_discarded_silently(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint, one_way=True)
    first = wire.expect(sctp.cookie_ack(), sender=endpoint)
    middle = len(intruder.cookie) // 2
    forged = intruder.cookie[:middle] + bytes([intruder.cookie[middle] ^ 1]) + intruder.cookie[middle + 1 :]
    intruder.say(CookieEcho(forged), heartbeat(b"behind a forged cookie"))
    await channel.send("now")
    await is_unharmed(made, other, "now")
    wire.never(sctp.cookie_ack() | sctp.abort() | sctp.error(), sender=endpoint, after=first)
    wire.never(answers(b"behind a forged cookie"), sender=endpoint)


@clause("RFC9260-5.2.2-M1", "RFC9260-5.2.2-M5", "RFC9260-5.2.2-M6", "RFC9260-5.2.2-M7")
async def test_an_unexpected_init_is_answered_and_changes_nothing(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(Init(NEW_TAG, 100_000, 10, 10, 1), tag=0)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    to_it = sctp.packet().where(lambda packet: packet.tag == NEW_TAG, "for the new tag")
    answer = (await wire.wait_for(to_it, sender=endpoint, timeout=2.0)).packet.chunks[0]
    check(answer.title == "INIT ACK", f"the answer is {answer.title}")
    check(answer.initiate_tag not in (0, intruder.tag), "the INIT ACK has no new tag", clause="RFC9260-5.2.2-M6")
    check(ParameterType.STATE_COOKIE in {each.type for each in answer.parameters}, "the INIT ACK has no cookie")


@clause("RFC9260-5.2.3-S1")
async def test_an_unexpected_init_ack_is_discarded(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    cookie = Parameter(ParameterType.STATE_COOKIE, b"a cookie of ours")
    intruder.say(InitAck(NEW_TAG, 100_000, 10, 10, 1, (cookie,)))
    await channel.send("now")
    await is_unharmed(made, other, "now")
    ours = sctp.cookie_echo().where(lambda chunk: b"a cookie of ours" in bytes(chunk), "with it")
    wire.never(ours | sctp.abort(), sender=endpoint)


@clause("RFC9260-5.2.5-S1", "RFC9260-5.2.6-S2")
@pytest.mark.parametrize(
    "chunk",
    [CookieAck(), Error((Cause(CauseCode.STALE_COOKIE, bytes(4)),))],
    ids=["COOKIE ACK", "Stale Cookie"],
)
async def test_what_answers_a_cookie_is_discarded_where_none_waits(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, chunk: CookieAck | Error
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(chunk)
    before = wire.expect(sctp.init() | sctp.init_ack(), sender=endpoint)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    later = [hit for hit in wire.all(sctp.init(), sender=endpoint) if hit.packet.initiate_tag != intruder.tag]
    check(not later, f"another INIT followed the {before.packet.title}")
    wire.never(sctp.abort(), sender=endpoint)


def with_parameters(*types: int) -> Callable[[Any], Iterable[Any]]:
    """Our INIT has parameters of these types behind the others."""

    def bend(message: Any) -> Iterable[Any]:
        if isinstance(message, Init):
            more = tuple(Parameter(kind, b"what?") for kind in types)
            return (replace(message, parameters=(*message.parameters, *more)),)
        return () if isinstance(message, InitAck) else (message,)

    return bend


@clause("RFC9260-3.2.2-M1")
@pytest.mark.parametrize(
    ("kind", "goes_on", "reported"),
    [(0x3FF0, False, False), (0x7FF0, False, True), (0xBFF0, True, False), (0xFFF0, True, True)],
    ids=["stop", "stop and report", "skip", "skip and report"],
)
async def test_an_unknown_parameter_is_treated_as_its_high_bits_say(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, kind: int, goes_on: bool, reported: bool
) -> None:
    await connect(peer, endpoint, seams=Seams(sctp=with_parameters(kind, 0xFFF1)))
    answer = read(wire.expect(sctp.init_ack(), sender=endpoint))
    told = [int.from_bytes(each.value[:2], "big") for each in answer.parameters if each.type == 8]
    wanted = [kind] * reported + [0xFFF1] * goes_on
    check(told == wanted, f"reported are {told}, not {wanted}")


@pytest.mark.parametrize(
    ("kind", "goes_on", "reported"),
    [(0x3E, False, False), (0x7E, False, True), (0xBE, True, False), (0xFE, True, True)],
    ids=["stop", "stop and report", "skip", "skip and report"],
)
async def test_an_unknown_chunk_is_treated_as_its_high_bits_say(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, kind: int, goes_on: bool, reported: bool
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(Unknown(kind, 0, b"what?"), heartbeat(b"behind it"))
    intruder.say(heartbeat(b"the next packet"))
    await channel.send("now")
    await wire.wait_for(answers(b"the next packet"), sender=endpoint, timeout=2.0)
    await is_unharmed(made, other, "now")
    check(
        bool(wire.all(answers(b"behind it"), sender=endpoint)) is goes_on, "the chunk behind it was treated otherwise"
    )
    cause = int(CauseCode.UNRECOGNIZED_CHUNK)
    check(bool(wire.all(sctp.error(cause=cause), sender=endpoint)) is reported, "an ERROR was expected otherwise")


def answers(information: bytes) -> Any:
    return sctp.heartbeat_ack().where(lambda chunk: information in bytes(chunk), f"to {information!r}")


@clause("RFC9260-8.4-M6")
async def test_a_packet_for_another_port_is_discarded(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(heartbeat(b"elsewhere"), destination_port=5001)
    await channel.send("now")
    await is_unharmed(made, other, "now")
    wire.never(answers(b"elsewhere"), sender=endpoint)
