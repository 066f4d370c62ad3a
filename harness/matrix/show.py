"""The matrix on a terminal: a bar while it runs, a table when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from harness.endpoints.stacks import Stacks
from harness.matrix.run import Progress, cells, run
from harness.results import CaseResult, RunResults
from harness.verdict import Verdict

__all__ = ["run_and_show", "table"]

_COLOURS: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WEAK: "yellow",
    Verdict.CRASH: "bold magenta",
    Verdict.TIMEOUT: "bold red",
    Verdict.ERROR: "bold red",
}


def run_and_show(
    endpoints: Mapping[str, str | None],
    directory: Path,
    seed: int | None,
    console: Console,
    *,
    prefer_tap: bool = False,
) -> RunResults:
    """Run the matrix of these endpoints (name -> command, None for a known stack), showing how it goes; then its
    table.
    """
    names = list(endpoints)
    wanted = cells(names)
    bar = Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task("starting", total=len(wanted))

        def listen(progress: Progress) -> None:
            if progress.result is None:
                bar.update(task, description=f"{progress.cell}: {progress.doing}")
                return
            bar.advance(task)
            console.print(_line(progress.result), highlight=False)

        async def play() -> RunResults:
            return await run(
                directory, wanted, seed=seed, listen=listen, stacks=Stacks(endpoints), prefer_tap=prefer_tap
            )

        results = asyncio.run(play())
    console.print(table(results, names))
    if results.run.capture != "af_packet":
        console.print(f"[yellow]packets were not captured from the network: {results.run.host.get('capture', '')}[/]")
    return results


def _line(result: CaseResult) -> str:
    offerer, answerer = result.endpoints
    first = escape(result.message.partition("\n")[0])
    words = f"{_coloured(result.verdict)}  {offerer} -> {answerer}  {result.duration_s:.1f} s"
    return f"{words}  {first}" if first else words


def _coloured(verdict: Verdict) -> str:
    return f"[{_COLOURS.get(verdict, 'cyan')}]{verdict.value}[/]"


def table(results: RunResults, names: Sequence[str]) -> Table:
    """Offerers down, answerers across; in each cell the verdict and what was agreed."""
    found = {result.endpoints: result for result in results.cells}
    made = Table(title="interop matrix", caption="down: who offers; across: who answers", show_lines=True)
    made.add_column("")
    for name in names:
        made.add_column(_with_build(name, results))
    for offerer in names:
        made.add_row(
            f"[bold]{_with_build(offerer, results)}[/]",
            *(_cell(found.get((offerer, answerer))) for answerer in names),
        )
    return made


def _with_build(name: str, results: RunResults) -> str:
    build = results.run.builds.get(name, "").removeprefix("peerproof ")
    return f"{name}\n[dim]{build}[/]" if build else name


def _cell(result: CaseResult | None) -> str:
    if result is None:
        return "-"
    facts = result.facts
    lines = [_coloured(result.verdict)]
    agreed = [str(facts[name]) for name in ("dtls_version", "named_group") if facts.get(name)]
    if agreed:
        lines.append(" ".join(agreed))
    if isinstance(setup := facts.get("setup_ms"), int | float):
        lines.append(f"{setup:.0f} ms")
    return "\n".join(lines)
