"""The messages both versions share, and fragments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.wire import dtls_handshake12, dtls_handshake13
from peer.wire.dtls_extensions import Extension
from peer.wire.dtls_handshake import (
    HELLO_RETRY_RANDOM,
    CertificateVerify,
    ClientHello,
    Finished,
    Fragment,
    ServerHello,
    UnknownMessage,
    parse_fragments,
)

RANDOM = bytes(range(32))
CLIENT_HELLO = ClientHello(
    0xFEFD, RANDOM, b"id", b"cookie", (0x1301, 0xC02B), b"\x00", (Extension(43, b"\x02\xfe\xfc"),)
)
SERVER_HELLO = ServerHello(0xFEFD, RANDOM, b"id", 0x1301, 0, (Extension(43, b"\xfe\xfc"),))


def test_a_client_hello() -> None:
    """RFC 6347 4.2.1: the cookie stands between session id and cipher suites."""
    body = (
        bytes.fromhex("fefd")
        + RANDOM
        + b"\x02id\x06cookie"
        + bytes.fromhex("0004 1301 c02b 01 00 0007 002b 0003 02fefc")
    )
    assert CLIENT_HELLO.serialize() == body
    assert ClientHello.parse(body) == CLIENT_HELLO
    assert CLIENT_HELLO.extension(43) == b"\x02\xfe\xfc"
    bare = ClientHello(0xFEFD, RANDOM, b"", b"", (1,), b"\x00", None)
    assert ClientHello.parse(bare.serialize()) == bare
    assert bare.extension(43) is None


def test_a_server_hello() -> None:
    body = bytes.fromhex("fefd") + RANDOM + b"\x02id" + bytes.fromhex("1301 00 0006 002b 0002 fefc")
    assert SERVER_HELLO.serialize() == body
    assert ServerHello.parse(body) == SERVER_HELLO
    assert SERVER_HELLO.extension(43) == b"\xfe\xfc"
    assert not SERVER_HELLO.is_retry
    bare = ServerHello(0xFEFD, HELLO_RETRY_RANDOM, b"", 0x1301, 0, None)
    assert ServerHello.parse(bare.serialize()) == bare
    assert bare.is_retry


@pytest.mark.parametrize(
    "message", [CLIENT_HELLO, SERVER_HELLO, CertificateVerify(0x0403, b"signature")], ids=lambda m: type(m).__name__
)
def test_every_truncation_and_anything_after_it(message: ClientHello | ServerHello | CertificateVerify) -> None:
    body = message.serialize()
    # A hello may end before its extensions: RFC 5246 7.4.1.2.
    without = len(body) - 2 - sum(4 + len(e.data) for e in getattr(message, "extensions", None) or ())
    for length in range(len(body)):
        if length != without or isinstance(message, CertificateVerify):
            with pytest.raises(DecodeError):
                type(message).parse(body[:length])
    with pytest.raises(DecodeError):
        type(message).parse(body + b"\x00")


def test_hellos_that_lack_or_exceed() -> None:
    no_suites = bytes.fromhex("fefd") + RANDOM + bytes.fromhex("00 00 0000 01 00")
    no_compression = bytes.fromhex("fefd") + RANDOM + bytes.fromhex("00 00 0002 1301 00")
    long_id = bytes.fromhex("fefd") + RANDOM + b"\x21" + bytes(33) + bytes.fromhex("00 0002 1301 01 00")
    for body in (no_suites, no_compression, long_id):
        with pytest.raises(DecodeError):
            ClientHello.parse(body)


def test_certificate_verify_and_finished() -> None:
    assert CertificateVerify.parse(bytes.fromhex("0403 0003") + b"sig") == CertificateVerify(0x0403, b"sig")
    assert Finished.parse(b"abc").serialize() == b"abc"
    assert UnknownMessage(99, b"abc").serialize() == b"abc"


def test_a_fragment() -> None:
    data = bytes.fromhex("01 000100 0007 000010 000003") + b"abc"
    fragment = Fragment(1, 256, 7, 16, b"abc")
    assert fragment.serialize() == data
    assert parse_fragments(data + data) == (fragment, fragment)
    assert not fragment.is_whole
    assert Fragment(1, 3, 0, 0, b"abc").is_whole


@pytest.mark.parametrize("data", ["", "01 000002 0007 000001 000002 6162", "01 000100 0007 000010 000003 6162"])
def test_fragments_that_do_not_fit(data: str) -> None:
    with pytest.raises(DecodeError):
        parse_fragments(bytes.fromhex(data))


@given(st.integers(0, 25), st.binary(max_size=60))
def test_any_body_of_any_type(kind: int, body: bytes) -> None:
    for parse in (dtls_handshake12.parse_message, dtls_handshake13.parse_message):
        try:
            message = parse(kind, body)
        except DecodeError:
            continue
        assert message.serialize() == body
        assert kind == message.TYPE
