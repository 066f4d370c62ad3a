"""W3C webrtc-pc sections 4.8.2, 4.8.3, 5.7, 6.3, 7.4, 11: the constructors of events and errors."""

from __future__ import annotations

from typing import Any

import pytest

from cases.playing import PC, play, read
from harness.cases import clause
from harness.endpoints.base import Endpoint
from harness.script import AddTransceiver, CreateDataChannel, New, Ref


def made(interface: str, *args: Any) -> New:
    return New(interface, args, "event")


async def test_sanity_an_event_is_made(endpoint: Endpoint) -> None:
    (await play(endpoint, made("Event", "case"), read("event.type"))).gave({"event.type": "case"})


@clause("W3C-Introduction-M1")
@pytest.mark.parametrize(
    "interface",
    [
        "RTCPeerConnectionIceEvent",
        "RTCPeerConnectionIceErrorEvent",
        "RTCTrackEvent",
        "RTCDataChannelEvent",
        "RTCDTMFToneChangeEvent",
    ],
)
async def test_an_event_has_a_type(endpoint: Endpoint, interface: str) -> None:
    (await play(endpoint, made(interface))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_an_ice_event_may_be_empty(endpoint: Endpoint) -> None:
    event = made("RTCPeerConnectionIceEvent", "icecandidate")
    (await play(endpoint, event, read("event.candidate"))).gave({"event.candidate": None})


@clause("W3C-Introduction-M1")
async def test_an_ice_event_holds_its_candidate(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        New("RTCIceCandidate", ({"candidate": "", "sdpMid": "a"},), "one"),
        made("RTCPeerConnectionIceEvent", "icecandidate", {"candidate": Ref("one")}),
        read("event.candidate.sdpMid"),
    )
    played.gave({"event.candidate.sdpMid": "a"})


@clause("W3C-Introduction-M1")
async def test_a_candidate_in_an_event_is_of_its_interface(endpoint: Endpoint) -> None:
    (await play(endpoint, made("RTCPeerConnectionIceEvent", "x", {"candidate": "candidate"}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_an_ice_error_has_a_code(endpoint: Endpoint) -> None:
    (await play(endpoint, made("RTCPeerConnectionIceErrorEvent", "x", {"url": "stun:x"}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_an_ice_error_holds_its_members(endpoint: Endpoint) -> None:
    init = {"errorCode": 701, "errorText": "no", "url": "stun:x", "address": "192.0.2.1", "port": 5}
    event = made("RTCPeerConnectionIceErrorEvent", "icecandidateerror", init)
    played = await play(endpoint, event, read(*(f"event.{name}" for name in init)))
    played.gave({f"event.{name}": value for name, value in init.items()})


@clause("W3C-Introduction-M1")
async def test_a_channel_event_has_a_channel(endpoint: Endpoint) -> None:
    (await play(endpoint, made("RTCDataChannelEvent", "datachannel", {}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_channel_in_an_event_is_not_null(endpoint: Endpoint) -> None:
    (await play(endpoint, made("RTCDataChannelEvent", "datachannel", {"channel": None}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_channel_event_holds_its_channel(endpoint: Endpoint) -> None:
    event = made("RTCDataChannelEvent", "datachannel", {"channel": Ref("channel")})
    played = await play(endpoint, PC, CreateDataChannel("case"), event, read("event.channel.label"))
    played.gave({"event.channel.label": "case"})


TRACK_EVENT = {
    "receiver": Ref("transceiver.receiver"),
    "track": Ref("transceiver.receiver.track"),
    "transceiver": Ref("transceiver"),
}


@clause("W3C-Introduction-M1")
@pytest.mark.parametrize("missing", list(TRACK_EVENT))
async def test_a_track_event_has_three_members(endpoint: Endpoint, missing: str) -> None:
    init = {name: value for name, value in TRACK_EVENT.items() if name != missing}
    (await play(endpoint, PC, AddTransceiver("audio"), made("RTCTrackEvent", "track", init))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_track_event_is_of_no_streams_unless_told(endpoint: Endpoint) -> None:
    event = made("RTCTrackEvent", "track", TRACK_EVENT)
    played = await play(endpoint, PC, AddTransceiver("audio"), event, read("event.streams", "event.track.kind"))
    played.gave({"event.streams": [], "event.track.kind": "audio"})


@clause("W3C-Introduction-M1")
async def test_a_track_event_holds_its_streams(endpoint: Endpoint) -> None:
    event = made("RTCTrackEvent", "track", {**TRACK_EVENT, "streams": [Ref("stream")]})
    stream = New("MediaStream", (), "stream")
    played = await play(endpoint, PC, AddTransceiver("audio"), stream, event, read("event.streams.length"))
    played.gave({"event.streams.length": 1})


@clause("W3C-Introduction-M1")
async def test_a_tone_is_empty_unless_told(endpoint: Endpoint) -> None:
    played = await play(endpoint, made("RTCDTMFToneChangeEvent", "tonechange"), read("event.tone"))
    played.gave({"event.tone": ""})


@clause("W3C-Introduction-M1")
async def test_a_tone_is_held(endpoint: Endpoint) -> None:
    played = await play(endpoint, made("RTCDTMFToneChangeEvent", "tonechange", {"tone": "#"}), read("event.tone"))
    played.gave({"event.tone": "#"})


@clause("W3C-RTCError-4")
async def test_an_error_is_an_operation_error(endpoint: Endpoint) -> None:
    error = New("RTCError", ({"errorDetail": "dtls-failure"}, "why"), "error")
    played = await play(endpoint, error, read("error.name", "error.message", "error.code"))
    played.gave({"error.name": "OperationError", "error.message": "why", "error.code": 0})


@clause("W3C-Introduction-M1")
async def test_an_error_has_a_detail(endpoint: Endpoint) -> None:
    (await play(endpoint, New("RTCError", ({}, "why")))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_detail_is_one_of_those_listed(endpoint: Endpoint) -> None:
    (await play(endpoint, New("RTCError", ({"errorDetail": "bad-luck"},)))).threw("TypeError")


@clause("W3C-RTCError-5")
async def test_an_error_holds_its_members(endpoint: Endpoint) -> None:
    init = {"errorDetail": "sctp-failure", "sctpCauseCode": 12, "sdpLineNumber": 3, "sentAlert": 40}
    played = await play(endpoint, New("RTCError", (init,), "error"), read(*(f"error.{name}" for name in init)))
    played.gave({f"error.{name}": value for name, value in init.items()})


@clause("W3C-RTCError-5")
async def test_members_an_error_was_not_given_are_null(endpoint: Endpoint) -> None:
    names = ("sdpLineNumber", "sctpCauseCode", "receivedAlert", "sentAlert")
    error = New("RTCError", ({"errorDetail": "dtls-failure"},), "error")
    (await play(endpoint, error, read(*(f"error.{name}" for name in names)))).gave({f"error.{n}": None for n in names})


@clause("W3C-Introduction-M1")
async def test_an_error_event_has_an_error(endpoint: Endpoint) -> None:
    (await play(endpoint, made("RTCErrorEvent", "error", {}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_an_error_event_holds_its_error(endpoint: Endpoint) -> None:
    error = New("RTCError", ({"errorDetail": "dtls-failure"},), "error")
    played = await play(
        endpoint, error, made("RTCErrorEvent", "error", {"error": Ref("error")}), read("event.error.name")
    )
    played.gave({"event.error.name": "OperationError"})
