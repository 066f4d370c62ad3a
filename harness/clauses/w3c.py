"""Reads webrtc-pc in its text form: every step of every algorithm, and every normative sentence beside them.

A step's key is the algorithm and the step's path: `RTCPeerConnection.createOffer-2`,
`set-a-session-description-4.5.1`. An algorithm that belongs to a method or attribute is named as scripts name it; one
that has a name of its own ("To create an offer, ...") keeps that. Sentences outside of algorithms are numbered like
those of an RFC: `RTCPeerConnection.localDescription-M1`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.clauses.model import Level
from harness.clauses.statement import Statement, level_of, normalise, sentences

__all__ = ["bookkeeping", "statements"]

_HEADING = re.compile(r"^(#{2,6})\s+(.*?)\s*$")
_ANCHOR = re.compile(r"\[#[\w-]*\]")
_STEP = re.compile(r"^(\s*)(\d+)\.\s+(.*)$")
_TERM = re.compile(r"^([A-Za-z]\w*)(?:\s+(?:of type|\(|,).*)?\s*$")
_INTERFACE = re.compile(r"\b(RTC[A-Z]\w+)")
_ALGORITHM = re.compile(
    r"(?:^|\. )(?:To|The)\s+(.+?)(?:,|\s+given\b|\s+with\b|\s+on\b|\s+for\b|\s+of an\b|\s+run\b|\s+are\b|$)"
)
_CALLED = re.compile(
    r"^\s*When (?:the )?[`{]*(RTC\w+\.\w+|\w+)(?:\(\))?[`}]*(?:\(\))? (?:method )?is (?:invoked|called)"
)
# Sections whose title names no interface, and algorithms whose sentence gives a poor name.
_SUBJECTS = {
    "Transfering data channel": "RTCDataChannel.transfer",
    "Receiving messages on a data channel": "RTCDataChannel",
    "Connected procedure": "RTCSctpTransport",
    "Method extensions": "legacy",
    "Certificate Management": "RTCPeerConnection",
}
_NAMES = {
    "set-a-session-description-description": "set-a-session-description",
    "chain-an-operation-to-an-RTCPeerConnection-object": "chain-an-operation",
    "release-early-candidates-of-a-connection": "release-early-candidates",
    "announce-an-RTCDataChannel-as-open": "announce-a-data-channel-as-open",
    "validate-an-ICE-server-URL-url": "validate-an-ICE-server-URL",
    "negotiation-needed-flag-will-be-updated-once": "update-the-negotiation-needed-flag",
}
_STEPS_FOLLOW = re.compile(r"\bsteps?\b[^.]*:\s*$|\bfollowings? steps\b[^.]*\.\s*$|\bas follows:\s*$")
_INFORMATIVE = re.compile(
    r"Example|Acknowledg|Privacy and security|Accessibility|Change ?log|Revision|Event summary", re.I
)
_INDENT = 3


@dataclass(slots=True)
class _Place:
    """Where the reader is. `path` are the numbers of the steps above and including the present one."""

    section: str = ""
    interface: str = ""
    term: str = ""
    algorithm: str = ""
    listed: str = ""
    informative: bool = False
    path: list[int] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """What a sentence here is about."""
        owner = self.interface or _slug(self.section)
        return f"{owner}.{self.term}" if self.term else owner


def bookkeeping(sentence: str) -> bool:
    """Whether a step only names a value or introduces sub-steps: nobody outside can see whether it is done."""
    if re.search(r"throw|reject|exception", sentence):
        return False
    introduces = sentence.rstrip().endswith(":")
    names = bool(re.match(r"(?:Otherwise, )?[Ll]et\b", sentence))
    return introduces or names or bool(re.fullmatch(r"(?:Return|Abort|Continue)\b[^{]*", sentence))


def statements(text: str) -> Iterator[Statement]:
    """Every step and every normative sentence, in the order of the text."""
    place = _Place()
    used: Counter[str] = Counter()
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if heading := _HEADING.match(line):
            _enter_section(place, heading[2])
        elif place.informative or not line.strip():
            continue
        elif step := _STEP.match(line):
            yield _step(place, used, len(step[1]), int(step[2]), step[3])
        elif _is_term(line, lines[number + 1 : number + 2]):
            place.term, place.algorithm, place.path = str(_TERM.sub(r"\1", line)).strip(), "", []
        else:
            yield from _prose(place, used, line)


def _enter_section(place: _Place, title: str) -> None:
    plain = _ANCHOR.sub("", title).replace("{{", "").replace("}}", "").strip()
    place.term, place.algorithm, place.path = "", "", []
    place.informative = bool(_INFORMATIVE.search(plain))
    if plain in {"Attributes", "Methods", "Constructors", "Constructor", "Events"}:
        return
    place.section = plain
    found = _INTERFACE.search(plain)
    place.interface = _SUBJECTS.get(plain, found[1] if found else "")
    if plain == "Interface Definition":
        place.interface = "RTCPeerConnection"


def _is_term(line: str, following: list[str]) -> bool:
    """A term of a definition list: a name alone on its line, and an indented line after it."""
    return bool(_TERM.match(line)) and bool(following) and following[0].startswith("    ")


def _prose(place: _Place, used: Counter[str], line: str) -> Iterator[Statement]:
    if line.startswith(("    ", "\t")) and re.search(r"[{;}]\s*$", line):
        return
    if _STEPS_FOLLOW.search(line) and not line.startswith(" "):
        place.algorithm, place.path = _algorithm(place, line), []
    for sentence in sentences(normalise(line)):
        level = level_of(sentence)
        if level is None or re.search(r"MUST (?:run|queue a task|perform)\b.*\bsteps\b", sentence):
            continue
        stem = f"{place.subject}-{level.letter}"
        used[stem] += 1
        yield Statement(f"{stem}{used[stem]}", place.subject, level, normalise(sentence))


def _algorithm(place: _Place, line: str) -> str:
    if called := _CALLED.match(line):
        name = called[1]
        if "." in name:
            return name
        if name not in {"method", "this"}:
            return f"{place.interface or _slug(place.section)}.{name}"
    named = _ALGORITHM.search(re.sub(r"\[=\s*(?:[^|=]*\|)?\s*(.*?)\s*=\]", r"\1", line))
    if named and not named[1].startswith(("{{", "user agent", "method", "`")):
        return _NAMES.get(_slug(named[1]), _slug(named[1]))
    return place.subject


def _step(place: _Place, used: Counter[str], indent: int, number: int, text: str) -> Statement:
    depth = max(1, indent // _INDENT + (indent % _INDENT > 0))
    del place.path[depth - 1 :]
    place.path += [1] * (depth - 1 - len(place.path))
    place.path.append(number)
    name = place.algorithm or place.subject
    if place.path == [1] or not place.listed.startswith(name):
        # Several lists under one name are told apart by a number: `RTCIceTransport~2-3`.
        used[f"list {name}"] += 1
        count = used[f"list {name}"]
        place.listed = name if count == 1 else f"{name}~{count}"
    key = f"{place.listed}-{'.'.join(map(str, place.path))}"
    used[key] += 1
    # The text numbers two steps alike in one place (a list inside a note): the second becomes `2.1b`.
    unique = key if used[key] == 1 else f"{key}{chr(ord('a') + used[key] - 1)}"
    return Statement(unique, place.listed, Level.MUST, normalise(text))


def _slug(text: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", text.replace("{{", "").replace("}}", ""))
    return "-".join(words[:7])
