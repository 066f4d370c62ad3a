"""Messages of DTLS 1.2 there and back."""

from __future__ import annotations

import pytest

from peer.errors import DecodeError
from peer.wire.dtls_handshake import HandshakeMessage, UnknownMessage
from peer.wire.dtls_handshake12 import (
    CertificateList,
    CertificateRequest,
    ClientKeyExchange,
    HelloRequest,
    HelloVerifyRequest,
    ServerHelloDone,
    ServerKeyExchange,
    parse_message,
)

MESSAGES = [
    (HelloVerifyRequest(0xFEFD, b"abc"), "fefd 03 616263"),
    (CertificateList((b"ab", b"c")), "000009 000002 6162 000001 63"),
    (CertificateList(()), "000000"),
    (ServerKeyExchange(29, b"key", 0x0403, b"sig"), "03 001d 03 6b6579 0403 0003 736967"),
    (CertificateRequest(b"\x40", (0x0403,), (b"name",)), "01 40 0002 0403 0006 0004 6e616d65"),
    (ClientKeyExchange(b"key"), "03 6b6579"),
    (ServerHelloDone(), ""),
    (HelloRequest(), ""),
]


@pytest.mark.parametrize(("message", "body"), MESSAGES, ids=lambda x: type(x).__name__)
def test_there_and_back(message: HandshakeMessage, body: str) -> None:
    data = bytes.fromhex(body)
    assert message.serialize() == data
    assert parse_message(message.TYPE, data) == message
    for length in range(len(data)):
        with pytest.raises(DecodeError):
            parse_message(message.TYPE, data[:length])
    with pytest.raises(DecodeError):
        parse_message(message.TYPE, data + b"\x00")


def test_what_is_signed_in_server_key_exchange() -> None:
    assert ServerKeyExchange(29, b"key", 0x0403, b"sig").params == bytes.fromhex("03 001d 03 6b6579")


def test_only_named_curves() -> None:
    with pytest.raises(DecodeError):
        parse_message(12, bytes.fromhex("01 001d 03 6b6579 0403 0003 736967"))


def test_an_unknown_message() -> None:
    assert parse_message(99, b"abc") == UnknownMessage(99, b"abc")
