"""VP9 (RFC 9628)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import vp9
from peer.tests.rtp.payload.samples import entropy

PICTURE = st.builds(
    vp9.Picture,
    st.integers(0, 7),
    st.booleans(),
    st.lists(st.integers(0, 255), max_size=3).map(lambda each: (*each,)),
)
TWO_LAYERS = vp9.Structure(2, ((320, 240), (640, 480)), (vp9.Picture(differences=(7,)),))


@st.composite
def structures(draw: st.DrawFn) -> vp9.Structure:
    count = draw(st.integers(1, 8))
    side = st.integers(0, 65535)
    sizes = draw(st.none() | st.lists(st.tuples(side, side), min_size=count, max_size=count))
    pictures = draw(st.none() | st.lists(PICTURE, max_size=4))
    return vp9.Structure(count, None if sizes is None else tuple(sizes), None if pictures is None else tuple(pictures))


@st.composite
def descriptors(draw: st.DrawFn) -> vp9.Descriptor:
    picture_id = draw(st.none() | st.integers(0, 0x7FFF))
    flexible, predicted = draw(st.booleans()), draw(st.booleans())
    index = st.none() if flexible else st.integers(0, 255)
    layer = st.builds(vp9.Layer, st.integers(0, 7), st.booleans(), st.integers(0, 7), st.booleans(), index)
    differences = st.lists(st.integers(0, 127), min_size=1, max_size=3) if flexible and predicted else st.just([])
    return vp9.Descriptor(
        picture_id=picture_id,
        short=picture_id is not None and picture_id < 128 and draw(st.booleans()),
        predicted=predicted,
        flexible=flexible,
        start=draw(st.booleans()),
        end=draw(st.booleans()),
        not_a_reference=draw(st.booleans()),
        layer=draw(st.none() | layer),
        differences=tuple(draw(differences)),
        structure=draw(st.none() | structures()),
    )


@given(descriptors(), st.binary(min_size=1, max_size=10))
def test_descriptors_there_and_back(descriptor: vp9.Descriptor, rest: bytes) -> None:
    assert vp9.parse(descriptor.serialize() + rest) == (descriptor, rest)


@pytest.mark.parametrize(
    ("descriptor", "expected"),
    [
        ("8c1a", vp9.Descriptor(picture_id=26, short=True)),
        ("88911a", vp9.Descriptor(picture_id=0x111A, end=False)),
        ("ac11552a", vp9.Descriptor(picture_id=17, short=True, layer=vp9.Layer(2, True, 2, True, 42))),
        ("fc1130050a", vp9.Descriptor(17, True, True, True, layer=vp9.Layer(1, True, 0), differences=(2, 5))),
        (
            "8e1138014000f0028001e00104",
            vp9.Descriptor(17, True, structure=TWO_LAYERS),
        ),
    ],
)
def test_a_descriptor_by_hand(descriptor: str, expected: vp9.Descriptor) -> None:
    tail = b"\x07" if expected.structure else b""
    assert vp9.parse(bytes.fromhex(descriptor) + tail + b"x") == (expected, b"x")


def test_four_reference_indices_are_refused() -> None:
    with pytest.raises(DecodeError):
        vp9.parse(bytes.fromhex("5c03030303") + b"x")


def test_the_first_packet_says_start_and_the_last_end() -> None:
    payloads = vp9.Packetizer(entropy).packetize(EncodedFrame(bytes(200), 0, key_frame=False), 100)
    parsed = [vp9.parse(payload)[0] for payload in payloads]
    assert [(each.start, each.end) for each in parsed] == [(True, False), (False, False), (False, True)]
    assert all(each.predicted for each in parsed)
    assert vp9.Depacketizer().assemble(payloads) == (bytes(200), False)


def test_spatial_layers_become_a_superframe() -> None:
    """Annex B of the VP9 bitstream specification: the sizes between two marker bytes."""
    lower = vp9.Descriptor(picture_id=1, layer=vp9.Layer(spatial=0, tl0_index=0)).serialize() + b"a" * 300
    upper = vp9.Descriptor(picture_id=1, layer=vp9.Layer(spatial=1, inter_layer=True, tl0_index=0)).serialize() + b"b"
    machine = vp9.Depacketizer()
    frame, key = machine.assemble([lower, upper])
    assert frame == b"a" * 300 + b"b" + bytes.fromhex("c9 2c01 0100 c9")
    assert key
    assert machine.starts_frame(lower)
    assert not machine.starts_frame(upper)


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
    last, first = (vp9.Descriptor(**fields).serialize() + b"x" for fields in (before, after))
    assert vp9.Depacketizer().follows(last, first) is expected
    assert not vp9.Depacketizer().follows(b"", first)
