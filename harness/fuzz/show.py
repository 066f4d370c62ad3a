"""The live progress of a campaign, and its end in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.fuzz.campaign import Progress

__all__ = ["run_and_show", "summary"]

_REFRESH = 0.25


def table(progress: Progress, title: str, seconds: float) -> Table:
    """Where a campaign is."""
    shown = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    stale = time.monotonic() - progress.covered
    rows = {
        "examples": f"{progress.here:,} ({progress.rate:,.0f}/s), {progress.examples:,} in all",
        "coverage": f"{covered(progress)}, the last new one {stale:,.0f} s ago",
        "findings": f"{len(progress.findings)}, {len(progress.fresh)} of them new",
        "time": f"{progress.elapsed:,.0f} of {seconds:,.0f} s",
        "seed": str(progress.seed),
        "doing": progress.doing,
    }
    for name, words in rows.items():
        shown.add_row(Text(name, style="dim"), Text(words))
    return shown


def covered(progress: Progress) -> str:
    """The coverage in words."""
    figures = [f"{name} {reached:,} of {of:,}" for name, (reached, of) in progress.figures.items()]
    return ", ".join([f"{len(progress.cells):,} coverage cells", *figures])


def run_and_show(
    run: Callable[[Callable[[Progress], None]], Progress], console: Console, title: str, seconds: float
) -> Progress:
    """Run a campaign, which is given a watcher, showing where it is; on no terminal only its end is shown."""
    if not console.is_terminal:
        return run(lambda _: None)
    shown_at = 0.0
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def watch(progress: Progress) -> None:
            nonlocal shown_at
            if time.monotonic() - shown_at > _REFRESH:
                shown_at = time.monotonic()
                live.update(table(progress, title, seconds), refresh=True)

        return run(watch)


def summary(progress: Progress, directory: Path, console: Console) -> None:
    """What came of it."""
    for problem in progress.problems:
        console.print(Text(f"skipped: {problem}", style="yellow"))
    for finding in progress.fresh:
        console.print(Text(f"finding {finding.id}: {finding.problem}", style="bold red"))
        console.print(Text(f"  {finding.problem.message}"), soft_wrap=True)
        console.print(Text(f"  failed {finding.confirmed} of {finding.attempts} times again; {directory / finding.id}"))
    steps = f"; {progress.steps:,} steps on each endpoint in all" if progress.steps else ""
    console.print(
        Text(
            f"{progress.here:,} examples in {progress.elapsed:.1f} s ({progress.rate:,.0f}/s), seed {progress.seed}"
            f"{steps}; {covered(progress)}; {len(progress.fresh)} new findings, "
            f"{len(progress.findings) - len(progress.fresh)} known"
        )
    )
    console.print(Text(f"go on with `python -m harness resume {directory}`", style="dim"), soft_wrap=True)
