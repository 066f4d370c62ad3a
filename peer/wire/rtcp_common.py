"""What all RTCP packets share: the common header and the packet types (RFC 3550 section 6, RFC 4585, RFC 3611)."""

from __future__ import annotations

import struct

__all__ = ["APP", "BYE", "HEADER", "PSFB", "RR", "RTPFB", "SDES", "SR", "XR", "frame"]

SR, RR, SDES, BYE, APP, RTPFB, PSFB, XR = range(200, 208)

HEADER = struct.Struct("!BBH")


def frame(packet_type: int, count: int, body: bytes) -> bytes:
    """The common header before a body whose length is a multiple of four; `count` is the 5-bit field."""
    return HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body
