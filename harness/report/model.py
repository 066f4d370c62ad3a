"""What the report shows, computed from a run: no HTML here, and nothing the templates would have to work out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import PurePosixPath
from shlex import quote
from typing import Any

from harness.report.evidence import Evidence
from harness.report.ladder import Drawing, Mark, draw
from harness.report.summary import PastRun, result_id, tally
from harness.results import CaseResult, ClauseResult, RunResults
from harness.verdict import Verdict

__all__ = ["CasePage", "Overview", "case_page", "overview", "sentence", "witnesses"]

_SECTION = re.compile(r"test_(?P<body>rfc|w3c)?(?P<number>\d{4})?_?(?P<section>\d+(?:_\d+)*)?_?(?P<rest>.*)")
_MOST_UNEXPECTED = 200
_NEW = "a new case"


@dataclass(frozen=True, slots=True)
class Past:
    """A result of an earlier run, for the history strip; `verdict` is None where that run had no such result."""

    run: str
    started: str
    builds: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Chip:
    """One result as a letter that leads to its page. `change` says what it was before, or that it is new; empty when
    the same."""

    id: str
    verdict: Verdict
    endpoints: str
    unexpected: str
    message: str
    case: str
    title: str
    change: str = ""
    flaky: bool = False
    frame: int | None = None

    @property
    def href(self) -> str:
        """The route of the case page, at the offending frame where there is one."""
        return f"#/case/{self.id}" + (f"/{self.frame}" if self.frame else "")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix; `chip` is None where the pair was not run."""

    offerer: str
    answerer: str
    chip: Chip | None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the matrix: what is played, and how each pair did, in the order of `Overview.pairs`."""

    name: str
    about: str
    cells: tuple[Cell, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why pairs could not play it, each reason once."""
        return tuple(
            dict.fromkeys(
                cell.chip.message for cell in self.cells if cell.chip and cell.chip.verdict is Verdict.UNSUPPORTED
            )
        )


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One line of the big matrix: a case and its chips by column."""

    case: str
    title: str
    chips: tuple[tuple[Chip, ...], ...]

    @property
    def letters(self) -> str:
        """The letters that occur, for the filter."""
        return "".join(sorted({chip.verdict.letter for column in self.chips for chip in column}))

    @property
    def unexpected(self) -> bool:
        return any(chip.unexpected for column in self.chips for chip in column)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of one file."""

    path: str
    layer: str
    title: str
    lines: tuple[CaseLine, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """Coverage of one RFC (of all of them, where it names none) at one level."""

    rfc: str
    level: str
    covered: int
    total: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return min(1.0, self.covered / self.total) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen."""

    run: RunResults
    tally: Mapping[str, int]
    unexpected: tuple[Chip, ...]
    more_unexpected: int
    fixed: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    pairs: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    files: tuple[CaseFile, ...]
    layers: tuple[str, ...]
    bars: tuple[tuple[str, tuple[Bar, ...]], ...]
    levels: tuple[Bar, ...]
    idle_documents: tuple[str, ...]
    flakes: int
    previous: str
    changed_builds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """A clause as judged on a case page. `about` is our paraphrase, `text` the RFC's sentence where texts are at
    hand."""

    result: ClauseResult
    about: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class CasePage:
    """The page of one result. `headline` is the first line of its message, `transcript` the others."""

    id: str
    result: CaseResult
    title: str
    where: str
    headline: str
    transcript: tuple[str, ...]
    clauses: tuple[ClauseLine, ...]
    evidence: Evidence
    drawing: Drawing | None
    marks: Mapping[int, Mark]
    cited_lines: frozenset[str]
    strip: tuple[Past, ...]
    last_good: str
    first_bad: str
    reproduce: str
    artefacts: tuple[tuple[str, str], ...]


def sentence(case: str) -> str:
    """A test's name as it reads: `x.py::test_answers_487[a]` gives `answers 487 [a]`."""
    name = case.rpartition("::")[2] or case
    stem, bracket, rest = name.partition("[")
    return stem.removeprefix("test_").replace("_", " ") + (f" [{rest}" if bracket else "")


def file_title(path: str) -> str:
    """A file's name as it reads: `test_rfc8445_7_3_1_1_role_conflicts.py` gives `RFC 8445 section 7.3.1.1: role
    conflicts`."""
    found = _SECTION.fullmatch(PurePosixPath(path).stem)
    if found is None or found["body"] is None:
        return PurePosixPath(path).stem.removeprefix("test_").replace("_", " ")
    body = f"RFC {found['number']}" if found["number"] else "W3C"
    section = f" section {found['section'].replace('_', '.')}" if found["section"] else ""
    rest = found["rest"].replace("_", " ")
    return f"{body}{section}" + (f": {rest}" if rest else "")


def column_of(result: CaseResult) -> str:
    """The endpoint a case result is about; empty when it names none."""
    return next(iter(result.subjects), "")


def _chip(result: CaseResult, before: PastRun | None) -> Chip:
    identity = result_id(result.case, result.endpoints)
    was = before.verdicts.get(identity) if before else None
    change = f"was {was.value} before" if was is not None and was is not result.verdict else ""
    if before is not None and was is None:
        change = _NEW
    broken = [frame for clause in result.clauses if clause.verdict is not Verdict.PASS for frame in clause.frames]
    return Chip(
        id=identity,
        verdict=result.verdict,
        endpoints=" to ".join(result.endpoints),
        unexpected=result.unexpected,
        message=_first_line(result.message),
        case=result.case,
        title=f"interop: {result.row}" if result.is_cell else sentence(result.case),
        change=change,
        flaky=result.flaky,
        frame=broken[0] if broken else None,
    )


def _news(chip: Chip) -> int:
    """How new it is: 0 for what has changed, 1 for what wasn't there, 2 for what is as it was."""
    return 2 if not chip.change else 1 if chip.change == _NEW else 0


def _first_line(message: str) -> str:
    line = next((line.strip() for line in message.splitlines() if line.strip()), "")
    return line if len(line) <= 240 else line[:239] + "…"


def overview(run: RunResults, history: Iterable[PastRun] = ()) -> Overview:
    """The first screen; `history` are earlier runs, oldest first."""
    past = [entry for entry in history if entry.id != run.run.id]
    before = past[-1] if past else None
    chips = {result.key: _chip(result, before) for result in run.results}
    # What changed since the run before comes first, then what the endpoint did, then what the run suffered.
    order = sorted(run.unexpected, key=lambda result: (_news(chips[result.key]), result.verdict.about_the_run))
    columns = _columns(run)
    names = _matrix_names(run)
    files = _files(run, columns, chips)
    return Overview(
        run=run,
        tally=tally(run.results),
        unexpected=tuple(chips[result.key] for result in order[:_MOST_UNEXPECTED]),
        more_unexpected=max(0, len(order) - _MOST_UNEXPECTED),
        fixed=tuple(
            f"{chip.title} ({chip.endpoints})"
            for chip in chips.values()
            if _news(chip) == 0 and chip.verdict is Verdict.PASS
        )[:20],
        cells=_grid(run, names, chips),
        pairs=tuple(product(names, names)),
        rows=_rows(run, names, chips),
        columns=columns,
        files=files,
        layers=tuple(dict.fromkeys(file.layer for file in files)),
        bars=_bars({rfc: levels for rfc, levels in run.clauses.items() if _touched(levels)}),
        levels=_levels(run.clauses),
        idle_documents=tuple(rfc for rfc, levels in run.clauses.items() if not _touched(levels)),
        flakes=sum(result.flaky for result in run.results),
        previous=f"{before.id} of {before.started[:16]}" if before else "",
        changed_builds=_changed_builds(run, before),
    )


def _changed_builds(run: RunResults, before: PastRun | None) -> tuple[str, ...]:
    if before is None:
        return ()
    old = {**before.builds, "the harness": before.harness}
    now = {**run.run.builds, "the harness": run.run.host.get("harness", "")}
    return tuple(
        f"{name} {old[name]} → {build}" for name, build in now.items() if old.get(name) not in ("", None, build)
    )


def _columns(run: RunResults) -> tuple[str, ...]:
    used = dict.fromkeys(column_of(result) for result in run.results if not result.is_cell)
    return tuple(
        [name for name in run.run.builds if name in used] + [name for name in used if name not in run.run.builds]
    )


def _files(run: RunResults, columns: tuple[str, ...], chips: Mapping[Any, Chip]) -> tuple[CaseFile, ...]:
    places = {name: position for position, name in enumerate(columns)}
    by_file: dict[str, dict[str, list[list[Chip]]]] = defaultdict(dict)
    for result in run.results:
        if result.is_cell:
            continue
        path = result.case.partition("::")[0]
        line = by_file[path].setdefault(result.case, [[] for _ in columns])
        line[places[column_of(result)]].append(chips[result.key])
    return tuple(
        CaseFile(path, _layer(path), file_title(path), tuple(_case_line(case, line) for case, line in lines.items()))
        for path, lines in sorted(by_file.items())
    )


def _case_line(case: str, line: list[list[Chip]]) -> CaseLine:
    return CaseLine(case, sentence(case), tuple(tuple(column) for column in line))


def _layer(path: str) -> str:
    parts = PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 else parts[0] if parts else ""


def _matrix_names(run: RunResults) -> list[str]:
    seen = dict.fromkeys(name for cell in run.cells for name in cell.endpoints)
    return [name for name in run.run.builds if name in seen] + [name for name in seen if name not in run.run.builds]


def _grid(run: RunResults, names: list[str], chips: Mapping[Any, Chip]) -> tuple[tuple[Cell, ...], ...]:
    """The first row of the matrix as a square: who offers, who answers, what they agreed on."""
    if not run.rows:
        return ()
    found = {cell.endpoints: cell for cell in next(iter(run.rows.values()))}
    return tuple(tuple(_cell(a, b, found.get((a, b)), chips) for b in names) for a in names)


def _rows(run: RunResults, names: list[str], chips: Mapping[Any, Chip]) -> tuple[Row, ...]:
    # Here and not above: the rows bring the endpoints along, which a report without a matrix does without.
    from harness.matrix.rows import ROWS

    return tuple(
        Row(
            name,
            ROWS[name].about if name in ROWS else "",
            tuple(_cell(a, b, _found(cells, a, b), chips) for a, b in product(names, names)),
        )
        for name, cells in run.rows.items()
    )


def _found(cells: Iterable[CaseResult], offerer: str, answerer: str) -> CaseResult | None:
    return next((cell for cell in cells if cell.endpoints == (offerer, answerer)), None)


def _cell(offerer: str, answerer: str, result: CaseResult | None, chips: Mapping[Any, Chip]) -> Cell:
    if result is None:
        return Cell(offerer, answerer, None)
    return Cell(offerer, answerer, chips[result.key], _cell_facts(result.facts))


def _cell_facts(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The facts that fit in a cell."""
    setup = facts.get("setup_ms")
    shown = [("set-up", f"{setup:.1f} ms" if isinstance(setup, (int, float)) else "")]
    names = (("DTLS", "dtls_version"), ("group", "named_group"), ("pair", "ice_pair"), ("SRTP", "srtp_profile"))
    shown += [(name, str(facts.get(key) or "").removeprefix("DTLSv")) for name, key in names]
    disagree = witnesses(facts)[1]
    shown += [("witnesses", f"{len(disagree)} disagree" if disagree else "")]
    return tuple((name, value) for name, value in shown if value)


def witnesses(facts: Mapping[str, Any]) -> tuple[int, tuple[str, ...]]:
    """What capture, peer and browser said about the same figures: how many were compared, and the disagreements."""
    said = facts.get("witnesses")
    if not isinstance(said, Mapping):
        return 0, ()
    compared, disagree = said.get("compared", 0), said.get("disagree", ())
    listed = tuple(str(one) for one in disagree) if isinstance(disagree, (list, tuple)) else ()
    return compared if isinstance(compared, int) else 0, listed


def _touched(levels: Mapping[str, Mapping[str, int]]) -> bool:
    return any(row.get("covered", 0) for row in levels.values())


def _bars(clauses: Mapping[str, Mapping[str, Mapping[str, int]]]) -> tuple[tuple[str, tuple[Bar, ...]], ...]:
    return tuple(
        (rfc, tuple(Bar(rfc, level, row.get("covered", 0), row.get("total", 0)) for level, row in levels.items()))
        for rfc, levels in clauses.items()
    )


def _levels(clauses: Mapping[str, Mapping[str, Mapping[str, int]]]) -> tuple[Bar, ...]:
    """Coverage of all documents together."""
    sums: dict[str, list[int]] = {}
    for levels in clauses.values():
        for level, row in levels.items():
            found = sums.setdefault(level, [0, 0])
            found[0] += row.get("covered", 0)
            found[1] += row.get("total", 0)
    return tuple(Bar("", level, covered, total) for level, (covered, total) in sums.items() if total)


Describe = Callable[[str], tuple[str, str]]


def _nothing_known(clause: str) -> tuple[str, str]:
    del clause
    return "", ""


def case_page(
    result: CaseResult,
    evidence: Evidence,
    *,
    history: Iterable[PastRun] = (),
    describe: Describe = _nothing_known,
    seed: int | None = None,
) -> CasePage:
    """The page of one result.

    `seed` is the run's; `describe` gives our paraphrase of a clause and its sentence, either may be empty.
    """
    identity = result_id(result.case, result.endpoints)
    marks = _marks(result.clauses)
    strip = tuple(_past(entry, identity) for entry in history)
    last_good, first_bad = _turning_point(strip)
    headline, *rest = result.message.strip("\n").splitlines() or [""]
    return CasePage(
        id=identity,
        result=result,
        title=" to ".join(result.endpoints) if result.is_cell else sentence(result.case),
        where=f"interop matrix: {result.row}" if result.is_cell else file_title(result.case.partition("::")[0]),
        headline=headline,
        transcript=tuple(rest),
        clauses=tuple(ClauseLine(clause, *describe(clause.id)) for clause in result.clauses),
        evidence=evidence,
        drawing=draw(evidence.ladder, marks) if evidence.ladder.rows else None,
        marks=marks,
        cited_lines=frozenset(clause.evidence.strip() for clause in result.clauses if clause.evidence.strip()),
        strip=strip,
        last_good=last_good,
        first_bad=first_bad,
        reproduce=_reproduce(result, seed),
        artefacts=tuple(result.artefacts.items()),
    )


def _marks(clauses: Iterable[ClauseResult]) -> dict[int, Mark]:
    cited: dict[int, dict[str, bool]] = defaultdict(dict)
    for clause in clauses:
        broken = clause.verdict in {Verdict.FAIL, Verdict.WEAK, Verdict.DISPUTED}
        for frame in clause.frames:
            cited[frame][clause.id] = cited[frame].get(clause.id, False) or broken
    return {frame: Mark(any(ids.values()), tuple(ids)) for frame, ids in cited.items()}


def _past(entry: PastRun, identity: str) -> Past:
    builds = ", ".join(f"{name} {build}" for name, build in entry.builds.items())
    return Past(entry.id, entry.started[:16], builds, entry.verdicts.get(identity))


def _turning_point(strip: tuple[Past, ...]) -> tuple[str, str]:
    """The builds of the last good run and of the first bad run after it; empty where the strip has no such turn."""
    good = [position for position, past in enumerate(strip) if past.verdict is Verdict.PASS]
    after = strip[good[-1] + 1 :] if good else ()
    bad = next((past for past in after if past.verdict is not None), None)
    return (strip[good[-1]].builds, bad.builds) if bad else ("", "")


def _reproduce(result: CaseResult, seed: int | None) -> str:
    among = ",".join(result.subjects)
    what = f"harness matrix --rows {_quote(result.row)}" if result.is_cell else f"pytest {_quote(result.case)}"
    return f"python -m {what} --endpoints {among}" + (f" --seed {seed}" if seed is not None else "")


def _quote(word: str) -> str:
    """The word as a shell takes it, with the signs that bring text to a new line made visible."""
    return quote(" ".join(word.split()))
