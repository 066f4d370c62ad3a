"""W3C webrtc-pc section 4.8.1: RTCIceCandidate."""

from __future__ import annotations

from typing import Any

import pytest

from cases.playing import play, read
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import Call, New

HOST = "candidate:1905690388 1 udp 2113937151 192.0.2.7 58041 typ host"
RELAY = "candidate:3 2 UDP 41885439 192.0.2.9 3478 typ relay raddr 198.51.100.4 rport 46154"
TCP = "candidate:5 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active"


def made(candidate: Any = HOST, **members: Any) -> New:
    return New("RTCIceCandidate", ({"candidate": candidate, "sdpMid": "0", **members},), "one")


def of(*attributes: str) -> list[Any]:
    return read(*(f"one.{attribute}" for attribute in attributes))


async def test_sanity_a_candidate_is_made(endpoint: Endpoint) -> None:
    (await play(endpoint, made(), of("candidate"))).gave({"one.candidate": HOST})


@clause("W3C-RTCIceCandidate-1")
async def test_a_candidate_belongs_to_some_section(endpoint: Endpoint) -> None:
    (await play(endpoint, New("RTCIceCandidate", ({"candidate": HOST},)))).threw("TypeError")


@clause("W3C-RTCIceCandidate-1")
async def test_nothing_is_no_candidate(endpoint: Endpoint) -> None:
    (await play(endpoint, New("RTCIceCandidate", ()))).threw("TypeError")


@clause("W3C-RTCIceCandidate-1")
async def test_an_index_alone_is_enough(endpoint: Endpoint) -> None:
    one = New("RTCIceCandidate", ({"candidate": "", "sdpMLineIndex": 0},), "one")
    (await play(endpoint, one, of("sdpMLineIndex", "sdpMid"))).gave({"one.sdpMLineIndex": 0, "one.sdpMid": None})


@clause("W3C-create-an-RTCIceCandidate-3")
async def test_the_members_given_are_attributes(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, made(sdpMLineIndex=3, usernameFragment="abcd"), of("sdpMLineIndex", "usernameFragment")
    )
    played.gave({"one.sdpMLineIndex": 3, "one.usernameFragment": "abcd"})


@clause("W3C-create-an-RTCIceCandidate-4.4")
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("foundation", "1905690388"),
        ("component", "rtp"),
        ("priority", 2113937151),
        ("address", "192.0.2.7"),
        ("protocol", "udp"),
        ("port", 58041),
        ("type", "host"),
    ],
)
async def test_the_attribute_is_parsed(endpoint: Endpoint, attribute: str, value: Any) -> None:
    (await play(endpoint, made(), of(attribute))).gave({f"one.{attribute}": value})


@clause("W3C-create-an-RTCIceCandidate-4.4")
async def test_component_two_is_rtcp(endpoint: Endpoint) -> None:
    (await play(endpoint, made(RELAY), of("component"))).gave({"one.component": "rtcp"})


@clause("W3C-create-an-RTCIceCandidate-4.4")
async def test_a_transport_in_capitals_is_read(endpoint: Endpoint) -> None:
    (await play(endpoint, made(RELAY), of("protocol"))).gave({"one.protocol": "udp"})


@clause("W3C-create-an-RTCIceCandidate-4.4")
async def test_related_address_and_port_are_read(endpoint: Endpoint) -> None:
    played = await play(endpoint, made(RELAY), of("relatedAddress", "relatedPort"))
    played.gave({"one.relatedAddress": "198.51.100.4", "one.relatedPort": 46154})


@clause("W3C-create-an-RTCIceCandidate-2")
async def test_a_host_candidate_has_no_related_address(endpoint: Endpoint) -> None:
    played = await play(endpoint, made(), of("relatedAddress", "relatedPort"))
    played.gave({"one.relatedAddress": None, "one.relatedPort": None})


@clause("W3C-candidate-attribute-Grammar-M1")
async def test_the_tcp_type_is_read(endpoint: Endpoint) -> None:
    (await play(endpoint, made(TCP), of("protocol", "tcpType"))).gave({"one.protocol": "tcp", "one.tcpType": "active"})


@clause("W3C-create-an-RTCIceCandidate-2")
async def test_a_udp_candidate_has_no_tcp_type(endpoint: Endpoint) -> None:
    (await play(endpoint, made(), of("tcpType"))).gave({"one.tcpType": None})


@clause("W3C-create-an-RTCIceCandidate-4.2")
async def test_what_does_not_parse_is_kept_as_it_is(endpoint: Endpoint) -> None:
    played = await play(endpoint, made("candidate:nonsense"), of("candidate", "foundation", "port"))
    played.gave({"one.candidate": "candidate:nonsense", "one.foundation": None, "one.port": None})


@clause("W3C-create-an-RTCIceCandidate-4.3")
async def test_an_unknown_type_leaves_every_field_null(endpoint: Endpoint) -> None:
    played = await play(endpoint, made(HOST.replace("host", "ghost")), of("type", "foundation"))
    played.gave({"one.type": None, "one.foundation": None})


@clause("W3C-create-an-RTCIceCandidate-4")
async def test_the_end_of_candidates_has_no_fields(endpoint: Endpoint) -> None:
    (await play(endpoint, made(""), of("candidate", "type"))).gave({"one.candidate": "", "one.type": None})


@clause("W3C-create-an-RTCIceCandidate-3")
async def test_a_relay_protocol_and_a_url_are_kept(endpoint: Endpoint) -> None:
    one = made(RELAY, relayProtocol="tls", url="turns:case.example")
    (await play(endpoint, one, of("relayProtocol", "url"))).gave(
        {"one.relayProtocol": "tls", "one.url": "turns:case.example"}
    )


@clause("W3C-Introduction-M1")
async def test_a_relay_protocol_is_one_of_three(endpoint: Endpoint) -> None:
    (await play(endpoint, made(RELAY, relayProtocol="quic"))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_an_index_is_sixteen_bits(endpoint: Endpoint) -> None:
    (await play(endpoint, made(sdpMLineIndex=65537), of("sdpMLineIndex"))).gave({"one.sdpMLineIndex": 1})


@clause("W3C-Introduction-M1")
async def test_a_candidate_of_null_is_a_string(endpoint: Endpoint) -> None:
    (await play(endpoint, made(None), of("candidate"))).gave({"one.candidate": "null"})


@clause("W3C-RTCIceCandidate~2-2.2")
async def test_four_members_are_signalled(endpoint: Endpoint) -> None:
    one = made(RELAY, sdpMLineIndex=0, usernameFragment="abcd", url="turn:case.example")
    played = await play(endpoint, one, Call("one", "toJSON", (), "json"))
    played.gave(json={"candidate": RELAY, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "abcd"})


@clause("W3C-RTCIceCandidate~2-2")
async def test_members_that_are_null_are_signalled_too(endpoint: Endpoint) -> None:
    played = await play(endpoint, made(), Call("one", "toJSON", (), "json"))
    check(
        set(played["json"]) == {"candidate", "sdpMid", "sdpMLineIndex", "usernameFragment"}, f"it has {played['json']}"
    )
