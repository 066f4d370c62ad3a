"""RFC 9147 sections 5 and 7 to 9: the handshake of DTLS 1.3, cookies, fragments, acknowledgements, and after."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from cases.bending import changed
from cases.dtls.intruder import Intruder, goes_on
from harness.capture.match import dtls
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.errors import Thrown
from peer.api import Seams
from peer.dtls import NamedGroup, Version
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_handshake import HELLO_RETRY_RANDOM, ClientHello, Fragment, HandshakeMessage, ServerHello
from peer.wire.dtls_handshake13 import KeyUpdate, NewConnectionId, RequestConnectionId
from peer.wire.dtls_parameters import DTLS13
from peer.wire.dtls_record import CiphertextRecord, parse_datagram

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

# The first application keys are epoch 3, the next ones 4: its low bits are what a record shows (RFC 9147 section 4).
NEXT_EPOCH_BITS = 4 & 3
DTLS_1_3: dict[str, Any] = {"versions": (Version.DTLS13,)}


async def test_sanity_each_side_may_be_the_client(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await goes_on(await connect(endpoint, await peer.peer_connection(seams=Seams(dtls=DTLS_1_3))))
    wire.expect(dtls.server_hello(version=0xFEFC), sender=endpoint)


# --- hellos


@clause("RFC9147-5.3-M1", "RFC9147-5.3-M2")
async def test_a_client_hello_keeps_the_old_fields_quiet(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3))
    hello = wire.expect(dtls.client_hello(offers_version=0xFEFC), sender=endpoint)
    check(hello.packet.version == 0xFEFD, f"legacy_version is {hello.packet.version:#06x}", frames=(hello.number,))
    check(not hello.packet.session_id, "legacy_session_id is not empty", frames=(hello.number,))


@clause("RFC9147-5-M1")
async def test_a_server_does_not_echo_the_session_id(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    seams = Seams(dtls=DTLS_1_3, dtls_handshake=changed(ClientHello, session_id=bytes(range(32))))
    await connect(endpoint, await peer.peer_connection(seams=seams), wait=False)
    hello = await wire.wait_for(dtls.server_hello(), sender=endpoint, timeout=5.0)
    check(not hello.packet.session_id, "the ServerHello echoes legacy_session_id", frames=(hello.number,))


@clause("RFC9147-5-M1")
async def test_nobody_sends_a_change_cipher_spec(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await goes_on(await connect(endpoint, await peer.peer_connection(seams=Seams(dtls=DTLS_1_3))))
    wire.never(dtls.change_cipher_spec(), sender=endpoint)


@clause("RFC9147-5.3-M4")
async def test_a_legacy_cookie_is_refused(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    seams = Seams(dtls=DTLS_1_3, dtls_handshake=changed(ClientHello, cookie=b"cookie"))
    await connect(endpoint, await peer.peer_connection(seams=seams), wait=False)
    await wire.wait_for(dtls.alert("illegal_parameter", fatal=True), sender=endpoint, timeout=5.0)


# --- cookies and HelloRetryRequest


@clause("RFC9147-5.1-M1", "RFC9147-5.1-M3", "RFC9147-5.1-M4")
async def test_a_client_brings_the_cookie_back(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls={**DTLS_1_3, "verify_address": True}))
    retry = wire.expect(dtls.handshake("HelloRetryRequest"), sender=peer)
    again = wire.expect(dtls.client_hello(extension=44), sender=endpoint, after=retry)
    first = wire.expect(dtls.client_hello(), sender=endpoint)
    check(first.packet.random == again.packet.random, "the second ClientHello has another random")
    await goes_on(made)


@clause("RFC9147-5.1-M3")
async def test_a_client_makes_a_share_for_the_group_it_is_asked_for(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls={**DTLS_1_3, "groups": (NamedGroup.secp384r1,)}))
    asked = wire.expect(dtls.handshake("HelloRetryRequest"), sender=peer)
    wire.expect(dtls.client_hello(), sender=endpoint, after=asked)
    await goes_on(made)


@clause("RFC9147-5.1-M6")
async def test_a_second_hello_retry_request_is_refused(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def again(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        if isinstance(message, ServerHello) and not message.is_retry:
            kept = (extensions.selected_version(DTLS13), extensions.cookie(b"another"))
            return (replace(message, random=HELLO_RETRY_RANDOM, extensions=kept),)
        return (message,)

    seams = Seams(dtls={**DTLS_1_3, "verify_address": True}, dtls_handshake=again)
    await connect(peer, endpoint, seams=seams, wait=False)
    await wire.wait_for(dtls.alert("unexpected_message", fatal=True), sender=endpoint, timeout=5.0)


@clause("RFC9147-5.1-M5")
async def test_an_invalid_cookie_is_refused(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    def with_cookie(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        if isinstance(message, ClientHello):
            return (replace(message, extensions=(*(message.extensions or ()), extensions.cookie(b"made up"))),)
        return (message,)

    await connect(
        endpoint, await peer.peer_connection(seams=Seams(dtls=DTLS_1_3, dtls_handshake=with_cookie)), wait=False
    )
    await wire.wait_for(dtls.alert("illegal_parameter", fatal=True), sender=endpoint, timeout=5.0)


@clause("RFC9147-5.2-M2")
async def test_a_server_asks_for_no_cookie_in_the_old_way(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(endpoint, await peer.peer_connection(seams=Seams(dtls=DTLS_1_3)))
    wire.never(dtls.handshake("HelloVerifyRequest"), sender=endpoint)


@clause("RFC9147-5.2-M3")
async def test_a_client_gets_along_with_a_server_of_1_2(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    old = {"versions": (Version.DTLS12,), "verify_address": True}
    made = await connect(peer, endpoint, seams=Seams(dtls=old))
    wire.expect(dtls.client_hello(offers_version=0xFEFC), sender=endpoint)
    wire.expect(dtls.handshake("HelloVerifyRequest"), sender=peer)
    wire.expect(dtls.server_hello(version=0xFEFD), sender=peer)
    await goes_on(made)


# --- fragments


@clause("RFC9147-5.5-M3")
async def test_small_fragments_are_put_together(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls={**DTLS_1_3, "mtu": 160}))
    wire.expect(dtls.fragment(), sender=peer)
    await goes_on(made)


class Overlapping:
    """Before each message of ours goes a piece from its middle, which the whole message then covers again."""

    def __init__(self) -> None:
        self._sequence = 0

    def __call__(self, message: HandshakeMessage) -> Iterable[HandshakeMessage | Fragment]:
        body = message.serialize()
        middle = slice(len(body) // 3, 2 * len(body) // 3)
        yield Fragment(message.TYPE, len(body), self._sequence, middle.start, body[middle])
        yield message
        self._sequence += 1


@clause("RFC9147-5.5-M4")
async def test_overlapping_fragments_are_put_together(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_handshake=Overlapping()))
    wire.expect(dtls.fragment(), sender=peer)
    await goes_on(made)


@clause("RFC9147-5.2-M1")
async def test_a_message_from_the_past_is_dropped(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    intruder.say_record(22, Fragment(24, 1, 1, 0, b"\x07").serialize())
    await goes_on(made)
    wire.never(dtls.alert(fatal=True), sender=endpoint)


# --- acknowledgements and what comes after the handshake


@clause("RFC9147-7.1-M1", "RFC9147-7.1-M2")
async def test_a_server_acknowledges_the_last_flight(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, await peer.peer_connection(seams=Seams(dtls=DTLS_1_3)))
    await goes_on(made)
    await wire.wait_for(dtls.ack(), sender=endpoint, timeout=3.0)


@clause("RFC9147-8-M1", "RFC9147-8-M3")
async def test_a_key_update_is_acknowledged_and_the_old_keys_still_read(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    intruder.say(KeyUpdate(0))
    await goes_on(made)
    update = wire.expect(dtls.handshake("KeyUpdate"), sender=peer)
    await wire.wait_for(dtls.ack(), sender=endpoint, after=update, timeout=3.0)


@clause("RFC9147-8-M2")
async def test_a_key_update_that_asks_for_one_gets_one(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    intruder.say(KeyUpdate(1))
    await goes_on(made)
    asked = wire.expect(dtls.handshake("KeyUpdate"), sender=peer)
    answered = await wire.wait_for(dtls.handshake("KeyUpdate"), sender=endpoint, after=asked, timeout=3.0)
    acked = await wire.wait_for(dtls.ack(), sender=peer, after=answered, timeout=3.0)
    for hit in wire.all(dtls.anything(), sender=endpoint, after=answered):
        epochs = {one.epoch_bits for one in parse_datagram(hit.frame.payload) if isinstance(one, CiphertextRecord)}
        early = hit.number < acked.number and NEXT_EPOCH_BITS in epochs
        check(not early, "the new keys are in use before their KeyUpdate was acknowledged", frames=(hit.number,))


@clause("RFC9147-9-M8")
async def test_a_request_for_connection_ids_that_nobody_negotiated(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await refuses(connect, peer, endpoint, wire, RequestConnectionId(2))


@clause("RFC9147-9-M8")
async def test_new_connection_ids_that_nobody_negotiated(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await refuses(connect, peer, endpoint, wire, NewConnectionId((b"id",), 0))


async def refuses(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, message: HandshakeMessage) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    assert made.channel is not None
    intruder.say(message)
    with contextlib.suppress(Thrown):  # a packet of SCTP's own may have taken the message along already
        await made.channel.send("now")
    await wire.wait_for(dtls.alert("unexpected_message", fatal=True), sender=endpoint, timeout=5.0)
