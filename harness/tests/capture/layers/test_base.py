"""What all layers share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.fields import ByteField, XStrLenField
from scapy.packet import Raw

from harness.capture.layers.base import Element, Length24Field, define, is_makeshift, read, rebuilt

FIELDS = [
    Length24Field("length", None, length_of="body"),
    XStrLenField("body", b"", length_from=lambda packet: packet.length),
]
Block = define(Element, "Block", "block", FIELDS, __module__=__name__)


@given(st.binary(max_size=300))
def test_a_24_bit_length_is_computed_and_read(body: bytes) -> None:
    data = bytes(Block(body=body))
    assert data == len(body).to_bytes(3, "big") + body
    assert read(Block, data).body == body


def test_rebuilding_computes_what_was_remembered() -> None:
    packet = read(Block, b"\0\0\2ab")
    packet.body = b"abcd"
    packet.length = None
    assert rebuilt(packet) == b"\0\0\4abcd"


def test_bytes_that_cannot_be_a_packet_are_raw_and_so_are_none() -> None:
    two = define(Element, "Two", "two", [ByteField("a", 0), ByteField("b", 0)])
    assert isinstance(read(two, b"\1"), Raw)
    assert isinstance(read(two, b""), Raw)
    assert read(two, b"\1\2").b == 2


@pytest.mark.parametrize("makeshift", [False, True])
def test_makeshift_is_not_inherited(makeshift: bool) -> None:
    parent = define(Element, "Parent", "parent", [], makeshift=makeshift)
    child = define(parent, "Child", "child", [])
    assert is_makeshift(parent()) is makeshift
    assert not is_makeshift(child())
    assert is_makeshift(Raw(b""))
