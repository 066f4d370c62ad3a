"""The choices that are ours: when to nominate, what to use."""

from __future__ import annotations

from peer.ice.agent import Candidate, CandidateType, Config
from peer.ice.agent.events import PairState
from peer.ice.agent.pair import CandidatePair
from peer.ice.agent.selection import choose, nominate_at
from peer.tests.ice.virtual import host

CONFIG = Config(nomination_patience=1.0, relay_patience=2.0)


def pair(priority: int, kind: str = "host", *, pending: bool = False, mapped: Candidate | None = None) -> CandidatePair:
    made = CandidatePair(host("192.0.2.1", type=CandidateType(kind)), host("198.51.100.1", priority), priority)
    made.state = PairState.WAITING if pending else PairState.SUCCEEDED
    made.mapped = mapped
    return made


def test_patience_depends_on_what_there_is_and_what_may_come() -> None:
    direct, relayed, reflexive = pair(5), pair(1, "relay"), pair(3, mapped=host("203.0.113.1"))
    coming, coming_by_relay = pair(9, pending=True), pair(8, "relay", pending=True)
    assert nominate_at(direct, [direct, coming], CONFIG, 7.0) == 7.0
    assert nominate_at(reflexive, [reflexive], CONFIG, 7.0) == 7.0
    assert nominate_at(reflexive, [reflexive, coming], CONFIG, 7.0) == 8.0
    assert nominate_at(relayed, [relayed, coming, coming_by_relay], CONFIG, 7.0) == 9.0
    assert nominate_at(relayed, [relayed, coming_by_relay], CONFIG, 7.0) == 7.0
    assert nominate_at(relayed, [relayed, pair(0, pending=True)], CONFIG, 7.0) == 7.0
    coming.first_checked = 8.5
    assert nominate_at(relayed, [relayed, coming], CONFIG, 7.0) == 10.5
    assert nominate_at(reflexive, [reflexive, coming], CONFIG, 7.0) == 8.0


def test_the_best_valid_pair_until_one_is_nominated() -> None:
    first, second = pair(9), pair(5)
    assert choose([]) is None
    assert choose([first, second]) is first
    second.nominated = True
    assert choose([first, second]) is second


def test_of_several_nominated_the_greatest_value_then_the_highest_priority_unless_it_is_stale() -> None:
    first, second = pair(9), pair(5)
    first.nominated = second.nominated = True
    assert choose([first, second]) is first
    second.nominated_at = 2.0
    assert choose([first, second]) is first
    second.nominated_at = 3.0
    assert choose([first, second]) is second
    first.nomination = 1
    assert choose([first, second]) is first
