"""Header extensions: the URIs we know, their values to bytes (`push_x`) and back (`pull_x`, raising `DecodeError`).

RFC 8843's mid, RFC 8852's stream ids, RFC 6464 and 6465 audio levels, RFC 5450's transmission offset; the others have
no RFC: abs-send-time, transport-wide sequence number, 3GPP TS 26.114's video orientation, absolute capture time,
playout delay, colour space. The dependency descriptor of AV1 has a module of its own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from peer.errors import DecodeError
from peer.rtp.frame import ColorSpace

__all__ = [
    "ABS_CAPTURE_TIME",
    "ABS_SEND_TIME",
    "AUDIO_LEVEL",
    "COLOR_SPACE",
    "DEPENDENCY_DESCRIPTOR",
    "MID",
    "MIXER_AUDIO_LEVEL",
    "PLAYOUT_DELAY",
    "REPAIRED_RID",
    "RID",
    "TOFFSET",
    "TRANSPORT_WIDE",
    "VIDEO_ORIENTATION",
    "AudioLevel",
    "CaptureTime",
    "Orientation",
    "pull_abs_send_time",
    "pull_audio_level",
    "pull_capture_time",
    "pull_color_space",
    "pull_mixer_levels",
    "pull_orientation",
    "pull_playout_delay",
    "pull_text",
    "pull_toffset",
    "pull_transport_wide",
    "push_abs_send_time",
    "push_audio_level",
    "push_capture_time",
    "push_color_space",
    "push_orientation",
    "push_playout_delay",
    "push_toffset",
    "push_transport_wide",
]

MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MIXER_AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:csrc-audio-level"
TOFFSET: Final = "urn:ietf:params:rtp-hdrext:toffset"
ABS_SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_WIDE: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
VIDEO_ORIENTATION: Final = "urn:3gpp:video-orientation"
ABS_CAPTURE_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
COLOR_SPACE: Final = "http://www.webrtc.org/experiments/rtp-hdrext/color-space"
PLAYOUT_DELAY: Final = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
DEPENDENCY_DESCRIPTOR: Final = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

_DELAY_UNIT = 0.01
_MAX_DELAY = 0xFFF


def _sized(data: bytes, *sizes: int) -> bytes:
    if len(data) not in sizes:
        raise DecodeError(f"a header extension of {len(data)} bytes instead of {sizes[0]}")
    return data


def pull_text(data: bytes) -> str:
    """mid, rid, repaired-rid: SDES items in UTF-8 (RFC 7941), ASCII for these three."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise DecodeError("an identifier that isn't ASCII") from None
    if not text:
        raise DecodeError("an empty identifier")
    return text


@dataclass(frozen=True, slots=True)
class AudioLevel:
    """RFC 6464: `level` in -dBov, 0 (loudest) to 127."""

    level: int
    voice: bool = False


def push_audio_level(value: AudioLevel) -> bytes:
    return bytes((0x80 * value.voice | value.level,))


def pull_audio_level(data: bytes) -> AudioLevel:
    # With two-byte headers a padding byte may follow (RFC 6464 section 3).
    byte = _sized(data, 1, 2)[0]
    return AudioLevel(byte & 0x7F, byte >= 0x80)


def pull_mixer_levels(data: bytes) -> tuple[int, ...]:
    """RFC 6465: one level in -dBov for each CSRC."""
    return tuple(byte & 0x7F for byte in data)


def push_abs_send_time(time: float) -> bytes:
    """Seconds, of which 6 bits are left, in 2^-18 s."""
    return (int(time * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")


def pull_abs_send_time(data: bytes) -> int:
    """In 2^-18 s, modulo 64 s."""
    return int.from_bytes(_sized(data, 3), "big")


def pull_transport_wide(data: bytes) -> int:
    """The sequence number; version 2 of the extension has a feedback request after it."""
    return int.from_bytes(_sized(data, 2, 4)[:2], "big")


def push_toffset(offset: int) -> bytes:
    """RFC 5450: timestamp units between sampling and sending."""
    return max(-(1 << 23), min(offset, (1 << 23) - 1)).to_bytes(3, "big", signed=True)


def pull_toffset(data: bytes) -> int:
    return int.from_bytes(_sized(data, 3), "big", signed=True)


@dataclass(frozen=True, slots=True)
class Orientation:
    """`rotation` in degrees clockwise (0, 90, 180, 270); `back` for a camera on the back, `flip` mirrored."""

    rotation: int = 0
    flip: bool = False
    back: bool = False


def push_orientation(value: Orientation) -> bytes:
    return bytes((8 * value.back | 4 * value.flip | value.rotation // 90,))


def pull_orientation(data: bytes) -> Orientation:
    byte = _sized(data, 1)[0]
    return Orientation((byte & 3) * 90, bool(byte & 4), bool(byte & 8))


@dataclass(frozen=True, slots=True)
class CaptureTime:
    """64-bit NTP time of capture; `offset`, if given, from the sender's clock to the capturer's, in 2^-32 s."""

    ntp: int
    offset: int | None = None


def push_capture_time(value: CaptureTime) -> bytes:
    offset = b"" if value.offset is None else value.offset.to_bytes(8, "big", signed=True)
    return value.ntp.to_bytes(8, "big") + offset


def pull_capture_time(data: bytes) -> CaptureTime:
    _sized(data, 8, 16)
    offset = int.from_bytes(data[8:], "big", signed=True) if len(data) == 16 else None
    return CaptureTime(int.from_bytes(data[:8], "big"), offset)


def push_color_space(value: ColorSpace) -> bytes:
    """Three code points of H.273, then the range (1 limited, 2 full, 3 derived) before the siting of chroma."""
    spread = {None: 3, False: 1, True: 2}[value.full_range]
    return bytes((value.primaries, value.transfer, value.matrix, spread << 4))


def pull_color_space(data: bytes) -> ColorSpace:
    """24 bytes of HDR metadata may follow."""
    primaries, transfer, matrix, last = _sized(data, 4, 28)[:4]
    return ColorSpace(primaries, transfer, matrix, {1: False, 2: True}.get(last >> 4 & 0x03))


def push_playout_delay(minimum: float, maximum: float) -> bytes:
    """Both in seconds, up to 40.95."""
    low, high = (min(round(delay / _DELAY_UNIT), _MAX_DELAY) for delay in (minimum, maximum))
    return (low << 12 | high).to_bytes(3, "big")


def pull_playout_delay(data: bytes) -> tuple[float, float]:
    """(minimum, maximum) in seconds."""
    (low, high) = divmod(int.from_bytes(_sized(data, 3), "big"), 1 << 12)
    return low * _DELAY_UNIT, high * _DELAY_UNIT


def push_transport_wide(number: int) -> bytes:
    return struct.pack("!H", number & 0xFFFF)
