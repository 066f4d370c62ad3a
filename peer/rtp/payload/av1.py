"""AV1 (the Alliance for Open Media's RTP payload specification): OBU elements behind an aggregation header.

A frame is a temporal unit in the low-overhead format: OBUs with sizes. On the wire they carry none, and temporal
delimiters and tile lists don't travel (section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp.frame import EncodedFrame

__all__ = ["Depacketizer", "Packetizer", "obus", "pull_leb128", "to_leb128"]

_SEQUENCE_HEADER, _TEMPORAL_DELIMITER, _FRAME_HEADER, _FRAME, _TILE_LIST, _PADDING = 1, 2, 3, 6, 8, 15
_HAS_SIZE, _HAS_EXTENSION = 0x02, 0x04
_SMALLEST_FRAGMENT = 16
"""Below this an OBU is not begun at the end of a packet."""


def to_leb128(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def pull_leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number (AV1 section 4.10.5: at most 8 bytes, below 2^32) and where it ends. Raises `DecodeError`."""
    value = 0
    for index in range(8):
        if at + index >= len(data):
            raise DecodeError("a leb128 number has no end", offset=len(data))
        value |= (data[at + index] & 0x7F) << 7 * index
        if data[at + index] < 0x80:
            if value >> 32:
                break
            return value, at + index + 1
    raise DecodeError("a leb128 number above 32 bits", offset=at)


def _kind(obu: bytes) -> int:
    return obu[0] >> 3 & 0x0F


def _header_size(obu: bytes) -> int:
    return 2 if obu[0] & _HAS_EXTENSION else 1


def obus(data: bytes) -> list[bytes]:
    """The OBUs of a temporal unit, without their size fields. Raises `DecodeError`."""
    found, at = [], 0
    while at < len(data):
        header = data[at : at + _header_size(data[at:])]
        start = at + len(header)
        size = len(data) - start
        if header[0] & _HAS_SIZE:
            size, start = pull_leb128(data, start)
        if header[0] & 0x80 or len(header) < _header_size(header) or start + size > len(data):
            raise DecodeError(f"an OBU of {size} bytes in {len(data) - start}", offset=at)
        found.append(bytes((header[0] & ~_HAS_SIZE,)) + header[1:] + data[start : start + size])
        at = start + size
    return found


@dataclass(slots=True)
class _Packet:
    """A packet being filled. Each element is counted with a length field: the last one may do without in the end."""

    continues: bool
    elements: list[bytes]
    used: int = 1

    def add(self, element: bytes) -> None:
        self.elements.append(element)
        self.used += len(to_leb128(len(element))) + len(element)

    def serialize(self, *, will_continue: bool, new_sequence: bool) -> bytes:
        count = len(self.elements) if len(self.elements) <= 3 else 0
        flags = (0x80 if self.continues else 0) | (0x40 if will_continue else 0) | (0x08 if new_sequence else 0)
        data = bytearray((flags | count << 4,))
        for index, element in enumerate(self.elements):
            if not (count and index == count - 1):
                data += to_leb128(len(element))
            data += element
        return bytes(data)


class Packetizer:
    def packetize(self, frame: EncodedFrame, max_size: int) -> list[bytes]:
        """Raises `LocalProtocolError` for what is no temporal unit, or payloads too small to cut one."""
        if max_size < _SMALLEST_FRAGMENT:
            raise LocalProtocolError(f"payloads of {max_size} bytes")
        try:
            units = [obu for obu in obus(frame.data) if _kind(obu) not in (_TEMPORAL_DELIMITER, _TILE_LIST, _PADDING)]
        except DecodeError as error:
            raise LocalProtocolError(f"not a temporal unit: {error}") from error
        new_sequence = frame.key_frame and any(_kind(obu) == _SEQUENCE_HEADER for obu in units)
        payloads: list[bytes] = []
        packet = _Packet(False, [])

        def flush(*, will_continue: bool = False) -> None:
            nonlocal packet
            if packet.elements:
                first = new_sequence and not payloads
                payloads.append(packet.serialize(will_continue=will_continue, new_sequence=first))
            packet = _Packet(will_continue, [])

        layer = b""
        for obu in units:
            own = obu[1:2] if obu[0] & _HAS_EXTENSION else layer
            if own != layer and layer:  # section 5: layers don't share a packet
                flush()
            layer = own
            rest = obu
            while rest:
                left = max_size - packet.used
                free = left - len(to_leb128(left))
                if len(rest) <= free:
                    packet.add(rest)
                    break
                if free >= _SMALLEST_FRAGMENT or not packet.elements:
                    packet.add(rest[:free])
                    rest = rest[free:]
                    flush(will_continue=True)
                else:
                    flush()
        flush()
        return payloads


@dataclass(frozen=True, slots=True)
class _Payload:
    continues: bool
    will_continue: bool
    new_sequence: bool
    elements: tuple[bytes, ...]


def _parse(payload: bytes) -> _Payload:
    """Section 4.4 and 4.5."""
    if len(payload) < 2:
        raise DecodeError("an AV1 payload holds an OBU element", offset=len(payload))
    first, at = payload[0], 1
    count = first >> 4 & 0x03
    if first & 0x08 and first & 0x80:
        raise DecodeError("a coded video sequence that begins inside an OBU", offset=0)
    elements: list[bytes] = []
    while at < len(payload) or (count and len(elements) < count):
        if count and len(elements) == count - 1:
            size = len(payload) - at
        else:
            size, at = pull_leb128(payload, at)
        if size == 0 or at + size > len(payload):
            raise DecodeError(f"an OBU element of {size} bytes, {len(payload) - at} left", offset=at)
        elements.append(payload[at : at + size])
        at += size
    return _Payload(bool(first & 0x80), bool(first & 0x40), bool(first & 0x08), tuple(elements))


class Depacketizer:
    def starts_frame(self, payload: bytes) -> bool:
        try:
            return not _parse(payload).continues
        except DecodeError:
            return False

    def assemble(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        parsed = [_parse(payload) for payload in payloads]
        if not parsed:
            raise DecodeError("a temporal unit of no payloads")
        whole: list[bytes] = []
        pending: bytearray | None = None
        for each in parsed:
            if each.continues != (pending is not None):
                raise DecodeError("a fragment of an OBU without the one before or after it")
            for index, element in enumerate(each.elements):
                pending = bytearray(element) if pending is None else pending + element
                if each.will_continue and index == len(each.elements) - 1:
                    break
                whole.append(bytes(pending))
                pending = None
        if pending is not None:
            raise DecodeError("the last fragment of an OBU is missing")
        kept = [obu for one in whole for obu in obus(one) if _kind(obu) not in (_TEMPORAL_DELIMITER, _TILE_LIST)]
        if not kept:
            raise DecodeError("a temporal unit of no OBUs")
        return b"".join(map(_with_size, kept)), parsed[0].new_sequence or _begins_sequence(kept)


def _with_size(obu: bytes) -> bytes:
    header = _header_size(obu)
    return bytes((obu[0] | _HAS_SIZE,)) + obu[1:header] + to_leb128(len(obu) - header) + obu[header:]


def _begins_sequence(units: Sequence[bytes]) -> bool:
    """A sequence header, and a frame header that says: not an existing frame, a key frame (AV1 section 5.9.2)."""
    if not any(_kind(obu) == _SEQUENCE_HEADER for obu in units):
        return False
    frames = (obu[_header_size(obu) :] for obu in units if _kind(obu) in (_FRAME_HEADER, _FRAME))
    return any(body and not body[0] & 0xE0 for body in frames)
