"""What goes wrong in one cell stays in that cell: its verdict and message are clear, the others run, results are
kept.
"""

from __future__ import annotations

import os
import shlex
import signal
from pathlib import Path

import pytest

from harness import browsers
from harness.matrix.cell import Cell
from harness.matrix.row import Row, Stage, Unsupported
from harness.matrix.rows import ROWS
from harness.matrix.run import Progress, cells, run
from harness.results import CaseResult, RunResults
from harness.scene import Scene
from harness.verdict import Verdict

REFERENCE = Cell("reference", "reference")
DATA = [ROWS["data"]]


def by_cell(results: RunResults) -> dict[tuple[str, ...], CaseResult]:
    return {result.endpoints: result for result in results.cells}


def test_every_ordered_pair_is_a_cell() -> None:
    assert [str(cell) for cell in cells(("a", "b"))] == ["a -> a", "a -> b", "b -> a", "b -> b"]


async def test_the_reference_meets_itself(tmp_path: Path) -> None:
    results = await run(tmp_path, [REFERENCE], rows=DATA, seed=1)
    (cell,) = results.cells
    assert (cell.verdict, cell.message) == (Verdict.PASS, "")
    assert cell.facts["dtls_version"] in ("DTLSv1.2", "DTLSv1.3")
    assert cell.facts["named_group"]
    assert cell.facts["ice_pair"]
    assert isinstance(cell.facts["setup_ms"], float)
    assert set(cell.artefacts) >= {"pcapng", "decrypted_pcapng", "keys", "offer_sdp", "answer_sdp", "ladder", "trace"}
    assert RunResults.load(tmp_path).run.finished


async def test_a_missing_browser_is_an_error_and_the_other_cells_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "find", lambda browser: None)
    results = by_cell(await run(tmp_path, [Cell("reference", "firefox"), REFERENCE], rows=DATA, seed=1))
    missing = results["reference", "firefox"]
    assert missing.verdict is Verdict.ERROR
    assert missing.message == "Firefox not found; run `python -m harness browsers --install`"
    assert results["reference", "reference"].verdict is Verdict.PASS


async def test_without_raw_sockets_the_peers_own_account_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("harness.capture.ring.Ring.__init__", refused)
    results = await run(tmp_path, [REFERENCE], rows=DATA, seed=1)
    assert results.run.capture == "tap"
    assert results.run.host["capture"].startswith("raw sockets are refused")
    assert results.cells[0].verdict is Verdict.PASS
    assert results.cells[0].facts["dtls_version"]


async def test_a_browser_that_dies_is_a_crash_and_the_next_cell_has_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser is started by a wrapper that leaves its process id behind, and killed while messages are
    exchanged.
    """
    found = browsers.require(browsers.Browser.CHROMIUM)
    pid = tmp_path / "pid"
    wrapper = tmp_path / "chromium"
    wrapper.write_text(f'#!/bin/sh\necho $$ > {pid}\nexec {shlex.quote(found.executable)} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PEERPROOF_CHROMIUM", str(wrapper))
    dying, surviving = Cell("chromium", "reference"), Cell("reference", "chromium")
    on_disk: list[int] = []

    def listen(progress: Progress) -> None:
        if progress.cell == dying and progress.doing == "exchanging messages":
            os.kill(int(pid.read_text()), signal.SIGKILL)
        if progress.result is not None:
            on_disk.append(len(RunResults.load(tmp_path / "run").results))

    results = by_cell(await run(tmp_path / "run", [dying, surviving], rows=DATA, seed=1, listen=listen))
    crashed = results[dying.endpoints]
    assert crashed.verdict is Verdict.CRASH
    assert "chromium" in crashed.message
    assert "its browser went away" in crashed.message
    assert crashed.artefacts["trace"]
    assert results[surviving.endpoints].verdict is Verdict.PASS
    assert on_disk == [1, 2]


async def test_artefacts_that_can_not_be_written_do_not_hide_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> dict[str, str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Scene, "save", full)
    (cell,) = (await run(tmp_path, [REFERENCE], rows=DATA, seed=1)).cells
    assert cell.verdict is Verdict.ERROR
    assert "No space left on device" in cell.message
    assert cell.facts["setup_ms"]


async def test_a_bug_of_ours_is_an_error_with_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a bug of ours")

    monkeypatch.setattr("harness.matrix.meeting.Meeting.judge_packets", broken)
    (cell,) = (await run(tmp_path, [REFERENCE], rows=DATA, seed=1)).cells
    assert cell.verdict is Verdict.ERROR
    assert "a bug of ours" in cell.message
    assert "Traceback" in cell.message


async def test_what_a_pair_or_the_machine_lacks_is_said_and_nothing_is_started(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        if stage.cell.offerer == "firefox":
            raise Unsupported("found out late")
        raise AssertionError("not to be played")

    row = Row(
        "odd", "", play, needs=(lambda: "no root here",), lacks=lambda cell: "only browsers" * (cell == REFERENCE)
    )
    free = Row("free", "", play)
    one, two = (await run(tmp_path / "a", [REFERENCE, Cell("chromium", "reference")], rows=[row], seed=1)).cells
    (three,) = (await run(tmp_path / "b", [Cell("firefox", "reference")], rows=[free], seed=1)).cells
    assert [cell.verdict for cell in (one, two, three)] == [Verdict.UNSUPPORTED] * 3
    assert [cell.message for cell in (one, two, three)] == ["only browsers", "no root here", "found out late"]
    assert not any(cell.unexpected or cell.artefacts for cell in (one, two, three))
