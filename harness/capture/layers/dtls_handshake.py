"""Handshake messages of DTLS 1.2 and 1.3 as scapy layers: whole messages, after the fragments were put together.

Each has the 12-byte header of an unfragmented message, so `bytes(message)` is what the transcript hash covers in DTLS
1.2. A body that can't be what its type says becomes `Message`, with the bytes in `body`.
"""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

from typing import Any, Final

from scapy.fields import (
    ByteEnumField,
    ByteField,
    FieldLenField,
    FieldListField,
    IntField,
    PacketListField,
    ShortEnumField,
    ShortField,
    ThreeBytesField,
    XStrFixedLenField,
    XStrLenField,
)

from harness.capture.layers.base import MALFORMED, Element, Length24Field, is_makeshift, read, rebuilt, type_of
from harness.capture.layers.dtls import HANDSHAKE_TYPES, VERSIONS
from harness.capture.layers.dtls_extensions import GROUPS, SIGNATURE_SCHEMES, extensions_field

__all__ = [
    "CIPHER_SUITES",
    "Certificate12",
    "Certificate13",
    "CertificateEntry",
    "CertificateRequest12",
    "CertificateRequest13",
    "CertificateVerify",
    "ClientHello",
    "ClientKeyExchange",
    "EncryptedExtensions",
    "Finished",
    "HelloVerifyRequest",
    "KeyUpdate",
    "Message",
    "NewSessionTicket13",
    "ServerHello",
    "ServerHelloDone",
    "ServerKeyExchange",
    "dissect",
]

CIPHER_SUITES: Final = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0x00FF: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
}
_HEADER: Final = 12
# RFC 8446 section 4.1.3: the random of a ServerHello that is a HelloRetryRequest.
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def _header(kind: int) -> list[Any]:
    return [
        ByteEnumField("type", kind, HANDSHAKE_TYPES),
        ThreeBytesField("length", None),
        ShortField("message_seq", 0),
        ThreeBytesField("fragment_offset", 0),
        ThreeBytesField("fragment_length", None),
    ]


class Message(Element):
    """Any handshake message; `body` holds the bytes."""

    name = "handshake message"
    makeshift = True
    fields_desc = [*_header(0), XStrLenField("body", b"", length_from=lambda packet: packet.fragment_length)]

    @property
    def title(self) -> str:
        return HANDSHAKE_TYPES.get(self.type, f"handshake message {self.type}")

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        size = (len(pkt) - _HEADER).to_bytes(3, "big")
        if self.length is None:
            pkt = pkt[:1] + size + pkt[4:]
        if self.fragment_length is None:
            pkt = pkt[:9] + size + pkt[12:]
        return pkt + pay

    def extension(self, kind: int) -> Any:
        """The first extension of this type, or None."""
        return next((each for each in self.fields.get("extensions", ()) if type_of(each) == kind), None)


class ClientHello(Message):
    """RFC 9147 section 5.3, RFC 6347 section 4.2.1."""

    name = "ClientHello"
    fields_desc = [
        *_header(1),
        ShortEnumField("version", 0xFEFD, VERSIONS),
        XStrFixedLenField("random", bytes(32), 32),
        FieldLenField("session_id_length", None, length_of="session_id", fmt="B"),
        XStrLenField("session_id", b"", length_from=lambda packet: packet.session_id_length),
        FieldLenField("cookie_length", None, length_of="cookie", fmt="B"),
        XStrLenField("cookie", b"", length_from=lambda packet: packet.cookie_length),
        FieldLenField("cipher_suites_length", None, length_of="cipher_suites"),
        FieldListField(
            "cipher_suites",
            [],
            ShortEnumField("", 0, CIPHER_SUITES),
            length_from=lambda packet: packet.cipher_suites_length,
        ),
        FieldLenField("compression_methods_length", None, length_of="compression_methods", fmt="B"),
        FieldListField(
            "compression_methods", [0], ByteField("", 0), length_from=lambda packet: packet.compression_methods_length
        ),
        FieldLenField("extensions_length", None, length_of="extensions"),
        extensions_field(from_client=True),
    ]


class ServerHello(Message):
    """RFC 8446 section 4.1.3; also a HelloRetryRequest."""

    name = "ServerHello"
    fields_desc = [
        *_header(2),
        ShortEnumField("version", 0xFEFD, VERSIONS),
        XStrFixedLenField("random", bytes(32), 32),
        FieldLenField("session_id_length", None, length_of="session_id", fmt="B"),
        XStrLenField("session_id", b"", length_from=lambda packet: packet.session_id_length),
        ShortEnumField("cipher_suite", 0xC02B, CIPHER_SUITES),
        ByteField("compression_method", 0),
        FieldLenField("extensions_length", None, length_of="extensions"),
        extensions_field(from_client=False),
    ]

    @property
    def is_retry(self) -> bool:
        return bool(self.random == _RETRY)

    @property
    def title(self) -> str:
        return "HelloRetryRequest" if self.is_retry else "ServerHello"

    @property
    def negotiated_version(self) -> int:
        """RFC 8446 section 4.2.1: supported_versions outweighs the legacy field."""
        selected = self.extension(43)
        return int(selected.version if selected is not None and "version" in selected.fields else self.version)


class HelloVerifyRequest(Message):
    """RFC 6347 section 4.2.1."""

    name = "HelloVerifyRequest"
    fields_desc = [
        *_header(3),
        ShortEnumField("version", 0xFEFF, VERSIONS),
        FieldLenField("cookie_length", None, length_of="cookie", fmt="B"),
        XStrLenField("cookie", b"", length_from=lambda packet: packet.cookie_length),
    ]


class NewSessionTicket13(Message):
    """RFC 8446 section 4.6.1."""

    name = "NewSessionTicket"
    fields_desc = [
        *_header(4),
        IntField("lifetime", 0),
        IntField("age_add", 0),
        FieldLenField("nonce_length", None, length_of="nonce", fmt="B"),
        XStrLenField("nonce", b"", length_from=lambda packet: packet.nonce_length),
        FieldLenField("ticket_length", None, length_of="ticket"),
        XStrLenField("ticket", b"", length_from=lambda packet: packet.ticket_length),
        FieldLenField("extensions_length", None, length_of="extensions"),
        extensions_field(from_client=False),
    ]


class EncryptedExtensions(Message):
    """RFC 8446 section 4.3.1."""

    name = "EncryptedExtensions"
    fields_desc = [
        *_header(8),
        FieldLenField("extensions_length", None, length_of="extensions"),
        extensions_field(from_client=False),
    ]


class CertificateData(Element):
    """One DER certificate of a DTLS 1.2 chain."""

    name = "certificate"
    fields_desc = [
        Length24Field("length", None, length_of="der"),
        XStrLenField("der", b"", length_from=lambda packet: packet.length),
    ]


class Certificate12(Message):
    """RFC 5246 section 7.4.2."""

    name = "Certificate"
    fields_desc = [
        *_header(11),
        Length24Field("chain_length", None, length_of="chain"),
        PacketListField("chain", [], CertificateData, length_from=lambda packet: packet.chain_length),
    ]


class CertificateEntry(Element):
    """One DER certificate with its extensions (DTLS 1.3)."""

    name = "certificate entry"
    fields_desc = [
        Length24Field("length", None, length_of="der"),
        XStrLenField("der", b"", length_from=lambda packet: packet.length),
        FieldLenField("extensions_length", None, length_of="extensions"),
        extensions_field(from_client=False),
    ]


class Certificate13(Message):
    """RFC 8446 section 4.4.2."""

    name = "Certificate"
    fields_desc = [
        *_header(11),
        FieldLenField("context_length", None, length_of="context", fmt="B"),
        XStrLenField("context", b"", length_from=lambda packet: packet.context_length),
        Length24Field("chain_length", None, length_of="chain"),
        PacketListField("chain", [], CertificateEntry, length_from=lambda packet: packet.chain_length),
    ]


class ServerKeyExchange(Message):
    """ECDHE with a named curve (RFC 8422 section 5.4)."""

    name = "ServerKeyExchange"
    fields_desc = [
        *_header(12),
        ByteEnumField("curve_type", 3, {3: "named_curve"}),
        ShortEnumField("group", 0x0017, GROUPS),
        FieldLenField("point_length", None, length_of="point", fmt="B"),
        XStrLenField("point", b"", length_from=lambda packet: packet.point_length),
        ShortEnumField("scheme", 0x0403, SIGNATURE_SCHEMES),
        FieldLenField("signature_length", None, length_of="signature"),
        XStrLenField("signature", b"", length_from=lambda packet: packet.signature_length),
    ]


class CertificateRequest12(Message):
    """RFC 5246 section 7.4.4."""

    name = "CertificateRequest"
    fields_desc = [
        *_header(13),
        FieldLenField("certificate_types_length", None, length_of="certificate_types", fmt="B"),
        FieldListField(
            "certificate_types", [64], ByteField("", 0), length_from=lambda packet: packet.certificate_types_length
        ),
        FieldLenField("schemes_length", None, length_of="schemes"),
        FieldListField(
            "schemes", [], ShortEnumField("", 0, SIGNATURE_SCHEMES), length_from=lambda packet: packet.schemes_length
        ),
        FieldLenField("authorities_length", None, length_of="authorities"),
        XStrLenField("authorities", b"", length_from=lambda packet: packet.authorities_length),
    ]


class CertificateRequest13(Message):
    """RFC 8446 section 4.3.2."""

    name = "CertificateRequest"
    fields_desc = [
        *_header(13),
        FieldLenField("context_length", None, length_of="context", fmt="B"),
        XStrLenField("context", b"", length_from=lambda packet: packet.context_length),
        FieldLenField("extensions_length", None, length_of="extensions"),
        extensions_field(from_client=False),
    ]


class ServerHelloDone(Message):
    """RFC 5246 section 7.4.5."""

    name = "ServerHelloDone"
    fields_desc = _header(14)


class CertificateVerify(Message):
    """RFC 5246 section 7.4.8, RFC 8446 section 4.4.3."""

    name = "CertificateVerify"
    fields_desc = [
        *_header(15),
        ShortEnumField("scheme", 0x0403, SIGNATURE_SCHEMES),
        FieldLenField("signature_length", None, length_of="signature"),
        XStrLenField("signature", b"", length_from=lambda packet: packet.signature_length),
    ]


class ClientKeyExchange(Message):
    """The client's ECDHE point (RFC 8422 section 5.7)."""

    name = "ClientKeyExchange"
    fields_desc = [
        *_header(16),
        FieldLenField("point_length", None, length_of="point", fmt="B"),
        XStrLenField("point", b"", length_from=lambda packet: packet.point_length),
    ]


class Finished(Message):
    """RFC 5246 section 7.4.9, RFC 8446 section 4.4.4."""

    name = "Finished"
    fields_desc = [*_header(20), XStrLenField("verify_data", b"", length_from=lambda packet: packet.fragment_length)]


class KeyUpdate(Message):
    """RFC 8446 section 4.6.3."""

    name = "KeyUpdate"
    fields_desc = [*_header(24), ByteEnumField("request_update", 0, {0: "update_not_requested", 1: "update_requested"})]


_COMMON: Final[dict[int, type[Message]]] = {
    1: ClientHello,
    2: ServerHello,
    3: HelloVerifyRequest,
    8: EncryptedExtensions,
    12: ServerKeyExchange,
    14: ServerHelloDone,
    15: CertificateVerify,
    16: ClientKeyExchange,
    20: Finished,
    24: KeyUpdate,
}
_DTLS12: Final = {**_COMMON, 11: Certificate12, 13: CertificateRequest12}
_DTLS13: Final = {**_COMMON, 4: NewSessionTicket13, 11: Certificate13, 13: CertificateRequest13}


def dissect(data: bytes, *, dtls13: bool) -> Any:
    """A whole handshake message (header with fragment_offset 0, then the body).

    Where the bytes don't fit the type exactly (building what was read must give the same bytes) the answer is a plain
    `Message`: nothing a peer sends raises.
    """
    kind = (_DTLS13 if dtls13 else _DTLS12).get(data[0], Message) if data else Message
    message = read(kind, data)
    if kind is Message or (not is_makeshift(message) and _is_whole(message, data)):
        return message
    return read(Message, data)


def _is_whole(message: Message, data: bytes) -> bool:
    try:
        return rebuilt(message) == data
    except MALFORMED:
        return False
