"""Handshake messages of DTLS 1.3 alone: RFC 8446 section 4, RFC 9147 sections 5 and 9."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from peer.errors import DecodeError
from peer.wire.buffer import Reader, Writer
from peer.wire.dtls_extensions import Extensions, find, pull_extensions, push_extensions
from peer.wire.dtls_handshake import (
    CertificateVerify,
    ClientHello,
    Finished,
    HandshakeMessage,
    HandshakeType,
    ServerHello,
    UnknownMessage,
)

__all__ = [
    "CertificateChain",
    "CertificateEntry",
    "CertificateRequest13",
    "EncryptedExtensions",
    "KeyUpdate",
    "NewConnectionId",
    "NewSessionTicket",
    "RequestConnectionId",
    "parse_message",
]


@dataclass(frozen=True, slots=True)
class EncryptedExtensions:
    """RFC 8446 4.3.1."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.ENCRYPTED_EXTENSIONS
    extensions: Extensions

    @classmethod
    def parse(cls, body: bytes) -> EncryptedExtensions:
        reader = Reader(body)
        message = cls(pull_extensions(reader))
        reader.finish()
        return message

    def serialize(self) -> bytes:
        writer = Writer()
        push_extensions(writer, self.extensions)
        return bytes(writer)

    def extension(self, kind: int) -> bytes | None:
        return find(self.extensions, kind)


@dataclass(frozen=True, slots=True)
class CertificateRequest13:
    """RFC 8446 4.3.2."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.CERTIFICATE_REQUEST
    context: bytes
    extensions: Extensions

    @classmethod
    def parse(cls, body: bytes) -> CertificateRequest13:
        reader = Reader(body)
        message = cls(reader.pull_block(1), pull_extensions(reader))
        reader.finish()
        return message

    def serialize(self) -> bytes:
        writer = Writer()
        writer.push_block(1, self.context)
        push_extensions(writer, self.extensions)
        return bytes(writer)

    def extension(self, kind: int) -> bytes | None:
        return find(self.extensions, kind)


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """One DER certificate of a chain, with its extensions."""

    certificate: bytes
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class CertificateChain:
    """RFC 8446 4.4.2: the Certificate message of 1.3."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.CERTIFICATE
    context: bytes
    entries: tuple[CertificateEntry, ...]

    @classmethod
    def parse(cls, body: bytes) -> CertificateChain:
        reader = Reader(body)
        context = reader.pull_block(1)
        entries = reader.block(3).pull_each(lambda r: CertificateEntry(r.pull_block(3), pull_extensions(r)))
        reader.finish()
        return cls(context, entries)

    def serialize(self) -> bytes:
        writer = Writer()
        writer.push_block(1, self.context)
        with writer.block(3):
            for entry in self.entries:
                writer.push_block(3, entry.certificate)
                push_extensions(writer, entry.extensions)
        return bytes(writer)


@dataclass(frozen=True, slots=True)
class NewSessionTicket:
    """RFC 8446 4.6.1. `lifetime` is in seconds."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.NEW_SESSION_TICKET
    lifetime: int
    age_add: int
    nonce: bytes
    ticket: bytes
    extensions: Extensions

    @classmethod
    def parse(cls, body: bytes) -> NewSessionTicket:
        reader = Reader(body)
        lifetime, age_add = reader.pull_u32(), reader.pull_u32()
        message = cls(lifetime, age_add, reader.pull_block(1), reader.pull_block(2), pull_extensions(reader))
        reader.finish()
        return message

    def serialize(self) -> bytes:
        writer = Writer()
        writer.push_u32(self.lifetime)
        writer.push_u32(self.age_add)
        writer.push_block(1, self.nonce)
        writer.push_block(2, self.ticket)
        push_extensions(writer, self.extensions)
        return bytes(writer)


@dataclass(frozen=True, slots=True)
class KeyUpdate:
    """RFC 8446 4.6.3. `request` is 0 (not requested) or 1 (requested)."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.KEY_UPDATE
    request: int

    @classmethod
    def parse(cls, body: bytes) -> KeyUpdate:
        if len(body) != 1:
            raise DecodeError(f"KeyUpdate of {len(body)} bytes", offset=0)
        return cls(body[0])

    def serialize(self) -> bytes:
        return bytes([self.request])


@dataclass(frozen=True, slots=True)
class RequestConnectionId:
    """RFC 9147 section 9."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.REQUEST_CONNECTION_ID
    count: int

    @classmethod
    def parse(cls, body: bytes) -> RequestConnectionId:
        if len(body) != 1:
            raise DecodeError(f"RequestConnectionId of {len(body)} bytes", offset=0)
        return cls(body[0])

    def serialize(self) -> bytes:
        return bytes([self.count])


@dataclass(frozen=True, slots=True)
class NewConnectionId:
    """RFC 9147 section 9. `usage` is 0 (cid_immediate) or 1 (cid_spare)."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.NEW_CONNECTION_ID
    connection_ids: tuple[bytes, ...]
    usage: int

    @classmethod
    def parse(cls, body: bytes) -> NewConnectionId:
        reader = Reader(body)
        message = cls(reader.block(2).pull_each(lambda r: r.pull_block(1)), reader.pull_u8())
        reader.finish()
        return message

    def serialize(self) -> bytes:
        writer = Writer()
        with writer.block(2):
            for connection_id in self.connection_ids:
                writer.push_block(1, connection_id)
        writer.push_u8(self.usage)
        return bytes(writer)


_PARSERS: Final[Mapping[int, Callable[[bytes], HandshakeMessage]]] = {
    HandshakeType.CLIENT_HELLO: ClientHello.parse,
    HandshakeType.SERVER_HELLO: ServerHello.parse,
    HandshakeType.NEW_SESSION_TICKET: NewSessionTicket.parse,
    HandshakeType.ENCRYPTED_EXTENSIONS: EncryptedExtensions.parse,
    HandshakeType.REQUEST_CONNECTION_ID: RequestConnectionId.parse,
    HandshakeType.NEW_CONNECTION_ID: NewConnectionId.parse,
    HandshakeType.CERTIFICATE: CertificateChain.parse,
    HandshakeType.CERTIFICATE_REQUEST: CertificateRequest13.parse,
    HandshakeType.CERTIFICATE_VERIFY: CertificateVerify.parse,
    HandshakeType.FINISHED: Finished.parse,
    HandshakeType.KEY_UPDATE: KeyUpdate.parse,
}


def parse_message(kind: int, body: bytes) -> HandshakeMessage:
    """The message of this type as DTLS 1.3 reads it; DecodeError when the body is malformed."""
    parser = _PARSERS.get(kind)
    return UnknownMessage(kind, body) if parser is None else parser(body)
