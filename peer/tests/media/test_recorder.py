"""Recordings: what they refuse, one kind alone, kinds that begin late."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from peer.errors import LocalProtocolError
from peer.media.recorder import Recorder
from peer.tests.media.made import picture, tone


@pytest.mark.parametrize(("name", "kinds"), [("x.wav", ("video",)), ("x.avi", ("audio",)), ("x.mp4", ())])
def test_what_a_file_cannot_hold_is_refused(tmp_path: Path, name: str, kinds: tuple[str, ...]) -> None:
    with pytest.raises(LocalProtocolError):
        Recorder(tmp_path / name, kinds)


def test_a_kind_that_was_not_announced_is_refused(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "x.webm", ("audio",))
    with pytest.raises(LocalProtocolError):
        recorder.video(picture(0))
    recorder.close()


def test_a_kind_that_never_came_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "x.mp4")
    for index in range(10):
        recorder.video(picture(index, 160, 120))
    recorder.close()
    with av.open(str(tmp_path / "x.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert sum(1 for _ in container.decode(video=0)) == 10


def test_kinds_are_aligned_by_when_they_began(tmp_path: Path) -> None:
    now = [10.0]
    recorder = Recorder(tmp_path / "x.webm", clock=lambda: now[0])
    for index in range(20):
        recorder.audio(tone(1000 + index))
    now[0] = 10.2
    for index in range(5):
        recorder.video(picture(77 + index, 160, 120).reformat(format="yuv420p") if index else picture(77, 160, 120))
    recorder.close()
    with av.open(str(tmp_path / "x.webm")) as container:
        first = next(frame for frame in container.decode(video=0))
        assert float(first.pts * first.time_base) == pytest.approx(0.2, abs=0.01)


def test_nothing_recorded_is_no_file(tmp_path: Path) -> None:
    Recorder(tmp_path / "x.mp4").close()
    assert not (tmp_path / "x.mp4").exists()


def test_what_goes_wrong_is_told_at_the_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "missing" / "x.wav", ("audio",))
    recorder.audio(tone(0))
    with pytest.raises(OSError, match="No such file"):
        recorder.close()
