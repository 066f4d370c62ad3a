"""Redundant audio (RFC 2198) and comfort noise (RFC 3389)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import cn, red

BLOCK = st.builds(red.Block, st.integers(0, 127), st.integers(1, 0x3FFF), st.binary(max_size=20))


@given(st.lists(BLOCK, max_size=3), st.builds(red.Block, st.integers(0, 127), st.just(0), st.binary(max_size=20)))
def test_blocks_there_and_back(redundant: list[red.Block], primary: red.Block) -> None:
    blocks = (*redundant, primary)
    assert red.parse(red.serialize(blocks)) == blocks


def test_a_payload_by_hand() -> None:
    # one redundant block of payload type 111, 960 units ago (0b1111000000), 2 bytes; the primary of 3
    payload = bytes.fromhex("ef0f00026faabbccddee")
    assert red.parse(payload) == (red.Block(111, 960, b"\xaa\xbb"), red.Block(111, 0, b"\xcc\xdd\xee"))


def test_the_frame_before_is_repeated() -> None:
    cutter = red.Packetizer({"111/111": ""})
    first = cutter.packetize(EncodedFrame(b"a", 2**32 - 960), 100)
    second = cutter.packetize(EncodedFrame(b"b", 0), 100)
    assert first == [red.serialize([red.Block(111, 0, b"a")])]
    assert second == [red.serialize([red.Block(111, 960, b"a"), red.Block(111, 0, b"b")])]


def test_as_many_frames_are_repeated_as_the_format_names() -> None:
    cutter = red.Packetizer({"111/111/111": ""})
    sent = [cutter.packetize(EncodedFrame(bytes((index,)), 960 * index), 100)[0] for index in range(5)]
    assert [block.offset for block in red.parse(sent[4])] == [1920, 960, 0]


@pytest.mark.parametrize(("size", "age"), [(93, 960), (10, 0x4000), (10, 0)])
def test_what_does_not_fit_is_not_repeated(size: int, age: int) -> None:
    cutter = red.Packetizer({"111/111": ""})
    cutter.packetize(EncodedFrame(bytes(size), 0), 100)
    assert red.parse(cutter.packetize(EncodedFrame(b"new", age), 100)[0]) == (red.Block(111, 0, b"new"),)


def test_a_format_that_wraps_nothing_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        red.Packetizer({"": ""})
    with pytest.raises(LocalProtocolError):
        red.serialize([red.Block(1, 0x4000, b""), red.Block(1, 0, b"x")])


def test_noise_by_hand() -> None:
    noise = cn.parse(bytes.fromhex("ff7f00fe"))
    assert noise.level == 127  # the first bit is not looked at
    assert noise.coefficients == pytest.approx((0, -127 * 258 / 32768, 127 * 258 / 32768))
    assert cn.ComfortNoise(40).serialize() == b"\x28"
    with pytest.raises(DecodeError):
        cn.parse(b"\x28\xff")


@given(st.integers(0, 127), st.binary(max_size=12).filter(lambda data: 255 not in data))
def test_noise_there_and_back(level: int, quantized: bytes) -> None:
    payload = bytes((level,)) + quantized
    assert cn.parse(payload).serialize() == payload
