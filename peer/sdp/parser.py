"""Text -> `SessionDescription` -> text.

Strict about syntax, as RFC 9429 section 5.8 asks: "if any line is not well formed [...] the parser MUST stop with an
error". Lines come in the order of RFC 8866 section 5; each type has a row in `LINES`, each known attribute one in
`attributes.ATTRIBUTES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from peer.errors import DecodeError

from .attributes import ATTRIBUTES, NAME, PORT
from .model import Block, Media, SessionDescription

__all__ = ["parse", "serialize"]

_Check = Callable[[str], re.Match[str] | None]

_TEXT = r".+"
_ADDRESS = rf"{NAME} {NAME} \S+"
_TIME = r"-?\d{1,20}[dhms]?"

# RFC 8866 section 9, one row for each line type
LINES: dict[str, re.Pattern[str]] = {
    kind: re.compile(pattern, re.ASCII)
    for kind, pattern in {
        "v": r"0",
        "o": rf"\S+ \d{{1,20}} \d{{1,20}} {_ADDRESS}",
        "s": _TEXT,
        "i": _TEXT,
        "u": _TEXT,
        "e": _TEXT,
        "p": _TEXT,
        "c": _ADDRESS,
        "b": rf"{NAME}:\d{{1,18}}",
        "t": r"\d{1,20} \d{1,20}",
        "r": rf"{_TIME} {_TIME}(?: {_TIME})+",
        "z": rf"\d{{1,20}} {_TIME}(?: \d{{1,20}} {_TIME})*",
        "k": r"prompt|(?:clear|base64|uri):.+",
        "m": rf"({NAME}) {PORT}(?:/\d{{1,5}})? ({NAME}(?:/{NAME})*)((?: {NAME})+)",
    }.items()
}

# Where a line may come: from section 5 of RFC 8866, what may follow what. Lines outside v, o, s, t and m are optional.
_SESSION_ORDER = "vosiuepcbtrzka"
_MEDIA_ORDER = "micbka"
_REPEATABLE = frozenset("epbtrac")
# t= starts a time description in which r= may follow, and more of them; c= in a media description may repeat
_GO_BACK = {("r", "t")}

_RTP_FORMATS = re.compile(r"(?: (?:12[0-7]|1[01]\d|\d{1,2}))+", re.ASCII)
_CHECKS: dict[str, _Check] = {f"a={name}": row.pattern.fullmatch for name, row in ATTRIBUTES.items()}
_ATTRIBUTE_NAME = re.compile(NAME, re.ASCII)


def parse(text: str) -> SessionDescription:
    """The model of an SDP text; CRLF or LF as line end, one kind all through.

    Raises DecodeError with the 1-based line, and nothing else.
    """
    lines, line_end = _split(text)
    starts = [index for index, line in enumerate(lines) if line[:2] == "m="]
    ends = [*starts[1:], len(lines)] if starts else []
    top = starts[0] if starts else len(lines)
    _check_block(lines[:top], 1, _SESSION_ORDER)
    _require_session_lines(lines[:top])
    media = []
    for start, end in zip(starts, ends, strict=True):
        block = lines[start:end]
        _check_block(block, start + 1, _MEDIA_ORDER)
        media.append(Media(tuple(block), start + 1))
    return SessionDescription(Block(tuple(lines[:top])), tuple(media), line_end)


def serialize(description: SessionDescription) -> str:
    """The text of a model: what was parsed comes back byte for byte."""
    lines = list(description.session.lines)
    for media in description.media:
        lines += media.lines
    lines.append("")
    return description.line_end.join(lines)


def _split(text: str) -> tuple[list[str], str]:
    """The lines without their ends, and the line end. A missing last line end is forgiven."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(line_end)
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise DecodeError("empty session description", line=1)
    if "\0" in text or text.count("\r") != (text.count("\r\n") if line_end == "\r\n" else 0):
        number = next(number for number, line in enumerate(lines, 1) if "\0" in line or "\r" in line)
        raise DecodeError("NUL or a bare CR inside a line", line=number)
    if line_end == "\r\n" and text.count("\n") != text.count("\r\n"):
        number = next(number for number, line in enumerate(lines, 1) if "\n" in line)
        raise DecodeError("LF and CRLF mixed", line=number)
    return lines, line_end


def _check_block(lines: list[str], first: int, order: str) -> None:
    """Every line of one level: its syntax, and its place. `first` is the number of lines[0]."""
    checks = _CHECKS
    in_attributes = False
    previous = ""
    for number, line in enumerate(lines, first):
        name, _, value = line.partition(":")
        check = checks.get(name)
        if check is not None:
            if not check(value):
                raise DecodeError(f"malformed {name}", line=number)
            in_attributes = True
        elif name[:2] == "a=":
            if not _ATTRIBUTE_NAME.fullmatch(name[2:]):
                raise DecodeError("malformed attribute name", line=number)
            in_attributes = True
        else:
            if in_attributes:
                raise DecodeError(f"{line[:2]!r} after attributes", line=number)
            previous = _check_line(line, number, order, previous)


def _check_line(line: str, number: int, order: str, previous: str) -> str:
    """One line that is no attribute. Returns its type letter."""
    kind = line[:1]
    pattern = LINES.get(kind)
    if pattern is None or line[1:2] != "=" or kind not in order:
        raise DecodeError(f"unknown line {line[:2]!r}", line=number)
    match = pattern.fullmatch(line, 2)
    if match is None:
        raise DecodeError(f"malformed {kind}= line", line=number)
    if kind == "m" and "RTP/" in match[2] and not _RTP_FORMATS.fullmatch(match[3]):
        raise DecodeError("an RTP payload type is a number from 0 to 127", line=number)
    if previous and not _may_follow(kind, previous, order):
        raise DecodeError(f"{kind}= after {previous}=", line=number)
    return kind


def _may_follow(kind: str, previous: str, order: str) -> bool:
    if kind == previous:
        return kind in _REPEATABLE
    return order.index(kind) > order.index(previous) or (previous, kind) in _GO_BACK


def _require_session_lines(lines: list[str]) -> None:
    """v=, o=, s= first and in this order, t= somewhere (RFC 8866 section 5)."""
    for number, prefix in enumerate(("v=", "o=", "s="), 1):
        if len(lines) < number or not lines[number - 1].startswith(prefix):
            raise DecodeError(f"expected {prefix}", line=min(number, len(lines) + 1))
    if not any(line.startswith("t=") for line in lines):
        raise DecodeError("no t= line", line=len(lines))
