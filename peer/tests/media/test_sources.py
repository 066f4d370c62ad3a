"""Sources: what they make, when, and that they don't hurry after a pause."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from peer.media import sinks, sound, sources
from peer.media.pictures import picture_of, read_counter
from peer.media.recorder import Recorder
from peer.tests.media.made import picture, tone


async def test_the_test_pattern_counts() -> None:
    source = sources.TestPattern(160, 120, 100, start=40)
    frames = [await source.next_frame() for _ in range(3)]
    counters = [read_counter(picture_of(frame)) for frame in frames]
    assert counters[0] == 40
    assert counters == [40 + frame.pts for frame in frames]
    assert all(float(frame.pts * frame.time_base) == pytest.approx(frame.pts / 100) for frame in frames)
    source.close()
    with pytest.raises(StopAsyncIteration):
        await source.next_frame()


async def test_frames_are_due_at_the_source_s_pace() -> None:
    source, clock = sources.TestPattern(64, 48, 50), asyncio.get_running_loop().time
    await source.next_frame()
    began = clock()
    last = [await source.next_frame() for _ in range(4)][-1]
    assert clock() - began >= (last.pts - 1) / 50 - 0.001


async def test_a_source_that_was_not_read_skips_what_is_past() -> None:
    source = sources.TestPattern(64, 48, 200)
    await source.next_frame()
    await asyncio.sleep(0.05)
    assert (await source.next_frame()).pts >= 9


async def test_a_tone_has_its_frequency_and_no_gaps() -> None:
    source, listener = sources.Tone(697.5), sinks.Listener()
    frames = [await source.next_frame() for _ in range(8)]
    assert [frame.pts for frame in frames] == [960 * index for index in range(8)]
    for frame in frames:
        listener(frame)
    assert sound.frequency(listener.heard(), listener.rate) == pytest.approx(697.5, abs=1)
    listener.forget()
    assert len(listener.heard()) == 0


async def test_silence_is_silent() -> None:
    assert sound.level(sound.samples_of(await sources.Silence().next_frame())) == 127


async def test_a_sound_that_was_not_read_for_long_skips_what_is_past(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, past = asyncio.get_running_loop(), 0.0
    clock = loop.time
    source = sources.Tone()
    monkeypatch.setattr(loop, "time", lambda: clock() + past)
    await source.next_frame()
    past = 0.1
    assert (await source.next_frame()).pts == 960
    past = 3.0
    assert (await source.next_frame()).pts >= 960 * 149
    monkeypatch.undo()


async def test_a_wait_that_ends_late_skips_what_is_past_too(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, past = asyncio.get_running_loop(), 0.0
    clock, sleep = loop.time, asyncio.sleep
    source = sources.Tone()
    monkeypatch.setattr(loop, "time", lambda: clock() + past)
    await source.next_frame()

    async def overslept(delay: float) -> None:
        nonlocal past
        await sleep(delay)
        past = 3.0

    monkeypatch.setattr(asyncio, "sleep", overslept)
    assert (await source.next_frame()).pts >= 960 * 149
    monkeypatch.undo()


@pytest.mark.parametrize("ending", ["mp4", "webm"])
async def test_a_file_is_recorded_and_read_again(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"clip.{ending}"
    recorder = Recorder(path, clock=lambda: 5.0)
    for index in range(15):
        recorder.video(picture(index, 160, 120))
    for index in range(25):
        recorder.audio(tone(index, 697))
    recorder.close()
    watcher, listener = sinks.Watcher(), sinks.Listener()
    for kind, sink in (("video", watcher), ("audio", listener)):
        source = sources.FileSource(path, kind)
        while True:
            try:
                sink(await source.next_frame())
            except StopAsyncIteration:
                break
    assert [sight.counter for sight in watcher.sights] == list(range(15))
    assert sound.frequency(listener.heard(0.3), listener.rate) == pytest.approx(697, abs=1)


async def test_a_wave_file_is_recorded_and_looped(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    recorder = Recorder(path, ("audio",))
    for index in range(5):
        recorder.audio(tone(index))
    recorder.close()
    source = sources.FileSource(path, "audio", loop=True)
    frames, end = [], 0.0
    while end < 0.15:
        frames.append(await source.next_frame())
        end = float(frames[-1].pts * frames[-1].time_base)
    starts = [float(frame.pts * frame.time_base) for frame in frames]
    assert starts == sorted(starts)
    source.close()
    with pytest.raises(StopAsyncIteration):
        await source.next_frame()


def test_a_watcher_remembers_the_latest_picture() -> None:
    watcher = sinks.Watcher(clock=lambda: 3.5)
    watcher(picture(8, 160, 120))
    assert (watcher.count, watcher.sights[0]) == (1, sinks.Sight(3.5, 8, 160, 120))
    assert watcher.latest is not None
    assert watcher.latest.shape == (120, 160, 3)


def test_a_listener_keeps_two_seconds() -> None:
    listener = sinks.Listener()
    for index in range(150):
        listener(tone(index))
    assert 96000 <= len(listener.heard(10)) < 96000 + 960
    assert len(listener.heard(0.5)) == 24000
    listener(tone(0, rate=8000))
    assert listener.heard().dtype == np.float32
    assert (len(listener.heard()), listener.rate) == (160, 8000)
