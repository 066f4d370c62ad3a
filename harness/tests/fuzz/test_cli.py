"""The commands and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.fuzz.campaign import locked
from harness.fuzz.cli import seconds_of
from harness.fuzz.finding import Finding
from harness.fuzz.target import Problem


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("20s", 20), ("1.5m", 90), ("2h", 7200)])
def test_times(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


def test_nothing_found_is_0(tmp_path: Path) -> None:
    assert run("fuzz", "rtp", "--max-examples", 20, "--seed", 5, "--out", tmp_path)[0] == 0
    assert (tmp_path / "campaign.json").exists()


def test_a_campaign_goes_on_by_its_directory(tmp_path: Path) -> None:
    run("fuzz", "rtp", "--max-examples", 20, "--seed", 5, "--out", tmp_path)
    code, output = run("resume", tmp_path, "--max-examples", 20)
    kept = json.loads((tmp_path / "campaign.json").read_text())
    assert code == 0, output
    assert (kept["target"], kept["seed"]) == ("rtp", 5)
    assert kept["examples"] >= 40


@pytest.mark.parametrize("text", ["", "[]", '{"target": "no such", "endpoints": [], "seed": 1}'])
def test_what_is_no_campaign_cannot_go_on(tmp_path: Path, text: str) -> None:
    if text:
        (tmp_path / "campaign.json").write_text(text)
    code, output = run("resume", tmp_path)
    assert code == 2
    assert "could not run" in output


def test_another_target_in_its_directory_is_refused(tmp_path: Path) -> None:
    run("fuzz", "rtp", "--max-examples", 5, "--out", tmp_path)
    assert run("fuzz", "rtcp", "--max-examples", 5, "--out", tmp_path)[0] == 2


def test_steps_and_the_cells_of_the_signalling_machine_are_counted(tmp_path: Path) -> None:
    options = ("signalling", "--max-examples", 10, "--seed", 5, "--out", tmp_path)
    _, output = run("fuzz", *options)
    counted = json.loads((tmp_path / "campaign.json").read_text())
    steps, (reached, all_of) = counted["steps"], counted["figures"]["pairs"]
    assert steps >= 20
    assert 0 < reached < all_of
    assert f"{steps} steps on each endpoint" in output
    assert f"pairs {reached} of {all_of}" in output
    run("fuzz", *options)
    assert json.loads((tmp_path / "campaign.json").read_text())["steps"] > steps


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("rtp", "--endpoint", "opera"),
        ("rtp", "--max-time", "soon"),
        ("sdp-parse", "--endpoint", "chromium"),
    ],
)
def test_what_cannot_run_is_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, output = run("fuzz", *arguments, "--out", tmp_path)
    assert code == 2
    assert "could not run" in output


def test_a_second_campaign_in_a_directory_is_2(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert run("fuzz", "rtp", "--max-examples", 1, "--out", tmp_path)[0] == 2


def test_replay_says_fixed_or_error(tmp_path: Path) -> None:
    found = Finding("sdp-parse", ("reference",), Problem("exception", "KeyError"), {"sdp": "v=0", "marks": []})
    folder = found.save(tmp_path, {})
    code, output = run("replay", folder)
    assert (code, output.split()[0]) == (0, "FIXED")
    code, output = run("replay", tmp_path / "nothing")
    assert (code, output.split()[0]) == (1, "ERROR")
    bad = Finding("sdp-parse", ("reference",), Problem("exception", "KeyError"), {"no": "sdp"}).save(tmp_path, {})
    assert run("replay", bad)[0] == 1


@pytest.mark.timeout(180)
def test_workers_make_one_campaign(tmp_path: Path) -> None:
    known = Finding("rtp", ("reference",), Problem("exception", "KeyError in nowhere"), {"no": "rtp"})
    known.save(tmp_path / "workers" / "1", {})
    code, output = run("fuzz", "rtp", "--max-examples", 20, "--seed", 5, "--workers", 2, "--out", tmp_path)
    assert code == 1, output
    assert f"finding {known.id}" in output
    assert (tmp_path / known.id / "finding.json").exists()
    whole = json.loads((tmp_path / "campaign.json").read_text())
    parts = [json.loads(file.read_text()) for file in tmp_path.glob("workers/*/campaign.json")]
    assert [part["seed"] for part in sorted(parts, key=lambda part: int(part["seed"]))] == [5, 6]
    assert whole["examples"] == sum(part["examples"] for part in parts) >= 20
    assert set(whole["cells"]) == {cell for part in parts for cell in part["cells"]} == set(whole["first"])
    assert run("fuzz", "rtp", "--max-examples", 20, "--workers", 2, "--out", tmp_path)[0] == 0
    assert json.loads((tmp_path / "campaign.json").read_text())["examples"] >= 40


def test_workers_that_cannot_run_say_why(tmp_path: Path) -> None:
    code, output = run("fuzz", "sdp-parse", "--endpoint", "chromium", "--workers", 2, "--out", tmp_path)
    assert code == 2
    assert "no chromium to choose" in " ".join(output.split())
