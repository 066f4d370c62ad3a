"""DOM events."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from peer.api import DOMException, MediaStream, RTCError, RTCPeerConnection, events
from peer.api.events import (
    Event,
    EventHandler,
    EventTarget,
    RTCDataChannelEvent,
    RTCDTMFToneChangeEvent,
    RTCErrorEvent,
    RTCPeerConnectionIceErrorEvent,
    RTCPeerConnectionIceEvent,
    RTCTrackEvent,
)
from peer.tests.api.connecting import reported


class Target(EventTarget):
    onping = EventHandler()


def test_listeners_run_in_the_order_they_were_added() -> None:
    target = Target()
    log: list[Any] = []
    target.addEventListener("ping", lambda event: log.append(1))
    target.onping = lambda event: log.append("on")
    target.addEventListener("ping", lambda event: log.append(2))
    target.onping = lambda event: log.append("on again")  # keeps its place
    target.dispatchEvent(Event("ping"))
    assert log == [1, "on again", 2]


def test_an_unset_handler_loses_its_place() -> None:
    target = Target()
    log: list[Any] = []
    target.onping = lambda event: log.append("on")
    target.addEventListener("ping", lambda event: log.append(1))
    target.onping = None
    assert target.onping is None
    target.onping = lambda event: log.append("on")
    target.dispatchEvent(Event("ping"))
    assert log == [1, "on"]


def test_a_value_that_is_no_function_unsets_the_handler() -> None:
    target = Target()
    target.onping = 5  # type: ignore[assignment]  # what Web IDL's EventHandler does with a non-object
    assert target.onping is None


def test_the_same_listener_is_added_once_and_removed_by_equality() -> None:
    target = Target()
    log: list[Any] = []
    target.addEventListener("ping", log.append)
    target.addEventListener("ping", log.append)
    target.dispatchEvent(Event("ping"))
    assert len(log) == 1
    target.removeEventListener("ping", log.append)
    target.dispatchEvent(Event("ping"))
    assert len(log) == 1
    target.removeEventListener("ping", log.append)


def test_capture_distinguishes_listeners() -> None:
    target = Target()
    log: list[Any] = []
    target.addEventListener("ping", log.append)
    target.addEventListener("ping", log.append, True)
    target.dispatchEvent(Event("ping"))
    assert len(log) == 2
    target.removeEventListener("ping", log.append, {"capture": True})
    target.dispatchEvent(Event("ping"))
    assert len(log) == 3


def test_once() -> None:
    target = Target()
    log: list[Any] = []
    target.addEventListener("ping", log.append, {"once": True})
    target.dispatchEvent(Event("ping"))
    target.dispatchEvent(Event("ping"))
    assert len(log) == 1


def test_listeners_added_or_removed_while_one_runs() -> None:
    target = Target()
    log: list[Any] = []

    def second(event: Event) -> None:
        log.append("second")

    def first(event: Event) -> None:
        log.append("first")
        target.removeEventListener("ping", second)
        target.addEventListener("ping", lambda event: log.append("late"))

    target.addEventListener("ping", first)
    target.addEventListener("ping", second)
    target.dispatchEvent(Event("ping"))
    assert log == ["first"]


def test_handle_event_objects_and_what_is_neither() -> None:
    class Listener:
        seen: Event | None = None

        def handleEvent(self, event: Event) -> None:
            self.seen = event

    target, listener = Target(), Listener()
    target.addEventListener("ping", listener)
    event = Event("ping")
    assert target.dispatchEvent(event)
    assert listener.seen is event
    target.addEventListener("ping", None)
    with pytest.raises(TypeError):
        target.addEventListener("ping", 5)


def test_target_and_current_target() -> None:
    target = Target()
    seen: list[Any] = []
    target.onping = lambda event: seen.append((event.target, event.currentTarget))
    event = Event("ping")
    target.dispatchEvent(event)
    assert seen == [(target, target)]
    assert event.currentTarget is None
    assert repr(event) == "<Event 'ping'>"


async def test_what_a_listener_raises_is_reported_and_the_next_runs() -> None:
    target = Target()
    log: list[Any] = []

    def broken(event: Event) -> None:
        raise ValueError("theirs")

    async def broken_later(event: Event) -> None:
        raise KeyError("later")

    target.addEventListener("ping", broken)
    target.addEventListener("ping", broken_later)
    target.addEventListener("ping", log.append)
    target.dispatchEvent(Event("ping"))
    assert len(log) == 1
    for _ in range(3):
        await asyncio.sleep(0)
    assert reported() == [ValueError, KeyError]


async def test_a_coroutine_function_may_listen() -> None:
    target, heard = Target(), asyncio.Event()

    async def listen(event: Event) -> None:
        await asyncio.sleep(0)
        heard.set()

    target.onping = listen
    target.dispatchEvent(Event("ping"))
    await asyncio.wait_for(heard.wait(), 1)


async def test_required_members_of_event_dictionaries() -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("audio")
    track = transceiver.receiver.track
    of_track = {"receiver": transceiver.receiver, "track": track, "transceiver": transceiver}
    cases: list[tuple[Any, dict[str, Any]]] = [
        (RTCPeerConnectionIceErrorEvent, {"errorCode": 701}),
        (RTCDataChannelEvent, {"channel": pc.createDataChannel("x")}),
        (RTCErrorEvent, {"error": RTCError({"errorDetail": "dtls-failure"})}),
        (RTCTrackEvent, of_track),
        (events.MediaStreamTrackEvent, {"track": track}),
        (events.MediaStreamEvent, {"stream": MediaStream()}),
    ]
    for interface, required in cases:
        event = interface("name", required)
        assert event.type == "name"
        for member, value in required.items():
            assert getattr(event, member) == value
            with pytest.raises(TypeError):
                interface("name", {key: value for key, value in required.items() if key != member})
    assert RTCTrackEvent("track", of_track).streams == ()
    stream = MediaStream()
    assert RTCTrackEvent("track", {**of_track, "streams": [stream]}).streams == (stream,)
    pc.close()


def test_optional_members_of_event_dictionaries() -> None:
    assert events.RTCPeerConnectionIceEvent("icecandidate").candidate is None
    assert events.RTCDTMFToneChangeEvent("tonechange", {"tone": "5"}).tone == "5"
    assert events.RTCDTMFToneChangeEvent("tonechange").tone == ""
    assert events.MessageEvent("message", {"data": b"x"}).data == b"x"


@pytest.mark.parametrize(
    ("kind", "init"),
    [
        (RTCPeerConnectionIceEvent, {"candidate": {}}),
        (RTCPeerConnectionIceErrorEvent, {}),
        (RTCDataChannelEvent, {"channel": None}),
        (RTCErrorEvent, {"error": ValueError()}),
        (RTCTrackEvent, {"receiver": None, "track": None, "transceiver": None}),
        (RTCDTMFToneChangeEvent, 5),
        (Event, "bubbles"),
    ],
)
async def test_initialisers_are_converted(kind: Any, init: Any) -> None:
    with pytest.raises(TypeError):
        kind("type", init)


async def test_events_remember_what_they_were_made_with() -> None:
    made = RTCPeerConnectionIceErrorEvent("x", {"errorCode": 701, "port": 65537, "bubbles": 1, "cancelable": True})
    assert (made.errorCode, made.port, made.address, made.url, made.errorText) == (701, 1, None, "", "")
    assert (made.bubbles, made.cancelable, made.composed) == (True, True, False)
    target = EventTarget()
    target.addEventListener("x", lambda event: event.preventDefault())
    assert target.dispatchEvent(made) is False
    assert made.defaultPrevented
    assert target.dispatchEvent(Event("x")) is True
    assert RTCDTMFToneChangeEvent("x", {"tone": None}).tone == "null"


async def test_a_listener_stops_those_after_it() -> None:
    target, heard = EventTarget(), []
    target.addEventListener("x", lambda event: heard.append(event.eventPhase))
    target.addEventListener("x", lambda event: event.stopPropagation())
    target.addEventListener("x", lambda event: heard.append(len(event.composedPath())))
    target.addEventListener("x", lambda event: event.stopImmediatePropagation())
    target.addEventListener("x", lambda event: heard.append(5))
    made = Event("x")
    for _ in range(2):
        target.dispatchEvent(made)
    assert heard == [2, 1, 2, 1]
    assert (made.eventPhase, made.composedPath()) == (0, [])


async def test_only_what_we_fire_is_trusted() -> None:
    target, trusted = EventTarget(), []
    target.addEventListener("x", lambda event: trusted.append(event.isTrusted))
    target._fire("x")
    target.dispatchEvent(Event("x"))
    assert trusted == [True, False]


async def test_what_is_dispatched_is_an_event_and_not_under_way() -> None:
    target, wrong = EventTarget(), cast("Any", "x")
    with pytest.raises(TypeError):
        target.dispatchEvent(wrong)
    refused: list[str] = []

    def again(event: Event) -> None:
        with pytest.raises(DOMException) as caught:
            target.dispatchEvent(event)
        refused.append(caught.value.name)

    target.addEventListener("x", again)
    target.dispatchEvent(Event("x"))
    assert refused == ["InvalidStateError"]


def test_a_handler_that_returns_false_prevents_the_default() -> None:
    target = Target()
    target.addEventListener("ping", lambda event: False)
    assert target.dispatchEvent(Event("ping", {"cancelable": True}))
    target.onping = lambda event: False
    assert not target.dispatchEvent(Event("ping", {"cancelable": True}))
    assert target.dispatchEvent(Event("ping"))
