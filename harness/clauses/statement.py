"""Normative statements: sentences with an RFC 2119 keyword, split from paragraphs, levelled and hashed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.clauses.model import Level

__all__ = ["Statement", "digest", "level_of", "normalise", "sentences"]

_KEYWORDS = {
    Level.MUST: re.compile(r"\b(?:MUST|SHALL|REQUIRED)\b"),
    Level.SHOULD: re.compile(r"\b(?:SHOULD|RECOMMENDED)\b"),
    Level.MAY: re.compile(r"\b(?:MAY|OPTIONAL)\b"),
}
_BOILERPLATE = re.compile(r"key ?words?\b.*\binterpreted\b|\bMUST.*\bSHOULD.*\bOPTIONAL\b.*\binterpreted\b", re.DOTALL)

# A full stop after these doesn't end a sentence.
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|approx|Sec|Fig|Eq|No|al|resp|incl|St|Mr|Dr|Ltd|Inc|Corp|viz)|\b[A-Z])\.$"
)
_END = re.compile(r"[.?!][\"')\]]*(?=\s+[\"'(\[]*[A-Z0-9_{a-z]|$)")


@dataclass(frozen=True, slots=True)
class Statement:
    """A normative sentence where it was found; `key` completes the id: `7.3.1.1-M2`."""

    key: str
    section: str
    level: Level
    text: str


def normalise(sentence: str) -> str:
    """One line, single spaces, plain quotes: layout and page breaks don't change a hash."""
    plain = sentence.translate(
        {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0xA0: " "}
    )
    return " ".join(plain.split())


def digest(sentence: str) -> str:
    """SHA-256 of the normalised sentence, in hexadecimal."""
    return hashlib.sha256(normalise(sentence).encode()).hexdigest()


def level_of(sentence: str) -> Level | None:
    """The level of the highest keyword, None for a sentence without any and for the paragraph that defines them."""
    if _BOILERPLATE.search(sentence):
        return None
    return next((level for level, pattern in _KEYWORDS.items() if pattern.search(sentence)), None)


def sentences(paragraph: str) -> Iterator[str]:
    """Split a paragraph (one line) into its sentences."""
    start = 0
    for found in _END.finditer(paragraph):
        if _ABBREVIATION.search(paragraph, start, found.start() + 1):
            continue
        following = paragraph[found.end() :].lstrip(" \"'([")
        if following[:1].islower() or (following[:1].isdigit() and paragraph[found.start() - 1].isdigit()):
            continue
        yield paragraph[start : found.end()].strip()
        start = found.end()
    if rest := paragraph[start:].strip():
        yield rest
