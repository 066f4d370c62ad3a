"""Several processes on one campaign: each with a seed and a directory of its own, joined as they go.

The directory's `workers/<number>` are campaigns like any other; what they covered and found is joined into the campaign
above them, whose `campaign.json` and findings look as if one process had done it all. Run again, each goes on where it
was. A worker knows the findings of its siblings from the runs before, so that it looks for others.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.fuzz.campaign import STATE_FILE, Limits, Progress
from harness.fuzz.finding import FindingError, findings_below
from harness.fuzz.lines import LineCoverage
from harness.fuzz.targets import class_of
from harness.writing import write_atomically

__all__ = ["FOLDER", "Team", "WorkerError"]

FOLDER: Final = "workers"
#: The runs of the directory that were made without workers, kept as one of them.
_ALONE: Final = "alone"
_LOOK_EVERY: Final = 0.5
_FAREWELL: Final = 30.0


class WorkerError(Exception):
    """A worker could not run: the message is what it said."""


@dataclass(frozen=True, slots=True)
class Team:
    """What the workers of one campaign are told. The directory is locked by the caller."""

    target: str
    endpoints: tuple[str, ...]
    directory: Path
    seed: int
    limits: Limits
    count: int

    def run(self, watch: Callable[[Progress], None]) -> Progress:
        """Run them all until their limits; ctrl-C ends them with everything saved. Raises WorkerError."""
        before = self._states()
        progress = Progress(self.seed, doing=f"{self.count} workers exploring")
        for found in findings_below(self.directory):
            if isinstance(found, FindingError):
                progress.problems.append(str(found))
            else:
                progress.findings[found.problem.key] = found
        self._set_aside()
        running = [self._start(number) for number in range(self.count)]
        try:
            with suppress(KeyboardInterrupt):
                while any(worker.poll() is None for worker in running):
                    time.sleep(_LOOK_EVERY)
                    self._count(progress, before)
                    watch(progress)
            complaints = [self._end(worker) for worker in running]
        finally:
            for worker in running:
                worker.kill()
        if any(complaints):
            raise WorkerError("; ".join(filter(None, complaints)))
        self._count(progress, before)
        self._collect(progress)
        self._save(progress)
        progress.doing = "done"
        return progress

    def _start(self, number: int) -> subprocess.Popen[str]:
        folder = self.directory / FOLDER / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        for known in self.directory.glob("*/finding.json"):
            shutil.copytree(known.parent, folder / known.parent.name, dirs_exist_ok=True)
        command = [sys.executable, "-m", "harness", "fuzz", self.target, "--endpoint", ",".join(self.endpoints)]
        command += ["--seed", str(self.seed + number), "--max-time", f"{self.limits.seconds}s", "--out", str(folder)]
        if self.limits.examples is not None:
            command += ["--max-examples", str(-(-self.limits.examples // self.count))]
        return subprocess.Popen(  # noqa: S603 - our own words
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def _end(self, worker: subprocess.Popen[str]) -> str:
        """Wait for its end; what it complained about when it could not run."""
        try:
            _, said = worker.communicate(timeout=_FAREWELL)
        except subprocess.TimeoutExpired:
            return "a worker did not end"
        return "" if worker.returncode in (0, 1) else said.strip() or f"a worker ended with {worker.returncode}"

    def _set_aside(self) -> None:
        """What was done here without workers counts as the work of one of them."""
        state, folder = self.directory / STATE_FILE, self.directory / FOLDER / _ALONE
        if state.exists() and not (self.directory / FOLDER).exists():
            folder.mkdir(parents=True)
            shutil.copyfile(state, folder / STATE_FILE)

    def _states(self) -> dict[str, Mapping[str, Any]]:
        found = {}
        for file in (self.directory / FOLDER).glob(f"*/{STATE_FILE}"):
            with suppress(OSError, ValueError):
                found[file.parent.name] = json.loads(file.read_text("utf-8"))
        return found

    def _count(self, progress: Progress, before: Mapping[str, Mapping[str, Any]]) -> None:
        states = self._states()
        covered = len(progress.cells)
        progress.examples = sum(int(state["examples"]) for state in states.values())
        progress.here = progress.examples - sum(int(state["examples"]) for state in before.values())
        progress.steps = sum(int(state.get("steps", 0)) for state in states.values())
        progress.cells = sum((Counter(state["cells"]) for state in states.values()), Counter())
        lines = LineCoverage()
        for state in states.values():
            lines.add(state.get("lines", {}))
        progress.figures = {**class_of(self.target, self.endpoints).figures(progress.cells), **lines.figures()}
        progress.first = _earliest(state.get("first", {}) for state in states.values())
        if len(progress.cells) > covered:
            progress.covered = time.monotonic()

    def _collect(self, progress: Progress) -> None:
        for number in range(self.count):
            folder = self.directory / FOLDER / str(number)
            for found in findings_below(folder):
                if isinstance(found, FindingError):
                    progress.problems.append(str(found))
                elif found.problem.key not in progress.findings:
                    shutil.copytree(folder / found.id, self.directory / found.id, dirs_exist_ok=True)
                    progress.findings[found.problem.key] = found
                    progress.fresh.append(found)

    def _save(self, progress: Progress) -> None:
        states = self._states()
        newest = states.get("0") or next(iter(states.values()))
        joined = dict(newest) | {
            "seed": self.seed,
            "examples": progress.examples,
            "steps": progress.steps,
            "figures": progress.figures,
            "seconds": max(float(state["seconds"]) for state in states.values()),
            "cells": dict(sorted(progress.cells.items())),
            "first": progress.first,
            "findings": [finding.id for finding in progress.findings.values()],
        }
        write_atomically(self.directory / STATE_FILE, json.dumps(joined, indent=1) + "\n")


def _earliest(several: Iterable[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for first in several:
        for cell, when in first.items():
            found[cell] = min(when, found.get(cell, when))
    return dict(sorted(found.items(), key=lambda one: one[1]))
