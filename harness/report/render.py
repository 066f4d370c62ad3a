"""Renders a run directory: `index.html`, `junit.xml`, `summary.md`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment

from harness.clauses.build import find_text, read_statements
from harness.clauses.coverage import citations
from harness.clauses.documents import DOCUMENTS
from harness.clauses.registry import RegistryError, default_folder, load
from harness.report.clause_view import STATES, Library, clause_pages, endpoint_page
from harness.report.environment import VERDICTS, asset, digest, environment, release
from harness.report.evidence import Evidence, read_evidence
from harness.report.fuzz_view import HEIGHT, WIDTH, read_campaigns
from harness.report.junit import junit_xml
from harness.report.model import case_page, overview, witnesses
from harness.report.nat_view import crossings
from harness.report.negotiation import negotiation
from harness.report.packing import pack
from harness.report.summary import PastRun, markdown, read_history
from harness.report.timeline import check_list, timeline
from harness.results import CaseResult, RunResults
from harness.verdict import Verdict
from harness.writing import write_atomically

__all__ = ["TEXTS_VARIABLE", "library", "render", "write_report"]

#: Folders with texts of specifications, separated like PATH: where set, reports show the sentences of clauses.
TEXTS_VARIABLE = "PEERPROOF_SPEC_TEXTS"

# Rows whose layers and bytes go into the file, of all cases together: some 15 MB. Frames that a clause rests on
# always do.
_MOST_DETAILED_ROWS = 40_000

# Clauses in a line of a document's picture.
_SQUARES_ACROSS = 64


def write_report(directory: Path, *, history: Path | None = None, known: Library | None = None) -> Path:
    """Render the run in `directory` and return the path of its `index.html`.

    `history` is the `history.jsonl` to compare with, by default the one beside the directory; `known` is what is
    known of clauses, by default this checkout's registry. Raises `ResultsError` when the directory holds no results.
    """
    run = RunResults.load(directory)
    past = read_history(history or directory.resolve().parent / "history.jsonl")
    index = directory / "index.html"
    write_atomically(index, render(run, directory, past=past, known=known or library()))
    write_atomically(directory / "junit.xml", junit_xml(run))
    write_atomically(directory / "summary.md", markdown(run))
    return index


def library(texts: Iterable[Path] | None = None) -> Library | None:
    """The registry and citations of this checkout, with sentences where texts are at hand; None without a registry."""
    if not default_folder().exists():
        return None
    if texts is None:
        texts = [Path(part) for part in os.environ.get(TEXTS_VARIABLE, "").split(os.pathsep) if part]
    cases = default_folder().parents[1] / "cases"
    return Library(load(), citations(cases) if cases.exists() else {}, dict(_sentences(list(texts))))


def _sentences(texts: list[Path]) -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS.values() if texts else ():
        try:
            path = find_text(document, texts)
        except RegistryError:
            continue
        for statement in read_statements(document, path.read_text("utf-8")):
            yield f"{document.name}-{statement.key}", statement.text


def render(run: RunResults, directory: Path, *, past: Iterable[PastRun] = (), known: Library | None = None) -> str:
    """The one HTML file of a run, as text."""
    past = tuple(past)
    if known and not run.clauses and any(result.clauses for result in run.results):
        run = replace(run, clauses=known.measure(run).for_results())
    jinja = environment()
    style, script = asset("report.css"), asset("ladder.js") + asset("report.js")
    campaigns, unread = read_campaigns(directory.resolve().parent / "fuzz", directory)
    pages = {**_clause_pages(jinja, run, known), **_endpoint_pages(jinja, run, known)}
    if campaigns or unread:
        template, box = jinja.get_template("fuzz.html.j2"), {"width": WIDTH, "height": HEIGHT}
        pages["fuzz/campaigns"] = template.render(campaigns=campaigns, problems=unread, **box)
    return jinja.get_template("index.html.j2").render(
        view=overview(run, past),
        verdicts=VERDICTS,
        version=release(),
        style=style,
        script=script,
        style_hash=digest(style),
        script_hash=digest(script),
        clause_pages=frozenset(name.removeprefix("clauses/") for name in pages),
        endpoint_pages=frozenset(run.run.builds),
        campaigns=campaigns,
        negotiation=negotiation(run),
        crossings=crossings(run),
        pages=pack(chain(pages.items(), _case_pages(jinja, run, directory, past, known))),
    )


def _clause_pages(jinja: Environment, run: RunResults, known: Library | None) -> Mapping[str, str]:
    if known is None:
        return {}
    template, context = jinja.get_template("clauses.html.j2"), {"states": STATES, "across": _SQUARES_ACROSS}
    return {f"clauses/{page.document}": template.render(page=page, **context) for page in clause_pages(run, known)}


def _endpoint_pages(jinja: Environment, run: RunResults, known: Library | None) -> Mapping[str, str]:
    template = jinja.get_template("endpoint.html.j2")
    context = {"run": run.run, "verdicts": VERDICTS, "published": False}
    return {
        f"endpoint/{quote(name)}": template.render(page=endpoint_page(run, name, known), **context)
        for name in run.run.builds
    }


def _case_pages(
    jinja: Environment, run: RunResults, directory: Path, past: tuple[PastRun, ...], known: Library | None
) -> Iterator[tuple[str, str]]:
    template = jinja.get_template("case.html.j2")
    options: dict[str, Any] = {"describe": known.describe} if known else {}
    budget = _MOST_DETAILED_ROWS
    # Where not every frame's layers and bytes fit, those of the results somebody will open come first.
    for result in sorted(run.results, key=_interest):
        evidence = read_evidence(directory, result.artefacts)
        page = case_page(result, evidence, history=past, seed=run.run.seed, **options)
        cost = page.drawing.detailed if page.drawing else 0
        budget -= cost
        html = template.render(
            page=page,
            ladder=page.drawing.to_json(details=budget >= 0) if page.drawing else "",
            sdp=_sdp(evidence, page.cited_lines),
            timeline=timeline(evidence.trace),
            check_list=check_list(evidence.ladder.checks, max((row.time for row in evidence.ladder.rows), default=0.0)),
            witnesses=witnesses(result.facts),
        )
        yield f"case/{page.id}", html


def _interest(result: CaseResult) -> tuple[bool, bool, bool]:
    return not result.unexpected, result.verdict is Verdict.PASS, not result.is_cell


@dataclass(frozen=True, slots=True)
class _SdpLine:
    text: str
    classes: str


def _sdp(evidence: Evidence, cited: frozenset[str]) -> list[tuple[str, list[_SdpLine]]]:
    """Offer and answer, line by line, with the lines that only one of them has and those a clause rests on."""
    offer, answer = evidence.offer.splitlines(), evidence.answer.splitlines()
    return [
        ("Offer", [_sdp_line(line, frozenset(answer), cited) for line in offer]),
        ("Answer", [_sdp_line(line, frozenset(offer), cited) for line in answer]),
    ]


def _sdp_line(line: str, other: frozenset[str], cited: frozenset[str]) -> _SdpLine:
    classes = {"m": line.startswith("m="), "only": bool(other) and line not in other, "cited": line.strip() in cited}
    return _SdpLine(line, " ".join(name for name, applies in classes.items() if applies))
