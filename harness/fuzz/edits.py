"""Changes of bytes, as data: [kind, position, value]. Positions wrap around, so that every edit fits any message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hypothesis import strategies as st

__all__ = ["KINDS", "apply", "edits"]

_FAR: Final = 4096


def _set(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes([value]) + data[at + 1 :]


def _flip(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << value % 8]) + data[at + 1 :]


def _number(data: bytes, at: int, value: int) -> bytes:
    """A 16-bit field at its limits."""
    return data[:at] + (0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)[value % 6].to_bytes(2, "big") + data[at + 2 :]


KINDS: Final[Mapping[str, Callable[[bytes, int, int], bytes]]] = {
    "set": _set,
    "flip": _flip,
    "number": _number,
    "cut": lambda data, at, value: data[:at],
    "insert": lambda data, at, value: data[:at] + bytes([value]) * (1 + value % 9) + data[at:],
    "delete": lambda data, at, value: data[:at] + data[at + 1 + value % 8 :],
    "repeat": lambda data, at, value: data + data[at:] * (1 + value % 3),
    "turn": lambda data, at, value: data[at:] + data[:at],
    "lengthen": lambda data, at, value: data[:at] + bytes(value * 16) + data[at:],
}

edits: Final[st.SearchStrategy[list[Any]]] = st.tuples(
    st.sampled_from(list(KINDS)), st.one_of(st.integers(0, 40), st.integers(0, _FAR)), st.integers(0, 255)
).map(list)


def apply(data: bytes, changes: Iterable[list[Any]]) -> bytes:
    """The bytes after all changes. Raises nothing for changes of the right shape."""
    for kind, at, value in changes:
        if data:
            data = KINDS[kind](data, at % len(data), value)
    return data
