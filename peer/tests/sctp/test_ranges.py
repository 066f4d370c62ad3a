"""peer.sctp.ranges, against plain sets."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from peer.sctp.ranges import Range, add, contains, subtract

NUMBERS = st.lists(st.integers(0, 40))


def of(numbers: list[int]) -> list[Range]:
    ranges: list[Range] = []
    for number in numbers:
        add(ranges, number)
    return ranges


def members(ranges: list[Range]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(NUMBERS)
def test_added_numbers_are_sorted_disjoint_ranges_that_do_not_touch(numbers: list[int]) -> None:
    ranges = of(numbers)
    assert members(ranges) == set(numbers)
    assert all(last + 1 < following for (_, last), (following, _) in pairwise(ranges))


@given(NUMBERS, st.integers(0, 40))
def test_adding_says_whether_it_was_new(numbers: list[int], number: int) -> None:
    ranges = of(numbers)
    assert contains(ranges, number) == (number in numbers)
    assert add(ranges, number) == (number not in numbers)


@given(NUMBERS, NUMBERS)
def test_subtracting_is_set_difference(numbers: list[int], holes: list[int]) -> None:
    assert members(subtract(of(numbers), of(holes))) == set(numbers) - set(holes)
