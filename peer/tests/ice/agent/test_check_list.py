"""The check list: order, freezing, limits (RFC 8445 section 6.1.2, RFC 8838 section 12)."""

from __future__ import annotations

from peer.ice.agent.candidate import CandidateType
from peer.ice.agent.check_list import CheckList
from peer.ice.agent.events import PairState
from peer.ice.agent.pair import CandidatePair
from peer.tests.ice.virtual import host


def make(max_pairs: int = 100) -> tuple[CheckList, list[str]]:
    moves: list[str] = []
    return CheckList(max_pairs, lambda pair: moves.append(f"{pair.path.remote.port} {pair.state}")), moves


def insert(checks: CheckList, port: int, preference: int = 100, foundation: str = "f") -> CandidatePair | None:
    remote = host("198.51.100.1", port, preference, foundation=foundation)
    return checks.insert(host("192.0.2.1", foundation="l"), remote, controlling=True)


def states(checks: CheckList) -> dict[int, str]:
    return {pair.path.remote.port: str(pair.state) for pair in checks}


def test_pairs_are_ordered_by_priority_and_one_of_each_foundation_waits() -> None:
    checks, _ = make()
    for port, preference, foundation in ((1, 10, "f"), (2, 30, "f"), (3, 20, "g")):
        insert(checks, port, preference, foundation)
    assert [pair.path.remote.port for pair in checks] == [2, 3, 1]
    assert states(checks) == {1: "waiting", 2: "waiting", 3: "waiting"}  # 1 was the first when it came
    insert(checks, 4, 5, "f")
    assert states(checks)[4] == "frozen"


def test_rule_2_of_rfc_8838_a_foundation_that_has_succeeded_lets_newcomers_wait() -> None:
    checks, _ = make()
    first = insert(checks, 1, 30)
    assert first is not None
    checks.set_state(first, PairState.SUCCEEDED)
    insert(checks, 2, 20)
    assert states(checks)[2] == "waiting"


def test_the_next_is_triggered_then_waiting_then_thawed() -> None:
    checks, _ = make()
    first, second = insert(checks, 1, 30), insert(checks, 2, 20)
    assert first is not None
    assert second is not None
    assert states(checks)[2] == "frozen"
    assert checks.next_pair(0.0) is first
    checks.set_state(first, PairState.IN_PROGRESS)
    assert checks.next_pair(0.0) is None
    assert checks.work_at() is None
    checks.trigger(second)
    checks.trigger(second)
    assert checks.work_at() == 0.0
    assert checks.next_pair(0.0) is second
    assert not checks.triggered
    checks.set_state(first, PairState.FAILED)
    assert checks.next_pair(0.0) is second
    assert states(checks)[2] == "waiting"


def test_a_pair_that_is_not_to_be_checked_yet_waits_for_its_time() -> None:
    checks, _ = make()
    pair = checks.insert(host("127.0.0.1"), host("192.0.2.1"), controlling=True, not_before=5.0)
    assert checks.work_at() == 5.0
    assert checks.next_pair(4.9) is None
    assert checks.next_pair(5.0) is pair


def test_success_thaws_its_foundation() -> None:
    checks, _ = make()
    insert(checks, 1, 30)
    insert(checks, 2, 20)
    checks.thaw(("l", "f"))
    assert states(checks) == {1: "waiting", 2: "waiting"}


def test_a_pair_with_the_same_path_is_the_same_pair_and_takes_the_better_candidate() -> None:
    checks, _ = make()
    base = host("192.0.2.1").address
    reflexive = host("203.0.113.1", type=CandidateType.SERVER_REFLEXIVE, base=base)
    one = checks.insert(reflexive, host("198.51.100.1"), controlling=True)
    two = checks.insert(host("192.0.2.1"), host("198.51.100.1"), controlling=True)
    assert one is two
    assert one is not None
    assert one.local.type is CandidateType.HOST
    assert len(checks) == 1


def test_a_full_list_drops_the_failed_first_then_the_lowest_and_never_a_running_one() -> None:
    checks, _ = make(max_pairs=2)
    low, high = insert(checks, 1, 10), insert(checks, 2, 30)
    assert low is not None
    assert high is not None
    assert insert(checks, 3, 5) is None
    assert insert(checks, 4, 20) is not None
    assert set(states(checks)) == {2, 4}
    checks.set_state(high, PairState.FAILED)
    insert(checks, 5, 1)
    assert set(states(checks)) == {4, 5}
    for pair in checks:
        checks.set_state(pair, PairState.IN_PROGRESS)
    assert insert(checks, 6, 99) is None
    urgent = checks.insert(host("192.0.2.1"), host("198.51.100.1", 7, 0), controlling=True, urgent=True)
    assert urgent is None


def test_conclusion_leaves_the_valid_pairs_and_an_empty_queue() -> None:
    checks, _ = make()
    one, two, three = insert(checks, 1, 30), insert(checks, 2, 20), insert(checks, 3, 10)
    assert one is not None
    assert two is not None
    assert three is not None
    two.valid = True
    checks.trigger(two)
    checks.trigger(three)
    assert checks.conclude(one) == [three]
    assert list(checks) == [one, two]
    assert not checks.triggered


def test_a_signalled_candidate_takes_the_place_of_the_learned_one() -> None:
    checks, _ = make()
    checks.insert(host("192.0.2.1"), host("198.51.100.1", type=CandidateType.PEER_REFLEXIVE), controlling=True)
    before = next(iter(checks)).priority
    checks.update_remote(host("198.51.100.1"), controlling=True)
    pair = next(iter(checks))
    assert pair.remote.type is CandidateType.HOST
    assert pair.priority > before


def test_a_change_of_role_orders_anew_and_moves_are_told() -> None:
    checks, moves = make()
    pair = insert(checks, 1, 30)
    assert pair is not None
    before = pair.priority
    checks.recompute(controlling=False)
    assert abs(pair.priority - before) == 1
    checks.set_state(pair, PairState.IN_PROGRESS)
    checks.set_state(pair, PairState.IN_PROGRESS)
    assert moves == ["1 waiting", "1 in-progress"]
