"""`python -m harness report`: render a run directory, join shards, publish a statement, keep the history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from harness.report.merge import join, left_over, merge
from harness.report.render import library, write_report
from harness.report.statement import publish
from harness.report.summary import append_history
from harness.results import ResultsError, RunResults

__all__ = ["app"]

LATEST: Final = Path("reports/latest")
UNEXPECTED: Final = 1
COULD_NOT_RUN: Final = 2

_out = Console()
_err = Console(stderr=True)


class _RenderByDefault(TyperGroup):
    """`report DIR` means `report render DIR`: the name of a sub-command is tried first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        asks_for_help = bool(args) and args[0] in {"--help", "-h"}
        if not asks_for_help and (not args or args[0] not in self.commands):
            args = ["render", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RenderByDefault,
    help="Render a run directory (`report DIR`), join shards, publish a conformance statement.",
    rich_markup_mode=None,
)

Texts = Annotated[
    list[Path] | None,
    typer.Option("--rfc-dir", help="Folder with specification texts: the report shows the sentences of clauses."),
]


def _give_up(message: object) -> NoReturn:
    _err.print(f"could not run: {message}", style="red", markup=False, highlight=False)
    raise typer.Exit(COULD_NOT_RUN)


@app.command("render")
def render_command(
    directory: Annotated[Path, typer.Argument(help="A run directory, with its results.json.")] = LATEST,
    rfc_dir: Texts = None,
    history: Annotated[
        Path | None, typer.Option(help="history.jsonl to compare with. Default: beside DIRECTORY.")
    ] = None,
    append: Annotated[bool, typer.Option("--append-history", help="Add this run to the history.")] = False,
) -> None:
    """Write index.html, junit.xml and summary.md of a run directory. Exit code 1: it has unexpected results."""
    try:
        if shards := left_over(directory):  # a run spread over workers was killed
            join(directory, shards, Path("cases") if Path("cases").is_dir() else None)
        run = RunResults.load(directory)
        page = write_report(directory, history=history, known=library(rfc_dir))
        if append:
            append_history(history or directory.resolve().parent / "history.jsonl", run)
    except (OSError, ResultsError) as error:
        _give_up(error)
    for problem in run.problems:
        _err.print(f"skipped: {problem}", markup=False, highlight=False)
    _out.print(f"report: {page}", markup=False, highlight=False, soft_wrap=True)
    if run.unexpected:
        raise typer.Exit(UNEXPECTED)


@app.command("merge")
def merge_command(
    shards: Annotated[list[Path], typer.Argument(help="Run directories of one run's shards.")],
    out: Annotated[Path, typer.Option(help="Directory to write.")] = LATEST,
) -> None:
    """Join the shards of a run into one directory and render it. Exit code 1: it has unexpected results."""
    try:
        run = merge(shards, out)
        page = write_report(out)
    except (OSError, ResultsError) as error:
        _give_up(error)
    for problem in run.problems:
        _err.print(problem, markup=False, highlight=False)
    _out.print(f"{len(run.results)} results: {page}", markup=False, highlight=False, soft_wrap=True)
    if run.unexpected:
        raise typer.Exit(UNEXPECTED)


@app.command("publish")
def publish_command(
    endpoint: Annotated[str, typer.Argument(help="Which endpoint of the run.")],
    directory: Annotated[Path, typer.Option("--run", help="A run directory.")] = LATEST,
    out: Annotated[Path, typer.Option(help="Folder of published statements.")] = Path("reports/published"),
) -> None:
    """Write an endpoint's conformance statement, as HTML and JSON."""
    try:
        target = publish(RunResults.load(directory), endpoint, out, library([]))
    except (OSError, ResultsError, LookupError) as error:
        _give_up(error)
    _out.print(f"statement: {target / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
