"""Every case can fail: each has a planted fault (`cases/*/faults.py`), and turns red when the reference peer has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.results import RunResults
from harness.verdict import Verdict

ROOT = Path(__file__).parents[2]
RED = {Verdict.FAIL, Verdict.WEAK, Verdict.TIMEOUT, Verdict.CRASH}
FOLDERS = sorted(path.parent.name for path in (ROOT / "cases").glob("*/faults.py"))


@pytest.mark.timeout(600)
def test_every_case_turns_red_under_its_own_fault(tmp_path: Path) -> None:
    """Many side by side: what a fault breaks is mostly waited for."""
    folders = [f"cases/{folder}" for folder in FOLDERS]
    options = ["--planted", "--endpoints=reference", "-n=4", "--keep=none", "-q", "--tb=no", "-pno:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *folders, *options, f"--report-dir={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    results = RunResults.load(tmp_path).results
    green = [(one.case, one.verdict, one.message) for one in results if one.verdict not in RED]
    assert not green
    assert len(results) > 250, done.stdout[-2000:]


def test_every_folder_of_cases_has_its_table_of_faults() -> None:
    with_cases = {path.parent.name for path in (ROOT / "cases").glob("*/test_*.py")} - {"interop"}
    assert with_cases == set(FOLDERS)
