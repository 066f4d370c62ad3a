"""RFC 5763 section 5, RFC 5764 section 4, RFC 8842 section 5: how the DTLS association comes about."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from cases.dtls.opposite import with_another_fingerprint
from cases.reading import Said
from harness.capture.match import dtls, rtp, sctp, stun
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.dtls import Version

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

DTLS_1_2 = Seams(dtls={"versions": (Version.DTLS12,)})


async def test_sanity_the_endpoints_shake_hands(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(dtls.client_hello())
    wire.expect(dtls.server_hello())


@clause("RFC5763-5-M3")
async def test_the_offerer_says_actpass(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    made = await connect(endpoint, peer)
    setup = set(Said.of(made.offer).everywhere("setup"))
    check(setup == {"actpass"}, f"a=setup of the offer is {setup}")


@clause("RFC5763-5-M4")
async def test_the_answerer_takes_a_role(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    made = await connect(peer, endpoint)
    setup = set(Said.of(made.answer).everywhere("setup"))
    check(setup in ({"active"}, {"passive"}), f"a=setup of the answer is {setup}")


@clause("RFC5763-5-M5", "RFC8842-5.3-M7")
async def test_the_active_side_sends_the_client_hello(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    active = "active" in Said.of(made.answer).everywhere("setup")
    wire.expect(dtls.client_hello(), sender=endpoint if active else peer)
    wire.never(dtls.client_hello(), sender=peer if active else endpoint)


@clause("RFC5763-5-M6")
async def test_there_is_no_connection_attribute(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    check(not Said.of(made.offer).everywhere("connection"), "the offer has a=connection")


@clause("RFC5763-5-M7")
async def test_the_fingerprint_is_that_of_the_certificate(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=DTLS_1_2)
    algorithm, _, value = Said.of(made.answer).everywhere("fingerprint")[0].partition(" ")
    sent = wire.expect(dtls.handshake("Certificate"), sender=endpoint)
    der = bytes(sent.packet.chain[0].der)
    seen = hashlib.new(algorithm.replace("-", ""), der).digest().hex(":").upper()
    check(seen == value.upper(), f"a=fingerprint is {value}, the certificate has {seen}")


@clause("RFC5763-5-M8", "RFC5763-5-M9", "RFC8842-5.1-M6", "RFC8842-5.1-M7")
async def test_a_certificate_that_is_not_the_announced_one_ends_it(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint, seams=Seams(sdp=with_another_fingerprint), wait=False)
    mine = made.answerer
    state = await mine.wait_for(connectionState=("failed", "closed", "connected"), timeout=10)
    check(state != "connected", f"connectionState is {state} although the fingerprint does not match")
    wire.never(sctp.packet(), sender=endpoint)


@clause("RFC5763-6.7.1-M1")
async def test_all_candidate_pairs_carry_one_association(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.count(dtls.client_hello(retransmitted=False).sent_by(None), at_most=2)


@clause("RFC5764-4.1.1-M1")
async def test_the_client_offers_srtp_profiles(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(dtls.client_hello(offers_srtp=True, srtp_profile=0x0001), sender=endpoint)


@clause("RFC5764-4.1.1-M4")
async def test_the_server_selects_an_offered_profile(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    seams = Seams(dtls={"versions": (Version.DTLS12,), "srtp_profiles": (0x0001,)})
    await connect(endpoint, await peer.peer_connection(seams=seams))
    wire.expect(dtls.server_hello(srtp_profile=0x0001), sender=endpoint)


@clause("RFC8827-6.5-M10")
async def test_the_mandatory_suite_is_negotiated_when_it_alone_is_there(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=DTLS_1_2)
    wire.expect(dtls.client_hello(offers_suite=0xC02B), sender=endpoint)
    wire.expect(dtls.server_hello(version=0xFEFD, suite=0xC02B), sender=peer)


@clause("RFC8261-5-M2")
async def test_no_compression_is_offered(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    hello = wire.expect(dtls.client_hello(), sender=endpoint)
    methods = list(hello.packet.compression_methods)
    check(methods == [0], f"the compression methods are {methods}")


@clause("RFC8261-6.1-M1")
async def test_the_handshake_goes_in_order(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint, seams=DTLS_1_2)
    wire.in_order(
        [
            stun.binding_success(),
            dtls.client_hello().sent_by(endpoint),
            dtls.server_hello().sent_by(peer),
            dtls.handshake("ServerHelloDone").sent_by(peer),
            dtls.handshake("Certificate").sent_by(endpoint),
            dtls.handshake("ClientKeyExchange").sent_by(endpoint),
            dtls.handshake("CertificateVerify").sent_by(endpoint),
            dtls.change_cipher_spec().sent_by(endpoint),
            dtls.change_cipher_spec().sent_by(peer),
            sctp.init(),
        ]
    )


@clause("RFC8827-6.5-M5")
async def test_no_media_travels_unprotected(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    wire.never(rtp.packet(), sender=endpoint)
