"""RTCP as scapy layers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.items import Part
from harness.capture.layers import rtcp
from harness.capture.layers.base import read, rebuilt
from harness.capture.layers.rtcp import RTCP
from harness.tests.capture.layers.roundtrip import same_after_dissection
from harness.tests.capture.recorded import MEDIA_12, MEDIA_13, shared

byte, short, word = st.integers(0, 255), st.integers(0, 65535), st.integers(0, 2**32 - 1)
words = st.integers(0, 3).flatmap(lambda count: st.binary(min_size=4 * count, max_size=4 * count))
blocks = st.lists(
    st.builds(
        rtcp.ReportBlock,
        ssrc=word,
        fraction_lost=byte,
        cumulative_lost=st.integers(0, 2**24 - 1),
        highest_sequence=word,
        jitter=word,
        last_sr=word,
    ),
    max_size=3,
)
bitrates = st.lists(
    st.builds(
        rtcp.BitrateItem,
        ssrc=word,
        exponent=st.integers(0, 63),
        mantissa=st.integers(0, 2**17 - 1),
        overhead=st.integers(0, 511),
    ),
    max_size=2,
)
extended = st.lists(
    st.one_of(
        st.builds(rtcp.ReferenceTime, ntp=st.integers(0, 2**64 - 1)),
        st.builds(
            rtcp.Delay, items=st.lists(st.builds(rtcp.DelayItem, ssrc=word, last_rr=word, delay=word), max_size=2)
        ),
        st.builds(rtcp.ExtendedBlock, type=st.sampled_from([1, 2, 6, 7, 99]), specific=byte, content=words),
    ),
    max_size=3,
)
reports = st.one_of(
    st.builds(rtcp.SenderReport, ssrc=word, ntp=st.integers(0, 2**64 - 1), packets=word, octets=word, blocks=blocks),
    st.builds(rtcp.ReceiverReport, ssrc=word, blocks=blocks),
    st.builds(
        lambda ssrc, name: rtcp.SourceDescription.of((ssrc, [rtcp.DescriptionItem(text=name)])),
        word,
        st.binary(max_size=20),
    ),
    st.builds(rtcp.Bye, sources=st.lists(word, max_size=4), reason=words),
    st.builds(rtcp.Application, subtype=st.integers(0, 31), ssrc=word, identifier=st.just(b"test"), data=words),
    st.builds(
        rtcp.Nack,
        sender=word,
        media=word,
        items=st.lists(st.builds(rtcp.NackItem, packet_id=short, bitmask=short), max_size=3),
    ),
    st.builds(rtcp.Tmmbr, sender=word, items=bitrates),
    st.builds(rtcp.Tmmbn, sender=word, items=bitrates),
    st.builds(rtcp.TransportFeedback, sender=word, media=word, base_sequence=short, status_count=short, body=words),
    st.builds(rtcp.Pli, sender=word, media=word),
    st.builds(rtcp.Fir, sender=word, items=st.lists(st.builds(rtcp.FirItem, ssrc=word, sequence=byte), max_size=2)),
    st.builds(
        rtcp.Remb,
        sender=word,
        exponent=st.integers(0, 63),
        mantissa=st.integers(0, 2**18 - 1),
        ssrcs=st.lists(word, max_size=3),
    ),
    st.builds(rtcp.Extended, ssrc=word, blocks=extended),
    st.builds(rtcp.Report, type=st.sampled_from([192, 193, 208, 223]), count=st.integers(0, 31), body=words),
)


@given(st.lists(reports, min_size=1, max_size=4))
def test_any_compound_survives_the_round_trip(several: list[rtcp.Report]) -> None:
    compound = same_after_dissection(RTCP(packets=several), RTCP)
    assert [type(each) for each in compound.packets] == [type(each) for each in several]
    data = bytes(RTCP(packets=several))
    assert b"".join(rtcp.split(data)) == data
    assert [type(rtcp.one(each)) for each in rtcp.split(data)] == [type(each) for each in several]
    assert len(data) % 4 == 0


@given(reports)
def test_any_single_packet_survives_the_round_trip(report: rtcp.Report) -> None:
    same_after_dissection(report, rtcp.one)


def test_a_nack_lists_the_packets_of_its_bitmask() -> None:
    assert rtcp.Nack(items=[rtcp.NackItem(packet_id=65534, bitmask=0b1000_0000_0000_0011)]).lost == [
        65534,
        65535,
        0,
        14,
    ]


def test_a_bit_rate_is_mantissa_times_a_power_of_two() -> None:
    assert rtcp.Remb(exponent=5, mantissa=1000).bitrate == 32000


def test_a_description_is_read_chunk_by_chunk() -> None:
    built = rtcp.SourceDescription.of(
        (1, [rtcp.DescriptionItem(text=b"abc"), rtcp.DescriptionItem(type=8, text=b"")]),
        (2, [rtcp.DescriptionItem(text=b"12345")]),
    )
    chunks = rtcp.one(bytes(built)).chunks
    assert [(ssrc, [(item.type, item.text) for item in items]) for ssrc, items in chunks] == [
        (1, [(1, b"abc"), (8, b"")]),
        (2, [(1, b"12345")]),
    ]


@pytest.mark.parametrize(
    ("count", "body", "expected"),
    [
        # A run of three small deltas.
        (3, "2003010203", [(10, 1), (11, 2), (12, 3)]),
        # Fourteen single bits: received, lost, received.
        (3, "a8000506", [(10, 5), (11, None), (12, 6)]),
        # Seven pairs of bits: small, large (negative), lost.
        (3, "d80007fffe", [(10, 7), (11, -2), (12, None)]),
        # Cut off in the deltas.
        (3, "200301", [(10, 1)]),
        # A run of packets that didn't arrive, then one that did.
        (3, "0002200109", [(10, None), (11, None), (12, 9)]),
    ],
)
def test_transport_feedback_tells_arrivals(count: int, body: str, expected: list[tuple[int, int | None]]) -> None:
    feedback = rtcp.TransportFeedback(base_sequence=10, status_count=count, body=bytes.fromhex(body))
    assert rtcp.arrivals(feedback) == expected


@given(short, short, st.binary(max_size=40))
def test_any_transport_feedback_is_survived(base: int, count: int, body: bytes) -> None:
    found = rtcp.arrivals(rtcp.TransportFeedback(base_sequence=base, status_count=count, body=body))
    assert len(found) <= count


@given(st.binary(max_size=80))
def test_any_bytes_are_dissected(data: bytes) -> None:
    for start in (
        b"",
        b"\x81\xc8",
        b"\x81\xc9\x00\x07",
        b"\x81\xca\x00\x05",
        b"\x8f\xcd\x00\x05",
        b"\x8f\xce\x00\x05",
        b"\x80\xcf\x00\x05",
    ):
        read(RTCP, start + data).show(dump=True)
        for each in rtcp.split(start + data):
            packet = rtcp.one(each)
            packet.show(dump=True)
            assert bytes(packet) == each
            if isinstance(packet, rtcp.SourceDescription):
                assert len(packet.chunks) <= len(each)


@pytest.mark.parametrize("name", [MEDIA_12, MEDIA_13])
def test_real_packets_are_rebuilt_and_understood(name: str) -> None:
    seen = set()
    for items in shared(name).items():
        for item in items:
            if item.part is Part.RTCP_PACKET:
                assert type(item.packet) is not rtcp.Report
                assert rebuilt(item.packet) == item.data
                seen.add(item.packet.title)
    assert seen >= {"SR", "RR", "SDES", "transport-wide feedback"}
