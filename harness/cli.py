"""The command line: each command is a thin shell around the module that does the work.

Exit codes: 0 as expected, 1 unexpected verdicts, 2 could not run.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from harness.endpoints.stacks import KNOWN, parse_names
from harness.errors import EndpointError
from harness.verdict import Verdict

__all__ = ["app"]

OUT: Final = Path("reports/latest")
UNEXPECTED: Final = 1
COULD_NOT_RUN: Final = 2

app = typer.Typer(
    name="peerproof",
    help="WebRTC conformance and interop tests: a reference peer against real browsers, judged by the packet.",
    epilog=(
        "Start with `doctor`. `matrix` lets every pair of endpoints meet; "
        "the conformance cases are run by `pytest cases`."
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
console = Console()
complaints = Console(stderr=True)


def give_up(message: str) -> NoReturn:
    """Say why nothing could be run, and end with exit code 2."""
    complaints.print(f"[red]could not run:[/] {message}", highlight=False)
    raise typer.Exit(COULD_NOT_RUN)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, nothing else.")] = False,
    quick: Annotated[bool, typer.Option(help="Don't start the browsers.")] = False,
) -> None:
    """Say what this machine can do: browsers, packet capture, network; and what to do about what it can't."""
    from harness import doctor as examination

    findings = asyncio.run(examination.examine(start_browsers=not quick))
    if as_json:
        typer.echo(json.dumps(examination.to_json(findings), indent=1))
    else:
        console.print(examination.table(findings))
    if not examination.fit(findings):
        raise typer.Exit(COULD_NOT_RUN)


@app.command()
def browsers(
    install: Annotated[bool, typer.Option("--install", help="Install what is missing.")] = False,
) -> None:
    """Show which browsers are used, or install them: Playwright's builds where they can be had, else the system's."""
    from harness import browsers as known

    found = {browser: known.find(browser) for browser in known.Browser}
    if install:
        done = known.install(lambda command: console.print(f"running [bold]{command}[/]", highlight=False))
        found = {browser: done.found.get(browser) for browser in known.Browser}
        for problem in done.problems:
            complaints.print(f"[yellow]{problem}[/]", highlight=False)
    for browser, where in found.items():
        if where is None:
            console.print(f"{browser}: [red]missing[/]; run `{known.INSTALL_COMMAND}`", highlight=False)
        else:
            console.print(f"{browser}: {where.executable} ({where.origin})", highlight=False, soft_wrap=True)
    if None in found.values():
        raise typer.Exit(COULD_NOT_RUN)


@app.command()
def matrix(
    endpoints: Annotated[
        str,
        typer.Option(
            help="Which endpoints meet, comma-separated; every ordered pair is played. NAME=COMMAND adds a program."
        ),
    ] = ",".join(KNOWN),
    rows: Annotated[
        str | None,
        typer.Option(help="Which rows are played, comma-separated, or `all`; by default all but the slow ones."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where results, report and artefacts go.")] = OUT,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the random messages; drawn and shown when left out.")
    ] = None,
    tap: Annotated[bool, typer.Option(help="Capture by the reference peer's own account, not by raw sockets.")] = False,
) -> None:
    """Let every pair of endpoints play every row: connect, exchange, part; judge the packets; write a report."""
    from harness.matrix.rows import parse_rows
    from harness.matrix.show import run_and_show

    try:
        names, wanted = parse_names(endpoints), parse_rows(rows)
    except (EndpointError, ValueError) as error:
        give_up(str(error))
    try:
        results = run_and_show(names, out, seed, console, rows=wanted, prefer_tap=tap)
    except OSError as error:
        give_up(f"{out}: {error}")
    _report_on(out)
    if all(cell.verdict is Verdict.ERROR for cell in results.cells):
        give_up("no pair of endpoints could be played; see above")
    if results.unexpected:
        raise typer.Exit(UNEXPECTED)


def _report_on(directory: Path) -> None:
    from harness.report.render import write_report

    page = write_report(directory)
    console.print(f"report: [link={page.resolve().as_uri()}]{page}[/]", highlight=False, soft_wrap=True)


# Commands that live beside what they command: name -> module and the function or application in it.
_ELSEWHERE: Final = {
    "bench": ("harness.bench.cli", "bench"),
    "clauses": ("harness.clauses.cli", "app"),
    "report": ("harness.report.cli", "app"),
    "fuzz": ("harness.fuzz.cli", "fuzz"),
    "resume": ("harness.fuzz.cli", "resume"),
    "replay": ("harness.fuzz.cli", "replay"),
    "soak": ("harness.soak.cli", "soak_command"),
}


def _mount() -> None:
    for name, (module, attribute) in _ELSEWHERE.items():
        parent = module.rpartition(".")[0]
        if find_spec(parent) is None or find_spec(module) is None:
            continue
        command = getattr(importlib.import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)


_mount()
