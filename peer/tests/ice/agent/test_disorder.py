"""Any order of signalling, restarts, outages and noise: nothing is raised, and one clean restart always connects."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from peer.errors import LocalProtocolError
from peer.ice.agent import Candidate, CandidateType, Config, Parameters, Path, State
from peer.testing import Entropy, Link
from peer.tests.ice.virtual import Peer, World, host

SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "25"))


class Disorder:
    """Does something random to a world, again and again."""

    def __init__(self, seed: int) -> None:
        self.chance = Entropy(f"disorder {seed}")
        kinds = (CandidateType.HOST, CandidateType.HOST, CandidateType.RELAYED)
        ours = [host(f"192.0.2.{index}", preference=60000 - index, type=kind) for index, kind in enumerate(kinds, 1)]
        theirs = [host(f"198.51.100.{index}", preference=60000 - index) for index in range(1, 4)]
        configs = [
            Config(controlling=bool(self.chance.below(2)), renomination=not self.chance.below(4), report_pairs=True)
            for _ in range(2)
        ]
        link = Link(delay=0.01, loss=0.1, duplicate=0.05, corrupt=0.05, reorder=0.1, seed=seed)
        self.world = World(ours, theirs, a=configs[0], b=configs[1], link=link, seed=seed)
        self.moves: list[Callable[[Peer], None]] = [
            self.introduce,
            self.introduce,
            self.add_local,
            self.add_local,
            self.signal,
            self.signal,
            self.signal,
            self.end_local,
            self.end_remote,
            self.restart,
            self.cancel,
            self.swap_role,
            self.remove,
            self.nominate,
            self.noise,
            self.outage,
            self.calm,
            self.pause,
            self.pause,
            self.pause,
        ]

    def candidate_of(self, peer: Peer) -> Candidate:
        return peer.candidates[self.chance.below(len(peer.candidates))]

    def introduce(self, peer: Peer) -> None:
        theirs = self.world.other(peer).agent.local_parameters
        peer.do(peer.agent.set_remote_parameters(theirs, self.world.now))

    def add_local(self, peer: Peer) -> None:
        peer.do(peer.agent.add_local_candidate(self.candidate_of(peer), self.world.now))

    def signal(self, peer: Peer) -> None:
        candidate = self.candidate_of(self.world.other(peer))
        if not self.chance.below(10):
            candidate = replace(candidate, extensions=(("ufrag", "nobody"),))
        peer.do(peer.agent.add_remote_candidate(candidate, self.world.now))

    def end_local(self, peer: Peer) -> None:
        peer.do(peer.agent.end_of_local_candidates(self.world.now))

    def end_remote(self, peer: Peer) -> None:
        peer.do(peer.agent.add_remote_candidate(None, self.world.now))

    def restart(self, peer: Peer) -> None:
        peer.do(peer.agent.restart(self.world.now))

    def cancel(self, peer: Peer) -> None:
        peer.do(peer.agent.cancel_restart(self.world.now))

    def swap_role(self, peer: Peer) -> None:
        peer.agent.set_controlling(not peer.agent.controlling)

    def remove(self, peer: Peer) -> None:
        peer.do(peer.agent.remove_local_base(self.candidate_of(peer).sending_address, self.world.now))

    def nominate(self, peer: Peer) -> None:
        for pair in peer.agent.pairs[:1]:
            peer.do(peer.agent.nominate(pair.path, self.world.now))

    def noise(self, peer: Peer) -> None:
        path = Path(self.candidate_of(peer).address, self.candidate_of(self.world.other(peer)).address)
        said = self.world.other(peer).sent()
        data = said[self.chance.below(len(said))].data if said else self.chance(30)
        self.world.network.inject(peer.side, data, path)

    def outage(self, peer: Peer) -> None:
        self.world.network.block(self.candidate_of(peer).address, self.candidate_of(self.world.other(peer)).address)

    def calm(self, peer: Peer) -> None:
        for ours in peer.candidates:
            for theirs in self.world.other(peer).candidates:
                self.world.network.unblock(ours.address, theirs.address)

    def pause(self, peer: Peer) -> None:
        self.world.network.run(timeout=self.chance.chance() ** 4 * 60.0)

    def check(self) -> None:
        for peer in (self.world.a, self.world.b):
            agent = peer.agent
            assert (agent.selected_path is None) == (agent.selected_pair is None)
            if agent.state in (State.CONNECTED, State.COMPLETED):
                assert agent.selected_path is not None
            if agent.state is State.FAILED:
                assert agent.selected_path is None
            due = agent.next_timeout()
            assert due is None or due >= 0.0


@pytest.mark.parametrize("seed", range(SWEEP))
def test_disorder(seed: int) -> None:
    disorder = Disorder(seed)
    world = disorder.world
    for _ in range(120):
        move = disorder.moves[disorder.chance.below(len(disorder.moves))]
        with contextlib.suppress(LocalProtocolError):
            move((world.a, world.b)[disorder.chance.below(2)])
        disorder.check()
    for peer in (world.a, world.b):
        disorder.calm(peer)
    world.a.do(world.a.agent.restart(world.now))
    world.b.do(world.b.agent.restart(world.now, Parameters.generate(Entropy(f"fresh {seed}"))))
    world.start()
    world.run_to(State.COMPLETED, timeout=90.0)
    assert world.a.agent.controlling != world.b.agent.controlling
