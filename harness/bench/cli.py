"""`python -m harness bench`: run the benchmarks, print the table, leave bench.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness.bench import datachannel, dtls, fuzz, sdp, setup, srtp
from harness.bench.model import REFERENCE, Benchmark, Outcome, run_in_turn

__all__ = ["bench", "compared"]


def every() -> list[Benchmark]:
    modules = (sdp, setup, dtls, srtp, datachannel, fuzz)
    return [one for module in modules for one in module.benchmarks()]


def table(outcomes: list[Outcome]) -> Table:
    made = Table(title="medians, and what the reference peer makes of each")
    for column in ("benchmark", "unit", "reference", "others"):
        made.add_column(column)
    for outcome in outcomes:
        entry = outcome.to_json()
        others = "; ".join(
            f"{name} {spread['median']:.4g}{compared(outcome, name)}" for name, spread in entry["others"].items()
        )
        left_out = "".join(f"; {name}: {why}" for name, why in outcome.missing.items())
        mine = f"{entry['reference']['median']:.4g}" if entry["reference"] else "-"
        made.add_row(entry["name"], entry["unit"], mine, others + left_out)
    return made


def compared(outcome: Outcome, name: str) -> str:
    """The reference's figure in terms of another's, in words that say which way is better."""
    if outcome.ratio(name) is None:
        return ""
    times = outcome.median(REFERENCE) / outcome.median(name)
    better = "more" if outcome.benchmark.more_is_better else "less"
    return f" (reference: {times:.2f} times that, {better} is better)"


def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Only benchmarks whose name contains one of these.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, nothing else.")] = False,
    against: Annotated[
        list[str] | None, typer.Option(help="Only these contestants (repeat the option); all when left out.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where bench.json goes.")] = Path("reports/latest"),
) -> None:
    """Measure the reference peer and its competitors in turn; print medians and ratios."""
    wanted = [one for one in every() if not names or any(part in one.name for part in names)]
    if not wanted:
        raise typer.BadParameter(
            f"no benchmark is named like {names}; there are: " + ", ".join(b.name for b in every())
        )
    outcomes = []
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("")
        for one in wanted:

            def show(contestant: str, index: int, one: Benchmark = one) -> None:
                bar.update(task, description=f"{one.name}: {contestant}, round {index + 1} of {one.rounds}")

            outcomes.append(run_in_turn(one, against or (), show))
    document = {"benchmarks": [outcome.to_json() for outcome in outcomes]}
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(document))
    else:
        console.print(table(outcomes))
