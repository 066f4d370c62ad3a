"""Every case can fail: each has a planted fault (`cases/*/faults.py`), and turns red when the reference peer has it."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.verdict import Verdict

ROOT = Path(__file__).parents[2]
RED = {Verdict.FAIL, Verdict.WEAK, Verdict.TIMEOUT, Verdict.CRASH}
FOLDERS = sorted(path.parent.name for path in (ROOT / "cases").glob("*/faults.py"))


@pytest.mark.timeout(600)
def test_every_case_turns_red_under_its_own_fault(tmp_path: Path) -> None:
    """A run for each folder, some side by side: what a fault breaks is mostly waited for."""
    with ThreadPoolExecutor(max_workers=4) as runs:
        results = [
            one for found in runs.map(lambda folder: planted(folder, tmp_path / folder), FOLDERS) for one in found
        ]
    green = [(one["case"], one["verdict"], one["message"]) for one in results if one["verdict"] not in RED]
    assert len(results) > 250
    assert not green


def planted(folder: str, report: Path) -> list[dict[str, Any]]:
    """The results of a folder's cases, each under its fault."""
    command = [sys.executable, "-m", "pytest", f"cases/{folder}", "--planted", "--endpoints", "reference"]
    command += ["--report-dir", str(report), "-q", "--tb=no", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (report / "results.json").exists(), done.stdout[-2000:]
    found: list[dict[str, Any]] = json.loads((report / "results.json").read_text(encoding="utf-8"))["results"]
    return found


def test_every_folder_of_cases_has_its_table_of_faults() -> None:
    with_cases = {path.parent.name for path in (ROOT / "cases").glob("*/test_*.py")} - {"interop"}
    assert with_cases == set(FOLDERS)
