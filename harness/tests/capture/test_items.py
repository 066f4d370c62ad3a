"""Messages in frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.packet import Packet

from harness.capture.describe import describe
from harness.capture.items import Item, Part


@pytest.mark.parametrize("part", Part)
@given(data=st.binary(max_size=40), code=st.integers(0, 255), opened=st.booleans())
def test_any_bytes_give_a_packet_and_words(part: Part, data: bytes, code: int, opened: bool) -> None:
    item = Item(part, code, data, opened=opened)
    assert isinstance(item.packet, Packet)
    assert bytes(item.packet)[: len(data)] == data
    assert describe(item)


def test_a_packet_is_dissected_once() -> None:
    item = Item(Part.CHUNK, 11, b"\x0b\0\0\4")
    assert item.packet is item.packet
