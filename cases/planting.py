"""Planting faults: what `cases/<folder>/faults.py` says of each of its cases, so that every case is seen red.

`pytest cases --planted --endpoints reference` gives the reference peer, where it is the endpoint under test, the fault
of the case that runs. Every case has to fail then; `harness/tests/test_planted_faults.py` runs that and looks.

A fault is a set of seams, or a patch of the peer where what has to go wrong lies inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cases.bending import each
from peer import jsep, sdp
from peer.api import Seams
from peer.api.errors import OperationError
from peer.api.tasks import Promise
from peer.jsep.signaling import TRANSITIONS
from peer.sdp import SessionDescription
from peer.wire import dcep, dtls_handshake, sctp
from peer.wire.stun import Attribute, AttributeType, Class, Message

__all__ = [
    "ANSWER",
    "LOCAL",
    "LOCAL_OFFER",
    "OFFER",
    "PRANSWER",
    "REMOTE",
    "REMOTE_OFFER",
    "ROLLBACK",
    "STABLE",
    "Fault",
    "alike",
    "also_sends",
    "always_needed",
    "and_attribute",
    "answers",
    "does_nothing",
    "gives",
    "has",
    "hello",
    "init",
    "instead",
    "lacks",
    "lines",
    "opens",
    "packet",
    "patched",
    "patient",
    "planted",
    "promises_nothing",
    "raises",
    "reads",
    "refuses",
    "requests",
    "says",
    "slots",
    "stun",
    "throws_another_error",
    "transition",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the endpoint under test."""

    seams: Seams = field(default_factory=Seams)
    patch: Callable[[pytest.MonkeyPatch], None] | None = None
    #: How long the case may wait for anything, in seconds: what the fault keeps from happening is mostly waited for.
    patience: float = 1.5


def patient(fault: Fault) -> Fault:
    """A fault of a case that has to wait for seconds before anything is wrong."""
    return replace(fault, patience=10.0)


def says(change: Callable[[str], str]) -> Fault:
    def bend(description: SessionDescription) -> str:
        return change(sdp.serialize(description))

    return Fault(Seams(sdp=bend))


def instead(old: str, new: str, count: int = -1) -> Fault:
    return says(lambda text: text.replace(old, new, count))


def lines(change: Callable[[str], str | None]) -> Fault:
    def bend(text: str) -> str:
        changed = (change(line) for line in text.split("\r\n"))
        return "\r\n".join(line for line in changed if line is not None)

    return says(bend)


def lacks(*starts: str) -> Fault:
    return lines(lambda line: None if line.startswith(starts) else line)


def stun(bend: Callable[[Any], Iterable[Any]]) -> Fault:
    return Fault(Seams(stun=bend))


def answers(change: Callable[[Message], Message]) -> Fault:
    """Success responses are changed."""
    return stun(lambda one: (change(one) if one.message_class is Class.SUCCESS else one,))


def requests(change: Callable[[Message], Message]) -> Fault:
    return stun(lambda one: (change(one) if one.message_class is Class.REQUEST else one,))


def and_attribute(kind: AttributeType, value: Any) -> Callable[[Message], Message]:
    return lambda one: replace(one, attributes=(*one.attributes, Attribute(kind, value)))


def also_sends(data: bytes) -> Fault:
    """Before each datagram goes another one, by the same path."""
    return Fault(Seams(datagram=lambda one: (replace(one, data=data), one)))


def hello(change: Callable[[Any], Any]) -> Fault:
    return Fault(Seams(dtls_handshake=each(dtls_handshake.ClientHello, lambda one: (change(one),))))


def init(**fields: Any) -> Fault:
    return Fault(Seams(sctp=each(sctp.Init, lambda one: (replace(one, **fields),))))


def packet(bend: Callable[[sctp.Packet], Iterable[Any]]) -> Fault:
    """SCTP packets, whole."""
    return Fault(Seams(sctp=each(sctp.Packet, bend)))


def opens(**fields: Any) -> Fault:
    return Fault(Seams(dcep=each(dcep.Open, lambda one: (replace(one, **fields),))))


def has(one: sctp.Packet, kind: type) -> bool:
    return any(isinstance(chunk, kind) for chunk in one.chunks)


LOCAL, REMOTE = jsep.Side.LOCAL, jsep.Side.REMOTE
OFFER, PRANSWER, ANSWER, ROLLBACK = (
    jsep.DescriptionType.OFFER,
    jsep.DescriptionType.PRANSWER,
    jsep.DescriptionType.ANSWER,
    jsep.DescriptionType.ROLLBACK,
)
STABLE, LOCAL_OFFER, REMOTE_OFFER = (
    jsep.SignalingState.STABLE,
    jsep.SignalingState.HAVE_LOCAL_OFFER,
    jsep.SignalingState.HAVE_REMOTE_OFFER,
)


def patched(target: str, value: Any) -> Fault:
    return Fault(patch=lambda monkeypatch: monkeypatch.setattr(target, value))


def reads(attribute: str, value: Any) -> Fault:
    """An attribute of an interface always has this value, and takes any."""
    return patched(f"peer.api.{attribute}", property(lambda _: value, lambda *_: None))


def does_nothing(function: str) -> Fault:
    return patched(f"peer.api.{function}", lambda *_, **__: None)


def gives(function: str, value: Any) -> Fault:
    """A function always returns this."""
    return patched(f"peer.api.{function}", lambda *_, **__: value)


def slots(**values: Any) -> Fault:
    """addTransceiver and addTrack make transceivers with other slots."""
    add = jsep.State.add

    def added(state: jsep.State, *args: Any, **options: Any) -> Any:
        after, made = add(state, *args, **options)
        changed = replace(made, **values)
        return after.with_transceiver(changed), changed

    return patched("peer.jsep.State.add", added)


def promises_nothing(method: str) -> Fault:
    """A method does nothing, and says at once that it is done."""
    return patched(f"peer.api.{method}", lambda *_, **__: Promise.resolved(None))


def raises(function: str, error: type[Exception] = OperationError) -> Fault:
    def raiser(*_: Any, **__: Any) -> Any:
        raise error("planted")

    return patched(f"peer.api.{function}", raiser)


def refuses(method: str) -> Fault:
    """A method that returns a promise rejects it."""
    return patched(f"peer.api.{method}", lambda *_, **__: Promise.rejected(OperationError("planted")))


def throws_another_error(kind: str) -> Fault:
    """DOMExceptions of this class have another name than W3C gives them."""
    return patched(f"peer.api.errors.{kind}.default_name", "AbortError")


always_needed = patched("peer.api.core.Core._check_negotiation_needed", lambda core: core.fire("negotiationneeded"))


def transition(row: tuple[Any, Any, Any], to: jsep.SignalingState | None) -> Fault:
    """A row of the state table leads elsewhere, or isn't there."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        if to is None:
            monkeypatch.delitem(TRANSITIONS, row)
        else:
            monkeypatch.setitem(TRANSITIONS, row, to)

    return Fault(patch=patch)


def alike(prefix: str, fault: Fault, *names: str) -> dict[str, Fault]:
    """The same fault for several cases of one file."""
    return {prefix + name: fault for name in names}


def planted(prefix: str, **faults: Fault) -> dict[str, Fault]:
    """The table of one file of cases: `prefix` is "<path>::test_", the names are the rest of each case's."""
    return {prefix + name: fault for name, fault in faults.items()}
