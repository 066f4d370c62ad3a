"""Handshake messages of DTLS 1.2 alone: RFC 5246 7.4, RFC 6347 4.2, RFC 8422 section 5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from peer.errors import DecodeError
from peer.wire.buffer import Reader, Writer
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
    "CertificateList",
    "CertificateRequest",
    "ClientKeyExchange",
    "HelloRequest",
    "HelloVerifyRequest",
    "ServerHelloDone",
    "ServerKeyExchange",
    "parse_message",
]

_NAMED_CURVE: Final = 3


@dataclass(frozen=True, slots=True)
class HelloVerifyRequest:
    """RFC 6347 4.2.1."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.HELLO_VERIFY_REQUEST
    version: int
    cookie: bytes

    @classmethod
    def parse(cls, body: bytes) -> HelloVerifyRequest:
        reader = Reader(body)
        message = cls(reader.pull_u16(), reader.pull_block(1))
        reader.finish()
        return message

    def serialize(self) -> bytes:
        return self.version.to_bytes(2, "big") + bytes([len(self.cookie)]) + self.cookie


@dataclass(frozen=True, slots=True)
class CertificateList:
    """RFC 5246 7.4.2: the Certificate message, DER certificates, the sender's first."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.CERTIFICATE
    certificates: tuple[bytes, ...]

    @classmethod
    def parse(cls, body: bytes) -> CertificateList:
        reader = Reader(body)
        certificates = reader.block(3).pull_each(lambda r: r.pull_block(3))
        reader.finish()
        return cls(certificates)

    def serialize(self) -> bytes:
        writer = Writer()
        with writer.block(3):
            for certificate in self.certificates:
                writer.push_block(3, certificate)
        return bytes(writer)


@dataclass(frozen=True, slots=True)
class ServerKeyExchange:
    """RFC 8422 5.4, for a named curve. `params` is the part that is signed."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.SERVER_KEY_EXCHANGE
    group: int
    public_key: bytes
    scheme: int
    signature: bytes

    @property
    def params(self) -> bytes:
        return bytes([_NAMED_CURVE]) + self.group.to_bytes(2, "big") + bytes([len(self.public_key)]) + self.public_key

    @classmethod
    def parse(cls, body: bytes) -> ServerKeyExchange:
        reader = Reader(body)
        curve_type = reader.pull_u8()
        if curve_type != _NAMED_CURVE:
            raise DecodeError(f"curve type {curve_type}", offset=0)
        message = cls(reader.pull_u16(), reader.pull_block(1), reader.pull_u16(), reader.pull_block(2))
        reader.finish()
        return message

    def serialize(self) -> bytes:
        signature = len(self.signature).to_bytes(2, "big") + self.signature
        return self.params + self.scheme.to_bytes(2, "big") + signature


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """RFC 5246 7.4.4."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.CERTIFICATE_REQUEST
    certificate_types: bytes
    schemes: tuple[int, ...]
    authorities: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> CertificateRequest:
        reader = Reader(body)
        types = reader.pull_block(1)
        schemes = reader.block(2).pull_each(Reader.pull_u16)
        authorities = reader.block(2).pull_each(lambda r: r.pull_block(2))
        reader.finish()
        return cls(types, schemes, authorities)

    def serialize(self) -> bytes:
        writer = Writer()
        writer.push_block(1, self.certificate_types)
        with writer.block(2):
            writer.push_each(Writer.push_u16, self.schemes)
        with writer.block(2):
            for name in self.authorities:
                writer.push_block(2, name)
        return bytes(writer)


@dataclass(frozen=True, slots=True)
class ClientKeyExchange:
    """RFC 8422 5.7."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.CLIENT_KEY_EXCHANGE
    public_key: bytes

    @classmethod
    def parse(cls, body: bytes) -> ClientKeyExchange:
        reader = Reader(body)
        message = cls(reader.pull_block(1))
        reader.finish()
        return message

    def serialize(self) -> bytes:
        return bytes([len(self.public_key)]) + self.public_key


@dataclass(frozen=True, slots=True)
class ServerHelloDone:
    """RFC 5246 7.4.5."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.SERVER_HELLO_DONE

    @classmethod
    def parse(cls, body: bytes) -> ServerHelloDone:
        Reader(body).finish()
        return cls()

    def serialize(self) -> bytes:
        return b""


@dataclass(frozen=True, slots=True)
class HelloRequest:
    """RFC 5246 7.4.1.1: asks for a renegotiation."""

    TYPE: ClassVar[HandshakeType] = HandshakeType.HELLO_REQUEST

    @classmethod
    def parse(cls, body: bytes) -> HelloRequest:
        Reader(body).finish()
        return cls()

    def serialize(self) -> bytes:
        return b""


_PARSERS: Final[Mapping[int, Callable[[bytes], HandshakeMessage]]] = {
    HandshakeType.HELLO_REQUEST: HelloRequest.parse,
    HandshakeType.CLIENT_HELLO: ClientHello.parse,
    HandshakeType.SERVER_HELLO: ServerHello.parse,
    HandshakeType.HELLO_VERIFY_REQUEST: HelloVerifyRequest.parse,
    HandshakeType.CERTIFICATE: CertificateList.parse,
    HandshakeType.SERVER_KEY_EXCHANGE: ServerKeyExchange.parse,
    HandshakeType.CERTIFICATE_REQUEST: CertificateRequest.parse,
    HandshakeType.SERVER_HELLO_DONE: ServerHelloDone.parse,
    HandshakeType.CERTIFICATE_VERIFY: CertificateVerify.parse,
    HandshakeType.CLIENT_KEY_EXCHANGE: ClientKeyExchange.parse,
    HandshakeType.FINISHED: Finished.parse,
}


def parse_message(kind: int, body: bytes) -> HandshakeMessage:
    """The message of this type as DTLS 1.2 reads it; DecodeError when the body is malformed."""
    parser = _PARSERS.get(kind)
    return UnknownMessage(kind, body) if parser is None else parser(body)
