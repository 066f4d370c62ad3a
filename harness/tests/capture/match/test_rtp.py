"""Matchers for RTP and RTCP."""

from __future__ import annotations

from harness.capture.items import Item, Part
from harness.capture.layers import rtcp as layer
from harness.capture.match import rtp
from harness.capture.matcher import Matcher
from harness.tests.capture.match.found import numbers
from harness.tests.capture.recorded import MEDIA_13, shared

AUDIO = 0x3C3FEC00


def matches(matcher: Matcher, report: layer.Report) -> bool:
    data = bytes(report)
    return matcher.matches(shared(MEDIA_13).frames[0], Item(Part.RTCP_PACKET, data[1], data, opened=True))


def test_packets_are_told_by_their_headers() -> None:
    everything = numbers(MEDIA_13, rtp.packet())
    audio = numbers(MEDIA_13, rtp.packet(ssrc=AUDIO))
    assert 0 < len(audio) < len(everything) == 325
    assert numbers(MEDIA_13, rtp.packet(ssrc=AUDIO, payload_type=109)) == audio
    assert numbers(MEDIA_13, rtp.packet(ssrc=AUDIO, payload_type=110)) == []
    assert numbers(MEDIA_13, rtp.packet(ssrc=AUDIO, sequence=13853)) == [435]
    assert 0 < len(numbers(MEDIA_13, rtp.packet(marker=True))) < len(everything)
    assert numbers(MEDIA_13, rtp.packet(extension=15)) == []
    assert numbers(MEDIA_13, rtp.packet(extension=4)) != []
    assert numbers(MEDIA_13, rtp.packet(opened=True)) == everything
    assert numbers(MEDIA_13, rtp.packet(opened=False)) == numbers(MEDIA_13, rtp.unopened()) == []
    assert str(rtp.packet(payload_type=109, opened=False)) == "an RTP packet with payload type 109 sealed"


def test_reports_are_found_inside_compounds() -> None:
    assert len(numbers(MEDIA_13, rtp.compound())) == 75
    assert len(numbers(MEDIA_13, rtp.transport_feedback())) == 65
    assert len(numbers(MEDIA_13, rtp.sender_report())) == 4
    assert numbers(MEDIA_13, rtp.sender_report(ssrc=1)) == []
    assert len(numbers(MEDIA_13, rtp.receiver_report())) == 5
    assert numbers(MEDIA_13, rtp.receiver_report(ssrc=1)) == []
    assert len(numbers(MEDIA_13, rtp.source_description())) == 5
    assert numbers(MEDIA_13, rtp.source_description(cname="nobody")) == []
    assert numbers(MEDIA_13, rtp.bye()) == [451, 452]
    assert numbers(MEDIA_13, rtp.bye(ssrc=AUDIO)) == [451]
    assert len(numbers(MEDIA_13, rtp.report(205))) == 65
    assert len(numbers(MEDIA_13, rtp.report())) == 81


def test_feedback_is_told_by_its_format() -> None:
    nack = layer.Nack(media=7, items=[layer.NackItem(packet_id=100, bitmask=1)])
    assert matches(rtp.nack(), nack)
    assert matches(rtp.nack(media=7, lost=101), nack)
    assert not matches(rtp.nack(lost=102), nack)
    assert not matches(rtp.nack(media=8), nack)
    assert not matches(rtp.transport_feedback(), nack)
    assert not matches(rtp.pli(), nack)
    assert matches(rtp.pli(media=3), layer.Pli(media=3))
    assert not matches(rtp.fir(), layer.Pli(media=3))
    assert matches(rtp.fir(), layer.Fir())
    assert matches(rtp.remb(), layer.Remb(mantissa=5))
    assert matches(rtp.feedback(206, 15), layer.Remb())
    assert matches(
        rtp.source_description(cname="me"), layer.SourceDescription.of((1, [layer.DescriptionItem(text=b"me")]))
    )
    assert str(rtp.nack()) == "an RTCP NACK"
