"""Capture files in pcapng: packets with comments, and the TLS secrets that open them inside the file.

Written from the pcapng specification (draft-ietf-opsawg-pcapng); little-endian, one section.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from peer.errors import DecodeError

__all__ = ["Link", "Packet", "read", "write"]

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 0x00000001
_ENHANCED_PACKET: Final = 0x00000006
_SECRETS: Final = 0x0000000A
_BYTE_ORDER: Final = 0x1A2B3C4D
_TLS_KEY_LOG: Final = 0x544C534B
_OPTION_END: Final = 0
_OPTION_COMMENT: Final = 1
_OPTION_NAME: Final = 2
_OPTION_APPLICATION: Final = 4
_OPTION_RESOLUTION: Final = 9
_NANOSECONDS: Final = 9
_SNAP_LENGTH: Final = 0x40000


class Link(IntEnum):
    """What a packet begins with: an IP header, or the tags of Wireshark's exported PDUs."""

    RAW_IP = 101
    UPPER_PDU = 252


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet to be written: nanoseconds since the epoch, bytes, comments.

    `size` is how long it was on the wire, in bytes; 0 when `data` is all of it.
    """

    nanoseconds: int
    data: bytes = field(repr=False)
    link: Link = Link.RAW_IP
    comments: tuple[str, ...] = ()
    size: int = 0


def write(packets: Sequence[Packet], *, secrets: Sequence[str] = (), comment: str = "") -> bytes:
    """A whole file. `secrets` are lines of an NSS key log; they come before the packets, as readers need them."""
    links = list(dict.fromkeys(packet.link for packet in packets)) or [Link.RAW_IP]
    section = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)
    options = [(_OPTION_APPLICATION, b"peerproof")]
    if comment:
        options.append((_OPTION_COMMENT, comment.encode()))
    blocks = [_block(_SECTION, section + _options(options))]
    for link in links:
        described = [(_OPTION_NAME, link.name.lower().encode()), (_OPTION_RESOLUTION, bytes([_NANOSECONDS]))]
        blocks.append(_block(_INTERFACE, struct.pack("<HHI", link, 0, _SNAP_LENGTH) + _options(described)))
    if secrets:
        log = "".join(f"{line}\n" for line in secrets).encode()
        blocks.append(_block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(log)) + _padded(log)))
    blocks += [_packet(packet, links.index(packet.link)) for packet in packets]
    return b"".join(blocks)


def _packet(packet: Packet, interface: int) -> bytes:
    high, low = packet.nanoseconds >> 32, packet.nanoseconds & 0xFFFFFFFF
    size = len(packet.data)
    body = struct.pack("<IIIII", interface, high, low, size, packet.size or size) + _padded(packet.data)
    return _block(_ENHANCED_PACKET, body + _options([(_OPTION_COMMENT, each.encode()) for each in packet.comments]))


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _options(options: Sequence[tuple[int, bytes]]) -> bytes:
    if not options:
        return b""
    written = b"".join(struct.pack("<HH", code, len(value[:65535])) + _padded(value[:65535]) for code, value in options)
    return written + struct.pack("<HH", _OPTION_END, 0)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file held."""

    packets: tuple[Packet, ...]
    secrets: tuple[str, ...]


def read(data: bytes) -> Contents:
    """The packets and secrets of a little-endian file; other blocks and options are skipped. Raises DecodeError."""
    packets: list[Packet] = []
    secrets: list[str] = []
    links: list[Link] = []
    for offset, kind, body in _blocks(data):
        try:
            if kind == _INTERFACE:
                links.append(Link(struct.unpack_from("<H", body)[0]))
            elif kind == _SECRETS:
                _, size = struct.unpack_from("<II", body)
                secrets += body[8 : 8 + size].decode().splitlines()
            elif kind == _ENHANCED_PACKET:
                interface, high, low, size, original = struct.unpack_from("<IIIII", body)
                comments = tuple(_comments(body[20 + size + -size % 4 :]))
                whole = original if original > size else 0
                packets.append(Packet(high << 32 | low, body[20 : 20 + size], links[interface], comments, whole))
        except (struct.error, IndexError, ValueError) as error:
            raise DecodeError(f"pcapng block {kind:#x}: {error}", offset=offset) from error
    return Contents(tuple(packets), tuple(secrets))


def _blocks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = 0
    while position < len(data):
        if position + 12 > len(data):
            raise DecodeError("pcapng: a block is cut off", offset=position)
        kind, size = struct.unpack_from("<II", data, position)
        if size < 12 or size % 4 or position + size > len(data):
            raise DecodeError(f"pcapng: a block of {size} bytes", offset=position)
        yield position, kind, data[position + 8 : position + size - 4]
        position += size


def _comments(options: bytes) -> Iterator[str]:
    position = 0
    while position + 4 <= len(options):
        code, size = struct.unpack_from("<HH", options, position)
        if code == _OPTION_COMMENT:
            yield options[position + 4 : position + 4 + size].decode()
        position += 4 + size + -size % 4
