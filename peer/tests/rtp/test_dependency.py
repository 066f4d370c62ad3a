from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.rtp.dependency import Indication, Structure, Template, pull


def bits(*fields: tuple[int, int]) -> bytes:
    """Bytes of (value, width) fields, padded with zero bits."""
    text = "".join(f"{value:0{width}b}" if width else "" for value, width in fields)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


HEAD = ((1, 1), (0, 1), (10, 6), (300, 16))
# L1T2: two templates of one spatial layer, two decode targets, one chain, a resolution.
STRUCTURE = (
    (10, 6),
    (1, 5),
    (1, 2),  # the next template is of the next temporal layer
    (3, 2),  # there is no other
    (2, 2),
    (2, 2),  # template 0: switch for both targets
    (0, 2),
    (1, 2),  # template 1: not present, discardable
    (0, 1),  # template 0 needs nothing
    (1, 1),
    (0, 4),
    (0, 1),  # template 1 needs the frame before
    (1, 1),  # one chain: ns(3) of 1 is "10"
    (0, 1),
    (0, 0),
    (0, 0),  # both targets by chain 0: ns(1) has no bits
    (0, 4),
    (1, 4),  # frames back in the chain
    (1, 1),
    (639, 16),
    (359, 16),
)
EXPECTED = Structure(
    10,
    2,
    (
        Template(0, 0, (Indication.SWITCH, Indication.SWITCH), (), (0,)),
        Template(0, 1, (Indication.NOT_PRESENT, Indication.DISCARDABLE), (1,), (1,)),
    ),
    (0, 0),
    ((640, 360),),
)


def test_a_structure_is_read_and_kept_for_what_follows() -> None:
    descriptor = pull(bits(*HEAD, (1, 1), (0, 1), (0, 1), (0, 1), (0, 1), *STRUCTURE), None)
    assert descriptor.structure == EXPECTED
    assert (descriptor.first, descriptor.last, descriptor.frame_number) == (True, False, 300)
    assert descriptor.active == 3
    following = pull(bits((1, 1), (1, 1), (11, 6), (301, 16)), descriptor.structure)
    assert following.frame == EXPECTED.templates[1]
    assert following.structure is None


def test_a_frame_may_say_its_own() -> None:
    data = bits(
        (1, 1), (1, 1), (11, 6), (302, 16),
        (0, 1), (1, 1), (1, 1), (1, 1), (1, 1),
        (2, 2), (3, 2), (1, 2), (1, 2), (4, 4), (2, 2), (99, 8), (0, 2), (7, 8),
    )  # fmt: skip
    descriptor = pull(data, EXPECTED)
    assert descriptor.active == 2
    assert descriptor.frame == Template(0, 1, (Indication.REQUIRED, Indication.DISCARDABLE), (5, 100), (7,))


def test_a_descriptor_before_its_structure_is_refused() -> None:
    with pytest.raises(DecodeError, match="before its structure"):
        pull(bits(*HEAD), None)


def test_a_template_that_is_not_there_is_refused() -> None:
    with pytest.raises(DecodeError, match="not in the structure"):
        pull(bits((1, 1), (1, 1), (13, 6), (301, 16)), EXPECTED)


@given(st.binary(max_size=60))
def test_garbage_is_a_decode_error(data: bytes) -> None:
    for structure in (None, EXPECTED):
        try:
            pull(data, structure)
        except DecodeError:
            continue
