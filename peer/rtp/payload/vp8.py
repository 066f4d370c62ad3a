"""VP8 (RFC 7741): a payload descriptor before each fragment of a frame.

Frames are cut without regard to their partitions (section 4.4), and carry a 15-bit picture id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from peer.errors import DecodeError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload.cutting import parts, room
from peer.rtp.payload.picture_ids import succeeds
from peer.wire.buffer import Reader

__all__ = ["Depacketizer", "Descriptor", "Packetizer", "is_key_frame", "parse"]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Section 4.2. What is None is absent; a picture id is written with 15 bits, or with 7 if `short`."""

    start: bool = True
    partition: int = 0
    non_reference: bool = False
    picture_id: int | None = None
    short: bool = False
    tl0_index: int | None = None
    temporal: int | None = None
    layer_sync: bool = False
    key_index: int | None = None

    def serialize(self) -> bytes:
        optional = bytearray()
        bits = 0
        if self.picture_id is not None:
            bits |= 0x80
            optional += (
                bytes((self.picture_id & 0x7F,))
                if self.short
                else (0x8000 | self.picture_id & 0x7FFF).to_bytes(2, "big")
            )
        if self.tl0_index is not None:
            bits |= 0x40
            optional.append(self.tl0_index & 0xFF)
        bits |= (0x20 if self.temporal is not None else 0) | (0x10 if self.key_index is not None else 0)
        if bits & 0x30:
            sync = 0x20 if self.layer_sync else 0
            optional.append((self.temporal or 0) << 6 | sync | (self.key_index or 0) & 0x1F)
        first = (0x80 if bits else 0) | (0x20 if self.non_reference else 0) | (0x10 if self.start else 0)
        return bytes((first | self.partition, *((bits,) if bits else ()), *optional))


def parse(payload: bytes) -> tuple[Descriptor, bytes]:
    """The descriptor and the fragment behind it. Raises `DecodeError`, also for an empty fragment."""
    reader = Reader(payload)
    first = reader.pull_u8()
    bits = reader.pull_u8() if first & 0x80 else 0
    picture_id, short, tl0_index, last = None, False, None, 0
    if bits & 0x80:
        picture_id = reader.pull_u8()
        short = picture_id < 0x80
        if not short:
            picture_id = (picture_id & 0x7F) << 8 | reader.pull_u8()
    if bits & 0x40:
        tl0_index = reader.pull_u8()
    if bits & 0x30:
        last = reader.pull_u8()
    descriptor = Descriptor(
        start=bool(first & 0x10),
        partition=first & 0x07,
        non_reference=bool(first & 0x20),
        picture_id=picture_id,
        short=short,
        tl0_index=tl0_index,
        temporal=last >> 6 if bits & 0x20 else None,
        layer_sync=bool(last & 0x20),
        key_index=last & 0x1F if bits & 0x10 else None,
    )
    if not reader.remaining:
        raise DecodeError("a VP8 payload without data", offset=reader.position)
    return descriptor, reader.pull_rest()


def is_key_frame(frame: bytes) -> bool:
    """The inverse key frame flag of the payload header (section 4.3)."""
    return bool(frame) and not frame[0] & 0x01


class Packetizer:
    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._picture_id = int.from_bytes(entropy(2), "big") & 0x7FFF

    def packetize(self, frame: EncodedFrame, max_size: int) -> list[bytes]:
        payloads = []
        temporal = frame.temporal or None
        size = room(max_size, len(Descriptor(picture_id=0, temporal=temporal).serialize()))
        for index, part in enumerate(parts(frame.data, size)):
            descriptor = Descriptor(start=index == 0, picture_id=self._picture_id, temporal=temporal)
            payloads.append(descriptor.serialize() + part)
        self._picture_id = (self._picture_id + 1) & 0x7FFF
        return payloads


class Depacketizer:
    def starts_frame(self, payload: bytes) -> bool:
        try:
            descriptor, _ = parse(payload)
        except DecodeError:
            return False
        return descriptor.start and descriptor.partition == 0

    def follows(self, before: bytes, after: bytes) -> bool:
        """By the picture ids."""
        try:
            return self.starts_frame(after) and succeeds(parse(before)[0], parse(after)[0])
        except DecodeError:
            return False

    def assemble(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        """Section 4.5.1, step 3."""
        parsed = [parse(payload) for payload in payloads]
        if not parsed or not (parsed[0][0].start and parsed[0][0].partition == 0):
            raise DecodeError("a VP8 frame begins with the start of partition 0")
        if len({descriptor.picture_id for descriptor, _ in parsed}) > 1:
            raise DecodeError("one VP8 frame with two picture ids")
        frame = b"".join(part for _, part in parsed)
        return frame, is_key_frame(frame)
