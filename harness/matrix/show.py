"""The matrix on a terminal: a bar while it runs, tables when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from harness.endpoints.stacks import Stacks
from harness.matrix.row import Row
from harness.matrix.run import Progress, cells, run
from harness.results import CaseResult, RunResults
from harness.verdict import Verdict

__all__ = ["row_table", "run_and_show", "table"]

_COLOURS: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WEAK: "yellow",
    Verdict.CRASH: "bold magenta",
    Verdict.TIMEOUT: "bold red",
    Verdict.ERROR: "bold red",
}
# Nine pairs fit on a terminal of 80 columns.
_SHORT: Final = {
    Verdict.UNSUPPORTED: "n/a",
    Verdict.INCONCLUSIVE: "?",
    Verdict.TIMEOUT: "time",
    Verdict.DISPUTED: "disp",
}


def run_and_show(
    endpoints: Mapping[str, str | None],
    directory: Path,
    seed: int | None,
    console: Console,
    *,
    rows: Sequence[Row],
    prefer_tap: bool = False,
) -> RunResults:
    """Run the matrix of these endpoints (name -> command, None for a known stack), showing how it goes; then its
    tables.
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
        task = bar.add_task("starting", total=len(wanted) * len(rows))

        def listen(progress: Progress) -> None:
            if progress.result is None:
                bar.update(task, description=f"{progress.row.name}: {progress.cell}: {progress.doing}")
                return
            bar.advance(task)
            console.print(_line(progress.result), highlight=False)

        async def play() -> RunResults:
            return await run(
                directory, wanted, rows=rows, seed=seed, listen=listen, stacks=Stacks(endpoints), prefer_tap=prefer_tap
            )

        results = asyncio.run(play())
    console.print(table(results, names))
    if len(results.rows) > 1:
        console.print(row_table(results, names))
    for line in _reasons(results):
        console.print(line, highlight=False)
    if results.run.capture != "af_packet":
        console.print(f"[yellow]packets were not captured from the network: {results.run.host.get('capture', '')}[/]")
    return results


def _line(result: CaseResult) -> str:
    offerer, answerer = result.endpoints
    first = escape(result.message.partition("\n")[0])
    words = f"{_coloured(result.verdict)}  {result.row}: {offerer} -> {answerer}  {result.duration_s:.1f} s"
    return f"{words}  {first}" if first else words


def _coloured(verdict: Verdict) -> str:
    return f"[{_COLOURS.get(verdict, 'cyan')}]{verdict.value}[/]"


def row_table(results: RunResults, names: Sequence[str]) -> Table:
    """Rows down, pairs across (the first three letters of who offers and who answers); in each cell the verdict."""
    builds = ", ".join(f"{name} {_build(name, results)}".strip() for name in names)
    made = Table(
        title="interop matrix",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        caption=f"across: who offers, who answers\n{builds}",
    )
    made.add_column("row", no_wrap=True)
    pairs = list(product(names, names))
    for offerer, answerer in pairs:
        made.add_column(f"{offerer[:3]}\n{answerer[:3]}")
    for row, cells_of_row in results.rows.items():
        found = {result.endpoints: result for result in cells_of_row}
        made.add_row(f"[bold]{row}[/]", *(_short(found.get(pair)) for pair in pairs))
    return made


def _short(result: CaseResult | None) -> str:
    if result is None:
        return "-"
    return f"[{_COLOURS.get(result.verdict, 'cyan')}]{_SHORT.get(result.verdict, result.verdict.value)}[/]"


def _reasons(results: RunResults) -> Iterator[str]:
    """Why cells of the table were not played, each reason once with the pairs it applies to."""
    for row, cells_of_row in results.rows.items():
        pairs: dict[str, list[str]] = {}
        for result in cells_of_row:
            if result.verdict is Verdict.UNSUPPORTED:
                pairs.setdefault(result.message, []).append(" -> ".join(result.endpoints))
        for message, among in pairs.items():
            whom = "every pair" if len(among) == len(cells_of_row) else ", ".join(among)
            yield f"[cyan]{row}[/]: {whom}: {escape(message)}"


def table(results: RunResults, names: Sequence[str]) -> Table:
    """The first row: offerers down, answerers across; in each cell the verdict and what was agreed."""
    row, cells_of_row = next(iter(results.rows.items()), ("", ()))
    found = {result.endpoints: result for result in cells_of_row}
    made = Table(
        title=f"interop matrix: {row}",
        caption="down: who offers; across: who answers",
        show_lines=True,
    )
    made.add_column("")
    for name in names:
        made.add_column(_with_build(name, results))
    for offerer in names:
        made.add_row(
            f"[bold]{_with_build(offerer, results)}[/]",
            *(_cell(found.get((offerer, answerer))) for answerer in names),
        )
    return made


def _build(name: str, results: RunResults) -> str:
    return results.run.builds.get(name, "").removeprefix("peerproof ")


def _with_build(name: str, results: RunResults) -> str:
    build = _build(name, results)
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
