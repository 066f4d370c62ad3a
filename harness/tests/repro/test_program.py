"""The program of a story plays it again, on the same endpoints or on others."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.repro import Story, render_program, replay
from harness.repro.story import Act


def test_the_program_runs_and_ends_as_recorded(story: Story, tmp_path: Path) -> None:
    program = tmp_path / "repro.py"
    program.write_text(render_program(story, "cases/x.py::test_y"))
    ran = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "differs" not in ran.stdout
    assert "cases/x.py::test_y" in program.read_text()


def test_a_title_can_not_break_out_of_the_program(story: Story) -> None:
    program = render_program(replace(story, title='"""; raise SystemExit(3) #\\'))
    compile(program, "repro.py", "exec")
    assert "raise SystemExit(3)" in program.partition("\n")[0]


def test_another_ending_than_recorded_is_told(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    altered = [
        replace(chapter, ended="InvalidStateError")
        if isinstance(chapter, Act) and chapter.ended == "TypeError"
        else chapter
        for chapter in story.chapters
    ]
    text = json.dumps(replace(story, chapters=tuple(altered)).to_json())
    assert replay(text, []) == 1
    assert "recorded: InvalidStateError, now: TypeError" in capsys.readouterr().out


def test_a_role_that_is_not_in_the_story_is_refused(story: Story) -> None:
    with pytest.raises(SystemExit):
        replay(json.dumps(story.to_json()), ["--on", "nobody=firefox"])
