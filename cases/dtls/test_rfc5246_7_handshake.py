"""RFC 5246 section 7, with RFC 5746, 5764, 7627 and 8422: handshakes of DTLS 1.2 that have to be refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cases.bending import changed, dropped, each
from cases.dtls.opposite import DTLS_1_2, Opposite, with_another_fingerprint
from cases.dtls.test_rfc6347_4_dtls12 import srtp_answer
from cases.dtls.test_rfc8446_4_authentication import before, spoilt_finished, spoilt_signature
from cases.dtls.test_rfc8446_4_hellos import GREASE, UNKNOWN, and_a_byte, with_extensions, without_extension
from harness.capture.match import dtls
from harness.cases import check, clause
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_extensions import Extension, ExtensionType
from peer.wire.dtls_handshake import (
    CertificateVerify,
    ClientHello,
    Finished,
    HandshakeMessage,
    ServerHello,
    UnknownMessage,
)
from peer.wire.dtls_handshake12 import (
    CertificateList,
    ClientKeyExchange,
    ServerHelloDone,
    ServerKeyExchange,
)

SECP256R1, X25519, X448 = 0x0017, 0x001D, 0x001E
NO_POINT = b"\x04" + bytes(range(64))
COMPRESSED_ONLY = Extension(ExtensionType.EC_POINT_FORMATS, b"\x01\x01")
BAD_CERTIFICATE = ("bad_certificate", "certificate_unknown", "unknown_ca", "access_denied")


async def test_sanity_dtls_1_2_with_certificates_on_both_sides(server: Opposite) -> None:
    await server.goes_on(dtls=DTLS_1_2)
    server.wire.expect(dtls.handshake("CertificateRequest"), sender=server.endpoint)


# --- the endpoint is the client


@clause("RFC5246-E.1-M1")
async def test_a_client_refuses_dtls_1_0(client: Opposite) -> None:
    await client.refuses("protocol_version", changed(ServerHello, version=0xFEFF), dtls=DTLS_1_2)


@clause("RFC5246-E.1-M1")
async def test_a_client_refuses_a_version_that_does_not_exist(client: Opposite) -> None:
    await client.refuses("protocol_version", changed(ServerHello, version=0xFEFE), dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_client_refuses_a_suite_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("illegal_parameter", changed(ServerHello, cipher_suite=0xC0AC), dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_client_refuses_a_suite_of_1_3(client: Opposite) -> None:
    await client.refuses("illegal_parameter", changed(ServerHello, cipher_suite=0x1301), dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_client_refuses_a_compression(client: Opposite) -> None:
    names = ("illegal_parameter", "decode_error")
    await client.refuses(names, changed(ServerHello, compression_method=1), dtls=DTLS_1_2)


@clause("RFC5246-7.4.1.4-M1", "RFC5246-7.4.1.4-M2")
async def test_a_client_refuses_an_extension_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("unsupported_extension", with_extensions(ServerHello, UNKNOWN), dtls=DTLS_1_2)


@clause("RFC5246-7.4.1.4-M3", "RFC5246-7.2.2-M3")
async def test_a_client_refuses_an_extension_twice(client: Opposite) -> None:
    bend = each(ServerHello, lambda one: (replace(one, extensions=(*one.extensions, one.extensions[0])),))
    await client.refuses(("illegal_parameter", "decode_error"), bend, dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_client_refuses_a_server_hello_with_a_byte_too_much(client: Opposite) -> None:
    await client.refuses("decode_error", and_a_byte(ServerHello), dtls=DTLS_1_2)


@clause("RFC5746-3.4-M3")
async def test_a_client_refuses_a_renegotiation_that_never_was(client: Opposite) -> None:
    bend = with_extensions(ServerHello, extensions.renegotiation_info(bytes(24)))
    await client.refuses("handshake_failure", bend, dtls=DTLS_1_2)


@clause("RFC5746-3.4-M1", "RFC7627-5.2-M1")
async def test_a_client_offers_what_makes_1_2_safe(client: Opposite) -> None:
    await client.meets(dtls=DTLS_1_2)
    hello = client.wire.expect(dtls.client_hello(), sender=client.endpoint)
    signals = hello.packet.extension(0xFF01) is not None or 0x00FF in hello.packet.cipher_suites
    check(signals, "no renegotiation_info and no signalling suite", frames=(hello.number,))
    check(hello.packet.extension(23) is not None, "no extended_master_secret", frames=(hello.number,))


@clause("RFC5764-4.1.1-M4", "RFC5246-7.2.2-M3")
async def test_a_client_refuses_an_srtp_profile_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("illegal_parameter", srtp_answer(0x0005), dtls=DTLS_1_2)


@clause("RFC5764-4.1.1-M3", "RFC5246-7.2.2-M3")
async def test_a_client_refuses_two_srtp_profiles(client: Opposite) -> None:
    await client.refuses(("illegal_parameter", "decode_error"), srtp_answer(0x0007, 0x0001), dtls=DTLS_1_2)


@clause("RFC5763-5-M8", "RFC5763-5-M9")
async def test_a_client_refuses_a_certificate_of_another_fingerprint(client: Opposite) -> None:
    await client.refuses(BAD_CERTIFICATE, dtls=DTLS_1_2, sdp=with_another_fingerprint)


@clause("RFC5246-7.4.2-M1", "RFC5246-7.2.2-M3")
async def test_a_client_refuses_an_empty_certificate(client: Opposite) -> None:
    names = (*BAD_CERTIFICATE, "decode_error", "illegal_parameter", "handshake_failure")
    await client.refuses(names, changed(CertificateList, certificates=()), dtls=DTLS_1_2)


@clause("RFC5246-7.4-M1", "RFC5246-7.4.2-M1")
async def test_a_client_refuses_a_server_without_a_certificate(client: Opposite) -> None:
    await client.refuses("unexpected_message", dropped(CertificateList), dtls=DTLS_1_2)


@clause("RFC5246-7.4-M1")
async def test_a_client_refuses_a_server_without_a_key_exchange(client: Opposite) -> None:
    await client.refuses("unexpected_message", dropped(ServerKeyExchange), dtls=DTLS_1_2)


@clause("RFC5246-7.4-M1")
async def test_a_client_refuses_a_message_that_does_not_exist(client: Opposite) -> None:
    await client.refuses("unexpected_message", before(ServerHelloDone, UnknownMessage(99, b"what")), dtls=DTLS_1_2)


@clause("RFC5246-7.4.3-M2", "RFC5246-7.2.2-M3")
async def test_a_client_refuses_a_signature_scheme_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("illegal_parameter", changed(ServerKeyExchange, scheme=0x0708), dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_client_verifies_the_signature(client: Opposite) -> None:
    def spoil(one: ServerKeyExchange) -> Iterable[ServerKeyExchange]:
        return (replace(one, signature=one.signature[:-1] + bytes([one.signature[-1] ^ 1])),)

    await client.refuses("decrypt_error", each(ServerKeyExchange, spoil), dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_client_refuses_a_group_that_it_did_not_offer(client: Opposite) -> None:
    # No MUST names the alert here.
    names = ("illegal_parameter", "handshake_failure")
    await client.refuses(names, changed(ServerKeyExchange, group=X448), dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_client_refuses_a_done_with_something_in_it(client: Opposite) -> None:
    await client.refuses("decode_error", and_a_byte(ServerHelloDone), dtls=DTLS_1_2)


@clause("RFC5246-7.4.9-M1")
async def test_a_client_verifies_finished(client: Opposite) -> None:
    await client.refuses("decrypt_error", each(Finished, spoilt_finished), dtls=DTLS_1_2)


@clause("RFC5246-7.3-M2")
async def test_a_client_gets_along_without_a_certificate_request(client: Opposite) -> None:
    await client.goes_on(dtls={**DTLS_1_2, "request_client_certificate": False})
    client.wire.never(dtls.handshake("Certificate"), sender=client.endpoint)


@clause("RFC7627-5.1-M1")
async def test_a_client_uses_the_extended_master_secret(client: Opposite) -> None:
    await client.goes_on(dtls=DTLS_1_2)
    hello = client.wire.expect(dtls.server_hello(), sender=client.peer)
    check(hello.packet.extension(23) is not None, "no extended_master_secret was agreed", frames=(hello.number,))


# --- the endpoint is the server


@clause("RFC5246-E.1-M3")
async def test_a_server_refuses_dtls_1_0(server: Opposite) -> None:
    await server.refuses("protocol_version", changed(ClientHello, version=0xFEFF), dtls=DTLS_1_2)


@clause("RFC5246-7.4.1.2-M5", "RFC5246-7.2.2-M3")
async def test_a_server_refuses_a_hello_without_the_null_compression(server: Opposite) -> None:
    names = ("illegal_parameter", "decode_error", "handshake_failure")
    await server.refuses(names, changed(ClientHello, compression_methods=b"\x01"), dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_server_refuses_suites_that_it_has_not(server: Opposite) -> None:
    names = ("handshake_failure", "insufficient_security")
    await server.refuses(names, changed(ClientHello, cipher_suites=(0xC0AC, 0xC0AD)), dtls=DTLS_1_2)


@clause("RFC5246-7.4.1.2-M6")
async def test_a_server_refuses_a_client_hello_with_a_byte_too_much(server: Opposite) -> None:
    await server.refuses("decode_error", and_a_byte(ClientHello), dtls=DTLS_1_2)


@clause("RFC5246-7.4.1.2-M2", "RFC5746-3.6-M5")
async def test_a_server_ignores_what_it_does_not_know(server: Opposite) -> None:
    def bend(hello: ClientHello) -> Iterable[HandshakeMessage]:
        return with_extensions(ClientHello, UNKNOWN)(replace(hello, cipher_suites=(GREASE, *hello.cipher_suites)))

    await server.goes_on(each(ClientHello, bend), dtls=DTLS_1_2)


@clause("RFC5746-3.6-M3")
async def test_a_server_refuses_a_renegotiation_that_never_was(server: Opposite) -> None:
    bend = with_extensions(ClientHello, extensions.renegotiation_info(bytes(12)))
    await server.refuses(("handshake_failure", "illegal_parameter", "decode_error"), bend, dtls=DTLS_1_2)


@clause("RFC5746-3.6-M1", "RFC5746-3.6-M4")
async def test_a_server_understands_the_signalling_suite(server: Opposite) -> None:
    def bend(hello: ClientHello) -> Iterable[HandshakeMessage]:
        signalling = replace(hello, cipher_suites=(*hello.cipher_suites, 0x00FF))
        return without_extension(ClientHello, ExtensionType.RENEGOTIATION_INFO)(signalling)

    await server.meets(each(ClientHello, bend), dtls=DTLS_1_2, wait=False)
    hello = await server.wire.wait_for(dtls.server_hello(), sender=server.endpoint, timeout=3.0)
    check(hello.packet.extension(0xFF01) is not None, "no renegotiation_info in the answer", frames=(hello.number,))


@clause("RFC7627-5.2-M2")
async def test_a_server_agrees_to_the_extended_master_secret(server: Opposite) -> None:
    await server.goes_on(dtls=DTLS_1_2)
    hello = server.wire.expect(dtls.server_hello(), sender=server.endpoint)
    check(hello.packet.extension(23) is not None, "no extended_master_secret in the answer", frames=(hello.number,))


@clause("RFC8422-5.1.2-M2")
async def test_a_server_refuses_a_client_that_knows_compressed_points_only(server: Opposite) -> None:
    await server.refuses("illegal_parameter", with_extensions(ClientHello, COMPRESSED_ONLY), dtls=DTLS_1_2)


@clause("RFC8422-5.11-M1", "RFC8422-5.11-M2")
async def test_a_server_refuses_a_point_that_is_not_on_the_curve(server: Opposite) -> None:
    names = ("illegal_parameter", "decode_error", "decrypt_error", "handshake_failure")
    bend = changed(ClientKeyExchange, public_key=NO_POINT)
    await server.refuses(names, bend, dtls={**DTLS_1_2, "groups": (SECP256R1,)})


@clause("RFC8422-5.11-M3")
async def test_a_server_refuses_a_share_that_makes_a_secret_of_zeros(server: Opposite) -> None:
    names = ("illegal_parameter", "decode_error", "decrypt_error", "handshake_failure")
    bend = changed(ClientKeyExchange, public_key=bytes(32))
    await server.refuses(names, bend, dtls={**DTLS_1_2, "groups": (X25519,)})


@clause("RFC5763-5-M8")
async def test_a_server_refuses_a_client_without_a_certificate(server: Opposite) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        if isinstance(message, CertificateVerify):
            return ()
        return (replace(message, certificates=()) if isinstance(message, CertificateList) else message,)

    await server.refuses(("handshake_failure", "bad_certificate", "certificate_required"), bend, dtls=DTLS_1_2)


@clause("RFC5763-5-M8", "RFC5763-5-M9")
async def test_a_server_refuses_a_certificate_of_another_fingerprint(server: Opposite) -> None:
    await server.refuses(BAD_CERTIFICATE, dtls=DTLS_1_2, sdp=with_another_fingerprint)


@clause("RFC5246-7.2.2-M3")
async def test_a_server_verifies_the_signature(server: Opposite) -> None:
    await server.refuses("decrypt_error", each(CertificateVerify, spoilt_signature), dtls=DTLS_1_2)


@clause("RFC5246-7.4.8-M2", "RFC5246-7.2.2-M3")
async def test_a_server_refuses_a_signature_scheme_that_it_did_not_ask_for(server: Opposite) -> None:
    await server.refuses("illegal_parameter", changed(CertificateVerify, scheme=0x0708), dtls=DTLS_1_2)


@clause("RFC5246-7.4-M1", "RFC5246-7.4.8-M1")
async def test_a_server_refuses_a_signature_before_the_key_exchange(server: Opposite) -> None:
    held: list[HandshakeMessage] = []

    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        if isinstance(message, ClientKeyExchange):
            held.append(message)
            return ()
        return (message, *held) if isinstance(message, CertificateVerify) else (message,)

    await server.refuses("unexpected_message", bend, dtls=DTLS_1_2)


@clause("RFC5246-7.4-M1")
async def test_a_server_refuses_a_client_that_leaves_its_certificate_out(server: Opposite) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        return () if isinstance(message, CertificateList | CertificateVerify) else (message,)

    await server.refuses("unexpected_message", bend, dtls=DTLS_1_2)


@clause("RFC5246-7.4-M1")
async def test_a_server_refuses_a_client_without_a_key_exchange(server: Opposite) -> None:
    await server.refuses("unexpected_message", dropped(ClientKeyExchange), dtls=DTLS_1_2)


@clause("RFC5246-7.4.9-M1")
async def test_a_server_verifies_finished(server: Opposite) -> None:
    await server.refuses("decrypt_error", each(Finished, spoilt_finished), dtls=DTLS_1_2)


@clause("RFC5246-7.2.2-M3")
async def test_a_server_refuses_a_finished_cut_short(server: Opposite) -> None:
    bend = each(Finished, lambda one: (replace(one, verify_data=one.verify_data[:-1]),))
    await server.refuses(("decrypt_error", "decode_error"), bend, dtls=DTLS_1_2)
