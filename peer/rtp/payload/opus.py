"""Opus (RFC 7587 section 4.2: a payload is one Opus packet; RFC 6716 section 3: what one looks like).

The clock runs at 48 kHz whatever the codec does inside (RFC 7587 section 4.1).
"""

from __future__ import annotations

from peer.errors import DecodeError
from peer.rtp.payload.cutting import WholeDepacketizer, WholePacketizer

__all__ = ["Depacketizer", "Packetizer", "duration"]

# RFC 6716 table 2: frame size in samples at 48 kHz by configuration, a row a mode and bandwidth
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_FRAME_SIZES = _SILK * 3 + _HYBRID * 2 + _CELT * 4
_LONGEST_FRAME = 1275
_LONGEST_PACKET = 5760
"""120 ms."""


class Packetizer(WholePacketizer):
    pass


class Depacketizer(WholeDepacketizer):
    def check(self, payload: bytes) -> None:
        duration(payload)


def duration(payload: bytes) -> int:
    """The length of an Opus packet in samples at 48 kHz. Raises `DecodeError` where RFC 6716 section 3.4 is broken."""
    if not payload:
        raise DecodeError("an Opus packet has a TOC byte", offset=0)
    code, body = payload[0] & 0x03, payload[1:]
    if code == 0:
        count, lengths = 1, [len(body)]
    elif code == 1:
        count, lengths = 2, [len(body) // 2]
        if len(body) % 2:
            raise DecodeError(f"two frames of one size in {len(body)} bytes", offset=1)
    elif code == 2:
        first, at = _pull_length(payload, 1)
        count, lengths = 2, [first, len(payload) - at - first]
    else:
        count, lengths = _many(payload)
    if any(not 0 <= length <= _LONGEST_FRAME for length in lengths):
        raise DecodeError(f"an Opus frame of {max(lengths)} or {min(lengths)} bytes", offset=1)
    samples = count * _FRAME_SIZES[payload[0] >> 3]
    if samples > _LONGEST_PACKET:
        raise DecodeError(f"an Opus packet of {samples} samples", offset=1)
    return samples


def _many(payload: bytes) -> tuple[int, list[int]]:
    """Code 3 (section 3.2.5): the count of frames and their lengths."""
    if len(payload) < 2:
        raise DecodeError("an Opus packet of code 3 has a frame count byte", offset=1)
    count, at = payload[1] & 0x3F, 2
    if count == 0:
        raise DecodeError("an Opus packet of no frames", offset=1)
    padding = 0
    while payload[1] & 0x40:
        if at >= len(payload):
            raise DecodeError("Opus padding has no length", offset=at)
        padding += min(payload[at], 254)
        at += 1
        if payload[at - 1] != 255:
            break
    lengths = []
    if payload[1] & 0x80:
        for _ in range(count - 1):
            length, at = _pull_length(payload, at)
            lengths.append(length)
        lengths.append(len(payload) - padding - at - sum(lengths))
    else:
        each, rest = divmod(len(payload) - padding - at, count)
        if rest:
            raise DecodeError(f"{count} frames of one size with {rest} bytes left over", offset=at)
        lengths.append(each)
    return count, lengths


def _pull_length(payload: bytes, at: int) -> tuple[int, int]:
    """A frame length of one or two bytes (section 3.2.1), and where it ends."""
    if at >= len(payload):
        raise DecodeError("a frame length is missing", offset=at)
    if payload[at] < 252:
        return payload[at], at + 1
    if at + 1 >= len(payload):
        raise DecodeError("the second byte of a frame length is missing", offset=at + 1)
    return payload[at + 1] * 4 + payload[at], at + 2
