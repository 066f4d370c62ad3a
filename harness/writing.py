"""Writes what a run leaves (`harness.results` says what that is), while the run goes on."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from harness.results import JOURNAL_FILE, RESULTS_FILE, CaseResult, RunInfo, RunResults

__all__ = ["RunWriter", "write_atomically"]


class RunWriter:
    """Writes a run directory while the run goes on.

    Each `add` appends one journal line and flushes it; `results.json` is rewritten now and then, never spending more
    than a hundredth of the run's time on it, and once more at `finish`. Leaving the `with` block without `finish` (an
    exception, ctrl-C) writes what there is, marked unfinished.

    >>> with RunWriter(directory, run) as writer:       # doctest: +SKIP
    ...     writer.add(result)
    ...     writer.finish(clauses=coverage)
    """

    def __init__(self, directory: Path, run: RunInfo, *, resume: bool = False) -> None:
        """Start (or, with `resume`, go on with) the run in `directory`, which is created where missing."""
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._results = RunResults(run)
        if resume:
            self._results = replace(RunResults.load(directory), run=run)
        self._by_key = {result.key: result for result in self._results.results}
        self._began = time.monotonic()
        self._next_write = 0.0
        journal = directory / JOURNAL_FILE
        torn = resume and journal.exists() and not journal.read_bytes().endswith(b"\n")
        self._journal: IO[bytes] | None = journal.open("ab" if resume else "wb")
        if torn:
            self._journal.write(b"\n")
        self._append({"run": run.to_json()})
        self._write()

    @property
    def results(self) -> RunResults:
        """The run so far."""
        return replace(self._results, results=tuple(self._by_key.values()))

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._journal is not None:
            self._close()

    def has(self, case: str, endpoints: Iterable[str]) -> bool:
        """True when the run holds a result for this case on these endpoints already (a resumed run skips it)."""
        return (case, tuple(endpoints)) in self._by_key

    def add(self, result: CaseResult) -> None:
        """Keep a result; it is on disk when this returns."""
        self._by_key[result.key] = result
        self._append(result.to_json())
        if time.monotonic() >= self._next_write:
            self._write()

    def extend(self, results: Iterable[CaseResult]) -> None:
        """Keep many results at once, the journal flushed once."""
        for result in results:
            self._by_key[result.key] = result
            self._append(result.to_json(), flush=False)
        self._write()

    def describe(self, run: RunInfo) -> None:
        """Replace the description of the run, once builds or the capture method are known."""
        self._results = replace(self._results, run=run)
        self._append({"run": run.to_json()})

    def finish(
        self, *, clauses: Mapping[str, Mapping[str, Mapping[str, int]]] | None = None, duration_s: float | None = None
    ) -> RunResults:
        """Write the finished `results.json`, remove the journal and return the whole run."""
        elapsed = time.monotonic() - self._began if duration_s is None else duration_s
        self._results = replace(
            self._results,
            run=replace(self._results.run, finished=True, duration_s=elapsed),
            clauses=self._results.clauses if clauses is None else clauses,
        )
        self._close()
        (self.directory / JOURNAL_FILE).unlink(missing_ok=True)
        return self.results

    def _append(self, entry: Mapping[str, Any], *, flush: bool = True) -> None:
        if self._journal is None:
            raise ValueError("the run is finished")
        self._journal.write(json.dumps(entry, ensure_ascii=True).encode() + b"\n")
        if flush:
            self._journal.flush()

    def _write(self) -> None:
        began = time.monotonic()
        write_atomically(self.directory / RESULTS_FILE, _one_a_line(self.results.to_json()))
        ended = time.monotonic()
        self._next_write = ended + 100 * (ended - began)

    def _close(self) -> None:
        self._write()
        if self._journal is not None:
            self._journal.close()
            self._journal = None


def _one_a_line(data: Mapping[str, Any]) -> str:
    """`results.json` as text: one line a result, so that it can be read and compared by line."""
    parts = {name: json.dumps(value) for name, value in data.items() if name != "results"}
    parts["results"] = "[\n" + ",\n".join(json.dumps(result) for result in data["results"]) + "\n]"
    return "{" + ",\n".join(f'"{name}": {text}' for name, text in parts.items()) + "}\n"


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a SIGKILL, never meets half of it: a sibling is written and renamed over it.

    A name that ends in `.gz` gets the content compressed.
    """
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
