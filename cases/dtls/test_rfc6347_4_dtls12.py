"""RFC 6347 section 4, and what RFC 5764 and RFC 8827 add: cookies, fragments and strange records of DTLS 1.2."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from cases.bending import changed, each
from cases.dtls.intruder import Intruder, goes_on
from cases.dtls.test_rfc9147_4_record_layer import says, sctp_packet
from cases.dtls.test_rfc9147_5_handshake import Overlapping
from cases.sctp.intruder import Intruder as SctpIntruder
from harness.capture.match import dtls, sctp
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.errors import EndpointTimeout, Thrown
from peer.api import Seams
from peer.dtls import Version
from peer.wire.dtls_extensions import Extension, ExtensionType, UseSrtp
from peer.wire.dtls_handshake import ClientHello, Finished, Fragment, HandshakeMessage, ServerHello
from peer.wire.dtls_handshake12 import HelloRequest, HelloVerifyRequest
from peer.wire.dtls_record import ContentType

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

DTLS_1_2 = {"versions": (Version.DTLS12,)}
WITH_COOKIE = {**DTLS_1_2, "verify_address": True}


async def test_sanity_dtls_1_2_is_negotiated(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_2, dtls_record=Intruder()))
    wire.expect(dtls.server_hello(version=0xFEFD))
    await goes_on(made)


# --- cookies


@clause("RFC6347-4.2.1-M1", "RFC6347-4.2.1-M4", "RFC6347-4.2.1-M10")
async def test_a_client_brings_the_cookie_back_and_changes_nothing_else(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls=WITH_COOKIE))
    asked = wire.expect(dtls.handshake("HelloVerifyRequest"), sender=peer)
    first = wire.expect(dtls.client_hello(), sender=endpoint).packet
    # On a slow machine the first one may have been sent again meanwhile.
    with_cookie = dtls.client_hello().where(lambda packet: bool(packet.cookie), "with a cookie")
    again = wire.expect(with_cookie, sender=endpoint, after=asked).packet
    check(bytes(again.cookie) == bytes(asked.packet.cookie), "the cookie is another one", frames=(asked.number,))
    for name in ("version", "random", "session_id", "cipher_suites", "compression_methods"):
        before, after = getattr(first, name), getattr(again, name)
        check(before == after, f"{name} was {before!r} and is {after!r}", frames=(asked.number,))
    await goes_on(made)


@clause("RFC6347-4.2.1-S7")
async def test_a_client_answers_a_second_hello_verify_request(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    wrong = [b"a cookie that nobody takes"]

    def once(message: HelloVerifyRequest) -> Iterable[HelloVerifyRequest]:
        return (replace(message, cookie=wrong.pop()) if wrong else message,)

    seams = Seams(dtls=WITH_COOKIE, dtls_handshake=each(HelloVerifyRequest, once))
    made = await connect(peer, endpoint, seams=seams, wait=False)
    with contextlib.suppress(EndpointTimeout):
        await made.answerer.wait_for(connectionState=("connected", "failed", "closed"), timeout=3.0)
    asked = wire.all(dtls.handshake("HelloVerifyRequest"), sender=peer)
    check(
        len({bytes(hit.packet.cookie) for hit in asked}) > 1,
        "the first cookie does not come back",
        clause="RFC6347-4.2.1-S7",
    )
    cookies = [bytes(hit.packet.cookie) for hit in wire.all(dtls.client_hello(), sender=endpoint)]
    last = bytes(asked[-1].packet.cookie)
    check(
        last in cookies, "the second cookie does not come back", clause="RFC6347-4.2.1-S7", frames=(asked[-1].number,)
    )


@clause("RFC6347-4.2.1-M2", "RFC6347-4.2.1-M3")
async def test_version_1_0_in_a_hello_verify_request_means_nothing(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    seams = Seams(dtls=WITH_COOKIE, dtls_handshake=changed(HelloVerifyRequest, version=0xFEFF))
    await goes_on(await connect(peer, endpoint, seams=seams))
    wire.expect(dtls.server_hello(version=0xFEFD), sender=peer)


# --- fragments


@clause("RFC6347-4.2.3-M3")
async def test_small_fragments_are_put_together(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls={**DTLS_1_2, "mtu": 160}))
    wire.expect(dtls.fragment(), sender=peer)
    await goes_on(made)


@clause("RFC6347-4.2.3-M4")
async def test_overlapping_fragments_are_put_together(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_2, dtls_handshake=Overlapping()))
    wire.expect(dtls.fragment(), sender=peer)
    await goes_on(made)


class HelloAgain:
    """Behind each message in clear comes the first one again, as a late double of a datagram would bring it."""

    def __init__(self) -> None:
        self._first: Fragment | None = None

    def __call__(self, message: HandshakeMessage) -> Iterable[HandshakeMessage | Fragment]:
        yield message
        if self._first is None:
            body = message.serialize()
            self._first = Fragment(message.TYPE, len(body), 0, 0, body)
        elif not isinstance(message, Finished):
            yield self._first


@clause("RFC6347-4.2.2-M1")
async def test_a_message_from_the_past_is_dropped(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_2, dtls_handshake=HelloAgain()))
    wire.expect(dtls.handshake("ServerHello", retransmitted=True), sender=peer)
    await goes_on(made)


# --- records


@clause("RFC6347-4.1.2.6-M2")
async def test_a_replayed_record_is_dropped(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    intruder, speaker = Intruder(), SctpIntruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_2, dtls_record=intruder, sctp=speaker))
    intruder.say_record(ContentType.APPLICATION_DATA, sctp_packet(speaker, b"said once"))
    intruder.repeat()
    await goes_on(made)
    wire.count(sctp.heartbeat_ack().where(says(b"said once"), "to it"), sender=endpoint, exactly=1)
    doubles = sctp.sack().where(lambda packet: not speaker.resent.issuperset(packet.duplicates), "of doubles")
    wire.never(doubles, sender=endpoint)


@clause("RFC6347-4.1.2.6-M4")
async def test_a_forged_record_is_dropped(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_2, dtls_record=intruder))
    intruder.say_raw(bytes.fromhex("17 fefd 0001 00000000ffff 0030") + bytes(48))
    await goes_on(made)
    wire.never(dtls.alert(fatal=True), sender=endpoint)


@clause("RFC8827-6.5-M9")
async def test_application_data_in_clear_is_dropped(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, speaker = Intruder(), SctpIntruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_2, dtls_record=intruder, sctp=speaker))
    packet = sctp_packet(speaker, b"in clear")
    intruder.say_raw(b"\x17\xfe\xfd" + bytes(7) + b"\x63" + len(packet).to_bytes(2, "big") + packet)
    await goes_on(made)
    wire.never(sctp.heartbeat_ack().where(says(b"in clear"), "to it"), sender=endpoint)


# --- renegotiation


@clause("RFC8827-6.5-M13")
async def test_a_server_refuses_a_renegotiation(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, hellos = Intruder(), list[ClientHello]()

    def learn(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        hellos.extend([message] if isinstance(message, ClientHello) else [])
        return (message,)

    made = await connect(
        endpoint, await peer.peer_connection(seams=Seams(dtls=DTLS_1_2, dtls_handshake=learn, dtls_record=intruder))
    )
    channel = await made.other_channel()
    intruder.say(replace(hellos[0], random=bytes(32)))
    with contextlib.suppress(Thrown):  # a packet of SCTP's own may have taken the message along already
        await channel.send("now")
    await wire.wait_for(dtls.alert("no_renegotiation"), sender=endpoint, timeout=5.0)
    # Its only ServerHello may have been repeated.
    randoms = {bytes(hit.packet.random) for hit in wire.all(dtls.server_hello(), sender=endpoint)}
    check(len(randoms) == 1, f"one ServerHello is to come, there were {len(randoms)}")


@clause("RFC8827-6.5-M13")
async def test_a_client_refuses_a_renegotiation(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_2, dtls_record=intruder))
    assert made.channel is not None
    intruder.say(HelloRequest())
    with contextlib.suppress(Thrown):  # a packet of SCTP's own may have taken the message along already
        await made.channel.send("now")
    await wire.wait_for(dtls.alert("no_renegotiation"), sender=endpoint, timeout=5.0)


# --- use_srtp


def srtp_answer(*profiles: int, mki: bytes = b"") -> Callable[[HandshakeMessage], Iterable[HandshakeMessage]]:
    """Our ServerHello answers use_srtp with these, whatever was asked for."""
    answer = UseSrtp(profiles, mki).extension()

    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        if not isinstance(message, ServerHello):
            return (message,)
        return (replace(message, extensions=(*kept(message), answer)),)

    return bend


def kept(message: ServerHello) -> tuple[Extension, ...]:
    return tuple(one for one in message.extensions or () if one.type != ExtensionType.USE_SRTP)


@clause("RFC5764-4.1.3-M4")
async def test_a_client_refuses_an_mki_that_it_did_not_offer(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    seams = Seams(dtls=DTLS_1_2, dtls_handshake=srtp_answer(0x0001, mki=b"mki"))
    made = await connect(peer, endpoint, seams=seams, wait=False)
    state = await made.answerer.wait_for(connectionState=("failed", "closed", "connected"), timeout=10)
    check(state != "connected", f"connectionState is {state} although the server answered with an MKI")


@clause("RFC8827-6.5-M8")
async def test_a_client_offers_no_mki(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    hello = wire.expect(dtls.client_hello(offers_srtp=True), sender=endpoint)
    offered = UseSrtp.parse(bytes(hello.packet.extension(14))[4:])
    check(not offered.mki, f"use_srtp has the MKI {offered.mki!r}", frames=(hello.number,))
