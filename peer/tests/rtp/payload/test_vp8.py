"""VP8 (RFC 7741)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import vp8
from peer.tests.rtp.payload.samples import entropy


@st.composite
def descriptors(draw: st.DrawFn) -> vp8.Descriptor:
    picture_id = draw(st.none() | st.integers(0, 0x7FFF))
    temporal = draw(st.none() | st.integers(0, 3))
    key_index = draw(st.none() | st.integers(0, 31))
    return vp8.Descriptor(
        start=draw(st.booleans()),
        partition=draw(st.integers(0, 7)),
        non_reference=draw(st.booleans()),
        picture_id=picture_id,
        short=picture_id is not None and picture_id < 128 and draw(st.booleans()),
        tl0_index=draw(st.none() | st.integers(0, 255)),
        temporal=temporal,
        layer_sync=(temporal is not None or key_index is not None) and draw(st.booleans()),
        key_index=key_index,
    )


@given(descriptors(), st.binary(min_size=1, max_size=10))
def test_descriptors_there_and_back(descriptor: vp8.Descriptor, rest: bytes) -> None:
    parsed, data = vp8.parse(descriptor.serialize() + rest)
    assert data == rest
    assert (parsed.temporal, parsed.key_index) == (descriptor.temporal, descriptor.key_index)
    assert parsed == descriptor


@pytest.mark.parametrize(
    ("descriptor", "expected"),
    [  # the examples of section 4.6
        ("908011", vp8.Descriptor(picture_id=17, short=True)),
        ("90809111", vp8.Descriptor(picture_id=0x1111)),
        ("10", vp8.Descriptor()),
        ("11", vp8.Descriptor(partition=1)),
        ("01", vp8.Descriptor(start=False, partition=1)),
        ("b0e0110680", vp8.Descriptor(non_reference=True, picture_id=17, short=True, tl0_index=6, temporal=2)),
        ("90203f", vp8.Descriptor(temporal=0, layer_sync=True)),
        ("90107f", vp8.Descriptor(layer_sync=True, key_index=31)),
    ],
)
def test_a_descriptor_by_hand(descriptor: str, expected: vp8.Descriptor) -> None:
    assert vp8.parse(bytes.fromhex(descriptor) + b"x") == (expected, b"x")


def test_picture_ids_count_and_wrap() -> None:
    cutter = vp8.Packetizer(lambda size: b"\xff\xfe")
    ids = [vp8.parse(cutter.packetize(EncodedFrame(b"x", 0), 100)[0])[0].picture_id for _ in range(3)]
    assert ids == [0x7FFE, 0x7FFF, 0]


def test_a_frame_starts_once_and_its_key_flag_is_read() -> None:
    payloads = vp8.Packetizer(entropy).packetize(EncodedFrame(b"\x11" + bytes(99), 0, key_frame=False), 54)
    assert [vp8.parse(payload)[0].start for payload in payloads] == [True, False]
    assert [len(payload) for payload in payloads] == [54, 54]
    assert vp8.Depacketizer().assemble(payloads) == (b"\x11" + bytes(99), False)


def test_partitions_in_packets_of_their_own_are_one_frame() -> None:
    payloads = [bytes.fromhex("1010aa"), bytes.fromhex("00bb"), bytes.fromhex("11cc"), bytes.fromhex("12dd")]
    machine = vp8.Depacketizer()
    assert machine.assemble(payloads) == (bytes.fromhex("10aabbccdd"), True)
    assert [machine.starts_frame(payload) for payload in payloads] == [True, False, False, False]


def test_two_picture_ids_are_not_one_frame() -> None:
    with pytest.raises(DecodeError):
        vp8.Depacketizer().assemble([bytes.fromhex("908011aa"), bytes.fromhex("808012bb")])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"picture_id": 7}, {"picture_id": 8}, True),
        ({"picture_id": 0x7FFF}, {"picture_id": 0}, True),
        ({"picture_id": 127, "short": True}, {"picture_id": 0, "short": True}, True),
        ({"picture_id": 7}, {"picture_id": 9}, False),
        ({"picture_id": 7}, {"picture_id": 8, "start": False}, False),
        ({"picture_id": 7}, {}, False),
        ({}, {"picture_id": 8}, False),
    ],
)
def test_the_picture_id_tells_which_picture_follows(
    before: dict[str, Any], after: dict[str, Any], expected: bool
) -> None:
    last, first = (vp8.Descriptor(**fields).serialize() + b"x" for fields in (before, after))
    assert vp8.Depacketizer().follows(last, first) is expected
    assert not vp8.Depacketizer().follows(b"", first)
