"""A recorded session's datagrams, spoilt in every way, fed to a live agent: nothing is raised, nothing breaks."""

from __future__ import annotations

import os
import time

import pytest

from peer.ice.agent import Path, State
from peer.testing import Entropy
from peer.tests.ice.virtual import Peer, World

SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "2000"))


def recorded() -> tuple[World, list[bytes], Path]:
    """Everything that b received from a, and the path it came by."""
    world = World().connect()
    world.network.run(timeout=6.0)
    path = Path(world.b.candidates[0].address, world.a.candidates[0].address)
    return world, [entry.data for entry in world.a.sent()], path


def feed(peer: Peer, data: bytes, path: Path, now: float) -> None:
    peer.do(peer.agent.receive_datagram(data, now, path))
    peer.agent.datagrams_to_send(now)


@pytest.mark.parametrize("fresh", [False, True])
def test_every_truncation_and_every_change_of_a_byte(fresh: bool) -> None:
    world, datagrams, path = recorded()
    peer = World().b if fresh else world.b
    start = time.monotonic()
    count = 0
    for data in datagrams:
        for index in range(len(data)):
            feed(peer, data[:index], path, world.now)
            for bit in (0x01, 0x80):
                feed(peer, data[:index] + bytes([data[index] ^ bit]) + data[index + 1 :], path, world.now)
            count += 3
    assert count > 1000
    assert (time.monotonic() - start) / count < 0.005
    if not fresh:
        assert peer.agent.state is State.COMPLETED
        world.network.run(timeout=60.0)
        assert {world.a.agent.state, world.b.agent.state} == {State.COMPLETED}


def test_random_changes_of_messages_that_were_good() -> None:
    world, datagrams, path = recorded()
    entropy = Entropy("agent sweep")
    for index in range(SWEEP):
        data = bytearray(datagrams[index % len(datagrams)])
        for _ in range(1 + entropy.below(4)):
            data[entropy.below(len(data))] = entropy.below(256)
        feed(world.b, bytes(data), path, world.now)
    assert world.b.agent.state is State.COMPLETED
    assert len(world.b.agent.pairs) <= 100
    assert len(world.b.agent.remote_candidates) <= 320
