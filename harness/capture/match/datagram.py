"""Datagrams as they were on the wire, nothing opened."""

from __future__ import annotations

from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.kinds import Kind
from harness.capture.matcher import Matcher

__all__ = ["containing", "of_kind"]

_ANY = frozenset(Part)


def containing(data: bytes) -> Matcher:
    """A datagram with these bytes in clear, at any place."""

    def test(frame: Frame, _: Item) -> bool:
        return data in frame.payload

    return Matcher(f"a datagram with {data!r} in clear", _ANY, test=test)


def of_kind(kind: Kind) -> Matcher:
    """A datagram that demultiplexes as `kind` (RFC 7983)."""

    def test(frame: Frame, _: Item) -> bool:
        return frame.kind is kind

    return Matcher(f"a {kind} datagram", _ANY, test=test)
