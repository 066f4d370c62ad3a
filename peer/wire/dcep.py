"""The Data Channel Establishment Protocol: RFC 8832 section 5.

DATA_CHANNEL_OPEN (0x03): channel type 8, priority 16, reliability parameter 32, label length 16, protocol length 16,
label, protocol, both UTF-8. DATA_CHANNEL_ACK (0x02) is one byte.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from peer.errors import DecodeError

__all__ = ["Ack", "ChannelType", "Message", "Open", "Ppid", "parse"]

_OPEN = struct.Struct(">BBHIHH")
_ACK, _OPEN_TYPE = 0x02, 0x03


class Ppid(IntEnum):
    """Payload protocol identifiers: RFC 8831 section 8 (PARTIAL ones are deprecated and only ever received)."""

    DCEP = 50
    STRING = 51
    BINARY_PARTIAL = 52
    BINARY = 53
    STRING_PARTIAL = 54
    STRING_EMPTY = 56
    BINARY_EMPTY = 57


class ChannelType(IntEnum):
    """RFC 8832 section 5.1. Bit 0x80 means unordered."""

    RELIABLE = 0x00
    PARTIAL_RELIABLE_REXMIT = 0x01
    PARTIAL_RELIABLE_TIMED = 0x02
    RELIABLE_UNORDERED = 0x80
    PARTIAL_RELIABLE_REXMIT_UNORDERED = 0x81
    PARTIAL_RELIABLE_TIMED_UNORDERED = 0x82


@dataclass(frozen=True, slots=True)
class Open:
    """DATA_CHANNEL_OPEN. `reliability` counts retransmissions or milliseconds, by `channel_type`."""

    channel_type: int
    priority: int
    reliability: int
    label: str
    protocol: str

    def serialize(self) -> bytes:
        label, protocol = self.label.encode(), self.protocol.encode()
        fixed = _OPEN.pack(_OPEN_TYPE, self.channel_type, self.priority, self.reliability, len(label), len(protocol))
        return fixed + label + protocol


@dataclass(frozen=True, slots=True)
class Ack:
    """DATA_CHANNEL_ACK."""

    def serialize(self) -> bytes:
        return bytes([_ACK])


Message: TypeAlias = Open | Ack


def parse(data: bytes) -> Message:
    """A DCEP message. DecodeError on another type, lengths that don't fit, an unknown channel type or bad UTF-8."""
    if not data:
        raise DecodeError("empty message", offset=0)
    if data[0] == _ACK:
        if len(data) != 1:
            raise DecodeError(f"DATA_CHANNEL_ACK of {len(data)} bytes", offset=1)
        return Ack()
    if data[0] != _OPEN_TYPE:
        raise DecodeError(f"DCEP message of type 0x{data[0]:02x}", offset=0)
    return _pull_open(data)


def _pull_open(data: bytes) -> Open:
    if len(data) < _OPEN.size:
        raise DecodeError(f"DATA_CHANNEL_OPEN of {len(data)} bytes", offset=len(data))
    _, channel_type, priority, reliability, label_length, protocol_length = _OPEN.unpack_from(data)
    if len(data) != _OPEN.size + label_length + protocol_length:
        raise DecodeError("label and protocol don't fill DATA_CHANNEL_OPEN", offset=_OPEN.size)
    if channel_type not in ChannelType.__members__.values():
        raise DecodeError(f"channel type 0x{channel_type:02x}", offset=1)
    split = _OPEN.size + label_length
    try:
        return Open(channel_type, priority, reliability, data[_OPEN.size : split].decode(), data[split:].decode())
    except UnicodeDecodeError as error:
        raise DecodeError("label or protocol is not UTF-8", offset=_OPEN.size + error.start) from None
