"""RFC 9260 sections 5.2.6, 6.2.1, 6.8, 6.9 and 7.2.1: windows, acknowledgements and fragments that can't be true.

Where the text doesn't say what a lie has to lead to, an endpoint may end the association or go on as if nothing had
been said. What it may not do is to fall silent, or to deliver what nobody sent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cases.sctp.intruder import BINARY, MASK, STRING, Bend, Connect, Intruder, established, heartbeat, is_unharmed
from harness.capture.match import sctp
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import DataChannel
from harness.endpoints.reference import Reference
from harness.errors import Thrown
from peer.api import Seams
from peer.wire.sctp import CookieAck, Data, Error, Init, Packet, crc32c
from peer.wire.sctp_tlv import Cause, CauseCode


async def goes_on(intruder: Intruder, channel: DataChannel, endpoint: Endpoint, wire: Wire) -> bool:
    """Whether the endpoint still answers, after a lie that left with our last message; an ABORT is the alternative."""
    intruder.say(heartbeat(b"and now?"))
    with contextlib.suppress(Thrown):  # it may have ended already
        await channel.send("to carry the question")
    answer = sctp.heartbeat_ack().where(lambda chunk: b"and now?" in bytes(chunk), "to what was asked")
    seen = await wire.wait_for(answer | sctp.abort(), sender=endpoint, timeout=3.0)
    return bool(seen.packet.title != "ABORT")


async def test_sanity_messages_pass_both_ways(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    _, made, channel, other = await established(connect, peer, endpoint)
    await other.send("hello")
    check(await channel.receive() == "hello", "another message arrived")
    await is_unharmed(made, other)


@pytest.mark.parametrize("field", ["cumulative_tsn", "gaps"])
async def test_a_sack_for_data_never_sent_ends_it_or_does_no_harm(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, field: str
) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint)
    await other.send("so that there is a SACK")
    await channel.receive()
    await wire.wait_for(sctp.sack(), sender=peer, timeout=2.0)
    assert intruder.sack is not None
    lie = {"cumulative_tsn": (intruder.sack.cumulative_tsn + 1000) & MASK} if field != "gaps" else {"gaps": ((5, 9),)}
    intruder.say(replace(intruder.sack, **lie))
    await channel.send("now")
    if await goes_on(intruder, channel, endpoint, wire):
        await other.send("and back")
        check(await channel.receive() == "and back", "another message arrived")


@clause("RFC9260-7.2.1-M1", "RFC9260-6.1-M6")
async def test_a_window_without_end_does_not_open_the_congestion_window(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, _, channel, other = await established(connect, peer, endpoint, max_mtu=1188)
    intruder.window = MASK
    await channel.send("with a SACK that opens the window")
    await other.receive()
    intruder.deaf = True
    await other.send(bytes(60_000))
    await channel.send("what is acknowledged behind the first flight")
    await other.receive()
    await wire.wait_for(sctp.sack(cumulative_tsn=intruder.last_tsn), sender=endpoint, timeout=2.0)
    flight = {hit.packet.tsn: len(bytes(hit.packet)) for hit in wire.all(sctp.data(ppid=BINARY), sender=endpoint)}
    largest = max(flight.values())
    allowed = min(4 * largest, max(2 * largest, 4404)) + largest - 1
    check(sum(flight.values()) <= allowed, f"{sum(flight.values())} bytes were in flight, {allowed} are allowed")


@clause("RFC9260-6.9-M12")
async def test_a_fragment_that_comes_again_with_other_content_changes_nothing(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, made, channel, other = await established(connect, peer, endpoint, max_mtu=1188)
    intruder.bend(lambda packet: (packet, with_data(packet, lambda one: replace(one, data=bytes(len(one.data))))))
    message = "overlapping " * 300
    await channel.send(message)
    await is_unharmed(made, other, message)


@clause("RFC9260-6.9-M12")
@pytest.mark.parametrize("fault", ["no end", "number again", "far ahead"])
async def test_impossible_data_end_it_or_do_no_harm(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, fault: str
) -> None:
    """A message begins where another has not ended; one has the number of one before; one jumps far ahead."""
    intruder, _, channel, other = await established(connect, peer, endpoint)
    await channel.send("honest")
    check(await other.receive() == "honest", "another message arrived")
    ahead = Data((intruder.last_tsn + 70_000) & MASK, channel.id or 0, intruder.last_ssn + 1, STRING, b"lie")
    bends: dict[str, Bend] = {
        "no end": lambda packet: (with_data(packet, lambda one: replace(one, flags=2)),),
        "number again": lambda packet: (with_data(packet, lambda one: replace(one, ssn=one.ssn - 1)),),
        "far ahead": lambda packet: (replace(packet, chunks=(ahead,)),),
    }
    intruder.bend(bends[fault])
    await channel.send("lie")
    await goes_on(intruder, channel, endpoint, wire)
    got = [fired.detail.get("data") for fired in other.events if fired.event == "message"]
    check(fault != "no end" or "lie" not in got, f"{got} was delivered", clause="RFC9260-6.9-M12")


def with_data(packet: Packet, change: Any) -> Packet:
    """The packet with its DATA changed."""
    return replace(packet, chunks=tuple(change(one) if isinstance(one, Data) else one for one in packet.chunks))


def stale_at_first() -> Callable[[Any], Iterable[Any]]:
    """We don't begin, and answer the first cookie by the error that it is stale."""
    answers = iter([Error((Cause(CauseCode.STALE_COOKIE, bytes(4)),))])

    def bend(message: Any) -> Iterable[Any]:
        if isinstance(message, CookieAck):
            return (next(answers, message),)
        return () if isinstance(message, Init | Data) else (message,)

    return bend


@clause("RFC9260-5.2.6-S1")
async def test_a_stale_cookie_is_not_the_end(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint, wait=False, seams=Seams(sctp=stale_at_first()))
    refused = await wire.wait_for(sctp.error(), sender=peer, timeout=10.0)
    await wire.wait_for(sctp.init() | sctp.cookie_echo(), sender=endpoint, after=refused, timeout=3.0)


@clause("RFC9260-6.8-M1", "RFC9260-6.8-M2")
@pytest.mark.parametrize("accepted", [False, True], ids=["of everything", "where zero is accepted"])
async def test_the_checksum_is_right(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, accepted: bool
) -> None:
    """Zero is for who said that it accepts it (RFC 9653), and even then not for INIT and COOKIE ECHO."""
    _, made, channel, other = await established(connect, peer, endpoint, zero_checksum=accepted)
    await other.send("hello")
    await channel.receive()
    await is_unharmed(made, other)
    for hit in wire.all(sctp.packet(), sender=endpoint):
        data = bytes(hit.packet)
        may_be_zero = accepted and data[12] not in (1, 10)
        said = int.from_bytes(data[8:12], "little")
        right = crc32c(data)
        check(said == right or (may_be_zero and not said), f"the checksum is {said:#x} and should be {right:#x}")
