"""RFC 8446 sections 4.1 and 4.2: hellos of DTLS 1.3 that have to be refused, and those that must not be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from cases.bending import Bend, changed, each
from cases.dtls.opposite import DTLS_1_3, Opposite
from harness.capture.match import dtls
from harness.cases import check, clause
from peer.dtls import NamedGroup, Version
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_extensions import Extension, ExtensionType, KeyShareEntry
from peer.wire.dtls_handshake import HELLO_RETRY_RANDOM, ClientHello, HandshakeMessage, ServerHello
from peer.wire.dtls_handshake13 import EncryptedExtensions
from peer.wire.dtls_parameters import DTLS12, DTLS13

BOTH = {"versions": (Version.DTLS13, Version.DTLS12)}
DTLS_1_2_ONLY = {"versions": (Version.DTLS12,)}
GREASE = 0x5A5A
UNKNOWN = Extension(0xFEED, b"unknown")


def with_extensions(kind: type, *others: Extension) -> Bend:
    """Messages of a class have these extensions, in the place of those of the same type."""
    types = {one.type for one in others}

    def bend(message: Any) -> Iterable[Any]:
        kept = tuple(one for one in message.extensions or () if one.type not in types)
        return (replace(message, extensions=(*kept, *others)),)

    return each(kind, bend)


def without_extension(kind: type, *types: int) -> Bend:
    def bend(message: Any) -> Iterable[Any]:
        kept = tuple(one for one in message.extensions or () if one.type not in types)
        return (replace(message, extensions=kept),)

    return each(kind, bend)


def and_a_byte(kind: type) -> Bend:
    """Messages of a class have one byte too much."""

    def bend(message: Any) -> Iterable[bytes]:
        body = message.serialize() + b"\x00"
        return (bytes([message.TYPE]) + len(body).to_bytes(3, "big") + body,)

    return each(kind, bend)


async def test_sanity_dtls_1_3_both_ways(client: Opposite) -> None:
    await client.goes_on(dtls=DTLS_1_3)
    client.wire.expect(dtls.server_hello(version=DTLS13))


# --- what a server answers


@clause("RFC8446-4.1.3-M5")
async def test_a_client_refuses_a_suite_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("illegal_parameter", changed(ServerHello, cipher_suite=0x1304), dtls=DTLS_1_3)


@clause("RFC8446-4.1.3-M4")
async def test_a_client_refuses_another_session_id(client: Opposite) -> None:
    await client.refuses("illegal_parameter", changed(ServerHello, session_id=bytes(32)), dtls=DTLS_1_3)


@clause("RFC8446-4.1.3-M6", "RFC8446-6-M6")
async def test_a_client_refuses_a_compression(client: Opposite) -> None:
    await client.refuses(
        ("illegal_parameter", "decode_error"), changed(ServerHello, compression_method=1), dtls=DTLS_1_3
    )


@clause("RFC8446-4.2.1-M11")
async def test_a_client_refuses_a_version_that_it_did_not_offer(client: Opposite) -> None:
    bend = with_extensions(ServerHello, extensions.selected_version(0xFEFB))
    await client.refuses(("illegal_parameter", "protocol_version"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.2.1-M11")
async def test_a_client_refuses_an_old_version_in_supported_versions(client: Opposite) -> None:
    bend = with_extensions(ServerHello, extensions.selected_version(DTLS12))
    await client.refuses(("illegal_parameter", "protocol_version"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.1.3-M13", "RFC8446-4.1.3-M14")
async def test_a_client_notices_that_it_was_downgraded(client: Opposite) -> None:
    bend = each(ServerHello, lambda one: (replace(one, random=one.random[:24] + b"DOWNGRD\x01"),))
    await client.refuses("illegal_parameter", bend, dtls=DTLS_1_2_ONLY)


@clause("RFC8446-4.1.3-M13", "RFC8446-4.1.3-M14")
async def test_a_client_notices_that_it_was_downgraded_further(client: Opposite) -> None:
    bend = each(ServerHello, lambda one: (replace(one, random=one.random[:24] + b"DOWNGRD\x00"),))
    await client.refuses("illegal_parameter", bend, dtls=DTLS_1_2_ONLY)


@clause("RFC8446-4.2.8-M8", "RFC8446-6-M6")
async def test_a_client_refuses_a_share_of_another_group(client: Opposite) -> None:
    share = KeyShareEntry(NamedGroup.secp384r1, b"\x04" + bytes(96))
    bend = with_extensions(ServerHello, extensions.server_key_share(share))
    await client.refuses("illegal_parameter", bend, dtls=DTLS_1_3)


@clause("RFC8446-6-M6")
async def test_a_client_refuses_a_share_of_the_wrong_length(client: Opposite) -> None:
    share = KeyShareEntry(NamedGroup.x25519, bytes(range(31)))
    bend = with_extensions(ServerHello, extensions.server_key_share(share))
    await client.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.x25519,)})


@clause("RFC8446-7.4.2-M2")
async def test_a_client_refuses_a_share_that_makes_a_secret_of_zeros(client: Opposite) -> None:
    bend = with_extensions(ServerHello, extensions.server_key_share(KeyShareEntry(NamedGroup.x25519, bytes(32))))
    await client.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.x25519,)})


@clause("RFC8446-6-M6")
async def test_a_client_refuses_a_point_that_is_not_on_the_curve(client: Opposite) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        if not isinstance(message, ServerHello) or message.is_retry:
            return (message,)
        share = extensions.server_key_share(KeyShareEntry(NamedGroup.secp256r1, b"\x04" + bytes(range(64))))
        return with_extensions(ServerHello, share)(message)

    await client.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.secp256r1,)})


@clause("RFC8446-6-M6")
async def test_a_client_refuses_a_hybrid_share_without_its_classical_half(client: Opposite) -> None:
    share = KeyShareEntry(NamedGroup.X25519MLKEM768, bytes(1088))
    bend = with_extensions(ServerHello, extensions.server_key_share(share))
    await client.refuses("illegal_parameter", bend, dtls=DTLS_1_3)


@clause("RFC8446-9.2-M6")
async def test_a_client_misses_the_key_share(client: Opposite) -> None:
    await client.refuses("missing_extension", without_extension(ServerHello, ExtensionType.KEY_SHARE), dtls=DTLS_1_3)


@clause("RFC8446-4.2-M1", "RFC8446-4.2-M2")
async def test_a_client_refuses_an_extension_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("unsupported_extension", with_extensions(EncryptedExtensions, UNKNOWN), dtls=DTLS_1_3)


@clause("RFC8446-4.2-M2")
async def test_a_client_refuses_an_extension_in_the_hello_that_it_did_not_offer(client: Opposite) -> None:
    await client.refuses("unsupported_extension", with_extensions(ServerHello, UNKNOWN), dtls=DTLS_1_3)


@clause("RFC8446-4.2-M3", "RFC8446-4.3.1-M2")
async def test_a_client_refuses_an_extension_in_the_wrong_message(client: Opposite) -> None:
    bend = with_extensions(EncryptedExtensions, extensions.selected_version(DTLS13))
    await client.refuses(("illegal_parameter", "unsupported_extension"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.2-M5", "RFC8446-6-M6")
async def test_a_client_refuses_an_extension_twice(client: Opposite) -> None:
    bend = each(ServerHello, lambda one: (replace(one, extensions=(*one.extensions, one.extensions[0])),))
    await client.refuses(("illegal_parameter", "decode_error"), bend, dtls=DTLS_1_3)


@clause("RFC8446-6-M5")
async def test_a_client_refuses_a_server_hello_with_a_byte_too_much(client: Opposite) -> None:
    await client.refuses("decode_error", and_a_byte(ServerHello), dtls=DTLS_1_3)


# --- HelloRetryRequest


def instead_of_the_hello(*answer: Extension) -> Bend:
    """A HelloRetryRequest with these extensions in the place of the ServerHello."""
    return each(
        ServerHello,
        lambda one: (
            replace(one, random=HELLO_RETRY_RANDOM, extensions=(extensions.selected_version(DTLS13), *answer)),
        ),
    )


@clause("RFC8446-4.2.8-M5", "RFC8446-4.2.8-M6")
async def test_a_client_refuses_to_repeat_a_share(client: Opposite) -> None:
    bend = instead_of_the_hello(extensions.retry_key_share(NamedGroup.X25519MLKEM768))
    await client.refuses("illegal_parameter", bend, dtls=DTLS_1_3)


@clause("RFC8446-4.2.8-M5", "RFC8446-4.2.8-M6")
async def test_a_client_refuses_a_group_that_it_did_not_offer(client: Opposite) -> None:
    bend = instead_of_the_hello(extensions.retry_key_share(0x001E))  # x448
    await client.refuses("illegal_parameter", bend, dtls=DTLS_1_3)


@clause("RFC8446-4.1.4-M4")
async def test_a_client_refuses_a_retry_that_changes_nothing(client: Opposite) -> None:
    await client.refuses("illegal_parameter", instead_of_the_hello(), dtls=DTLS_1_3)


@clause("RFC8446-4.1.4-M2", "RFC8446-4.2-M2")
async def test_a_client_refuses_a_strange_extension_in_a_retry(client: Opposite) -> None:
    bend = instead_of_the_hello(extensions.retry_key_share(NamedGroup.secp384r1), UNKNOWN)
    await client.refuses(("unsupported_extension", "illegal_parameter"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.1.4-M9")
async def test_a_client_refuses_another_suite_than_the_retry_said(client: Opposite) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        is_final = isinstance(message, ServerHello) and not message.is_retry
        return changed(ServerHello, cipher_suite=0x1302)(message) if is_final else (message,)

    await client.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.secp384r1,)})


@clause("RFC8446-4.2.8-M10", "RFC8446-4.2.8-M11")
async def test_a_client_refuses_another_group_than_the_retry_said(client: Opposite) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage]:
        if not isinstance(message, ServerHello) or message.is_retry:
            return (message,)
        share = extensions.server_key_share(KeyShareEntry(NamedGroup.x25519, bytes(range(32))))
        return with_extensions(ServerHello, share)(message)

    await client.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.secp384r1,)})


@clause("RFC8446-4.2.8-M7")
async def test_a_client_replaces_its_shares_by_the_one_asked_for(client: Opposite) -> None:
    await client.goes_on(dtls={**DTLS_1_3, "groups": (NamedGroup.secp384r1,)})
    asked = client.wire.expect(dtls.handshake("HelloRetryRequest"), sender=client.peer)
    hello = client.wire.expect(dtls.client_hello(), sender=client.endpoint, after=asked)
    shares = extensions.parse_client_key_share(bytes(hello.packet.extension(51))[4:])
    groups = [share.group for share in shares]
    check(groups == [NamedGroup.secp384r1], f"the second ClientHello has shares for {groups}", frames=(hello.number,))


# --- what a client offers


@clause("RFC8446-4.1.2-M10", "RFC8446-4.1.2-M11")
async def test_a_server_refuses_a_compression(server: Opposite) -> None:
    await server.refuses("illegal_parameter", changed(ClientHello, compression_methods=b"\x00\x01"), dtls=DTLS_1_3)


@clause("RFC8446-9.2-M11", "RFC8446-9.2-M12")
async def test_a_server_misses_the_key_share(server: Opposite) -> None:
    await server.refuses("missing_extension", without_extension(ClientHello, ExtensionType.KEY_SHARE), dtls=DTLS_1_3)


@clause("RFC8446-9.2-M11", "RFC8446-9.2-M12")
async def test_a_server_misses_the_groups(server: Opposite) -> None:
    bend = without_extension(ClientHello, ExtensionType.SUPPORTED_GROUPS)
    await server.refuses("missing_extension", bend, dtls=DTLS_1_3)


@clause("RFC8446-4.2.3-M3")
async def test_a_server_misses_the_signature_algorithms(server: Opposite) -> None:
    bend = without_extension(ClientHello, ExtensionType.SIGNATURE_ALGORITHMS)
    await server.refuses("missing_extension", bend, dtls=DTLS_1_3)


@clause("RFC8446-4.1.1-M1", "RFC8446-4.1.1-M4")
async def test_a_server_refuses_groups_that_it_has_not(server: Opposite) -> None:
    bend = with_extensions(ClientHello, extensions.supported_groups([0x001E]), extensions.client_key_share([]))
    await server.refuses(("handshake_failure", "insufficient_security"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.1.1-M4")
async def test_a_server_refuses_suites_that_it_has_not(server: Opposite) -> None:
    bend = changed(ClientHello, cipher_suites=(0x1304, 0x1305))
    await server.refuses(("handshake_failure", "insufficient_security"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.1.1-M4")
async def test_a_server_refuses_signature_schemes_that_it_has_not(server: Opposite) -> None:
    bend = with_extensions(ClientHello, extensions.signature_algorithms([0x0808]))
    await server.refuses(("handshake_failure", "insufficient_security"), bend, dtls=DTLS_1_3)


@clause("RFC8446-6-M6")
async def test_a_server_refuses_a_share_of_the_wrong_length(server: Opposite) -> None:
    bend = with_extensions(ClientHello, extensions.client_key_share([KeyShareEntry(NamedGroup.x25519, bytes(31))]))
    await server.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.x25519,)})


@clause("RFC8446-7.4.2-M2")
async def test_a_server_refuses_a_share_that_makes_a_secret_of_zeros(server: Opposite) -> None:
    bend = with_extensions(ClientHello, extensions.client_key_share([KeyShareEntry(NamedGroup.x25519, bytes(32))]))
    await server.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.x25519,)})


@clause("RFC8446-6-M6")
async def test_a_server_refuses_a_point_that_is_not_on_the_curve(server: Opposite) -> None:
    share = KeyShareEntry(NamedGroup.secp256r1, b"\x04" + bytes(range(64)))
    bend = with_extensions(ClientHello, extensions.client_key_share([share]))
    await server.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.secp256r1,)})


@clause("RFC8446-6-M6")
async def test_a_server_refuses_a_hybrid_share_without_its_classical_half(server: Opposite) -> None:
    share = KeyShareEntry(NamedGroup.X25519MLKEM768, bytes(1184))
    bend = with_extensions(ClientHello, extensions.client_key_share([share]))
    await server.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "groups": (NamedGroup.X25519MLKEM768,)})


@clause("RFC8446-4.1.2-M15", "RFC8446-6-M5")
async def test_a_server_refuses_a_client_hello_with_a_byte_too_much(server: Opposite) -> None:
    await server.refuses("decode_error", and_a_byte(ClientHello), dtls=DTLS_1_3)


@clause("RFC8446-4.2-M5", "RFC8446-6-M6")
async def test_a_server_refuses_an_extension_twice(server: Opposite) -> None:
    bend = each(ClientHello, lambda one: (replace(one, extensions=(*one.extensions, one.extensions[0])),))
    await server.refuses(("illegal_parameter", "decode_error"), bend, dtls=DTLS_1_3)


@clause("RFC8446-4.1.2-M9", "RFC8446-4.1.2-M13", "RFC8446-4.2.1-M4")
async def test_a_server_ignores_what_it_does_not_know(server: Opposite) -> None:
    def bend(hello: ClientHello) -> Iterable[ClientHello]:
        more = replace(hello, cipher_suites=(GREASE, *hello.cipher_suites))
        return with_extensions(ClientHello, extensions.supported_versions([GREASE, DTLS13]), UNKNOWN)(more)

    await server.goes_on(each(ClientHello, bend), dtls=DTLS_1_3)


@clause("RFC8446-4.2.1-M5", "RFC8446-4.2.1-M6")
async def test_a_server_takes_1_2_out_of_supported_versions(server: Opposite) -> None:
    bend = with_extensions(ClientHello, extensions.supported_versions([DTLS12]))
    await server.goes_on(bend, dtls=DTLS_1_2_ONLY)
    hello = server.wire.expect(dtls.server_hello(version=DTLS12), sender=server.endpoint)
    check(hello.packet.extension(43) is None, "the ServerHello has supported_versions", frames=(hello.number,))


@clause("RFC8446-4.1.3-M2", "RFC8446-4.1.3-M10", "RFC8446-4.1.3-M11")
async def test_a_server_that_knows_1_3_marks_its_random_in_1_2(server: Opposite) -> None:
    await server.meets(dtls=DTLS_1_2_ONLY)
    hello = server.wire.expect(dtls.server_hello(version=DTLS12), sender=server.endpoint)
    end = bytes(hello.packet.random)[-8:]
    check(end == b"DOWNGRD\x01", f"the random ends with {end!r}", frames=(hello.number,))


@clause("RFC8446-4.1.1-M3")
async def test_a_server_asks_for_a_share_that_it_can_use(server: Opposite) -> None:
    await server.goes_on(dtls={**DTLS_1_3, "key_shares": ()})
    server.wire.expect(dtls.handshake("HelloRetryRequest"), sender=server.endpoint)


def only_the_second(change: Callable[[ClientHello], ClientHello]) -> Bend:
    count = 0

    def bend(hello: ClientHello) -> Iterable[ClientHello]:
        nonlocal count
        count += 1
        return (change(hello) if count == 2 else hello,)

    return each(ClientHello, bend)


@clause("RFC8446-4.2.8-M7", "RFC8446-6-M6")
async def test_a_server_refuses_a_second_hello_without_the_share(server: Opposite) -> None:
    bend = only_the_second(lambda one: next(iter(with_extensions(ClientHello, extensions.client_key_share([]))(one))))
    await server.refuses("illegal_parameter", bend, dtls={**DTLS_1_3, "key_shares": ()})
