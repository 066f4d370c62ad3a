"""A campaign: batches of examples through one target until time, examples or patience run out.

Hypothesis makes the examples of a batch and shrinks what fails. Within a batch the first new problem is pinned: only
the same problem counts from then on, so that shrinking can't slide into another one. Problems that are known already
don't count at all. After the batch the smallest example is played again a few times, and kept with how often it failed.

The directory holds `campaign.json` (rewritten as it goes, read to resume), `examples/` (hypothesis's database), one
folder a finding, and the lock that keeps a second campaign out. A SIGKILL at any moment leaves all of it readable.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import Flaky

from harness.fuzz.finding import Finding, FindingError, findings_below
from harness.fuzz.lines import LineCoverage
from harness.fuzz.target import Example, Problem, Target
from harness.writing import write_atomically

__all__ = ["STATE_FILE", "Campaign", "Kept", "Limits", "LockedError", "Progress", "locked"]

STATE_FILE: Final = "campaign.json"
_BATCH: Final = 100
# To climb towards rare cells takes half of a batch: worth it now and then, while new cells come by exploring.
_EXPLORING: Final = (Phase.reuse, Phase.generate, Phase.shrink)
_CLIMBING: Final = (*_EXPLORING, Phase.target)
_CLIMBS_EVERY: Final = 4
_PATIENCE_WITH_SHRINKING: Final = 20.0
_SAVE_EVERY: Final = 2.0
_SCHEMA: Final = 1


class LockedError(Exception):
    """Another campaign works in this directory."""


class _Found(Exception):
    """The pinned problem, as hypothesis is to see it: one class raised at one place, so it is one failure to it."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock. Raises LockedError; a lock dies with the process that holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LockedError(f"another campaign works in {directory}") from error
        yield


@dataclass(frozen=True, slots=True)
class Kept:
    """What a campaign is of, as its directory says."""

    target: str
    endpoints: tuple[str, ...]
    seed: int

    @classmethod
    def of(cls, directory: Path) -> Kept | None:
        """The campaign that is there; None when there is none, or none that can be read."""
        try:
            data = json.loads((directory / STATE_FILE).read_text("utf-8"))
            return cls(str(data["target"]), tuple(map(str, data["endpoints"])), int(data["seed"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def title(self) -> str:
        return f"{self.target} on {' and '.join(self.endpoints)}"


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop: seconds and examples, of this run. `attempts` is how often a new finding is played again."""

    seconds: float = 600.0
    examples: int | None = None
    attempts: int = 5
    shrinking: float = _PATIENCE_WITH_SHRINKING


@dataclass(slots=True)
class Progress:
    """How far a campaign is. `examples`, `steps` (generated calls on each endpoint) and `seconds` count earlier runs in
    the directory, `here` counts the examples of this one.
    """

    seed: int
    batch: int = 0
    examples: int = 0
    steps: int = 0
    seconds: float = 0.0
    here: int = 0
    cells: Counter[str] = field(default_factory=Counter)
    #: When each cell was covered first, in seconds of all runs together.
    first: dict[str, float] = field(default_factory=dict)
    #: What of a whole that is known is covered: name -> (covered, all).
    figures: dict[str, tuple[int, int]] = field(default_factory=dict)
    findings: dict[tuple[str, ...], Finding] = field(default_factory=dict)
    fresh: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    covered: float = field(default_factory=time.monotonic)
    doing: str = "starting"

    @property
    def elapsed(self) -> float:
        """Seconds this run has taken."""
        return time.monotonic() - self.began

    @property
    def rate(self) -> float:
        """Examples a second of this run."""
        return self.here / max(self.elapsed, 1e-9)


class Campaign:
    """One run of a target in a directory, which is locked by the caller. `watch` is called at the start and after every
    example.
    """

    def __init__(
        self,
        target: Target,
        directory: Path,
        *,
        seed: int,
        limits: Limits,
        watch: Callable[[Progress], None] = lambda _: None,
        derandomize: bool = False,
    ) -> None:
        self._target, self._directory, self._limits, self._watch = target, directory, limits, watch
        self._derandomize = derandomize
        self._saved_at = 0.0
        self._lines = LineCoverage()
        self.progress = self._resumed(seed)
        for found in findings_below(directory):
            if isinstance(found, FindingError):
                self.progress.problems.append(str(found))
            else:
                self.progress.findings[found.problem.key] = found

    def run(self) -> Progress:
        """Go on until a limit is reached, or the user interrupts; everything is saved either way."""
        self.progress.began = self.progress.covered = time.monotonic()
        # Before the first example, too: that one may wait for a browser to start.
        self._watch(self.progress)
        try:
            with suppress(KeyboardInterrupt):
                while not self._is_over():
                    # Counted before it is run: what is interrupted isn't played again.
                    self.progress.batch += 1
                    self._run_batch(self.progress.batch - 1)
        finally:
            self.progress.doing = "done"
            self._save()
        return self.progress

    def _is_over(self) -> bool:
        most = self._limits.examples
        return self.progress.elapsed >= self._limits.seconds or (most is not None and self.progress.here >= most)

    # One batch

    def _run_batch(self, number: int) -> None:
        batch = _Batch(self)
        most = self._limits.examples
        size = _BATCH if most is None else max(1, min(_BATCH, most - self.progress.here))
        self.progress.doing = "exploring"
        options: dict[str, Any] = {}
        if not self._derandomize:
            options["database"] = DirectoryBasedExampleDatabase(self._directory / "examples")
        configured = settings(
            max_examples=size,
            deadline=None,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            phases=_CLIMBING if self._climbs(number) else _EXPLORING,
            suppress_health_check=list(HealthCheck),
            **options,
        )
        test = given(self._target.strategy())(batch.example)
        # The seed first: it takes the database out of the settings.
        test = configured(hypothesis.seed(self.progress.seed * 1_000_003 + number)(test))
        with suppress(_Found, Flaky):
            test()
        if batch.smallest is not None and batch.pinned is not None:
            self._keep(batch.pinned, batch.smallest)

    def _climbs(self, number: int) -> bool:
        return number % _CLIMBS_EVERY == 0

    def _keep(self, problem: Problem, example: Example) -> None:
        self.progress.doing = "confirming"
        again = [self._target.play(example).problems for _ in range(self._limits.attempts)]
        finding = Finding(
            self._target.name,
            self._target.endpoints,
            problem,
            example,
            seed=self.progress.seed,
            confirmed=sum(any(one.key == problem.key for one in seen) for seen in again),
            attempts=self._limits.attempts,
            builds=self._target.builds,
        )
        files = dict(self._target.files(example))
        if problem.is_death:
            files |= self._target.remains
        finding.save(self._directory, files)
        self.progress.findings[problem.key] = finding
        self.progress.fresh.append(finding)
        self._save()

    def note(self, example: Example) -> list[Problem]:
        """Play one example and count what it covered; the problems it shows that aren't known."""
        with self._lines.watching():
            played = self._target.play(example)
        progress = self.progress
        progress.examples += 1
        progress.here += 1
        progress.steps += played.steps
        new = played.cells - progress.cells.keys()
        if new:
            progress.covered = time.monotonic()
            progress.first.update(dict.fromkeys(new, round(progress.seconds + progress.elapsed, 2)))
        progress.cells.update(played.cells)
        if self._climbs(progress.batch - 1):
            # Not in the other batches: each score that hypothesis hears of costs it a look at its database.
            hypothesis.target(
                sum(1 / progress.cells[cell] for cell in played.cells), label="rarity of what was covered"
            )
        if time.monotonic() - self._saved_at > _SAVE_EVERY:
            self._save()
        self._watch(progress)
        return [problem for problem in played.problems if problem.key not in progress.findings]

    @property
    def out_of_time(self) -> bool:
        return self._is_over()

    @property
    def shrinking(self) -> float:
        return self._limits.shrinking

    # Saving and resuming

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        progress = self.progress
        progress.figures = {**self._target.figures(progress.cells), **self._lines.figures()}
        state = {
            "schema": _SCHEMA,
            "target": self._target.name,
            "endpoints": list(self._target.endpoints),
            "builds": dict(self._target.builds),
            "seed": progress.seed,
            "batch": progress.batch,
            "examples": progress.examples,
            "steps": progress.steps,
            "seconds": round(progress.seconds + progress.elapsed, 1),
            "figures": progress.figures,
            "cells": dict(sorted(progress.cells.items())),
            "first": dict(sorted(progress.first.items(), key=lambda one: one[1])),
            "lines": self._lines.serialized(),
            "findings": [finding.id for finding in progress.findings.values()],
        }
        write_atomically(self._directory / STATE_FILE, json.dumps(state, indent=1) + "\n")

    def _resumed(self, seed: int) -> Progress:
        """The progress of the runs before; another seed begins at its first batch, and what is covered stays so."""
        file = self._directory / STATE_FILE
        try:
            data = json.loads(file.read_text("utf-8"))
            progress = Progress(
                seed,
                examples=int(data["examples"]),
                steps=int(data.get("steps", 0)),
                seconds=float(data["seconds"]),
                cells=Counter(data["cells"]),
            )
            progress.first = {str(cell): float(when) for cell, when in data.get("first", {}).items()}
            progress.batch = int(data["batch"]) if data["seed"] == seed else 0
            self._lines.add(data.get("lines", {}))
        except FileNotFoundError:
            return Progress(seed)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return Progress(seed, problems=[f"{file}: not a campaign's state, begun anew: {error!r}"])
        return progress


class _Batch:
    """What hypothesis calls with each example of one batch."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self.pinned: Problem | None = None
        self.smallest: Example | None = None
        self._until = float("inf")

    def example(self, example: Example) -> None:
        # To return without a word is the one way to end a batch early that hypothesis doesn't take for a failure.
        if time.monotonic() > self._until or (self.pinned is None and self._campaign.out_of_time):
            return
        wanted = self.pinned.key if self.pinned is not None else None
        problem = next((one for one in self._campaign.note(example) if wanted in (None, one.key)), None)
        if problem is None:
            return
        if self.pinned is None:
            self._until = time.monotonic() + self._campaign.shrinking
            self._campaign.progress.doing = "shrinking"
        if self.smallest is None or _size(example) <= _size(self.smallest):
            self.pinned, self.smallest = problem, example
        raise _Found


def _size(example: Example) -> int:
    return len(json.dumps(example))
