"""Bad links in virtual time: RFC 6347 4.2.4, RFC 9147 5.8. Every handshake completes, and data flows after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from peer.dtls import HandshakeCompleted, Version
from peer.testing import Link, Pump
from peer.tests.dtls.pairs import V12, V13, client, complete, echo, pump, server, settle

SEEDS = int(os.environ.get("PEERPROOF_SWEEP", "40"))
VARIANTS = [
    pytest.param({"versions": V12}, id="1.2"),
    pytest.param({"versions": V12, "verify_address": True}, id="1.2-cookie"),
    pytest.param({"versions": V13}, id="1.3"),
    pytest.param({"versions": V13, "key_shares": (), "verify_address": True}, id="1.3-retry"),
    pytest.param({"versions": V13, "mtu": 300}, id="1.3-small"),
    pytest.param({"versions": V12, "mtu": 300}, id="1.2-small"),
]


def datagrams_of(changes: dict[str, Any], side: str) -> int:
    p = pump(client(**changes), server(**changes))
    complete(p)
    settle(p)
    return sum(step.what == "sent" and step.side == side for step in p.transcript)


def each_datagram(changes: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for side in ("client", "server"):
        for number in range(datagrams_of(changes, side)):
            yield side, number


def check(p: Pump) -> None:
    complete(p)
    settle(p)
    assert p.a.machine.next_timeout() is None, "the client still repeats itself"
    assert p.b.machine.next_timeout() is None, "the server still repeats itself"
    echo(p)
    assert [type(e) for e in p.a.events].count(HandshakeCompleted) == 1


@pytest.mark.parametrize("changes", VARIANTS)
def test_each_single_datagram_lost(changes: dict[str, Any]) -> None:
    for side, number in each_datagram(changes):
        lossy, good = Link(delay=0.01, drop=frozenset([number])), Link(delay=0.01)
        forth, back = (lossy, good) if side == "client" else (good, lossy)
        check(pump(client(**changes), server(**changes), forth, back=back))


class Held:
    """A datagram transform that sends the n-th datagram `copies` times, or holds it back behind the next one."""

    def __init__(self, number: int, *, copies: int = 1, hold: bool = False) -> None:
        self._left, self._copies, self._hold = number, copies, hold
        self._held: list[bytes] = []

    def __call__(self, data: bytes) -> list[bytes]:
        self._left -= 1
        if self._left == -1 and self._hold:
            self._held = [data]
            return []
        held, self._held = self._held, []
        return [data] * (self._copies if self._left == -1 else 1) + held


@pytest.mark.parametrize("changes", VARIANTS)
@pytest.mark.parametrize(
    "how", [{"copies": 2}, {"copies": 5}, {"hold": True}], ids=["doubled", "five times", "delayed"]
)
def test_each_single_datagram_doubled_or_delayed(changes: dict[str, Any], how: dict[str, Any]) -> None:
    for side, number in each_datagram(changes):
        seams = {"transform_datagram": Held(number, **how)}
        a = client(**changes, seams=seams if side == "client" else None)
        b = server(**changes, seams=seams if side == "server" else None)
        check(pump(a, b))


@pytest.mark.parametrize("versions", [V12, V13], ids=str)
def test_fragments_of_100_bytes(versions: tuple[Version, ...]) -> None:
    a, b = client(versions=versions, mtu=137), server(versions=versions, mtu=137)
    p = pump(a, b)
    check(p)
    assert all(len(step.data) <= 137 for step in p.transcript)


@pytest.mark.parametrize("versions", [V12, V13], ids=str)
def test_a_handshake_that_cannot_succeed_gets_quiet(versions: tuple[Version, ...]) -> None:
    """A bit of a hello is turned over in clear: the sides derive different keys and can't tell each other so.

    They back off: neither answers the other's repetitions, or ACKs that it can't read, for ever.
    """
    for seed in range(60):
        link = Link(delay=0.01, corrupt=0.5, seed=seed)
        p = pump(client(seed, versions=versions), server(seed, versions=versions), link)
        p.run(timeout=2.0)
        p.set_link(Link(delay=0.01))
        p.run(timeout=100.0)
        sent = sum(step.what == "sent" for step in p.transcript)
        assert sent < 150, f"seed {seed}: {sent} datagrams"


@pytest.mark.parametrize("versions", [V12, V13], ids=str)
def test_thirty_percent_loss(versions: tuple[Version, ...]) -> None:
    for seed in range(SEEDS):
        p = pump(
            client(seed, versions=versions), server(seed, versions=versions), Link(delay=0.02, loss=0.3, seed=seed)
        )
        complete(p, timeout=2000.0)


@pytest.mark.parametrize("versions", [V12, V13], ids=str)
def test_everything_at_once(versions: tuple[Version, ...]) -> None:
    """Small fragments, lost, doubled, overtaken and spoilt."""
    for seed in range(SEEDS // 2):
        link = Link(delay=0.02, loss=0.2, duplicate=0.2, reorder=0.3, reorder_delay=0.1, seed=seed)
        p = pump(client(seed, versions=versions, mtu=400), server(seed, versions=versions, mtu=400), link)
        complete(p, timeout=2000.0)
