"""H.264 (RFC 6184), modes 0 and 1."""

from __future__ import annotations

import pytest

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import h264

SPS, PPS, IDR, SLICE = b"\x67\x42\xe0\x1f", b"\x68\xce\x3c\x80", b"\x65\x88\x84", b"\x41\x9a\x02"
MODE_1 = {"packetization-mode": "1"}


def frame(*units: bytes) -> EncodedFrame:
    return EncodedFrame(h264.to_annex_b(units), 0)


def test_start_codes_of_three_and_four_bytes_and_trailing_zeros() -> None:
    data = b"\x00\x00\x01" + SPS + b"\x00\x00\x00\x00\x01" + PPS + b"\x00\x00\x01" + IDR + b"\x00\x00"
    assert h264.nal_units(data) == [SPS, PPS[:-1] + b"\x80", IDR]


def test_mode_0_sends_every_nal_unit_alone() -> None:
    assert h264.Packetizer({}).packetize(frame(SPS, PPS, IDR), 100) == [SPS, PPS, IDR]
    with pytest.raises(LocalProtocolError):
        h264.Packetizer({}).packetize(frame(IDR + bytes(range(1, 101))), 100)


def test_mode_2_is_not_ours() -> None:
    with pytest.raises(LocalProtocolError):
        h264.Packetizer({"packetization-mode": "2"})


def test_small_units_are_aggregated() -> None:
    payloads = h264.Packetizer(MODE_1).packetize(frame(SPS, PPS, IDR), 100)
    assert payloads == [b"\x78\x00\x04" + SPS + b"\x00\x04" + PPS + b"\x00\x03" + IDR]
    assert h264.Depacketizer().assemble(payloads) == (h264.to_annex_b([SPS, PPS, IDR]), True)


def test_a_large_unit_is_fragmented() -> None:
    payloads = h264.Packetizer(MODE_1).packetize(frame(b"\x65" + b"\x88" * 12), 6)
    assert payloads == [b"\x7c\x85" + b"\x88" * 4, b"\x7c\x05" + b"\x88" * 4, b"\x7c\x45" + b"\x88" * 4]


def test_an_aggregate_is_no_longer_than_a_payload() -> None:
    payloads = h264.Packetizer(MODE_1).packetize(frame(SPS, PPS, IDR), 13)
    assert [payload[0] & 0x1F for payload in payloads] == [24, 5]


def test_a_slice_alone_is_no_key_frame() -> None:
    assert h264.Depacketizer().assemble([SLICE]) == (h264.to_annex_b([SLICE]), False)


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (SPS, True),
        (SLICE, True),  # first_mb_in_slice is 0
        (b"\x41\x4a\x02", False),  # it is not
        (b"\x78\x00\x04" + SPS, True),
        (b"\x7c\x85\x88", True),
        (b"\x7c\x05\x88", False),
        (b"\x7c\x85\x48", False),
        (b"\x43\x80", False),  # a data partition B
        (b"\x7c\x85", False),
        (b"\x79\x00", False),
        (b"", False),
    ],
)
def test_where_an_access_unit_can_begin(payload: bytes, starts: bool) -> None:
    assert h264.Depacketizer().starts_frame(payload) is starts


@pytest.mark.parametrize(
    "payloads",
    [
        ["7cc588"],  # first and last fragment in one
        ["7c0588"],  # no first fragment
        ["7c8588", "7c8588"],
        ["7c8588", "7c4188"],  # another type
        ["7c8588", "6742"],  # not finished
        ["7c9888", "7c5888"],  # fragments of a STAP-A
        ["78"],
        ["780000"],
        ["780001"],
        ["78000178"],  # a STAP-A in a STAP-A
        ["790000000165"],  # STAP-B
        ["7a00"],
        ["7d8588"],  # FU-B
        ["7e"],
        ["60"],
    ],
)
def test_what_the_rfc_forbids_is_refused(payloads: list[str]) -> None:
    with pytest.raises(DecodeError):
        h264.Depacketizer().assemble([bytes.fromhex(payload) for payload in payloads])
