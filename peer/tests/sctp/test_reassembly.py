"""peer.sctp.reassembly, in every order of arrival."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.sctp.reassembly import FRAGMENT_COST, Reassembly, i_data_key

BEGIN, MIDDLE, END = 2, 0, 1


def add(reassembly: Reassembly, tsn: int, flags: int, data: bytes = b"x", **fields: int) -> bytes | None:
    in_order = bool(fields.pop("in_order", 0))
    run = reassembly.add(tsn, fields.get("stream", 1), fields.get("number", 0), 51, flags, data, in_order=in_order)
    return run.message() if run is not None else None


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_message_is_whole_in_whatever_order_its_fragments_come(order: tuple[int, ...]) -> None:
    reassembly = Reassembly()
    parts = [(10, BEGIN, b"a"), (11, MIDDLE, b"b"), (12, MIDDLE, b"c"), (13, END, b"d")]
    results = [add(reassembly, *parts[i]) for i in order]
    assert results == [None, None, None, b"abcd"]
    assert (reassembly.counted, reassembly.under_delivery, reassembly.is_empty) == (0, 0, True)


@given(st.permutations(range(9)))
def test_three_messages_side_by_side(order: list[int]) -> None:
    reassembly = Reassembly()
    flags = (BEGIN, MIDDLE, END)
    whole = [m for i in order if (m := add(reassembly, i, flags[i % 3], bytes([i]), number=i // 3)) is not None]
    assert sorted(whole) == [bytes([0, 1, 2]), bytes([3, 4, 5]), bytes([6, 7, 8])]
    assert reassembly.is_empty
    assert reassembly.counted == 0


def test_fragments_out_of_order_are_charged_and_those_in_order_are_not() -> None:
    reassembly = Reassembly()
    add(reassembly, 11, MIDDLE, bytes(100))
    assert reassembly.counted == 100 + FRAGMENT_COST
    add(reassembly, 10, BEGIN, bytes(100), in_order=1)
    assert (reassembly.counted, reassembly.under_delivery) == (0, 200)
    add(reassembly, 12, END, bytes(100), in_order=1)
    assert (reassembly.counted, reassembly.under_delivery) == (0, 0)


def test_a_run_is_no_longer_charged_once_everything_before_its_end_is_there() -> None:
    reassembly = Reassembly()
    add(reassembly, 11, BEGIN)
    add(reassembly, 12, MIDDLE)
    reassembly.settle(13)
    assert (reassembly.counted, reassembly.under_delivery) == (0, 2)


def test_beyond_the_allowance_even_bytes_in_order_are_charged() -> None:
    reassembly = Reassembly(allowance=150)
    add(reassembly, 1, BEGIN, bytes(100), in_order=1)
    add(reassembly, 2, MIDDLE, bytes(100), in_order=1)
    assert (reassembly.counted, reassembly.under_delivery) == (100 + FRAGMENT_COST, 100)
    assert add(reassembly, 3, END, bytes(1), in_order=1) == bytes(201)
    assert (reassembly.counted, reassembly.under_delivery) == (0, 0)


@pytest.mark.parametrize(
    "second",
    [{"flags": BEGIN}, {"flags": MIDDLE, "stream": 2}, {"flags": MIDDLE, "number": 9}, {"flags": MIDDLE | 4}],
    ids=["second beginning", "other stream", "other number", "other order"],
)
def test_a_fragment_that_contradicts_its_neighbour_ends_that_message(second: dict[str, Any]) -> None:
    reassembly = Reassembly()
    add(reassembly, 1, BEGIN, in_order=1)
    add(reassembly, 2, second.pop("flags"), in_order=1, **second)
    assert add(reassembly, 3, END, in_order=1) in (None, b"xx")
    assert reassembly.under_delivery == 0


def test_a_whole_message_in_the_middle_ends_both_neighbours() -> None:
    reassembly = Reassembly()
    add(reassembly, 1, BEGIN)
    add(reassembly, 3, END)
    reassembly.interrupt(2)
    assert (reassembly.is_empty, reassembly.counted) == (True, 0)


def test_many_beginnings_without_an_end_do_not_pile_up() -> None:
    reassembly = Reassembly()
    for tsn in range(1000):
        add(reassembly, tsn, BEGIN, bytes(1000), in_order=1)
    assert reassembly.under_delivery == 1000


def test_skipping_forgets_what_began_at_or_before_a_tsn() -> None:
    reassembly = Reassembly()
    add(reassembly, 5, BEGIN)
    add(reassembly, 8, MIDDLE)
    add(reassembly, 10, BEGIN)
    reassembly.skip(7)
    assert add(reassembly, 11, END) == b"xx"
    assert (reassembly.is_empty, reassembly.counted) == (True, 0)


def test_skipping_a_stream_leaves_the_others() -> None:
    reassembly = Reassembly()
    add(reassembly, 5, BEGIN, stream=1)
    add(reassembly, 8, BEGIN, stream=2)
    reassembly.skip_stream(1)
    assert add(reassembly, 9, END, stream=2) == b"xx"
    assert reassembly.is_empty


def test_a_long_message_is_folded_and_comes_out_whole() -> None:
    reassembly = Reassembly()
    count = 5000
    for i in range(count - 1):
        add(reassembly, i, BEGIN if i == 0 else MIDDLE, i.to_bytes(2, "big"), in_order=1)
    whole = add(reassembly, count - 1, END, (count - 1).to_bytes(2, "big"), in_order=1)
    assert whole == b"".join(i.to_bytes(2, "big") for i in range(count))


def test_i_data_keys_follow_each_other_within_a_message_and_never_meet_across() -> None:
    key = i_data_key(65_534, 4, 0xFFFFFFFF, 0)
    assert i_data_key(65_534, 4, 0xFFFFFFFF, 1) == key + 1
    keys = {i_data_key(s, u, m, f) for s in (0, 1) for u in (0, 4) for m in (0, 1) for f in (0, 0xFFFFFFFF)}
    assert len(keys) == 16


def test_skipping_i_data_messages_by_mid() -> None:
    reassembly = Reassembly()
    for mid in (0, 1, 2):
        reassembly.add(i_data_key(1, 0, mid, 0), 1, mid, 51, BEGIN, b"x", in_order=True)
    reassembly.skip_message(1, 4, 2)
    assert not reassembly.is_empty
    reassembly.skip_message(1, 0, 1)
    run = reassembly.add(i_data_key(1, 0, 2, 1), 1, 2, 1, END, b"y", in_order=True)
    assert run is not None
    assert run.message() == b"xy"
    assert reassembly.is_empty


def test_the_ssn_of_unordered_fragments_means_nothing() -> None:
    reassembly = Reassembly()
    assert add(reassembly, 1, BEGIN | 4, b"a", number=7) is None
    assert add(reassembly, 2, END | 4, b"b", number=8) == b"ab"
