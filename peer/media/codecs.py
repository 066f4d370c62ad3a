"""Encoders and decoders, by PyAV. What they need to know of a format is its MIME type and its fmtp.

An encoder or a decoder is used from one thread at a time. Nothing here waits or reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from peer.errors import LocalProtocolError
from peer.rtp.frame import EncodedFrame

__all__ = ["Decoder", "Encoder", "clock_rate", "decoder", "encodable", "encoder"]


class Encoder(Protocol):
    """Makes encoded frames of one track. Timestamps are those of the frames it is given, in units of the RTP clock."""

    bit_rate: int
    """In bits per second; may be set at any time."""

    def encode(self, frame: Any, *, key_frame: bool = False) -> list[EncodedFrame]:
        """What one av.VideoFrame or av.AudioFrame comes to: nothing, one frame, or more (sound)."""

    def close(self) -> None: ...


class Decoder(Protocol):
    """Makes pictures or sound of one stream's frames."""

    def decode(self, frame: EncodedFrame) -> list[Any]:
        """av frames; their pts is the frame's timestamp, in units of the RTP clock. Raises `DecodeError`."""

    def conceal(self, duration: int) -> list[Any]:
        """What is heard in place of lost sound of `duration` units of the RTP clock; nothing for pictures."""

    def close(self) -> None: ...


_CLOCK_RATES = {"audio/opus": 48000, "audio/g722": 8000, "audio/pcmu": 8000, "audio/pcma": 8000}


def clock_rate(mime_type: str) -> int:
    """Of the RTP clock, in Hz."""
    return _CLOCK_RATES.get(mime_type.lower(), 90000)


def encodable(mime_type: str, fmtp: Mapping[str, str]) -> bool:
    """Whether there is an encoder: every format that is decoded, but VP9 of ten bits (profile 2)."""
    name = mime_type.lower()
    if name == "video/vp9":
        return fmtp.get("profile-id", "0") == "0"
    return name in (*_CLOCK_RATES, "video/vp8", "video/h264", "video/av1")


def encoder(
    mime_type: str, fmtp: Mapping[str, str], *, bit_rate: int, width: int = 0, height: int = 0, frame_rate: float = 30
) -> Encoder:
    """An encoder. `width` and `height` in pixels: frames of another size are scaled; 0 means as they come.

    Raises `LocalProtocolError` for a format that we don't encode.
    """
    from peer.media import sound_codecs, video_codecs

    if not encodable(mime_type, fmtp):
        raise LocalProtocolError(f"no encoder for {mime_type} {dict(fmtp)}")
    name = mime_type.lower()
    if name.startswith("audio/"):
        return sound_codecs.encoder(name, fmtp, bit_rate)
    return video_codecs.VideoEncoder(name, fmtp, bit_rate, width, height, frame_rate)


def decoder(mime_type: str, fmtp: Mapping[str, str]) -> Decoder:
    """A decoder. Raises `LocalProtocolError` for a format that we don't decode."""
    from peer.media import sound_codecs, video_codecs

    name = mime_type.lower()
    if name in sound_codecs.DECODERS:
        return sound_codecs.SoundDecoder(name)
    if name in video_codecs.DECODERS:
        return video_codecs.VideoDecoder(name)
    raise LocalProtocolError(f"no decoder for {mime_type}")
