from __future__ import annotations

from pathlib import Path

from harness.report.nat_view import Crossed, crossings
from harness.report.render import write_report
from harness.results import CaseResult, Fact, RunInfo, RunResults, matrix_case
from harness.verdict import Verdict
from harness.writing import RunWriter

RUN = RunInfo("now", "2026-11-21T11:00:00+00:00", 1, builds={"reference": "0.1", "chromium": "157"})
DIRECT = "srflx 198.51.100.10:11882 - prflx 198.51.100.20:15130 (udp), {} ms"
RELAYED = "relay 198.51.100.254:5 - srflx 198.51.100.20:1 (udp), 20 ms"


def run(*told: Fact) -> RunResults:
    pairs = (("reference", "reference"), ("reference", "chromium"))
    results = [
        CaseResult(matrix_case("nat-all"), pair, Verdict.PASS, facts={"crossed": crossed})
        for pair, crossed in zip(pairs, told, strict=False)
    ]
    return RunResults(RUN, tuple(results))


def test_a_run_without_nats_has_no_table() -> None:
    assert crossings(run(None, {"a - b": "odd"})) is None


def test_a_cell_says_how_all_pairs_of_endpoints_crossed_those_nats(tmp_path: Path) -> None:
    seen = run(
        {"cone - symmetric": DIRECT.format(9), "hairpin - hairpin": DIRECT.format(7)},
        {"cone - symmetric": DIRECT.format(390), "symmetric - cone": RELAYED},
    )
    table = crossings(seen)
    assert table is not None
    assert table.names == ("cone", "symmetric")
    assert table.rows[0] == (None, Crossed("direct", (("srflx - prflx", 2),), 390))
    assert table.rows[1] == (Crossed("relay", (("relay - srflx", 1),), 20), None)
    assert table.alone == (("hairpin", Crossed("direct", (("srflx - prflx", 1),), 7)),)
    with RunWriter(tmp_path, RUN) as writer:
        for result in seen.results:
            writer.add(result)
        writer.finish(duration_s=1.0)
    assert "srflx - prflx (2)" in write_report(tmp_path).read_text(encoding="utf-8")


def test_ways_that_differ_are_mixed() -> None:
    table = crossings(run({"a - b": RELAYED}, {"a - b": DIRECT.format(5)}))
    assert table is not None
    (cell,) = (cell for row in table.rows for cell in row if cell is not None)
    assert cell.way == "mixed"
