"""Two transports against each other, in virtual time."""

from __future__ import annotations

import itertools

from peer.rtp import StreamEnded, StreamStarted
from peer.testing import Link
from peer.tests.rtp.worlds import Camera, World, numbers, receive_config, send_config, sound


def test_frames_arrive_whole_and_in_order() -> None:
    world = World.make(Link(delay=0.02))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    Camera(world).run(2)
    world.pump.wait(0.5)
    assert numbers(world.frames()) == list(range(60))
    assert world.seen(StreamStarted)[0].ssrc == 0x1000
    (counters,) = world.b.receivers[0].statistics
    (sent,) = world.a.senders[0].statistics
    assert counters.packets_received == sent.packets_sent > 180
    assert counters.bytes_received == sent.bytes_sent
    assert counters.header_bytes_received == sent.header_bytes_sent
    assert counters.packets_lost == 0


def test_loss_is_repaired_by_retransmission() -> None:
    world = World.make(Link(delay=0.03, loss=0.05, seed=3), Link(delay=0.03, loss=0.05, seed=4))
    world.a.add_sender(send_config())
    world.b.add_receiver(receive_config())
    Camera(world).run(20)
    world.pump.wait(1)
    times = [one.frame.arrival for one in world.frames()]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) < 0.5
    assert len(times) > 590
    (counters,) = world.b.receivers[0].statistics
    assert counters.retransmitted_packets_received > 50
    assert counters.nack_count > 50


def test_bye_ends_the_stream() -> None:
    world = World.make(Link(delay=0.02))
    sender = world.a.add_sender(send_config("audio"))
    world.b.add_receiver(receive_config("audio"))
    for number in range(10):
        sender.send(sound(number), world.pump.now)
        world.pump.wait(0.02)
    sender.end(world.pump.now)
    world.pump.wait(0.1)
    assert [event.reason for event in world.seen(StreamEnded)] == ["bye"]
    assert len(world.frames()) == 10
