"""Renders a run directory: `index.html`, `junit.xml`, `summary.md`."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.report.evidence import Evidence, read_evidence
from harness.report.junit import junit_xml
from harness.report.model import CasePage, Describe, case_page, overview
from harness.report.packing import pack
from harness.report.summary import PastRun, markdown, read_history
from harness.results import RunResults, write_atomically
from harness.verdict import Verdict

__all__ = ["render", "write_report"]

_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_HEX_BYTES = 512


def write_report(directory: Path, *, history: Path | None = None, describe: Describe | None = None) -> Path:
    """Render the run in `directory` and return the path of its `index.html`.

    `history` is a `history.jsonl` to compare with; `describe` gives our paraphrase of a clause id and, where RFC
    texts are at hand, its sentence. Raises `ResultsError` when the directory holds no results.
    """
    run = RunResults.load(directory)
    past = read_history(history) if history else ()
    index = directory / "index.html"
    write_atomically(index, render(run, directory, past=past, describe=describe))
    write_atomically(directory / "junit.xml", junit_xml(run))
    write_atomically(directory / "summary.md", markdown(run))
    return index


def render(run: RunResults, directory: Path, *, past: Iterable[PastRun] = (), describe: Describe | None = None) -> str:
    """The one HTML file of a run, as text."""
    past = tuple(past)
    environment = _environment()
    style, script = _asset("report.css"), _asset("report.js")
    return environment.get_template("index.html.j2").render(
        view=overview(run, past),
        verdicts=_VERDICTS,
        version=_version(),
        style=style,
        script=script,
        style_hash=_digest(style),
        script_hash=_digest(script),
        clause_pages=frozenset[str](),
        pages=_case_pages(environment, run, directory, past, describe),
    )


def _case_pages(
    environment: Environment, run: RunResults, directory: Path, past: tuple[PastRun, ...], describe: Describe | None
) -> Iterator[tuple[str, str]]:
    template = environment.get_template("case.html.j2")
    options = {"describe": describe} if describe else {}
    for result in run.results:
        evidence = read_evidence(directory, result.artefacts)
        page = case_page(result, evidence, history=past, **options)
        html = template.render(page=page, drawn=_drawn(page), sdp=_sdp(evidence, page.cited_lines))
        yield f"case/{page.id}", pack(html)


def _drawn(page: CasePage) -> frozenset[int]:
    """Frames a link can lead to."""
    steps = page.drawing.steps if page.drawing else ()
    return frozenset(step.row.frame for step in steps if step.row and step.row.frame is not None)


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


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "duration": _duration,
        "fact": _fact,
        "hexdump": _hexdump,
        "local": _local,
        "slug": lambda text: re.sub(r"[^a-z0-9]+", "-", str(text).lower()),
    }
    environment.filters.update(filters)
    return environment


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _fact(value: object) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _hexdump(data: bytes) -> str:
    lines: list[str] = []
    for start in range(0, min(len(data), _HEX_BYTES), 16):
        part = data[start : start + 16]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{start:04x}  {part.hex(' '):<47}  {text}")
    if len(data) > _HEX_BYTES:
        lines.append(f"... {len(data) - _HEX_BYTES} more bytes; the pcapng has them")
    return "\n".join(lines)


def _local(path: str) -> str:
    """A link to a file below the report; whatever else an artefact's path claims to be, it stays a relative path."""
    parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in {"/", "..", "."}]
    return "./" + quote("/".join(parts))


@cache
def _asset(name: str) -> str:
    return files("harness.report").joinpath("templates", name).read_text("utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _version() -> str:
    try:
        return version("peerproof")
    except PackageNotFoundError:
        return "from a source tree"
