"""DCEP as scapy layers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.capture.layers import dcep
from harness.tests.capture.layers.roundtrip import same_after_dissection

openings = st.builds(
    dcep.DataChannelOpen,
    channel_type=st.sampled_from(sorted(dcep.CHANNEL_TYPES)),
    priority=st.integers(0, 65535),
    reliability=st.integers(0, 2**32 - 1),
    label=st.binary(max_size=40),
    protocol=st.binary(max_size=40),
)


@given(openings)
def test_an_open_survives_the_round_trip(message: dcep.DataChannelOpen) -> None:
    same_after_dissection(message, dcep.dissect)


def test_an_ack_survives_the_round_trip() -> None:
    same_after_dissection(dcep.DataChannelAck(), dcep.dissect)


def test_the_bytes_of_rfc_8832_figure_1() -> None:
    data = bytes.fromhex("03800100000000050004000361626364787a79")
    message = dcep.dissect(data)
    assert (message.channel_type, message.priority, message.reliability) == (0x80, 256, 5)
    assert (message.label, message.protocol) == (b"abcd", b"xzy")


@given(st.binary(max_size=30))
def test_any_bytes_are_dissected_to_the_same_bytes(data: bytes) -> None:
    assert bytes(dcep.dissect(data)) == data
    assert bytes(dcep.dissect(b"\x03" + data)) == b"\x03" + data


def test_a_label_that_is_not_utf8_shows_as_escapes() -> None:
    assert dcep.text(b"h\xc3\xa9\xff") == "hé\\xff"
