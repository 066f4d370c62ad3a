"""The attributes of STUN: which there are, and what each one's bytes mean, as one table."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from peer.errors import DecodeError

__all__ = ["Attribute", "AttributeType", "ErrorCode", "TransportAddress", "Value", "pull_value", "push_value"]


class AttributeType(IntEnum):
    """The types with a name, in IANA's spelling with underscores; others are carried as plain integers."""

    MAPPED_ADDRESS = 0x0001
    CHANGE_REQUEST = 0x0003
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    EVEN_PORT = 0x0018
    REQUESTED_TRANSPORT = 0x0019
    DONT_FRAGMENT = 0x001A
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    PASSWORD_ALGORITHM = 0x001D
    USERHASH = 0x001E
    XOR_MAPPED_ADDRESS = 0x0020
    RESERVATION_TOKEN = 0x0022
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    CONNECTION_ID = 0x002A
    ADDITIONAL_ADDRESS_FAMILY = 0x8000
    ADDRESS_ERROR_CODE = 0x8001
    PASSWORD_ALGORITHMS = 0x8002
    ALTERNATE_DOMAIN = 0x8003
    ICMP = 0x8004
    SOFTWARE = 0x8022
    ALTERNATE_SERVER = 0x8023
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A
    RESPONSE_ORIGIN = 0x802B
    OTHER_ADDRESS = 0x802C
    NOMINATION = 0xC001
    """draft-thatcher-ice-renomination, by libwebrtc's number."""
    GOOG_NETWORK_INFO = 0xC057


class TransportAddress(NamedTuple):
    """An IP literal and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """RFC 8489 section 14.8: `code` 300..699 and a phrase for people."""

    code: int
    reason: str = ""


Value: TypeAlias = bytes | str | int | TransportAddress | tuple[str, int] | ErrorCode | tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute.

    The shape of `value` follows from the type: text, whole number, `TransportAddress`, `ErrorCode`, a tuple of
    attribute types (UNKNOWN-ATTRIBUTES), None (a flag), or bytes for everything else. Bytes are allowed for any type
    and are sent as they are. `padding` holds padding bytes that are not zero.
    """

    type: int
    value: Value = None
    padding: bytes = b""


_Pull: TypeAlias = Callable[[bytes, bytes], Value]
_Push: TypeAlias = Callable[[Value, bytes], bytes]


def _pull_text(limit: int) -> _Pull:
    def pull(data: bytes, transaction_id: bytes) -> str:
        if len(data) > limit:
            raise DecodeError(f"longer than {limit} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise DecodeError("text that is not UTF-8") from None

    return pull


def _push_text(value: Value, transaction_id: bytes) -> bytes:
    return str(value).encode()


def _pull_integer(size: int, *, rest: int = 0) -> _Pull:
    """A number of `size` bytes, followed by `rest` reserved bytes."""

    def pull(data: bytes, transaction_id: bytes) -> int:
        _expect_size(data, size + rest)
        return int.from_bytes(data[:size], "big")

    return pull


def _push_integer(size: int, *, rest: int = 0) -> _Push:
    def push(value: Value, transaction_id: bytes) -> bytes:
        if not isinstance(value, int):
            raise TypeError(f"a number was expected, not {value!r}")
        return value.to_bytes(size, "big") + bytes(rest)

    return push


def _expect_size(data: bytes, size: int) -> None:
    if len(data) != size:
        raise DecodeError(f"{size} bytes expected, not {len(data)}")


def _pull_flag(data: bytes, transaction_id: bytes) -> None:
    _expect_size(data, 0)


def _push_flag(value: Value, transaction_id: bytes) -> bytes:
    return b""


def _pull_error(data: bytes, transaction_id: bytes) -> ErrorCode:
    if len(data) < 4:
        raise DecodeError("an error code has at least 4 bytes")
    hundreds, rest = data[2] & 7, data[3]
    if not 3 <= hundreds <= 6 or rest > 99:
        raise DecodeError("an error code outside 300..699")
    reason = _pull_text(763)(data[4:], transaction_id)
    return ErrorCode(hundreds * 100 + rest, str(reason))


def _push_error(value: Value, transaction_id: bytes) -> bytes:
    if not isinstance(value, ErrorCode):
        raise TypeError(f"an error code was expected, not {value!r}")
    return struct.pack("!HBB", 0, value.code // 100, value.code % 100) + value.reason.encode()


def _pull_types(data: bytes, transaction_id: bytes) -> tuple[int, ...]:
    if len(data) % 2:
        raise DecodeError("a list of attribute types has an even length")
    return struct.unpack(f"!{len(data) // 2}H", data)


def _push_types(value: Value, transaction_id: bytes) -> bytes:
    if not isinstance(value, tuple):
        raise TypeError(f"a tuple of types was expected, not {value!r}")
    return struct.pack(f"!{len(value)}H", *value)


_COOKIE: Final = b"\x21\x12\xa4\x42"
_FAMILY_SIZES: Final = {1: 4, 2: 16}


def _xor(data: bytes, mask: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, mask, strict=False))


def _pull_address(data: bytes, transaction_id: bytes) -> TransportAddress:
    size = _FAMILY_SIZES.get(data[1]) if len(data) > 4 else None
    if size is None or len(data) != 4 + size:
        raise DecodeError("an address of unknown family or wrong length")
    return TransportAddress(str(ipaddress.ip_address(data[4:])), int.from_bytes(data[2:4], "big"))


def _push_address(value: Value, transaction_id: bytes) -> bytes:
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(f"an address was expected, not {value!r}")
    host, port = value
    address = ipaddress.ip_address(host)
    return struct.pack("!BBH", 0, 1 if address.version == 4 else 2, port) + address.packed


def _pull_xored_address(data: bytes, transaction_id: bytes) -> TransportAddress:
    if len(data) < 4:
        raise DecodeError("an address of unknown family or wrong length")
    plain = data[:2] + _xor(data[2:4], _COOKIE) + _xor(data[4:20], _COOKIE + transaction_id) + data[20:]
    return _pull_address(plain, transaction_id)


def _push_xored_address(value: Value, transaction_id: bytes) -> bytes:
    data = _push_address(value, transaction_id)
    return data[:2] + _xor(data[2:4], _COOKIE) + _xor(data[4:], _COOKIE + transaction_id)


def _pull_digest(data: bytes, transaction_id: bytes) -> bytes:
    if not 16 <= len(data) <= 32 or len(data) % 4:
        raise DecodeError("a truncated HMAC-SHA-256 has 16 to 32 bytes")
    return data


def _pull_bytes(size: int) -> _Pull:
    def pull(data: bytes, transaction_id: bytes) -> bytes:
        _expect_size(data, size)
        return data

    return pull


def _push_bytes(value: Value, transaction_id: bytes) -> bytes:
    raise TypeError(f"bytes were expected, not {value!r}")


_Codec: TypeAlias = tuple[_Pull, _Push]
_PLAIN_ADDRESS: Final[_Codec] = (_pull_address, _push_address)
_XORED_ADDRESS: Final[_Codec] = (_pull_xored_address, _push_xored_address)
_FLAG: Final[_Codec] = (_pull_flag, _push_flag)
_TEXT: Final[_Codec] = (_pull_text(763), _push_text)
_U16: Final[_Codec] = (_pull_integer(2), _push_integer(2))
_U32: Final[_Codec] = (_pull_integer(4), _push_integer(4))
_U64: Final[_Codec] = (_pull_integer(8), _push_integer(8))
_U8_AND_RESERVED: Final[_Codec] = (_pull_integer(1, rest=3), _push_integer(1, rest=3))
_T: TypeAlias = AttributeType

_CODECS: Final[dict[int, _Codec]] = {
    _T.MAPPED_ADDRESS: _PLAIN_ADDRESS,
    _T.CHANGE_REQUEST: _U32,
    _T.USERNAME: (_pull_text(512), _push_text),  # RFC 8489 section 14.3: fewer than 513 bytes
    _T.MESSAGE_INTEGRITY: (_pull_bytes(20), _push_bytes),
    _T.ERROR_CODE: (_pull_error, _push_error),
    _T.UNKNOWN_ATTRIBUTES: (_pull_types, _push_types),
    _T.CHANNEL_NUMBER: (_pull_integer(2, rest=2), _push_integer(2, rest=2)),
    _T.LIFETIME: _U32,
    _T.XOR_PEER_ADDRESS: _XORED_ADDRESS,
    _T.REALM: _TEXT,
    _T.NONCE: _TEXT,
    _T.XOR_RELAYED_ADDRESS: _XORED_ADDRESS,
    _T.REQUESTED_ADDRESS_FAMILY: _U8_AND_RESERVED,
    _T.EVEN_PORT: (_pull_integer(1), _push_integer(1)),
    _T.REQUESTED_TRANSPORT: _U8_AND_RESERVED,
    _T.DONT_FRAGMENT: _FLAG,
    _T.MESSAGE_INTEGRITY_SHA256: (_pull_digest, _push_bytes),
    _T.USERHASH: (_pull_bytes(32), _push_bytes),
    _T.XOR_MAPPED_ADDRESS: _XORED_ADDRESS,
    _T.RESERVATION_TOKEN: (_pull_bytes(8), _push_bytes),
    _T.PRIORITY: _U32,
    _T.USE_CANDIDATE: _FLAG,
    _T.CONNECTION_ID: _U32,
    _T.ADDITIONAL_ADDRESS_FAMILY: _U8_AND_RESERVED,
    _T.ALTERNATE_DOMAIN: (_pull_text(255), _push_text),
    _T.SOFTWARE: _TEXT,
    _T.ALTERNATE_SERVER: _PLAIN_ADDRESS,
    _T.FINGERPRINT: _U32,
    _T.ICE_CONTROLLED: _U64,
    _T.ICE_CONTROLLING: _U64,
    _T.RESPONSE_ORIGIN: _PLAIN_ADDRESS,
    _T.OTHER_ADDRESS: _PLAIN_ADDRESS,
    _T.NOMINATION: _U32,
}


def pull_value(kind: int, data: bytes, transaction_id: bytes) -> Value:
    """Decode the bytes of an attribute; those of an unknown type stay bytes. Raises `DecodeError`."""
    codec = _CODECS.get(kind)
    return data if codec is None else codec[0](data, transaction_id)


def push_value(attribute: Attribute, transaction_id: bytes) -> bytes:
    """Encode the value of an attribute. Raises `TypeError` where its shape doesn't fit the type."""
    value = attribute.value
    if isinstance(value, bytes):
        return value
    codec = _CODECS.get(attribute.type)
    if codec is None:
        raise TypeError(f"an attribute of unknown type 0x{attribute.type:04x} needs bytes, not {value!r}")
    return codec[1](value, transaction_id)
