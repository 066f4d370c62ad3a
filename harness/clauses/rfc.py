"""Reads an RFC in its text form: pages are joined, sections found, statements numbered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harness.clauses.statement import Statement, level_of, normalise, sentences

__all__ = ["Section", "sections", "statements"]

_FOOTER = re.compile(r"^\S.*\[Page \w+\]\s*$")
_HEADER = re.compile(r"^RFC \d+ .*\b(?:19|20)\d\d\s*$")
_HEADING = re.compile(r"^(?:Appendix )?((?:\d+|[A-Z])(?:\.\d+)*)\.?(?:  ?|\s+)((?:\d+-)?[A-Z\"`'<a-z(].*)$")
_CONTENTS = re.compile(r"\.{3,}|(?:\. ){3,}|\s\d+$")
_ITEM = re.compile(r"^\s+(?:[o*+-]|\(?[0-9a-zA-Z]{1,3}[.)]|\([ivx]+\)|\[\d+\])\s+\S")
_BACK_MATTER = re.compile(
    r"^(?:Normative |Informative )?References|^Acknowledge?ments?$|^Authors?'? Addresses|^Contributors|^Full Copyright"
    r"|^Changes? (?:from|since|relative)|^Changelog",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered section and its paragraphs, each as one line."""

    number: str
    title: str
    paragraphs: tuple[str, ...]


def statements(text: str) -> Iterator[Statement]:
    """Every normative statement of an RFC's text, in its order; numbered by section and level."""
    for section in sections(text):
        if _BACK_MATTER.search(section.title):
            continue
        count: Counter[str] = Counter()
        for paragraph in section.paragraphs:
            for sentence in sentences(paragraph):
                level = level_of(sentence)
                if level is None:
                    continue
                count[level.letter] += 1
                key = f"{section.number}-{level.letter}{count[level.letter]}"
                yield Statement(key, section.number, level, normalise(sentence))


def sections(text: str) -> Iterator[Section]:
    """The numbered sections, without what precedes the first."""
    number, title, lines = "", "", list[str]()
    seen: set[str] = set()
    for line in _joined_pages(text):
        heading = _HEADING.match(line)
        if heading and _plausible(heading[1], heading[2], seen):
            if number:
                yield Section(number, title, tuple(_paragraphs(lines)))
            number, title, lines = heading[1], heading[2].strip(), []
            seen.add(number)
        else:
            lines.append(line)
    if number:
        yield Section(number, title, tuple(_paragraphs(lines)))


def _plausible(number: str, title: str, seen: set[str]) -> bool:
    """A heading, not a line of the contents or of an example: its number is new and its place is the next one."""
    if number in seen or _CONTENTS.search(title):
        return False
    head, _, last = number.rpartition(".")
    if head:
        return head in seen and (last == "1" or f"{head}.{int(last) - 1}" in seen)
    if last.isdigit():
        return last == "1" or str(int(last) - 1) in seen
    return last == "A" or chr(ord(last) - 1) in seen


def _joined_pages(text: str) -> list[str]:
    """Lines without page footers and headers; a paragraph that runs across a page break stays one."""
    lines: list[str] = []
    across = False
    for line in text.replace("\ufeff", "").replace("\f", "\n").splitlines():
        if _FOOTER.match(line) or (_HEADER.match(line) and (across or not lines)):
            across = True
            while lines and not lines[-1].strip():
                lines.pop()
        elif across and not line.strip():
            continue
        else:
            if across and lines and not _continues(lines[-1], line):
                lines.append("")
            across = False
            lines.append(line.rstrip())
    return lines


def _continues(before: str, after: str) -> bool:
    """Whether a line goes on with the paragraph that the page break cut."""
    indent = len(after) - len(after.lstrip())
    if _ITEM.match(after) or indent == 0:
        return False
    ended = before.rstrip().endswith((".", ":", ";", "?", "!", ")"))
    same = indent == len(before) - len(before.lstrip()) or bool(_ITEM.match(before))
    return after.lstrip()[:1].islower() or (same and not ended)


def _paragraphs(lines: list[str]) -> Iterator[str]:
    block: list[str] = []
    for line in [*lines, ""]:
        if block and (not line.strip() or _ITEM.match(line)):
            # A word broken at its hyphen is one word again: "ICE-" and "CONTROLLING".
            yield re.sub(r"(?<=\w)- (?!(?:and|or|to)\b)(?=[A-Za-z])", "-", normalise(" ".join(block)))
            block = []
        if line.strip():
            block.append(line.strip())
