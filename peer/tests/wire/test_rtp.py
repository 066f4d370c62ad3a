"""RTP packets and header extensions: there and back, RFC 8285's rules, any bytes."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.errors import DecodeError, LocalProtocolError
from peer.wire import rtp

U32 = st.integers(0, 2**32 - 1)
ONE_BYTE_ELEMENT = st.builds(rtp.Extension, st.integers(1, 14), st.binary(min_size=1, max_size=16))
TWO_BYTE_ELEMENT = st.builds(rtp.Extension, st.integers(1, 255), st.binary(max_size=255))


@st.composite
def packets(draw: st.DrawFn) -> rtp.Packet:
    profile = draw(st.sampled_from([None, rtp.ONE_BYTE, rtp.TWO_BYTE, 0x1005, 0xABAC]))
    element = ONE_BYTE_ELEMENT if profile == rtp.ONE_BYTE else TWO_BYTE_ELEMENT
    known = profile in (rtp.ONE_BYTE, rtp.TWO_BYTE, 0x1005)
    return rtp.Packet(
        payload_type=draw(st.integers(0, 127)),
        sequence_number=draw(st.integers(0, 65535)),
        timestamp=draw(U32),
        ssrc=draw(U32),
        payload=draw(st.binary(max_size=40)),
        marker=draw(st.booleans()),
        csrcs=tuple(draw(st.lists(U32, max_size=15))),
        extensions=tuple(draw(st.lists(element, max_size=4))) if known else (),
        extension_profile=profile,
        extension_data=bytes(4 * draw(st.integers(0, 3))) if profile == 0xABAC else b"",
        padding=draw(st.integers(0, 255)),
    )


@given(packets())
def test_there_and_back(packet: rtp.Packet) -> None:
    assert rtp.parse(packet.serialize()) == packet


def test_a_packet_by_hand() -> None:
    packet = rtp.parse(bytes.fromhex("b0e01234 00000100 cafebabe bede0001 10aa2100 6d65 0002".replace(" ", "")))
    assert packet.marker
    assert packet.payload_type == 96
    assert (packet.sequence_number, packet.timestamp, packet.ssrc) == (0x1234, 256, 0xCAFEBABE)
    assert packet.extension(1) == b"\xaa"
    # The second element says two bytes and one is left: it is ignored (RFC 8285 section 4.1).
    assert packet.extension(2) is None
    assert packet.payload == b"me"
    assert packet.padding == 2


def test_two_byte_headers_are_chosen_when_an_element_needs_them() -> None:
    short = rtp.Packet(96, 1, 2, 3, extensions=(rtp.Extension(14, b"x" * 16),))
    assert short.serialize()[12:14] == b"\xbe\xde"
    for element in (rtp.Extension(15, b"x"), rtp.Extension(1, b""), rtp.Extension(1, b"x" * 17)):
        assert rtp.Packet(96, 1, 2, 3, extensions=(element,)).serialize()[12:14] == b"\x10\x00"
        with pytest.raises(LocalProtocolError, match="needs a two-byte header"):
            rtp.Packet(96, 1, 2, 3, extensions=(element,), extension_profile=rtp.ONE_BYTE).serialize()


@pytest.mark.parametrize("reserved", ["f0aa", "01aa"], ids=["id 15", "id 0 with a length"])
def test_a_reserved_id_ends_the_block(reserved: str) -> None:
    block = bytes.fromhex("10aa" + reserved + "20bb" + "0000")
    packet = rtp.parse(b"\x90\x60" + bytes(10) + b"\xbe\xde\0\2" + block)
    assert packet.extensions == (rtp.Extension(1, b"\xaa"),)


def test_a_two_byte_element_that_does_not_fit_is_ignored_with_all_that_follows() -> None:
    packet = rtp.parse(b"\x90\x60" + bytes(10) + b"\x10\0\0\2" + bytes.fromhex("0001ff00 05ff0000".replace(" ", "")))
    assert packet.extensions == ()
    packet = rtp.parse(b"\x90\x60" + bytes(10) + b"\x10\0\0\2" + bytes.fromhex("000101aa 05ff0000".replace(" ", "")))
    assert packet.extensions == (rtp.Extension(1, b"\xaa"),)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x80", "12 bytes"),
        (b"\x40" + bytes(11), "version 1"),
        (b"\x81" + bytes(11), "1 CSRCs don't fit"),
        (b"\x90" + bytes(11), "no length"),
        (b"\x90" + bytes(11) + b"\xbe\xde\0\1", "1 words doesn't fit"),
        (b"\xa0" + bytes(11), "0 bytes of padding"),
        (b"\xa0" + bytes(11) + b"\2", "2 bytes of padding"),
    ],
)
def test_what_does_not_fit_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        rtp.parse(data)


def test_what_no_packet_can_hold_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="15 CSRCs"):
        rtp.Packet(96, 1, 2, 3, csrcs=tuple(range(16))).serialize()


@settings(max_examples=int(os.environ.get("PEERPROOF_SWEEP", 500)))
@given(st.binary(max_size=60), st.sampled_from([b"\x80", b"\x90", b"\xb1", b"\xbf"]))
def test_any_bytes_are_a_packet_or_a_decode_error(data: bytes, first: bytes) -> None:
    try:
        packet = rtp.parse(first + data)
    except DecodeError:
        return
    again = rtp.parse(packet.serialize())
    assert (again.payload, again.extensions, again.padding) == (packet.payload, packet.extensions, packet.padding)
