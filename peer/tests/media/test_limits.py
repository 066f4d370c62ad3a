"""webrtc-stats, qualityLimitationReason and its durations: "bandwidth" while the estimate gives less than is wanted."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from peer import rtp
from peer.media.layer import Stamped, VideoLayer
from peer.media.levels import Limits
from peer.media.plans import Codecs, Layer
from peer.media.rates import share

VP8 = rtp.Codec(96, "video/VP8", 90000)


class AtOnce:
    """A pool without threads."""

    def run(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        outcome = job()
        done(SimpleNamespace(result=lambda: outcome))

    def close(self) -> None: ...


class Encoder:
    """Makes pictures of so many bytes."""

    def __init__(self, size: int) -> None:
        self.size, self.bit_rate = size, 0

    def encode(self, frame: Any, *, key_frame: bool = False) -> list[rtp.EncodedFrame]:
        return [rtp.EncodedFrame(bytes(self.size), 0, key_frame=key_frame)]

    def close(self) -> None: ...


class Sender:
    """One layer of 640 x 480 pictures (worth 1.7 Mbit/s), 30 a second, each of `size` bytes."""

    def __init__(self, size: int, **members: Any) -> None:
        codecs = Codecs(encoder=lambda *_, **__: Encoder(size), scaler=lambda: lambda picture, *_: picture)
        pool: Any = AtOnce()
        self.layer = VideoLayer(Layer(None, VP8, **members), codecs, pool, lambda *_: None)
        self.now = 50.0

    def run(self, seconds: float, target: int) -> None:
        pictures = SimpleNamespace(width=640, height=480)
        one: Any = SimpleNamespace(is_sending=True, kind="video", plan=None, layers=[self.layer], pictures=pictures)
        share([one], target)
        for _ in range(round(seconds * 30)):
            self.layer.offer(Stamped(pictures, 0, self.now), self.now)
            self.now += 1 / 30


@pytest.mark.parametrize(
    ("size", "target", "members", "reason"),
    [
        (2000, 500_000, {}, "bandwidth"),  # 480 kbit/s used, more wanted
        (500, 500_000, {}, "none"),  # 120 kbit/s are all it takes
        (7000, 3_000_000, {}, "none"),  # all that such a picture is worth
        (2000, 3_000_000, {"max_bitrate": 100_000}, "none"),  # the application's wish is no limitation
        (2000, 50_000, {"max_bitrate": 100_000}, "bandwidth"),
        (2000, 50_000, {"active": False}, "none"),
    ],
)
def test_the_reason(size: int, target: int, members: dict[str, Any], reason: str) -> None:
    sender = Sender(size, **members)
    sender.run(2.0, target)
    sender.layer.offer(Stamped(SimpleNamespace(width=640, height=480), 0, sender.now), sender.now)
    assert sender.layer.limits.reason(sender.now) == reason


@pytest.mark.parametrize(("size", "most"), [(7000, 1.15), (2000, 1.15), (500, 0.35)])
def test_what_an_encoder_spends_too_much_is_left_out(size: int, most: float) -> None:
    """A picture of 7000 bytes 30 times a second is 1.7 Mbit/s."""
    sender = Sender(size)
    sender.run(5.0, 400_000)
    assert 0.75 * most < sender.layer.frames_encoded * 8 * size / (5.0 * 400_000) < most


def test_a_paused_layer_lacks_bandwidth() -> None:
    sender = Sender(2000)
    sender.layer.set_rate(30_000, 1_000_000, paused=True)
    sender.layer.offer(Stamped(SimpleNamespace(width=640, height=480), 0, 50.0), 50.0)
    assert sender.layer.limits.reason(50.0) == "bandwidth"


def test_the_time_spent_in_each_state() -> None:
    sender = Sender(2000)
    sender.run(2.0, 400_000)
    sender.run(3.0, 3_000_000)
    durations = sender.layer.limits.durations(sender.now)
    assert set(durations) == {"none", "cpu", "bandwidth", "other"}
    assert durations["bandwidth"] == pytest.approx(2.0, abs=0.05)
    assert durations["none"] == pytest.approx(3.0, abs=0.05)
    assert durations["cpu"] == durations["other"] == 0.0


def test_without_pictures_nothing_is_limited() -> None:
    limits = Limits()
    assert limits.reason(1.0) == "none"
    assert sum(limits.durations(1.0).values()) == 0.0
    limits.note("bandwidth", 10.0)
    limits.note("bandwidth", 10.5)
    limits.note("none", 20.0)
    assert (limits.durations(20.25)["bandwidth"], limits.durations(20.25)["none"]) == (0.5, 9.75)
    assert limits.reason(30.0) == "none"
