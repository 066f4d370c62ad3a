from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.results import (
    JOURNAL_FILE,
    RESULTS_FILE,
    RunResults,
)
from harness.tests.test_results import RUN, case
from harness.verdict import Verdict
from harness.writing import RunWriter


def test_a_finished_run_is_one_file(tmp_path: Path) -> None:
    with RunWriter(tmp_path, RUN) as writer:
        writer.add(case(1))
        writer.add(case(1, Verdict.FAIL))
        writer.add(case(2))
        writer.finish(duration_s=2.0)
    assert [path.name for path in tmp_path.iterdir()] == [RESULTS_FILE]
    loaded = RunResults.load(tmp_path)
    assert loaded.run.finished
    assert loaded.run.duration_s == 2.0
    assert [(result.case[-1], result.verdict) for result in loaded.results] == [
        ("1", Verdict.FAIL),
        ("2", Verdict.PASS),
    ]


def test_an_interrupted_run_is_on_disk_and_can_be_resumed(tmp_path: Path) -> None:

    def interrupted() -> None:
        with RunWriter(tmp_path, RUN) as writer:
            writer.add(case(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not RunResults.load(tmp_path).run.finished
    with RunWriter(tmp_path, RUN, resume=True) as writer:
        assert writer.has("cases/x.py::test_1", ["chromium"])
        writer.add(case(2))
        assert len(writer.finish().results) == 2


def test_what_an_interrupted_run_learned_late_is_kept(tmp_path: Path) -> None:
    with RunWriter(tmp_path, replace(RUN, builds={})) as writer:
        writer.add(case(1))
        writer.describe(RUN)
        assert RunResults.load(tmp_path).run.builds == RUN.builds


def test_a_killed_run_is_readable_and_resumable(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from harness.tests.test_results import RUN, case
from harness.writing import RunWriter
writer = RunWriter(Path(sys.argv[1]), RUN)
for number in range(100000):
    writer.add(case(number))
    if number == 50:
        print("ready", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    loaded = RunResults.load(tmp_path)
    assert len(loaded.results) > 50
    assert json.loads((tmp_path / RESULTS_FILE).read_text())["run"]["finished"] is False
    with RunWriter(tmp_path, RUN, resume=True) as writer:
        assert len(writer.finish().results) >= len(loaded.results)


def test_a_journal_cut_anywhere_is_readable_and_resumable(tmp_path: Path) -> None:
    """What a SIGKILL, or a full disk, may leave: every so many bytes of the journal."""
    whole = tmp_path / "whole"
    with RunWriter(whole, RUN) as writer:
        for number in range(3):
            writer.add(case(number))
        journal, left = (whole / JOURNAL_FILE).read_bytes(), (whole / RESULTS_FILE).read_bytes()
    head = journal.index(b"\n") + 1
    found: set[int] = set()
    for cut in [*range(0, len(journal), 97), head - 1, head, len(journal)]:
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / JOURNAL_FILE).write_bytes(journal[:cut])
        (folder / RESULTS_FILE).write_bytes(left)
        kept = [result.case for result in RunResults.load(folder).results]
        assert kept == [case(number).case for number in range(len(kept))]
        with RunWriter(folder, RUN, resume=True) as resumed:
            resumed.add(case(7))
        again = [result.case for result in RunResults.load(folder).results]
        assert again == [*kept, case(7).case]
        found.add(len(kept))
    assert found >= {2, 3}
