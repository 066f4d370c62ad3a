"""RTCIceCandidate."""

from __future__ import annotations

from typing import Any

import pytest

from peer.api import RTCIceCandidate, RTCIceCandidatePair

HOST = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"
RELAY = "candidate:a/+ 2 UDP 41885439 2001:db8::1 9 typ relay raddr 192.0.2.3 rport 7 generation 0 ufrag abcd"
TCP = "candidate:2 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active"

DERIVED = (
    "foundation",
    "component",
    "priority",
    "address",
    "protocol",
    "port",
    "type",
    "tcpType",
    "relatedAddress",
    "relatedPort",
)


def fields(text: str) -> list[Any]:
    candidate = RTCIceCandidate({"candidate": text, "sdpMid": "0"})
    assert candidate.candidate == text
    return [getattr(candidate, name) for name in DERIVED]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HOST, ["1", "rtp", 2130706431, "192.0.2.1", "udp", 5000, "host", None, None, None]),
        (f"a={HOST}", ["1", "rtp", 2130706431, "192.0.2.1", "udp", 5000, "host", None, None, None]),
        (RELAY, ["a/+", "rtcp", 41885439, "2001:db8::1", "udp", 9, "relay", None, "192.0.2.3", 7]),
        (TCP, ["2", "rtp", 1518280447, "192.0.2.1", "tcp", 9, "host", "active", None, None]),
        (f"{HOST} x y", ["1", "rtp", 2130706431, "192.0.2.1", "udp", 5000, "host", None, None, None]),
    ],
)
def test_derived_attributes(text: str, expected: list[Any]) -> None:
    assert fields(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        HOST.replace("host", "guest"),
        HOST.replace("udp", "sctp"),
        HOST.replace("1 1 udp", "1 3 udp"),
        HOST.replace("5000", "65536"),
        HOST.replace("2130706431", "4294967296"),
        TCP.replace("active", "lazy"),
        HOST.replace(" typ host", ""),
    ],
)
def test_what_does_not_parse_is_no_error_but_derives_nothing(text: str) -> None:
    assert fields(text) == [None] * len(DERIVED)


@pytest.mark.parametrize("init", [None, {}, {"candidate": HOST}, {"sdpMid": None, "sdpMLineIndex": None}])
def test_neither_mid_nor_index(init: Any) -> None:
    with pytest.raises(TypeError):
        RTCIceCandidate(init)


def test_json_is_what_is_signalled() -> None:
    init = {"candidate": HOST, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "u"}
    candidate = RTCIceCandidate({**init, "url": "stun:x", "relayProtocol": "tls"})
    assert candidate.toJSON() == init
    assert (candidate.url, candidate.relayProtocol) == ("stun:x", "tls")
    assert RTCIceCandidate(candidate).toJSON() == init
    assert RTCIceCandidate({"sdpMLineIndex": 65537}).sdpMLineIndex == 1
    assert "mid='0'" in repr(candidate)
    with pytest.raises(TypeError):
        RTCIceCandidate({"sdpMid": "", "relayProtocol": "pigeon"})


def test_pairs() -> None:
    local, remote = RTCIceCandidate({"sdpMid": ""}), RTCIceCandidate({"sdpMid": ""})
    pair = RTCIceCandidatePair(local, remote)
    assert (pair.local, pair.remote) == (local, remote)
