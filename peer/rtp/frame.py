"""A frame: what an encoder makes, what a sender cuts into packets, what a receiver puts together again."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ColorSpace", "EncodedFrame"]


@dataclass(frozen=True, slots=True)
class ColorSpace:
    """What pixels mean, as code points of ITU-T H.273; `full_range` None where the bitstream says."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool | None = None


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One encoded picture or one encoded stretch of sound.

    `data` is Annex B for H264, the OBUs of a temporal unit in the low-overhead format for AV1, else what the codec
    makes. `timestamp` (32 bits) and `duration` are in units of the RTP clock. `arrival` is the time, in seconds, of the
    packet that completed a received frame; `capture_ntp` the sender's NTP time in seconds, once its reports tell.
    `audio_level` is in -dBov, 0 to 127 (RFC 6464). `color_space` is told now and then and holds from there on. For
    audio every frame is a key frame.
    """

    data: bytes
    timestamp: int
    key_frame: bool = True
    duration: int = 0
    arrival: float = 0.0
    capture_ntp: float | None = None
    audio_level: int | None = None
    voice: bool = False
    spatial: int = 0
    temporal: int = 0
    color_space: ColorSpace | None = None
