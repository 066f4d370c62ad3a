"""Findings as files, and the four things a replay says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.fuzz.finding import Finding, FindingError, Replay, replay
from harness.fuzz.target import Problem
from harness.tests.fuzz.planted import Planted

FOUND = Finding(
    "planted", ("reference",), Problem("planted", "TooLarge", message='a "quoted" \\ message'), {"number": 5000}
)


def test_it_is_read_as_it_was_written() -> None:
    assert Finding.parse(FOUND.serialize()) == FOUND


def test_its_address_is_its_content() -> None:
    assert FOUND.id == Finding("planted", ("reference",), Problem("planted", "TooLarge"), {"number": 5000}, seed=9).id
    assert FOUND.id != Finding("planted", ("reference",), Problem("planted", "TooLarge"), {"number": 5001}).id


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"problem": {}}', '{"target": 1, "endpoints": 2, "problem": 3}'])
def test_what_is_no_finding_is_refused(text: str) -> None:
    with pytest.raises(FindingError):
        Finding.parse(text)


def test_fixed_failed_and_drifted() -> None:
    assert replay(FOUND, Planted())[0] is Replay.FAILED
    assert replay(FOUND, Planted(limit=10_000))[0] is Replay.FIXED
    assert replay(FOUND, Planted(other=5))[0] is Replay.DRIFTED


def test_the_program_of_a_finding_runs_by_itself(tmp_path: Path) -> None:
    found = Finding("sdp-parse", ("reference",), Problem("exception", "KeyError"), {"sdp": 'v=0\r\n"""\\', "marks": []})
    folder = found.save(tmp_path, {"input.sdp": "v=0"})
    done = subprocess.run([sys.executable, folder / "repro.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[0]) == (0, "FIXED"), done.stderr
    assert sorted(file.name for file in folder.iterdir()) == ["finding.json", "input.sdp", "repro.py"]
