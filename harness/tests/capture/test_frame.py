"""One captured packet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from harness.capture.addresses import Address, AddressBook
from harness.capture.datagram import made_up
from harness.capture.frame import Frame, username_of
from harness.capture.kinds import Kind
from harness.capture.layers.dtls import DTLS
from harness.capture.layers.rtp import RTP
from harness.capture.layers.stun import STUN, Priority, Software, Username
from harness.tests.capture.recorded import MEDIA_12, shared

LAYERS = {Kind.STUN: STUN, Kind.DTLS: DTLS, Kind.RTP: RTP}


def test_the_scapy_packet_goes_from_the_ip_header_up() -> None:
    seen = set()
    for frame in shared(MEDIA_12).frames:
        packet = frame.packet
        assert isinstance(packet, IPv6 if ":" in frame.source.host else IP)
        assert (packet[UDP].sport, packet[UDP].dport) == (frame.source.port, frame.destination.port)
        if frame.kind in LAYERS:
            assert type(packet[UDP].payload) is LAYERS[frame.kind]
            assert bytes(packet[UDP].payload) == frame.payload
            seen.add(frame.kind)
    assert seen == set(LAYERS)


def test_the_bytes_are_those_captured() -> None:
    frame = shared(MEDIA_12).frames[0]
    assert frame.data.endswith(frame.payload)
    assert frame.data[0] >> 4 in (4, 6)
    assert frame.time == frame.nanoseconds / 1e9


def test_the_owner_is_asked_for_anew_each_time() -> None:
    book = AddressBook()
    here, there = Address("127.0.0.1", 1), Address("127.0.0.1", 2)
    frame = Frame(1, 0, made_up(here, there, b"\x16dtls"), book)
    assert (frame.sender, frame.receiver) == (None, None)
    book.assign("late", here.host, here.port)
    assert (frame.sender, frame.receiver, frame.kind) == ("late", None, Kind.DTLS)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ([Username(username=b"a:b")], "a:b"),
        ([Software(software=b"odd"), Priority(), Username(username=b"x")], "x"),
        ([Priority()], None),
        ([], None),
    ],
)
def test_the_username_is_found_without_dissecting(attributes: list[object], expected: str | None) -> None:
    assert username_of(bytes(STUN(attributes=attributes))) == expected


@given(st.binary(max_size=60))
def test_any_bytes_may_follow_a_header(data: bytes) -> None:
    username_of(b"\0\1" + len(data).to_bytes(2, "big") + bytes(16) + data)
    username_of(b"\0\1\xff\xff" + bytes(16) + data)
