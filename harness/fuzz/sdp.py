"""Session descriptions as browsers wrote them, spoilt: through our parser, and through setRemoteDescription."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from harness.fuzz.target import Example, Played, Problem, Target
from peer import sdp
from peer.errors import DecodeError

__all__ = ["FIXTURES", "SdpParse", "corpus", "spoilt"]

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"

_NUMBERS: Final = (
    "0",
    "-1",
    "65535",
    "65536",
    "4294967296",
    "18446744073709551616",
    "9" * 400,
    "1e9",
    "0x10",
    "\u0663",
)
_HOSTILE: Final = ("", " ", ":", "\0", "\r", "\n", "a" * 3000, " " * 3000, "(" * 500, "~," * 300, "<b>", "%n", "\u2028")
# Seconds for one description of some kilobytes: a thousand times what it takes.
_HANG: Final = 2.0


@cache
def corpus() -> tuple[str, ...]:
    """The recorded descriptions, shortest first (what hypothesis shrinks to)."""
    texts = [file.read_bytes().decode() for file in FIXTURES.joinpath("sdp").glob("*/*.sdp")]
    return tuple(sorted(texts, key=lambda text: (len(text), text))) or (
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
    )


def _words(line: str, at: int, value: int) -> str:
    words = line.split(" ")
    words[at % len(words)] = _NUMBERS[value % len(_NUMBERS)]
    return " ".join(words)


def _byte(line: str, at: int, value: int) -> str:
    return line[:at] + chr(value % 0x300) + line[at + 1 :]


_INSIDE: Final[Mapping[str, Callable[[str, int, int], str]]] = {
    "number": _words,
    "insert": lambda line, at, value: line[:at] + _HOSTILE[value % len(_HOSTILE)] + line[at:],
    "cut": lambda line, at, value: line[:at],
    "byte": _byte,
}
_AMONG: Final[Mapping[str, Callable[[list[str], int, int], None]]] = {
    "drop": lambda lines, at, value: lines.__delitem__(at),
    "double": lambda lines, at, value: lines.insert(at, lines[at]),
    "move": lambda lines, at, value: lines.insert(value % len(lines), lines.pop(at)),
}


def _named(line: str) -> str:
    """What a line is about: `m`, `a=candidate`."""
    head = line.partition(" ")[0].partition(":")[0]
    name = head if head.startswith("a=") else head[:1]
    return name if name.isascii() and name.isprintable() and 0 < len(name) < 30 else "other"


@st.composite
def spoilt(draw: st.DrawFn, fits: Callable[[str], bool] = lambda _: True) -> dict[str, Any]:
    """{"sdp": text, "marks": ["number x a=candidate", ...]}: a recorded description with 1 to 4 mutations."""
    lines = draw(st.sampled_from([text for text in corpus() if fits(text)])).split("\r\n")
    marks = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([*_AMONG, *_INSIDE]))
        at = draw(st.integers(0, 400)) % len(lines)
        value = draw(st.integers(0, 999))
        marks.append(f"{kind} x {_named(lines[at])}")
        if kind in _AMONG:
            if len(lines) > 1:
                _AMONG[kind](lines, at, value)
        elif lines[at]:
            lines[at] = _INSIDE[kind](lines[at], draw(st.integers(0, 200)) % len(lines[at]), value)
    return {"sdp": "\r\n".join(lines), "marks": marks}


class SdpParse(Target):
    """`peer.sdp`: DecodeError or a model, whose text says the same when it is read again; and never a hang."""

    name: ClassVar[str] = "sdp-parse"

    def strategy(self) -> st.SearchStrategy[Example]:
        return spoilt()

    def play(self, example: Example) -> Played:
        began = time.thread_time()
        problem, outcome = None, "refused"
        try:
            model = sdp.parse(example["sdp"])
            outcome = "read"
            text = sdp.serialize(model)
            if sdp.serialize(sdp.parse(text)) != text:
                problem = Problem("round trip", "changed", message="what is written isn't read as it was written")
        except DecodeError as error:
            if outcome == "read":
                problem = Problem("round trip", "refused", message=f"what is written can't be read: {error}")
        except Exception as error:  # noqa: BLE001  (whatever else comes out is what is looked for)
            problem = Problem.of_exception(error, outcome)
        if time.thread_time() - began > _HANG:
            problem = Problem("hang", "slow", message=f"took {time.thread_time() - began:.1f} s")
        return Played.of((f"{mark} x {outcome}" for mark in example["marks"]), problem)

    def files(self, example: Example) -> Mapping[str, str | bytes]:
        return {"input.sdp": example["sdp"]}
