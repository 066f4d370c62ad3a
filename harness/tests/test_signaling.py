"""The signalling channel: trickled and not, refused candidates, who said what."""

from __future__ import annotations

import asyncio

import pytest

from harness.endpoints import PeerConnection, Stacks
from harness.errors import Thrown
from harness.script import Call
from harness.script.trace import Fired
from harness.signaling import Said, SaidKind, Signaling, connect


@pytest.fixture
async def pair(stacks: Stacks) -> tuple[PeerConnection, PeerConnection]:
    one, other = await stacks.endpoint("reference", "one"), await stacks.endpoint("reference", "other")
    return await one.peer_connection(), await other.peer_connection()


async def test_trickled_candidates_go_over_as_they_come(pair: tuple[PeerConnection, PeerConnection]) -> None:
    heard: list[Said] = []
    offerer, answerer = pair
    await offerer.createDataChannel("x")
    signaling = Signaling(offerer, answerer, hear=heard.append)
    offer, answer = await signaling.negotiate()
    await asyncio.gather(offerer.wait_for(connectionState="connected"), answerer.wait_for(connectionState="connected"))
    await signaling.close()
    assert "a=candidate" not in offer["sdp"]
    assert [said.text for said in heard if said.kind is SaidKind.OFFER] == [offer["sdp"]]
    assert [(said.sender, said.receiver) for said in heard if said.kind is SaidKind.ANSWER] == [("other", "one")]
    assert {said.sender for said in heard if said.kind is SaidKind.CANDIDATE} == {"one", "other"}
    assert [said.time for said in heard] == sorted(said.time for said in heard)
    assert heard[0].kind is SaidKind.OFFER
    assert answer["type"] == "answer"


async def test_untrickled_descriptions_hold_every_candidate(pair: tuple[PeerConnection, PeerConnection]) -> None:
    offerer, answerer = pair
    await offerer.createDataChannel("x")
    signaling = await connect(offerer, answerer, trickle=False)
    assert {said.kind for said in signaling.heard} == {SaidKind.OFFER, SaidKind.ANSWER}
    assert all("a=candidate" in said.text for said in signaling.heard)
    await signaling.close()


async def test_a_second_round_goes_over_the_same_channel(pair: tuple[PeerConnection, PeerConnection]) -> None:
    offerer, answerer = pair
    await offerer.createDataChannel("x")
    signaling = await connect(offerer, answerer)
    first = signaling.heard[0].text
    await signaling.negotiate(options={"iceRestart": True})
    offers = [said.text for said in signaling.heard if said.kind is SaidKind.OFFER]
    assert offers[0] == first
    assert len(offers) == 2
    await signaling.close()


async def test_a_refused_candidate_is_told_at_the_end(pair: tuple[PeerConnection, PeerConnection]) -> None:
    offerer, answerer = pair
    await offerer.createDataChannel("x")
    signaling = await connect(offerer, answerer)
    forged = Fired(0, offerer.handle, "icecandidate", {"candidate": {"candidate": "candidate:nonsense", "sdpMid": "0"}})
    offerer.endpoint._deliver([forged])
    await asyncio.sleep(0.05)
    with pytest.raises(Thrown, match="OperationError"):
        await signaling.close()
    assert any("refused a candidate" in line for line in answerer.endpoint.log)


async def test_candidates_for_a_closed_connection_are_nobodys_fault(
    pair: tuple[PeerConnection, PeerConnection],
) -> None:
    offerer, answerer = pair
    await offerer.createDataChannel("x")
    signaling = await connect(offerer, answerer)
    await answerer.close()
    forged = Fired(0, offerer.handle, "icecandidate", {"candidate": {"candidate": "", "sdpMid": "0"}})
    offerer.endpoint._deliver([forged])
    await asyncio.sleep(0.05)
    await signaling.close()


async def test_what_an_endpoint_refuses_is_raised(pair: tuple[PeerConnection, PeerConnection]) -> None:
    offerer, answerer = pair
    await offerer.createDataChannel("x")
    await answerer.endpoint.run(Call(answerer.handle, "close"))
    with pytest.raises(Thrown, match="InvalidStateError"):
        await Signaling(offerer, answerer).negotiate()
