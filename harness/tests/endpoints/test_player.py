"""The Python player: operations, handles, events and the order of things, on the reference peer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import peer.api
from harness.endpoints.player import Player, tables
from harness.script import (
    AddTransceiver,
    Call,
    Close,
    CreateDataChannel,
    CreateOffer,
    CreatePeerConnection,
    Get,
    GetStats,
    Kind,
    New,
    Opaque,
    Pause,
    Ref,
    Set,
    SetLocalDescription,
    SetRemoteDescription,
    Settle,
    Step,
    Track,
    Wait,
    WaitFor,
)
from harness.script.trace import Entry, Fired, Outcome


@pytest.fixture
def streamed() -> list[Entry]:
    return []


@pytest.fixture
def player(streamed: list[Entry]) -> Any:
    def construct(interface: str, args: tuple[Any, ...]) -> Any:
        return getattr(peer.api, interface)(*args)

    made = Player(construct, streamed.extend)
    yield made
    made.reset()


async def outcomes(player: Player, *steps: Step) -> list[Outcome]:
    return [entry for entry in await player.play(steps) if isinstance(entry, Outcome)]


async def test_an_offer_is_made_and_applied(player: Player) -> None:
    made = await outcomes(
        player, CreatePeerConnection(), CreateDataChannel("x"), CreateOffer(), SetLocalDescription(Ref("offer"))
    )
    assert [outcome.kind for outcome in made] == [Kind.VALUE] * 4
    assert made[0].value == Ref("pc")
    assert made[2].value["type"] == "offer"
    assert made[3].states["pc"]["signalingState"] == "have-local-offer"
    assert made[3].states["channel"]["readyState"] == "connecting"


async def test_what_a_call_throws_is_its_outcome(player: Player) -> None:
    made = await outcomes(
        player,
        CreatePeerConnection(),
        SetRemoteDescription(type="offer", sdp="garbage"),
        Call("pc", "noSuchThing"),
        Get("nobody", "state"),
        Close(),
        CreateOffer(),
    )
    names = [outcome.failure.name if outcome.failure else None for outcome in made]
    assert names == [None, "OperationError", "TypeError", "ReferenceError", None, "InvalidStateError"]
    assert made[1].failure is not None
    assert made[1].failure.detail["errorDetail"] == "sdp-syntax-error"


async def test_events_fall_into_the_step_they_fired_in(player: Player) -> None:
    entries = await player.play(
        [CreatePeerConnection(), CreateDataChannel("x"), CreateOffer(), SetLocalDescription(Ref("offer"))]
    )
    changes = [entry for entry in entries if isinstance(entry, Fired) and entry.event == "signalingstatechange"]
    assert [(fired.step, fired.on, fired.states["signalingState"]) for fired in changes] == [
        (3, "pc", "have-local-offer")
    ]
    assert [entry.sequence for entry in entries] == sorted(entry.sequence for entry in entries)


async def test_a_promise_nobody_waits_for_is_told_of_when_it_settles(player: Player) -> None:
    entries = await player.play(
        [CreatePeerConnection(), CreateOffer(awaited=False), Settle("offer"), Get("offer", "type")]
    )
    made = [entry for entry in entries if isinstance(entry, Outcome)]
    assert [outcome.kind for outcome in made] == [Kind.VALUE, Kind.VALUE, Kind.SETTLED, Kind.VALUE, Kind.VALUE]
    assert made[-1].value == "offer"


async def test_a_rejection_nobody_waits_for_is_told_of_too(player: Player) -> None:
    entries = await player.play(
        [CreatePeerConnection(), SetRemoteDescription(type="offer", sdp="x", awaited=False), Pause(0.05)]
    )
    assert Kind.REJECTED in [entry.kind for entry in entries if isinstance(entry, Outcome)]


async def test_a_promise_of_a_closed_connection_is_not_waited_for_long(player: Player) -> None:
    async with asyncio.timeout(3):
        made = await outcomes(player, CreatePeerConnection(), CreateOffer(awaited=False), Close(), Settle("offer", 0.2))
    assert made[-1].kind is Kind.PENDING


async def test_waiting_for_an_attribute_that_never_changes_ends(player: Player) -> None:
    made = await outcomes(player, CreatePeerConnection(), WaitFor("connectionState", "connected", timeout=0.05))
    assert made[-1].kind is Kind.PENDING


async def test_an_event_that_fired_before_is_still_found_once(player: Player) -> None:
    made = await outcomes(
        player,
        CreatePeerConnection(),
        CreateDataChannel("x"),
        Pause(0.05),
        WaitFor("negotiationneeded", timeout=0.05),
        WaitFor("negotiationneeded", timeout=0.05),
    )
    assert [outcome.kind for outcome in made[3:]] == [Kind.VALUE, Kind.PENDING]


async def test_objects_an_event_brings_get_handles(player: Player) -> None:
    """Two connections in one player: the second hears of the first's channel."""
    steps: list[Step] = [
        CreatePeerConnection(bind="a"),
        CreatePeerConnection(bind="b"),
        CreateDataChannel("x", on="a"),
        CreateOffer("a"),
        SetLocalDescription(Ref("offer"), on="a"),
        WaitFor("iceGatheringState", "complete", on="a"),
        SetRemoteDescription(Ref("a.localDescription"), on="b"),
        Call("b", "setLocalDescription"),
        WaitFor("iceGatheringState", "complete", on="b"),
        SetRemoteDescription(Ref("b.localDescription"), on="a"),
        Wait("b", event="datachannel", bind="event"),
        Get("event.channel", "label"),
        Get("event", "channel", bind="remote"),
        WaitFor("readyState", "open", on="remote"),
    ]
    entries = await player.play(steps)
    made = [entry for entry in entries if isinstance(entry, Outcome)]
    assert [outcome.failure for outcome in made if outcome.failure] == []
    assert made[11].value == "x"
    assert made[-1].states["remote"]["readyState"] == "open"
    announced = [entry for entry in entries if isinstance(entry, Fired) and entry.event == "datachannel"]
    assert announced[0].detail["channel"] == Ref("b:channel0")


async def test_streamed_events_are_delivered_at_once(player: Player, streamed: list[Entry]) -> None:
    entries = await player.play(
        [CreatePeerConnection(), CreateDataChannel("x"), CreateOffer(), SetLocalDescription(Ref("offer"))],
        stream=True,
        quiet=True,
    )
    assert all(isinstance(entry, Outcome) for entry in entries)
    assert "signalingstatechange" in [entry.event for entry in streamed if isinstance(entry, Fired)]


async def test_what_happens_between_two_plays_is_in_the_second(player: Player) -> None:
    await player.play([CreatePeerConnection(), CreateDataChannel("x")])
    await asyncio.sleep(0.05)
    entries = await player.play([Get("pc", "signalingState")])
    assert isinstance(entries[0], Fired)
    assert entries[0].event == "negotiationneeded"


async def test_after_a_reset_nothing_is_left(player: Player) -> None:
    await player.play([CreatePeerConnection()])
    connection = player.native("pc")
    player.reset()
    assert connection.signalingState == "closed"
    made = await outcomes(player, Get("pc", "signalingState"))
    assert made[0].failure is not None


async def test_values_come_back_as_a_page_would_give_them(player: Player) -> None:
    made = await outcomes(
        player,
        CreatePeerConnection(),
        AddTransceiver("audio"),
        Get("transceiver", "sender"),
        Get("pc", "noSuchAttribute"),
        GetStats(),
        Set("transceiver", "direction", "inactive"),
        Get("transceiver", "direction"),
        Track("audio", bind="track"),
        New("MediaStream", ([Ref("track")],), "stream"),
        Get("pc", "createOffer"),
    )
    values = [outcome.value for outcome in made]
    assert [outcome.failure for outcome in made if outcome.failure] == []
    assert values[2] == Opaque("RTCRtpSender")
    assert values[3] is None
    assert {entry["type"] for entry in values[4].values()} >= {"peer-connection"}
    assert values[6] == "inactive"
    assert (values[7], values[8], values[9]) == (Ref("track"), Ref("stream"), None)


def test_every_interface_in_the_tables_exists() -> None:
    for name, listed in tables()["interfaces"].items():
        interface = getattr(peer.api, name)
        for event in listed["events"]:
            assert hasattr(interface, f"on{event}"), f"{name} has no {event} event"
