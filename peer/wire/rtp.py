"""RTP packets (RFC 3550 section 5.1) and their header extensions (RFC 8285)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from peer.errors import DecodeError, LocalProtocolError

__all__ = ["ONE_BYTE", "TWO_BYTE", "Extension", "Packet", "parse"]

ONE_BYTE = 0xBEDE
TWO_BYTE = 0x1000
"""The low four bits are "appbits": 0x1000 to 0x100F all say two-byte headers (RFC 8285 section 4.3)."""

_HEADER = struct.Struct("!BBHLL")
_BLOCK = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class Extension:
    """One header extension element: its local id (1 to 14, or to 255 with two-byte headers) and its bytes."""

    id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """An RTP packet.

    `extension_profile` is None without a header extension; with another one than RFC 8285's, `extension_data` holds the
    block and `extensions` is empty. `padding` is the count of padding bytes, its last byte included.
    """

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extensions: tuple[Extension, ...] = ()
    extension_profile: int | None = None
    extension_data: bytes = b""
    padding: int = 0

    def extension(self, id: int) -> bytes | None:
        """The bytes of the first element with this id."""
        for element in self.extensions:
            if element.id == id:
                return element.data
        return None

    def serialize(self) -> bytes:
        """The packet's bytes. With `extensions` and no profile, one-byte headers are used where they can be.

        Raises `LocalProtocolError` for what no packet can hold.
        """
        block, has_block = self._extension_block()
        if len(self.csrcs) > 15 or self.padding > 255:
            raise LocalProtocolError("a packet holds 15 CSRCs and 255 bytes of padding at most")
        first = 0x80 | (0x20 if self.padding else 0) | (0x10 if has_block else 0) | len(self.csrcs)
        second = (0x80 if self.marker else 0) | self.payload_type
        header = _HEADER.pack(first, second, self.sequence_number, self.timestamp, self.ssrc)
        csrcs = struct.pack(f"!{len(self.csrcs)}L", *self.csrcs) if self.csrcs else b""
        padding = bytes(self.padding - 1) + bytes([self.padding]) if self.padding else b""
        return b"".join((header, csrcs, block, self.payload, padding))

    def _extension_block(self) -> tuple[bytes, bool]:
        profile = self.extension_profile
        if profile is None and not self.extensions:
            return b"", False
        if profile is None:
            profile = ONE_BYTE if all(_fits_one_byte(element) for element in self.extensions) else TWO_BYTE
        data = self.extension_data or _serialize_elements(self.extensions, profile)
        data += bytes(-len(data) % 4)
        return _BLOCK.pack(profile, len(data) // 4) + data, True


def _fits_one_byte(element: Extension) -> bool:
    return 1 <= element.id <= 14 and 1 <= len(element.data) <= 16


def _serialize_elements(elements: tuple[Extension, ...], profile: int) -> bytes:
    parts = []
    for element in elements:
        if profile != ONE_BYTE:
            parts.append(bytes((element.id, len(element.data))))
        elif _fits_one_byte(element):
            parts.append(bytes((element.id << 4 | len(element.data) - 1,)))
        else:
            raise LocalProtocolError(f"extension {element.id} of {len(element.data)} bytes needs a two-byte header")
        parts.append(element.data)
    return b"".join(parts)


def parse(data: bytes) -> Packet:
    """A packet from its bytes; raises `DecodeError`."""
    if len(data) < 12:
        raise DecodeError("an RTP header has 12 bytes", offset=len(data))
    first, second, sequence_number, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise DecodeError(f"RTP version {first >> 6}", offset=0)
    at = 12 + 4 * (first & 0x0F)
    if at > len(data):
        raise DecodeError(f"{first & 0x0F} CSRCs don't fit", offset=len(data))
    csrcs = struct.unpack_from(f"!{first & 0x0F}L", data, 12)
    profile: int | None = None
    extensions: tuple[Extension, ...] = ()
    block = b""
    if first & 0x10:
        profile, block, at = _pull_block(data, at)
        if profile == ONE_BYTE:
            extensions, block = _one_byte_elements(block), b""
        elif profile & 0xFFF0 == TWO_BYTE:
            extensions, block = _two_byte_elements(block), b""
    end, padding = _padding(data, at) if first & 0x20 else (len(data), 0)
    return Packet(
        payload_type=second & 0x7F,
        sequence_number=sequence_number,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=data[at:end],
        marker=second >= 0x80,
        csrcs=csrcs,
        extensions=extensions,
        extension_profile=profile,
        extension_data=block,
        padding=padding,
    )


def _pull_block(data: bytes, at: int) -> tuple[int, bytes, int]:
    if at + 4 > len(data):
        raise DecodeError("the header extension has no length", offset=len(data))
    profile, words = _BLOCK.unpack_from(data, at)
    end = at + 4 + 4 * words
    if end > len(data):
        raise DecodeError(f"a header extension of {words} words doesn't fit", offset=at + 2)
    return profile, data[at + 4 : end], end


def _padding(data: bytes, at: int) -> tuple[int, int]:
    padding = data[-1]
    if padding == 0 or at + padding > len(data):
        raise DecodeError(f"{padding} bytes of padding in {len(data) - at} bytes of payload", offset=len(data) - 1)
    return len(data) - padding, padding


def _one_byte_elements(block: bytes) -> tuple[Extension, ...]:
    """RFC 8285 section 4.2. An id of 15 ends the block, as does one of 0 with a length (section 4.1.2)."""
    elements, at = [], 0
    while at < len(block):
        id, length = block[at] >> 4, (block[at] & 0x0F) + 1
        if block[at] == 0:
            at += 1
            continue
        if id in (0, 15) or at + 1 + length > len(block):
            break
        elements.append(Extension(id, block[at + 1 : at + 1 + length]))
        at += 1 + length
    return tuple(elements)


def _two_byte_elements(block: bytes) -> tuple[Extension, ...]:
    """RFC 8285 section 4.3."""
    elements, at = [], 0
    while at < len(block):
        if block[at] == 0:
            at += 1
            continue
        if at + 2 > len(block) or at + 2 + block[at + 1] > len(block):
            break
        elements.append(Extension(block[at], block[at + 2 : at + 2 + block[at + 1]]))
        at += 2 + block[at + 1]
    return tuple(elements)
