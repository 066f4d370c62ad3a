"""Handshake messages that DTLS 1.2 and 1.3 share, and the fragments that carry them: RFC 6347 4.2.2, RFC 9147 5.2.

A message class knows its `TYPE` and the shape of its body; `parse(body)` raises DecodeError. The 12-byte DTLS header
belongs to `Fragment`. Messages of one version only live in `dtls_handshake12` and `dtls_handshake13`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, Protocol

from peer.errors import DecodeError
from peer.wire.buffer import Reader, Writer
from peer.wire.dtls_extensions import Extensions, find, pull_extensions, push_extensions

__all__ = [
    "FRAGMENT_HEADER_SIZE",
    "HELLO_RETRY_RANDOM",
    "CertificateVerify",
    "ClientHello",
    "Finished",
    "Fragment",
    "HandshakeMessage",
    "HandshakeType",
    "ServerHello",
    "UnknownMessage",
    "parse_fragments",
]

FRAGMENT_HEADER_SIZE: Final = 12
# RFC 8446 4.1.3: SHA-256 of "HelloRetryRequest".
HELLO_RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class HandshakeType(IntEnum):
    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    HELLO_VERIFY_REQUEST = 3
    NEW_SESSION_TICKET = 4
    ENCRYPTED_EXTENSIONS = 8
    REQUEST_CONNECTION_ID = 9
    NEW_CONNECTION_ID = 10
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20
    KEY_UPDATE = 24
    MESSAGE_HASH = 254


class HandshakeMessage(Protocol):
    """What every handshake message class offers."""

    @property
    def TYPE(self) -> int: ...  # noqa: N802 - a constant of the class, or a field of UnknownMessage

    def serialize(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a handshake message. `length` is that of the whole message; `data` starts at `offset` in it."""

    type: int
    length: int
    sequence: int
    offset: int
    data: bytes

    @property
    def is_whole(self) -> bool:
        return self.offset == 0 and len(self.data) == self.length

    def serialize(self) -> bytes:
        writer = Writer()
        writer.push_u8(self.type)
        writer.push_u24(self.length)
        writer.push_u16(self.sequence)
        writer.push_u24(self.offset)
        writer.push_block(3, self.data)
        return bytes(writer)


def _pull_fragment(reader: Reader) -> Fragment:
    start = reader.position
    kind, length, sequence, offset = reader.pull_u8(), reader.pull_u24(), reader.pull_u16(), reader.pull_u24()
    data = reader.pull_block(3)
    if offset + len(data) > length:
        raise DecodeError("a fragment reaches beyond its message", offset=start)
    return Fragment(kind, length, sequence, offset, data)


def parse_fragments(data: bytes) -> tuple[Fragment, ...]:
    """The fragments in one handshake record. DecodeError when there is none, or one that doesn't fit."""
    if not data:
        raise DecodeError("an empty handshake record", offset=0)
    return Reader(data).pull_each(_pull_fragment)


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message we have no class for, or its body as raw bytes."""

    TYPE: int
    body: bytes

    def serialize(self) -> bytes:
        return self.body


def _pull_optional_extensions(reader: Reader) -> Extensions | None:
    # RFC 5246 7.4.1.2: a hello of DTLS 1.2 may end without the extensions' length.
    return pull_extensions(reader) if reader.remaining else None


@dataclass(frozen=True, slots=True)
class ClientHello:
    """RFC 6347 4.2.1, RFC 9147 5.3. `extensions` is None when even the length of the list is missing."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.CLIENT_HELLO
    version: int
    random: bytes
    session_id: bytes
    cookie: bytes
    cipher_suites: tuple[int, ...]
    compression_methods: bytes
    extensions: Extensions | None

    @classmethod
    def parse(cls, body: bytes) -> ClientHello:
        reader = Reader(body)
        version, random = reader.pull_u16(), reader.pull_bytes(32)
        session_id = _pull_session_id(reader)
        cookie = reader.pull_block(1)
        suites = reader.block(2).pull_each(Reader.pull_u16)
        compression_methods = reader.pull_block(1)
        if not suites or not compression_methods:
            raise DecodeError("a ClientHello without cipher suites or compression methods", offset=reader.position)
        extensions = _pull_optional_extensions(reader)
        reader.finish()
        return cls(version, random, session_id, cookie, suites, compression_methods, extensions)

    def serialize(self) -> bytes:
        writer = Writer()
        writer.push_u16(self.version)
        writer.push_bytes(self.random)
        writer.push_block(1, self.session_id)
        writer.push_block(1, self.cookie)
        with writer.block(2):
            writer.push_each(Writer.push_u16, self.cipher_suites)
        writer.push_block(1, self.compression_methods)
        if self.extensions is not None:
            push_extensions(writer, self.extensions)
        return bytes(writer)

    def extension(self, kind: int) -> bytes | None:
        return find(self.extensions or (), kind)


def _pull_session_id(reader: Reader) -> bytes:
    start = reader.position
    session_id = reader.pull_block(1)
    if len(session_id) > 32:
        raise DecodeError(f"session id of {len(session_id)} bytes", offset=start)
    return session_id


@dataclass(frozen=True, slots=True)
class ServerHello:
    """RFC 5246 7.4.1.3, RFC 8446 4.1.3; with `HELLO_RETRY_RANDOM` it is a HelloRetryRequest (RFC 8446 4.1.4)."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.SERVER_HELLO
    version: int
    random: bytes
    session_id: bytes
    cipher_suite: int
    compression_method: int
    extensions: Extensions | None

    @classmethod
    def parse(cls, body: bytes) -> ServerHello:
        reader = Reader(body)
        version, random = reader.pull_u16(), reader.pull_bytes(32)
        session_id = _pull_session_id(reader)
        suite, compression = reader.pull_u16(), reader.pull_u8()
        extensions = _pull_optional_extensions(reader)
        reader.finish()
        return cls(version, random, session_id, suite, compression, extensions)

    def serialize(self) -> bytes:
        writer = Writer()
        writer.push_u16(self.version)
        writer.push_bytes(self.random)
        writer.push_block(1, self.session_id)
        writer.push_u16(self.cipher_suite)
        writer.push_u8(self.compression_method)
        if self.extensions is not None:
            push_extensions(writer, self.extensions)
        return bytes(writer)

    def extension(self, kind: int) -> bytes | None:
        return find(self.extensions or (), kind)

    @property
    def is_retry(self) -> bool:
        return self.random == HELLO_RETRY_RANDOM


@dataclass(frozen=True, slots=True)
class CertificateVerify:
    """RFC 5246 7.4.8, RFC 8446 4.4.3: the same bytes in both versions."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.CERTIFICATE_VERIFY
    scheme: int
    signature: bytes

    @classmethod
    def parse(cls, body: bytes) -> CertificateVerify:
        reader = Reader(body)
        message = cls(reader.pull_u16(), reader.pull_block(2))
        reader.finish()
        return message

    def serialize(self) -> bytes:
        return self.scheme.to_bytes(2, "big") + len(self.signature).to_bytes(2, "big") + self.signature


@dataclass(frozen=True, slots=True)
class Finished:
    """`verify_data` is 12 bytes in DTLS 1.2 and a hash long in DTLS 1.3."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.FINISHED
    verify_data: bytes

    @classmethod
    def parse(cls, body: bytes) -> Finished:
        return cls(body)

    def serialize(self) -> bytes:
        return self.verify_data
