"""The loop: what it finds, keeps, resumes, and that nobody else gets in."""

from __future__ import annotations

import json
import multiprocessing
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.fuzz.campaign import STATE_FILE, Campaign, Limits, LockedError, locked
from harness.fuzz.finding import Finding, findings_below
from harness.fuzz.target import Example, Played, Problem
from harness.tests.fuzz.planted import Planted

LIMITS = Limits(seconds=20.0, examples=300, attempts=4)


def test_a_problem_is_found_shrunk_confirmed_and_kept(tmp_path: Path) -> None:
    progress = Campaign(Planted(), tmp_path, seed=1, limits=LIMITS).run()
    (found,) = progress.fresh
    assert found.example == {"number": 1000}, "not the smallest one"
    assert (found.confirmed, found.attempts) == (4, 4)
    assert Finding.load(tmp_path / found.id) == found
    assert progress.cells["1 digits"] > 0


@pytest.mark.parametrize(("oracle", "kept"), [("crash", True), ("hang", True), ("state", False)])
def test_what_a_dead_endpoint_left_behind_goes_with_the_finding(tmp_path: Path, oracle: str, kept: bool) -> None:
    class Deadly(Planted):
        remains: Mapping[str, bytes] = {"browser.log": b"died", "crash-0.dmp": b"MDMP"}

        def play(self, example: Example) -> Played:
            return Played.of((), Problem(oracle, "EndpointCrashed"))

    (found,) = Campaign(Deadly(), tmp_path, seed=1, limits=LIMITS).run().fresh
    files = {path.name for path in (tmp_path / found.id).iterdir()}
    assert ({"browser.log", "crash-0.dmp"} <= files) == kept


def test_what_was_interesting_is_in_the_database(tmp_path: Path) -> None:
    Campaign(Planted(), tmp_path, seed=1, limits=LIMITS).run()
    assert any(path.is_file() for path in (tmp_path / "examples").rglob("*"))


def test_two_problems_are_two_findings_and_neither_is_found_twice(tmp_path: Path) -> None:
    progress = Campaign(Planted(other=7), tmp_path, seed=1, limits=LIMITS).run()
    assert {found.problem.error for found in progress.fresh} == {"TooLarge", "Multiple"}
    again = Campaign(Planted(other=7), tmp_path, seed=2, limits=LIMITS).run()
    assert not again.fresh
    assert len(again.findings) == 2


def test_the_same_seed_gives_the_same_campaign(tmp_path: Path) -> None:
    runs = [Campaign(Planted(), tmp_path / name, seed=7, limits=LIMITS).run() for name in ("one", "two")]
    assert runs[0].cells == runs[1].cells


def test_a_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    first = Campaign(Planted(10**6), tmp_path, seed=3, limits=LIMITS).run()
    second = Campaign(Planted(10**6), tmp_path, seed=3, limits=LIMITS)
    assert second.progress.batch == first.batch > 0
    assert second.run().examples == first.here + second.progress.here
    assert json.loads((tmp_path / STATE_FILE).read_text())["examples"] == second.progress.examples


def test_ctrl_c_ends_it_with_everything_saved(tmp_path: Path) -> None:
    class Interrupted(Planted):
        def play(self, example: Example) -> Played:
            if self.plays == 120:
                raise KeyboardInterrupt
            return super().play(example)

    progress = Campaign(Interrupted(10**6), tmp_path, seed=1, limits=LIMITS).run()
    assert progress.here == 120
    assert json.loads((tmp_path / STATE_FILE).read_text())["examples"] == 120


def test_a_watcher_hears_before_the_first_example(tmp_path: Path) -> None:
    heard: list[int] = []
    limits = Limits(seconds=20.0, examples=10)
    Campaign(Planted(10**6), tmp_path, seed=1, limits=limits, watch=lambda progress: heard.append(progress.here)).run()
    assert heard == list(range(11))


def test_a_campaign_killed_at_any_time_is_readable_and_goes_on(tmp_path: Path) -> None:
    fork, dice, examples = multiprocessing.get_context("fork"), random.Random(9), 0
    for seed in range(4):
        limits = Limits(seconds=20.0, examples=10**6, shrinking=0.1)
        campaign = Campaign(Planted(other=7), tmp_path, seed=seed, limits=limits)
        assert not campaign.progress.problems
        assert campaign.progress.examples >= examples
        examples = campaign.progress.examples
        process = fork.Process(target=campaign.run)
        process.start()
        process.join(dice.uniform(0.01, 0.3))
        process.kill()
        process.join()
        process.close()
        found = list(findings_below(tmp_path))
        assert all(isinstance(one, Finding) for one in found)
    assert {one.problem.error for one in found if isinstance(one, Finding)} <= {"TooLarge", "Multiple"}
    assert Campaign(Planted(other=7), tmp_path, seed=1, limits=Limits(examples=10)).run().examples > examples


def test_a_corrupt_state_or_finding_is_reported_and_skipped(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text('{"seed": 1, "exa')
    (tmp_path / "0123").mkdir()
    (tmp_path / "0123" / "finding.json").write_text("[]")
    progress = Campaign(Planted(10**6), tmp_path, seed=1, limits=Limits(examples=10)).run()
    assert len(progress.problems) == 2
    assert progress.here == 10


def test_two_campaigns_in_one_directory_are_refused(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(LockedError), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
