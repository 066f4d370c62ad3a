"""The doctor's findings: what is well, what is missing, and what to do about it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness import browsers, doctor
from harness.doctor import Finding, Level


async def test_every_finding_that_is_not_well_has_a_remedy() -> None:
    findings = await doctor.examine(start_browsers=False)
    assert all(finding.remedy for finding in findings if finding.level is not Level.OK)
    assert {"reference peer", "chromium", "firefox"} <= {finding.what for finding in findings}


async def test_a_missing_browser_makes_the_machine_unfit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find", lambda browser: None)
    findings = await doctor.examine(start_browsers=False)
    missing = [finding for finding in findings if finding.what == "chromium"]
    assert missing == [
        Finding(
            "chromium",
            Level.MISSING,
            "Chromium not found; run `python -m harness browsers --install`",
            browsers.INSTALL_COMMAND,
        )
    ]
    assert not doctor.fit(findings)


def test_refused_raw_sockets_are_a_limit_and_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.capture.sniffer.probe", lambda: (False, "raw sockets are refused"))
    finding = doctor._capture()
    assert finding.level is Level.LIMITED
    assert finding.detail.startswith("raw sockets are refused")
    assert doctor.fit([finding])


def test_findings_are_shown() -> None:
    shown = Console(file=io.StringIO(), width=120, record=True)
    shown.print(doctor.table([Finding("a browser", Level.MISSING, "nowhere", "get one")]))
    text = shown.export_text()
    assert "missing" in text
    assert "get one" in text
