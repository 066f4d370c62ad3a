"""Forward error correction: ULPFEC (RFC 5109, level 0), FlexFEC (draft-ietf-payload-flexible-fec-scheme-03).

Both are parity: a repair packet is the XOR of the packets it protects, so that one that is missing is what is left
when the others are taken out. Packets go in as the bytes of RTP packets in clear.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from peer.errors import DecodeError
from peer.wire.rtp import ONE_BYTE, TWO_BYTE

__all__ = ["Parity", "Recovery", "pull_flexfec", "pull_ulpfec", "without_mutable"]

HEADER: Final = 12
MAX_MEDIA: Final = 256
"""Media packets remembered: a repair packet reaches back 110 packets at most."""
MAX_PARITY: Final = 64
MAX_SIZE: Final = 1 << 14

_ULP = struct.Struct("!BBHLHH")
_FLEX = struct.Struct("!BBHLL")


@dataclass(frozen=True, slots=True)
class Parity:
    """A repair packet: which sequence numbers of which SSRC it protects, and the XOR of their fields and bodies."""

    ssrc: int
    protects: tuple[int, ...]
    first: int
    second: int
    timestamp: int
    length: int
    body: bytes


def _set_bits(mask: int, width: int) -> Iterable[int]:
    return (place for place in range(width) if mask >> (width - 1 - place) & 1)


def pull_ulpfec(payload: bytes, ssrc: int) -> Parity:
    """RFC 5109 section 7.3 and 7.4, level 0; further levels are left alone. Raises `DecodeError`."""
    if len(payload) < 14:
        raise DecodeError("an ULPFEC payload has 14 bytes at least", offset=len(payload))
    first, second, base, timestamp, length, protection = _ULP.unpack_from(payload)
    width = 48 if first & 0x40 else 16
    at = 12 + width // 8
    if at > len(payload):
        raise DecodeError("the mask doesn't fit", offset=len(payload))
    mask = int.from_bytes(payload[12:at], "big")
    if at + protection > len(payload):
        raise DecodeError(f"{protection} protected bytes don't fit", offset=at)
    protects = tuple((base + place) & 0xFFFF for place in _set_bits(mask, width))
    return _checked(Parity(ssrc, protects, first & 0x3F, second, timestamp, length, payload[at : at + protection]))


def pull_flexfec(payload: bytes) -> Parity:
    """Draft section 4.2.2: the header with a flexible mask (R and F are 0) and one SSRC. Raises `DecodeError`."""
    if len(payload) < 20:
        raise DecodeError("a FlexFEC payload has 20 bytes at least", offset=len(payload))
    first, second, length, timestamp, count = _FLEX.unpack_from(payload)
    if first & 0xC0 or count >> 24 != 1:
        raise DecodeError("FlexFEC for retransmission, with fixed masks or for several streams", offset=0)
    ssrc, base = struct.unpack_from("!LH", payload, 12)
    places, at = _pull_mask(payload, 18)
    protects = tuple((base + place) & 0xFFFF for place in places)
    return _checked(Parity(ssrc, protects, first & 0x3F, second, timestamp, length, payload[at:]))


def _pull_mask(payload: bytes, at: int) -> tuple[list[int], int]:
    """Masks of 15, 31 and 63 bits, each behind a bit that is set on the last one."""
    places: list[int] = []
    before = 0
    for size in (2, 4, 8):
        if at + size > len(payload):
            raise DecodeError("the mask doesn't fit", offset=at)
        word = int.from_bytes(payload[at : at + size], "big")
        width = 8 * size - 1
        places += [before + place for place in _set_bits(word & (1 << width) - 1, width)]
        before, at = before + width, at + size
        if word >> width:
            break
    return places, at


def _checked(parity: Parity) -> Parity:
    if not parity.protects or len(parity.body) > MAX_SIZE:
        raise DecodeError("a repair packet that protects nothing, or too much")
    return parity


def without_mutable(packet: bytes, ids: Iterable[int]) -> bytes:
    """A packet whose header extension elements `ids` are zero: they change on the way, so parity leaves them out."""
    changes = frozenset(ids)
    if not packet[0] & 0x10 or not changes:
        return packet
    data = bytearray(packet)
    at = HEADER + 4 * (packet[0] & 0x0F)
    profile, words = struct.unpack_from("!HH", packet, at)
    at, end = at + 4, at + 4 + 4 * words
    while at < end:
        if data[at] == 0:
            at += 1
            continue
        if profile == ONE_BYTE:
            id, length, start = data[at] >> 4, (data[at] & 0x0F) + 1, at + 1
        elif profile & 0xFFF0 == TWO_BYTE and at + 1 < end:
            id, length, start = data[at], data[at + 1], at + 2
        else:
            break
        if id in changes and start + length <= end:
            data[start : start + length] = bytes(length)
        at = start + length
    return bytes(data)


class Recovery:
    """The packets of one SSRC that arrived lately, and the repair packets that may still help."""

    def __init__(self) -> None:
        self._media: dict[int, bytes] = {}
        self._parity: list[Parity] = []
        self.discarded = 0
        """Repair packets that came to nothing: all they protect was there, or too much of it missing for too long."""

    def media(self, number: int, packet: bytes) -> list[bytes]:
        """A media packet arrived; what can be recovered with it."""
        if number in self._media:
            return []
        self._remember(number, packet)
        return self._recover()

    def parity(self, packet: Parity) -> list[bytes]:
        """A repair packet arrived; what can be recovered with it."""
        self._parity.append(packet)
        if len(self._parity) > MAX_PARITY:
            self._parity.pop(0)
            self.discarded += 1
        return self._recover()

    def _remember(self, number: int, packet: bytes) -> None:
        self._media[number] = packet
        while len(self._media) > MAX_MEDIA:
            del self._media[next(iter(self._media))]

    def _recover(self) -> list[bytes]:
        """Each packet recovered may let another repair packet do its work."""
        recovered: list[bytes] = []
        progress = True
        while progress and self._parity:
            progress = False
            for parity in list(self._parity):
                missing = [number for number in parity.protects if number not in self._media]
                if len(missing) > 1:
                    continue
                self._parity.remove(parity)
                if not missing:
                    self.discarded += 1
                    continue
                packet = _solve(parity, missing[0], self._media)
                if packet is None:
                    self.discarded += 1
                    continue
                self._remember(missing[0], packet)
                recovered.append(packet)
                progress = True
        return recovered


def _solve(parity: Parity, number: int, media: Mapping[int, bytes]) -> bytes | None:
    """The missing packet; None where the repair packet is too short for it (RFC 5109: only a part was protected)."""
    first, second, timestamp, length = parity.first, parity.second, parity.timestamp, parity.length
    body = int.from_bytes(parity.body, "big")
    size = len(parity.body)
    for other in parity.protects:
        if other == number:
            continue
        packet = media[other]
        first ^= packet[0] & 0x3F
        second ^= packet[1]
        timestamp ^= int.from_bytes(packet[4:8], "big")
        length ^= len(packet) - HEADER
        rest = packet[HEADER : HEADER + size]
        body ^= int.from_bytes(rest, "big") << 8 * (size - len(rest))
    if length > size:
        return None
    head = bytes((0x80 | first, second)) + struct.pack("!HLL", number, timestamp, parity.ssrc)
    return head + body.to_bytes(size, "big")[:length]
