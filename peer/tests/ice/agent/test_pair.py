"""Pairs and the timers of transactions."""

from __future__ import annotations

import pytest

from peer.ice.agent.candidate import Candidate, TcpType
from peer.ice.agent.pair import CandidatePair, Purpose, Transaction, can_pair, crosses_scope, pair_priority
from peer.tests.ice.virtual import host
from peer.wire import stun


def test_the_priority_is_the_formula_of_rfc_8445_and_the_same_on_both_sides() -> None:
    greater, smaller = host("192.0.2.1", preference=9), host("192.0.2.2", preference=3)
    g, d = greater.priority, smaller.priority
    assert pair_priority(greater, smaller, controlling=True) == (d << 32) + 2 * g + 1
    assert pair_priority(smaller, greater, controlling=False) == (d << 32) + 2 * g + 1
    assert pair_priority(greater, smaller, controlling=False) == (d << 32) + 2 * g


def tcp(kind: str | None) -> Candidate:
    return host("192.0.2.1", protocol="tcp", tcp_type=TcpType(kind) if kind else None)


@pytest.mark.parametrize(
    ("local", "remote", "possible"),
    [
        (host("192.0.2.1"), host("198.51.100.1"), True),
        (host("192.0.2.1"), host("2001:db8::1"), False),
        (host("2001:db8::2"), host("2001:db8::1"), True),
        (host("fe80::1"), host("2001:db8::1"), False),
        (host("fe80::1"), host("fe80::2"), True),
        (host("192.0.2.1"), tcp("passive"), False),
        (tcp("active"), tcp("passive"), True),
        (tcp("passive"), tcp("active"), False),
        (tcp("so"), tcp("so"), True),
        (tcp("active"), tcp("active"), False),
        (tcp(None), tcp(None), False),
        (host("192.0.2.1"), host("name.local"), False),
    ],
)
def test_what_can_be_paired(local: Candidate, remote: Candidate, possible: bool) -> None:
    assert can_pair(local, remote) is possible


def test_scope_is_crossed_from_loopback_to_a_real_address_only() -> None:
    assert crosses_scope(host("127.0.0.1"), host("192.0.2.1"))
    assert not crosses_scope(host("127.0.0.1"), host("127.0.0.1"))
    assert not crosses_scope(host("192.0.2.1"), host("127.0.0.1"))


def transaction(purpose: Purpose) -> Transaction:
    pair = CandidatePair(host("192.0.2.1"), host("192.0.2.2"), 1)
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, bytes(12))
    return Transaction(pair, purpose, message, pair.path, 100.0, 0.5)


def test_a_check_is_repeated_by_rfc_8489_and_given_up() -> None:
    one, times = transaction(Purpose.CHECK), [100.0]
    while one.advance(one.due):
        times.append(one.due - one.wait if one.sent < 7 else times[-1] + 16.0)
    assert one.due == one.expires == 139.5
    assert times == [100.0, 100.5, 101.5, 103.5, 107.5, 115.5, 131.5]


def test_a_consent_request_and_a_cancelled_check_are_not_repeated() -> None:
    consent, cancelled = transaction(Purpose.CONSENT), transaction(Purpose.CHECK)
    cancelled.cancel()
    assert (consent.due, cancelled.due) == (130.0, 139.5)
    assert not consent.advance(130.0)
    assert not cancelled.advance(139.5)
