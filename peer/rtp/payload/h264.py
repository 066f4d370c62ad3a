"""H.264 (RFC 6184), packetization modes 0 (single NAL units) and 1 (also STAP-A and FU-A).

A frame is an access unit as Annex B has it: NAL units behind start codes. What the modes 0 and 1 do not know (STAP-B,
MTAP, FU-B) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload.cutting import parts, room
from peer.wire.buffer import Reader

__all__ = ["Depacketizer", "Packetizer", "nal_units", "to_annex_b"]

_SLICE, _IDR = 1, 5
_STAP_A, _FU_A = 24, 28
_LARGEST_NAL_TYPE = 23
_START_CODE = re.compile(rb"\x00*\x00\x00\x01")


def nal_units(annex_b: bytes) -> list[bytes]:
    """The NAL units between start codes, without the zero bytes that may trail them."""
    units = (part.rstrip(b"\x00") for part in _START_CODE.split(annex_b))
    return [unit for unit in units if unit]


def to_annex_b(units: Iterable[bytes]) -> bytes:
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in units)


class Packetizer:
    def __init__(self, fmtp: Mapping[str, str]) -> None:
        mode = fmtp.get("packetization-mode", "0")
        if mode not in ("0", "1"):
            raise LocalProtocolError(f"packetization-mode {mode}")
        self._single = mode == "0"

    def packetize(self, frame: EncodedFrame, max_size: int) -> list[bytes]:
        """Raises `LocalProtocolError` in mode 0 for a NAL unit longer than a payload: the encoder cuts slices there."""
        units = nal_units(frame.data)
        if self._single:
            if any(len(unit) > max_size for unit in units):
                raise LocalProtocolError(f"a NAL unit of {max(map(len, units))} bytes in a payload of {max_size}")
            return units
        payloads: list[bytes] = []
        waiting: list[bytes] = []
        for unit in units:
            if waiting and 1 + sum(2 + len(each) for each in waiting) + 2 + len(unit) > max_size:
                payloads.append(_aggregated(waiting))
                waiting = []
            if len(unit) > max_size:
                payloads += _fragmented(unit, max_size)
            else:
                waiting.append(unit)
        if waiting:
            payloads.append(_aggregated(waiting))
        return payloads


def _aggregated(units: Sequence[bytes]) -> bytes:
    """One unit as it is, more as a STAP-A (section 5.7.1): F is any unit's, NRI the highest."""
    if len(units) == 1:
        return units[0]
    forbidden = max(unit[0] & 0x80 for unit in units)
    importance = max(unit[0] & 0x60 for unit in units)
    parts_ = (len(unit).to_bytes(2, "big") + unit for unit in units)
    return bytes((forbidden | importance | _STAP_A,)) + b"".join(parts_)


def _fragmented(unit: bytes, max_size: int) -> list[bytes]:
    """FU-A (section 5.8): the NAL unit's header is spread over indicator and FU header."""
    pieces = parts(unit[1:], room(max_size, 2))
    payloads = []
    for index, piece in enumerate(pieces):
        header = unit[0] & 0x1F | (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0)
        payloads.append(bytes((unit[0] & 0xE0 | _FU_A, header)) + piece)
    return payloads


class Depacketizer:
    def starts_frame(self, payload: bytes) -> bool:
        """Whether an access unit can begin here: not inside a NAL unit, and not at a slice that isn't its first."""
        try:
            return _can_begin(payload)
        except DecodeError:
            return False

    def assemble(self, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
        units: list[bytes] = []
        fragments: bytearray | None = None
        for payload in payloads:
            kind = _kind(payload)
            if kind == _FU_A:
                fragments = _add_fragment(payload, fragments, units)
                continue
            if fragments is not None:
                raise DecodeError("a NAL unit's last fragment is missing")
            units += _pull_aggregated(payload) if kind == _STAP_A else [payload]
        if fragments is not None:
            raise DecodeError("a NAL unit's last fragment is missing")
        if not units:
            raise DecodeError("an access unit of no NAL units")
        return to_annex_b(units), any(unit[0] & 0x1F == _IDR for unit in units)


def _kind(payload: bytes) -> int:
    if not payload:
        raise DecodeError("a NAL unit has a header", offset=0)
    kind = payload[0] & 0x1F
    if not (1 <= kind <= _LARGEST_NAL_TYPE or kind in (_STAP_A, _FU_A)):
        raise DecodeError(f"a payload of type {kind} in packetization mode 0 or 1", offset=0)
    return kind


def _add_fragment(payload: bytes, fragments: bytearray | None, units: list[bytes]) -> bytearray | None:
    """What is pending after this FU-A; a NAL unit that it completes goes to `units`."""
    if len(payload) < 3:
        raise DecodeError("an FU-A carries something", offset=len(payload))
    header = payload[1]
    starts, ends = bool(header & 0x80), bool(header & 0x40)
    if starts and ends:
        raise DecodeError("a fragment that is first and last", offset=1)
    if starts != (fragments is None):
        raise DecodeError("a fragment out of its place", offset=1)
    if not 1 <= header & 0x1F <= _LARGEST_NAL_TYPE:
        raise DecodeError(f"fragments of a payload of type {header & 0x1F}", offset=1)
    whole = bytearray((payload[0] & 0xE0 | header & 0x1F,)) if fragments is None else fragments
    if whole[0] & 0x1F != header & 0x1F:
        raise DecodeError("fragments of two types in one NAL unit", offset=1)
    whole += payload[2:]
    if not ends:
        return whole
    units.append(bytes(whole))
    return None


def _pull_aggregated(payload: bytes) -> list[bytes]:
    reader = Reader(payload, 1)
    units = []
    while reader.remaining:
        unit = reader.pull_block(2)
        if not unit or not 1 <= unit[0] & 0x1F <= _LARGEST_NAL_TYPE:
            raise DecodeError("what is no NAL unit in a STAP-A", offset=reader.position)
        units.append(unit)
    if not units:
        raise DecodeError("a STAP-A of no NAL units", offset=1)
    return units


def _can_begin(payload: bytes) -> bool:
    kind = _kind(payload)
    if kind == _STAP_A:
        first = _pull_aggregated(payload)[0]
        return _first_of_access_unit(first[0] & 0x1F, first[1:])
    if kind == _FU_A:
        if len(payload) < 3:
            return False
        return bool(payload[1] & 0x80) and _first_of_access_unit(payload[1] & 0x1F, payload[2:])
    return _first_of_access_unit(kind, payload[1:])


def _first_of_access_unit(kind: int, body: bytes) -> bool:
    if kind in (_SLICE, 2, _IDR):
        # first_mb_in_slice, an Exp-Golomb number: 0 is the single bit 1
        return bool(body) and bool(body[0] & 0x80)
    return kind not in (3, 4)
