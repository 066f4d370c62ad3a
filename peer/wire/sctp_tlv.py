"""SCTP's two kinds of type-length-value: parameters (RFC 9260 section 3.2.1) and error causes (section 3.3.10).

    +----------------+----------------+---------------- ... ----+---------+
    | type: 16       | length: 16     | value: length - 4 bytes | 0 to 3 bytes of padding, not counted
    +----------------+----------------+---------------- ... ----+---------+

Both come back as they were said, `Parameter(type, value)` and `Cause(code, value)`, known or not. What stands inside a
RE-CONFIG chunk (RFC 6525 section 4) has dataclasses of its own, since a machine reads every field of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from peer.errors import DecodeError

__all__ = [
    "AddIncomingStreams",
    "AddOutgoingStreams",
    "Cause",
    "CauseCode",
    "IncomingReset",
    "OutgoingReset",
    "Parameter",
    "ParameterType",
    "Reconfiguration",
    "ReconfigurationResponse",
    "ReconfigurationResult",
    "TsnReset",
    "UnknownReconfiguration",
    "pull_causes",
    "pull_parameters",
    "pull_reconfigurations",
    "push_tlv",
]

_HEADER = struct.Struct(">HH")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class ParameterType(IntEnum):
    """Parameter types we know, from the registry "SCTP Chunk Parameter Types"."""

    HEARTBEAT_INFO = 1
    IPV4_ADDRESS = 5
    IPV6_ADDRESS = 6
    STATE_COOKIE = 7
    UNRECOGNIZED = 8
    COOKIE_PRESERVATIVE = 9
    HOST_NAME = 11
    SUPPORTED_ADDRESS_TYPES = 12
    OUTGOING_RESET = 13
    INCOMING_RESET = 14
    TSN_RESET = 15
    RECONFIGURATION_RESPONSE = 16
    ADD_OUTGOING_STREAMS = 17
    ADD_INCOMING_STREAMS = 18
    ECN_CAPABLE = 0x8000
    ZERO_CHECKSUM_ACCEPTABLE = 0x8001
    PADDING = 0x8005
    SUPPORTED_EXTENSIONS = 0x8008
    FORWARD_TSN_SUPPORTED = 0xC000


class CauseCode(IntEnum):
    """Error cause codes, from the registry "SCTP Error Cause Codes"."""

    INVALID_STREAM = 1
    MISSING_PARAMETER = 2
    STALE_COOKIE = 3
    OUT_OF_RESOURCE = 4
    UNRESOLVABLE_ADDRESS = 5
    UNRECOGNIZED_CHUNK = 6
    INVALID_PARAMETER = 7
    UNRECOGNIZED_PARAMETERS = 8
    NO_USER_DATA = 9
    COOKIE_WHILE_SHUTTING_DOWN = 10
    RESTART_WITH_NEW_ADDRESSES = 11
    USER_INITIATED_ABORT = 12
    PROTOCOL_VIOLATION = 13


class ReconfigurationResult(IntEnum):
    """What became of a re-configuration request: RFC 6525 section 4.4."""

    NOTHING_TO_DO = 0
    PERFORMED = 1
    DENIED = 2
    WRONG_SSN = 3
    IN_PROGRESS_ALREADY = 4
    BAD_SEQUENCE_NUMBER = 5
    IN_PROGRESS = 6


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of INIT, INIT ACK, HEARTBEAT or RE-CONFIG as it was said."""

    type: int
    value: bytes = b""

    def serialize(self) -> bytes:
        return push_tlv(self.type, self.value)


@dataclass(frozen=True, slots=True)
class Cause:
    """An error cause of ERROR or ABORT as it was said."""

    code: int
    value: bytes = b""

    def serialize(self) -> bytes:
        return push_tlv(self.code, self.value)


@dataclass(frozen=True, slots=True)
class OutgoingReset:
    """RFC 6525 section 4.1. `streams` empty means all."""

    request: int
    response: int
    last_tsn: int
    streams: tuple[int, ...] = ()

    def serialize(self) -> bytes:
        fixed = struct.pack(">III", self.request, self.response, self.last_tsn)
        return push_tlv(ParameterType.OUTGOING_RESET, fixed + _push_u16s(self.streams))


@dataclass(frozen=True, slots=True)
class IncomingReset:
    """RFC 6525 section 4.2. `streams` empty means all."""

    request: int
    streams: tuple[int, ...] = ()

    def serialize(self) -> bytes:
        fixed = struct.pack(">I", self.request)
        return push_tlv(ParameterType.INCOMING_RESET, fixed + _push_u16s(self.streams))


@dataclass(frozen=True, slots=True)
class TsnReset:
    """RFC 6525 section 4.3."""

    request: int

    def serialize(self) -> bytes:
        return push_tlv(ParameterType.TSN_RESET, struct.pack(">I", self.request))


@dataclass(frozen=True, slots=True)
class ReconfigurationResponse:
    """RFC 6525 section 4.4. Both next TSNs are there in the answer to a TSN reset, and only there."""

    response: int
    result: int
    sender_next_tsn: int | None = None
    receiver_next_tsn: int | None = None

    def serialize(self) -> bytes:
        value = struct.pack(">II", self.response, self.result)
        if self.sender_next_tsn is not None and self.receiver_next_tsn is not None:
            value += struct.pack(">II", self.sender_next_tsn, self.receiver_next_tsn)
        return push_tlv(ParameterType.RECONFIGURATION_RESPONSE, value)


@dataclass(frozen=True, slots=True)
class AddOutgoingStreams:
    """RFC 6525 section 4.5: `count` more streams from the sender of this to its peer."""

    request: int
    count: int

    def serialize(self) -> bytes:
        return push_tlv(ParameterType.ADD_OUTGOING_STREAMS, struct.pack(">IHH", self.request, self.count, 0))


@dataclass(frozen=True, slots=True)
class AddIncomingStreams:
    """RFC 6525 section 4.6: asks the peer for `count` more streams towards the sender of this."""

    request: int
    count: int

    def serialize(self) -> bytes:
        return push_tlv(ParameterType.ADD_INCOMING_STREAMS, struct.pack(">IHH", self.request, self.count, 0))


@dataclass(frozen=True, slots=True)
class UnknownReconfiguration:
    """A parameter in a RE-CONFIG chunk that RFC 6525 doesn't define."""

    type: int
    value: bytes

    def serialize(self) -> bytes:
        return push_tlv(self.type, self.value)


Reconfiguration: TypeAlias = (
    OutgoingReset
    | IncomingReset
    | TsnReset
    | ReconfigurationResponse
    | AddOutgoingStreams
    | AddIncomingStreams
    | UnknownReconfiguration
)


def push_tlv(type_: int, value: bytes) -> bytes:
    """One type-length-value with its padding."""
    return _HEADER.pack(type_, 4 + len(value)) + value + _PADDING[len(value) & 3]


def pull_parameters(data: bytes) -> tuple[Parameter, ...]:
    """Every parameter in `data`. DecodeError where a length is below 4 or points past the end."""
    return tuple(Parameter(type_, value) for type_, value in _pull_tlvs(data))


def pull_causes(data: bytes) -> tuple[Cause, ...]:
    """Every error cause in `data`. DecodeError as for parameters."""
    return tuple(Cause(code, value) for code, value in _pull_tlvs(data))


def pull_reconfigurations(data: bytes) -> tuple[Reconfiguration, ...]:
    """Every parameter of a RE-CONFIG chunk. DecodeError where one is too short for its fixed fields."""
    found: list[Reconfiguration] = []
    for type_, value in _pull_tlvs(data):
        pull = _RECONFIGURATIONS.get(type_)
        try:
            found.append(UnknownReconfiguration(type_, value) if pull is None else pull(value))
        except struct.error:
            raise DecodeError(f"re-configuration parameter {type_} of {len(value)} bytes is too short") from None
    return tuple(found)


def _pull_tlvs(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset, end = 0, len(data)
    while offset < end:
        if end - offset < 4:
            # Up to three bytes can be the padding of the last one, where a sender counted them in the outer length.
            if any(data[offset:]):
                raise DecodeError("rest of a parameter", offset=offset)
            return
        type_, length = _HEADER.unpack_from(data, offset)
        if length < 4 or offset + length > end:
            raise DecodeError(f"parameter 0x{type_:04x} says length {length}", offset=offset)
        yield type_, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def _push_u16s(numbers: Iterable[int]) -> bytes:
    values = tuple(numbers)
    return struct.pack(f">{len(values)}H", *values)


def _pull_u16s(data: bytes) -> tuple[int, ...]:
    if len(data) & 1:
        raise DecodeError("odd number of bytes in a list of streams")
    return struct.unpack(f">{len(data) // 2}H", data)


def _pull_outgoing_reset(value: bytes) -> OutgoingReset:
    request, response, last_tsn = struct.unpack_from(">III", value)
    return OutgoingReset(request, response, last_tsn, _pull_u16s(value[12:]))


def _pull_incoming_reset(value: bytes) -> IncomingReset:
    (request,) = struct.unpack_from(">I", value)
    return IncomingReset(request, _pull_u16s(value[4:]))


def _pull_tsn_reset(value: bytes) -> TsnReset:
    return TsnReset(*struct.unpack_from(">I", value))


def _pull_response(value: bytes) -> ReconfigurationResponse:
    return ReconfigurationResponse(*struct.unpack_from(">IIII" if len(value) >= 16 else ">II", value))


def _pull_add_outgoing(value: bytes) -> AddOutgoingStreams:
    return AddOutgoingStreams(*struct.unpack_from(">IH", value))


def _pull_add_incoming(value: bytes) -> AddIncomingStreams:
    return AddIncomingStreams(*struct.unpack_from(">IH", value))


_RECONFIGURATIONS: dict[int, Callable[[bytes], Reconfiguration]] = {
    ParameterType.OUTGOING_RESET: _pull_outgoing_reset,
    ParameterType.INCOMING_RESET: _pull_incoming_reset,
    ParameterType.TSN_RESET: _pull_tsn_reset,
    ParameterType.RECONFIGURATION_RESPONSE: _pull_response,
    ParameterType.ADD_OUTGOING_STREAMS: _pull_add_outgoing,
    ParameterType.ADD_INCOMING_STREAMS: _pull_add_incoming,
}
