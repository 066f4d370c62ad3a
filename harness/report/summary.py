"""The short forms of a run: a Markdown summary for CI job pages, and the line `history.jsonl` gets."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.results import CaseResult, RunResults, artefact_folder
from harness.verdict import Verdict

__all__ = ["PastRun", "append_history", "history_entry", "markdown", "read_history", "result_id", "tally"]

_ID = 8
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&@])")


def tally(results: Iterable[CaseResult]) -> dict[str, int]:
    """How many results have each verdict; only verdicts that occur, in the order of `Verdict`."""
    counts = Counter(result.verdict for result in results)
    return {verdict.value: counts[verdict] for verdict in Verdict if counts[verdict]}


def markdown(run: RunResults) -> str:
    """A summary in GitHub's Markdown; whatever a peer said is escaped."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in tally(run.results).items()) or "no results"
    state = "" if run.run.finished else " (unfinished)"
    lines = [
        f"## Peerproof: {len(run.unexpected)} unexpected of {len(run.results)}{state}",
        "",
        f"{counts}. Seed {run.run.seed}, capture {_escape(run.run.capture)}, {run.run.duration_s:.1f} s.",
        "",
        "| endpoint | build |",
        "|---|---|",
        *(f"| {_escape(name)} | {_escape(build)} |" for name, build in run.run.builds.items()),
        "",
    ]
    if run.unexpected:
        lines += ["### Unexpected", "", "| case | endpoints | verdict | why |", "|---|---|---|---|"]
        lines += [_unexpected_row(result) for result in run.unexpected[:50]]
        lines += ["", f"... and {len(run.unexpected) - 50} more.", ""] if len(run.unexpected) > 50 else [""]
    if run.cells:
        lines += _matrix(next(iter(run.rows.values())))
        lines += _rows(run.rows)
    return "\n".join(lines)


def _unexpected_row(result: CaseResult) -> str:
    message = _escape(result.message.splitlines()[0][:200]) if result.message else ""
    why = _escape(result.unexpected) + (f": {message}" if message else "")
    return f"| {_escape(result.case)} | {_escape(' to '.join(result.endpoints))} | {result.verdict.value} | {why} |"


def _matrix(cells: Iterable[CaseResult]) -> list[str]:
    by_pair = {cell.endpoints: cell for cell in cells}
    names = list(dict.fromkeys(name for pair in by_pair for name in pair))
    lines = ["### Matrix (offerer down, answerer across)", "", "| |" + "".join(f" {_escape(name)} |" for name in names)]
    lines.append("|---|" + "---|" * len(names))
    for offerer in names:
        found = [by_pair.get((offerer, answerer)) for answerer in names]
        lines.append(
            f"| **{_escape(offerer)}** |" + "".join(f" {cell.verdict.value if cell else ''} |" for cell in found)
        )
    return [*lines, ""]


def _rows(rows: Mapping[str, Iterable[CaseResult]]) -> list[str]:
    if len(rows) < 2:
        return []
    pairs = list(dict.fromkeys(cell.endpoints for cells in rows.values() for cell in cells))
    lines = ["| row |" + "".join(f" {_escape(' to '.join(pair))} |" for pair in pairs), "|---|" + "---|" * len(pairs)]
    for name, cells in rows.items():
        found = {cell.endpoints: cell.verdict.value for cell in cells}
        lines.append(f"| **{_escape(name)}** |" + "".join(f" {found.get(pair, '')} |" for pair in pairs))
    return [*lines, ""]


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def history_entry(run: RunResults) -> dict[str, Any]:
    """The line of a run in `history.jsonl`: builds, figures, and the verdict of every result.

    The verdicts are kept as one string a letter, the ids (8 characters each) of the results that have it: a run of ten
    thousand results takes 80 kB.
    """
    verdicts: dict[str, str] = defaultdict(str)
    for result in run.results:
        verdicts[result.verdict.letter] += result_id(result.case, result.endpoints)
    return {
        "id": run.run.id,
        "started": run.run.started,
        "builds": dict(run.run.builds),
        "harness": run.run.host.get("harness", ""),
        "seed": run.run.seed,
        "tally": tally(run.results),
        "unexpected": len(run.unexpected),
        "setup_ms": {
            " ".join(cell.endpoints): value
            for cell in run.rows.get("data", ())
            if isinstance(value := cell.facts.get("setup_ms"), (int, float))
        },
        "verdicts": dict(verdicts),
    }


def result_id(case: str, endpoints: Iterable[str]) -> str:
    """Eight hexadecimal digits that name a result, the same in every run (and the end of its artefact folder's
    name)."""
    return artefact_folder(case, endpoints).name[-_ID:]


@dataclass(frozen=True, slots=True)
class PastRun:
    """A line of the history, read; `verdicts` by result id, `harness` is its commit where that is known."""

    id: str
    started: str
    builds: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    harness: str = ""

    @classmethod
    def parse(cls, line: str) -> PastRun:
        """Raises ValueError (or a sibling: KeyError, TypeError, AttributeError) when the line isn't a run."""
        data = json.loads(line)
        letters = {verdict.letter: verdict for verdict in Verdict}
        verdicts = {
            ids[start : start + _ID]: letters[letter]
            for letter, ids in data["verdicts"].items()
            for start in range(0, len(ids), _ID)
        }
        builds = {str(name): str(build) for name, build in data["builds"].items()}
        return cls(str(data["id"]), str(data["started"]), builds, verdicts, str(data.get("harness", "")))


def append_history(path: Path, run: RunResults) -> None:
    """Append the run to a history file; one line, one write, so that two writers don't mix."""
    line = json.dumps(history_entry(run), separators=(",", ":")) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(line)


def read_history(path: Path, *, last: int = 30) -> tuple[PastRun, ...]:
    """The last runs of a history file, oldest first; lines that make no sense are skipped."""
    if not path.exists():
        return ()
    runs: list[PastRun] = []
    for line in path.read_text("utf-8", "replace").splitlines()[-last:]:
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            runs.append(PastRun.parse(line))
    return tuple(runs)
