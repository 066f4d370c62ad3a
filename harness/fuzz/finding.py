"""A finding: one example that an oracle objects to, as a content-addressed folder, and what a replay says of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from harness.fuzz.target import Example, Problem, Target
from harness.writing import write_atomically

__all__ = ["FILE", "Finding", "FindingError", "Replay", "findings_below", "replay"]

FILE: Final = "finding.json"
_PROGRAM: Final = '''"""{title}

Plays the example of this finding again and says FIXED, FAILED, DRIFTED or ERROR; exit code 0 for FIXED.
"""

import json

from harness.fuzz.cli import replay_text

FINDING = r"""
{finding}
"""

if __name__ == "__main__":
    raise SystemExit(replay_text(FINDING))
'''


class FindingError(Exception):
    """A file that should hold a finding doesn't."""


class Replay(StrEnum):
    """What a replay came to. DRIFTED: the example fails, but otherwise than it did."""

    FIXED = "FIXED"
    FAILED = "FAILED"
    DRIFTED = "DRIFTED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Finding:
    """`confirmed` of `attempts` replays right after it was found failed in the same way."""

    target: str
    endpoints: tuple[str, ...]
    problem: Problem
    example: Example
    seed: int = 0
    confirmed: int = 0
    attempts: int = 0
    builds: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The address: of what was played and what is held against it, nothing else."""
        content = json.dumps([self.target, self.endpoints, self.problem.key, self.example], sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def serialize(self) -> str:
        """The content of `finding.json`."""
        return json.dumps({"id": self.id} | asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def parse(cls, text: str) -> Finding:
        """Read a `finding.json`. Raises FindingError."""
        try:
            data: dict[str, Any] = json.loads(text)
            members = {name: value for name, value in data.items() if name != "id"}
            members["problem"] = Problem(**data["problem"])
            members["endpoints"] = tuple(data["endpoints"])
            finding = cls(**members)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FindingError(f"not a finding: {error!r}") from error
        if not isinstance(finding.example, dict) or not isinstance(finding.target, str):
            raise FindingError("not a finding: an example is an object and a target a name")
        return finding

    def save(self, directory: Path, files: Mapping[str, str | bytes]) -> Path:
        """Write the folder below `directory`; `finding.json` last, so that a folder that has one is whole."""
        folder = directory / self.id
        folder.mkdir(parents=True, exist_ok=True)
        title = str(self.problem).replace("\\", "/").replace('"', "'")
        # ASCII, and no line of it ends a raw string: json escapes quotes and everything beyond ASCII.
        program = _PROGRAM.format(title=title, finding=self.serialize().rstrip())
        for name, content in {**files, "repro.py": program, FILE: self.serialize()}.items():
            write_atomically(folder / name, content)
        return folder

    @classmethod
    def load(cls, path: Path) -> Finding:
        """Read a finding by its folder or file. Raises FindingError."""
        file = path / FILE if path.is_dir() else path
        try:
            return cls.parse(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise FindingError(f"{file}: {error}") from error


def findings_below(directory: Path) -> Iterator[Finding | FindingError]:
    """Every finding of a campaign, oldest id first; one that can't be read comes as its error."""
    for file in sorted(directory.glob(f"*/{FILE}")):
        try:
            yield Finding.load(file)
        except FindingError as error:
            yield error


def replay(finding: Finding, target: Target, attempts: int = 3) -> tuple[Replay, str]:
    """Play a finding's example again: what it came to, and in which words. FIXED needs every attempt to be clean."""
    other: Problem | None = None
    for _ in range(attempts):
        for problem in target.play(finding.example).problems:
            if problem.key == finding.problem.key:
                return Replay.FAILED, f"{problem}\n{problem.message}".rstrip()
            other = problem
    if other is not None:
        return Replay.DRIFTED, f"was {finding.problem}; now {other}\n{other.message}".rstrip()
    return Replay.FIXED, f"{finding.problem}: not any more"
