"""What a sentence about the wire is made of: the words of a matcher and the test behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.layers.base import is_makeshift

__all__ = ["Matcher", "Named", "fields", "name_of"]


class Named(Protocol):
    """An endpoint: anything with a name."""

    @property
    def name(self) -> str: ...


Who: TypeAlias = "str | Named | None"


def name_of(who: Who) -> str | None:
    """The name under which an endpoint is in the address book."""
    return who if who is None or isinstance(who, str) else who.name


@dataclass(frozen=True, slots=True)
class Matcher:
    """A message on the wire, described.

    `parts` and `codes` (None: any) are compared first and cost nothing; `test` may look at the scapy packet. Matchers
    combine: `a | b` is either, `a.where(lambda packet: ..., "words")` narrows, `a.sent_by("chromium")` names the
    sender.
    """

    words: str
    parts: frozenset[Part]
    codes: frozenset[int] | None = None
    test: Callable[[Frame, Item], bool] | None = None
    sender: str | None = None
    receiver: str | None = None

    def matches(self, frame: Frame, item: Item) -> bool:
        if item.part not in self.parts or (self.codes is not None and item.code not in self.codes):
            return False
        if self.sender is not None and frame.sender != self.sender:
            return False
        if self.receiver is not None and frame.receiver != self.receiver:
            return False
        return self.test is None or self.test(frame, item)

    def where(self, predicate: Callable[[Any], bool], words: str) -> Matcher:
        """Only messages whose scapy packet satisfies `predicate`; `words` say which in failure messages."""

        def narrowed(frame: Frame, item: Item) -> bool:
            return (self.test is None or self.test(frame, item)) and _holds(predicate, item.packet)

        return replace(self.said(words), test=narrowed)

    def and_item(self, predicate: Callable[[Item], bool], words: str) -> Matcher:
        """The same over the item: its bytes, whether it was opened, whether it was sent again."""

        def narrowed(frame: Frame, item: Item) -> bool:
            return predicate(item) and (self.test is None or self.test(frame, item))

        return replace(self.said(words), test=narrowed)

    def said(self, words: str) -> Matcher:
        """The same test with more words."""
        return replace(self, words=f"{self.words} {words}".rstrip())

    def sent_by(self, sender: Who) -> Matcher:
        return replace(self, sender=name_of(sender))

    def sent_to(self, receiver: Who) -> Matcher:
        return replace(self, receiver=name_of(receiver))

    def __or__(self, other: Matcher) -> Matcher:
        def either(frame: Frame, item: Item) -> bool:
            return self.matches(frame, item) or other.matches(frame, item)

        return Matcher(f"{self} or {other}", self.parts | other.parts, test=either)

    def __str__(self) -> str:
        sent = f" from {self.sender}" if self.sender else ""
        received = f" to {self.receiver}" if self.receiver else ""
        return f"{self.words}{sent}{received}"


def _holds(predicate: Callable[[Any], bool], packet: Any) -> bool:
    """Whether a packet has a property. One that couldn't be dissected lacks its fields, and so what rests on them."""
    try:
        return predicate(packet)
    except AttributeError:
        if is_makeshift(packet):
            return False
        raise


Wanted: TypeAlias = dict[str, tuple[Any, Callable[[Any], Any]]]
"""What an argument is called, its value, and how that value is read from the scapy packet."""


def fields(words: str, part: Part, codes: Iterable[int] | None, wanted: Wanted) -> Matcher:
    """A matcher whose arguments are compared with what the packet says; one that is None isn't compared."""
    given = {name: (value, read) for name, (value, read) in wanted.items() if value is not None}
    said = ", ".join(f"{name}={value!r}" for name, (value, _) in given.items())

    def test(_: Frame, item: Item) -> bool:
        return _holds(lambda packet: all(read(packet) == value for value, read in given.values()), item.packet)

    codes_set = None if codes is None else frozenset(codes)
    return Matcher(f"{words} ({said})" if said else words, frozenset({part}), codes_set, test if given else None)
