"""RTCConfiguration and ICE server URLs."""

from __future__ import annotations

from typing import Any

import pytest

from peer.api import Offline, RTCPeerConnection, Seams
from peer.api.configuration import check_servers, parse_configuration
from peer.api.errors import DOMException, error_name
from peer.tests.api.connecting import held, settled

USER = {"username": "u", "credential": "c"}


def outcome(configuration: Any) -> str:
    try:
        check_servers(parse_configuration(configuration))
    except (DOMException, TypeError) as error:
        return error_name(error)
    return "ok"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("stun:stun.example.net", "ok"),
        ("STUN:stun.example.net", "ok"),
        ("stun:stun.example.net:19302", "ok"),
        ("stun:[2001:db8::1]:3478", "ok"),
        ("stuns:stun.example.net", "ok"),
        ("turn:turn.example.net?transport=udp", "ok"),
        ("turn:turn.example.net?transport=tcp", "ok"),
        ("turns:turn.example.net:5349?transport=tcp", "ok"),
        ("", "SyntaxError"),
        ("relative-url", "SyntaxError"),
        ("http://example.com", "SyntaxError"),
        ("stun://example.com/foo", "SyntaxError"),
        ("stun:/example.com", "SyntaxError"),
        ("stun:", "SyntaxError"),
        ("stun:user@example.com", "SyntaxError"),
        ("stun:example.com?transport=udp", "SyntaxError"),
        ("stun:example.com#fragment", "SyntaxError"),
        ("stun:example.com:65536", "SyntaxError"),
        ("stun:example.com:port", "SyntaxError"),
        ("stun:exa mple.com", "SyntaxError"),
        ("stun:[::1", "SyntaxError"),
        ("stun:[zz]", "SyntaxError"),
        ("turn:example.com?transport=sctp", "SyntaxError"),
        ("turn:example.com?transport=udp&x=1", "SyntaxError"),
        ("turn:example.com?", "SyntaxError"),
    ],
)
def test_urls(url: str, expected: str) -> None:
    assert outcome({"iceServers": [{"urls": url, **USER}]}) == expected
    assert outcome({"iceServers": [{"urls": [url], **USER}]}) == expected


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (None, "ok"),
        ({}, "ok"),
        ({"iceServers": [{"urls": []}]}, "SyntaxError"),
        ({"iceServers": [{}]}, "TypeError"),
        ({"iceServers": [None]}, "TypeError"),
        ({"iceServers": "stun:x"}, "TypeError"),
        ({"iceServers": [{"urls": "turn:x"}]}, "InvalidAccessError"),
        ({"iceServers": [{"urls": "turn:x", "username": "u"}]}, "InvalidAccessError"),
        ({"iceServers": [{"urls": "turns:x", "credential": "c"}]}, "InvalidAccessError"),
        ({"iceServers": [{"urls": "turn:x", "username": "", "credential": "c"}]}, "ok"),
        ({"iceServers": [{"urls": "turn:x", "username": "u", "credential": ""}]}, "InvalidAccessError"),
        ({"iceServers": [{"urls": "turn:x", "username": "u" * 509, "credential": "c"}]}, "InvalidAccessError"),
        ({"iceTransportPolicy": "relay"}, "ok"),
        ({"iceTransportPolicy": "none"}, "TypeError"),
        ({"bundlePolicy": "max-bundle"}, "ok"),
        ({"bundlePolicy": "min-bundle"}, "TypeError"),
        ({"rtcpMuxPolicy": "require"}, "ok"),
        ({"rtcpMuxPolicy": "negotiate"}, "TypeError"),
        ({"iceCandidatePoolSize": 255}, "ok"),
        ({"iceCandidatePoolSize": 256}, "TypeError"),
        ({"iceCandidatePoolSize": -1}, "TypeError"),
        ({"certificates": [None]}, "TypeError"),
        ({"certificates": None}, "TypeError"),
        ({"iceServers": None}, "TypeError"),
        ({"bundlePolicy": None}, "TypeError"),
        ({"iceTransportPolicy": None}, "TypeError"),
        ({"iceCandidatePoolSize": None}, "ok"),
        ("text", "TypeError"),
        ({"unknown": 1}, "ok"),
    ],
)
def test_members(configuration: Any, expected: str) -> None:
    assert outcome(configuration) == expected


def test_servers_beyond_the_limit_are_ignored() -> None:
    servers = [{"urls": "stun:a"}] * 32 + [{"urls": "not a url"}]
    assert outcome({"iceServers": servers}) == "ok"


async def test_get_configuration_has_all_members() -> None:
    pc = RTCPeerConnection({"iceServers": [{"urls": "stun:a"}, {"urls": ["turn:b"], **USER}]})
    configuration = pc.getConfiguration()
    assert configuration == {
        "iceServers": [{"urls": "stun:a"}, {"urls": ["turn:b"], **USER}],
        "iceTransportPolicy": "all",
        "bundlePolicy": "balanced",
        "rtcpMuxPolicy": "require",
        "certificates": [],
        "iceCandidatePoolSize": 0,
        "alwaysNegotiateDataChannels": False,
        "targetLatency": "lowest",
    }
    configuration["iceServers"] = []
    assert pc.getConfiguration()["iceServers"]
    pc.close()


async def test_set_configuration() -> None:
    pc = RTCPeerConnection()
    pc.setConfiguration({"iceServers": [{"urls": "stun:a"}], "iceTransportPolicy": "relay"})
    assert pc.getConfiguration()["iceTransportPolicy"] == "relay"
    pc.setConfiguration({"iceCandidatePoolSize": 1})
    certificate = await RTCPeerConnection.generateCertificate({"name": "ECDSA", "namedCurve": "P-256"})
    for refused in ({"bundlePolicy": "max-bundle"}, {"certificates": [certificate]}):
        with pytest.raises(DOMException) as caught:
            pc.setConfiguration({"iceCandidatePoolSize": 1, **refused})
        assert caught.value.name == "InvalidModificationError"
    with pytest.raises(DOMException) as caught:
        pc.setConfiguration({"iceCandidatePoolSize": 1, "iceServers": [{"urls": "turn:x"}]})
    assert caught.value.name == "InvalidAccessError"
    await pc.setLocalDescription()
    with pytest.raises(DOMException) as caught:
        pc.setConfiguration({"iceCandidatePoolSize": 2})
    assert caught.value.name == "InvalidModificationError"
    pc.close()
    with pytest.raises(DOMException) as caught:
        pc.setConfiguration({})
    assert caught.value.name == "InvalidStateError"
    with pytest.raises(TypeError):
        pc.setConfiguration({"bundlePolicy": "x"})


async def test_data_channels_are_negotiated_before_there_is_one() -> None:
    pc = RTCPeerConnection({"alwaysNegotiateDataChannels": 1})
    needed: list[Any] = []
    pc.onnegotiationneeded = needed.append
    pc.addTransceiver("audio")
    await pc.setLocalDescription()
    assert next(line for line in held(pc.localDescription).sdp.split() if line[:2] == "m=") == "m=application"
    assert pc.sctp is not None
    pc.createDataChannel("")
    await settled(pc)
    assert needed == []  # WebRTC Extensions: not while [[SctpTransport]] is there
    pc.setConfiguration({})
    assert pc.getConfiguration().alwaysNegotiateDataChannels is False
    pc.close()


async def test_a_target_latency_is_one_of_two() -> None:
    pc = RTCPeerConnection({"targetLatency": "none"})
    assert pc.getConfiguration().targetLatency == "none"
    with pytest.raises(TypeError):
        pc.setConfiguration({"targetLatency": "low"})
    pc.close()


@pytest.mark.parametrize("description", [{}, {"type": "offer", "sdp": "v=0"}, {"type": "rollback"}])
async def test_the_pool_is_fixed_by_the_call_of_set_local_description(description: dict[str, Any]) -> None:
    pc = RTCPeerConnection(seams=Seams(edge=Offline))
    with pytest.raises(TypeError):
        await pc.setLocalDescription(5)
    pc.setConfiguration({"iceCandidatePoolSize": 1})
    pc.setLocalDescription(description)
    with pytest.raises(DOMException, match="InvalidModificationError"):
        pc.setConfiguration({"iceCandidatePoolSize": 2})
    pc.close()


@pytest.mark.parametrize("url", ["stun:1.2.3", "stun:256.1.1.1", "stun:1.2.3.4.5", "stun:host.9"])
async def test_a_host_that_ends_in_a_number_is_an_address(url: str) -> None:
    with pytest.raises(DOMException, match="SyntaxError"):
        RTCPeerConnection({"iceServers": [{"urls": url}]})
    RTCPeerConnection({"iceServers": [{"urls": "stun:1.2.3.4"}]}).close()
