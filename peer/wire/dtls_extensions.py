"""Hello extensions: RFC 8446 4.2 and the documents it lists.

Messages hold extensions as (`type`, `data`) pairs, in the order they came, so that unknown ones survive. The functions
here turn the data of known ones into values and back: `parse_x(data)` raises DecodeError, `x(value)` gives the
`Extension`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from peer.errors import DecodeError
from peer.wire.buffer import Reader, Writer

__all__ = ["Extension", "ExtensionType", "Extensions", "KeyShareEntry", "UseSrtp", "find", "pull_extensions"]


class ExtensionType(IntEnum):
    SERVER_NAME = 0
    SUPPORTED_GROUPS = 10
    EC_POINT_FORMATS = 11
    SIGNATURE_ALGORITHMS = 13
    USE_SRTP = 14
    EXTENDED_MASTER_SECRET = 23
    RECORD_SIZE_LIMIT = 28
    SESSION_TICKET = 35
    PRE_SHARED_KEY = 41
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    COOKIE = 44
    PSK_KEY_EXCHANGE_MODES = 45
    CERTIFICATE_AUTHORITIES = 47
    POST_HANDSHAKE_AUTH = 49
    SIGNATURE_ALGORITHMS_CERT = 50
    KEY_SHARE = 51
    CONNECTION_ID = 54
    RENEGOTIATION_INFO = 0xFF01


@dataclass(frozen=True, slots=True)
class Extension:
    type: int
    data: bytes = b""


Extensions: TypeAlias = tuple[Extension, ...]


def find(extensions: Extensions, kind: int) -> bytes | None:
    """The data of the extension of this type, or None."""
    for extension in extensions:
        if extension.type == kind:
            return extension.data
    return None


def pull_extensions(reader: Reader) -> Extensions:
    """A two-byte length and the extensions behind it. DecodeError when a type comes twice (RFC 8446 4.2)."""
    extensions = reader.block(2).pull_each(lambda r: Extension(r.pull_u16(), r.pull_block(2)))
    if len({extension.type for extension in extensions}) != len(extensions):
        raise DecodeError("an extension comes twice", offset=reader.position)
    return extensions


def push_extensions(writer: Writer, extensions: Iterable[Extension]) -> None:
    with writer.block(2):
        for extension in extensions:
            writer.push_u16(extension.type)
            writer.push_block(2, extension.data)


# --- shapes that several extensions share


def _u16_list(values: Iterable[int], length_size: int = 2) -> bytes:
    body = b"".join(value.to_bytes(2, "big") for value in values)
    return len(body).to_bytes(length_size, "big") + body


def _parse_u16_list(data: bytes, length_size: int = 2) -> tuple[int, ...]:
    reader = Reader(data)
    values = reader.block(length_size).pull_each(Reader.pull_u16)
    reader.finish()
    if not values:
        raise DecodeError("an empty list", offset=0)
    return values


def _parse_u16(data: bytes) -> int:
    reader = Reader(data)
    value = reader.pull_u16()
    reader.finish()
    return value


def _block(data: bytes, length_size: int) -> bytes:
    return len(data).to_bytes(length_size, "big") + data


def _parse_block(data: bytes, length_size: int) -> bytes:
    reader = Reader(data)
    value = reader.pull_block(length_size)
    reader.finish()
    return value


# --- lists of numbers


def supported_groups(groups: Iterable[int]) -> Extension:
    """RFC 8446 4.2.7."""
    return Extension(ExtensionType.SUPPORTED_GROUPS, _u16_list(groups))


def signature_algorithms(schemes: Iterable[int]) -> Extension:
    """RFC 8446 4.2.3."""
    return Extension(ExtensionType.SIGNATURE_ALGORITHMS, _u16_list(schemes))


parse_supported_groups = _parse_u16_list
parse_signature_algorithms = _parse_u16_list


def supported_versions(versions: Iterable[int]) -> Extension:
    """RFC 8446 4.2.1, as a ClientHello has it."""
    return Extension(ExtensionType.SUPPORTED_VERSIONS, _u16_list(versions, 1))


def parse_supported_versions(data: bytes) -> tuple[int, ...]:
    return _parse_u16_list(data, 1)


def selected_version(version: int) -> Extension:
    """RFC 8446 4.2.1, as a ServerHello has it."""
    return Extension(ExtensionType.SUPPORTED_VERSIONS, version.to_bytes(2, "big"))


parse_selected_version = _parse_u16


def ec_point_formats() -> Extension:
    """RFC 8422 5.1.2: uncompressed points only."""
    return Extension(ExtensionType.EC_POINT_FORMATS, b"\x01\x00")


def parse_ec_point_formats(data: bytes) -> bytes:
    return _parse_block(data, 1)


def record_size_limit(limit: int) -> Extension:
    """RFC 8449 section 4: bytes of plaintext in one record."""
    return Extension(ExtensionType.RECORD_SIZE_LIMIT, limit.to_bytes(2, "big"))


parse_record_size_limit = _parse_u16


# --- blocks


def cookie(value: bytes) -> Extension:
    """RFC 8446 4.2.2."""
    return Extension(ExtensionType.COOKIE, _block(value, 2))


def parse_cookie(data: bytes) -> bytes:
    return _parse_block(data, 2)


def connection_id(value: bytes) -> Extension:
    """RFC 9146 section 3: the id the sender wants to receive; empty means it wants none but can send one."""
    return Extension(ExtensionType.CONNECTION_ID, _block(value, 1))


def parse_connection_id(data: bytes) -> bytes:
    return _parse_block(data, 1)


def renegotiation_info(value: bytes = b"") -> Extension:
    """RFC 5746 3.2."""
    return Extension(ExtensionType.RENEGOTIATION_INFO, _block(value, 1))


def parse_renegotiation_info(data: bytes) -> bytes:
    return _parse_block(data, 1)


def extended_master_secret() -> Extension:
    """RFC 7627 5.1."""
    return Extension(ExtensionType.EXTENDED_MASTER_SECRET)


# --- key shares


@dataclass(frozen=True, slots=True)
class KeyShareEntry:
    """RFC 8446 4.2.8."""

    group: int
    key_exchange: bytes

    def serialize(self) -> bytes:
        return self.group.to_bytes(2, "big") + _block(self.key_exchange, 2)


def _pull_share(reader: Reader) -> KeyShareEntry:
    return KeyShareEntry(reader.pull_u16(), reader.pull_block(2))


def client_key_share(entries: Iterable[KeyShareEntry]) -> Extension:
    return Extension(ExtensionType.KEY_SHARE, _block(b"".join(entry.serialize() for entry in entries), 2))


def parse_client_key_share(data: bytes) -> tuple[KeyShareEntry, ...]:
    reader = Reader(data)
    entries = reader.block(2).pull_each(_pull_share)
    reader.finish()
    return entries


def server_key_share(entry: KeyShareEntry) -> Extension:
    return Extension(ExtensionType.KEY_SHARE, entry.serialize())


def parse_server_key_share(data: bytes) -> KeyShareEntry:
    reader = Reader(data)
    entry = _pull_share(reader)
    reader.finish()
    return entry


def retry_key_share(group: int) -> Extension:
    """The group a HelloRetryRequest asks for."""
    return Extension(ExtensionType.KEY_SHARE, group.to_bytes(2, "big"))


parse_retry_key_share = _parse_u16


# --- use_srtp


@dataclass(frozen=True, slots=True)
class UseSrtp:
    """RFC 5764 4.1.1. A server's has one profile."""

    profiles: tuple[int, ...]
    mki: bytes = b""

    def extension(self) -> Extension:
        return Extension(ExtensionType.USE_SRTP, _u16_list(self.profiles) + _block(self.mki, 1))

    @classmethod
    def parse(cls, data: bytes) -> UseSrtp:
        reader = Reader(data)
        profiles = reader.block(2).pull_each(Reader.pull_u16)
        mki = reader.pull_block(1)
        reader.finish()
        return cls(profiles, mki)
