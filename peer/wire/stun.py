"""STUN messages (RFC 8489) with the attributes of ICE (RFC 8445) and TURN (RFC 8656).

`parse` never loses anything: attributes it doesn't know keep their bytes, padding that isn't zero is kept, and order
stays as it was: `parse(data).serialize() == data` but for reserved bits. Integrity and fingerprint are judged on the
bytes, by `has_valid_integrity` and `has_valid_fingerprint`; when sending they are instructions in the message
(`integrity_key`, `integrity_sha256_key`, `fingerprint`), so that whoever changes a message before it is encoded can
change or leave out these too.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from peer.errors import DecodeError
from peer.wire.stun_attributes import Attribute, AttributeType, ErrorCode, TransportAddress, pull_value, push_value

__all__ = [
    "HEADER_SIZE",
    "MAGIC_COOKIE",
    "Attribute",
    "AttributeType",
    "Class",
    "ErrorCode",
    "Message",
    "Method",
    "has_valid_fingerprint",
    "has_valid_integrity",
    "is_stun",
    "long_term_key",
    "parse",
]

MAGIC_COOKIE: Final = 0x2112A442
HEADER_SIZE: Final = 20
TRANSACTION_ID_SIZE: Final = 12
_FINGERPRINT_MASK: Final = 0x5354554E  # RFC 8489 section 14.7
_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HH")
_INTEGRITY: Final = {AttributeType.MESSAGE_INTEGRITY, AttributeType.MESSAGE_INTEGRITY_SHA256}
_TRAILERS: Final = {*_INTEGRITY, AttributeType.FINGERPRINT}


class Class(IntEnum):
    """RFC 8489 section 5: the two class bits of the message type."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class Method(IntEnum):
    """The methods with a name; others are carried as plain integers."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009
    CONNECT = 0x00A
    CONNECTION_BIND = 0x00B
    CONNECTION_ATTEMPT = 0x00C


@dataclass(frozen=True, slots=True)
class Message:
    """One STUN message.

    `method` 0..0xFFF, `transaction_id` 12 bytes. A parsed message holds MESSAGE-INTEGRITY and FINGERPRINT as
    attributes; one we build has them appended when it is encoded: MESSAGE-INTEGRITY when `integrity_key` is given
    (HMAC-SHA1 with that key), then MESSAGE-INTEGRITY-SHA256 likewise, then FINGERPRINT.
    """

    method: int
    message_class: Class
    transaction_id: bytes
    attributes: tuple[Attribute, ...] = ()
    integrity_key: bytes | None = None
    integrity_sha256_key: bytes | None = None
    fingerprint: bool = False

    def find(self, attribute_type: int) -> Attribute | None:
        """The first attribute of a type, before or at the end of what integrity covers.

        RFC 8489 section 14: only the first occurrence counts; sections 9.1.3 and 9.2.4: what follows MESSAGE-INTEGRITY,
        other than the SHA-256 one and FINGERPRINT, is ignored.
        """
        covered = True
        for attribute in self.attributes:
            if attribute.type == attribute_type and (covered or attribute.type in _TRAILERS):
                return attribute
            covered = covered and attribute.type not in _INTEGRITY
        return None

    def __contains__(self, attribute_type: int) -> bool:
        return self.find(attribute_type) is not None

    def _integer(self, attribute_type: AttributeType) -> int | None:
        attribute = self.find(attribute_type)
        return attribute.value if attribute is not None and isinstance(attribute.value, int) else None

    def _text(self, attribute_type: AttributeType) -> str | None:
        attribute = self.find(attribute_type)
        return attribute.value if attribute is not None and isinstance(attribute.value, str) else None

    def address(self, attribute_type: AttributeType) -> TransportAddress | None:
        """The value of an address attribute, (IP literal, port)."""
        attribute = self.find(attribute_type)
        return attribute.value if attribute is not None and isinstance(attribute.value, TransportAddress) else None

    @property
    def username(self) -> str | None:
        return self._text(AttributeType.USERNAME)

    @property
    def priority(self) -> int | None:
        return self._integer(AttributeType.PRIORITY)

    @property
    def use_candidate(self) -> bool:
        return AttributeType.USE_CANDIDATE in self

    @property
    def nomination(self) -> int | None:
        """The value of a renomination (draft-thatcher-ice-renomination, as libwebrtc sends it)."""
        return self._integer(AttributeType.NOMINATION)

    @property
    def controlling(self) -> int | None:
        """The tiebreaker of ICE-CONTROLLING."""
        return self._integer(AttributeType.ICE_CONTROLLING)

    @property
    def controlled(self) -> int | None:
        """The tiebreaker of ICE-CONTROLLED."""
        return self._integer(AttributeType.ICE_CONTROLLED)

    @property
    def mapped_address(self) -> TransportAddress | None:
        """XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS where an old server sent only that."""
        xored = self.address(AttributeType.XOR_MAPPED_ADDRESS)
        return xored if xored is not None else self.address(AttributeType.MAPPED_ADDRESS)

    @property
    def error(self) -> ErrorCode | None:
        attribute = self.find(AttributeType.ERROR_CODE)
        return attribute.value if attribute is not None and isinstance(attribute.value, ErrorCode) else None

    def unknown_required(self, known: frozenset[int]) -> tuple[int, ...]:
        """The comprehension-required types (below 0x8000) that are not in `known`, each once, in order."""
        types = (attribute.type for attribute in self.attributes)
        return tuple(dict.fromkeys(kind for kind in types if kind < 0x8000 and kind not in known))

    def serialize(self) -> bytes:
        """The message in bytes, integrity and fingerprint computed where asked for."""
        body = bytearray()
        for attribute in self.attributes:
            body += _encode(attribute, self.transaction_id)
        if self.integrity_key is not None:
            body += _ATTRIBUTE.pack(AttributeType.MESSAGE_INTEGRITY, 20)
            covered = self._header(len(body) + 20) + body[:-4]
            body += hmac.digest(self.integrity_key, covered, "sha1")
        if self.integrity_sha256_key is not None:
            body += _ATTRIBUTE.pack(AttributeType.MESSAGE_INTEGRITY_SHA256, 32)
            covered = self._header(len(body) + 32) + body[:-4]
            body += hmac.digest(self.integrity_sha256_key, covered, "sha256")
        if self.fingerprint:
            crc = zlib.crc32(self._header(len(body) + 8) + body) ^ _FINGERPRINT_MASK
            body += _ATTRIBUTE.pack(AttributeType.FINGERPRINT, 4) + crc.to_bytes(4, "big")
        return self._header(len(body)) + bytes(body)

    __bytes__ = serialize

    def _header(self, length: int) -> bytes:
        bits, kind = self.method, int(self.message_class)
        # RFC 8489 figure 3: the class bits sit at 4 and 8, between the bits of the method.
        message_type = (bits & 0xF80) << 2 | (bits & 0x70) << 1 | bits & 0xF | (kind & 2) << 7 | (kind & 1) << 4
        return _HEADER.pack(message_type, length, MAGIC_COOKIE, self.transaction_id)


def _encode(attribute: Attribute, transaction_id: bytes) -> bytes:
    value = push_value(attribute, transaction_id)
    padding = attribute.padding.ljust(-len(value) % 4, b"\0")
    return _ATTRIBUTE.pack(attribute.type, len(value)) + value + padding


def is_stun(data: bytes) -> bool:
    """Whether a datagram can be STUN: first byte 0..3 (RFC 7983 section 7), and the magic cookie."""
    return len(data) >= HEADER_SIZE and data[0] <= 3 and data[4:8] == b"\x21\x12\xa4\x42"


def parse(data: bytes) -> Message:
    """Decode one datagram.

    Raises `DecodeError` for anything that isn't exactly one well-formed message (RFC 8489 6.3).
    """
    if len(data) < HEADER_SIZE:
        raise DecodeError("a STUN message has at least 20 bytes", offset=len(data))
    message_type, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if message_type & 0xC000:
        raise DecodeError("the first two bits of a STUN message are zero", offset=0)
    if cookie != MAGIC_COOKIE:
        raise DecodeError("no STUN magic cookie", offset=4)
    if length % 4 or length != len(data) - HEADER_SIZE:
        raise DecodeError("wrong STUN message length", offset=2)
    attributes = []
    offset = HEADER_SIZE
    while offset < len(data):
        attribute, offset = _decode(data, offset, transaction_id)
        attributes.append(attribute)
    method = (message_type & 0x3E00) >> 2 | (message_type & 0xE0) >> 1 | message_type & 0xF
    message_class = Class((message_type & 0x100) >> 7 | (message_type & 0x10) >> 4)
    return Message(method, message_class, transaction_id, tuple(attributes))


def _decode(data: bytes, offset: int, transaction_id: bytes) -> tuple[Attribute, int]:
    # The message length is a multiple of four and so is every step: the header of an attribute is always there.
    kind, length = _ATTRIBUTE.unpack_from(data, offset)
    start, end = offset + 4, offset + 4 + length
    padded = end + -length % 4
    if padded > len(data):
        raise DecodeError("a STUN attribute ends after the message", offset=offset)
    padding = data[end:padded]
    try:
        value = pull_value(kind, data[start:end], transaction_id)
    except DecodeError as error:
        raise DecodeError(error.reason, offset=start) from None
    return Attribute(kind, value, padding if any(padding) else b""), padded


def _attribute_offset(data: bytes, attribute_type: int) -> int | None:
    """Where the first attribute of a type begins in a well-formed message."""
    offset = HEADER_SIZE
    while offset + 4 <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, offset)
        if kind == attribute_type:
            return offset
        offset += 4 + length + -length % 4
    return None


def has_valid_integrity(data: bytes, key: bytes, *, sha256: bool = False) -> bool:
    """Whether a well-formed message carries a MESSAGE-INTEGRITY (or -SHA256) that is right under `key`."""
    kind = AttributeType.MESSAGE_INTEGRITY_SHA256 if sha256 else AttributeType.MESSAGE_INTEGRITY
    offset = _attribute_offset(data, kind)
    if offset is None:
        return False
    length = int.from_bytes(data[offset + 2 : offset + 4], "big")
    value = data[offset + 4 : offset + 4 + length]
    covered_length = (offset + 4 + length - HEADER_SIZE).to_bytes(2, "big")
    covered = data[:2] + covered_length + data[4:offset]
    expected = hmac.digest(key, covered, "sha256" if sha256 else "sha1")
    return hmac.compare_digest(value, expected)


def has_valid_fingerprint(data: bytes) -> bool:
    """Whether a well-formed message ends with a FINGERPRINT that is right (RFC 8489 section 14.7)."""
    if len(data) < HEADER_SIZE + 8 or data[-8:-4] != b"\x80\x28\x00\x04":
        return False
    return zlib.crc32(data[:-8]) ^ _FINGERPRINT_MASK == int.from_bytes(data[-4:], "big")


def long_term_key(username: str, realm: str, password: str, *, sha256: bool = False) -> bytes:
    """The HMAC key of the long-term mechanism (RFC 8489 section 9.2.2), of text already prepared by OpaqueString."""
    text = f"{username}:{realm}:{password}".encode()
    return hashlib.sha256(text).digest() if sha256 else hashlib.md5(text, usedforsecurity=False).digest()
