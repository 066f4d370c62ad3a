"""getStats of media: every member that webrtc-pc section 8.6 makes mandatory, and that its value is what happened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from peer.api import RTCStatsReport, Seams
from peer.tests.api.connecting import pair
from peer.tests.media.flowing import flowing
from peer.trace import Direction, Entry, Layer
from peer.wire import rtp

# The table of webrtc-pc section 8.6, for objects that media brings.
STREAM = {"ssrc", "kind", "transportId", "codecId"}
MANDATORY: dict[tuple[str, str], set[str]] = {
    ("inbound-rtp", "audio"): STREAM
    | {"packetsReceived", "packetsLost", "jitter", "trackIdentifier", "remoteId", "nackCount", "bytesReceived"}
    | {"totalAudioEnergy", "totalSamplesDuration", "packetsDiscarded"},
    ("inbound-rtp", "video"): STREAM
    | {"packetsReceived", "packetsLost", "jitter", "trackIdentifier", "remoteId", "nackCount", "bytesReceived"}
    | {"framesDecoded", "framesDropped", "framesReceived", "packetsDiscarded"},
    ("outbound-rtp", "audio"): STREAM | {"packetsSent", "bytesSent", "remoteId", "nackCount"},
    ("outbound-rtp", "video"): STREAM
    | {"packetsSent", "bytesSent", "remoteId", "framesEncoded", "nackCount", "framesSent"},
    ("remote-inbound-rtp", ""): STREAM | {"packetsReceived", "packetsLost", "jitter", "localId", "roundTripTime"},
    ("remote-outbound-rtp", ""): STREAM | {"packetsSent", "bytesSent", "localId", "remoteTimestamp"},
    ("media-source", "audio"): {"trackIdentifier", "kind", "totalAudioEnergy", "totalSamplesDuration"},
    ("media-source", "video"): {"trackIdentifier", "kind", "width", "height", "framesPerSecond"},
    ("codec", ""): {"payloadType", "mimeType", "clockRate", "channels", "sdpFmtpLine"},
    ("transport", ""): {"bytesSent", "bytesReceived", "selectedCandidatePairId", "localCertificateId"}
    | {"remoteCertificateId"},
    ("peer-connection", ""): {"dataChannelsOpened", "dataChannelsClosed"},
    ("data-channel", ""): {"label", "protocol", "dataChannelIdentifier", "state"}
    | {"messagesSent", "bytesSent", "messagesReceived", "bytesReceived"},
    ("candidate-pair", ""): {"transportId", "localCandidateId", "remoteCandidateId", "state", "nominated"}
    | {"bytesSent", "bytesReceived", "totalRoundTripTime", "responsesReceived", "currentRoundTripTime"},
    ("local-candidate", ""): {"address", "port", "protocol", "candidateType"},  # url: of a server's candidates
    ("remote-candidate", ""): {"address", "port", "protocol", "candidateType"},
    ("certificate", ""): {"fingerprint", "fingerprintAlgorithm", "base64Certificate"},  # issuer: of a chain
}
REFERENCES = (
    *("codecId", "transportId", "remoteId", "localId", "mediaSourceId", "selectedCandidatePairId"),
    *("localCertificateId", "remoteCertificateId", "localCandidateId", "remoteCandidateId"),
)


async def test_every_mandatory_member_is_there() -> None:
    async with flowing(prepare=lambda one: one.createDataChannel("talk")) as (one, other, arrivals):
        await arrivals["video"].count(2)
        sent = 0
        while True:
            await arrivals["audio"].count(5)
            sending, receiving = await one.getStats(), await other.getStats()
            rows = [*sending.values(), *receiving.values()]
            missing = {
                f"{kind} {of} {member}"
                for (kind, of), members in MANDATORY.items()
                for member in members
                if not [row for row in rows if row["type"] == kind and of in ("", row.get("kind")) and member in row]
            }
            sent += 1
            if not missing or sent > 200:
                break
        assert missing == set()
        ids = {row["id"] for row in sending.values()}
        for row in sending.values():
            for member in REFERENCES:
                assert row.get(member) is None or row[member] in ids, (row["type"], member)
        for row in rows:
            for member in {name for (kind, _), names in MANDATORY.items() if kind == row["type"] for name in names}:
                value = row.get(member, 0)
                assert not isinstance(value, float | int) or 0 <= value < math.inf, (row["type"], member, value)
                assert value != "" or member == "protocol", (row["type"], member)


def one_of(report: RTCStatsReport, stats_type: str, kind: str) -> Any:
    (row,) = (row for row in report.of_type(stats_type) if row["kind"] == kind)
    return row


async def at_rest(connection: Any, *seen: Sequence[Any]) -> Any:
    """A report during which none of the lists grew: what it counts is what they hold."""
    while True:
        before = [len(each) for each in seen]
        report = await connection.getStats()
        if before == [len(each) for each in seen]:
            return report


async def test_counts_are_those_of_the_wire() -> None:
    sent: list[rtp.Packet] = []

    def trace(entry: Any) -> None:
        if isinstance(entry, Entry) and entry.layer is Layer.RTP and entry.direction is Direction.SENT:
            sent.append(entry.message)

    async with flowing(first=Seams(trace=trace)) as (one, other, arrivals):
        await arrivals["video"].count(10)
        await arrivals["audio"].count(10)
        report = await at_rest(one, sent)
        counted = list(sent)
        for kind in ("audio", "video"):
            row = one_of(report, "outbound-rtp", kind)
            own = [packet for packet in counted if packet.ssrc == row["ssrc"]]
            assert row["packetsSent"] == len(own)
            assert row["bytesSent"] == sum(len(packet.payload) for packet in own)
        received = await at_rest(other, sent, arrivals["video"].frames)
        for kind in ("audio", "video"):
            row = one_of(received, "inbound-rtp", kind)
            own = [packet for packet in sent if packet.ssrc == row["ssrc"]]
            assert row["packetsLost"] == 0
            assert 0 < row["packetsReceived"] <= len(own)
            assert row["bytesReceived"] <= sum(len(packet.payload) for packet in own)
        video = one_of(received, "inbound-rtp", "video")
        assert (video["frameWidth"], video["frameHeight"]) == (160, 120)
        assert video["framesDecoded"] == len(arrivals["video"].frames)
        assert video["trackIdentifier"] == arrivals["video"].track.id


async def test_energy_is_that_of_the_tone() -> None:
    """A sine of amplitude 0.3: RMS 0.212 (webrtc-stats, totalAudioEnergy)."""
    async with flowing(("audio",)) as (one, other, arrivals):
        await arrivals["audio"].count(40)
        for report, kind in ((await one.getStats(), "media-source"), (await other.getStats(), "inbound-rtp")):
            row = one_of(report, kind, "audio")
            assert (row["totalAudioEnergy"] / row["totalSamplesDuration"]) ** 0.5 == pytest.approx(0.212, abs=0.02)
        assert one_of(await other.getStats(), "inbound-rtp", "audio")["totalSamplesReceived"] >= 40 * 960


async def test_what_limits_the_quality() -> None:
    """Where the application's own maximum is all that limits, nothing does; sound has no such members."""

    def little(pc: Any) -> None:
        for sender in pc.getSenders():
            parameters = sender.getParameters()
            parameters.encodings[0]["maxBitrate"] = 30_000
            sender.setParameters(parameters)

    async with flowing(prepare=little) as (one, _, arrivals):
        await arrivals["video"].count(5)
        report = await one.getStats()
        video = one_of(report, "outbound-rtp", "video")
        assert (video["qualityLimitationReason"], video["qualityLimitationResolutionChanges"]) == ("none", 0)
        durations = video["qualityLimitationDurations"]
        assert set(durations) == {"none", "cpu", "bandwidth", "other"}
        assert durations["none"] > 0.0
        assert sum(durations.values()) == durations["none"]
        assert not any(member.startswith("qualityLimitation") for member in one_of(report, "outbound-rtp", "audio"))


async def test_a_selector_leaves_out_the_other_direction() -> None:
    async with flowing(("audio",), both=True) as (one, _, arrivals):
        await arrivals["audio"].count(2)
        await arrivals["audio back"].count(2)
        (sender,), (receiver,) = one.getSenders(), one.getReceivers()
        of_sender, of_receiver = await sender.getStats(), await receiver.getStats()
        assert of_sender.of_type("outbound-rtp")
        assert not of_sender.of_type("inbound-rtp")
        assert of_receiver.of_type("inbound-rtp")
        assert not of_receiver.of_type("outbound-rtp")
        assert not of_receiver.of_type("media-source")


async def test_ids_stay_and_counts_never_go_back() -> None:
    async with flowing(("video",)) as (one, _, arrivals):
        await arrivals["video"].count(1)
        before = one_of(await one.getStats(), "outbound-rtp", "video")
        await arrivals["video"].count(5)
        after = one_of(await one.getStats(), "outbound-rtp", "video")
        assert before["id"] == after["id"]
        assert after["packetsSent"] > before["packetsSent"]
        assert after["framesEncoded"] >= before["framesEncoded"]
        assert after["timestamp"] > before["timestamp"]


async def test_a_sender_without_a_transport_has_its_source_only() -> None:
    async with pair() as (one, _):
        sender = one.addTransceiver("audio").sender
        assert list((await sender.getStats()).values()) == []


async def test_sources_of_the_last_ten_seconds() -> None:
    """Webrtc-pc section 5.3.1: levels are linear, timestamps those of RTP."""
    async with flowing() as (one, other, arrivals):
        await arrivals["audio"].count(3)
        await arrivals["video"].count(1)
        for receiver in other.getReceivers():
            (source,) = receiver.getSynchronizationSources()
            row = one_of(await one.getStats(), "outbound-rtp", receiver.track.kind)
            assert source["source"] == row["ssrc"]
            assert 0 <= source["rtpTimestamp"] < 1 << 32
            assert abs(source["timestamp"] - row["timestamp"]) < 10_000
            if receiver.track.kind == "audio":
                assert source["audioLevel"] == pytest.approx(0.212, abs=0.03)
            else:
                assert "audioLevel" not in source
            assert receiver.getContributingSources() == []


async def test_settings_of_a_remote_track_are_those_of_its_latest_picture() -> None:
    async with flowing(("video",)) as (_, __, arrivals):
        track = arrivals["video"].track
        await arrivals["video"].count(2)
        settings = track.getSettings()
        assert (settings["width"], settings["height"]) == (160, 120)
        assert settings["aspectRatio"] == 1.3333333333
        assert track.getCapabilities() == {}
