"""Capture files."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.pcapng import Link, Packet, read, write
from peer.errors import DecodeError

packets = st.builds(
    Packet,
    st.integers(0, 2**64 - 1),
    st.binary(max_size=50),
    st.sampled_from(Link),
    st.lists(st.text(max_size=20), max_size=2).map(tuple),
)
secrets = st.lists(st.from_regex(r"[A-Z_]{1,9} [0-9a-f]{4} [0-9a-f]{6}", fullmatch=True), max_size=3)


@given(st.lists(packets, max_size=4), secrets, st.text(max_size=10))
def test_what_was_written_is_read(written: list[Packet], lines: list[str], comment: str) -> None:
    contents = read(write(written, secrets=lines, comment=comment))
    assert list(contents.packets) == written
    assert list(contents.secrets) == lines


def test_the_blocks_are_as_the_specification_draws_them() -> None:
    data = write([Packet(1_700_000_000_123_456_789, b"\x45abc")], secrets=["CLIENT_RANDOM 00 11"])
    kinds = []
    position = 0
    while position < len(data):
        kind, size = struct.unpack_from("<II", data, position)
        assert struct.unpack_from("<I", data, position + size - 4)[0] == size
        kinds.append(kind)
        position += size
    assert kinds == [0x0A0D0D0A, 1, 0x0A, 6]
    assert struct.unpack_from("<I", data, 8)[0] == 0x1A2B3C4D


@given(st.binary(max_size=60))
def test_garbage_is_a_decode_error_or_nothing(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        read(data)


@given(st.data())
def test_a_cut_or_changed_file_is_a_decode_error_or_other_contents(data: st.DataObject) -> None:
    whole = bytearray(write([Packet(5, b"\x45abcdef", comments=("hé",))], secrets=["A 00 11"]))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(DecodeError):
        read(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


def test_an_unknown_link_type_is_a_decode_error() -> None:
    data = write([Packet(5, b"x")]).replace(struct.pack("<HH", 101, 0), struct.pack("<HH", 1, 0))
    with pytest.raises(DecodeError):
        read(data)
