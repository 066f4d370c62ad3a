"""Webrtc-pc section 5.3, jitterBufferTarget: frames wait until they are to be played, and only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from peer import rtp
from peer.media.feed import Feed
from peer.media.inbound import Inbound
from peer.media.plans import Codecs
from peer.media.playout import HELD, Playout
from peer.tests.media.flowing import flowing
from peer.tests.media.made import tone

AUDIO = rtp.Codec(0, "audio/PCMU", 8000, 1)
SSRC = 7


class Clock:
    """A driver whose time is moved by hand; it has no transports."""

    def __init__(self) -> None:
        self.time = 100.0
        self.timers: list[Timer] = []

    def now(self) -> float:
        return self.time

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self, when, callback))
        return self.timers[-1]

    def forward(self, seconds: float) -> None:
        end = self.time + seconds
        while due := sorted((one for one in self.timers if one.when <= end), key=lambda one: one.when):
            self.timers.remove(due[0])
            self.time = max(self.time, due[0].when)
            due[0].callback()
        self.time = end

    def data_received(self, key: int) -> None:
        """A track may be unmuted by it: not here."""

    def transport(self, key: int) -> None:
        return None


class Timer:
    def __init__(self, clock: Clock, when: float, callback: Callable[[], None]) -> None:
        self.clock, self.when, self.callback = clock, when, callback

    def cancel(self) -> None:
        self.clock.timers.remove(self)


class Decoder:
    """Each frame, 20 ms of a tone. What is concealed is silent of itself."""

    def decode(self, frame: rtp.EncodedFrame) -> list[Any]:
        return [tone(0, rate=48000)]

    def conceal(self, duration: int) -> list[Any]:
        return [tone(0, rate=48000, amplitude=0.0)]

    def close(self) -> None: ...


class Scene:
    """An audio receiver and the moments at which its track got frames."""

    def __init__(self) -> None:
        self.clock = Clock()
        driver: Any = self.clock  # as much of one as an Inbound without a transport needs
        self.feed = Feed()
        no_threads: Any = None
        self.inbound = Inbound(1, "audio", driver, Codecs(decoder=lambda *_: Decoder()), no_threads, self.feed)
        self.inbound.configure(None, rtp.ReceiveConfig(key=1, kind="audio", mid="0", codecs=(AUDIO,)))
        self.moments: list[float] = []
        self.feed.subscribe(lambda _: self.moments.append(round(self.clock.time - 100.0, 6)))

    def receive(self, *, wait: float = 0.0, jitter: float = 0.01) -> None:
        now = self.clock.time
        frame = rtp.EncodedFrame(b"", 0, arrival=now)
        self.inbound.received(rtp.FrameReceived(1, None, 0, SSRC, frame, now + wait, first_arrival=now, jitter=jitter))


def test_without_a_target_nothing_waits() -> None:
    scene = Scene()
    scene.receive(wait=0.05)
    assert scene.moments == [0.0]
    assert scene.clock.timers == []
    buffered = scene.inbound.streams[SSRC].buffered
    assert (buffered.emitted, buffered.delay, buffered.target, buffered.minimum) == (960, 0.0, 0.0, 0.0)


def test_frames_come_when_they_are_to_be_played() -> None:
    scene = Scene()
    scene.inbound.set_minimum_delay(0.2)
    scene.receive(wait=0.2)
    scene.clock.forward(0.02)
    scene.receive(wait=0.2)
    assert scene.moments == []
    assert len(scene.clock.timers) == 1
    scene.clock.forward(1.0)
    assert scene.moments == [0.2, 0.22]
    assert scene.clock.timers == []
    buffered = scene.inbound.streams[SSRC].buffered
    assert buffered.emitted == 2 * 960
    assert buffered.delay / buffered.emitted == pytest.approx(0.2)
    assert buffered.target / buffered.emitted == pytest.approx(0.2)
    assert buffered.minimum / buffered.emitted == pytest.approx(0.01)


def test_what_is_lost_is_concealed_in_its_place() -> None:
    scene = Scene()
    scene.inbound.set_minimum_delay(0.2)
    scene.receive(wait=0.2)
    scene.inbound.lost(rtp.FrameLost(1, None, SSRC, 1, 160))
    scene.clock.forward(0.1)
    scene.receive(wait=0.2)
    scene.clock.forward(1.0)
    assert scene.moments == [0.2, 0.2, 0.3]
    assert scene.inbound.streams[SSRC].concealment_events == 1


def test_a_lowered_target_is_caught_up_with_in_order() -> None:
    scene = Scene()
    scene.inbound.set_minimum_delay(1.0)
    for _ in range(5):
        scene.receive(wait=1.0)
        scene.clock.forward(0.02)
    scene.inbound.set_minimum_delay(0.0)
    scene.receive()
    scene.clock.forward(0.01)
    assert scene.moments == pytest.approx([0.1, 0.101, 0.102, 0.103, 0.104, 0.105])
    assert scene.clock.timers == []
    scene.receive()
    assert scene.moments[-1] == pytest.approx(0.11)


def test_stopping_leaves_nothing() -> None:
    scene = Scene()
    scene.inbound.set_minimum_delay(1.0)
    scene.receive(wait=1.0)
    scene.inbound.stop()
    assert scene.clock.timers == []
    scene.clock.forward(2.0)
    assert scene.moments == []


def test_what_waits_is_bounded() -> None:
    clock: Any = Clock()
    playout, run = Playout(clock, 0.001), [0]

    def job() -> None:
        run[0] += 1

    for _ in range(HELD + 10):
        playout.hold(clock.time + 4.0, job)
    assert (len(playout), run[0], len(clock.timers)) == (HELD, 10, 1)


async def test_a_target_is_obeyed_between_two_connections() -> None:
    async with flowing() as (_, other, arrivals):
        for receiver in other.getReceivers():
            receiver.jitterBufferTarget = 300
        for kind in ("audio", "video"):
            await arrivals[kind].count(3)

        async def row(kind: str) -> Any:
            return next(one for one in (await other.getStats()).of_type("inbound-rtp") if one["kind"] == kind)

        members = ("EmittedCount", "Delay", "TargetDelay", "MinimumDelay")
        for kind in ("audio", "video"):
            before = await row(kind)
            await arrivals[kind].count(6)  # the first may have been emitted already, and on its way
            after = await row(kind)
            emitted, *sums = (after[f"jitterBuffer{one}"] - before[f"jitterBuffer{one}"] for one in members)
            waited, target, minimum = (each / emitted for each in sums)
            assert emitted >= (5 * 960 if kind == "audio" else 5)
            assert target >= 0.3 - 1e-6
            assert waited >= target - minimum - 1e-6  # a frame that came late waits less, by what jitter asks at most
