"""Payload formats: frames to RTP payloads and back, one module a format.

Pure functions of bytes; what a format counts (the picture ids of VP8 and VP9) is the state of its packetizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from peer.errors import LocalProtocolError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import av1, cn, h264, opus, red, sampled, vp8, vp9

__all__ = ["Depacketizer", "Numbered", "Packetizer", "depacketizer", "packetizer"]


class Packetizer(Protocol):
    """Cuts one stream's frames into payloads."""

    def packetize(self, frame: EncodedFrame, max_size: int) -> list[bytes]:
        """The payloads of one frame in order, none longer than `max_size` bytes. Video sets the marker on the last."""


class Depacketizer(Protocol):
    """Puts payloads together."""

    def starts_frame(self, payload: bytes) -> bool:
        """Whether a frame can begin with this payload; False for what is none of this format."""

    def assemble(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        """The frame of all payloads of one timestamp, in order, and whether it is a key frame. Raises `DecodeError`."""


@runtime_checkable
class Numbered(Depacketizer, Protocol):
    """One of a format that numbers its frames: they tell whether a packet that is missing was part of any."""

    def follows(self, before: bytes, after: bytes) -> bool:
        """Whether `after` begins the very next frame after the one that `before` is a payload of."""


Entropy = Callable[[int], bytes]

_PACKETIZERS: dict[str, Callable[[Mapping[str, str], Entropy], Packetizer]] = {
    "audio/opus": lambda fmtp, entropy: opus.Packetizer(),
    "audio/g722": lambda fmtp, entropy: sampled.Packetizer(),
    "audio/pcmu": lambda fmtp, entropy: sampled.Packetizer(),
    "audio/pcma": lambda fmtp, entropy: sampled.Packetizer(),
    "audio/cn": lambda fmtp, entropy: cn.Packetizer(),
    "audio/red": lambda fmtp, entropy: red.Packetizer(fmtp),
    "video/vp8": lambda fmtp, entropy: vp8.Packetizer(entropy),
    "video/vp9": lambda fmtp, entropy: vp9.Packetizer(entropy),
    "video/h264": lambda fmtp, entropy: h264.Packetizer(fmtp),
    "video/av1": lambda fmtp, entropy: av1.Packetizer(),
}
_DEPACKETIZERS: dict[str, Callable[[], Depacketizer]] = {
    "audio/opus": opus.Depacketizer,
    "audio/g722": sampled.Depacketizer,
    "audio/pcmu": sampled.Depacketizer,
    "audio/pcma": sampled.Depacketizer,
    "audio/cn": cn.Depacketizer,
    "audio/red": red.Depacketizer,
    "video/vp8": vp8.Depacketizer,
    "video/vp9": vp9.Depacketizer,
    "video/h264": h264.Depacketizer,
    "video/av1": av1.Depacketizer,
}


def packetizer(mime_type: str, fmtp: Mapping[str, str], entropy: Entropy) -> Packetizer:
    """The packetizer of a format; `fmtp` as `jsep.parameters` gives it, `entropy(n)` gives n random bytes.

    Raises `LocalProtocolError` for a format that carries no media of its own.
    """
    make = _PACKETIZERS.get(mime_type.lower())
    if make is None:
        raise LocalProtocolError(f"{mime_type} carries no media of its own")
    return make(fmtp, entropy)


def depacketizer(mime_type: str, fmtp: Mapping[str, str]) -> Depacketizer:
    """The depacketizer of a format. Raises `LocalProtocolError` for one that carries no media of its own.

    `fmtp` changes nothing so far: every packetization that a receiver can be sent is understood.
    """
    make = _DEPACKETIZERS.get(mime_type.lower())
    if make is None:
        raise LocalProtocolError(f"{mime_type} carries no media of its own")
    return make()
