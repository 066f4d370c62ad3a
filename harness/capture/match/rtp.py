"""RTP and RTCP packets: what their headers show without keys."""

from __future__ import annotations

import struct
from typing import Final

from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.matcher import Matcher

__all__ = ["packet", "rtcp"]

_SMALLEST: Final = 12


def packet(*, ssrc: int | None = None, payload_type: int | None = None) -> Matcher:
    """An RTP packet."""

    def test(_: Frame, item: Item) -> bool:
        return ssrc is None or (len(item.data) >= _SMALLEST and struct.unpack_from("!I", item.data, 8)[0] == ssrc)

    words = "an RTP packet" + (f" of SSRC {ssrc:#010x}" if ssrc is not None else "")
    words += f" with payload type {payload_type}" if payload_type is not None else ""
    return Matcher(words, frozenset({Part.RTP}), None if payload_type is None else frozenset({payload_type}), test)


def rtcp(packet_type: int | None = None) -> Matcher:
    """An RTCP packet, by its type (200 is a sender report)."""
    words = "an RTCP packet" + (f" of type {packet_type}" if packet_type is not None else "")
    return Matcher(words, frozenset({Part.RTCP}), None if packet_type is None else frozenset({packet_type}))
