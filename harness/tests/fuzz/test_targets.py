"""A short derandomised campaign of every target on our own peer: nothing is found, and something is covered."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.fuzz.campaign import Campaign, Limits
from harness.fuzz.finding import Finding, Replay, replay
from harness.fuzz.sdp import FIXTURES
from harness.fuzz.targets import TARGETS, make

EXAMPLES = 40
REGRESSIONS = sorted(FIXTURES.joinpath("regressions").glob("*.json"))


@pytest.mark.parametrize("name", TARGETS)
def test_a_short_campaign(name: str, tmp_path: Path) -> None:
    with make(name) as target:
        campaign = Campaign(
            target, tmp_path, seed=20_261_121, limits=Limits(examples=EXAMPLES, shrinking=2.0), derandomize=True
        )
        progress = campaign.run()
    assert not progress.fresh, "\n".join(f"{found.problem}\n{found.problem.message}" for found in progress.fresh)
    assert progress.here >= EXAMPLES
    assert len(progress.cells) > 10


@pytest.mark.parametrize("file", REGRESSIONS, ids=lambda file: file.stem)
def test_what_was_found_once_stays_fixed(file: Path) -> None:
    finding = Finding.load(file)
    with make(finding.target, finding.endpoints) as target:
        outcome, words = replay(finding, target)
    assert outcome is Replay.FIXED, words
