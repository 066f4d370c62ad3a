"""The dependency descriptor, the header extension of AV1's RTP payload format (appendix A there): parsed.

The structure (which layers there are, what a frame of each depends on) comes with key frames; the descriptors between
refer to it by a template number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from peer.errors import DecodeError

__all__ = ["Descriptor", "Indication", "Structure", "Template", "pull"]

MAX_TEMPLATES: Final = 64
LAST_LAYER: Final = 3


class Indication(IntEnum):
    """What a frame is to a decode target."""

    NOT_PRESENT = 0
    DISCARDABLE = 1
    SWITCH = 2
    REQUIRED = 3


@dataclass(frozen=True, slots=True)
class Template:
    """`differences`: how many frames back those are that this one needs; `chains`: and the last one of each chain."""

    spatial: int
    temporal: int
    indications: tuple[Indication, ...]
    differences: tuple[int, ...]
    chains: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """`protected_by`: the chain of each decode target; `resolutions`: (width, height) a spatial layer, if told."""

    offset: int
    decode_targets: int
    templates: tuple[Template, ...]
    protected_by: tuple[int, ...] = ()
    resolutions: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One packet's descriptor. `structure` is set where it came with this one; `active` is a bit mask, if told."""

    first: bool
    last: bool
    frame_number: int
    frame: Template
    structure: Structure | None = None
    active: int | None = None


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def pull(self, count: int) -> int:
        if count > self._left:
            raise DecodeError("the dependency descriptor ends too soon")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def pull_below(self, limit: int) -> int:
        """ns(n) of AV1's specification: a number below `limit`, the smaller ones in a bit less."""
        width = limit.bit_length()
        short = (1 << width) - limit
        value = self.pull(width - 1)
        return value if value < short else (value << 1) - short + self.pull(1)


def pull(data: bytes, structure: Structure | None) -> Descriptor:
    """A descriptor; `structure` is the latest one of its stream. Raises `DecodeError`, also where one is missing."""
    bits = _Bits(data)
    first, last, number, frame_number = bool(bits.pull(1)), bool(bits.pull(1)), bits.pull(6), bits.pull(16)
    new: Structure | None = None
    active: int | None = None
    custom = (False, False, False)
    if len(data) > 3:
        has_structure, has_active = bits.pull(1), bits.pull(1)
        custom = (bool(bits.pull(1)), bool(bits.pull(1)), bool(bits.pull(1)))
        if has_structure:
            structure = new = _pull_structure(bits)
            active = (1 << new.decode_targets) - 1
        if structure is not None and has_active:
            active = bits.pull(structure.decode_targets)
    if structure is None:
        raise DecodeError("a dependency descriptor before its structure")
    place = (number - structure.offset) % 64
    if place >= len(structure.templates):
        raise DecodeError(f"template {number} is not in the structure")
    frame = _pull_frame(bits, structure, structure.templates[place], custom)
    return Descriptor(first, last, frame_number, frame, new, active)


def _pull_frame(bits: _Bits, structure: Structure, template: Template, custom: tuple[bool, bool, bool]) -> Template:
    indications, differences, chains = template.indications, template.differences, template.chains
    if custom[0]:
        indications = tuple(Indication(bits.pull(2)) for _ in range(structure.decode_targets))
    if custom[1]:
        found = []
        while size := bits.pull(2):
            found.append(bits.pull(4 * size) + 1)
        differences = tuple(found)
    if custom[2]:
        chains = tuple(bits.pull(8) for _ in template.chains)
    return Template(template.spatial, template.temporal, indications, differences, chains)


def _pull_structure(bits: _Bits) -> Structure:
    offset, targets = bits.pull(6), bits.pull(5) + 1
    layers = _pull_layers(bits)
    indications = [tuple(Indication(bits.pull(2)) for _ in range(targets)) for _ in layers]
    differences = [_pull_differences(bits) for _ in layers]
    count = bits.pull_below(targets + 1)
    protected_by = tuple(bits.pull_below(count) for _ in range(targets)) if count else ()
    chains = [tuple(bits.pull(4) for _ in range(count)) for _ in layers]
    resolutions: tuple[tuple[int, int], ...] = ()
    if bits.pull(1):
        spatial_layers = max(spatial for spatial, _ in layers) + 1
        resolutions = tuple((bits.pull(16) + 1, bits.pull(16) + 1) for _ in range(spatial_layers))
    templates = tuple(
        Template(spatial, temporal, dtis, back, chain)
        for (spatial, temporal), dtis, back, chain in zip(layers, indications, differences, chains, strict=True)
    )
    return Structure(offset, targets, templates, protected_by, resolutions)


def _pull_layers(bits: _Bits) -> list[tuple[int, int]]:
    """(spatial, temporal) of each template: the next one is of the same layer, the next temporal or spatial one."""
    layers = [(0, 0)]
    while (step := bits.pull(2)) != LAST_LAYER:
        if len(layers) == MAX_TEMPLATES:
            raise DecodeError("more than 64 templates")
        spatial, temporal = layers[-1]
        layers.append(((spatial, temporal), (spatial, temporal + 1), (spatial + 1, 0))[step])
    return layers


def _pull_differences(bits: _Bits) -> tuple[int, ...]:
    found = []
    while bits.pull(1):
        found.append(bits.pull(4) + 1)
    return tuple(found)
