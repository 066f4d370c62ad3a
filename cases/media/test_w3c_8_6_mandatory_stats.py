"""W3C webrtc-pc section 8.6: the statistics that every implementation has, with values that agree with the wire."""

from __future__ import annotations

import pytest

from cases.media.flowing import Flow, flowing
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference

STREAM = ("ssrc", "kind", "transportId", "codecId")
RECEIVED = (*STREAM, "packetsReceived", "packetsLost", "jitter", "trackIdentifier", "remoteId", "bytesReceived")
# The table of section 8.6, for what media brings.
TABLE = {
    ("inbound-rtp", "audio"): (*RECEIVED, "totalAudioEnergy", "totalSamplesDuration"),
    ("inbound-rtp", "video"): (*RECEIVED, "framesDecoded", "framesDropped", "framesReceived", "nackCount"),
    ("outbound-rtp", "audio"): (*STREAM, "packetsSent", "bytesSent", "remoteId", "nackCount"),
    ("outbound-rtp", "video"): (*STREAM, "packetsSent", "bytesSent", "framesEncoded", "framesSent", "nackCount"),
    ("remote-inbound-rtp", "audio"): (*STREAM, "packetsReceived", "packetsLost", "jitter", "localId", "roundTripTime"),
    ("remote-outbound-rtp", "audio"): (*STREAM, "packetsSent", "bytesSent", "localId", "remoteTimestamp"),
    ("media-source", "audio"): ("trackIdentifier", "kind", "totalAudioEnergy", "totalSamplesDuration"),
    ("media-source", "video"): ("trackIdentifier", "kind", "width", "height", "framesPerSecond"),
    ("codec", ""): ("payloadType", "mimeType", "clockRate", "transportId"),
}


async def test_sanity_media_flows_and_is_counted(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "audio", back=True)
    await flow.seen(2, "audio")
    await flow.until_stats(flow.there, "outbound-rtp", "audio", "packetsSent")


@clause("W3C-Mandatory-To-Implement-Stats-M1")
@pytest.mark.parametrize(("stats_type", "kind"), TABLE, ids=lambda text: text or "any")
async def test_every_member_is_there(peer: Reference, endpoint: Endpoint, stats_type: str, kind: str) -> None:
    flow = await flowing(peer, endpoint, kind or "audio", back=True)
    await flow.until_stats(flow.there, stats_type, kind, *TABLE[stats_type, kind])


async def silent(flow: Flow) -> dict[str, float]:
    """The endpoint's counts of the audio it sent, once it sends no more and all has come."""
    await flow.seen(10, "audio")
    await flow.senders["audio"].call("replaceTrack", None)
    await flow.native.getStats()
    sent: dict[str, float] = {}
    for _ in range(200):
        before, (sent,) = sent, await flow.stats(flow.there, "outbound-rtp", "audio")
        if before and before["packetsSent"] == sent["packetsSent"] == len(flow.packets("opus")):
            break
    return sent


@clause("W3C-Mandatory-To-Implement-Stats-M1")
async def test_packets_and_bytes_sent_are_those_of_the_wire(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "audio")
    sent = await silent(flow)
    packets = flow.packets("opus")
    size = sum(len(packet.payload) for packet in packets)
    check(sent["packetsSent"] == len(packets), f"packetsSent is {sent['packetsSent']}, {len(packets)} came")
    check(sent["bytesSent"] == size, f"bytesSent is {sent['bytesSent']}, {size} bytes of payload came")


@clause("W3C-Mandatory-To-Implement-Stats-M1")
async def test_the_ssrc_and_the_codec_are_those_of_the_wire(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "audio")
    await flow.seen(3, "audio")
    row = await flow.until_stats(flow.there, "outbound-rtp", "audio", "codecId")
    packet = flow.packets("opus")[0]
    check(row["ssrc"] == packet.ssrc, f"ssrc is {row['ssrc']}, {packet.ssrc} came")
    codec = (await flow.there.getStats())[row["codecId"]]
    check(codec["payloadType"] == packet.payload_type, f"the codec is {codec}, {packet.payload_type} came")


@clause("W3C-RTCStats.id-M1")
async def test_ids_stay_while_counts_grow(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "audio")
    await flow.seen(2, "audio")
    before = await flow.until_stats(flow.there, "outbound-rtp", "audio", "packetsSent")
    await flow.seen(5, "audio")
    after = await flow.until_stats(flow.there, "outbound-rtp", "audio", "packetsSent")
    check(after["id"] == before["id"], "the stream has another id")
    check(after["packetsSent"] >= before["packetsSent"], "packetsSent went back")


@clause("W3C-Mandatory-To-Implement-Stats-M1")
async def test_pictures_decoded_are_those_that_were_sent(peer: Reference, endpoint: Endpoint) -> None:
    """What we count as sent is what the endpoint counts as decoded, once all has come."""
    flow = await flowing(peer, endpoint, "video", back=True)
    await flow.until_stats(flow.there, "inbound-rtp", "video", "framesDecoded", "frameWidth")
    row = (await flow.stats(flow.there, "inbound-rtp", "video"))[0]
    ours = (await flow.stats(flow.here, "outbound-rtp", "video"))[0]
    check(
        0 < row["framesDecoded"] <= ours["framesEncoded"], f"{row['framesDecoded']} of {ours['framesEncoded']} frames"
    )
    check(row["frameWidth"] == ours["frameWidth"], f"frameWidth is {row['frameWidth']}")


@clause("W3C-stats-selection-algorithm-is-as-follows-3")
async def test_a_senders_report_has_nothing_of_the_receiver(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "audio", back=True)
    await flow.until_stats(flow.there, "inbound-rtp", "audio", "packetsReceived")
    types = {row["type"] for row in (await flow.senders["audio"].call("getStats")).values()}
    check("outbound-rtp" in types, f"the report has {sorted(types)}")
    check(not types & {"inbound-rtp", "remote-outbound-rtp"}, f"the report has {sorted(types)}")
