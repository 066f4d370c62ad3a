"""Packets as text."""

from __future__ import annotations

from harness.capture.transcript import transcript
from harness.tests.capture.recorded import DATA_12, MEDIA_12, shared


def test_a_line_says_when_who_to_whom_and_what() -> None:
    recording = shared(DATA_12)
    first, *_ = transcript(recording.frames, recording.items(), {}).splitlines()
    assert first.startswith(
        "       1    0.0000  answerer > offerer   STUN Binding request USERNAME=TRMF:19a4181b PRIORITY="
    )


def test_the_offending_place_is_marked() -> None:
    recording = shared(DATA_12)
    lines = transcript(recording.frames, recording.items(), {4: "here"}).splitlines()
    assert [line for line in lines if line.startswith(">>")] == [line for line in lines if line.endswith("   <== here")]
    assert "ClientHello" in next(line for line in lines if line.startswith(">>"))


def test_a_long_transcript_keeps_its_ends_and_what_lies_around_the_marks() -> None:
    recording = shared(MEDIA_12)
    text = transcript(recording.frames, recording.items(), {200: "here"})
    lines = text.splitlines()
    assert len(lines) < 70
    shown = {int(line[2:9]) for line in lines if not line.lstrip().startswith("...")}
    assert {1, 198, 199, 200, 201, 202, 203, 204, 458} <= shown
    assert sum(int(line.split()[1]) for line in lines if line.endswith(" more")) + len(shown) == 458


def test_alike_neighbours_are_folded() -> None:
    recording = shared(MEDIA_12)
    frames = [frame for frame in recording.frames[100:300] if frame.sender == "offerer"][:20]
    items = [recording.items()[frame.number - 1] for frame in frames]
    same = [items[0]] * len(frames)
    lines = transcript(frames, same, {}).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("     ... 19 more like it, until ")


def test_nothing_captured_is_said() -> None:
    assert transcript([], [], {}) == "  (no packet was captured)"
