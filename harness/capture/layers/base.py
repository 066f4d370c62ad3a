"""What all our scapy layers share."""

from __future__ import annotations

import struct
from typing import Any, Final

from scapy.config import conf
from scapy.error import Scapy_Exception
from scapy.fields import FieldLenField
from scapy.packet import Packet, Raw

__all__ = ["MALFORMED", "Element", "Length24Field", "define", "is_makeshift", "read", "rebuilt", "type_of"]

# scapy gives up on lists of more than 100 items; a SACK alone may have thousands, and 64 KiB bound them all the same.
conf.max_list_count = 65536


# What dissecting bytes that are not what they claim to be makes scapy raise.
MALFORMED: Final = (Scapy_Exception, struct.error, ValueError, TypeError, OSError, ArithmeticError, LookupError)


class Element(Packet):
    """A packet that ends where its fields end: what follows belongs to whoever holds it in a list.

    A class with `makeshift = True` in its own body takes what didn't fit the class for its type: it holds bytes, not
    the fields one would expect. Its subclasses don't inherit that.
    """

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        return b"", s


def define(base: type[Packet], identifier: str, name: str, fields: list[Any], **body: Any) -> Any:
    """A subclass of `base` with these fields: for the many packets that differ in nothing but their fields."""
    make: Any = type(base)
    return make(identifier, (base,), {"name": name, "fields_desc": fields, **body})


class Length24Field(FieldLenField):
    """The 24-bit length of another field."""

    def __init__(self, name: str, default: Any, **options: Any) -> None:
        super().__init__(name, default, fmt="!I", **options)
        self.sz = 3

    def addfield(self, pkt: Any, s: bytes, val: Any) -> bytes:
        return s + int(self.i2m(pkt, val)).to_bytes(3, "big")

    def getfield(self, pkt: Any, s: bytes) -> tuple[bytes, Any]:
        return s[3:], self.m2i(pkt, int.from_bytes(s[:3], "big"))


def read(kind: type[Packet], data: bytes) -> Any:
    """The bytes as a packet of this class; as Raw where they can't be one. Never raises."""
    try:
        # To scapy no bytes at all mean "take the defaults".
        return kind(data) if data else Raw()
    except MALFORMED:
        return Raw(data)


def is_makeshift(packet: Packet) -> bool:
    """Whether a packet only holds bytes that couldn't be dissected as what they claim to be."""
    return isinstance(packet, Raw) or bool(vars(type(packet)).get("makeshift", False))


def type_of(packet: Packet) -> int | None:
    """The `type` of an element of a list; None for one that couldn't be dissected."""
    return getattr(packet, "type", None)


def rebuilt(packet: Packet) -> bytes:
    """The bytes made anew from the fields, lengths too: not those remembered from dissection."""
    copy = packet.copy()
    _forget(copy)
    return bytes(copy)


def _forget(packet: Packet) -> None:
    packet.raw_packet_cache = None
    packet.raw_packet_cache_fields = None
    for value in packet.fields.values():
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, Packet):
                _forget(each)
    if packet.payload:
        _forget(packet.payload)
