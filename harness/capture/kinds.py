"""What a datagram is, told by its first bytes."""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Final

__all__ = ["Kind", "classify"]

_MAGIC_COOKIE: Final = b"\x21\x12\xa4\x42"


class Kind(StrEnum):
    """The protocols that share a port, by RFC 7983 section 7 and RFC 5761 section 4."""

    STUN = "stun"
    ZRTP = "zrtp"
    DTLS = "dtls"
    CHANNEL_DATA = "turn-channel"
    RTP = "rtp"
    RTCP = "rtcp"
    OTHER = "other"


def classify(payload: bytes) -> Kind:
    """The kind of a UDP payload. STUN must have the magic cookie, ChannelData a length that fits; else `OTHER`."""
    if len(payload) < 4:
        return Kind.OTHER
    first = payload[0]
    if 20 <= first <= 63:
        return Kind.DTLS
    if 128 <= first <= 191:
        return Kind.RTCP if 192 <= payload[1] <= 223 else Kind.RTP
    if first <= 3:
        return Kind.STUN if payload[4:8] == _MAGIC_COOKIE and len(payload) >= 20 else Kind.OTHER
    if 64 <= first <= 79:
        return Kind.CHANNEL_DATA if struct.unpack_from("!H", payload, 2)[0] + 4 <= len(payload) else Kind.OTHER
    return Kind.ZRTP if 16 <= first <= 19 else Kind.OTHER
