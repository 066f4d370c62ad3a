"""A session description: every line, in order, and typed looks at them.

The lines are the model. A `Block` (the session level, or one m-section) keeps them as they came, so that what was not
understood survives and text comes back byte for byte; `all`, `first` and `has` read them through the attribute table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from .attributes import GROUP, MID, Attribute
from .values import Group

__all__ = ["Block", "Media", "SessionDescription"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one level, without line ends. `line` is the 1-based number of the first in the text it came from."""

    lines: tuple[str, ...]
    line: int = field(default=1, compare=False)
    _values: dict[str, list[str]] = field(default_factory=dict, init=False, compare=False, repr=False)
    _built: dict[str, tuple[Any, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def _index(self) -> dict[str, list[str]]:
        """Attribute name -> raw values in order, built at the first look: most blocks are never asked twice."""
        index = self._values
        if not index:
            for line in self.lines:
                name, _, value = line.partition(":")
                if name[:2] == "a=":
                    index.setdefault(name[2:], []).append(value)
            index.setdefault("", [])
        return index

    def has(self, attribute: Attribute[bool]) -> bool:
        """Whether a flag such as a=rtcp-mux is there."""
        return attribute.name in self._index()

    def count(self, attribute: Attribute[T]) -> int:
        """How often the attribute stands in this block."""
        return len(self._index().get(attribute.name, ()))

    def all(self, attribute: Attribute[T]) -> tuple[T, ...]:
        """The typed values of an attribute in order. What `parse` lets in matches; a line put in by hand may not."""
        built: tuple[T, ...] | None = self._built.get(attribute.name)
        if built is None:
            matches = [attribute.pattern.fullmatch(value) for value in self._index().get(attribute.name, ())]
            built = tuple([attribute.build(match) for match in matches if match])
            self._built[attribute.name] = built
        return built

    def first(self, attribute: Attribute[T]) -> T | None:
        """The first typed value of an attribute, None when there is none."""
        return next(iter(self.all(attribute)), None)

    def with_lines(self, lines: Iterable[str]) -> Block:
        return replace(self, lines=tuple(lines))

    def find(self, prefix: str) -> str | None:
        """What follows `prefix` ("o=", "b=TIAS:") on the first line that starts with it."""
        return next((line[len(prefix) :] for line in self.lines if line.startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class Media(Block):
    """An m-section. The first line is the m-line (RFC 8866 section 5.14)."""

    def with_lines(self, lines: Iterable[str]) -> Media:
        return replace(self, lines=tuple(lines))

    @property
    def fields(self) -> list[str]:
        """The m-line split at its spaces: media, port, proto, formats."""
        return self.lines[0][2:].split(" ")

    @property
    def media(self) -> str:
        return self.fields[0]

    @property
    def port(self) -> int:
        return int(self.fields[1].partition("/")[0])

    @property
    def proto(self) -> str:
        return self.fields[2]

    @property
    def formats(self) -> tuple[str, ...]:
        return tuple(self.fields[3:])

    @property
    def mid(self) -> str | None:
        return self.first(MID)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """RFC 8866: the session level and the m-sections. `line_end` is that of the text it was parsed from."""

    session: Block
    media: tuple[Media, ...] = ()
    line_end: str = "\r\n"

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.session.all(GROUP)

    def inherited(self, media: Media, attribute: Attribute[T]) -> T | None:
        """The value that holds for an m-section: its own, else the session's (RFC 9429 section 5.8.3)."""
        own = media.first(attribute)
        return self.session.first(attribute) if own is None else own

    def inherited_all(self, media: Media, attribute: Attribute[T]) -> tuple[T, ...]:
        """As `inherited`, for attributes that may stand more than once: the section's replace the session's."""
        return media.all(attribute) or self.session.all(attribute)

    def index_of(self, mid: str) -> int | None:
        """The index of the m-section with that mid."""
        return next((index for index, media in enumerate(self.media) if media.mid == mid), None)
