"""W3C webrtc-pc section 4.7.3: which changes need negotiation, and which don't."""

from __future__ import annotations

from cases.playing import PAIR, negotiate, play, settled
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import (
    AddTrack,
    AddTransceiver,
    Call,
    Get,
    New,
    Ref,
    RemoveTrack,
    ReplaceTrack,
    SetDirection,
    Step,
    Stop,
    Track,
)

TRACK = (Track("audio", "track"), AddTrack(Ref("track"), on="a", bind="sender"))
THEIRS = (Call("b", "getTransceivers", (), "theirs"), Get("theirs", "0", "transceiver"))


async def fired(endpoint: Endpoint, before: tuple[Step, ...], *changes: Step, on: str = "a") -> int:
    """How often negotiationneeded fires for changes after a negotiation."""
    first = await play(endpoint, PAIR, before, settled("a"), negotiate(), settled(on), *changes, settled(on))
    first.gave()
    events = first.events("negotiationneeded", on=on)
    return len(events) - (on == "a")  # what was added first needed negotiation as well


def transceiver(direction: str = "sendrecv") -> tuple[Step, ...]:
    return (AddTransceiver("audio", on="a", direction=direction),)


async def test_sanity_nothing_is_needed_after_a_negotiation(endpoint: Endpoint) -> None:
    check(await fired(endpoint, transceiver()) == 0, "negotiationneeded fired")


@clause("W3C-update-the-negotiation-needed-flag~2-5.1", "W3C-RTCRtpTransceiver.stop-5")
async def test_a_stopping_transceiver_needs_negotiation(endpoint: Endpoint) -> None:
    times = await fired(endpoint, transceiver(), Stop())
    check(times == 1, f"negotiationneeded fired {times} times")


@clause("W3C-update-the-negotiation-needed-flag~2-5.4")
async def test_a_stopped_transceiver_whose_section_is_rejected_needs_no_more(endpoint: Endpoint) -> None:
    times = await fired(endpoint, transceiver(), Stop(), settled("a"), *negotiate(), settled("a"))
    check(times == 1, f"negotiationneeded fired {times} times")


@clause("W3C-update-the-negotiation-needed-flag~2-5.3.1", "W3C-RTCRtpSender.setStreams-7")
async def test_other_streams_need_negotiation(endpoint: Endpoint) -> None:
    streams = (New("MediaStream", (), "stream"), Call("sender", "setStreams", (Ref("stream"),)))
    times = await fired(endpoint, TRACK, *streams)
    check(times == 1, f"negotiationneeded fired {times} times")


@clause("W3C-update-the-negotiation-needed-flag~2-5.3.2")
async def test_another_direction_of_the_offerer_needs_negotiation(endpoint: Endpoint) -> None:
    times = await fired(endpoint, transceiver(), SetDirection("inactive"))
    check(times == 1, f"negotiationneeded fired {times} times")


@clause("W3C-update-the-negotiation-needed-flag~2-5.3.3")
async def test_another_direction_of_the_answerer_needs_negotiation(endpoint: Endpoint) -> None:
    times = await fired(endpoint, transceiver(), *THEIRS, SetDirection("sendrecv"), on="b")
    check(times == 1, f"negotiationneeded fired {times} times")


@clause("W3C-update-the-negotiation-needed-flag~2-5.3.3")
async def test_what_the_offer_did_not_allow_anyway_needs_no_negotiation(endpoint: Endpoint) -> None:
    times = await fired(endpoint, transceiver("recvonly"), *THEIRS, SetDirection("inactive"), on="b")
    check(times == 0, f"negotiationneeded fired {times} times")


@clause("W3C-update-the-negotiation-needed-flag-2.4")
async def test_a_change_that_is_taken_back_needs_no_negotiation(endpoint: Endpoint) -> None:
    times = await fired(endpoint, transceiver(), SetDirection("inactive"), SetDirection("sendrecv"))
    check(times == 0, f"negotiationneeded fired {times} times")


@clause("W3C-RTCPeerConnection.removeTrack-13")
async def test_a_removed_track_needs_negotiation(endpoint: Endpoint) -> None:
    times = await fired(endpoint, TRACK, RemoveTrack(Ref("sender"), on="a"))
    check(times == 1, f"negotiationneeded fired {times} times")


@clause("W3C-RTCPeerConnection.addTrack-11")
async def test_a_track_for_a_sender_that_never_sent_needs_negotiation(endpoint: Endpoint) -> None:
    times = await fired(endpoint, transceiver("recvonly"), *TRACK)
    check(times == 1, f"negotiationneeded fired {times} times")


@clause("W3C-RTCRtpSender.replaceTrack-6.4.4.2")
async def test_another_track_of_a_sender_needs_no_negotiation(endpoint: Endpoint) -> None:
    times = await fired(endpoint, TRACK, ReplaceTrack(None, on="sender"))
    check(times == 0, f"negotiationneeded fired {times} times")
