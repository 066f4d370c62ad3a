"""Frames for every format, made by hand: big enough to be cut, small enough to sweep."""

from __future__ import annotations

from collections.abc import Mapping

from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import Packetizer, packetizer

__all__ = ["FMTP", "FORMATS", "entropy", "frame_of", "frames", "packetizer_of"]

FMTP: Mapping[str, Mapping[str, str]] = {
    "audio/red": {"111/111": ""},
    "video/H264": {"packetization-mode": "1"},
}


def entropy(size: int) -> bytes:
    return b"\x42" * size


def _ramp(size: int) -> bytes:
    return bytes(1 + index % 255 for index in range(size))


_NAL = (b"\x67\x42\xe0\x1f\x8c", b"\x68\xce\x3c\x80\x01", b"\x65\x88" + _ramp(150), b"\x61\x9a" + _ramp(20))
_OBU = (
    b"\x12\x00",  # a temporal delimiter
    b"\x0a\x0b\x00\x00\x00\x24\xc4\xff\xdf\x00\x68\x02\x00",  # a sequence header
    b"\x32\xa0\x01\x10" + _ramp(159),  # a frame: a key frame, shown
)
_DATA = {
    "audio/opus": b"\x7b\x03" + _ramp(90),
    "audio/G722": _ramp(80),
    "audio/PCMU": _ramp(80),
    "audio/PCMA": _ramp(80),
    "audio/CN": b"\x2a\x7f\x60\x90",
    "audio/red": _ramp(40),
    "video/VP8": b"\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00" + _ramp(150),
    "video/VP9": b"\x82\x49\x83\x42" + _ramp(150),
    "video/H264": b"".join(b"\x00\x00\x00\x01" + unit for unit in _NAL),
    "video/AV1": b"".join(_OBU),
}
FORMATS = tuple(_DATA)


def frame_of(mime_type: str, timestamp: int = 3000) -> EncodedFrame:
    return EncodedFrame(_DATA[mime_type], timestamp)


def packetizer_of(mime_type: str) -> Packetizer:
    return packetizer(mime_type, FMTP.get(mime_type, {}), entropy)


def frames(mime_type: str, max_size: int = 100) -> list[list[bytes]]:
    """The payloads of three frames."""
    cutter = packetizer_of(mime_type)
    return [cutter.packetize(frame_of(mime_type, 960 * index), max_size) for index in range(3)]
