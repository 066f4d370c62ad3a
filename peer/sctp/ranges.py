"""Sorted, disjoint ranges of TSNs, both ends included."""

from __future__ import annotations

from bisect import bisect_right
from typing import TypeAlias

__all__ = ["Range", "add", "contains", "subtract"]

Range: TypeAlias = tuple[int, int]


def contains(ranges: list[Range], number: int) -> bool:
    index = bisect_right(ranges, (number, 1 << 62)) - 1
    return index >= 0 and ranges[index][1] >= number


def add(ranges: list[Range], number: int) -> bool:
    """Adds one number in place, joining neighbours. False if it was there."""
    index = bisect_right(ranges, (number, 1 << 62))
    first = last = number
    begin = index
    if index:
        start, end = ranges[index - 1]
        if end >= number:
            return False
        if end == number - 1:
            first = start
            begin = index - 1
    if index < len(ranges) and ranges[index][0] == number + 1:
        last = ranges[index][1]
        index += 1
    ranges[begin:index] = [(first, last)]
    return True


def subtract(ranges: list[Range], holes: list[Range]) -> list[Range]:
    """What of `ranges` lies in none of `holes`. Linear in the number of ranges, whatever their length."""
    left: list[Range] = []
    index, count = 0, len(holes)
    for first, last in ranges:
        while index < count and holes[index][1] < first:
            index += 1
        at = index
        while first <= last and at < count and holes[at][0] <= last:
            if holes[at][0] > first:
                left.append((first, holes[at][0] - 1))
            first = holes[at][1] + 1
            at += 1
        if first <= last:
            left.append((first, last))
    return left
