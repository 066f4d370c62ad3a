"""W3C webrtc-pc sections 4.4.1.2, 4.4.2 and 4.7.3: the operations chain, the negotiation-needed flag, and close."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from cases.playing import settled
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.script import Call, Get, New, Script, Settle
from harness.script.trace import Kind, Outcome

Connect: TypeAlias = Callable[..., Awaitable[Connection]]


async def test_sanity_a_channel_needs_negotiation(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    await pc.createDataChannel("case")
    await pc.event("negotiationneeded")


@clause("W3C-update-the-negotiation-needed-flag-2", "W3C-update-the-negotiation-needed-flag-2.5")
async def test_changes_in_one_task_need_one_negotiation(endpoint: Endpoint) -> None:
    trace = await endpoint.play(
        Script.of(
            New("RTCPeerConnection", (), "pc"),
            Call("pc", "addTransceiver", ("audio",)),
            Call("pc", "addTransceiver", ("video",)),
            Call("pc", "createDataChannel", ("case",)),
            settled("pc"),
        )
    )
    fired = len(trace.events("negotiationneeded"))
    check(fired == 1, f"negotiationneeded fired {fired} times")


@clause("W3C-update-the-negotiation-needed-flag-1", "W3C-update-the-negotiation-needed-flag-2.3")
async def test_nothing_is_needed_while_an_offer_is_out(endpoint: Endpoint) -> None:
    trace = await endpoint.play(
        Script.of(
            New("RTCPeerConnection", (), "pc"),
            Call("pc", "createDataChannel", ("case",)),
            Call("pc", "setLocalDescription", ()),
            Call("pc", "addTransceiver", ("audio",)),
            settled("pc"),
        )
    )
    fired = len(trace.events("negotiationneeded"))
    check(fired <= 1, f"negotiationneeded fired {fired} times, one of them in have-local-offer")


@clause("W3C-chain-an-operation-6", "W3C-chain-an-operation-7.4.3")
async def test_operations_end_in_the_order_they_were_asked_for(endpoint: Endpoint) -> None:
    trace = await endpoint.play(
        Script.of(
            New("RTCPeerConnection", (), "pc"),
            Call("pc", "createDataChannel", ("case",)),
            Call("pc", "createOffer", (), "one", awaited=False),
            Call("pc", "setLocalDescription", (), "two", awaited=False),
            Call("pc", "setLocalDescription", ({"type": "rollback"},), "three", awaited=False),
            Call("pc", "createOffer", (), "four", awaited=False),
            Settle("four"),
            Get("pc", "signalingState"),
        )
    )
    ended = [
        entry.step for entry in trace if isinstance(entry, Outcome) and entry.kind in (Kind.SETTLED, Kind.REJECTED)
    ]
    check(ended == [2, 3, 4, 5], f"steps 2 to 5 ended in the order {ended}")
    check(not trace.failures, f"they failed: {trace.failures}")


@clause("W3C-update-the-negotiation-needed-flag~2-2")
async def test_restart_ice_needs_negotiation(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    made = await connect(endpoint, peer)
    before = len([event for event in made.offerer.events if event.event == "negotiationneeded"])
    await made.offerer.restartIce()
    await endpoint.until(
        lambda: len([event for event in made.offerer.events if event.event == "negotiationneeded"]) > before or None,
        5.0,
        lambda: "restartIce() was not followed by negotiationneeded",
    )


@clause("W3C-close-the-connection-algorithm-10", "W3C-close-the-connection-algorithm-11")
async def test_close_sets_the_states_and_fires_nothing(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    made = await connect(endpoint, peer)
    pc = made.offerer
    await pc.close()
    states = [await pc.get(name) for name in ("signalingState", "iceConnectionState", "connectionState")]
    check(states == ["closed"] * 3, f"the states are {states}")
    fired = [event.event for event in pc.events if event.states.get("signalingState") == "closed"]
    check(not fired, f"close() fired {fired}")


@clause("W3C-close-the-connection-algorithm-7", "W3C-close-the-connection-algorithm-9")
async def test_close_closes_the_transports(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    made = await connect(endpoint, peer)
    dtls = await made.offerer.follow("sctp.transport")
    await made.offerer.close()
    states = [await dtls.get("state"), await dtls.get("iceTransport.state")]
    check(states == ["closed", "closed"], f"DTLS and ICE are {states}")
