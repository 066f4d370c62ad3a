"""`python -m harness fuzz <target>`, `resume <directory>` and `replay <finding>`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeAlias

import typer
from rich.console import Console
from rich.markup import escape

from harness.endpoints.stacks import KNOWN
from harness.errors import EndpointError
from harness.fuzz.campaign import Campaign, Kept, Limits, LockedError, Progress, locked
from harness.fuzz.finding import Finding, FindingError, Replay
from harness.fuzz.finding import replay as play_again
from harness.fuzz.show import run_and_show, summary
from harness.fuzz.targets import TARGETS, make
from harness.fuzz.workers import Team, WorkerError

__all__ = ["fuzz", "replay", "replay_text", "resume"]

OUT: Final = Path("reports/fuzz")
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

console = Console(highlight=False, soft_wrap=True)
complaints = Console(stderr=True, highlight=False)


def _give_up(message: str) -> NoReturn:
    complaints.print(f"[red]could not run:[/] {escape(message)}")
    raise typer.Exit(2)


def seconds_of(text: str) -> float:
    """`90`, `20s`, `10m`, `1.5h` in seconds. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time; write 20s, 10m or 1h")
    return float(match[1]) * _UNITS[match[2]]


_MaxTime: TypeAlias = Annotated[str, typer.Option(help="When to stop: 20s, 10m, 1h.")]
_MaxExamples: TypeAlias = Annotated[int | None, typer.Option(help="Stop after so many examples.", min=1)]
_Workers: TypeAlias = Annotated[
    int, typer.Option(help="How many processes work on it, each with a seed of its own.", min=1)
]


def fuzz(
    target: Annotated[str, typer.Argument(help=f"What is fuzzed: {', '.join(TARGETS)}.")],
    max_time: _MaxTime = "10m",
    max_examples: _MaxExamples = None,
    seed: Annotated[int | None, typer.Option(help="Goes on with the directory's seed, or draws one.")] = None,
    endpoint: Annotated[
        str, typer.Option(help=f"Who is tried: {', '.join(KNOWN)}; two, comma-separated, are compared (signalling).")
    ] = "reference",
    workers: _Workers = 1,
    out: Annotated[
        Path | None,
        typer.Option(help=f"The campaign's directory, below {OUT} by default; a campaign that is there goes on."),
    ] = None,
) -> None:
    """Fuzz one target: our parsers and machines, or an endpoint. Ctrl-C stops with everything saved, and
    `harness resume DIRECTORY` (or the same command again) goes on where it was.

    Exit code 0: nothing new was found; 1: there are new findings; 2: could not run.
    """
    names = tuple(name.strip() for name in endpoint.split(",") if name.strip())
    if target not in TARGETS:
        _give_up(f"unknown target {target!r}; there are {', '.join(TARGETS)}")
    if unknown := [name for name in names if name not in KNOWN]:
        _give_up(f"unknown endpoint {', '.join(unknown)}; there are {', '.join(KNOWN)}")
    directory = out or OUT / "-".join([target, *(names if names != ("reference",) else ())])
    kept = Kept.of(directory)
    if kept is not None and (kept.target, kept.endpoints) != (target, names):
        _give_up(f"{directory} holds a campaign of {kept.title}: choose another --out")
    if seed is None:
        seed = secrets.randbelow(1 << 32) if kept is None else kept.seed
    _go_on(Kept(target, names, seed), directory, max_time, max_examples, workers)


def resume(
    directory: Annotated[Path, typer.Argument(help=f"A campaign's directory, or its name below {OUT}.")],
    max_time: _MaxTime = "10m",
    max_examples: _MaxExamples = None,
    workers: _Workers = 1,
) -> None:
    """Go on with a campaign where it was: same target, endpoints and seed; what was covered and found counts.

    The limits are those of this run. Exit codes as of `fuzz`.
    """
    if not directory.exists():
        directory = OUT / directory
    kept = Kept.of(directory)
    if kept is None:
        _give_up(f"there is no campaign in {directory}")
    if kept.target not in TARGETS:
        _give_up(f"{directory} holds a campaign of {kept.title}, which there isn't")
    _go_on(kept, directory, max_time, max_examples, workers)


def _go_on(kept: Kept, directory: Path, max_time: str, max_examples: int | None, workers: int) -> None:
    """Run a campaign, new or not, and end with its exit code."""
    try:
        limits = Limits(seconds_of(max_time), max_examples)
        with locked(directory):
            if workers > 1:
                team = Team(kept.target, kept.endpoints, directory, kept.seed, limits, workers)
                progress = run_and_show(team.run, console, kept.title, limits.seconds)
            else:
                progress = _alone(kept, directory, limits)
    except (LockedError, WorkerError, EndpointError, ValueError, OSError) as error:
        _give_up(str(error))
    summary(progress, directory, console)
    if progress.fresh:
        raise typer.Exit(1)


def _alone(kept: Kept, directory: Path, limits: Limits) -> Progress:
    with make(kept.target, kept.endpoints) as subject:

        def run(watch: Callable[[Progress], None]) -> Progress:
            return Campaign(subject, directory, seed=kept.seed, limits=limits, watch=watch).run()

        return run_and_show(run, console, kept.title, limits.seconds)


def replay(
    finding: Annotated[str, typer.Argument(help="A finding's folder, its finding.json, or its id.")],
    times: Annotated[int, typer.Option(help="How often; FIXED needs every one to be clean.", min=1)] = 3,
) -> None:
    """Play a finding again: FIXED, FAILED, DRIFTED (fails otherwise) or ERROR. Exit code 0 for FIXED, else 1."""
    try:
        found = Finding.load(_where(finding))
    except FindingError as error:
        console.print(f"[bold red]{Replay.ERROR}[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    raise typer.Exit(_replay(found, times))


def _where(finding: str) -> Path:
    path = Path(finding)
    if path.exists() or "/" in finding:
        return path
    return next(iter(sorted(OUT.glob(f"*/{finding}*"))), path)


def replay_text(text: str) -> int:
    """Play the finding in a `finding.json`'s text; what a `repro.py` calls. Returns its exit code."""
    return _replay(Finding.parse(text), 3)


def _replay(finding: Finding, times: int) -> int:
    try:
        with make(finding.target, finding.endpoints) as subject:
            outcome, words = play_again(finding, subject, times)
    except Exception as error:  # noqa: BLE001  (a corrupt example, an endpoint that is missing: the same to the user)
        outcome, words = Replay.ERROR, f"{type(error).__name__}: {error}"
    style = "bold green" if outcome is Replay.FIXED else "bold red"
    console.print(f"[{style}]{outcome}[/] {escape(words)}")
    return 0 if outcome is Replay.FIXED else 1
