"""Every payload format: there and back, any length of payload, every truncation, any mutation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import depacketizer, packetizer
from peer.tests.rtp.payload.samples import FMTP, FORMATS, entropy, frame_of, frames, packetizer_of

VIDEO = tuple(name for name in FORMATS if name.startswith("video/"))
TEMPORAL_DELIMITER = b"\x12\x00"


def expected(mime_type: str) -> bytes:
    data = frame_of(mime_type).data
    return data.removeprefix(TEMPORAL_DELIMITER) if mime_type == "video/AV1" else data


@pytest.mark.parametrize("mime_type", FORMATS)
@pytest.mark.parametrize("max_size", [100, 101, 140, 200, 1200])
def test_there_and_back(mime_type: str, max_size: int) -> None:
    for payloads in frames(mime_type, max_size):
        assert all(len(payload) <= max_size for payload in payloads)
        assert depacketizer(mime_type, {}).assemble(payloads) == (expected(mime_type), True)
        assert depacketizer(mime_type, {}).starts_frame(payloads[0])
        if mime_type != "video/H264":  # an access unit can begin with any of its first NAL units
            assert not any(depacketizer(mime_type, {}).starts_frame(payload) for payload in payloads[1:])


@pytest.mark.parametrize("mime_type", VIDEO)
@given(max_size=st.integers(20, 200))
def test_a_picture_fits_payloads_of_any_size(mime_type: str, max_size: int) -> None:
    payloads = packetizer_of(mime_type).packetize(frame_of(mime_type), max_size)
    assert all(len(payload) <= max_size for payload in payloads)
    assert depacketizer(mime_type, {}).assemble(payloads) == (expected(mime_type), True)


@pytest.mark.parametrize("mime_type", VIDEO)
def test_a_missing_payload_is_noticed_where_the_format_can_tell(mime_type: str) -> None:
    payloads = packetizer_of(mime_type).packetize(frame_of(mime_type), 60)
    assert len(payloads) >= 3
    if mime_type != "video/H264":  # whose access units have no start of their own
        with pytest.raises(DecodeError):
            depacketizer(mime_type, {}).assemble(payloads[1:])
    if mime_type != "video/VP8":  # whose last payload is told by the marker alone
        with pytest.raises(DecodeError):
            depacketizer(mime_type, {}).assemble(payloads[:-2])


@pytest.mark.parametrize("mime_type", FORMATS)
def test_every_truncation_is_decoded_or_refused(mime_type: str) -> None:
    for payloads in frames(mime_type, 100):
        for index, payload in enumerate(payloads):
            for size in range(len(payload)):
                decode(mime_type, [*payloads[:index], payload[:size], *payloads[index + 1 :]])


@pytest.mark.parametrize("mime_type", FORMATS)
@given(data=st.data())
def test_any_mutation_is_decoded_or_refused(mime_type: str, data: st.DataObject) -> None:
    payloads = [bytearray(payload) for payload in frames(mime_type, 100)[2]]
    for _ in range(data.draw(st.integers(1, 4))):
        payload = payloads[data.draw(st.integers(0, len(payloads) - 1))]
        at = data.draw(st.integers(0, len(payload)))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    decode(mime_type, [bytes(payload) for payload in payloads])


@pytest.mark.parametrize("mime_type", FORMATS)
@given(payloads=st.lists(st.binary(max_size=30), max_size=4))
def test_any_bytes_are_decoded_or_refused(mime_type: str, payloads: list[bytes]) -> None:
    decode(mime_type, payloads)


def decode(mime_type: str, payloads: list[bytes]) -> None:
    machine = depacketizer(mime_type, {})
    for payload in payloads:
        machine.starts_frame(payload)
    try:
        frame, _ = machine.assemble(payloads)
    except DecodeError:
        return
    assert frame
    # start codes and size fields are added, nothing else grows
    assert len(frame) <= 8 * sum(map(len, payloads)) + 8


@pytest.mark.parametrize("mime_type", FORMATS)
def test_no_payloads_are_no_frame(mime_type: str) -> None:
    with pytest.raises(DecodeError):
        depacketizer(mime_type, {}).assemble([])


@pytest.mark.parametrize("mime_type", ["audio/telephone-event", "video/rtx", "video/ulpfec", "video/flexfec-03"])
def test_what_carries_no_media_of_its_own_has_no_packetizer(mime_type: str) -> None:
    with pytest.raises(LocalProtocolError):
        packetizer(mime_type, {}, entropy)
    with pytest.raises(LocalProtocolError):
        depacketizer(mime_type, {})


@pytest.mark.parametrize("mime_type", [name for name in FORMATS if name.startswith("audio/")])
def test_sound_is_not_cut(mime_type: str) -> None:
    with pytest.raises(LocalProtocolError):
        packetizer(mime_type, FMTP.get(mime_type, {}), entropy).packetize(EncodedFrame(bytes(101), 0), 100)
