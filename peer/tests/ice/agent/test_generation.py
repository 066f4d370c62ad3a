"""One agent by itself, its other side played by the test message by message: what each answer and request leads to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peer.ice.agent import (
    Address,
    Candidate,
    Config,
    PairChanged,
    PairState,
    Parameters,
    Path,
    State,
    Transmission,
    timing,
)
from peer.tests.ice.virtual import Peer, host
from peer.wire import stun
from peer.wire.stun import Attribute, AttributeType, Class, ErrorCode, Message

THEIRS = Parameters("them", "their password of 22 c")
HERE = host("192.0.2.1")
FIRST, SECOND = host("198.51.100.1", foundation="f"), host("198.51.100.2", preference=9, foundation="f")


class Alone:
    """An agent with one local candidate, checking the given remote ones."""

    def __init__(self, *remote: Candidate, config: Config | None = None, end: bool = True) -> None:
        self.peer = Peer("a", config or Config(controlling=True), [HERE], 0)
        self.agent = self.peer.agent
        self.now = 0.0
        self.agent.add_local_candidate(HERE, 0.0)
        self.agent.end_of_local_candidates(0.0)
        self.agent.set_remote_parameters(THEIRS, 0.0)
        for candidate in remote or (FIRST,):
            self.agent.add_remote_candidate(candidate, 0.0)
        if end:
            self.agent.add_remote_candidate(None, 0.0)

    def sent(self, later: float = 0.0) -> list[Transmission]:
        """Let time pass, then drain."""
        end = self.now + later
        out = self.agent.datagrams_to_send(self.now)
        while (due := self.agent.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.agent.handle_timeout(self.now)
            out += self.agent.datagrams_to_send(self.now)
        self.now = end
        return out + self.agent.datagrams_to_send(self.now)

    def answer(
        self,
        sent: Transmission,
        *attributes: Attribute,
        kind: Class = Class.SUCCESS,
        key: str = THEIRS.pwd,
        path: Path | None = None,
    ) -> None:
        """Answer a request; with the right mapped address where nothing else is said."""
        request = stun.parse(sent.data)
        given = attributes or (Attribute(AttributeType.XOR_MAPPED_ADDRESS, sent.path.local),)
        message = Message(stun.Method.BINDING, kind, request.transaction_id, given, key.encode(), fingerprint=True)
        self.agent.receive_datagram(message.serialize(), self.now, path or sent.path)

    def ask(self, remote: Address, *extra: Attribute, ufrag: str = "them") -> None:
        """A request from the other side."""
        ours = self.agent.local_parameters
        role = AttributeType.ICE_CONTROLLED if self.agent.controlling else AttributeType.ICE_CONTROLLING
        attributes = (
            Attribute(AttributeType.USERNAME, f"{ours.ufrag}:{ufrag}"),
            Attribute(AttributeType.PRIORITY, 12345),
            Attribute(role, 1),
            *extra,
        )
        message = Message(
            stun.Method.BINDING, Class.REQUEST, b"their asking", attributes, ours.pwd.encode(), fingerprint=True
        )
        self.agent.receive_datagram(message.serialize(), self.now, Path(HERE.address, remote))

    def requests(self, later: float = 0.0) -> list[Transmission]:
        return [one for one in self.sent(later) if stun.parse(one.data).message_class is Class.REQUEST]

    @property
    def states(self) -> list[str]:
        return [str(pair.state) for pair in self.agent.pairs]


def test_success_thaws_the_pairs_of_its_foundation_at_once() -> None:
    alone = Alone(FIRST, SECOND, config=Config())
    (check,) = alone.requests()
    assert alone.states == ["in-progress", "frozen"]
    alone.answer(check)
    assert alone.states == ["succeeded", "waiting"]


@pytest.mark.parametrize(
    "answer",
    [
        {"attributes": (Attribute(AttributeType.SOFTWARE, "no mapped address"),)},
        {
            "attributes": (
                Attribute(AttributeType.XOR_MAPPED_ADDRESS, HERE.address),
                Attribute(0x7001, b""),
            )
        },
        {"attributes": (Attribute(AttributeType.ERROR_CODE, ErrorCode(400)),), "kind": Class.ERROR},
        {"attributes": (Attribute(AttributeType.SOFTWARE, "no code"),), "kind": Class.ERROR},
        {"path": Path(HERE.address, Address("198.51.100.1", 6000))},
        {"path": Path(Address("192.0.2.77", 5000), FIRST.address)},
    ],
)
def test_an_answer_that_will_not_do_fails_the_pair(answer: dict[str, object]) -> None:
    alone = Alone()
    (check,) = alone.requests()
    attributes = answer.pop("attributes", ())
    assert isinstance(attributes, tuple)
    alone.answer(check, *attributes, **answer)  # type: ignore[arg-type]  # keywords of several kinds
    assert alone.states == ["failed"]
    assert alone.agent.selected_path is None


def test_an_answer_from_another_address_fails_its_pair_and_the_next_is_nominated() -> None:
    other = host("198.51.100.2", preference=9)
    alone = Alone(FIRST, other)
    (check,) = alone.requests()
    alone.answer(check, path=Path(HERE.address, other.address))  # from an address we know, but didn't ask
    assert alone.states == ["failed", "waiting"]
    (check,) = alone.requests(timing.TA)
    assert check.path.remote == other.address
    alone.answer(check)
    (nomination,) = alone.requests(timing.TA)
    assert nomination.path.remote == other.address
    assert stun.parse(nomination.data).use_candidate
    alone.answer(nomination)
    assert alone.agent.selected_path == check.path


def test_a_pair_that_failed_by_an_answer_from_another_address_gets_another_chance_from_a_request() -> None:
    alone = Alone()
    (check,) = alone.requests()
    alone.answer(check, path=Path(HERE.address, SECOND.address))
    assert not alone.requests(1.0)
    alone.ask(FIRST.address)  # RFC 8445 section 7.3.1.4: from Failed to Waiting
    (again,) = alone.requests(timing.TA)
    alone.answer(again)
    assert alone.states == ["succeeded"]


def test_an_answer_without_the_right_integrity_might_as_well_not_have_come() -> None:
    alone = Alone()
    (check,) = alone.requests()
    alone.answer(check, key="another password of 22")
    assert alone.states == ["in-progress"]
    assert alone.peer.discarded() == ["a response without valid integrity"]
    alone.answer(check)
    assert alone.states == ["succeeded"]
    alone.answer(check)
    assert alone.peer.discarded()[1:] == ["a response to nothing we asked"]


def test_a_late_answer_to_a_second_check_does_not_take_the_nomination_out_of_the_queue() -> None:
    alone = Alone()
    (first,) = alone.requests()
    alone.ask(FIRST.address)  # cancels the first check, triggers a second
    (second,) = alone.requests(timing.TA)
    alone.answer(first)
    alone.answer(second)
    (nomination,) = alone.requests(timing.TA)
    assert stun.parse(nomination.data).use_candidate
    alone.answer(nomination)
    assert alone.agent.state is State.COMPLETED


def test_one_answer_is_enough_however_many_checks_stay_without() -> None:
    alone = Alone(config=Config())
    (first,) = alone.requests()
    alone.ask(FIRST.address)
    (second,) = alone.requests(timing.TA)
    alone.answer(first)
    assert alone.agent.state is State.CONNECTED
    for _ in range(12):  # consent is answered, the second check never
        for request in alone.requests(4.0):
            if request.data != second.data:
                alone.answer(request)
    assert alone.states == ["succeeded"]


def test_the_cancelled_check_is_not_sent_again_but_its_answer_still_counts() -> None:
    alone = Alone()
    (first,) = alone.requests()
    alone.ask(FIRST.address)
    (second,) = alone.requests(timing.TA)
    assert second.data != first.data
    again = alone.requests(1.0)
    assert first.data not in [one.data for one in again]
    alone.answer(first)
    assert alone.states == ["succeeded"]


@pytest.mark.parametrize("how", ["refused", "silence"])
def test_a_nomination_that_fails_takes_the_check_list_with_it(how: str) -> None:
    alone = Alone()
    (check,) = alone.requests()
    alone.answer(check)
    (nomination,) = alone.requests(timing.TA)
    if how == "refused":
        alone.answer(nomination, Attribute(AttributeType.ERROR_CODE, ErrorCode(400)), kind=Class.ERROR)
    else:
        for _ in range(20):
            for request in alone.requests(2.0):
                if not stun.parse(request.data).use_candidate:
                    alone.answer(request)
    assert alone.states == ["failed"]
    assert alone.agent.state is State.FAILED
    assert alone.agent.selected_path is None


def test_use_candidate_from_the_controlled_side_means_nothing() -> None:
    alone = Alone()
    alone.ask(FIRST.address, Attribute(AttributeType.USE_CANDIDATE))
    (check,) = alone.requests()
    alone.answer(check)
    assert [pair.nominated for pair in alone.agent.pairs] == [False]


def test_the_controlled_side_accepts_a_nomination_before_and_after_its_own_check_succeeded() -> None:
    for before in (True, False):
        alone = Alone(config=Config())
        (check,) = alone.requests()
        if before:
            alone.ask(FIRST.address, Attribute(AttributeType.USE_CANDIDATE))
            (check,) = alone.requests(timing.TA)
            alone.answer(check)
        else:
            alone.answer(check)
            alone.ask(FIRST.address, Attribute(AttributeType.USE_CANDIDATE))
        assert [pair.nominated for pair in alone.agent.pairs] == [True]
        assert alone.agent.state is State.COMPLETED


def test_a_request_of_somebody_with_another_name_is_answered_but_not_checked() -> None:
    alone = Alone()
    alone.requests()
    alone.ask(Address("203.0.113.9", 9), ufrag="stranger")
    sent = alone.sent(timing.TA)
    assert [stun.parse(one.data).message_class for one in sent] == [Class.SUCCESS]
    assert len(alone.agent.pairs) == 1


def test_a_mapped_address_that_is_another_base_makes_that_pair_valid() -> None:
    alone = Alone(end=False)
    other = host("192.0.2.9")
    alone.agent._current.add_local(replace(other, base=other.address), 0.0)  # after the end: a second base
    checks = alone.requests(1.0)
    first = next(check for check in checks if check.path.local == HERE.address)
    alone.answer(first, Attribute(AttributeType.XOR_MAPPED_ADDRESS, other.address))
    valid = {pair.path.local: pair.valid for pair in alone.agent.pairs}
    assert valid == {HERE.address: False, other.address: True}


def test_a_487_for_a_role_that_was_given_up_meanwhile_changes_nothing_but_repeats_the_check() -> None:
    alone = Alone()
    (check,) = alone.requests()
    alone.agent.set_controlling(False)
    alone.answer(check, Attribute(AttributeType.ERROR_CODE, ErrorCode(487)), kind=Class.ERROR)
    assert not alone.agent.controlling
    (again,) = alone.requests(timing.TA)
    assert stun.parse(again.data).controlled is not None


def test_after_a_restart_the_old_generation_is_answered_for_three_more_seconds() -> None:
    alone = Alone(config=Config())
    (check,) = alone.requests()
    alone.answer(check)
    old = alone.agent.local_parameters
    alone.agent.restart(alone.now)
    alone.agent.add_local_candidate(HERE, alone.now)
    alone.agent.set_remote_parameters(replace(THEIRS, ufrag="anew"), alone.now)
    alone.agent.add_remote_candidate(FIRST, alone.now)
    (check,) = alone.requests(timing.TA)
    alone.answer(check)
    for later, answered in ((timing.RELEASE_DELAY - 0.1, True), (0.2, False)):
        alone.sent(later)
        message = Message(
            stun.Method.BINDING,
            Class.REQUEST,
            b"their asking",
            (Attribute(AttributeType.USERNAME, f"{old.ufrag}:them"), Attribute(AttributeType.PRIORITY, 1)),
            old.pwd.encode(),
            fingerprint=True,
        )
        alone.agent.receive_datagram(message.serialize(), alone.now, Path(HERE.address, FIRST.address))
        kinds = {stun.parse(one.data).message_class for one in alone.sent()}
        assert (Class.SUCCESS in kinds) is answered
        assert (Class.ERROR in kinds) is not answered


def test_moves_of_the_check_list_are_reported_where_that_was_asked_for() -> None:
    alone = Alone(config=Config(controlling=True, report_pairs=True))
    (check,) = alone.requests()
    request = stun.parse(check.data)
    mapped = Attribute(AttributeType.XOR_MAPPED_ADDRESS, check.path.local)
    answer = Message(
        stun.Method.BINDING, Class.SUCCESS, request.transaction_id, (mapped,), THEIRS.pwd.encode(), fingerprint=True
    )
    events = alone.agent.receive_datagram(answer.serialize(), 0.0, check.path)
    moves = [event.pair.state for event in events if isinstance(event, PairChanged)]
    assert moves == [PairState.IN_PROGRESS, PairState.SUCCEEDED]
