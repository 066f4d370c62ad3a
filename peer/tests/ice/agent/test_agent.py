"""Whole sessions of two agents, in virtual time."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace

import pytest

from peer.errors import LocalProtocolError
from peer.ice.agent import (
    Address,
    Candidate,
    CandidateLearned,
    CandidateType,
    Config,
    GatheringState,
    Parameters,
    Path,
    ResolutionRequested,
    RoleChanged,
    SelectedPairChanged,
    State,
    StateChanged,
    timing,
)
from peer.testing import Entropy, Link, Nat, NatKind, PumpTimeoutError
from peer.tests.ice.virtual import DONE, World, host
from peer.wire import stun
from peer.wire.stun import AttributeType, Class

SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "20"))


def five(prefix: str) -> list[Candidate]:
    return [host(f"{prefix}.{index}", preference=65535 - index) for index in range(1, 6)]


def test_two_agents_connect_in_one_round_trip_and_complete_with_the_best_pair_nominated() -> None:
    world = World(five("192.0.2"), five("198.51.100")).start()
    assert world.run_to(*DONE) == pytest.approx(0.02)
    world.run_to(State.COMPLETED)
    for peer in (world.a, world.b):
        pair = peer.agent.selected_pair
        assert pair is not None
        assert (pair.nominated, pair.local.address.host[-2:], pair.remote.address.host[-2:]) == (True, ".1", ".1")
        assert peer.states == ["checking", "connected", "completed"]
        assert peer.agent.gathering_state is GatheringState.COMPLETE


def test_full_trickle_one_candidate_at_a_time() -> None:
    world = World(five("192.0.2"), five("198.51.100"))
    world.introduce()
    for ours, theirs in zip(world.a.candidates, world.b.candidates, strict=True):
        for peer, mine, its in ((world.a, ours, theirs), (world.b, theirs, ours)):
            peer.do(peer.agent.add_local_candidate(mine, world.now))
            world.network.run(timeout=0.03)
            peer.do(peer.agent.add_remote_candidate(Candidate.parse(str(its)), world.now))
            world.network.run(timeout=0.03)
    for peer in (world.a, world.b):
        peer.do(peer.agent.end_of_local_candidates(world.now))
        assert peer.states == ["checking", "connected"]
        peer.do(peer.agent.add_remote_candidate(None, world.now))
        assert peer.states == ["checking", "connected", "completed"]


def test_candidates_that_come_before_the_credentials_are_kept_and_those_of_another_generation_ignored() -> None:
    world = World()
    world.gather()
    world.signal(world.a)
    assert world.a.states == []
    world.introduce()
    assert world.a.states == ["checking"]
    stranger = host("203.0.113.1", extensions=(("ufrag", "other"),))
    world.b.do(world.b.agent.add_remote_candidate(stranger, world.now))
    assert world.b.agent.remote_candidates == ()


def test_requests_before_the_answer_are_answered_at_once_and_checked_when_it_comes() -> None:
    world = World()
    world.introduce(world.b)
    world.gather()
    world.signal(world.b)
    world.network.run(timeout=0.03)
    assert world.a.said(Class.SUCCESS)
    assert world.b.agent.state is State.CONNECTED
    assert not world.a.said(Class.REQUEST)
    world.introduce(world.a)
    assert world.network.run(lambda: world.a.agent.state is State.CONNECTED) == pytest.approx(0.02)
    remote = world.a.agent.remote_candidates
    assert [candidate.type for candidate in remote] == [CandidateType.PEER_REFLEXIVE]
    world.signal(world.a)
    assert [candidate.type for candidate in world.a.agent.remote_candidates] == [CandidateType.HOST]


def test_new_checks_are_paced_by_ta_and_the_first_goes_at_once() -> None:
    world = World(five("192.0.2"), five("198.51.100"), link=Link(loss=1.0)).start()
    world.network.run(timeout=2.0)
    first: dict[bytes, float] = {}
    for entry in world.a.sent():
        first.setdefault(entry.message.transaction_id, entry.time)
    times = sorted(first.values())
    assert times[0] == 0.0
    assert len(times) == 25
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) == pytest.approx(timing.TA)


def test_the_larger_of_two_proposed_paces_counts() -> None:
    world = World(five("192.0.2"), five("198.51.100"), link=Link(loss=1.0), a=Config(controlling=True, ta=0.01))
    world.gather(world.a)
    slow = replace(world.b.agent.local_parameters, pacing=0.2)
    world.a.do(world.a.agent.set_remote_parameters(slow, world.now))
    world.signal(world.a)
    world.network.run(timeout=0.95)
    assert [entry.time for entry in world.a.sent()] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])


def test_checks_go_by_priority_and_carry_what_rfc_8445_asks() -> None:
    world = World(five("192.0.2"), five("198.51.100"), link=Link(loss=1.0)).start()
    world.network.run(timeout=0.3)
    request = world.a.said(Class.REQUEST)[0]
    ours, theirs = world.a.agent.local_parameters, world.b.agent.local_parameters
    assert request.username == f"{theirs.ufrag}:{ours.ufrag}"
    assert request.priority == (110 << 24) + (65534 << 8) + 255
    assert request.controlling == world.a.agent.tiebreaker
    assert not request.use_candidate
    data = request.serialize()
    assert stun.has_valid_integrity(data, theirs.pwd.encode())
    assert stun.has_valid_fingerprint(data)
    assert world.b.said(Class.REQUEST)[0].controlled == world.b.agent.tiebreaker
    order = [entry.note.split(" -> ")[1] for entry in world.a.sent()[:4]]
    assert order[0] == "198.51.100.1:5000/udp"


def test_a_check_is_sent_seven_times_doubling_and_fails_after_39_5_seconds() -> None:
    world = World(link=Link(loss=1.0)).start()
    with pytest.raises(PumpTimeoutError):
        world.network.run(lambda: world.a.agent.state is State.FAILED, timeout=39.4)
    times = [entry.time for entry in world.a.sent()]
    assert times == pytest.approx([0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5])
    assert len({message.transaction_id for message in world.a.said()}) == 1
    world.run_to(State.FAILED, timeout=1.0)
    assert world.now == pytest.approx(39.5)
    assert world.a.states == ["checking", "failed"]


def test_only_the_controlling_side_nominates_and_nominates_one_pair() -> None:
    world = World(five("192.0.2"), five("198.51.100")).connect()
    world.network.run(timeout=20.0)
    nominating = {message.transaction_id for message in world.a.said() if message.use_candidate}
    assert len(nominating) == 1
    assert not any(message.use_candidate for message in world.b.said())
    assert [pair.nominated for pair in world.a.agent.pairs].count(True) == 1


def test_nomination_waits_for_a_better_pair_that_is_pending_but_not_for_long() -> None:
    relayed = [host("192.0.2.9", type=CandidateType.RELAYED)]
    world = World([*five("192.0.2"), *relayed], five("198.51.100"))
    for candidate in five("192.0.2"):
        for other in five("198.51.100"):
            world.network.block(candidate.address, other.address)
            world.network.block(other.address, candidate.address)
    world.connect()
    pair = world.a.agent.selected_pair
    assert pair is not None
    assert pair.local.type is CandidateType.RELAYED
    first = next(entry.time for entry in world.a.sent() if entry.message.use_candidate)
    asked: dict[str, float] = {}
    for entry in world.a.sent():
        if "192.0.2.9" not in entry.note and entry.message.message_class is Class.REQUEST:
            asked.setdefault(entry.note, entry.time)
    assert len(asked) == 25
    last = max(asked.values())
    assert timing.RELAY_PATIENCE - 1e-6 <= first - last <= timing.RELAY_PATIENCE + 2 * timing.TA


@pytest.mark.parametrize("controlling", [True, False])
def test_a_role_conflict_is_repaired_whoever_has_the_greater_tiebreaker(controlling: bool) -> None:
    codes, switched = set(), set()
    for seed in range(6):
        world = World(a=Config(controlling=controlling), b=Config(controlling=controlling), seed=seed)
        greater = max(world.a, world.b, key=lambda peer: peer.agent.tiebreaker)
        world.connect()
        assert greater.agent.controlling is True
        assert world.other(greater).agent.controlling is False
        # RFC 8445 section 7.3.1.1: of two controlling the smaller gives in; of two controlled the greater takes over.
        expected = world.other(greater) if controlling else greater
        assert expected.seen(RoleChanged)
        assert not world.other(expected).seen(RoleChanged)
        codes |= {message.error.code for message in world.a.said() + world.b.said() if message.error}
        switched.add(expected.name)
    assert codes == {487}
    assert switched == {"a", "b"}


@pytest.mark.parametrize("kind", [CandidateType.RELAYED, CandidateType.HOST])
def test_a_pair_with_nothing_better_to_wait_for_is_nominated_at_once(kind: CandidateType) -> None:
    world = World([host("192.0.2.9", type=kind)], five("198.51.100"))
    world.network.block(world.a.candidates[0].address, world.b.candidates[0].address)
    world.network.block(world.b.candidates[0].address, world.a.candidates[0].address)
    world.start()
    world.network.run(lambda: any(message.use_candidate for message in world.a.said()))
    assert world.now <= 2 * timing.TA + 0.03


def test_a_487_changes_the_tiebreaker_and_the_check_is_repeated_in_the_new_role() -> None:
    world = World(b=Config(controlling=True), seed=1)
    smaller = min(world.a, world.b, key=lambda peer: peer.agent.tiebreaker)
    before = smaller.agent.tiebreaker
    world.network.block(world.other(smaller).candidates[0].address, Address("0.0.0.0", 0))
    smaller_only = [smaller]
    world.introduce()
    world.gather()
    world.signal(*smaller_only)
    world.network.run(timeout=0.03)
    assert smaller.agent.tiebreaker != before
    assert smaller.agent.controlling is False
    world.run_to(*DONE)
    requests = smaller.said(Class.REQUEST)
    assert requests[0].controlling is not None
    assert requests[-1].controlled is not None


def test_consent_is_asked_for_every_4_to_6_seconds_once_each_with_a_new_transaction() -> None:
    world = World().connect()
    start = len(world.a.sent())
    begin = world.now
    world.network.run(timeout=1000.0)
    requests = [entry for entry in world.a.sent()[start:] if entry.message.message_class is Class.REQUEST]
    times = [begin, *(entry.time for entry in requests)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times[1:])]
    assert 4.0 <= min(gaps) < 4.1
    assert 5.9 < max(gaps) <= 6.0
    assert len({entry.message.transaction_id for entry in requests}) == len(requests) >= 160
    assert not any(entry.message.use_candidate for entry in requests)
    pair = world.a.agent.selected_pair
    assert pair is not None
    assert pair.consent_requests_sent == len(requests)
    assert pair.current_round_trip_time == pytest.approx(0.02)


def test_without_consent_the_agent_is_disconnected_then_fails_after_30_seconds_and_there_is_no_path() -> None:
    world = World().connect()
    last = world.now
    world.network.link = Link(loss=1.0)
    world.network.run(lambda: world.a.agent.state is State.DISCONNECTED)
    assert world.now - last <= timing.DISCONNECTED_AFTER + 0.1
    assert world.a.agent.selected_path is not None
    world.network.run(lambda: world.a.agent.selected_path is None)
    assert 29.5 <= world.now - last <= 30.1
    assert world.a.agent.state is State.FAILED
    assert world.a.seen(SelectedPairChanged)[-1].pair is None
    sent = len(world.a.sent())
    world.network.link = Link(delay=0.01)
    world.network.run(timeout=60.0)
    assert [entry.message.message_class for entry in world.a.sent()[sent:]].count(Class.REQUEST) == 0


def test_after_consent_is_lost_the_same_credentials_are_never_used_on_that_path_again() -> None:
    def withhold(message: stun.Message) -> list[stun.Message | bytes]:
        return [] if withholding and message.message_class is Class.SUCCESS else [message]

    withholding: list[bool] = []
    world = World(transform_b=withhold).connect()
    withholding.append(True)
    world.network.run(lambda: world.a.agent.selected_path is None)
    withholding.clear()
    requests, answers = len(world.a.said(Class.REQUEST)), len(world.a.said(Class.SUCCESS))
    world.network.run(timeout=20.0)
    assert len(world.a.said(Class.REQUEST)) == requests
    assert world.a.agent.selected_path is None
    assert len(world.a.said(Class.SUCCESS)) >= answers + 3  # but it still answers
    assert world.b.agent.state is State.COMPLETED


def test_consent_that_comes_back_in_time_makes_it_completed_again() -> None:
    world = World().connect()
    world.network.link = Link(loss=1.0)
    world.network.run(lambda: world.a.agent.state is State.DISCONNECTED)
    world.network.link = Link(delay=0.01)
    world.network.run(lambda: world.a.agent.state is State.COMPLETED, timeout=7.0)
    assert world.a.states[-2:] == ["disconnected", "completed"]


def test_when_consent_is_lost_before_nomination_data_moves_to_another_valid_pair() -> None:
    def never_nominate(message: stun.Message) -> list[stun.Message | bytes]:
        return [] if message.use_candidate else [message]

    world = World(five("192.0.2")[:1], five("198.51.100")[:2], transform_a=never_nominate).start()
    world.network.run(timeout=1.0)
    first, second = (pair.path for pair in world.b.agent.pairs if pair.valid)
    assert world.b.agent.selected_path == first
    world.network.block(first.local, first.remote)
    world.network.block(first.remote, first.local)
    world.network.run(lambda: world.b.agent.selected_path == second, timeout=31.0)
    assert world.b.agent.state is State.CONNECTED


def test_a_forbidden_consent_revokes_it_at_once() -> None:
    def forbid(message: stun.Message) -> list[stun.Message | bytes]:
        if message.message_class is Class.SUCCESS and forbidding:
            error = stun.Attribute(AttributeType.ERROR_CODE, stun.ErrorCode(403, "Forbidden"))
            return [replace(message, message_class=Class.ERROR, attributes=(error,))]
        return [message]

    forbidding: list[bool] = []
    world = World(transform_b=forbid).connect()
    forbidding.append(True)
    world.network.run(lambda: world.a.agent.selected_path is None, timeout=6.1)
    assert world.a.agent.state is State.FAILED


def test_a_restart_keeps_the_old_path_until_the_new_one_works() -> None:
    world = World().connect()
    old = world.a.agent.local_parameters, world.b.agent.local_parameters
    path = world.a.agent.selected_path
    world.a.do(world.a.agent.restart(world.now))
    assert world.a.agent.local_parameters.ufrag != old[0].ufrag
    assert world.a.agent.local_parameters.pwd != old[0].pwd
    assert (world.a.agent.selected_path, world.a.agent.state) == (path, State.CONNECTED)
    world.network.run(timeout=40.0)  # an answer that takes its time: consent goes on, in both directions
    assert (world.a.agent.selected_path, world.a.agent.state) == (path, State.CONNECTED)
    assert world.b.states[-1] == "completed"
    world.introduce(world.b)
    assert world.b.agent.local_parameters.ufrag != old[1].ufrag
    assert world.b.states[-1] == "connected"
    world.introduce(world.a)
    world.gather()
    world.signal()
    paths = []
    while State.CONNECTED in (world.a.agent.state, world.b.agent.state):
        world.network.run(timeout=0.005)
        paths.append(world.a.agent.selected_path)
        assert world.now < 60
    assert None not in paths
    world.network.run(timeout=10.0)
    assert {message.username for message in world.a.said(Class.REQUEST)[-1:]} == {
        f"{world.b.agent.local_parameters.ufrag}:{world.a.agent.local_parameters.ufrag}"
    }


def test_a_restart_to_another_address_moves_the_data_there() -> None:
    world = World().connect()
    new = host("192.0.2.77")
    world.network.add_address(world.a.side, new.address)
    world.a.candidates = [new]
    world.a.do(world.a.agent.restart(world.now))
    world.introduce(world.b)
    world.introduce(world.a)
    world.gather()
    world.signal()
    world.run_to(State.COMPLETED)
    assert world.a.agent.selected_path == Path(new.address, world.b.candidates[0].address)
    assert world.b.agent.selected_path == Path(world.b.candidates[0].address, new.address)


def test_a_restart_that_is_taken_back_leaves_everything_as_it_was() -> None:
    world = World().connect()
    before = (world.a.agent.local_parameters, world.a.agent.selected_path, world.a.agent.pairs)
    world.a.do(world.a.agent.restart(world.now))
    world.a.do(world.a.agent.cancel_restart(world.now))
    assert (world.a.agent.local_parameters, world.a.agent.selected_path, world.a.agent.pairs) == before
    assert world.a.agent.state is State.COMPLETED
    world.network.run(timeout=60.0)
    assert world.a.agent.state is State.COMPLETED


def test_restarting_with_the_credentials_of_before_is_taking_it_back_and_known_candidates_change_nothing() -> None:
    world = World().connect()
    before = (world.a.agent.local_parameters, world.a.agent.selected_path, world.a.agent.pairs)
    world.a.do(world.a.agent.restart(world.now))
    world.a.do(world.a.agent.restart(world.now, before[0]))
    world.gather(world.a)
    assert (world.a.agent.local_parameters, world.a.agent.selected_path, world.a.agent.pairs) == before
    assert world.a.agent.state is State.COMPLETED


def test_a_restart_gets_a_failed_agent_going_again() -> None:
    world = World().connect()
    world.network.link = Link(loss=1.0)
    world.run_to(State.FAILED)
    world.network.link = Link(delay=0.01)
    world.a.do(world.a.agent.restart(world.now))
    assert world.a.agent.state is State.CHECKING
    world.introduce(world.b)
    world.introduce(world.a)
    world.gather()
    world.signal()
    world.run_to(State.COMPLETED)


def test_lite_answers_but_never_asks_and_the_full_side_controls() -> None:
    world = World(a=Config(lite=True, controlling=False), b=Config(controlling=False))
    world.connect()
    assert world.b.agent.controlling
    assert not world.a.said(Class.ERROR)  # no conflict had to be repaired
    assert not world.a.said(Class.REQUEST)
    assert world.a.agent.selected_path == Path(world.a.candidates[0].address, world.b.candidates[0].address)
    world.network.run(timeout=100.0)
    assert {world.a.agent.state, world.b.agent.state} == {State.COMPLETED}
    assert 5 <= len(world.a.said(Class.INDICATION)) <= 7
    assert not world.a.said(Class.REQUEST)


def test_of_several_nominations_by_an_old_peer_the_pair_of_highest_priority_is_selected() -> None:
    def aggressive(message: stun.Message) -> list[stun.Message | bytes]:
        if message.message_class is Class.REQUEST:
            return [replace(message, attributes=(*message.attributes, stun.Attribute(AttributeType.USE_CANDIDATE)))]
        return [message]

    world = World(five("192.0.2"), five("198.51.100"), transform_a=aggressive, link=Link(loss=0.3, delay=0.01, seed=4))
    world.connect()
    world.network.run(timeout=5.0)
    best = max((pair for pair in world.b.agent.pairs if pair.nominated), key=lambda pair: pair.priority)
    assert world.b.agent.selected_path == best.path


def test_renomination_moves_both_sides_to_the_pair_nominated_last() -> None:
    a = Config(controlling=True, renomination=True, nomination_patience=0.5)
    world = World(five("192.0.2")[:1], five("198.51.100")[:2], a=a)
    world.gather()
    world.introduce(world.b)
    theirs = replace(world.b.agent.local_parameters, renomination=True)
    world.a.do(world.a.agent.set_remote_parameters(theirs, world.now))
    world.b.candidates.reverse()
    world.signal()
    world.network.run(timeout=2.0)
    best, other = (pair.path for pair in world.a.agent.pairs if pair.valid)
    assert world.a.agent.selected_path == best
    world.a.do(world.a.agent.nominate(other, world.now))
    world.network.run(timeout=1.0)
    assert world.a.agent.selected_path == other
    assert world.b.agent.selected_path == other.reversed()
    values = [message.nomination for message in world.a.said(Class.REQUEST) if message.nomination is not None]
    assert values == [1, 2]


def test_a_later_nomination_counts_when_the_first_has_not_been_repeated_for_long() -> None:
    world = World(five("192.0.2")[:1], five("198.51.100")[:2]).start()
    world.network.run(timeout=4.0)
    better, worse = (Path(candidate.address, world.a.candidates[0].address) for candidate in world.b.candidates)
    assert world.b.agent.selected_path == better
    request = stun.Message(
        stun.Method.BINDING,
        Class.REQUEST,
        bytes(12),
        (
            stun.Attribute(
                AttributeType.USERNAME,
                f"{world.b.agent.local_parameters.ufrag}:{world.a.agent.local_parameters.ufrag}",
            ),
            stun.Attribute(AttributeType.PRIORITY, 7),
            stun.Attribute(AttributeType.ICE_CONTROLLING, 7),
            stun.Attribute(AttributeType.USE_CANDIDATE),
        ),
        integrity_key=world.b.agent.local_parameters.pwd.encode(),
        fingerprint=True,
    )
    world.network.inject(world.b.side, request.serialize(), worse)
    world.network.run(timeout=1.0)
    assert world.b.agent.selected_path == worse


def test_only_the_controlling_side_can_nominate_and_only_valid_pairs() -> None:
    world = World().connect()
    path = world.a.agent.selected_path
    assert path is not None
    with pytest.raises(LocalProtocolError):
        world.a.agent.nominate(path._replace(remote=Address("203.0.113.9", 9)), world.now)
    with pytest.raises(LocalProtocolError):
        world.b.agent.nominate(path.reversed(), world.now)


KINDS = list(NatKind)


@pytest.mark.parametrize("theirs", KINDS)
@pytest.mark.parametrize("ours", KINDS)
def test_nats_are_crossed_where_that_is_possible_at_all(ours: NatKind, theirs: NatKind) -> None:
    world = World([host("10.0.0.1")], [host("10.0.1.1")])
    stun_server = Address("203.0.113.250", 3478)
    for peer, outside, kind in ((world.a, "203.0.113.1", ours), (world.b, "203.0.113.2", theirs)):
        base = peer.candidates[0].address
        nat = Nat(outside, kind)
        world.network.add_nat(nat, [base])
        mapped = nat.outbound(base, stun_server)
        reflexive = host(mapped.host, mapped.port, type=CandidateType.SERVER_REFLEXIVE, base=base, related=base)
        peer.candidates.append(reflexive)
    world.start()
    if NatKind.SYMMETRIC in (ours, theirs) and {ours, theirs} <= {NatKind.SYMMETRIC, NatKind.PORT_RESTRICTED}:
        world.run_to(State.FAILED)  # that is what relays are for
        return
    world.run_to(State.COMPLETED)
    for peer, kind in ((world.a, ours), (world.b, theirs)):
        pair = peer.agent.selected_pair
        assert pair is not None
        assert pair.path.local == peer.candidates[0].address
        behind_symmetric = (CandidateType.PEER_REFLEXIVE,)
        cone = (CandidateType.SERVER_REFLEXIVE,)
        assert pair.local.type in (behind_symmetric if kind is NatKind.SYMMETRIC else cone)
        found = [event.candidate.type for event in peer.seen(CandidateLearned) if not event.remote]
        assert found == ([CandidateType.PEER_REFLEXIVE] if kind is NatKind.SYMMETRIC else [])


def test_a_name_asks_for_its_resolution_and_is_paired_when_it_has_an_address() -> None:
    world = World()
    world.introduce()
    world.gather()
    named = replace(world.b.candidates[0], address=Address("0b5f2c1e.local", 5000))
    world.a.do(world.a.agent.add_remote_candidate(named, world.now))
    assert world.a.seen(ResolutionRequested)[0].candidate == named
    assert world.a.agent.pairs == ()
    assert world.a.agent.state is State.CHECKING
    world.signal(world.a)
    world.network.run(lambda: world.a.agent.state is State.COMPLETED)


def test_after_end_of_candidates_new_ones_are_ignored_but_a_name_told_before_may_find_its_address() -> None:
    world = World()
    world.introduce()
    world.gather()
    named = replace(world.b.candidates[0], address=Address("0b5f2c1e.local", 5000))
    world.a.do(world.a.agent.add_remote_candidate(named, world.now))
    world.a.do(world.a.agent.add_remote_candidate(None, world.now))
    world.a.do(world.a.agent.add_remote_candidate(host("203.0.113.5"), world.now))
    assert not world.a.agent.pairs
    world.a.do(world.a.agent.add_remote_candidate(world.b.candidates[0], world.now))
    assert len(world.a.agent.pairs) == 1


def test_relay_policy_pairs_relayed_candidates_only() -> None:
    relay = host("192.0.2.200", type=CandidateType.RELAYED)
    world = World([*five("192.0.2"), relay], a=Config(controlling=True, transport_policy="relay")).connect()
    assert {pair.local.type for pair in world.a.agent.pairs} == {CandidateType.RELAYED}
    assert {entry.note.split(":")[0] for entry in world.a.sent() if entry.message.message_class is Class.REQUEST} == {
        "192.0.2.200"
    }


def test_a_base_that_goes_takes_its_pairs_with_it() -> None:
    world = World().connect()
    world.a.do(world.a.agent.remove_local_base(world.a.candidates[0].address, world.now))
    assert world.a.agent.selected_path is None
    assert world.a.agent.local_candidates == ()
    assert isinstance(world.a.side.events[-1], StateChanged)


def test_ipv4_and_ipv6_are_paired_with_their_own_kind() -> None:
    world = World([host("192.0.2.1"), host("2001:db8::1")], [host("198.51.100.1"), host("2001:db8::2")]).start()
    families = {(pair.path.local.is_ipv6, pair.path.remote.is_ipv6) for pair in world.a.agent.pairs}
    assert families == {(True, True), (False, False)}


def test_without_any_candidates_the_states_are_those_of_w3c() -> None:
    world = World()
    world.introduce(world.a)
    world.a.do(world.a.agent.end_of_local_candidates(world.now))
    assert world.a.states == []
    world.a.do(world.a.agent.add_remote_candidate(None, world.now))
    assert world.a.states == ["failed"]  # zero local candidates: no PAC timer to wait for


def test_while_checks_fail_and_candidates_may_come_the_agent_is_disconnected_then_checks_again() -> None:
    world = World(link=Link(loss=1.0))
    world.introduce()
    world.gather()
    world.signal(end=False)
    world.network.run(lambda: world.a.agent.state is State.DISCONNECTED, timeout=45.0)
    late = host("198.51.100.9")
    world.a.do(world.a.agent.add_remote_candidate(late, world.now))
    assert world.a.agent.state is State.CHECKING
    world.network.run(timeout=45.0)
    world.a.do(world.a.agent.add_remote_candidate(None, world.now))
    assert world.a.states == ["checking", "disconnected", "checking", "disconnected", "failed"]


def test_a_closed_agent_is_silent() -> None:
    world = World().connect()
    world.a.do(world.a.agent.close(world.now))
    sent = len(world.a.sent())
    world.network.run(timeout=60.0)
    assert len(world.a.sent()) == sent
    assert world.a.states[-1] == "closed"
    assert world.a.agent.next_timeout() is None
    assert world.a.agent.selected_path is None
    assert world.b.agent.state is State.FAILED
    with pytest.raises(LocalProtocolError):
        world.a.agent.restart(world.now)


def test_misuse_is_a_local_protocol_error() -> None:
    world = World().start()
    with pytest.raises(LocalProtocolError):
        world.a.agent.add_local_candidate(host("192.0.2.99"), world.now)


def test_a_thousand_candidates_stay_within_the_limits() -> None:
    world = World()
    world.introduce()
    world.gather()
    for index in range(1000):
        far = host(f"203.0.113.{index % 250}", 10000 + index, preference=index)
        world.a.do(world.a.agent.add_remote_candidate(far, world.now))
    assert len(world.a.agent.remote_candidates) <= 256
    assert len(world.a.agent.pairs) <= 100
    world.signal(world.b)
    world.network.run(lambda: world.a.agent.state in DONE)


def test_a_flood_of_requests_before_the_answer_is_answered_but_not_hoarded() -> None:
    world = World()
    world.gather()
    ours = world.a.agent.local_parameters
    for index in range(500):
        request = stun.Message(
            stun.Method.BINDING,
            Class.REQUEST,
            index.to_bytes(12, "big"),
            (stun.Attribute(AttributeType.USERNAME, f"{ours.ufrag}:x"), stun.Attribute(AttributeType.PRIORITY, 1)),
            integrity_key=ours.pwd.encode(),
            fingerprint=True,
        )
        path = Path(world.a.candidates[0].address, Address("203.0.113.1", 1000 + index))
        world.a.do(world.a.agent.receive_datagram(request.serialize(), 0.0, path))
    assert len(world.a.said(Class.SUCCESS)) == 500
    world.a.do(world.a.agent.set_remote_parameters(Parameters("x", "p" * 22), 0.0))
    assert len(world.a.agent.pairs) == 64


def test_data_is_counted_on_its_pair() -> None:
    world = World().connect()
    path = world.a.agent.selected_path
    assert path is not None
    world.a.agent.count_sent(100, world.now)
    world.a.agent.count_received(path, 50, world.now)
    pair = world.a.agent.selected_pair
    assert pair is not None
    assert (pair.packets_sent, pair.bytes_sent, pair.packets_received, pair.bytes_received) == (1, 100, 1, 50)
    assert pair.requests_sent == pair.responses_received == 2
    assert str(path) in world.a.agent.describe()


@pytest.mark.parametrize("seed", range(SWEEP))
def test_five_by_five_candidates_connect_through_loss_and_checks_stay_within_the_bound(seed: int) -> None:
    world = World(
        five("192.0.2"), five("198.51.100"), link=Link(loss=0.2, delay=0.02, jitter=0.02, seed=seed), seed=seed
    )
    world.connect(timeout=39.5)
    for peer in (world.a, world.b):
        requests = [entry for entry in peer.sent() if entry.message.message_class is Class.REQUEST]
        checks = {entry.message.transaction_id for entry in requests}
        # RFC 8445 sections 6.1.4.2 and 14: one new transaction a Ta, each sent Rc times at most.
        assert len(checks) <= world.now / timing.TA + 1
        assert len(requests) <= timing.RC * len(checks)
        consent = sum(pair.consent_requests_sent for pair in peer.agent.pairs)
        assert len(checks) - consent <= 2 * 25 + 2


def test_noise_between_the_messages_changes_nothing() -> None:
    entropy = Entropy("noise")
    world = World(
        five("192.0.2"), five("198.51.100"), link=Link(delay=0.01, corrupt=0.1, duplicate=0.2, seed=5)
    ).start()
    for _ in range(200):
        where = Path(world.a.candidates[0].address, world.b.candidates[0].address)
        world.network.inject(world.a.side, entropy(entropy.below(200)), where)
    world.run_to(State.COMPLETED)
    assert world.a.discarded()
