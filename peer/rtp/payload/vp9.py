"""VP9 (RFC 9628): a payload descriptor before each fragment of a layer frame.

Sent: one spatial layer, not flexible, a 15-bit picture id. Received: both modes, spatial layers, which become one
superframe, as a decoder wants them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from peer.errors import DecodeError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload.cutting import parts, room
from peer.rtp.payload.picture_ids import succeeds
from peer.wire.buffer import Reader

__all__ = ["Depacketizer", "Descriptor", "Layer", "Packetizer", "Picture", "Structure", "parse"]


@dataclass(frozen=True, slots=True)
class Layer:
    """Layer indices (section 4.2): temporal id, switching up point, spatial id, inter-layer dependency, TL0PICIDX."""

    temporal: int = 0
    switching_up: bool = False
    spatial: int = 0
    inter_layer: bool = False
    tl0_index: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the group that a scalability structure describes."""

    temporal: int = 0
    switching_up: bool = False
    differences: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """A scalability structure (section 4.2.1): layer sizes in pixels, and the pictures of a group; None is absent."""

    spatial_layers: int = 1
    sizes: tuple[tuple[int, int], ...] | None = None
    pictures: tuple[Picture, ...] | None = None

    def serialize(self) -> bytes:
        first = (self.spatial_layers - 1) << 5
        first |= (0x10 if self.sizes is not None else 0) | (0x08 if self.pictures is not None else 0)
        data = bytearray((first,))
        for width, height in self.sizes or ():
            data += width.to_bytes(2, "big") + height.to_bytes(2, "big")
        if self.pictures is not None:
            data.append(len(self.pictures))
            for picture in self.pictures:
                sync = 0x10 if picture.switching_up else 0
                data.append(picture.temporal << 5 | sync | len(picture.differences) << 2)
                data += bytes(picture.differences)
        return bytes(data)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Section 4.2. `differences` are the P_DIFFs of flexible mode, one to three where a picture is predicted."""

    picture_id: int | None = None
    short: bool = False
    predicted: bool = False
    flexible: bool = False
    start: bool = True
    end: bool = True
    not_a_reference: bool = False
    layer: Layer | None = None
    differences: tuple[int, ...] = ()
    structure: Structure | None = None

    def serialize(self) -> bytes:
        flags = (
            self.picture_id is not None,
            self.predicted,
            self.layer is not None,
            self.flexible,
            self.start,
            self.end,
            self.structure is not None,
            self.not_a_reference,
        )
        data = bytearray((int("".join(str(int(flag)) for flag in flags), 2),))
        if self.picture_id is not None:
            if self.short:
                data.append(self.picture_id & 0x7F)
            else:
                data += (0x8000 | self.picture_id & 0x7FFF).to_bytes(2, "big")
        if self.layer is not None:
            switching, inter = 0x10 if self.layer.switching_up else 0, 0x01 if self.layer.inter_layer else 0
            data.append(self.layer.temporal << 5 | switching | self.layer.spatial << 1 | inter)
            if not self.flexible:
                data.append(self.layer.tl0_index or 0)
        for index, difference in enumerate(self.differences):
            data.append(difference << 1 | (index + 1 < len(self.differences)))
        if self.structure is not None:
            data += self.structure.serialize()
        return bytes(data)


def parse(payload: bytes) -> tuple[Descriptor, bytes]:
    """The descriptor and the fragment behind it. Raises `DecodeError`, also for an empty fragment."""
    reader = Reader(payload)
    first = reader.pull_u8()
    flexible = bool(first & 0x10)
    picture_id, short = None, False
    if first & 0x80:
        picture_id = reader.pull_u8()
        short = picture_id < 0x80
        if not short:
            picture_id = (picture_id & 0x7F) << 8 | reader.pull_u8()
    layer = _pull_layer(reader, flexible) if first & 0x20 else None
    differences = _pull_differences(reader) if flexible and first & 0x40 else ()
    structure = _pull_structure(reader) if first & 0x02 else None
    descriptor = Descriptor(
        picture_id=picture_id,
        short=short,
        predicted=bool(first & 0x40),
        flexible=flexible,
        start=bool(first & 0x08),
        end=bool(first & 0x04),
        not_a_reference=bool(first & 0x01),
        layer=layer,
        differences=differences,
        structure=structure,
    )
    if not reader.remaining:
        raise DecodeError("a VP9 payload without data", offset=reader.position)
    return descriptor, reader.pull_rest()


def _pull_layer(reader: Reader, flexible: bool) -> Layer:
    byte = reader.pull_u8()
    tl0_index = None if flexible else reader.pull_u8()
    return Layer(byte >> 5, bool(byte & 0x10), byte >> 1 & 0x07, bool(byte & 0x01), tl0_index)


def _pull_differences(reader: Reader) -> tuple[int, ...]:
    differences: list[int] = []
    more = True
    while more:
        if len(differences) == 3:
            raise DecodeError("more than three reference indices", offset=reader.position)
        byte = reader.pull_u8()
        differences.append(byte >> 1)
        more = bool(byte & 0x01)
    return tuple(differences)


def _pull_structure(reader: Reader) -> Structure:
    first = reader.pull_u8()
    layers = (first >> 5) + 1
    sizes = tuple((reader.pull_u16(), reader.pull_u16()) for _ in range(layers)) if first & 0x10 else None
    pictures = tuple(_pull_picture(reader) for _ in range(reader.pull_u8())) if first & 0x08 else None
    return Structure(layers, sizes, pictures)


def _pull_picture(reader: Reader) -> Picture:
    byte = reader.pull_u8()
    return Picture(byte >> 5, bool(byte & 0x10), tuple(reader.pull_bytes(byte >> 2 & 0x03)))


class Packetizer:
    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._picture_id = int.from_bytes(entropy(2), "big") & 0x7FFF

    def packetize(self, frame: EncodedFrame, max_size: int) -> list[bytes]:
        cut = parts(frame.data, room(max_size, len(Descriptor(picture_id=0).serialize())))
        payloads = []
        for index, part in enumerate(cut):
            descriptor = Descriptor(
                picture_id=self._picture_id,
                predicted=not frame.key_frame,
                start=index == 0,
                end=index == len(cut) - 1,
            )
            payloads.append(descriptor.serialize() + part)
        self._picture_id = (self._picture_id + 1) & 0x7FFF
        return payloads


class Depacketizer:
    def starts_frame(self, payload: bytes) -> bool:
        """A picture begins with its lowest spatial layer."""
        try:
            descriptor, _ = parse(payload)
        except DecodeError:
            return False
        return descriptor.start and (descriptor.layer is None or descriptor.layer.spatial == 0)

    def follows(self, before: bytes, after: bytes) -> bool:
        """By the picture ids."""
        try:
            return self.starts_frame(after) and succeeds(parse(before)[0], parse(after)[0])
        except DecodeError:
            return False

    def assemble(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        parsed = [parse(payload) for payload in payloads]
        if not parsed:
            raise DecodeError("a VP9 picture of no payloads")
        if len({descriptor.picture_id for descriptor, _ in parsed}) > 1:
            raise DecodeError("one VP9 picture with two picture ids")
        layers: list[bytearray] = []
        ended = True
        for descriptor, part in parsed:
            if descriptor.start != ended:
                raise DecodeError("a VP9 layer frame begins where the one before it ends")
            if descriptor.start:
                layers.append(bytearray())
            layers[-1] += part
            ended = descriptor.end
        if not ended:
            raise DecodeError("the end of a VP9 layer frame is missing")
        return _superframe(layers), not parsed[0][0].predicted


def _superframe(layers: Sequence[bytes | bytearray]) -> bytes:
    """The frames of one picture as annex B of the VP9 bitstream has them: an index behind them where there are two."""
    data = b"".join(layers)
    if len(layers) == 1:
        return data
    if len(layers) > 8:
        raise DecodeError(f"{len(layers)} layer frames in one VP9 picture")
    size = (max(len(layer) for layer in layers).bit_length() + 7) // 8
    marker = bytes((0xC0 | (size - 1) << 3 | len(layers) - 1,))
    return data + marker + b"".join(len(layer).to_bytes(size, "little") for layer in layers) + marker
