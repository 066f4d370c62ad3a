"""UDP datagrams out of IP packets and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt
from scapy.packet import Raw

from harness.capture.addresses import Address
from harness.capture.datagram import from_ip, made_up


@pytest.mark.parametrize("ip", [IP(src="127.0.0.1", dst="127.0.0.2"), IPv6(src="::1", dst="fd00::2")])
def test_a_datagram_scapy_built_is_taken_apart(ip: IP | IPv6) -> None:
    packet = bytes(ip / UDP(sport=1, dport=65535) / Raw(b"payload"))
    datagram = from_ip(packet)
    assert datagram is not None
    assert (datagram.source, datagram.destination) == (Address(ip.src, 1), Address(ip.dst, 65535))
    assert datagram.payload == b"payload"
    assert datagram.header + datagram.payload == packet


def test_options_and_extension_headers_are_stepped_over() -> None:
    v4 = from_ip(bytes(IP(options=b"\x01\x01\x01\x00") / UDP(dport=7) / Raw(b"a")))
    v6 = from_ip(bytes(IPv6() / IPv6ExtHdrDestOpt() / UDP(dport=7) / Raw(b"b")))
    assert v4 is not None
    assert v6 is not None
    assert (v4.payload, v6.payload) == (b"a", b"b")


def test_padding_behind_the_datagram_is_left_out() -> None:
    packet = bytes(IP() / UDP(dport=7) / Raw(b"a")) + bytes(17)
    datagram = from_ip(packet)
    assert datagram is not None
    assert datagram.payload == b"a"


@pytest.mark.parametrize(
    "packet",
    [
        bytes(IP() / TCP()),
        bytes(IP(frag=5) / UDP() / Raw(bytes(20))),
        bytes(IPv6() / TCP()),
        b"",
        bytes(60),
        b"\x60" * 30,
    ],
)
def test_what_holds_no_datagram_gives_none(packet: bytes) -> None:
    assert from_ip(packet) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_survived(packet: bytes) -> None:
    from_ip(packet)
    from_ip(b"\x45" + packet)
    from_ip(b"\x60" + packet)


hosts = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
ports = st.integers(0, 65535)


@given(hosts, ports, hosts, ports, st.binary(max_size=100))
def test_made_up_headers_hold_the_datagram(source: str, sport: int, target: str, dport: int, payload: bytes) -> None:
    made = made_up(Address(source, sport), Address(target, dport), payload)
    read = from_ip(made.header + payload)
    assert read is not None
    assert read.payload == payload
    assert (read.source.port, read.destination.port) == (sport, dport)
    mapped = source.startswith("::ffff:") or target.startswith("::ffff:")
    if (":" in source) == (":" in target) and not mapped:
        assert (read.source.host, read.destination.host) == (source, target)


@pytest.mark.parametrize("hosts", [("10.1.2.3", "10.1.2.4"), ("fd00::1", "fd00::2")])
def test_made_up_checksums_are_those_scapy_computes(hosts: tuple[str, str]) -> None:
    made = made_up(Address(hosts[0], 5), Address(hosts[1], 6), b"odd")
    packet = made.header + b"odd"
    again = (IPv6 if ":" in hosts[0] else IP)(packet)
    if ":" in hosts[0]:
        del again[UDP].chksum
    else:
        del again.chksum
    assert bytes(again) == packet


def test_a_mapped_address_is_ipv4_on_the_wire() -> None:
    read = from_ip(made_up(Address("::ffff:127.0.0.1", 5), Address("127.0.0.1", 6), b"").header)
    assert read is not None
    assert read.source == Address("127.0.0.1", 5)


def test_a_name_has_no_address_on_the_wire() -> None:
    made = made_up(Address("127.0.0.1", 5), Address("a.local", 6), b"")
    assert from_ip(made.header) is not None
