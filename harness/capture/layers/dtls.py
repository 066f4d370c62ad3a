"""DTLS 1.2 (RFC 6347) and DTLS 1.3 (RFC 9147) records as scapy layers: what is visible without keys, and plaintext once
opened.

A `DTLS` packet is a whole datagram: a list of records. A record's fragment stays bytes unless it is in clear (epoch 0),
when alerts, ChangeCipherSpec, ACK and handshake fragments are dissected. Handshake messages, put together from
fragments over several datagrams, are in `dtls_handshake`; who does that is `harness.capture.dtls.Connection`.
"""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any, Final

from scapy.fields import (
    BitField,
    ByteEnumField,
    ConditionalField,
    FieldLenField,
    LongField,
    MultipleTypeField,
    PacketListField,
    ShortEnumField,
    ShortField,
    ThreeBytesField,
    XByteField,
    XShortField,
    XStrLenField,
)
from scapy.packet import Packet, Raw

from harness.capture.layers.base import Element, Length24Field

__all__ = [
    "ACK",
    "ALERTS",
    "DTLS",
    "HANDSHAKE_TYPES",
    "VERSIONS",
    "Alert",
    "ApplicationData",
    "ChangeCipherSpec",
    "Ciphertext",
    "ContentType",
    "HandshakeFragment",
    "Plaintext",
    "RecordNumber",
    "Unreadable",
]


class ContentType(IntEnum):
    """RFC 8446 appendix B.1 and RFC 9147 section 4."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    HEARTBEAT = 24
    CID = 25
    ACK = 26


_CONTENT_NAMES: Final = {each.value: each.name.lower().replace("_", " ") for each in ContentType}
VERSIONS: Final = {0xFEFF: "DTLS 1.0", 0xFEFD: "DTLS 1.2", 0xFEFC: "DTLS 1.3"}

ALERTS: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    52: "too_many_cids_requested",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}

HANDSHAKE_TYPES: Final = {
    0: "HelloRequest",
    1: "ClientHello",
    2: "ServerHello",
    3: "HelloVerifyRequest",
    4: "NewSessionTicket",
    5: "EndOfEarlyData",
    8: "EncryptedExtensions",
    9: "RequestConnectionId",
    10: "NewConnectionId",
    11: "Certificate",
    12: "ServerKeyExchange",
    13: "CertificateRequest",
    14: "ServerHelloDone",
    15: "CertificateVerify",
    16: "ClientKeyExchange",
    20: "Finished",
    22: "CertificateStatus",
    24: "KeyUpdate",
    25: "CompressedCertificate",
    254: "MessageHash",
}


class Alert(Element):
    """RFC 8446 section 6; `level` 1 is warning, 2 fatal."""

    name = "DTLS alert"
    fields_desc = [ByteEnumField("level", 2, {1: "warning", 2: "fatal"}), ByteEnumField("description", 0, ALERTS)]


class ChangeCipherSpec(Element):
    """RFC 5246 section 7.1."""

    name = "DTLS ChangeCipherSpec"
    fields_desc = [XByteField("value", 1)]


class ApplicationData(Element):
    """Application data in clear (after decryption). The bytes are in `data`."""

    name = "DTLS application data"
    fields_desc = [XStrLenField("data", b"")]


class Unreadable(Element):
    """A record body nobody could open. `content` is the content type where the record header tells it, else None."""

    name = "DTLS protected record"
    fields_desc = [ByteEnumField("content", 23, _CONTENT_NAMES), XStrLenField("data", b"")]


class RecordNumber(Element):
    """RFC 9147 section 4.1: a 64-bit epoch and a 64-bit sequence number."""

    name = "record number"
    fields_desc = [LongField("epoch", 0), LongField("sequence", 0)]


class ACK(Element):
    """RFC 9147 section 7."""

    name = "DTLS ACK"
    fields_desc = [
        FieldLenField("length", None, length_of="records"),
        PacketListField("records", [], RecordNumber, length_from=lambda packet: packet.length),
    ]


class HandshakeFragment(Element):
    """A part of a handshake message with its header (RFC 9147 section 5.2)."""

    name = "DTLS handshake fragment"
    fields_desc = [
        ByteEnumField("type", 1, HANDSHAKE_TYPES),
        ThreeBytesField("length", 0),
        ShortField("message_seq", 0),
        ThreeBytesField("fragment_offset", 0),
        Length24Field("fragment_length", None, length_of="body"),
        XStrLenField("body", b"", length_from=lambda packet: packet.fragment_length),
    ]

    @property
    def is_whole(self) -> bool:
        return bool(self.fragment_offset == 0 and self.length == len(self.body))


_BODIES: Final[dict[int, type[Packet]]] = {
    ContentType.CHANGE_CIPHER_SPEC: ChangeCipherSpec,
    ContentType.ALERT: Alert,
    ContentType.HANDSHAKE: HandshakeFragment,
    ContentType.ACK: ACK,
}


def body_class(content: int, body: bytes) -> Any:
    """The class for a record body in clear of this content type; Raw where its length makes that impossible."""
    if content == ContentType.ALERT and len(body) != 2:
        return Raw
    if content == ContentType.CHANGE_CIPHER_SPEC and len(body) != 1:
        return Raw
    if content == ContentType.HANDSHAKE and not _splits(body):
        return Raw
    if content == ContentType.ACK and not _is_ack(body):
        return Raw
    return _BODIES.get(content, Raw)


def _splits(body: bytes) -> bool:
    """Whether the bytes are a sequence of whole handshake fragments."""
    position = 0
    while position + 12 <= len(body):
        position += 12 + int.from_bytes(body[position + 9 : position + 12], "big")
    return position == len(body) > 0


def _is_ack(body: bytes) -> bool:
    return len(body) >= 2 and struct.unpack_from("!H", body)[0] == len(body) - 2 and (len(body) - 2) % 16 == 0


def _body_of(packet: Any, _: list[Any], __: Any, remaining: bytes) -> type[Packet] | None:
    if not remaining:
        return None
    # scapy hands the first call everything that follows the field, not what its length allows.
    chosen: type[Packet] = body_class(packet.type, remaining[: packet.length]) if packet.epoch == 0 else Raw
    return chosen


class Plaintext(Element):
    """The 13-byte header (RFC 6347 section 4.1) and a body: dissected in epoch 0, bytes in a protected epoch."""

    name = "DTLS record"
    fields_desc = [
        ByteEnumField("type", 22, _CONTENT_NAMES),
        ShortEnumField("version", 0xFEFD, VERSIONS),
        ShortField("epoch", 0),
        BitField("sequence", 0, 48),
        FieldLenField("length", None, length_of="body"),
        PacketListField("body", [], next_cls_cb=_body_of, length_from=lambda packet: packet.length),
    ]


class Ciphertext(Element):
    """The unified header of DTLS 1.3 (RFC 9147 figure 3), without a connection id: WebRTC negotiates none."""

    name = "DTLS 1.3 record"
    fields_desc = [
        BitField("fixed", 1, 3),
        BitField("has_cid", 0, 1),
        BitField("long_sequence", 1, 1),
        BitField("has_length", 1, 1),
        BitField("epoch_bits", 2, 2),
        MultipleTypeField(
            [(XShortField("sequence_bits", 0), lambda packet: packet.long_sequence)], XByteField("sequence_bits", 0)
        ),
        ConditionalField(FieldLenField("length", None, length_of="body"), lambda packet: packet.has_length),
        XStrLenField("body", b"", length_from=lambda packet: packet.length if packet.has_length else None),
    ]

    @property
    def header_size(self) -> int:
        return 1 + (2 if self.long_sequence else 1) + (2 if self.has_length else 0)


def _record_class(_: Any, __: list[Any], ___: Any, remaining: bytes) -> type[Packet] | None:
    if not remaining:
        return None
    if remaining[0] >> 5 == 1:
        return Ciphertext if len(remaining) >= 5 else Raw
    return Plaintext if len(remaining) >= 13 and 20 <= remaining[0] <= 31 else Raw


class DTLS(Packet):
    """A datagram of DTLS records."""

    name = "DTLS"
    fields_desc = [PacketListField("records", [], next_cls_cb=_record_class)]
