"""Capture, statistics and trace against each other."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.capture.items import Item, Part
from harness.capture.layers import rtcp
from harness.capture.witnesses import cross_check, disagreements
from harness.tests.capture.recorded import DATA_12, MEDIA_12, MEDIA_13, NAMES, load, statistics
from peer.trace import Direction, Entry, Layer


def said(name: str) -> dict[str, list[dict[str, Any]]]:
    offerer, answerer = statistics(name)
    return {"offerer": offerer, "answerer": answerer}


@pytest.mark.parametrize("name", NAMES)
def test_browsers_and_the_capture_agree(name: str) -> None:
    found = cross_check(load(name), said(name))
    assert not disagreements(found)
    assert len(found) >= (38 if "media" in name else 10)


def test_what_is_compared_is_named() -> None:
    whats = {each.what.rpartition(" SSRC")[0] or each.what for each in cross_check(load(MEDIA_13), said(MEDIA_13))}
    assert whats == {
        "RTP packets sent of audio",
        "RTP packets sent of video",
        "RTP packets received of audio",
        "RTP packets received of video",
        "RTP header bytes sent of audio",
        "RTP header bytes sent of video",
        "NACKs sent for",
        "NACKs received for",
        "PLIs sent for",
        "PLIs received for",
        "FIRs sent for",
        "FIRs received for",
        "data channel messages sent",
        "data channel messages received",
        "tlsVersion",
        "dtlsCipher",
        "srtpCipher",
        "local address of the selected pair",
    }


@pytest.mark.parametrize(
    ("kind", "key", "value", "what"),
    [
        ("outbound-rtp", "packetsSent", 9999, "RTP packets sent"),
        ("inbound-rtp", "packetsReceived", 1, "RTP packets received"),
        ("outbound-rtp", "headerBytesSent", 1, "RTP header bytes sent"),
        ("inbound-rtp", "nackCount", 5, "NACKs sent"),
        ("outbound-rtp", "pliCount", 5, "PLIs received"),
        ("data-channel", "messagesSent", 2, "data channel messages sent"),
        ("transport", "tlsVersion", "FEFC", "tlsVersion"),
        ("transport", "dtlsCipher", "TLS_AES_128_GCM_SHA256", "dtlsCipher"),
        ("transport", "srtpCipher", "SRTP_AEAD_AES_256_GCM", "srtpCipher"),
    ],
)
def test_a_wrong_word_is_flagged(kind: str, key: str, value: object, what: str) -> None:
    words = copy.deepcopy(said(MEDIA_12))
    next(entry for entry in words["answerer"] if entry["type"] == kind and key in entry)[key] = value
    (flagged,) = disagreements(cross_check(load(MEDIA_12), words))
    assert flagged.endpoint == "answerer"
    assert flagged.what.startswith(what)
    assert f"!= getStats {value}" in str(flagged)


def test_another_local_address_is_flagged() -> None:
    words = copy.deepcopy(said(MEDIA_12))
    for entry in words["offerer"]:
        if entry["type"] == "local-candidate":
            entry["port"] = 1
    assert [each.what for each in disagreements(cross_check(load(MEDIA_12), words))] == [
        "local address of the selected pair"
    ]


def test_the_trace_of_a_tapped_endpoint_is_counted() -> None:
    recording = load(DATA_12)
    sink = recording.sink("offerer")
    sent = [frame for frame in recording.frames if frame.sender == "offerer" and frame.kind == "stun"]
    for frame in sent:
        sink(Entry(0.0, Layer.STUN, Direction.SENT, None, frame.payload))
        sink(Entry(0.0, Layer.STUN, Direction.RECEIVED, None, frame.payload))
    (agreed,) = cross_check(recording)
    assert (agreed.agrees, agreed.witness, agreed.what) == (True, "trace", "stun messages sent")
    sink(Entry(0.0, Layer.STUN, Direction.SENT, None, b""))
    assert [str(each) for each in disagreements(cross_check(recording))] == [
        f"offerer: stun messages sent: capture {len(sent)} != trace {len(sent) + 1}"
    ]


def test_statistics_of_an_endpoint_without_a_connection_say_nothing() -> None:
    assert cross_check(load(DATA_12), {"offerer": [{"type": "peer-connection", "timestamp": 0}]}) == []


def test_feedback_is_counted_by_what_it_is_about() -> None:
    """PLI and NACK name their media in the header, FIR in its items."""
    recording = load(MEDIA_13)
    words = copy.deepcopy(said(MEDIA_13))
    items = [list(several) for several in recording.items()]
    sent = next(number for number, frame in enumerate(recording.frames) if frame.sender == "answerer")
    media = next(entry for entry in words["answerer"] if entry["type"] == "inbound-rtp" and entry["kind"] == "video")
    for report in (
        rtcp.Pli(media=media["ssrc"]),
        rtcp.Fir(items=[rtcp.FirItem(ssrc=media["ssrc"]), rtcp.FirItem(ssrc=1)]),
    ):
        items[sent].append(Item(Part.RTCP_PACKET, 206, bytes(report), protected=True, opened=True))
    recording.dissector._items = [tuple(several) for several in items]
    flagged = {
        each.what.partition(" for")[0]
        for each in disagreements(cross_check(recording, {"answerer": words["answerer"]}))
    }
    assert flagged == {"PLIs sent", "FIRs sent"}


def test_datagrams_are_counted_against_the_trace() -> None:
    recording = load(DATA_12)
    sink = recording.sink("offerer")
    for frame in recording.frames:
        if frame.sender == "offerer":
            sink(Entry(0.0, Layer.DATAGRAM, Direction.SENT, None, frame.payload))
    (agreed,) = cross_check(recording)
    assert agreed.agrees
    recording.tap.discarded = 1
    assert cross_check(recording) == []
