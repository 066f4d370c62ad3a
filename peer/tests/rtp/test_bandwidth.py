"""The estimate, over bottlenecks in virtual time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

import pytest

from peer.rtp import TargetBitrateChanged
from peer.testing import Link
from peer.tests.rtp.worlds import Camera, World, numbers, receive_config, send_config

MAX_BACKLOG: Final = 0.2


@dataclass
class Encoder(Camera):
    """A camera whose pictures are as large as what it was told last allows, give or take `spread` of it; none while too
    many wait.
    """

    spread: float = 0.0
    most: int = 10_000_000
    taken: dict[int, float] = field(default_factory=dict)
    """When each picture was taken."""
    _chance: random.Random = field(default_factory=lambda: random.Random(1))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * self.rate)):
            told = (event for event in reversed(self.world.pump.a.events) if isinstance(event, TargetBitrateChanged))
            target = min(next((event.bits_per_second for event in told), self.world.a.target_bitrate), self.most)
            much = 1 + self.spread * self._chance.uniform(-1, 1)
            self.size = max(100, int(target * much / 8 / self.rate))
            if self.world.a.backlog <= MAX_BACKLOG:
                self.taken[self.number] = self.world.pump.now
                self.shoot()
            self.world.pump.wait(1 / self.rate)

    def shown(self, since: float) -> list[tuple[float, float]]:
        """(taken, shown) of the pictures that were taken since then: one is shown when those before it are there."""
        frames = self.world.frames()
        times = accumulate((one.frame.arrival for one in frames), max)
        both = ((self.taken[number], time) for number, time in zip(numbers(frames), times, strict=True))
        return [(taken, time) for taken, time in both if taken >= since]


def measure(world: World, encoder: Encoder, seconds: float) -> list[tuple[float, int]]:
    targets = []
    for _ in range(round(seconds * 2)):
        encoder.run(0.5)
        targets.append((world.pump.now, world.a.target_bitrate))
    return targets


@pytest.mark.parametrize("delay", [0.01, 0.05, 0.1])
def test_the_estimate_settles_at_a_bottleneck(delay: float) -> None:
    world = World.make(Link(rate=300_000 / 8, delay=delay), Link(delay=delay))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    targets = measure(world, Encoder(world), 40)
    late = [target for time, target in targets if time > 15]
    assert all(210_000 < target < 390_000 for target in late)
    assert world.seen(TargetBitrateChanged, at="a")


def test_the_estimate_rises_where_there_is_room() -> None:
    world = World.make(Link(rate=2_500_000 / 8, delay=0.03), Link(delay=0.03))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    targets = measure(world, Encoder(world), 20)
    assert all(1_700_000 < target < 3_250_000 for time, target in targets if time > 10)


def test_the_estimate_follows_a_bottleneck_that_comes_later() -> None:
    world = World.make(Link(rate=1_500_000 / 8, delay=0.03), Link(delay=0.03))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    encoder = Encoder(world)
    measure(world, encoder, 15)
    world.pump.set_link(Link(rate=300_000 / 8, delay=0.03), Link(delay=0.03))
    targets = measure(world, encoder, 25)
    assert all(210_000 < target < 390_000 for time, target in targets if time > 30)


def test_loss_without_a_queue_lowers_the_estimate() -> None:
    world = World.make(Link(delay=0.03, loss=0.25, seed=5), Link(delay=0.03))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    targets = measure(world, Encoder(world), 10)
    assert targets[-1][1] < 200_000


def test_little_loss_does_not_lower_the_estimate() -> None:
    world = World.make(Link(delay=0.03, loss=0.05, seed=5), Link(delay=0.03))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    targets = measure(world, Encoder(world), 10)
    assert targets[-1][1] > 400_000


def test_a_bottleneck_that_drops_most_of_what_comes_is_not_undershot() -> None:
    world = World.make(Link(delay=0.02), Link(delay=0.02))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    encoder = Encoder(world, rate=20)
    assert measure(world, encoder, 3)[-1][1] > 1_000_000
    world.pump.set_link(Link(rate=300_000 / 8, queue=11_250, delay=0.02), Link(delay=0.02))
    targets = measure(world, encoder, 20)
    assert all(210_000 < target < 390_000 for time, target in targets if time > 13)


@pytest.mark.parametrize("seed", range(5))
def test_a_narrow_queue_is_shared_with_repairs_and_pictures_come_through(seed: int) -> None:
    world = World.make(Link(delay=0.02), Link(delay=0.02))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    encoder = Encoder(world, spread=0.5, _chance=random.Random(seed))
    measure(world, encoder, 3)
    began = world.pump.now
    narrow = Link(rate=300_000 / 8, queue=11_250, delay=0.02, jitter=0.005, seed=seed)
    world.pump.set_link(narrow)
    targets = [target for time, target in measure(world, encoder, 25) if time > began + 15]
    assert all(210_000 < target < 390_000 for target in targets)
    shown = encoder.shown(since=began + 15)
    assert len(shown) > 0.8 * 10 * encoder.rate
    assert max(late - soon for (_, soon), (_, late) in pairwise(shown)) < 1.0


@pytest.mark.parametrize("seed", range(5))
def test_no_picture_is_half_a_second_late_while_5_percent_are_lost(seed: int) -> None:
    world = World.make(Link(delay=0.02), Link(delay=0.02))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    encoder = Encoder(world, spread=0.5, most=500_000, _chance=random.Random(seed))
    encoder.run(1)
    world.pump.set_link(Link(delay=0.02, loss=0.05, seed=seed), Link(delay=0.02, loss=0.05, seed=seed + 100))
    began = world.pump.now
    encoder.run(10)
    shown = encoder.shown(since=began)
    assert len(shown) > 0.95 * 10 * encoder.rate
    assert max(time - taken for taken, time in shown) < 0.5
    assert max(late - soon for (_, soon), (_, late) in pairwise(shown)) < 0.5
