"""peer.wire.dcep: RFC 8832 section 5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.wire import dcep


def test_open_has_the_bytes_of_section_5_1() -> None:
    message = dcep.Open(dcep.ChannelType.PARTIAL_RELIABLE_REXMIT_UNORDERED, 256, 3, "ä", "p")
    assert message.serialize().hex() == "038101000000000300020001c3a470"


@given(
    st.sampled_from(dcep.ChannelType),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.text(max_size=50),
    st.text(max_size=50),
)
def test_open_comes_back_as_it_was_said(
    channel_type: dcep.ChannelType, priority: int, reliability: int, label: str, protocol: str
) -> None:
    message = dcep.Open(channel_type, priority, reliability, label, protocol)
    assert dcep.parse(message.serialize()) == message


def test_label_and_protocol_may_have_65535_bytes_each() -> None:
    message = dcep.Open(0, 0, 0, "l" * 65_535, "p" * 65_535)
    assert dcep.parse(message.serialize()) == message


def test_ack_is_one_byte() -> None:
    assert dcep.Ack().serialize() == b"\x02"
    assert dcep.parse(b"\x02") == dcep.Ack()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x02\x00", "ACK of 2 bytes"),
        (b"\x01", "type 0x01"),
        (b"\x03\x00", "OPEN of 2 bytes"),
        (dcep.Open(0, 0, 0, "ab", "").serialize()[:-1], "don't fill"),
        (dcep.Open(0, 0, 0, "ab", "").serialize() + b"x", "don't fill"),
        (dcep.Open(0x7F, 0, 0, "", "").serialize(), "channel type 0x7f"),
        (dcep.Open(0, 0, 0, "ab", "").serialize()[:-2] + b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_not_dcep_is_a_decode_error(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        dcep.parse(data)
