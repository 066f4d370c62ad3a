"""The wire targets on a browser: a mutant is survived, and what is broken is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.async_api import Error

from harness.capture import pcapng
from harness.fuzz.live import LiveDtls, LiveSctp, LiveStun, _Live
from harness.fuzz.target import Example, Target
from harness.fuzz.targets import make
from peer.errors import LocalProtocolError
from peer.wire import sctp

# The first message of the bent side, with one bit turned.
FLIPPED: Example = {"world": "answers", "seam": "datagram", "changes": {"0": [["flip", 3, 0]]}}
EXAMPLES: dict[str, Example] = {
    "stun": FLIPPED,
    "dtls": FLIPPED | {"world": "1.3 offers", "seam": "handshake"},
    "sctp": FLIPPED | {"seam": "packet"},
    "dcep": FLIPPED | {"seam": "message"},
    "rtp": FLIPPED | {"seam": "packet"},
    "rtcp": FLIPPED | {"seam": "packet"},
}


@pytest.fixture(scope="module")
def first() -> Iterator[_Live]:
    """Whose event loop and browser all targets here share."""
    with LiveStun(("chromium",)) as made:
        yield made


@pytest.fixture
def target(request: pytest.FixtureRequest, first: _Live) -> _Live:
    made = make(request.param, ("chromium",))
    assert isinstance(made, _Live)
    made._runner, made._stacks = first._runner, first._stacks
    return made


@pytest.mark.parametrize("target", EXAMPLES, indirect=True)
def test_a_mutant_is_survived_and_says_where_it_struck(target: Target) -> None:
    played = target.play(EXAMPLES[target.name])
    assert played.problems == ()
    assert len([cell for cell in played.cells if "flip" in cell]) == 1
    assert set(target.builds) == {"chromium"}


@pytest.mark.parametrize("target", ["stun"], indirect=True)
def test_an_exception_of_our_own_peer_is_found(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any) -> list[Any]:
        raise KeyError("planted")

    monkeypatch.setattr("peer.ice.agent.agent.Agent.receive_datagram", fault)
    (problem,) = target.play(EXAMPLES["stun"]).problems
    assert (problem.oracle, problem.error, problem.endpoint) == (
        "exception",
        "KeyError in test_live.fault",
        "reference",
    )


@pytest.mark.parametrize("target", ["sctp"], indirect=True)
def test_a_refusal_of_our_own_peer_is_not_hidden(target: LiveSctp) -> None:
    refused, lost = LocalProtocolError("planted"), Error("planted")
    for error in (refused, lost):
        target._noticed(target._runner.get_loop(), {"exception": error})
    assert target._broken == [refused]


def test_a_mutant_that_grows_fits_a_record() -> None:
    encode = LiveSctp.places["packet"][1]
    packet = sctp.Packet(5000, 5000, 1, chunks=(sctp.CookieAck(),))
    (mutant,) = encode(packet, [["repeat", 0, 2]] * 9)
    assert len(mutant) == 15_000


@pytest.mark.parametrize("target", ["dtls"], indirect=True)
def test_a_page_that_crashes_is_found_and_the_next_one_is_new(
    target: LiveDtls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(LiveDtls, "_examine", _crashing)
        (problem,) = target.play(EXAMPLES["dtls"]).problems
    assert (problem.oracle, problem.endpoint) == ("crash", "chromium")
    assert target.remains["crash-0.dmp"].startswith(b"MDMP")
    assert target.play(EXAMPLES["dtls"]).problems == ()


async def _crashing(target: LiveDtls, browser: Any, end: str) -> None:
    with suppress(Error):
        await browser.page.goto("chrome://crash", timeout=5_000)
    await browser.peer_connection()


@pytest.mark.parametrize("target", ["dcep"], indirect=True)
def test_a_finding_gets_its_packets(target: Target) -> None:
    content = target.files(EXAMPLES["dcep"])["wire.pcapng"]
    assert isinstance(content, bytes)
    assert len(pcapng.read(content).packets) > 10
