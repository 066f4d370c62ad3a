"""What the formats share: cutting a frame into parts of nearly one size, and frames that are never cut."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp.frame import EncodedFrame

__all__ = ["WholeDepacketizer", "WholePacketizer", "parts", "room"]


def room(max_size: int, overhead: int) -> int:
    """What is left of a payload for the frame. Raises `LocalProtocolError` when that is nothing."""
    if max_size <= overhead:
        raise LocalProtocolError(f"a payload of {max_size} bytes holds no frame data behind {overhead} of header")
    return max_size - overhead


def parts(data: bytes, size: int) -> list[bytes]:
    """`data` in as few parts of at most `size` bytes as there can be, their sizes differing by one at most.

    Parts of one size, since a small last one is as easily lost and costs as much header.
    """
    count = max(1, -(-len(data) // size))
    ends = [len(data) * index // count for index in range(count + 1)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


class WholePacketizer:
    """One payload is one frame, as it is."""

    def packetize(self, frame: EncodedFrame, max_size: int) -> list[bytes]:
        """Raises `LocalProtocolError` for a frame longer than a payload: the encoder has to make shorter ones."""
        if len(frame.data) > max_size:
            raise LocalProtocolError(f"a frame of {len(frame.data)} bytes in a payload of {max_size}")
        return [frame.data] if frame.data else []


class WholeDepacketizer:
    """One payload is one frame, as it is; `check` says what is wrong with it."""

    def check(self, payload: bytes) -> None:
        """Raises `DecodeError` for what is none of this format."""
        if not payload:
            raise DecodeError("an empty payload", offset=0)

    def starts_frame(self, payload: bytes) -> bool:
        try:
            self.check(payload)
        except DecodeError:
            return False
        return True

    def assemble(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        if len(payloads) != 1:
            raise DecodeError(f"{len(payloads)} payloads of one timestamp where a frame is one payload")
        self.check(payloads[0])
        return payloads[0], True
