"""RFC 7983 section 7 and RFC 5761 section 4: demultiplexing by the first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.kinds import Kind, classify

COOKIE = bytes.fromhex("2112a442")


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"\x00\x01\x00\x00" + COOKIE + bytes(12), Kind.STUN),
        (b"\x03\x01\x00\x00" + COOKIE + bytes(12), Kind.STUN),
        (b"\x00\x01\x00\x00" + COOKIE + bytes(11), Kind.OTHER),
        (b"\x00\x01\x00\x00" + bytes(16), Kind.OTHER),
        (b"\x04\x01\x00\x00" + COOKIE + bytes(12), Kind.OTHER),
        (b"\x10abc", Kind.ZRTP),
        (b"\x13abc", Kind.ZRTP),
        (b"\x14abc", Kind.DTLS),
        (b"\x3fabc", Kind.DTLS),
        (b"\x40\x00\x00\x02ab", Kind.CHANNEL_DATA),
        (b"\x40\x00\x00\x02a", Kind.OTHER),
        (b"\x50\x00\x00\x00", Kind.OTHER),
        (b"\x80\x6f\x00\x00", Kind.RTP),
        (b"\xbf\xbf\x00\x00", Kind.RTP),
        (b"\x80\xc0\x00\x00", Kind.RTCP),
        (b"\x81\xcd\x00\x00", Kind.RTCP),
        (b"\x80\xdf\x00\x00", Kind.RTCP),
        (b"\x80\xe0\x00\x00", Kind.RTP),
        (b"\xc0\x00\x00\x00", Kind.OTHER),
        (b"\x80\x6f\x00", Kind.OTHER),
        (b"", Kind.OTHER),
    ],
)
def test_the_first_bytes_tell_the_protocol(payload: bytes, kind: Kind) -> None:
    assert classify(payload) is kind


@given(st.binary(max_size=40))
def test_any_bytes_have_a_kind(payload: bytes) -> None:
    assert classify(payload) in Kind
