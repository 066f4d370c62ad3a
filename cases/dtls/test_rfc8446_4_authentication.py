"""RFC 8446 sections 4.3 and 4.4: certificates, signatures, Finished and the order of messages in DTLS 1.3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cases.bending import Bend, changed, dropped, each
from cases.dtls.opposite import DTLS_1_3, Opposite, with_another_fingerprint
from cases.dtls.test_rfc8446_4_hellos import UNKNOWN, and_a_byte, with_extensions
from harness.capture.match import dtls
from harness.cases import clause
from peer.wire.dtls_extensions import UseSrtp, signature_algorithms
from peer.wire.dtls_handshake import CertificateVerify, Finished, HandshakeMessage, UnknownMessage
from peer.wire.dtls_handshake13 import (
    CertificateChain,
    CertificateEntry,
    CertificateRequest13,
    EncryptedExtensions,
    KeyUpdate,
    NewSessionTicket,
)

END_OF_EARLY_DATA = UnknownMessage(5, b"")
TICKET = NewSessionTicket(7200, 0, b"nonce", b"ticket", ())
RSA_PKCS1_SHA256, ECDSA_SHA1 = 0x0401, 0x0203


def spoilt_signature(one: CertificateVerify) -> Iterable[CertificateVerify]:
    return (replace(one, signature=one.signature[:-1] + bytes([one.signature[-1] ^ 1])),)


def spoilt_finished(one: Finished) -> Iterable[Finished]:
    return (replace(one, verify_data=bytes([one.verify_data[0] ^ 1]) + one.verify_data[1:]),)


def before(kind: type, *others: HandshakeMessage) -> Bend:
    """Other messages go before those of a class."""
    return each(kind, lambda one: (*others, one))


async def test_sanity_both_sides_have_certificates(server: Opposite) -> None:
    await server.goes_on(dtls=DTLS_1_3)
    for who in (server.endpoint, server.peer):
        server.wire.expect(dtls.handshake("CertificateVerify"), sender=who)


# --- the endpoint is the client


@clause("RFC8446-4.4.2.4-M1")
async def test_a_client_refuses_an_empty_certificate(client: Opposite) -> None:
    await client.refuses("decode_error", changed(CertificateChain, entries=()), dtls=DTLS_1_3)


@clause("RFC8446-6-M6")
async def test_a_client_refuses_a_certificate_that_is_none(client: Opposite) -> None:
    names = ("bad_certificate", "decode_error", "certificate_unknown", "unsupported_certificate", "illegal_parameter")
    bend = changed(CertificateChain, entries=(CertificateEntry(b"\x30\x00"),))
    await client.refuses(names, bend, dtls=DTLS_1_3)


@clause("RFC5763-5-M8", "RFC5763-5-M9")
async def test_a_client_refuses_a_certificate_of_another_fingerprint(client: Opposite) -> None:
    names = ("bad_certificate", "certificate_unknown", "unknown_ca", "access_denied")
    await client.refuses(names, dtls=DTLS_1_3, sdp=with_another_fingerprint)


@clause("RFC8446-4.4.3-M9", "RFC8446-4.4.3-M10")
async def test_a_client_verifies_the_signature(client: Opposite) -> None:
    await client.refuses("decrypt_error", each(CertificateVerify, spoilt_signature), dtls=DTLS_1_3)


@clause("RFC8446-4.4.3-M4", "RFC8446-6-M6")
async def test_a_client_refuses_a_signature_scheme_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("illegal_parameter", changed(CertificateVerify, scheme=0x0708), dtls=DTLS_1_3)


@clause("RFC8446-4.4.3-M8", "RFC8446-6-M6")
async def test_a_client_refuses_a_signature_with_sha_1(client: Opposite) -> None:
    await client.refuses("illegal_parameter", changed(CertificateVerify, scheme=ECDSA_SHA1), dtls=DTLS_1_3)


@clause("RFC8446-4.4.3-M6", "RFC8446-4.4.3-M7")
async def test_a_client_refuses_a_scheme_that_does_not_fit_the_key(client: Opposite) -> None:
    bend = changed(CertificateVerify, scheme=RSA_PKCS1_SHA256)
    await client.refuses("illegal_parameter", bend, dtls=DTLS_1_3)


@clause("RFC8446-4-M2", "RFC8446-4.4.3-M1")
async def test_a_client_refuses_a_certificate_without_its_signature(client: Opposite) -> None:
    await client.refuses("unexpected_message", dropped(CertificateVerify), dtls=DTLS_1_3)


@clause("RFC8446-4-M2", "RFC8446-4.4.2-M1")
async def test_a_client_refuses_a_server_without_a_certificate(client: Opposite) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        return () if isinstance(message, CertificateChain | CertificateVerify) else (message,)

    await client.refuses("unexpected_message", bend, dtls=DTLS_1_3)


@clause("RFC8446-4-M2")
async def test_a_client_refuses_a_flight_without_encrypted_extensions(client: Opposite) -> None:
    await client.refuses("unexpected_message", dropped(EncryptedExtensions), dtls=DTLS_1_3)


@clause("RFC8446-4-M2", "RFC8446-4.3.2-M1")
async def test_a_client_refuses_a_certificate_request_before_the_extensions(client: Opposite) -> None:
    request = CertificateRequest13(b"", (signature_algorithms([0x0403]),))
    await client.refuses("unexpected_message", before(EncryptedExtensions, request), dtls=DTLS_1_3)


@clause("RFC8446-4.3.2-M4")
async def test_a_client_misses_the_algorithms_of_a_certificate_request(client: Opposite) -> None:
    # No MUST names the alert here.
    names = ("missing_extension", "decode_error", "illegal_parameter")
    await client.refuses(names, changed(CertificateRequest13, extensions=()), dtls=DTLS_1_3)


@clause("RFC8446-4.3.2-M5")
async def test_a_client_ignores_a_strange_extension_in_a_certificate_request(client: Opposite) -> None:
    await client.goes_on(with_extensions(CertificateRequest13, UNKNOWN), dtls=DTLS_1_3)


@clause("RFC8446-4.4.2-M2")
async def test_a_client_gets_along_without_a_certificate_request(client: Opposite) -> None:
    await client.goes_on(dtls={**DTLS_1_3, "request_client_certificate": False})
    client.wire.never(dtls.handshake("Certificate"), sender=client.endpoint)


@clause("RFC8446-4.4.2-M6", "RFC8446-4.2-M2")
async def test_a_client_refuses_a_strange_extension_in_a_certificate(client: Opposite) -> None:
    bend = each(
        CertificateChain,
        lambda one: (replace(one, entries=tuple(replace(each, extensions=(UNKNOWN,)) for each in one.entries)),),
    )
    await client.refuses(("unsupported_extension", "illegal_parameter"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.4.4-M1")
async def test_a_client_verifies_finished(client: Opposite) -> None:
    await client.refuses("decrypt_error", each(Finished, spoilt_finished), dtls=DTLS_1_3)


@clause("RFC8446-6-M5")
async def test_a_client_refuses_encrypted_extensions_with_a_byte_too_much(client: Opposite) -> None:
    await client.refuses("decode_error", and_a_byte(EncryptedExtensions), dtls=DTLS_1_3)


@clause("RFC8446-4.6.3-M1")
async def test_a_client_refuses_a_key_update_before_finished(client: Opposite) -> None:
    await client.refuses("unexpected_message", before(Finished, KeyUpdate(0)), dtls=DTLS_1_3)


@clause("RFC8446-4.5-M3")
async def test_a_client_refuses_an_end_of_early_data(client: Opposite) -> None:
    await client.refuses("unexpected_message", before(Finished, END_OF_EARLY_DATA), dtls=DTLS_1_3)


@clause("RFC8446-4-M2")
async def test_a_client_refuses_a_message_that_does_not_exist(client: Opposite) -> None:
    await client.refuses("unexpected_message", before(Finished, UnknownMessage(99, b"what")), dtls=DTLS_1_3)


def srtp_answer(*profiles: int) -> Bend:
    return with_extensions(EncryptedExtensions, UseSrtp(profiles).extension())


@clause("RFC5764-4.1.1-M4", "RFC8446-6-M6")
async def test_a_client_refuses_an_srtp_profile_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("illegal_parameter", srtp_answer(0x0005), dtls=DTLS_1_3)


@clause("RFC5764-4.1.1-M3", "RFC8446-6-M5")
async def test_a_client_refuses_two_srtp_profiles(client: Opposite) -> None:
    await client.refuses(("illegal_parameter", "decode_error"), srtp_answer(0x0007, 0x0001), dtls=DTLS_1_3)


# --- the endpoint is the server


@clause("RFC8446-4.4.3-M9", "RFC8446-4.4.3-M10")
async def test_a_server_verifies_the_signature(server: Opposite) -> None:
    await server.refuses("decrypt_error", each(CertificateVerify, spoilt_signature), dtls=DTLS_1_3)


@clause("RFC8446-4.4.3-M5", "RFC8446-6-M6")
async def test_a_server_refuses_a_signature_scheme_that_it_did_not_ask_for(server: Opposite) -> None:
    await server.refuses("illegal_parameter", changed(CertificateVerify, scheme=0x0708), dtls=DTLS_1_3)


@clause("RFC8446-4.4.3-M8", "RFC8446-6-M6")
async def test_a_server_refuses_a_signature_with_sha_1(server: Opposite) -> None:
    await server.refuses("illegal_parameter", changed(CertificateVerify, scheme=ECDSA_SHA1), dtls=DTLS_1_3)


@clause("RFC8446-4-M2", "RFC8446-4.4.3-M2")
async def test_a_server_refuses_a_certificate_without_its_signature(server: Opposite) -> None:
    await server.refuses("unexpected_message", dropped(CertificateVerify), dtls=DTLS_1_3)


@clause("RFC8446-4-M2", "RFC8446-4.4.2-M2")
async def test_a_server_refuses_a_client_that_leaves_its_certificate_out(server: Opposite) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        return () if isinstance(message, CertificateChain | CertificateVerify) else (message,)

    await server.refuses("unexpected_message", bend, dtls=DTLS_1_3)


@clause("RFC5763-5-M8")
async def test_a_server_refuses_a_client_without_a_certificate(server: Opposite) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        if isinstance(message, CertificateVerify):
            return ()
        return (replace(message, entries=()) if isinstance(message, CertificateChain) else message,)

    await server.refuses(("certificate_required", "bad_certificate", "handshake_failure"), bend, dtls=DTLS_1_3)


@clause("RFC5763-5-M8", "RFC5763-5-M9")
async def test_a_server_refuses_a_certificate_of_another_fingerprint(server: Opposite) -> None:
    names = ("bad_certificate", "certificate_unknown", "unknown_ca", "access_denied")
    await server.refuses(names, dtls=DTLS_1_3, sdp=with_another_fingerprint)


@clause("RFC8446-4.4.2-M5", "RFC8446-6-M6")
async def test_a_server_refuses_a_certificate_with_a_context(server: Opposite) -> None:
    await server.refuses(("illegal_parameter", "decode_error"), changed(CertificateChain, context=b"x"), dtls=DTLS_1_3)


@clause("RFC8446-4.4.4-M1")
async def test_a_server_verifies_finished(server: Opposite) -> None:
    await server.refuses("decrypt_error", each(Finished, spoilt_finished), dtls=DTLS_1_3)


@clause("RFC8446-4.4.4-M1")
async def test_a_server_refuses_a_finished_cut_short(server: Opposite) -> None:
    bend = each(Finished, lambda one: (replace(one, verify_data=one.verify_data[:-1]),))
    await server.refuses(("decrypt_error", "decode_error"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.6.3-M1")
async def test_a_server_refuses_a_key_update_before_finished(server: Opposite) -> None:
    await server.refuses("unexpected_message", before(Finished, KeyUpdate(0)), dtls=DTLS_1_3)


@clause("RFC8446-4-M2")
async def test_a_server_refuses_a_ticket_from_a_client(server: Opposite) -> None:
    await server.refuses("unexpected_message", before(Finished, TICKET), dtls=DTLS_1_3)
