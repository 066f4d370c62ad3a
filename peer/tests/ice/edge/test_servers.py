"""STUN and TURN URLs (RFC 7064, RFC 7065)."""

from __future__ import annotations

import pytest

from peer.errors import DecodeError
from peer.ice.edge.servers import ServerUrl


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stun:example.org", ("stun", "example.org", 3478, "udp", "udp")),
        ("STUN:192.0.2.1:1234", ("stun", "192.0.2.1", 1234, "udp", "udp")),
        ("stuns:example.org", ("stuns", "example.org", 5349, "tcp", "tls")),
        ("turn:[2001:db8::1]:99", ("turn", "2001:db8::1", 99, "udp", "udp")),
        ("turn:example.org?transport=tcp", ("turn", "example.org", 3478, "tcp", "tcp")),
        ("turns:example.org:443?transport=tcp", ("turns", "example.org", 443, "tcp", "tls")),
        ("turns:example.org", ("turns", "example.org", 5349, "tcp", "tls")),
    ],
)
def test_urls(text: str, expected: tuple[str, str, int, str, str]) -> None:
    url = ServerUrl.parse(text)
    assert (url.scheme, url.host, url.port, url.transport, url.relay_protocol) == expected
    assert url.text == text
    assert url.is_turn == text.lower().startswith("turn")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://example.org",
        "stun://example.org",
        "stun:",
        "stun:example.org:0",
        "stun:example.org:70000",
        "stun:example.org?transport=udp",
        "turn:example.org?transport=sctp",
        "turn:user@example.org",
        "turn:example.org/path",
    ],
)
def test_what_is_not_such_a_url(text: str) -> None:
    with pytest.raises(DecodeError):
        ServerUrl.parse(text)
