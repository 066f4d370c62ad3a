"""RTP as a scapy layer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.items import Part
from harness.capture.layers import rtp
from harness.capture.layers.base import read, rebuilt
from harness.capture.layers.rtp import RTP, OneByteElement, TwoByteElement, header_size
from harness.tests.capture.layers.roundtrip import same_after_dissection
from harness.tests.capture.recorded import MEDIA_12, MEDIA_13, shared

short, word, bit = st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 1)
common = {
    "marker": bit,
    "payload_type": st.integers(0, 127),
    "sequence": short,
    "timestamp": word,
    "ssrc": word,
    "csrcs": st.lists(word, max_size=15),
    "data": st.binary(max_size=30),
}
one_byte = st.builds(OneByteElement, id=st.integers(1, 14), data=st.binary(min_size=1, max_size=16))
two_bytes = st.builds(TwoByteElement, id=st.integers(1, 255), data=st.binary(max_size=20))
packets = st.one_of(
    st.builds(RTP, **common),
    st.builds(RTP, extension=st.just(1), elements=st.lists(one_byte, max_size=4), **common),
    st.builds(
        RTP,
        extension=st.just(1),
        profile=st.integers(0x1000, 0x100F),
        elements=st.lists(two_bytes, max_size=4),
        **common,
    ),
)


@given(packets)
def test_any_packet_survives_the_round_trip(packet: RTP) -> None:
    found = same_after_dissection(packet, RTP)
    assert found.csrcs == packet.csrcs
    assert header_size(bytes(packet)) == len(bytes(packet)) - len(packet.data)
    if packet.extension:
        kept = [(each.id, each.data) for each in found.elements if not isinstance(each, rtp.Padding)]
        assert kept == [(each.id, each.data) for each in packet.elements]


def test_the_one_byte_form_of_rfc_8285() -> None:
    # Section 4.2: three elements with padding between them, 0xBEDE, three words.
    data = bytes.fromhex("900000010000000200000003bede000310aa21bbcc000033dddddddd") + b"payload"
    packet = RTP(data)
    assert packet.element(1) == b"\xaa"
    assert packet.element(2) == b"\xbb\xcc"
    assert packet.element(3) == b"\xdd" * 4
    assert packet.element(4) is None
    assert packet.data == b"payload"
    assert rebuilt(packet) == data


def test_the_two_byte_form_of_rfc_8285() -> None:
    data = bytes.fromhex("9000000100000002000000031000000301000201bb000304cccccccc") + b"p"
    packet = RTP(data)
    assert (packet.element(1), packet.element(2), packet.element(3)) == (b"", b"\xbb", b"\xcc" * 4)
    assert rebuilt(packet) == data


def test_id_15_stops_the_parsing() -> None:
    packet = RTP(bytes.fromhex("900000010000000200000003bede000210aaf0bb21ccdd00"))
    assert packet.element(1) == b"\xaa"
    assert isinstance(packet.elements[1], rtp.ExtensionData)
    assert packet.element(2) is None


@pytest.mark.parametrize(
    ("data", "media"),
    [(b"mediapp\x03", b"media"), (b"media\x09", b"media\x09"), (b"media\x00", b"media\x00"), (b"", b"")],
)
def test_padding_is_taken_off_where_it_makes_sense(data: bytes, media: bytes) -> None:
    assert RTP(padding=1, data=data).media == media
    assert RTP(padding=0, data=data).media == data


@given(st.binary(max_size=60))
def test_any_bytes_are_dissected(data: bytes) -> None:
    for packet in (data, b"\x90\x60" + data, b"\x9f\x60" + data, bytes.fromhex("900000010000000200000003bede") + data):
        read(RTP, packet).show(dump=True)
        header_size(packet)


@pytest.mark.parametrize("name", [MEDIA_12, MEDIA_13])
def test_real_packets_are_rebuilt_and_carry_what_browsers_negotiate(name: str) -> None:
    extensions = set()
    for items in shared(name).items():
        for item in items:
            if item.part is Part.RTP:
                assert item.opened
                assert rebuilt(item.packet) == item.data
                extensions |= {each.id for each in item.packet.elements if isinstance(each, OneByteElement)}
    assert len(extensions) >= 4
