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
_FORBIDDEN = frozenset("\0\r\n")
_ATTRIBUTE_NAME = re.compile(NAME, re.ASCII)


def parse(text: str) -> SessionDescription:
    """The model of an SDP text; CRLF or LF as line end, one kind all through.

    Raises DecodeError with the 1-based line, and nothing else.
    """
    lines, line_end = _split(text)
    _require_session_lines(lines)
    starts = _check_lines(lines)
    ends = [*starts[1:], len(lines)]
    media = (Media(tuple(lines[start:end]), start + 1) for start, end in zip(starts, ends, strict=False))
    top = starts[0] if starts else len(lines)
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
    breaks = len(lines) - 1
    if text.count("\n") != breaks or text.count("\r") != (breaks if line_end == "\r\n" else 0) or "\0" in text:
        number = next(number for number, line in enumerate(lines, 1) if not _FORBIDDEN.isdisjoint(line))
        raise DecodeError("NUL, CR or LF inside a line", line=number)
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise DecodeError("empty session description", line=1)
    return lines, line_end


def _check_lines(lines: list[str]) -> list[int]:
    """Every line: its syntax, and its place. Returns the indices of the m-lines.

    This loop is all that most lines cost, so it does what nearly each needs: one partition, one look-up, one match.
    """
    checks = _CHECKS
    starts: list[int] = []
    order, previous = _SESSION_ORDER, ""
    for index, line in enumerate(lines):
        name, _, value = line.partition(":")
        check = checks.get(name)
        if check is not None:
            if not check(value):
                raise DecodeError(f"malformed {name}", line=index + 1)
        elif name[:2] == "a=":
            if not _ATTRIBUTE_NAME.fullmatch(name, 2):
                raise DecodeError("malformed attribute name", line=index + 1)
        elif line[:2] == "m=":
            starts.append(index)
            order, previous = _MEDIA_ORDER, _check_line(line, index + 1, _MEDIA_ORDER, "")
        elif index and lines[index - 1][:2] == "a=":
            raise DecodeError(f"{line[:2]!r} after attributes", line=index + 1)
        else:
            previous = _check_line(line, index + 1, order, previous)
    if not any(line.startswith("t=") for line in lines[: starts[0] if starts else None]):
        raise DecodeError("no t= line", line=starts[0] if starts else len(lines))
    return starts


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
    """v=, o=, s= first and in this order (RFC 8866 section 5)."""
    for number, prefix in enumerate(("v=", "o=", "s="), 1):
        if len(lines) < number or not lines[number - 1].startswith(prefix):
            raise DecodeError(f"expected {prefix}", line=min(number, len(lines) + 1))
