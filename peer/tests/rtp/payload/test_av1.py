"""AV1: OBUs, leb128, the aggregation header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import av1

DELIMITER, SEQUENCE, PADDING = b"\x12\x00", b"\x0a\x02\xaa\xbb", b"\x7a\x01\x00"
KEY_FRAME, INTER_FRAME = b"\x32\x03\x10\x01\x02", b"\x32\x03\x30\x01\x02"


@given(st.integers(0, 2**32 - 1))
def test_leb128_there_and_back(value: int) -> None:
    data = av1.to_leb128(value)
    assert av1.pull_leb128(data + b"\x00", 0) == (value, len(data))


def test_leb128_may_be_longer_than_needed() -> None:
    assert av1.pull_leb128(bytes.fromhex("858000"), 0) == (5, 3)


@pytest.mark.parametrize("data", ["", "80", "ffffffffff7f", "808080808080808000"])
def test_a_leb128_without_an_end_or_too_large_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        av1.pull_leb128(bytes.fromhex(data), 0)


def test_sizes_delimiters_and_padding_do_not_travel() -> None:
    payloads = av1.Packetizer().packetize(EncodedFrame(DELIMITER + SEQUENCE + KEY_FRAME + PADDING, 0), 100)
    # two elements; the sequence header behind its length, the frame behind none; a coded video sequence begins
    assert payloads == [bytes.fromhex("28 03 08aabb 30100102")]
    assert av1.Depacketizer().assemble(payloads) == (SEQUENCE + KEY_FRAME, True)


def test_a_frame_alone_has_no_length_and_begins_no_sequence() -> None:
    payloads = av1.Packetizer().packetize(EncodedFrame(DELIMITER + INTER_FRAME, 0, key_frame=False), 100)
    assert payloads == [bytes.fromhex("10 30300102")]
    assert av1.Depacketizer().assemble(payloads) == (INTER_FRAME, False)


def test_more_than_three_elements_all_have_lengths() -> None:
    payloads = av1.Packetizer().packetize(EncodedFrame(INTER_FRAME * 4, 0, key_frame=False), 100)
    assert payloads == [b"\x00" + b"\x04\x30\x30\x01\x02" * 4]
    assert av1.Depacketizer().assemble(payloads) == (INTER_FRAME * 4, False)


def test_a_large_obu_is_fragmented() -> None:
    obu = b"\x32\x28\x30" + bytes(39)
    payloads = av1.Packetizer().packetize(EncodedFrame(SEQUENCE + obu, 0, key_frame=False), 24)
    assert [payload[0] & 0xC0 for payload in payloads] == [0x40, 0xC0, 0x80]
    assert all(len(payload) <= 24 for payload in payloads)
    assert av1.Depacketizer().assemble(payloads) == (SEQUENCE + obu, False)


def test_layers_do_not_share_a_packet() -> None:
    base, upper = b"\x36\x00\x02\x30\x01", b"\x36\x08\x02\x30\x01"
    payloads = av1.Packetizer().packetize(EncodedFrame(base + upper, 0, key_frame=False), 100)
    assert payloads == [bytes.fromhex("10 34003001"), bytes.fromhex("10 34083001")]
    assert av1.Depacketizer().assemble(payloads) == (base + upper, False)


def test_sizes_that_a_sender_left_in_are_read() -> None:
    assert av1.Depacketizer().assemble([b"\x10" + KEY_FRAME]) == (KEY_FRAME, False)
    assert av1.Depacketizer().assemble([b"\x28\x04" + SEQUENCE + KEY_FRAME]) == (SEQUENCE + KEY_FRAME, True)
    assert av1.Depacketizer().assemble([b"\x20\x04" + SEQUENCE + KEY_FRAME]) == (SEQUENCE + KEY_FRAME, True)


@pytest.mark.parametrize(
    "payloads",
    [
        ["10"],
        ["88300102"],  # a sequence that begins inside an OBU
        ["90300102"],  # the fragment before is missing
        ["50300102"],  # the fragment after
        ["5030", "1030"],
        ["2005300102"],  # longer than the payload
        ["20023001"],  # the second element has nothing
        ["1032053001"],  # an OBU longer than its element
        ["10b0"],  # the forbidden bit
        ["1034"],  # no extension header where one is said to be
        ["101200"],  # nothing but a delimiter
        ["0000"],
    ],
)
def test_what_is_no_temporal_unit_is_refused(payloads: list[str]) -> None:
    with pytest.raises(DecodeError):
        av1.Depacketizer().assemble([bytes.fromhex(payload) for payload in payloads])


def test_what_an_encoder_cannot_have_meant_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        av1.Packetizer().packetize(EncodedFrame(b"\x32\x7f", 0), 100)
    with pytest.raises(LocalProtocolError):
        av1.Packetizer().packetize(EncodedFrame(KEY_FRAME, 0), 10)
