"""A large run stays quick to open: ten thousand results with `PEERPROOF_SWEEP=10000`, four hundred otherwise."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from harness.report.render import write_report
from harness.results import CaseResult, ClauseResult, artefact_folder
from harness.tests.report.sample import BUILDS, RUN
from harness.verdict import Verdict
from harness.writing import RunWriter, write_atomically

RESULTS = min(int(os.environ.get("PEERPROOF_SWEEP", "400")), 10_000)
PACKETS = 50
_LABELS = ["Binding request", "Binding success response", "ClientHello", "DATA tsn {} binary", "SACK {}", "RTP seq {}"]


def _large_run(directory: Path) -> None:
    """Every frame of a failing case, and the cited one of a passing case, has layers and bytes."""
    dice = random.Random(1)
    results: list[CaseResult] = []
    for number in range(RESULTS):
        layer = ("dtls", "ice", "sctp", "sdp")[number % 4]
        case = f"cases/{layer}/test_rfc{8000 + number // 60}_{number % 20}_x.py::test_requirement_{number // 3}_is_kept"
        endpoints = ("reference", tuple(BUILDS)[number % 3])
        verdict = Verdict.FAIL if dice.random() < 0.03 else Verdict.PASS
        path = f"{artefact_folder(case, endpoints)}.json.gz"
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        rows = [_row(dice, frame, verdict is Verdict.FAIL or frame == 7) for frame in range(1, PACKETS + 1)]
        write_atomically(directory / path, json.dumps({"lanes": ["a", "b"], "rows": rows}))
        results.append(
            CaseResult(
                case,
                endpoints,
                verdict,
                message="expected 487, saw 400" if verdict is Verdict.FAIL else "",
                clauses=(ClauseResult("RFC8445-7.3.1.1-M2", verdict, (7,)),),
                artefacts={"ladder": path},
                unexpected="fail where a pass was expected" if verdict is Verdict.FAIL else "",
            )
        )
    with RunWriter(directory, RUN) as writer:
        writer.extend(results)
        writer.finish(duration_s=600.0)


def _row(dice: random.Random, frame: int, whole: bool) -> dict[str, object]:
    sender, receiver = dice.sample(["a", "b"], 2)
    row: dict[str, object] = {
        "t": frame / 1000 + dice.random() / 1000,
        "from": sender,
        "to": receiver,
        "kind": dice.choice(["stun", "dtls", "sctp", "rtp"]),
        "label": dice.choice(_LABELS).format(dice.randrange(1 << 32)),
        "frame": frame,
    }
    if whole:
        row["layers"] = [{"name": "STUN", "fields": [["transaction id", dice.randbytes(12).hex()], ["PRIORITY", "9"]]}]
        row["hex"] = dice.randbytes(120).hex()
    return row


@pytest.mark.timeout(600)
@pytest.mark.parametrize("browser", ["chromium"], indirect=True)
def test_a_large_run_opens_quickly_and_stays_small(tmp_path: Path, browser: Browser) -> None:
    _large_run(tmp_path)
    index = write_report(tmp_path)
    # As `du` counts: whole blocks, folders too.
    assert sum(path.stat().st_blocks * 512 for path in tmp_path.rglob("*")) < 10_000 * RESULTS
    page = browser.new_page()
    began = time.monotonic()
    page.goto(index.as_uri(), wait_until="commit")
    expect(page.locator(".findings li").first).to_be_visible()
    assert time.monotonic() - began < 2.0
    page.locator(".findings .title").first.click()
    expect(page.locator(".step.chosen")).to_be_visible()
    page.close()
