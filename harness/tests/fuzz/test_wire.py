"""The oracles of the machines can be red: a machine with a planted fault is found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.capture import pcapng
from harness.fuzz.media import _Media
from harness.fuzz.target import Example, Played
from harness.fuzz.targets import make
from peer import dtls, sctp
from peer.errors import LocalProtocolError
from peer.ice.agent import Agent
from peer.testing import PumpTimeoutError

# The first datagram of the bent side, with one bit turned.
FLIPPED: Example = {"seam": "datagram", "changes": {"0": [["flip", 3, 0]]}}
WORLDS: dict[str, Example] = {
    "stun": FLIPPED | {"world": "controlled"},
    "dtls": FLIPPED | {"world": "1.3 server"},
    "sctp": FLIPPED | {"world": "plain", "seam": "packet"},
    "dcep": FLIPPED | {"world": "plain", "seam": "message"},
}
MACHINES = {"stun": Agent, "dtls": dtls.Connection, "sctp": sctp.Association, "dcep": sctp.Association}


def play(name: str) -> Played:
    with make(name) as target:
        return target.play(WORLDS[name])


@pytest.mark.parametrize("name", WORLDS)
def test_a_mutant_is_survived_and_says_where_it_struck(name: str) -> None:
    played = play(name)
    assert played.problems == ()
    assert len(played.cells) == 1


@pytest.mark.parametrize("name", WORLDS)
def test_a_finding_gets_its_packets(name: str) -> None:
    with make(name) as target:
        files = target.files(WORLDS[name])
    content, transcript = files["wire.pcapng"], files["transcript.txt"]
    assert isinstance(content, bytes)
    read = pcapng.read(content)
    assert len(read.packets) >= 4
    assert bool(read.secrets) == (name == "dtls")
    assert isinstance(transcript, str)
    assert "watched received" in transcript


@pytest.mark.parametrize("name", ["rtp", "rtcp"])
def test_a_finding_of_media_gets_its_packet(name: str) -> None:
    with make(name) as target:
        assert isinstance(target, _Media)
        example = {"packet": next(iter(target.packets)), "way": "clear", "changes": [["repeat", 0, 2]] * 9, "after": []}
        content = target.files(example)["wire.pcapng"]
    assert isinstance(content, bytes)
    (packet,) = pcapng.read(content).packets
    assert packet.comments[-1].startswith("cut: it had")


def plant(monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[..., Any]) -> None:
    monkeypatch.setattr(MACHINES[name], "receive_datagram", fault)


@pytest.mark.parametrize("name", WORLDS)
def test_an_exception_of_its_own_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any) -> list[Any]:
        raise KeyError("planted")

    plant(monkeypatch, name, fault)
    (problem,) = play(name).problems
    assert (problem.oracle, problem.error) == ("exception", "KeyError in test_wire.fault")


def test_a_machine_that_refuses_a_call_of_its_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any) -> list[Any]:
        raise LocalProtocolError("planted")

    plant(monkeypatch, "sctp", fault)
    (problem,) = play("sctp").problems
    assert problem.error == "LocalProtocolError in test_wire.fault"


def test_a_clock_that_stands_still_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any) -> list[Any]:
        raise PumpTimeoutError("planted")

    plant(monkeypatch, "sctp", fault)
    (problem,) = play("sctp").problems
    assert problem.oracle == "hang"


def test_memory_without_bound_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dtls.Connection.receive_datagram
    held: list[Any] = []

    def fault(self: Any, data: bytes, now: float) -> list[Any]:
        held.extend([number] for number in range(40_000))
        self._early_data = held
        return whole(self, data, now)

    monkeypatch.setattr("harness.fuzz.wire._MOST_OBJECTS", 30_000)
    assert play("dtls").problems == ()
    plant(monkeypatch, "dtls", fault)
    (problem,) = play("dtls").problems
    assert problem.oracle == "memory"
