"""Reader and Writer: what one pushes the other pulls, and nothing is read beyond the end."""

from __future__ import annotations

import pytest

from peer.errors import DecodeError
from peer.wire.buffer import Reader, Writer


def test_there_and_back() -> None:
    writer = Writer()
    writer.push_u8(1)
    writer.push_u16(2)
    writer.push_u24(3)
    writer.push_u32(4)
    writer.push_u48(5)
    writer.push_u64(6)
    writer.push_bytes(b"ab")
    writer.push_block(2, b"block")
    with writer.block(3):
        writer.push_each(Writer.push_u16, (7, 8))
    data = bytes(writer)
    assert len(writer) == len(data)
    reader = Reader(data)
    pulled = [
        reader.pull_u8(),
        reader.pull_u16(),
        reader.pull_u24(),
        reader.pull_u32(),
        reader.pull_u48(),
        reader.pull_u64(),
    ]
    assert pulled == [1, 2, 3, 4, 5, 6]
    assert reader.pull_bytes(2) == b"ab"
    assert reader.pull_block(2) == b"block"
    assert reader.block(3).pull_each(Reader.pull_u16) == (7, 8)
    reader.finish()
    assert reader.pull_rest() == b""


def test_the_end_is_the_end() -> None:
    reader = Reader(b"\x00\x05abc", 0)
    with pytest.raises(DecodeError) as caught:
        reader.pull_block(2)
    assert caught.value.offset == 2
    inner = Reader(b"\x01\x02\x03").block(1)
    assert inner.remaining == 1
    with pytest.raises(DecodeError):
        inner.pull_u16()


def test_left_overs_and_items_of_no_length() -> None:
    with pytest.raises(DecodeError):
        Reader(b"x").finish()
    with pytest.raises(DecodeError):
        Reader(b"x").pull_each(lambda reader: reader.pull_bytes(0))


def test_values_that_do_not_fit() -> None:
    with pytest.raises(OverflowError):
        Writer().push_u16(65_536)
