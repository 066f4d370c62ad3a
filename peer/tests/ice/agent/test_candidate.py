"""The candidate attribute (RFC 8839, RFC 6544), with lines that browsers really say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.ice.agent.candidate import (
    Candidate,
    CandidateType,
    Parameters,
    TcpType,
    compute_foundation,
    compute_priority,
    peer_reflexive_priority,
    with_base,
)
from peer.ice.agent.path import Address
from peer.testing import Entropy

CHROMIUM = "candidate:2480382806 1 udp 2113937151 192.0.2.2 38015 typ host generation 0 ufrag 8bk5 network-cost 999"
CHROMIUM_TCP = "candidate:1 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active generation 0 ufrag gGaf network-id 1"
FIREFOX = "candidate:0 1 UDP 2122252543 192.0.2.2 51836 typ host"
MDNS = "candidate:0 1 udp 2122187007 0b5f2c1e-9d1a-4c0e-8d0f-0123456789ab.local 50000 typ host generation 0"
REFLEXIVE = "candidate:842163049 1 udp 1677729535 203.0.113.5 46154 typ srflx raddr 10.0.0.1 rport 46154 generation 0"


@pytest.mark.parametrize("text", [CHROMIUM, CHROMIUM_TCP, MDNS, REFLEXIVE, "a=" + CHROMIUM])
def test_what_browsers_say_comes_out_as_it_went_in(text: str) -> None:
    assert Candidate.parse(text).serialize() == text.removeprefix("a=")


def test_the_fields() -> None:
    tcp = Candidate.parse(CHROMIUM_TCP)
    assert (tcp.foundation, tcp.component, tcp.protocol, tcp.priority) == ("1", 1, "tcp", 1518280447)
    assert (tcp.address, tcp.type, tcp.tcp_type) == (Address("192.0.2.2", 9), CandidateType.HOST, TcpType.ACTIVE)
    assert tcp.ufrag == "gGaf"
    assert Candidate.parse(REFLEXIVE).related == Address("10.0.0.1", 46154)
    assert Candidate.parse(FIREFOX).protocol == "udp"
    assert Candidate.parse(FIREFOX).ufrag is None
    assert Candidate.parse(MDNS).address.is_name
    assert str(tcp) == CHROMIUM_TCP


@pytest.mark.parametrize(
    "text",
    [
        "",
        "candidate:",
        "candidate:1 1 udp 1 192.0.2.1 1 typ",
        "candidate:1 1 udp 1 192.0.2.1 1 kind host",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host generation",
        "candidate:ä 1 udp 1 192.0.2.1 1 typ host",
        "candidate:" + "x" * 33 + " 1 udp 1 192.0.2.1 1 typ host",
        "candidate:1 0 udp 1 192.0.2.1 1 typ host",
        "candidate:1 257 udp 1 192.0.2.1 1 typ host",
        "candidate:1 1 u(dp 1 192.0.2.1 1 typ host",
        "candidate:1 1 udp 4294967296 192.0.2.1 1 typ host",
        "candidate:1 1 udp -1 192.0.2.1 1 typ host",
        "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
        "candidate:1 1 udp 1 192.0.2.1 1 typ guest",
        "candidate:1 1 udp 1 a..b 1 typ host",
        "candidate:1 1 udp 1 " + "x" * 256 + " 1 typ host",
        "candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr 10.0.0.1 rport x",
        "candidate:1 1 tcp 1 192.0.2.1 1 typ host tcptype sideways",
        "candidate:1 1  udp 1 192.0.2.1 1 typ host",
    ],
)
def test_what_is_not_a_candidate(text: str) -> None:
    with pytest.raises(DecodeError):
        Candidate.parse(text)


@given(st.text(max_size=120))
def test_any_text_is_a_candidate_or_a_decode_error(text: str) -> None:
    for line in (text, "candidate:" + text, CHROMIUM.replace("192.0.2.2", text)):
        try:
            candidate = Candidate.parse(line)
        except DecodeError:
            continue
        assert Candidate.parse(candidate.serialize()) == candidate


def test_priorities_are_rfc_8445s() -> None:
    assert compute_priority(CandidateType.HOST, 65535) == 2130706431
    assert compute_priority(CandidateType.SERVER_REFLEXIVE, 65535) == 1694498815
    assert compute_priority(CandidateType.RELAYED, 0, component=256) == 0
    assert compute_priority(CandidateType.HOST, 65535, protocol="tcp") >> 24 == 90
    assert peer_reflexive_priority(2130706431) == 1862270975


def test_a_foundation_is_the_same_for_the_same_type_base_protocol_and_server_only() -> None:
    one = ("host", "192.0.2.1", "udp", "")
    others = [("srflx", *one[1:]), ("host", "192.0.2.2", "udp", ""), ("host", "192.0.2.1", "tcp", "")]
    texts = {
        compute_foundation(CandidateType(kind), host, protocol, server)
        for kind, host, protocol, server in [one, one, *others, ("host", "192.0.2.1", "udp", "s")]
    }
    assert len(texts) == 5
    assert all(text.isdigit() and len(text) <= 32 for text in texts)


def test_credentials_have_the_lengths_and_characters_of_rfc_8839() -> None:
    one, other = Parameters.generate(Entropy(1)), Parameters.generate(Entropy(2))
    assert (len(one.ufrag), len(one.pwd)) == (8, 24)
    assert one != other
    assert set(one.ufrag + one.pwd) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    assert one.pwd not in repr(one)


def test_a_local_candidate_has_a_base() -> None:
    candidate = Candidate.parse(CHROMIUM)
    assert candidate.sending_address == candidate.address
    assert with_base(candidate).base == candidate.address
    assert with_base(with_base(candidate)) == with_base(candidate)
