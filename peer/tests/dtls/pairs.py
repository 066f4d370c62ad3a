"""Pairs of connections for the tests: certificates made once, and a run in virtual time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from peer.dtls import (
    ApplicationDataReceived,
    Certificate,
    Config,
    Connection,
    HandshakeCompleted,
    KeyKind,
    Role,
    Version,
)
from peer.testing import Entropy, Link, Pump, Side
from peer.wire.dtls_alert import AlertDescription

NOW = datetime(2026, 11, 21, tzinfo=UTC)
V12, V13 = (Version.DTLS12,), (Version.DTLS13,)

GOOD = Link(delay=0.01)


def certificate(name: str, kind: KeyKind = KeyKind.ECDSA_P256) -> Certificate:
    return _certificate(name, kind)


@cache
def _certificate(name: str, kind: KeyKind) -> Certificate:
    return Certificate.generate(kind, now=NOW, entropy=Entropy(name))


def config(
    name: str, other: str, *, kind: KeyKind = KeyKind.ECDSA_P256, other_kind: KeyKind | None = None, **changes: Any
) -> Config:
    base = Config(
        certificate(name, kind),
        (certificate(other, other_kind or kind).fingerprint(),),
        srtp_profiles=(8, 7, 1, 2),
    )
    return replace(base, **changes)


def client(seed: int | str = 0, *, seams: dict[str, Any] | None = None, **changes: Any) -> Connection:
    return Connection(config("client", "server", **changes), Role.CLIENT, entropy=Entropy(f"c{seed}"), **(seams or {}))


def server(seed: int | str = 0, *, seams: dict[str, Any] | None = None, **changes: Any) -> Connection:
    return Connection(config("server", "client", **changes), Role.SERVER, entropy=Entropy(f"s{seed}"), **(seams or {}))


def pump(a: Connection, b: Connection, link: Link = GOOD, **others: Any) -> Pump:
    """Starts the client a; nothing has run yet."""
    result = Pump(a, b, link=link, names=("client", "server"), **others)
    a.start(result.now)
    return result


def complete(p: Pump, timeout: float = 300.0) -> None:
    """Runs until both sides report the handshake as complete, and checks that they agree."""
    p.run(until=p.seen(HandshakeCompleted), timeout=timeout)
    a, b = (next(e for e in side.events if isinstance(e, HandshakeCompleted)) for side in p.sides)
    assert (a.version, a.cipher_suite, a.named_group) == (b.version, b.cipher_suite, b.named_group)
    assert a.srtp_profile == b.srtp_profile
    for label, context in ((b"EXTRACTOR-dtls_srtp", None), (b"x", b"context")):
        exported = [side.machine.export_keying_material(label, context, 60) for side in p.sides]
        assert exported[0] == exported[1]
    assert not p.a.errors
    assert not p.b.errors


def completed(a: Connection, b: Connection, link: Link = GOOD, **others: Any) -> Pump:
    p = pump(a, b, link, **others)
    complete(p)
    return p


def echo(p: Pump) -> None:
    """Application data both ways."""
    for one, other in ((p.a, p.b), (p.b, p.a)):
        before = len(other.events)
        one.machine.send(b"ping")
        _wait_for_more(p, other, before)
        assert other.events[-1] == ApplicationDataReceived(b"ping")


def _wait_for_more(p: Pump, side: Side, before: int) -> None:
    p.run(until=lambda: len(side.events) > before, timeout=10.0)


def settle(p: Pump) -> None:
    """Lets everything outstanding be answered."""
    p.run(timeout=200.0)


def handshake(p: Pump, side: int = 0) -> HandshakeCompleted:
    return next(e for e in p.sides[side].events if isinstance(e, HandshakeCompleted))


def failed(p: Pump, side: int, code: AlertDescription) -> None:
    """Side (0 client, 1 server) refuses with this alert, and the other side is told."""
    p.run(timeout=5.0)
    refusing, told = p.sides[side], p.sides[1 - side]
    assert [error.code for error in refusing.errors] == [code]
    assert refusing.machine.sent_alert == code
    assert told.machine.received_alert == code
    assert [error.code for error in told.errors] == [None]
