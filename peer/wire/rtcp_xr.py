"""RTCP extended reports: RFC 3611. Receiver reference time and DLRR are read, other blocks keep their bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

from peer.errors import DecodeError
from peer.wire.rtcp_common import XR, frame

__all__ = ["Block", "Dlrr", "ExtendedReport", "ReceiverReferenceTime", "UnknownBlock", "parse_xr"]

RRTR_TYPE, DLRR_TYPE = 4, 5
_HEAD = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class ReceiverReferenceTime:
    """RFC 3611 section 4.4: the 64-bit NTP time of a receiver that sends nothing."""

    ntp: int

    def serialize(self) -> bytes:
        return _HEAD.pack(RRTR_TYPE, 0, 2) + self.ntp.to_bytes(8, "big")


@dataclass(frozen=True, slots=True)
class Dlrr:
    """RFC 3611 section 4.5: for each receiver (SSRC, last RR time, delay since in 1/65536 s)."""

    reports: tuple[tuple[int, int, int], ...]

    def serialize(self) -> bytes:
        return _HEAD.pack(DLRR_TYPE, 0, 3 * len(self.reports)) + b"".join(
            struct.pack("!LLL", *report) for report in self.reports
        )


@dataclass(frozen=True, slots=True)
class UnknownBlock:
    """A block of another type."""

    type: int
    specific: int
    data: bytes

    def serialize(self) -> bytes:
        return _HEAD.pack(self.type, self.specific, len(self.data) // 4) + self.data


Block: TypeAlias = ReceiverReferenceTime | Dlrr | UnknownBlock


@dataclass(frozen=True, slots=True)
class ExtendedReport:
    """RFC 3611 section 2."""

    ssrc: int
    blocks: tuple[Block, ...]

    def serialize(self) -> bytes:
        return frame(XR, 0, self.ssrc.to_bytes(4, "big") + b"".join(block.serialize() for block in self.blocks))


def parse_xr(count: int, body: bytes) -> ExtendedReport:
    """The report in the body of a type 207 packet (`count` is reserved); raises `DecodeError`."""
    if len(body) < 4:
        raise DecodeError("no SSRC", offset=len(body))
    blocks: list[Block] = []
    at = 4
    while at < len(body):
        kind, specific, words = _HEAD.unpack_from(body, at)
        end = at + 4 + 4 * words
        if end > len(body):
            raise DecodeError(f"a report block of {words + 1} words doesn't fit", offset=at)
        blocks.append(_block(kind, specific, body[at + 4 : end]))
        at = end
    return ExtendedReport(int.from_bytes(body[:4], "big"), tuple(blocks))


def _block(kind: int, specific: int, data: bytes) -> Block:
    if kind == RRTR_TYPE and len(data) == 8:
        return ReceiverReferenceTime(int.from_bytes(data, "big"))
    if kind == DLRR_TYPE and len(data) % 12 == 0:
        return Dlrr(tuple(struct.iter_unpack("!LLL", data)))
    return UnknownBlock(kind, specific, data)
