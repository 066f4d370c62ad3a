"""Sound and pictures through two connections: what arrives is what was sent."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

from peer.api import RTCPeerConnection
from peer.media.sound import samples_of
from peer.tests.media.flowing import flowing


def pitch(frames: list[Any]) -> float:
    """The strongest frequency of sound frames, in Hz."""
    sound = np.concatenate([samples_of(frame) for frame in frames])
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    rate: int = frames[0].sample_rate
    return float(np.argmax(spectrum)) * rate / len(sound)


async def test_pictures_and_sound_arrive_in_both_directions() -> None:
    async with flowing(both=True) as (_, __, arrivals):
        for name in ("video", "video back"):
            await arrivals[name].count(5)
            counters = arrivals[name].counters()
            assert None not in counters
            assert counters == sorted(counters, key=lambda counter: counter or 0)
        for name, hz in (("audio", 440.0), ("audio back", 660.0)):
            await arrivals[name].count(30)
            assert pitch(arrivals[name].frames[-20:]) == pytest.approx(hz, abs=3)
        assert not any(one.track.muted for one in arrivals.values())


async def test_closing_leaves_no_task_and_no_thread() -> None:
    async with flowing() as (_, __, arrivals):
        await arrivals["video"].count(1)
        assert any(thread.name.startswith("media") for thread in threading.enumerate())
    for thread in threading.enumerate():
        if thread.name.startswith("media"):
            await asyncio.to_thread(thread.join, 5)
            assert not thread.is_alive()
    await asyncio.sleep(0)  # what was cancelled ends
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_nothing_runs_while_nobody_sends() -> None:
    """A negotiated connection without a source has neither task nor thread nor a timer of the RTP machine."""
    pc = RTCPeerConnection()
    pc.addTransceiver("video")
    await pc.setLocalDescription()
    (stack,) = pc._core.transports.values()
    machine = stack.open_media()
    assert machine is not None
    assert machine.next_timeout() is None
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not any(thread.name.startswith("media") for thread in threading.enumerate())
    pc.close()


def test_a_connection_does_not_load_pyav() -> None:
    program = "import sys, peer.api; sys.exit('av' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
