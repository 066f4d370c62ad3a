"""Known deviations of an endpoint: what is expected of a case other than a pass, and why.

`cases/expectations/<endpoint>.toml` holds entries

    [[expect]]
    case = "cases/sctp/test_rfc9260_*.py::test_announces_*"    # shell pattern over the case's name
    builds = ">=150, <157"                                     # of the endpoint; left out: every build
    verdict = "fail"
    message = "saw no RE-CONFIG"                               # regular expression found in what the case says
    reason = "the stack resets streams only when the channel was opened by it"
    link = "https://..."                                       # where it is reported, or "unreported"

An expected failure that passes, or fails with another message, is unexpected: the entry has had its day, or hides
something else. The first entry that applies counts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.results import unexpected_because
from harness.verdict import Verdict

__all__ = ["BuildRange", "Expectation", "ExpectationError", "Expectations", "Outcome", "default_folder", "load"]

_FIELDS = {"case", "builds", "verdict", "message", "reason", "link"}
_BOUND = re.compile(r"(>=|<=|>|<|==)\s*(\d+(?:\.\d+)*)")
_VERSION = re.compile(r"\d+(?:\.\d+)+|\d+")


class ExpectationError(Exception):
    """An expectations file that doesn't say what it must."""


@dataclass(frozen=True, slots=True)
class BuildRange:
    """Bounds on a build's version; without bounds every build is in it."""

    bounds: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @classmethod
    def parse(cls, text: str) -> BuildRange:
        """Read `>=150, <157`; ExpectationError when it isn't that."""
        bounds: list[tuple[str, tuple[int, ...]]] = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            found = _BOUND.fullmatch(part)
            if found is None:
                raise ExpectationError(f"{part!r} is not a bound like '>=150' or '<157.0.3'")
            bounds.append((found[1], _numbers(found[2])))
        return cls(tuple(bounds))

    def __contains__(self, build: object) -> bool:
        """Whether a build (`156.0.7390.54`, `peerproof 0.1.0`) is in the range; one without a number is in every
        range."""
        found = _VERSION.search(str(build))
        return found is None or all(_holds(operator, bound, _numbers(found[0])) for operator, bound in self.bounds)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _holds(operator: str, bound: tuple[int, ...], version: tuple[int, ...]) -> bool:
    # `<157` excludes 157.0.1, and `==156` includes 156.0.7390: a bound speaks of as many places as it has.
    version = version[: len(bound)] + (0,) * (len(bound) - len(version))
    return {
        ">=": version >= bound,
        "<=": version <= bound,
        ">": version > bound,
        "<": version < bound,
        "==": version == bound,
    }[operator]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One entry. `place` says where it stands, for messages."""

    endpoint: str
    case: str
    verdict: Verdict
    message: re.Pattern[str]
    reason: str
    link: str
    builds: BuildRange = BuildRange()
    place: str = ""

    def applies(self, case: str, build: str) -> bool:
        """Whether the entry speaks of this case on this build."""
        # A parameter's brackets are not a character class: an entry without brackets covers every parameter.
        names = {case, case.partition("[")[0]}
        return build in self.builds and any(fnmatchcase(name, _literal_brackets(self.case)) for name in names)


def _literal_brackets(pattern: str) -> str:
    return pattern.replace("[", "[[]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a result is against what was expected: `unexpected` says why it needs attention, empty when it doesn't."""

    expected: Verdict
    unexpected: str
    reason: str = ""
    link: str = ""


class Expectations:
    """All entries, and which of them met a case in this run."""

    def __init__(self, entries: Iterable[Expectation] = ()) -> None:
        self.entries = tuple(entries)
        self._met: set[Expectation] = set()

    def find(self, case: str, subjects: Iterable[str], builds: Mapping[str, str]) -> Expectation | None:
        """The first entry for this case on one of the endpoints it is about."""
        among = set(subjects)
        for entry in self.entries:
            if entry.endpoint in among and entry.applies(case, builds.get(entry.endpoint, "")):
                self._met.add(entry)
                return entry
        return None

    def judge(
        self,
        case: str,
        subjects: Iterable[str],
        builds: Mapping[str, str],
        verdict: Verdict,
        message: str,
        *,
        strict: bool = False,
    ) -> Outcome:
        """Compare a result with what was expected of it."""
        entry = self.find(case, subjects, builds)
        if entry is None:
            return Outcome(Verdict.PASS, unexpected_because(verdict, Verdict.PASS, strict=strict))
        unexpected = unexpected_because(verdict, entry.verdict, strict=strict)
        if unexpected and verdict is Verdict.PASS:
            unexpected += f": the entry at {entry.place} has had its day"
        elif not unexpected and not entry.message.search(message):
            unexpected = f"{verdict.value} as expected, but not as {entry.place} says: no {entry.message.pattern!r}"
        return Outcome(entry.verdict, unexpected, entry.reason, entry.link)

    def unmet(self) -> tuple[Expectation, ...]:
        """Entries no case of this run met; after a full run on their build they are stale."""
        return tuple(entry for entry in self.entries if entry not in self._met)


def default_folder() -> Path:
    """`cases/expectations` of this checkout."""
    return Path(__file__).resolve().parents[1] / "cases" / "expectations"


def load(folder: Path | None = None) -> Expectations:
    """Read every file of the folder; ExpectationError, naming file and entry, when one doesn't say what it must."""
    folder = folder or default_folder()
    entries: list[Expectation] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ExpectationError(f"{path}: {error}") from error
        if foreign := set(data) - {"expect"}:
            raise ExpectationError(f"{path}: unknown {', '.join(sorted(foreign))}; entries are [[expect]]")
        for number, entry in enumerate(data.get("expect", ()), start=1):
            entries.append(_entry(path.stem, f"{path.name} entry {number}", entry))
    return Expectations(entries)


def _entry(endpoint: str, place: str, data: Mapping[str, Any]) -> Expectation:
    if unknown := set(data) - _FIELDS:
        raise ExpectationError(f"{place}: unknown field {', '.join(sorted(unknown))}")
    missing = [name for name in ("case", "verdict", "message", "reason", "link") if not str(data.get(name, "")).strip()]
    if missing:
        raise ExpectationError(f"{place}: needs {', '.join(missing)}")
    if data["link"] != "unreported" and not re.match(r"https?://\S+$", data["link"]):
        raise ExpectationError(f"{place}: link is an address, or the word unreported")
    try:
        verdict = Verdict(data["verdict"])
        message = re.compile(data["message"])
        builds = BuildRange.parse(data.get("builds", ""))
    except (ValueError, re.error, ExpectationError) as error:
        raise ExpectationError(f"{place}: {error}") from error
    if verdict is Verdict.PASS:
        raise ExpectationError(f"{place}: a pass needs no entry")
    return Expectation(endpoint, data["case"], verdict, message, data["reason"], data["link"], builds, place)
