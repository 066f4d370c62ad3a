"""The estimate, over bottlenecks in virtual time."""

from __future__ import annotations

import pytest

from peer.rtp import TargetBitrateChanged
from peer.testing import Link
from peer.tests.rtp.worlds import Camera, World, receive_config, send_config


class Encoder(Camera):
    """A camera whose pictures are as large as the target allows."""

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * self.rate)):
            self.size = max(100, int(self.world.a.target_bitrate / 8 / self.rate))
            self.shoot()
            self.world.pump.wait(1 / self.rate)


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
