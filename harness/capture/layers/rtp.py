"""RTP (RFC 3550) with header extensions (RFC 8285) as a scapy layer."""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

from typing import Any, Final

from scapy.fields import (
    BitField,
    BitFieldLenField,
    ByteField,
    ConditionalField,
    FieldListField,
    IntField,
    LenField,
    PacketListField,
    ShortField,
    XBitField,
    XIntField,
    XShortField,
    XStrField,
    XStrLenField,
)
from scapy.packet import Packet

from harness.capture.layers.base import Element

__all__ = ["ONE_BYTE", "RTP", "TWO_BYTES", "OneByteElement", "TwoByteElement"]

ONE_BYTE: Final = 0xBEDE
TWO_BYTES: Final = 0x1000
_SMALLEST: Final = 12
