"""Picture ids as VP8 and VP9 write them alike (RFC 7741 section 4.2, RFC 9628 section 4.2): 15 bits, or 7 if short."""

from __future__ import annotations

from typing import Protocol

__all__ = ["succeeds"]


class _Descriptor(Protocol):
    @property
    def picture_id(self) -> int | None: ...
    @property
    def short(self) -> bool: ...


def succeeds(last: _Descriptor, first: _Descriptor) -> bool:
    """Whether the picture of `first` is the one after that of `last`: its id is one more. False where one has none."""
    if last.picture_id is None or first.picture_id is None or last.short != first.short:
        return False
    return first.picture_id == (last.picture_id + 1) & (0x7F if first.short else 0x7FFF)
