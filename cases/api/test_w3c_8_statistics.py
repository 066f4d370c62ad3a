"""W3C webrtc-pc section 8: what getStats is asked for, and of what."""

from __future__ import annotations

from cases.playing import PC, play, read
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import AddTrack, AddTransceiver, Call, Close, Ref, Track

TRACK = (Track("audio", "track"), AddTrack(Ref("track"), bind="sender"))


def statistics(on: str = "pc", *selector: Ref | None) -> list[Call]:
    return [Call(on, "getStats", selector, "report")]


async def test_sanity_a_connection_has_statistics(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, statistics(), read("report.size"))
    played.gave()
    check(played["report.size"] >= 1, "the report is empty")


@clause("W3C-RTCPeerConnection.getStats-3", "W3C-stats-selection-algorithm-is-as-follows-2")
async def test_null_selects_the_whole_connection(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, statistics("pc", None), read("report.size"))
    played.gave()
    check(played["report.size"] >= 1, "the report is empty")


@clause("W3C-RTCPeerConnection.getStats-6.2")
async def test_statistics_outlive_the_connection(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, Close(), statistics(), read("report.size"))
    played.gave()
    check(played["report.size"] >= 1, "the report is empty")


@clause("W3C-RTCPeerConnection.getStats-4", "W3C-Introduction-M2")
async def test_a_track_of_nobody_selects_nothing(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Track("audio", "track"), statistics("pc", Ref("track")))).threw("InvalidAccessError")


@clause("W3C-RTCPeerConnection.getStats-4")
async def test_a_track_of_two_senders_selects_none(endpoint: Endpoint) -> None:
    again = AddTransceiver(Ref("track"), bind="again")
    (await play(endpoint, PC, *TRACK, again, statistics("pc", Ref("track")))).threw("InvalidAccessError")


@clause("W3C-RTCPeerConnection.getStats-4")
async def test_a_track_selects_its_sender(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, *TRACK, statistics("pc", Ref("track")))).gave()


@clause("W3C-RTCPeerConnection.getStats-4")
async def test_a_track_selects_its_receiver(endpoint: Endpoint) -> None:
    selector = Ref("transceiver.receiver.track")
    (await play(endpoint, PC, AddTransceiver("audio"), statistics("pc", selector))).gave()


@clause("W3C-RTCRtpSender.getStats-2.1")
async def test_a_sender_that_sends_nothing_has_no_statistics(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, *TRACK, statistics("sender"), read("report.size"))).gave({"report.size": 0})


@clause("W3C-RTCRtpReceiver.getStats-2.1")
async def test_a_receiver_that_receives_nothing_has_no_statistics(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), statistics("transceiver.receiver"), read("report.size"))
    played.gave({"report.size": 0})
