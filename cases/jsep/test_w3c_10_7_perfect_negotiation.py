"""W3C webrtc-pc section 10.7: perfect negotiation, where offers cross in every round."""

from __future__ import annotations

import asyncio

import pytest

from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import Description, PeerConnection
from harness.endpoints.reference import Reference
from harness.script import Call, Get

ROUNDS = 8
DIRECTIONS = ("sendrecv", "recvonly", "sendonly", "inactive")


async def offer(pc: PeerConnection) -> Description:
    steps = (Call(pc.handle, "setLocalDescription"), Get(pc.handle, "localDescription"))
    made: Description = (await pc.endpoint.run(*steps))[1]
    return made


async def answer(pc: PeerConnection, offered: Description) -> Description:
    steps = (Call(pc.handle, "setRemoteDescription", (offered,)), Call(pc.handle, "setLocalDescription"))
    made: Description = (await pc.endpoint.run(*steps, Get(pc.handle, "localDescription")))[2]
    return made


async def test_sanity_one_side_offers(endpoint: Endpoint, peer: Reference) -> None:
    pc, other = await endpoint.peer_connection(), await peer.peer_connection()
    await pc.addTransceiver("audio")
    await pc.setRemoteDescription(await answer(other, await offer(pc)))
    check(pc.signalingState == "stable", f"signalingState is {pc.signalingState}")


@clause("W3C-RTCPeerConnection.setRemoteDescription-3.1.1", "RFC9429-5.7-M3")
@pytest.mark.parametrize("polite", ["endpoint", "peer"])
async def test_offers_cross_and_both_sides_agree(endpoint: Endpoint, peer: Reference, polite: str) -> None:
    pc, other = await endpoint.peer_connection(), await peer.peer_connection()
    mine, theirs = await pc.addTransceiver("audio"), await other.addTransceiver("video")
    yielding, insisting = (pc, other) if polite == "endpoint" else (other, pc)
    for number in range(ROUNDS):
        await mine.set("direction", DIRECTIONS[number % 4])
        await theirs.set("direction", DIRECTIONS[number // 2 % 4])
        _, offered = await asyncio.gather(offer(yielding), offer(insisting))
        # the polite side takes its own offer back, the other one pretends that it never came
        await insisting.setRemoteDescription(await answer(yielding, offered))
        await yielding.setRemoteDescription(await answer(insisting, await offer(yielding)))
        states = (pc.signalingState, other.signalingState)
        check(states == ("stable", "stable"), f"after round {number} the states are {states}")
        mids = [await one.get("mid") for one in (mine, theirs)]
        check(None not in mids, f"after round {number} the mids are {mids}")
