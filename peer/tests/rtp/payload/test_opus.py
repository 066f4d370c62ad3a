"""Opus packets: RFC 6716 section 3."""

from __future__ import annotations

import pytest

from peer.errors import DecodeError
from peer.rtp.payload import opus


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        ("08aabb", 960),  # SILK, narrowband, 20 ms
        ("18", 2880),  # 60 ms, one frame of no bytes: DTX
        ("60aa", 480),  # hybrid, 10 ms
        ("80aa", 120),  # CELT, 2.5 ms
        ("f8aa", 960),  # CELT, fullband, 20 ms
        ("f9aabb", 1920),  # two frames of one size
        ("fa01aabbcc", 1920),  # two frames of their own sizes
        ("fb03aabbcc", 2880),  # three frames, constant bit rate
        ("fb830102aabbcc01", 2880),  # three frames, variable bit rate
        ("fb4102aa0000", 960),  # two bytes of padding
    ],
)
def test_the_length_of_a_packet(packet: str, samples: int) -> None:
    assert opus.duration(bytes.fromhex(packet)) == samples


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "f9aabbcc",  # R3: an odd number of bytes for two frames of one size
        "fa05aa",  # R4: the first frame is longer than the packet
        "fafc",
        "fb",
        "fb00",  # R5: no frames
        "fb02aabbcc",  # R6
        "fb8305",  # R7
        "fb07" + "aa" * 7,  # R5: 140 ms
        "fb41",  # padding without a length
        "fb41ff",
        "fb4109aa",
        "f8" + "aa" * 1276,  # R2
    ],
)
def test_a_broken_packet_is_refused(packet: str) -> None:
    with pytest.raises(DecodeError):
        opus.duration(bytes.fromhex(packet))


def test_padding_chains_by_255() -> None:
    assert opus.duration(b"\xfb\x41\xff\x01" + b"\xaa" + bytes(255)) == 960


def test_a_long_frame_length_has_two_bytes() -> None:
    assert opus.duration(b"\xfa\xfc\x01" + bytes(256) + b"x") == 1920
