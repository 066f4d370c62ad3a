"""RTCP: there and back for every type, messages written by hand from the RFCs' figures, any bytes."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.errors import DecodeError, LocalProtocolError
from peer.wire import rtcp
from peer.wire.rtcp_xr import Dlrr, ReceiverReferenceTime, UnknownBlock

U8, U16, U32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
BLOCK = st.builds(rtcp.ReportBlock, U32, U8, st.integers(-(2**23), 2**23 - 1), U32, U32, U32, U32)
BLOCKS = st.lists(BLOCK, max_size=31).map(tuple)
WORDS = st.integers(0, 5).map(lambda count: bytes(range(4 * count)))
ITEM = st.tuples(st.integers(1, 8), st.binary(max_size=255))
DELTA = st.one_of(st.none(), st.integers(0, 255), st.integers(-0x8000, 0x7FFF))
MAXIMA = st.lists(
    st.builds(
        lambda ssrc, mantissa, exponent, overhead: rtcp.MaximumRate(ssrc, mantissa << exponent, overhead),
        U32,
        st.integers(0x10000, 0x1FFFF),
        st.integers(0, 40),
        st.integers(0, 511),
    ),
    max_size=3,
).map(tuple)

PACKET = st.one_of(
    st.builds(rtcp.SenderReport, U32, st.integers(0, 2**64 - 1), U32, U32, U32, BLOCKS, WORDS),
    st.builds(rtcp.ReceiverReport, U32, BLOCKS, WORDS),
    st.builds(
        rtcp.SourceDescription,
        st.lists(st.tuples(U32, st.lists(ITEM, max_size=3).map(tuple)), max_size=4).map(tuple),
    ),
    st.builds(rtcp.Bye, st.lists(U32, max_size=31).map(tuple), st.one_of(st.none(), st.binary(max_size=255))),
    st.builds(rtcp.App, st.integers(0, 31), U32, st.binary(min_size=4, max_size=4), WORDS),
    st.builds(rtcp.PictureLoss, U32, U32),
    st.builds(rtcp.MaximumRequest, U32, MAXIMA),
    st.builds(rtcp.MaximumNotification, U32, MAXIMA),
    st.builds(rtcp.FullIntraRequest, U32, st.lists(st.tuples(U32, U8), max_size=3).map(tuple), U32),
    st.builds(
        rtcp.TransportFeedback,
        U32,
        U32,
        U16,
        st.integers(-(2**23), 2**23 - 1),
        U8,
        st.lists(DELTA, max_size=60).map(tuple),
    ),
    st.builds(
        rtcp.Congestion,
        U32,
        st.lists(
            st.builds(
                rtcp.ArrivalReport,
                U32,
                U16,
                st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 3), st.integers(0, 0x1FFF))), max_size=9).map(
                    tuple
                ),
            ),
            min_size=1,
            max_size=3,
        ).map(tuple),
        U32,
    ),
    st.builds(
        rtcp.ExtendedReport,
        U32,
        st.lists(
            st.one_of(
                st.builds(ReceiverReferenceTime, st.integers(0, 2**64 - 1)),
                st.builds(Dlrr, st.lists(st.tuples(U32, U32, U32), max_size=3).map(tuple)),
                st.builds(UnknownBlock, st.integers(6, 255), U8, WORDS),
            ),
            max_size=4,
        ).map(tuple),
    ),
    st.builds(rtcp.Unknown, st.integers(208, 223), st.integers(0, 31), WORDS),
)


@given(st.lists(PACKET, min_size=1, max_size=4).map(tuple))
def test_there_and_back(packets: tuple[rtcp.Packet, ...]) -> None:
    assert rtcp.parse(rtcp.serialize(packets)) == packets


@given(st.lists(U16, max_size=40, unique=True))
def test_a_nack_says_the_same_numbers(lost: list[int]) -> None:
    (nack,) = rtcp.parse(rtcp.Nack(1, 2, tuple(sorted(lost))).serialize())
    assert isinstance(nack, rtcp.Nack)
    assert set(nack.lost) == set(lost)


def test_a_nack_packs_seventeen_numbers_in_one_entry_across_the_wrap() -> None:
    nack = rtcp.Nack(1, 2, tuple(number & 0xFFFF for number in range(65530, 65547)))
    assert nack.serialize() == bytes.fromhex("81cd0003 00000001 00000002 fffaffff".replace(" ", ""))


@given(st.integers(0, (1 << 18) - 1), st.integers(0, 63))
def test_a_remb_keeps_eighteen_bits(mantissa: int, exponent: int) -> None:
    bitrate = mantissa << exponent
    (remb,) = rtcp.parse(rtcp.Remb(1, bitrate, (2, 3)).serialize())
    assert remb == rtcp.Remb(1, bitrate, (2, 3))


def test_transport_feedback_by_hand() -> None:
    """A run of 3 lost, then a vector of two-bit symbols; one small and one large negative delta."""
    body = bytes.fromhex("00000001 00000002 0010 0006 000005 07 0003 d800 04 fff0".replace(" ", ""))
    (feedback,) = rtcp.parse(bytes.fromhex("8fcd0006") + body + b"\0")
    assert feedback == rtcp.TransportFeedback(1, 2, 16, 5, 7, (None, None, None, 4, -16, None))


def test_a_delta_that_does_not_fit_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="begin a new feedback"):
        rtcp.TransportFeedback(1, 2, 3, 4, 5, (40_000,)).serialize()


def test_compound_and_reduced_size() -> None:
    assert rtcp.is_compound((rtcp.ReceiverReport(1), rtcp.PictureLoss(1, 2)))
    assert not rtcp.is_compound((rtcp.PictureLoss(1, 2),))


def test_cname() -> None:
    wire = rtcp.SourceDescription.cname(7, "ab").serialize()
    assert wire == bytes.fromhex("81ca0003 00000007 01026162 00000000".replace(" ", ""))


def test_the_last_packet_may_be_padded() -> None:
    assert rtcp.parse(bytes.fromhex("a1cb0002 00000009 00000004".replace(" ", ""))) == (rtcp.Bye((9,)),)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "empty"),
        ("80c9", "4 bytes"),
        ("40c90000", "version 1"),
        ("80c90001", "2 words doesn't fit"),
        ("a0c9000000", "padding"),
        ("a0c900010000000380c90001000000ff", "padding"),
    ],
)
def test_broken_framing_is_refused(data: str, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        rtcp.parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("81c8000100000001", "no sender information"),
        ("80c90000", "no SSRC"),
        ("81c9000100000001", "1 report blocks don't fit"),
        ("81ca0000", "chunk doesn't fit"),
        ("81ca00020000000101ff6161", "item doesn't fit"),
        ("81ca00020000000101026161", "no end"),
        ("82cb000100000001", "2 SSRCs don't fit"),
        ("81cb000200000001ff000000", "reason doesn't fit"),
        ("80cc000100000001", "SSRC and name"),
        ("81cd000100000001", "two SSRCs"),
        ("84ce0003000000010000000200000003", "8 bytes"),
        ("8fcd000300000001000000020000ffff", "without a header"),
        ("8fcd00040000000100000002000000ff00000000", "don't fit"),
        ("8fcd00050000000100000002000000ff0000000020000000", "run of no packets"),
        ("8fcd0005000000010000000200000003000000002003ffff", "delta doesn't fit"),
        ("8fce00040000000100000000 52454d42 02000000", "SSRCs of a REMB"),
        ("8bcd000400000001000000020005000900000000", "arrivals don't fit"),
        ("80cf0000", "no SSRC"),
        ("80cf00020000000104000002", "3 words doesn't fit"),
    ],
)
def test_a_broken_body_stays_as_unknown_with_the_reason(data: str, why: str) -> None:
    (packet,) = rtcp.parse(bytes.fromhex(data.replace(" ", "")))
    assert isinstance(packet, rtcp.Unknown)
    assert why in packet.why
    assert packet.serialize() == bytes.fromhex(data.replace(" ", ""))


@settings(max_examples=int(os.environ.get("PEERPROOF_SWEEP", 500)))
@given(st.integers(200, 207), st.integers(0, 31), st.integers(0, 12), st.binary(min_size=48, max_size=48))
def test_any_body_is_read_or_unknown(kind: int, count: int, words: int, body: bytes) -> None:
    data = bytes((0x80 | count, kind, 0, words)) + body[: 4 * words]
    (packet,) = rtcp.parse(data)
    assert rtcp.parse(packet.serialize())


def test_transport_wide_feedback_may_be_padded_by_single_bytes() -> None:
    feedback = rtcp.TransportFeedback(1, 2, 100, 5, 7, (4,))
    plain = feedback.serialize()
    assert plain[-1] == 0
    padded = bytes([plain[0] | 0x20]) + plain[1:-1] + b"\x01"
    assert rtcp.parse(padded) == (feedback,)
