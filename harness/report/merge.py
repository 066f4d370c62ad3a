"""Joins the shards of a run: results, artefacts, one directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.clauses import coverage, load
from harness.results import CaseResult, ResultsError, RunResults
from harness.writing import RunWriter

__all__ = ["SHARDS", "join", "left_over", "merge"]

#: Below a run directory: one run directory per worker, while the run goes on or after it was killed.
SHARDS: Final = "shards"


def merge(
    shards: Iterable[Path], out: Path, *, cases_folder: Path | None = None, duration_s: float | None = None
) -> RunResults:
    """Write a run directory that holds the results and artefacts of all shards, in the order of their cases.

    The earliest shard gives id, date and seed; durations add up where `duration_s` isn't given; the run is finished
    when every shard is. What it covers of the clauses that cases below `cases_folder` cite is measured, where given.
    A shard that can't be read, a result two shards disagree about, and shards of different builds are named in the
    problems; of two results of a case on the same endpoints the one that needs attention is kept. Raises `ResultsError`
    when no shard can be read.
    """
    runs: list[tuple[Path, RunResults]] = []
    problems: list[str] = []
    for shard in shards:
        try:
            runs.append((shard, RunResults.load(shard)))
        except ResultsError as error:
            problems.append(f"shard skipped: {error}")
    if not runs:
        raise ResultsError("; ".join(problems) or "no shards were given")
    runs.sort(key=lambda pair: pair[1].run.started)
    problems += [f"{shard.name}: {problem}" for shard, run in runs for problem in run.problems]
    builds = _builds(runs, problems)
    results = _results(runs, out, problems)
    first = runs[0][1].run
    info = replace(
        first,
        finished=False,
        builds=builds,
        capture=first.capture if len({run.run.capture for _, run in runs}) == 1 else "none",
        strict=any(run.run.strict for _, run in runs),
    )
    spent = sum(run.run.duration_s for _, run in runs) if duration_s is None else duration_s
    with RunWriter(out, info) as writer:
        writer.extend(sorted(results, key=lambda result: result.key))
        if all(run.run.finished for _, run in runs):
            covered = {} if cases_folder is None else coverage.of_run(load(), cases_folder, writer.results)
            writer.finish(clauses=covered, duration_s=spent)
    return replace(RunResults.load(out), problems=tuple(problems))


def _builds(runs: list[tuple[Path, RunResults]], problems: list[str]) -> dict[str, str]:
    builds: dict[str, str] = {}
    for shard, run in runs:
        for name, build in run.run.builds.items():
            if builds.setdefault(name, build) != build:
                problems.append(f"{shard.name}: {name} {build} met {builds[name]} in another shard")
    return builds


def _results(runs: list[tuple[Path, RunResults]], out: Path, problems: list[str]) -> list[CaseResult]:
    kept: dict[tuple[str, tuple[str, ...]], CaseResult] = {}
    for shard, run in runs:
        for result in run.results:
            other = kept.get(result.key)
            if other and other.verdict is not result.verdict:
                both = f"{result.verdict} here, {other.verdict} in another shard"
                problems.append(f"{shard.name}: {result.case} is {both}")
            if other and (other.unexpected or not result.unexpected):
                continue
            _copy_artefacts(shard, out, result, problems)
            kept[result.key] = result
    return list(kept.values())


def _copy_artefacts(shard: Path, out: Path, result: CaseResult, problems: list[str]) -> None:
    for path in result.artefacts.values():
        source, target = (shard / path).resolve(), (out / path).resolve()
        inside = source.is_relative_to(shard.resolve()) and target.is_relative_to(out.resolve())
        if not inside or not source.is_file():
            problems.append(f"{shard.name}: artefact {path} is missing")
            continue
        if source == target:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)


def left_over(directory: Path) -> list[Path]:
    """The shards below a run directory that nobody joined: of the latest run, which was killed."""
    runs = sorted((directory / SHARDS).glob("*"), key=lambda path: path.stat().st_mtime)
    return sorted(runs[-1].glob("*")) if runs else []


def join(
    directory: Path, shards: Sequence[Path], cases_folder: Path | None, *, duration_s: float | None = None
) -> RunResults:
    """Make one run of the shards below a run directory; they are gone afterwards."""
    run = merge(shards, directory, cases_folder=cases_folder, duration_s=duration_s)
    shutil.rmtree(directory / SHARDS)
    return run
