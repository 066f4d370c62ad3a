"""Whatever comes in, a connection answers with RemoteProtocolError, an alert, or silence, in bounded time and memory.

The pump keeps RemoteProtocolErrors; any other exception fails the test. `PEERPROOF_SWEEP` says how many mutants to try.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from peer.dtls import ApplicationDataReceived, Connection, Role
from peer.errors import RemoteProtocolError
from peer.testing import Entropy, Link
from peer.tests.dtls.pairs import V12, V13, client, completed, pump, server, settle
from peer.wire.dtls_handshake import Fragment
from peer.wire.dtls_record import Record

MUTANTS = int(os.environ.get("PEERPROOF_SWEEP", "1500"))
BOTH = pytest.mark.parametrize("versions", [pytest.param(V12, id="1.2"), pytest.param(V13, id="1.3")])


def mutate(data: bytes, chance: Entropy) -> bytes:
    position = chance.below(len(data)) if data else 0
    value = chance(1)
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: data[:position],
        lambda: data[:position] + value + data[position + 1 :],
        lambda: data[:position] + bytes([data[position] ^ 1 << value[0] % 8]) + data[position + 1 :] if data else b"",
        lambda: data[:position] + value + data[position:],
        lambda: data[:position] + data[position + 1 + value[0] % 4 :],
        lambda: data + data[position:],
        lambda: data[position:] + data[:position],
        lambda: data[:position] + b"\x00\x00" + data[position + 2 :],
        lambda: data[:position] + b"\xff\xff\xff" + data[position + 3 :],
    )
    return kinds[chance.below(len(kinds))]()


class Mutator:
    """A seam that spoils some of what passes. `count` says how many."""

    def __init__(self, seed: str, probability: float) -> None:
        self.count = 0
        self._chance, self._probability = Entropy(seed), probability

    def _strikes(self) -> bool:
        strikes = self._chance.chance() < self._probability
        self.count += strikes
        return strikes

    def datagram(self, data: bytes) -> Iterable[bytes]:
        return (data, mutate(data, self._chance)) if self._strikes() else (data,)

    def record(self, record: Record) -> Iterable[Record]:
        """Under the protection: what a peer that holds the keys could send."""
        if not self._strikes():
            return (record,)
        if self._chance.below(4) == 0:
            return (replace(record, type=20 + self._chance.below(8)),)
        return (replace(record, fragment=mutate(record.fragment, self._chance)),)

    def message(self, message: Any) -> Iterable[Any]:
        if not self._strikes():
            return (message,)
        body = mutate(message.serialize(), self._chance)
        return (bytes([message.TYPE]) + len(body).to_bytes(3, "big") + body,)


@BOTH
@pytest.mark.parametrize("seam", ["datagram", "record", "message"])
def test_handshakes_with_mutants(versions: Any, seam: str) -> None:
    tried = seed = 0
    while tried < MUTANTS // 30:
        mutator = Mutator(f"{seam} {seed}", 0.3)
        name = {"datagram": "transform_datagram", "record": "transform_record", "message": "transform_handshake"}[seam]
        seams = {name: getattr(mutator, seam)}
        bent = seed % 2
        small: dict[str, Any] = {"mtu": 300} if seed % 3 == 0 else {}
        a = client(seed, versions=versions, **small, seams=seams if bent else None)
        b = server(seed, versions=versions, **small, seams=None if bent else seams)
        p = pump(a, b, Link(delay=0.01), keep_transcript=False)
        p.run(timeout=3.0)
        tried, seed = tried + mutator.count, seed + 1


@BOTH
@pytest.mark.parametrize("role", list(Role))
def test_an_established_connection_shrugs_mutants_off(versions: Any, role: Role) -> None:
    chance = Entropy(f"established {role}")
    p = completed(client(versions=versions), server(versions=versions))
    settle(p)
    now = p.now
    machine, other = (p.a.machine, p.b.machine) if role is Role.CLIENT else (p.b.machine, p.a.machine)
    handshake = [step.data for step in p.transcript if step.what == "sent" and step.side != role]
    for _ in range(MUTANTS):
        other.send(b"data" * 5)
        (good,) = other.datagrams_to_send(now)
        source = handshake[chance.below(len(handshake))] if chance.below(3) == 0 else good
        mutant = mutate(source, chance)
        if mutant[: len(good)] != good:  # one that only got longer begins with a good record
            assert machine.receive_datagram(mutant, now) == []
        assert machine.receive_datagram(good, now) in ([ApplicationDataReceived(b"data" * 5)], [])
        machine.datagrams_to_send(now)
    assert machine.is_established


@BOTH
def test_what_is_left_of_the_first_message_is_dropped(versions: Any) -> None:
    """Before it, a machine has foreseen nothing."""
    p = completed(client(versions=versions), server(versions=versions))
    settle(p)
    p.a.machine.send(b"the first")
    (good,) = p.a.machine.datagrams_to_send(p.now)
    for size in range(len(good)):
        assert p.b.machine.receive_datagram(good[:size], p.now) == []
    assert p.b.machine.receive_datagram(good, p.now) == [ApplicationDataReceived(b"the first")]


def test_random_bytes_to_fresh_machines() -> None:
    chance = Entropy("random")
    machine = server()
    for n in range(MUTANTS):
        machine = server(n) if n % 50 == 0 else machine
        head = bytes([20 + chance.below(44)]) + b"\xfe\xfd" + bytes([0, chance.below(3)])
        try:
            machine.receive_datagram(head + chance(8 + chance.below(40)), 0.0)
        except RemoteProtocolError:
            machine = server(n)


def held(connection: Connection) -> int:
    """Bytes of unfinished messages and waiting records."""
    conversation = connection._conversation
    partial = sum(len(one._body) + 16 * len(one._gaps) for one in conversation.inbound._partials.values())
    waiting = sum(len(record.serialize()) for record in conversation.records._deferred)
    return partial + waiting + 16 * len(conversation.heard) + sum(map(len, connection._early_data))


def test_memory_is_bounded() -> None:
    """A stranger who sends fragments and records of epochs to come, as many as he likes."""
    machine = server()
    for n in range(3000):
        fragment = Fragment(1 + n % 20, 65_000, n % 3000, (n * 37) % 60_000, b"x" * (1 + n % 900))
        machine.receive_datagram(Record(22, 0xFEFD, 0, n, fragment.serialize()).serialize(), 0.0)
        machine.receive_datagram(Record(23, 0xFEFD, 1 + n % 5, n, bytes(1000)).serialize(), 0.0)
        machine.receive_datagram(b"\x2f" + bytes(1000), 0.0)
        machine.datagrams_to_send(0.0)
    assert held(machine) < 1_100_000
