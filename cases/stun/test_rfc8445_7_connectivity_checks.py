"""RFC 8445 section 7: what connectivity checks carry, and how they are answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from cases.reading import Said
from harness.capture.layers.stun import Priority, Username
from harness.capture.match import datagram, dtls, stun
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference

Connect: TypeAlias = Callable[..., Awaitable[Connection]]


async def test_sanity_the_endpoints_connect_by_checks(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(stun.binding_request(), sender=endpoint)
    wire.expect(stun.binding_success(), sender=endpoint)


@clause("RFC8445-7.1.1-M1")
async def test_checks_carry_a_peer_reflexive_priority(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    seen = wire.expect(stun.binding_request(has_priority=True), sender=endpoint)
    preference = seen.packet.find(Priority).priority >> 24
    check(preference < 126, f"PRIORITY has the type preference {preference}, a host candidate's is 126")


@clause("RFC8445-7.1.2-M1")
async def test_the_controlling_side_nominates_with_use_candidate(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(endpoint, peer)
    await wire.wait_for(stun.binding_request(use_candidate=True, controlling=True), sender=endpoint, timeout=5.0)


@clause("RFC8445-7.1.2-M2")
async def test_the_controlled_side_never_nominates(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.never(stun.binding_request(use_candidate=True), sender=endpoint)


@clause("RFC8445-7.1.3-M1")
async def test_the_controlling_side_says_so(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(endpoint, peer)
    wire.expect(stun.binding_request(controlling=True), sender=endpoint)
    wire.never(stun.binding_request(controlling=False), sender=endpoint)


@clause("RFC8445-7.1.3-M2")
async def test_the_controlled_side_says_so(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    wire.expect(stun.binding_request(controlled=True), sender=endpoint)
    wire.never(stun.binding_request(controlled=False), sender=endpoint)


@clause("RFC8445-7.2.2-M1")
async def test_checks_use_the_short_term_credentials_of_the_descriptions(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    ours, theirs = Said.of(made.offer), Said.of(made.answer)
    username = f"{ours.everywhere('ice-ufrag')[0]}:{theirs.everywhere('ice-ufrag')[0]}"
    password = ours.everywhere("ice-pwd")[0]
    wire.expect(stun.binding_request(username=username, password=password), sender=endpoint)


@clause("RFC8445-7.2.4-M2")
async def test_checks_have_a_right_fingerprint(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(stun.binding_request(fingerprint=True), sender=endpoint)
    wire.never(stun.binding_request(fingerprint=False), sender=endpoint)


@clause("RFC8489-9.1.3-M11")
async def test_answers_are_protected_by_the_password_of_the_request(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    password = Said.of(made.answer).everywhere("ice-pwd")[0]
    asked = wire.expect(stun.binding_request(has_integrity=True), sender=peer)
    wire.expect(stun.binding_success(password=password, fingerprint=True), sender=endpoint, after=asked)


@clause("RFC8489-9.1.3-M12")
async def test_answers_have_no_username(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    wire.expect(stun.binding_success(), sender=endpoint)
    named = stun.binding_success().where(lambda packet: packet.find(Username) is not None, "with a USERNAME")
    wire.never(named, sender=endpoint)


@clause("RFC7675-5.1-M1")
async def test_nothing_but_stun_is_sent_before_a_check_succeeded(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(endpoint, peer)
    wire.in_order([stun.binding_success().sent_by(peer), dtls.anything().sent_by(endpoint)])


@clause("RFC8827-6.5-M9")
async def test_no_application_byte_travels_in_clear(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    other = await made.other_channel()
    assert made.channel is not None
    await made.channel.send(b"a secret nobody else may read")
    check(await other.receive() == b"a secret nobody else may read", "the message did not arrive")
    await other.send(b"an answer as secret as that")
    await made.channel.receive()
    wire.never(datagram.containing(b"a secret nobody"))
    wire.never(datagram.containing(b"an answer as secret"))
