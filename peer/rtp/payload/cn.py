"""Comfort noise (RFC 3389): a noise level, and the shape of its spectrum as reflection coefficients."""

from __future__ import annotations

from dataclasses import dataclass

from peer.errors import DecodeError
from peer.rtp.payload.cutting import WholeDepacketizer, WholePacketizer

__all__ = ["ComfortNoise", "Depacketizer", "Packetizer", "parse"]


@dataclass(frozen=True, slots=True)
class ComfortNoise:
    """`level` in -dBov, 0 to 127; `coefficients` between -1 and 1, the first of the lattice first."""

    level: int
    coefficients: tuple[float, ...] = ()

    def serialize(self) -> bytes:
        return bytes((self.level & 0x7F, *(_quantized(value) for value in self.coefficients)))


def _quantized(coefficient: float) -> int:
    return min(254, max(0, round(coefficient * 32768 / 258) + 127))


def parse(payload: bytes) -> ComfortNoise:
    """Section 3. The level's first bit is kept clear and not looked at. Raises `DecodeError`."""
    if not payload:
        raise DecodeError("comfort noise has a level", offset=0)
    coefficients = tuple(258 * (byte - 127) / 32768 for byte in payload[1:])
    if any(abs(value) >= 1.0078 for value in coefficients):  # 255, which section 3.2 does not use
        raise DecodeError("a reflection coefficient above one", offset=1)
    return ComfortNoise(payload[0] & 0x7F, coefficients)


class Packetizer(WholePacketizer):
    pass


class Depacketizer(WholeDepacketizer):
    def check(self, payload: bytes) -> None:
        parse(payload)
