"""One script, three endpoints: the players agree on what an operation means. What the stacks do may differ."""

from __future__ import annotations

import math

import pytest

from harness.endpoints import Endpoint
from harness.errors import EndpointTimeout, Thrown
from harness.script import (
    AddTrack,
    AddTransceiver,
    Call,
    Close,
    CreateDataChannel,
    CreateOffer,
    CreatePeerConnection,
    Get,
    GetStats,
    Kind,
    Opaque,
    Outcome,
    Pause,
    Ref,
    Script,
    Set,
    SetLocalDescription,
    SetRemoteDescription,
    Settle,
    Trace,
    Track,
    Wait,
    WaitFor,
)


def kinds(trace: Trace) -> list[Kind]:
    return [outcome.kind for outcome in trace.outcomes]


async def test_an_offer_is_made_and_applied(any_endpoint: Endpoint) -> None:
    trace = await any_endpoint.play(
        Script.of(
            CreatePeerConnection(),
            CreateDataChannel("x"),
            CreateOffer(),
            SetLocalDescription(Ref("offer")),
            WaitFor("iceGatheringState", "complete"),
        )
    )
    assert kinds(trace) == [Kind.VALUE] * 5
    assert trace.outcome(3).states["pc"]["signalingState"] == "have-local-offer"
    assert [fired.step for fired in trace.events("signalingstatechange")] == [3]
    assert len(trace.events("icecandidate")) >= 1


async def test_what_is_thrown_has_the_name_a_page_sees(any_endpoint: Endpoint) -> None:
    trace = await any_endpoint.play(
        Script.of(
            CreatePeerConnection(),
            Call("pc", "noSuchThing"),
            Get("nobody", "state"),
            Call("pc", "addTransceiver", ("smell",)),
            Close(),
            CreateDataChannel("x"),
        )
    )
    assert [failure.name for failure in trace.failures] == [
        "TypeError",
        "ReferenceError",
        "TypeError",
        "InvalidStateError",
    ]


async def test_promises_nobody_waits_for_settle_in_the_trace(any_endpoint: Endpoint) -> None:
    trace = await any_endpoint.play(
        Script.of(
            CreatePeerConnection(),
            CreateOffer(awaited=False),
            SetRemoteDescription(type="offer", sdp="x", bind="refused", awaited=False),
            Settle("offer"),
            Settle("refused"),
            Settle("nobody"),
        )
    )
    assert kinds(trace) == [Kind.VALUE] * 4 + [Kind.EXCEPTION] * 2
    late = {entry.kind for entry in trace if isinstance(entry, Outcome) and entry not in trace.outcomes}
    assert late == {Kind.SETTLED, Kind.REJECTED}


async def test_a_promise_of_a_closed_connection_may_stay_pending(any_endpoint: Endpoint) -> None:
    trace = await any_endpoint.play(
        Script.of(CreatePeerConnection(), CreateOffer(awaited=False), Close(), Settle("offer", timeout=0.2), Pause())
    )
    assert kinds(trace)[-1] is Kind.VALUE
    assert trace.outcome(3).kind in (Kind.PENDING, Kind.EXCEPTION, Kind.VALUE)


async def test_waiting_finds_an_event_that_fired_before_and_only_once(any_endpoint: Endpoint) -> None:
    trace = await any_endpoint.play(
        Script.of(
            CreatePeerConnection(),
            CreateDataChannel("x"),
            Pause(0.2),
            WaitFor("negotiationneeded", timeout=1.0),
            WaitFor("negotiationneeded", timeout=0.05),
            WaitFor("connectionState", "connected", timeout=0.05),
        )
    )
    assert kinds(trace)[3:] == [Kind.VALUE, Kind.PENDING, Kind.PENDING]


async def test_two_connections_of_one_endpoint_talk(any_endpoint: Endpoint) -> None:
    trace = await any_endpoint.play(
        Script.of(
            CreatePeerConnection(bind="a"),
            CreatePeerConnection(bind="b"),
            CreateDataChannel("x", on="a"),
            CreateOffer("a"),
            SetLocalDescription(Ref("offer"), on="a"),
            WaitFor("iceGatheringState", "complete", on="a"),
            SetRemoteDescription(Ref("a.localDescription"), on="b"),
            SetLocalDescription(on="b"),
            WaitFor("iceGatheringState", "complete", on="b"),
            SetRemoteDescription(Ref("b.localDescription"), on="a"),
            Wait("b", event="datachannel", bind="event"),
            Get("event", "channel", bind="remote"),
            Set("remote", "binaryType", "arraybuffer"),
            WaitFor("readyState", "open", on="channel"),
            Call("channel", "send", (b"\x00\xff",)),
            Call("channel", "send", ("\N{SNOWMAN}",)),
            WaitFor("message", on="remote"),
            WaitFor("message", on="remote"),
        )
    )
    assert trace.failures == ()
    assert kinds(trace) == [Kind.VALUE] * 18
    assert [fired.detail["data"] for fired in trace.events("message", on="remote")] == [b"\x00\xff", "\N{SNOWMAN}"]
    assert trace.events("datachannel")[0].detail["channel"] == Ref("b:channel0")


async def test_the_id_of_a_channel_is_in_the_states_as_soon_as_it_has_one(any_endpoint: Endpoint) -> None:
    """Nothing but the answer gives the first channel its id: no event has fired at it."""
    trace = await any_endpoint.play(
        Script.of(
            CreatePeerConnection(bind="a"),
            CreatePeerConnection(bind="b"),
            CreateDataChannel("x", on="a", bind="given"),
            CreateDataChannel("y", on="a", bind="made", negotiated=True, id=5),
            CreateOffer("a"),
            SetLocalDescription(Ref("offer"), on="a"),
            SetRemoteDescription(Ref("a.localDescription"), on="b"),
            SetLocalDescription(on="b"),
            SetRemoteDescription(Ref("b.localDescription"), on="a"),
            Get("given", "id"),
        )
    )
    assert trace.failures == ()
    assert [outcome.states["given"]["id"] for outcome in trace.outcomes[2:8]] == [None] * 6
    assert trace.outcomes[9].states["given"]["id"] == trace.value(9)
    assert {outcome.states["made"]["id"] for outcome in trace.outcomes[3:]} == {5}


async def test_values_mean_the_same_everywhere(any_endpoint: Endpoint) -> None:
    trace = await any_endpoint.play(
        Script.of(
            CreatePeerConnection(),
            AddTransceiver("audio", direction="sendonly"),
            Get("transceiver", "sender"),
            Get("transceiver", "currentDirection"),
            Get("pc", "noSuchAttribute"),
            GetStats(),
            Track("video", bind="track"),
            AddTrack(Ref("track")),
            Get("sender.track", "kind"),
        )
    )
    values = [outcome.value for outcome in trace.outcomes]
    assert trace.failures == ()
    assert values[1:5] == [Ref("transceiver"), Opaque("RTCRtpSender"), None, None]
    assert all(isinstance(entry["type"], str) for entry in values[5].values())
    assert values[8] == "video"
    assert trace.outcomes[-1].states["transceiver"]["direction"] == "sendonly"


async def test_odd_values_survive_the_way(any_endpoint: Endpoint) -> None:
    trace = await any_endpoint.play(
        Script.of(
            CreatePeerConnection(),
            CreateDataChannel("\N{PILE OF POO}", protocol="\x00"),
            Get("channel", "label"),
            Get("channel", "protocol"),
            Call("pc", "createDataChannel", ("x", {"id": math.inf, "negotiated": True})),
        )
    )
    assert [outcome.value for outcome in trace.outcomes[2:4]] == ["\N{PILE OF POO}", "\x00"]
    assert [failure.name for failure in trace.failures] == ["TypeError"]


async def test_the_sugar_is_the_same_everywhere(any_endpoint: Endpoint) -> None:
    pc = await any_endpoint.peer_connection({"iceCandidatePoolSize": 0})
    channel = await pc.createDataChannel("x", {"negotiated": True, "id": 7})
    assert (pc.signalingState, channel.readyState, channel.id) == ("stable", "connecting", 7)
    assert await channel.get("label") == "x"
    offer = await pc.createOffer()
    await pc.setLocalDescription(offer)
    assert pc.signalingState == "have-local-offer"
    assert (await pc.localDescription())["type"] == "offer"
    assert (await pc.event("signalingstatechange")).states["signalingState"] == "have-local-offer"
    with pytest.raises(Thrown) as thrown:
        await channel.send("too soon")
    assert thrown.value.name == "InvalidStateError"
    with pytest.raises(EndpointTimeout, match="connectionState should become connected, it is"):
        await pc.wait_for(connectionState="connected", timeout=0.05)
    with pytest.raises(EndpointTimeout, match="no track event"):
        await pc.event("track", timeout=0.05)
    await pc.close()
    assert pc.signalingState == "closed"


async def test_after_a_reset_the_endpoint_is_as_new(any_endpoint: Endpoint) -> None:
    await any_endpoint.play(Script.of(CreatePeerConnection()))
    await any_endpoint.reset()
    trace = await any_endpoint.play(Script.of(Get("pc", "signalingState")))
    assert [failure.name for failure in trace.failures] == ["ReferenceError"]
