"""Redundant audio (RFC 2198): the frame of this packet, and before it frames that were sent already.

`audio/red` wraps one other format, named twice or more in its fmtp ("111/111": one redundant block). What is done with
the redundant blocks of a received payload is the receiver's business: `parse` gives them all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp.frame import EncodedFrame
from peer.wire.buffer import Reader

__all__ = ["Block", "Depacketizer", "Packetizer", "parse", "payload_types", "serialize"]

_LONGEST_BLOCK = 0x3FF
_LARGEST_OFFSET = 0x3FFF


@dataclass(frozen=True, slots=True)
class Block:
    """One block: `offset` is how much older than the packet's timestamp it is, 0 for the primary one."""

    payload_type: int
    offset: int
    data: bytes


def parse(payload: bytes) -> tuple[Block, ...]:
    """The blocks of a payload, the primary one last (section 3). Raises `DecodeError`."""
    reader = Reader(payload)
    headers: list[tuple[int, int, int]] = []
    while True:
        first = reader.pull_u8()
        if not first & 0x80:
            break
        rest = reader.pull_u24()
        headers.append((first & 0x7F, rest >> 10, rest & _LONGEST_BLOCK))
    blocks = [Block(payload_type, offset, reader.pull_bytes(length)) for payload_type, offset, length in headers]
    return (*blocks, Block(first & 0x7F, 0, reader.pull_rest()))


def serialize(blocks: Sequence[Block]) -> bytes:
    """A payload; the last block is the primary one. Raises `LocalProtocolError` for what the fields can't hold."""
    parts = []
    for block in blocks[:-1]:
        if block.offset > _LARGEST_OFFSET or len(block.data) > _LONGEST_BLOCK:
            raise LocalProtocolError(f"a redundant block of {len(block.data)} bytes, {block.offset} ago")
        header = (0x80 | block.payload_type) << 24 | block.offset << 10 | len(block.data)
        parts.append(header.to_bytes(4, "big"))
    parts.append(bytes((blocks[-1].payload_type,)))
    return b"".join((*parts, *(block.data for block in blocks)))


def payload_types(fmtp: Mapping[str, str]) -> tuple[int, ...]:
    """The payload types that the fmtp lists, primary first (section 5); empty when it names none."""
    listed = next((name for name in fmtp if "/" in name or name.isdigit()), "")
    return tuple(int(text) for text in listed.split("/") if text.isdigit() and int(text) < 128)


class Packetizer:
    """Repeats the frames before: as many as the fmtp names payload types after the first."""

    def __init__(self, fmtp: Mapping[str, str]) -> None:
        types = payload_types(fmtp)
        if not types:
            raise LocalProtocolError("audio/red without the payload type that it wraps")
        self._payload_type = types[0]
        self._sent: deque[EncodedFrame] = deque(maxlen=max(1, len(types) - 1))

    def packetize(self, frame: EncodedFrame, max_size: int) -> list[bytes]:
        if len(frame.data) + 1 > max_size:
            raise LocalProtocolError(f"a frame of {len(frame.data)} bytes in a payload of {max_size}")
        blocks = [Block(self._payload_type, 0, frame.data)]
        left = max_size - 1 - len(frame.data)
        for old in reversed(self._sent):
            offset = (frame.timestamp - old.timestamp) & 0xFFFFFFFF
            left -= 4 + len(old.data)
            if left < 0 or not 0 < offset <= _LARGEST_OFFSET or len(old.data) > _LONGEST_BLOCK:
                break
            blocks.insert(0, Block(self._payload_type, offset, old.data))
        self._sent.append(frame)
        return [serialize(blocks)]


class Depacketizer:
    """The primary frame alone."""

    def starts_frame(self, payload: bytes) -> bool:
        try:
            return bool(parse(payload)[-1].data)
        except DecodeError:
            return False

    def assemble(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        if len(payloads) != 1:
            raise DecodeError(f"{len(payloads)} payloads of one timestamp where a frame is one payload")
        primary = parse(payloads[0])[-1].data
        if not primary:
            raise DecodeError("a payload without a primary frame", offset=len(payloads[0]))
        return primary, True
