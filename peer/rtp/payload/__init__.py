"""Payload formats: frames to RTP payloads and back, one module a format.

Pure functions of bytes; what a format counts (the picture ids of VP8 and VP9) is the state of its packetizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from peer.rtp.frame import EncodedFrame

__all__ = ["Depacketizer", "Packetizer", "depacketizer", "packetizer"]


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


def packetizer(mime_type: str, fmtp: Mapping[str, str], entropy: Callable[[int], bytes]) -> Packetizer:
    """The packetizer of a format; `fmtp` as `jsep.parameters` gives it, `entropy(n)` gives n random bytes.

    Raises `LocalProtocolError` for a format that carries no media of its own.
    """
    raise NotImplementedError


def depacketizer(mime_type: str, fmtp: Mapping[str, str]) -> Depacketizer:
    """The depacketizer of a format. Raises `LocalProtocolError` for one that carries no media of its own."""
    raise NotImplementedError
