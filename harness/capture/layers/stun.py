"""STUN (RFC 8489), the attributes of ICE (RFC 8445) and TURN (RFC 8656), and TURN ChannelData, as scapy layers."""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import struct
import zlib
from enum import IntEnum
from typing import Any, Final

from scapy.fields import (
    BitField,
    ByteEnumField,
    ByteField,
    FieldLenField,
    FieldListField,
    IntField,
    PacketListField,
    PadField,
    ShortEnumField,
    ShortField,
    StrFixedLenField,
    StrLenField,
    XBitField,
    XIntField,
    XLongField,
    XShortField,
    XStrFixedLenField,
    XStrLenField,
)
from scapy.packet import Packet

from harness.capture.layers.base import Element, define, type_of

__all__ = [
    "ERROR_REASONS",
    "STUN",
    "Attribute",
    "ChannelData",
    "Class",
    "Method",
    "attribute_class",
    "fingerprint_is_valid",
    "integrity_is_valid",
    "message_type",
    "signed",
]

MAGIC_COOKIE: Final = 0x2112A442
_HEADER: Final = 20
_FINGERPRINT_XOR: Final = 0x5354554E


class Class(IntEnum):
    """RFC 8489 section 5."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class Method(IntEnum):
    """RFC 8489 section 18.2, RFC 8656 section 17."""

    BINDING = 1
    ALLOCATE = 3
    REFRESH = 4
    SEND = 6
    DATA = 7
    CREATE_PERMISSION = 8
    CHANNEL_BIND = 9


_METHOD_NAMES: Final = {
    Method.BINDING: "Binding",
    Method.ALLOCATE: "Allocate",
    Method.REFRESH: "Refresh",
    Method.SEND: "Send",
    Method.DATA: "Data",
    Method.CREATE_PERMISSION: "CreatePermission",
    Method.CHANNEL_BIND: "ChannelBind",
}
_CLASS_NAMES: Final = {
    Class.REQUEST: "request",
    Class.INDICATION: "indication",
    Class.SUCCESS: "success response",
    Class.ERROR: "error response",
}


def message_type(method: int, message_class: int) -> int:
    """The 14 bits of the type field (RFC 8489 figure 3)."""
    spread = (method & 0x00F) | (method & 0x070) << 1 | (method & 0xF80) << 2
    return spread | (message_class & 1) << 4 | (message_class & 2) << 7


def _method(kind: int) -> int:
    return (kind & 0x000F) | (kind & 0x00E0) >> 1 | (kind & 0x3E00) >> 2


_TYPE_NAMES: Final = {
    message_type(method, each): f"{_METHOD_NAMES[method]} {_CLASS_NAMES[each]}" for method in Method for each in Class
}

ERROR_REASONS: Final = {
    300: "Try Alternate",
    400: "Bad Request",
    401: "Unauthenticated",
    403: "Forbidden",
    405: "Mobility Forbidden",
    420: "Unknown Attribute",
    437: "Allocation Mismatch",
    438: "Stale Nonce",
    440: "Address Family not Supported",
    441: "Wrong Credentials",
    442: "Unsupported Transport Protocol",
    443: "Peer Address Family Mismatch",
    486: "Allocation Quota Reached",
    487: "Role Conflict",
    500: "Server Error",
    508: "Insufficient Capacity",
}


class Attribute(Element):
    """A type-length-value of any type; the classes below know more."""

    name = "attribute"
    fields_desc = [
        XShortField("type", 0),
        FieldLenField("length", None, length_of="value"),
        PadField(XStrLenField("value", b"", length_from=lambda packet: packet.length), 4),
    ]

    @classmethod
    def dispatch_hook(cls, _pkt: bytes | None = None, *_: Any, **__: Any) -> type[Packet]:
        if not _pkt or len(_pkt) < 4 or cls is not Attribute:
            return cls
        kind, length = struct.unpack_from("!HH", _pkt)
        specific = _ATTRIBUTES.get(kind)
        return specific if specific is not None and specific.accepts(length) else Attribute

    @classmethod
    def accepts(cls, length: int) -> bool:
        """Whether a value of this length can be of this form; if not it stays a plain `Attribute`."""
        return True


_ATTRIBUTES: dict[int, type[Attribute]] = {}


def attribute_class(kind: int) -> type[Attribute]:
    return _ATTRIBUTES.get(kind, Attribute)


def _define(kind: int, name: str, fields: list[Any], *, size: int | None = None) -> type[Attribute]:
    """An attribute class called after `name`: its type, its length, then `fields` (`size` bytes when fixed)."""

    def accepts(length: int) -> bool:
        return size is None or length == size

    length: Any = ShortField("length", size)
    if size is None:
        length = FieldLenField("length", None, length_of=fields[0].name)
    identifier = "".join(word.capitalize() for word in name.split("-"))
    described = [XShortField("type", kind), length, *fields]
    defined: type[Attribute] = define(
        Attribute, identifier, name, described, accepts=staticmethod(accepts), __module__=__name__
    )
    _ATTRIBUTES[kind] = defined
    return defined


def _text(name: str) -> list[Any]:
    return [PadField(StrLenField(name, b"", length_from=lambda packet: packet.length), 4)]


def _opaque(name: str) -> list[Any]:
    return [PadField(XStrLenField(name, b"", length_from=lambda packet: packet.length), 4)]


class AddressAttribute(Attribute):
    """Family, port and address; XORed (RFC 8489 section 14.2) in the classes that say so."""

    xored = False
    fields_desc = [
        XShortField("type", 0x0001),
        FieldLenField("length", None, length_of="packed", adjust=lambda _, x: x + 4),
        ByteField("reserved", 0),
        ByteEnumField("family", 1, {1: "IPv4", 2: "IPv6"}),
        XShortField("raw_port", 0),
        XStrLenField("packed", b"\0\0\0\0", length_from=lambda packet: packet.length - 4),
    ]

    @classmethod
    def accepts(cls, length: int) -> bool:
        return length in (8, 20)

    def _mask(self) -> bytes:
        if not self.xored:
            return bytes(16)
        identifier = self.parent.transaction_id if isinstance(self.parent, STUN) else 0
        return struct.pack("!I", MAGIC_COOKIE) + int(identifier or 0).to_bytes(12, "big")

    @property
    def host(self) -> str:
        mask = self._mask()
        return str(ipaddress.ip_address(bytes(a ^ b for a, b in zip(self.packed, mask, strict=False))))

    @property
    def port(self) -> int:
        return int(self.raw_port) ^ int.from_bytes(self._mask()[:2], "big")

    @classmethod
    def of(cls, host: str, port: int, transaction_id: int) -> Any:
        """The attribute for an address in a message with this transaction id."""
        address = ipaddress.ip_address(host)
        attribute = cls(family=1 if address.version == 4 else 2)
        attribute.add_parent(STUN(transaction_id=transaction_id))
        mask = attribute._mask()
        attribute.packed = bytes(a ^ b for a, b in zip(address.packed, mask, strict=False))
        attribute.raw_port = port ^ struct.unpack("!H", mask[:2])[0]
        return attribute


def _define_address(kind: int, name: str, *, xored: bool) -> type[AddressAttribute]:
    identifier = "".join(word.capitalize() for word in name.split("-"))
    fields = [XShortField("type", kind), *AddressAttribute.fields_desc[1:]]
    defined: type[AddressAttribute] = define(
        AddressAttribute, identifier, name, fields, xored=xored, __module__=__name__
    )
    _ATTRIBUTES[kind] = defined
    return defined


class ErrorCode(Attribute):
    """ERROR-CODE (RFC 8489 section 14.8); `code` is class * 100 + number."""

    name = "ERROR-CODE"
    fields_desc = [
        XShortField("type", 0x0009),
        FieldLenField("length", None, length_of="reason", adjust=lambda _, x: x + 4),
        BitField("reserved", 0, 21),
        BitField("error_class", 4, 3),
        ByteField("number", 0),
        PadField(StrLenField("reason", b"", length_from=lambda packet: packet.length - 4), 4),
    ]

    @classmethod
    def accepts(cls, length: int) -> bool:
        return length >= 4

    @property
    def code(self) -> int:
        return int(self.error_class) * 100 + int(self.number)


class UnknownAttributes(Attribute):
    """UNKNOWN-ATTRIBUTES (RFC 8489 section 14.13)."""

    name = "UNKNOWN-ATTRIBUTES"
    fields_desc = [
        XShortField("type", 0x000A),
        FieldLenField("length", None, length_of="types"),
        PadField(FieldListField("types", [], XShortField("", 0), length_from=lambda packet: packet.length), 4),
    ]

    @classmethod
    def accepts(cls, length: int) -> bool:
        return length % 2 == 0


_ATTRIBUTES[0x0009] = ErrorCode
_ATTRIBUTES[0x000A] = UnknownAttributes

MappedAddress = _define_address(0x0001, "MAPPED-ADDRESS", xored=False)
Username = _define(0x0006, "USERNAME", _text("username"))
MessageIntegrity = _define(0x0008, "MESSAGE-INTEGRITY", [XStrFixedLenField("digest", bytes(20), 20)], size=20)
ChannelNumber = _define(0x000C, "CHANNEL-NUMBER", [XShortField("channel", 0x4000), ShortField("reserved", 0)], size=4)
Lifetime = _define(0x000D, "LIFETIME", [IntField("lifetime", 600)], size=4)
XorPeerAddress = _define_address(0x0012, "XOR-PEER-ADDRESS", xored=True)
Data = _define(0x0013, "DATA", _opaque("data"))
Realm = _define(0x0014, "REALM", _text("realm"))
Nonce = _define(0x0015, "NONCE", _text("nonce"))
XorRelayedAddress = _define_address(0x0016, "XOR-RELAYED-ADDRESS", xored=True)
RequestedAddressFamily = _define(
    0x0017,
    "REQUESTED-ADDRESS-FAMILY",
    [ByteEnumField("family", 1, {1: "IPv4", 2: "IPv6"}), XBitField("reserved", 0, 24)],
    size=4,
)
EvenPort = _define(
    0x0018,
    "EVEN-PORT",
    [BitField("reserve", 0, 1), BitField("reserved", 0, 7), StrFixedLenField("padding", bytes(3), 3)],
    size=1,
)
RequestedTransport = _define(
    0x0019, "REQUESTED-TRANSPORT", [ByteField("protocol", 17), XBitField("reserved", 0, 24)], size=4
)
DontFragment = _define(0x001A, "DONT-FRAGMENT", [], size=0)
MessageIntegritySha256 = _define(0x001C, "MESSAGE-INTEGRITY-SHA256", _opaque("digest"))
PasswordAlgorithm = _define(0x001D, "PASSWORD-ALGORITHM", _opaque("algorithm"))
Userhash = _define(0x001E, "USERHASH", [XStrFixedLenField("userhash", bytes(32), 32)], size=32)
XorMappedAddress = _define_address(0x0020, "XOR-MAPPED-ADDRESS", xored=True)
ReservationToken = _define(0x0022, "RESERVATION-TOKEN", [XLongField("token", 0)], size=8)
Priority = _define(0x0024, "PRIORITY", [IntField("priority", 0)], size=4)
UseCandidate = _define(0x0025, "USE-CANDIDATE", [], size=0)
ConnectionId = _define(0x002A, "CONNECTION-ID", [XIntField("connection_id", 0)], size=4)
AdditionalAddressFamily = _define(
    0x8000,
    "ADDITIONAL-ADDRESS-FAMILY",
    [ByteEnumField("family", 2, {1: "IPv4", 2: "IPv6"}), XBitField("reserved", 0, 24)],
    size=4,
)
AddressErrorCode = _define(0x8001, "ADDRESS-ERROR-CODE", _opaque("value"))
PasswordAlgorithms = _define(0x8002, "PASSWORD-ALGORITHMS", _opaque("algorithms"))
AlternateDomain = _define(0x8003, "ALTERNATE-DOMAIN", _text("domain"))
Icmp = _define(
    0x8004,
    "ICMP",
    [ShortField("reserved", 0), ByteField("icmp_type", 0), ByteField("icmp_code", 0), IntField("error_data", 0)],
    size=8,
)
Software = _define(0x8022, "SOFTWARE", _text("software"))
AlternateServer = _define_address(0x8023, "ALTERNATE-SERVER", xored=False)
Fingerprint = _define(0x8028, "FINGERPRINT", [XIntField("crc", None)], size=4)
IceControlled = _define(0x8029, "ICE-CONTROLLED", [XLongField("tie_breaker", 0)], size=8)
IceControlling = _define(0x802A, "ICE-CONTROLLING", [XLongField("tie_breaker", 0)], size=8)
GoogNetworkInfo = _define(
    0xC057, "GOOG-NETWORK-INFO", [ShortField("network_id", 0), ShortField("network_cost", 0)], size=4
)


class STUN(Packet):
    """A STUN message. `find(IceControlling)` gives the first attribute of a class, `kinds` the types in order."""

    name = "STUN"
    fields_desc = [
        ShortEnumField("type", message_type(Method.BINDING, Class.REQUEST), _TYPE_NAMES),
        ShortField("length", None),
        XIntField("cookie", MAGIC_COOKIE),
        XBitField("transaction_id", 0, 96),
        PacketListField("attributes", [], Attribute, length_from=lambda packet: packet.length),
    ]

    @property
    def method(self) -> int:
        return _method(self.type)

    @property
    def message_class(self) -> Class:
        return Class((self.type & 0x0010) >> 4 | (self.type & 0x0100) >> 7)

    @property
    def title(self) -> str:
        return _TYPE_NAMES.get(self.type, f"method {self.method:#05x} {_CLASS_NAMES[self.message_class]}")

    def find(self, kind: type[Attribute]) -> Any:
        return next((each for each in self.attributes if isinstance(each, kind)), None)

    @property
    def kinds(self) -> list[int | None]:
        return [type_of(each) for each in self.attributes]

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        pkt += pay
        if self.length is None:
            pkt = pkt[:2] + struct.pack("!H", len(pkt) - _HEADER) + pkt[4:]
        last = self.attributes[-1] if self.attributes else None
        if isinstance(last, Fingerprint) and last.crc is None:
            pkt = pkt[:-4] + struct.pack("!I", zlib.crc32(pkt[:-8]) ^ _FINGERPRINT_XOR)
        return pkt


class ChannelData(Packet):
    """TURN ChannelData (RFC 8656 section 12.4)."""

    name = "TURN ChannelData"
    fields_desc = [
        XShortField("channel", 0x4000),
        FieldLenField("length", None, length_of="data"),
        XStrLenField("data", b"", length_from=lambda packet: packet.length),
    ]


def _find(message: bytes, wanted: int) -> int | None:
    position = _HEADER
    while position + 4 <= len(message):
        kind, length = struct.unpack_from("!HH", message, position)
        if kind == wanted:
            return position
        position += 4 + (length + 3 & ~3)
    return None


def _as_if_ending(message: bytes, end: int) -> bytes:
    """The message up to an attribute, with the length it would have if that attribute (up to `end`) were the last."""
    return message[:2] + struct.pack("!H", end - _HEADER) + message[4:]


def integrity_is_valid(message: bytes, password: str) -> bool:
    """Whether MESSAGE-INTEGRITY is there and is the HMAC-SHA1 under a short-term password (RFC 8489 section 14.5)."""
    position = _find(message, 0x0008)
    if position is None or position + 24 > len(message):
        return False
    covered = _as_if_ending(message[:position], position + 24)
    expected = hmac.new(password.encode(), covered, hashlib.sha1).digest()
    return hmac.compare_digest(expected, message[position + 4 : position + 24])


def fingerprint_is_valid(message: bytes) -> bool:
    """Whether FINGERPRINT is there, is the last attribute and is right (RFC 8489 section 14.7)."""
    position = _find(message, 0x8028)
    if position is None or position + 8 != len(message):
        return False
    crc = zlib.crc32(message[:position]) ^ _FINGERPRINT_XOR
    return bool(struct.unpack_from("!I", message, position + 4)[0] == crc)


def signed(message: STUN, password: str) -> bytes:
    """The message with MESSAGE-INTEGRITY and FINGERPRINT put at its end."""
    unsigned = bytes(message)
    position = len(unsigned)
    covered = _as_if_ending(unsigned, position + 24)
    digest = hmac.new(password.encode(), covered, hashlib.sha1).digest()
    whole = covered + bytes(MessageIntegrity(digest=digest))
    whole = _as_if_ending(whole, len(whole) + 8)
    return whole + struct.pack("!HHI", 0x8028, 4, zlib.crc32(whole) ^ _FINGERPRINT_XOR)
