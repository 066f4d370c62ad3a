"""Opening SRTP."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from harness.capture import srtp
from harness.capture.items import Part
from harness.capture.layers.rtp import RTP
from harness.capture.srtp import PROFILES, Stream, split_keying_material
from harness.tests.capture.recorded import MEDIA_12, MEDIA_13, load

# pylibsrtp is another implementation (libsrtp2); its names for the same profiles.
LIBSRTP = {
    0x0001: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    0x0002: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    0x0007: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    0x0008: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


def pair(number: int) -> tuple[Session, Stream]:
    """libsrtp as the sender, and the stream that opens what it sends."""
    profile = PROFILES[number]
    key, salt = bytes(range(profile.key)), bytes(range(100, 100 + profile.salt))
    policy = Policy(key=key + salt, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=LIBSRTP[number])
    return Session(policy), Stream.of(profile, key, salt)


def packet(sequence: int, ssrc: int = 7, data: bytes = b"media") -> bytes:
    return bytes(RTP(sequence=sequence, ssrc=ssrc, payload_type=96, data=data))


@pytest.mark.parametrize("number", PROFILES)
def test_what_libsrtp_sealed_is_opened(number: int) -> None:
    sender, stream = pair(number)
    for sequence in (1, 2, 5, 3):
        clear = packet(sequence)
        assert stream.open_rtp(sender.protect(clear)) == clear


@pytest.mark.parametrize("number", PROFILES)
def test_header_extensions_and_csrcs_stay_as_they_are(number: int) -> None:
    sender, stream = pair(number)
    clear = bytes.fromhex("9260000100000002000000031111111122222222bede000110aa0000") + b"payload"
    assert stream.open_rtp(sender.protect(clear)) == clear


@pytest.mark.parametrize("number", PROFILES)
def test_the_sequence_number_wraps_and_packets_are_reordered_around_it(number: int) -> None:
    sender, stream = pair(number)
    order = [*range(65000, 65536, 50), 65534, 0, 65535, 1, 2]
    for sequence in order:
        clear = packet(sequence)
        assert stream.open_rtp(sender.protect(clear)) == clear, sequence


@pytest.mark.parametrize("number", PROFILES)
def test_rtcp_is_opened(number: int) -> None:
    sender, stream = pair(number)
    clear = bytes.fromhex(
        "80c800060000000711111111222222223333333344444444555555558000c9000100000007".replace("8000c9", "80c9")
    )
    assert stream.open_rtcp(sender.protect_rtcp(clear)) == clear


@pytest.mark.parametrize("number", PROFILES)
def test_a_changed_byte_opens_nothing(number: int) -> None:
    sender, stream = pair(number)
    sealed = sender.protect(packet(1))
    report = sender.protect_rtcp(bytes.fromhex("80c9000100000007"))
    for position in range(2, len(sealed)):
        assert stream.open_rtp(sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]) is None
    for position in range(4, len(report)):
        assert stream.open_rtcp(report[:position] + bytes([report[position] ^ 1]) + report[position + 1 :]) is None


@pytest.mark.parametrize("number", PROFILES)
@settings(max_examples=50)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_survived(number: int, data: bytes) -> None:
    _, stream = pair(number)
    assert stream.open_rtp(b"\x80\x60" + data) is None
    assert stream.open_rtcp(b"\x80\xc8" + data) is None
    stream.open_rtp(data)
    stream.open_rtcp(data)


def test_the_key_derivation_of_rfc_3711_appendix_b3() -> None:
    key, salt = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    assert srtp._derive(key, salt, 0, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert srtp._derive(key, salt, 2, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert srtp._derive(key, salt, 1, 20).hex() == "cebe321f6ff7716b6fd4ab49af256a156d38baa4"


def test_keying_material_is_split_as_in_rfc_5764_section_4_2() -> None:
    material = b"C" * 16 + b"S" * 16 + b"c" * 14 + b"s" * 14
    assert split_keying_material(PROFILES[1], material) == ((b"C" * 16, b"c" * 14), (b"S" * 16, b"s" * 14))


@pytest.mark.parametrize("name", [MEDIA_12, MEDIA_13])
def test_all_media_of_real_sessions_is_opened_and_none_without_secrets(name: str) -> None:
    recording = load(name)
    media = [item for items in recording.items() for item in items if item.part in (Part.RTP, Part.RTCP)]
    assert len(media) > 300
    assert all(item.opened for item in media)
    recording.keylog._secrets.clear()
    recording.keylog.generation += 1
    assert not any(item.opened for items in recording.items() for item in items)
