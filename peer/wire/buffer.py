"""Reading and writing big-endian wire formats, with length-prefixed blocks.

`Reader` is bounded: whatever the bytes say, it raises `DecodeError` with the offset and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from peer.errors import DecodeError

__all__ = ["Reader", "Writer"]

T = TypeVar("T")


class Reader:
    """Pulls values off the front of `data[position:end]`. Offsets in errors count from the start of `data`."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self._data = data
        self._position = position
        self._end = len(data) if end is None else end

    @property
    def position(self) -> int:
        return self._position

    @property
    def remaining(self) -> int:
        return self._end - self._position

    def _advance(self, size: int) -> int:
        start = self._position
        if size > self._end - start:
            raise DecodeError(f"{size} bytes wanted, {self._end - start} left", offset=start)
        self._position = start + size
        return start

    def pull_uint(self, size: int) -> int:
        start = self._advance(size)
        return int.from_bytes(self._data[start : start + size], "big")

    def pull_u8(self) -> int:
        return self._data[self._advance(1)]

    def pull_u16(self) -> int:
        return self.pull_uint(2)

    def pull_u24(self) -> int:
        return self.pull_uint(3)

    def pull_u32(self) -> int:
        return self.pull_uint(4)

    def pull_u48(self) -> int:
        return self.pull_uint(6)

    def pull_u64(self) -> int:
        return self.pull_uint(8)

    def pull_bytes(self, size: int) -> bytes:
        start = self._advance(size)
        return bytes(self._data[start : start + size])

    def pull_rest(self) -> bytes:
        return self.pull_bytes(self.remaining)

    def pull_block(self, length_size: int) -> bytes:
        """Bytes behind a length of `length_size` bytes."""
        return self.pull_bytes(self.pull_uint(length_size))

    def block(self, length_size: int) -> Reader:
        """A reader of its own for the bytes behind a length of `length_size` bytes."""
        size = self.pull_uint(length_size)
        start = self._advance(size)
        return Reader(self._data, start, start + size)

    def pull_each(self, pull: Callable[[Reader], T]) -> tuple[T, ...]:
        """Pulls until nothing is left."""
        items = []
        while self._position < self._end:
            before = self._position
            items.append(pull(self))
            if self._position == before:
                raise DecodeError("an item of no length", offset=before)
        return tuple(items)

    def finish(self) -> None:
        """Raises DecodeError when bytes are left over."""
        if self._position != self._end:
            raise DecodeError(f"{self.remaining} bytes left over", offset=self._position)


class Writer:
    """Pushes values to the end of a growing buffer. Raises OverflowError when a value doesn't fit its field."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def push_uint(self, size: int, value: int) -> None:
        self._data += value.to_bytes(size, "big")

    def push_u8(self, value: int) -> None:
        self._data.append(value)

    def push_u16(self, value: int) -> None:
        self.push_uint(2, value)

    def push_u24(self, value: int) -> None:
        self.push_uint(3, value)

    def push_u32(self, value: int) -> None:
        self.push_uint(4, value)

    def push_u48(self, value: int) -> None:
        self.push_uint(6, value)

    def push_u64(self, value: int) -> None:
        self.push_uint(8, value)

    def push_bytes(self, data: bytes) -> None:
        self._data += data

    def push_block(self, length_size: int, data: bytes) -> None:
        """A length of `length_size` bytes, then the bytes."""
        self.push_uint(length_size, len(data))
        self._data += data

    def push_each(self, push: Callable[[Writer, T], None], items: Iterable[T]) -> None:
        for item in items:
            push(self, item)

    @contextmanager
    def block(self, length_size: int) -> Iterator[None]:
        """Whatever is pushed inside the `with` is preceded by its length."""
        start = len(self._data)
        self._data += bytes(length_size)
        yield
        size = len(self._data) - start - length_size
        self._data[start : start + length_size] = size.to_bytes(length_size, "big")
