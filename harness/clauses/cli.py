"""`python -m harness clauses`: coverage, building the registry, looking clauses up."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from harness.clauses.build import annotate, build, find_text, read_statements
from harness.clauses.coverage import Coverage, citations, compare, executed_ids, measure, read_snapshot, write_snapshot
from harness.clauses.documents import DOCUMENTS, SUPERSEDED
from harness.clauses.model import Level
from harness.clauses.registry import RegistryError, default_folder, load
from harness.results import ResultsError, RunResults

__all__ = ["app"]

app = typer.Typer(
    help="Coverage of the specifications' clauses, from citation to executed assertion.",
    no_args_is_help=False,
    rich_markup_mode=None,
)
_out = Console()
_err = Console(stderr=True)

#: Folders with texts of specifications (`rfc8445.txt`, `webrtc-pc.txt`), separated like PATH.
TEXTS_VARIABLE = "PEERPROOF_SPEC_TEXTS"
SNAPSHOT = "covered.txt"

Fits: TypeAlias = Callable[[str, str], bool]
Texts = Annotated[
    list[Path] | None,
    typer.Option("--rfc-dir", help=f"Folder with specification texts; may be repeated. Default: ${TEXTS_VARIABLE}."),
]


def _root() -> Path:
    return default_folder().parents[1]


def _texts(given: list[Path] | None) -> list[Path]:
    folders = given or [Path(part) for part in os.environ.get(TEXTS_VARIABLE, "").split(os.pathsep) if part]
    if not folders:
        _err.print(f"Say where the specification texts are: --rfc-dir DIR, or set {TEXTS_VARIABLE}.")
        raise typer.Exit(2)
    # The W3C text may lie beside the folder of RFCs, or in it.
    return [*folders, *(folder.parent / "w3c" for folder in folders)]


@app.callback(invoke_without_command=True)
def coverage(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    results: Annotated[
        list[Path] | None,
        typer.Option("--results", help="Run directory to read; may be repeated. Default: reports/latest."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when a clause of the snapshot isn't covered.")] = False,
    update: Annotated[bool, typer.Option("--update-snapshot", help="Write what is covered into the snapshot.")] = False,
) -> None:
    """Print coverage by document: clauses in all, applicable, cited, executed in the last run, passed."""
    if context.invoked_subcommand is not None:
        return
    registry = load()
    cited = citations(_root() / "cases")
    runs = _runs(results)
    measured = measure(registry, cited, runs)
    unknown = [identity for identity in cited if identity not in registry]
    if as_json:
        typer.echo(json.dumps(measured.to_json(), indent=1))
    else:
        _print(measured, runs)
    for identity in unknown:
        _err.print(f"{cited[identity][0]}: {_complaint(identity)}", style="red", markup=False)
    executed = executed_ids(runs)
    lost = () if update else _against_snapshot(executed, loud=check)
    if update:
        write_snapshot(default_folder() / SNAPSHOT, executed)
        _err.print(f"{len(executed)} clauses in {default_folder() / SNAPSHOT}", markup=False)
    if unknown or (check and lost):
        raise typer.Exit(1)


def _runs(directories: list[Path] | None) -> list[RunResults]:
    runs: list[RunResults] = []
    for directory in directories or [_root() / "reports" / "latest"]:
        try:
            runs.append(RunResults.load(directory))
        except ResultsError as error:
            if directories:
                _err.print(str(error), markup=False)
                raise typer.Exit(2) from error
    return runs


def _complaint(identity: str) -> str:
    try:
        load().resolve(identity)
    except RegistryError as error:
        return str(error)
    return f"{identity} is not known"


def _against_snapshot(executed: frozenset[str], *, loud: bool) -> tuple[str, ...]:
    lost, gained = compare(read_snapshot(default_folder() / SNAPSHOT), executed)
    if loud:
        for identity in lost:
            _err.print(f"{identity} was covered and is not any more", style="red", markup=False)
        if gained:
            _err.print(f"{len(gained)} clauses are newly covered: --update-snapshot keeps them", markup=False)
    return lost


def _print(measured: Coverage, runs: list[RunResults]) -> None:
    endpoints = sorted({name for run in runs for name in run.run.builds})
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("document", "level", "total", "applicable", "cited", "executed", *endpoints):
        table.add_column(name, justify="left" if name in {"document", "level"} else "right")
    for document, levels in measured.figures.items():
        for level in Level:
            figures = levels[level]
            if figures.total:
                counts = (figures.total, figures.applicable, figures.cited, figures.executed)
                passed = (figures.passed.get(endpoint, 0) for endpoint in endpoints)
                name = document if level is Level.MUST else ""
                table.add_row(name, level.value, *map(str, counts), *map(str, passed))
    total = [sum(getattr(levels[Level.MUST], name) for levels in measured.figures.values()) for name in _COUNTS]
    _out.print(table)
    _out.print("MUST in all: " + ", ".join(f"{count} {name}" for name, count in zip(_COUNTS, total, strict=True)))
    if not runs:
        _out.print("No run was found in reports/latest: nothing counts as executed.")


_COUNTS = ("total", "applicable", "cited", "executed")


@app.command("build")
def build_command(
    rfc_dir: Texts = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write. Default: fixtures/spec.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Accept sentences that changed or are gone.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this document (RFC8445, W3C); may be repeated.")] = None,
) -> None:
    """Read the specifications' texts and write one registry file a document."""
    try:
        changes = build(_texts(rfc_dir), out or default_folder(), accept=accept, only=only or ())
    except RegistryError as error:
        _err.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    for change in changes:
        news = ((len(change.added), "new"), (len(change.changed), "changed"), (len(change.gone), "gone"))
        said = ", ".join(f"{count} {word}" for count, word in news if count)
        _out.print(f"{change.document}: {change.total} clauses" + (f" ({said})" if said else ""))


@app.command()
def about(
    identity: Annotated[str, typer.Argument(help="A clause id; or a file with lines `id | actor | observed | words`.")],
    paraphrase: Annotated[str, typer.Option("--says", help="What it asks, in our own words, on one line.")] = "",
    actor: Annotated[
        str, typer.Option(help="Who it binds: offerer, answerer, controlling, dtls-client, sender, ...")
    ] = "",
    observed: Annotated[str, typer.Option(help="Where one sees it: wire, api, both, internal.")] = "",
    unjudged: Annotated[str, typer.Option(help="Why it can't be judged: not applicable, deprecated, ...")] = "",
    why: Annotated[str, typer.Option(help="The reason in words.")] = "",
    disputed: Annotated[str, typer.Option(help="What is disputed about it: it is listed and not scored.")] = "",
) -> None:
    """Write our words about a clause into its registry file."""
    given = locals()
    fields = {name: given[name] for name in _ABOUT if given[name]}
    said = _said(Path(identity)) if Path(identity).is_file() else {identity: fields}
    try:
        annotate(default_folder(), said)
    except RegistryError as error:
        _err.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    _out.print(f"{len(said)} written")


_ABOUT = ("paraphrase", "actor", "observed", "unjudged", "why", "disputed")


def _said(path: Path) -> dict[str, dict[str, str]]:
    rows = (line.split("|", 3) for line in path.read_text("utf-8").splitlines() if line.count("|") >= 3)
    return {
        identity.strip(): {"paraphrase": words.strip(), "actor": actor.strip(), "observed": observed.strip()}
        for identity, actor, observed, words in rows
    }


@app.command()
def silent(rfc_dir: Texts = None) -> None:
    """List the clauses cases cite that nobody has paraphrased yet. Exit code 1: there are some."""
    registry = load()
    cited = citations(_root() / "cases")
    found = [identity for identity in cited if identity in registry and not registry.resolve(identity).about.paraphrase]
    for name in dict.fromkeys(identity.partition("-")[0] for identity in found):
        _list(name, rfc_dir, lambda identity, text: identity in found)
    if found:
        raise typer.Exit(1)


@app.command()
def show(
    prefix: Annotated[str, typer.Argument(help="A clause id or its beginning: RFC8445-7.3.1.1")],
    rfc_dir: Texts = None,
) -> None:
    """Print clauses with their sentences, read from the texts at hand."""
    name = prefix.partition("-")[0]
    if name in SUPERSEDED:
        _err.print(f"{name} was replaced by {SUPERSEDED[name]}.")
        raise typer.Exit(1)
    if name not in DOCUMENTS:
        _err.print(f"No document {name}; known are {', '.join(DOCUMENTS)}.")
        raise typer.Exit(1)
    _list(name, rfc_dir, lambda identity, text: _begins(identity, prefix))


def _begins(identity: str, prefix: str) -> bool:
    rest = identity.removeprefix(prefix)
    return rest != identity and (not rest or rest[0] in "-.~" or prefix.endswith("-"))


@app.command()
def find(
    words: Annotated[list[str], typer.Argument(help="Words the sentence contains, in any order.")],
    rfc_dir: Texts = None,
    document: Annotated[str, typer.Option("--in", help="Only this document.")] = "",
) -> None:
    """Print the clauses whose sentence contains all the words."""
    wanted = [word.lower() for word in words]
    for name in [document] if document else list(DOCUMENTS):
        _list(name, rfc_dir, lambda identity, text: all(word in text.lower() for word in wanted))


def _list(name: str, rfc_dir: list[Path] | None, fits: Fits) -> None:
    registry = load()
    document = DOCUMENTS[name]
    text = find_text(document, _texts(rfc_dir)).read_text("utf-8")
    for statement in read_statements(document, text):
        identity = f"{name}-{statement.key}"
        if not fits(identity, statement.text):
            continue
        about = registry.resolve(identity).about if identity in registry else None
        typer.echo(f"{identity}\n    {statement.text}")
        if about and about.paraphrase:
            typer.echo(f"    = {about.paraphrase} ({about.actor or 'anyone'}, {about.observed or 'unstated'})")
        if about and about.unjudged:
            typer.echo(f"    not judged: {about.unjudged}{f' ({about.why})' if about.why else ''}")


if __name__ == "__main__":
    app()
