"""Messages of DTLS 1.3 there and back."""

from __future__ import annotations

import pytest

from peer.errors import DecodeError
from peer.wire.dtls_extensions import Extension
from peer.wire.dtls_handshake import HandshakeMessage, UnknownMessage
from peer.wire.dtls_handshake13 import (
    CertificateChain,
    CertificateEntry,
    CertificateRequest13,
    EncryptedExtensions,
    KeyUpdate,
    NewConnectionId,
    NewSessionTicket,
    RequestConnectionId,
    parse_message,
)

ONE = (Extension(14, b"x"),)
MESSAGES = [
    (EncryptedExtensions(ONE), "0005 000e 0001 78"),
    (CertificateRequest13(b"c", ONE), "01 63 0005 000e 0001 78"),
    (
        CertificateChain(b"", (CertificateEntry(b"ab"), CertificateEntry(b"c", ONE))),
        "00 000012 000002 6162 0000 000001 63 0005 000e 0001 78",
    ),
    (NewSessionTicket(1, 2, b"n", b"t", ()), "00000001 00000002 01 6e 0001 74 0000"),
    (KeyUpdate(1), "01"),
    (RequestConnectionId(7), "07"),
    (NewConnectionId((b"ab", b""), 1), "0004 02 6162 00 01"),
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


def test_extensions_by_type() -> None:
    assert EncryptedExtensions(ONE).extension(14) == b"x"
    assert CertificateRequest13(b"", ONE).extension(13) is None


def test_an_unknown_message() -> None:
    assert parse_message(99, b"abc") == UnknownMessage(99, b"abc")
