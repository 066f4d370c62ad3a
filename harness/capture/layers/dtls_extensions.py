"""TLS extensions as scapy layers: those a WebRTC handshake carries; any other stays a plain `Extension`."""

# ruff: noqa: RUF012 (scapy reads `fields_desc`, a plain list, off the class)

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from scapy.fields import (
    ByteField,
    FieldLenField,
    FieldListField,
    PacketListField,
    ShortEnumField,
    ShortField,
    XStrLenField,
)
from scapy.packet import Packet

from harness.capture.layers.base import Element, define
from harness.capture.layers.dtls import VERSIONS

__all__ = [
    "EXTENSIONS",
    "GROUPS",
    "SIGNATURE_SCHEMES",
    "SRTP_PROFILES",
    "Extension",
    "KeyShareEntry",
    "extensions_field",
]

GROUPS: Final = {
    0x0017: "secp256r1",
    0x0018: "secp384r1",
    0x0019: "secp521r1",
    0x001D: "x25519",
    0x001E: "x448",
    0x0100: "ffdhe2048",
    0x0101: "ffdhe3072",
    0x11EB: "SecP256r1MLKEM768",
    0x11EC: "X25519MLKEM768",
}
SIGNATURE_SCHEMES: Final = {
    0x0201: "rsa_pkcs1_sha1",
    0x0203: "ecdsa_sha1",
    0x0401: "rsa_pkcs1_sha256",
    0x0403: "ecdsa_secp256r1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
}
SRTP_PROFILES: Final = {
    0x0001: "SRTP_AES128_CM_HMAC_SHA1_80",
    0x0002: "SRTP_AES128_CM_HMAC_SHA1_32",
    0x0005: "SRTP_NULL_HMAC_SHA1_80",
    0x0006: "SRTP_NULL_HMAC_SHA1_32",
    0x0007: "SRTP_AEAD_AES_128_GCM",
    0x0008: "SRTP_AEAD_AES_256_GCM",
}
EXTENSIONS: Final = {
    0: "server_name",
    1: "max_fragment_length",
    5: "status_request",
    10: "supported_groups",
    11: "ec_point_formats",
    13: "signature_algorithms",
    14: "use_srtp",
    16: "application_layer_protocol_negotiation",
    18: "signed_certificate_timestamp",
    20: "server_certificate_type",
    21: "padding",
    22: "encrypt_then_mac",
    23: "extended_master_secret",
    27: "compress_certificate",
    28: "record_size_limit",
    34: "delegated_credential",
    35: "session_ticket",
    41: "pre_shared_key",
    42: "early_data",
    43: "supported_versions",
    44: "cookie",
    45: "psk_key_exchange_modes",
    47: "certificate_authorities",
    49: "post_handshake_auth",
    50: "signature_algorithms_cert",
    51: "key_share",
    54: "connection_id",
    57: "quic_transport_parameters",
    65037: "encrypted_client_hello",
    65281: "renegotiation_info",
}


class Extension(Element):
    """Any extension: type, length, bytes."""

    name = "extension"
    fields_desc = [
        ShortEnumField("type", 0, EXTENSIONS),
        FieldLenField("length", None, length_of="data"),
        XStrLenField("data", b"", length_from=lambda packet: packet.length),
    ]

    @property
    def title(self) -> str:
        return EXTENSIONS.get(self.type, f"extension {self.type:#06x}")


def _list_of_shorts(kind: int, name: str, field: str, names: dict[int, str]) -> type[Packet]:
    """An extension that is a 16-bit length and a list of 16-bit numbers."""
    return _make(
        kind,
        name,
        [
            FieldLenField("length", None, length_of=field, adjust=lambda _, x: x + 2),
            FieldLenField(f"{field}_length", None, length_of=field),
            FieldListField(field, [], ShortEnumField("", 0, names), length_from=lambda packet: packet.length - 2),
        ],
    )


def _make(kind: int, name: str, fields: list[Any]) -> type[Packet]:
    identifier = "".join(part.capitalize() for part in name.split("_"))
    described = [ShortEnumField("type", kind, EXTENSIONS), *fields]
    made: type[Packet] = define(Extension, identifier, name, described, __module__=__name__)
    return made


SupportedGroups = _list_of_shorts(10, "supported_groups", "groups", GROUPS)
SignatureAlgorithms = _list_of_shorts(13, "signature_algorithms", "schemes", SIGNATURE_SCHEMES)
EcPointFormats = _make(
    11,
    "ec_point_formats",
    [
        FieldLenField("length", None, length_of="formats", adjust=lambda _, x: x + 1),
        FieldLenField("formats_length", None, length_of="formats", fmt="B"),
        FieldListField("formats", [], ByteField("", 0), length_from=lambda packet: packet.length - 1),
    ],
)
UseSrtp = _make(
    14,
    "use_srtp",
    [
        FieldLenField("length", None, length_of="profiles", adjust=lambda packet, x: x + 3 + len(packet.mki)),
        FieldLenField("profiles_length", None, length_of="profiles"),
        FieldListField(
            "profiles", [], ShortEnumField("", 0, SRTP_PROFILES), length_from=lambda packet: packet.profiles_length
        ),
        FieldLenField("mki_length", None, length_of="mki", fmt="B"),
        XStrLenField("mki", b"", length_from=lambda packet: packet.mki_length),
    ],
)
ExtendedMasterSecret = _make(23, "extended_master_secret", [ShortField("length", 0)])
SupportedVersionsOffered = _make(
    43,
    "supported_versions_offered",
    [
        FieldLenField("length", None, length_of="versions", adjust=lambda _, x: x + 1),
        FieldLenField("versions_length", None, length_of="versions", fmt="B"),
        FieldListField("versions", [], ShortEnumField("", 0, VERSIONS), length_from=lambda packet: packet.length - 1),
    ],
)
SupportedVersionSelected = _make(
    43, "supported_version_selected", [ShortField("length", 2), ShortEnumField("version", 0xFEFC, VERSIONS)]
)
Cookie = _make(
    44,
    "cookie",
    [
        FieldLenField("length", None, length_of="cookie", adjust=lambda _, x: x + 2),
        FieldLenField("cookie_length", None, length_of="cookie"),
        XStrLenField("cookie", b"", length_from=lambda packet: packet.length - 2),
    ],
)
RenegotiationInfo = _make(
    65281,
    "renegotiation_info",
    [
        FieldLenField("length", None, length_of="renegotiated", adjust=lambda _, x: x + 1),
        FieldLenField("renegotiated_length", None, length_of="renegotiated", fmt="B"),
        XStrLenField("renegotiated", b"", length_from=lambda packet: packet.length - 1),
    ],
)


class KeyShareEntry(Element):
    """RFC 8446 section 4.2.8."""

    name = "key share"
    fields_desc = [
        ShortEnumField("group", 0x001D, GROUPS),
        FieldLenField("length", None, length_of="key"),
        XStrLenField("key", b"", length_from=lambda packet: packet.length),
    ]


KeyShareOffered = _make(
    51,
    "key_share_offered",
    [
        FieldLenField("length", None, length_of="shares", adjust=lambda _, x: x + 2),
        FieldLenField("shares_length", None, length_of="shares"),
        PacketListField("shares", [], KeyShareEntry, length_from=lambda packet: packet.length - 2),
    ],
)
KeyShareSelected = _make(
    51,
    "key_share_selected",
    [
        FieldLenField("length", None, length_of="key", adjust=lambda _, x: x + 4),
        ShortEnumField("group", 0x001D, GROUPS),
        FieldLenField("key_length", None, length_of="key"),
        XStrLenField("key", b"", length_from=lambda packet: packet.length - 4),
    ],
)
KeyShareRetry = _make(51, "key_share_retry", [ShortField("length", 2), ShortEnumField("group", 0x001D, GROUPS)])

_EITHER: Final = {
    10: SupportedGroups,
    11: EcPointFormats,
    13: SignatureAlgorithms,
    14: UseSrtp,
    23: ExtendedMasterSecret,
    44: Cookie,
    65281: RenegotiationInfo,
}


def _vector(data: bytes, width: int) -> bool:
    """Whether the bytes are one length of `width` bytes and that many bytes."""
    return len(data) >= width and int.from_bytes(data[:width], "big") == len(data) - width


def _is_use_srtp(data: bytes) -> bool:
    if len(data) < 3:
        return False
    profiles = int.from_bytes(data[:2], "big")
    return profiles % 2 == 0 and profiles + 2 < len(data) and data[profiles + 2] == len(data) - profiles - 3


def _are_shares(data: bytes) -> bool:
    position = 2
    while position + 4 <= len(data):
        position += 4 + struct.unpack_from("!H", data, position + 2)[0]
    return _vector(data, 2) and position == len(data)


_FITS: Final[dict[int, Callable[[bytes], bool]]] = {
    10: lambda data: _vector(data, 2) and len(data) % 2 == 0,
    11: lambda data: _vector(data, 1),
    13: lambda data: _vector(data, 2) and len(data) % 2 == 0,
    14: _is_use_srtp,
    23: lambda data: not data,
    44: lambda data: _vector(data, 2),
    65281: lambda data: _vector(data, 1),
}


def _versions_class(data: bytes, *, from_client: bool) -> type[Packet]:
    if from_client and _vector(data, 1) and len(data) % 2 == 1:
        return SupportedVersionsOffered
    return SupportedVersionSelected if not from_client and len(data) == 2 else Extension


def _share_class(data: bytes, *, from_client: bool) -> type[Packet]:
    if from_client:
        return KeyShareOffered if _are_shares(data) else Extension
    if len(data) == 2:
        return KeyShareRetry
    return KeyShareSelected if len(data) >= 4 and _vector(data[2:], 2) else Extension


def _class_for(kind: int, data: bytes, *, from_client: bool) -> type[Packet]:
    if kind == 43:
        return _versions_class(data, from_client=from_client)
    if kind == 51:
        return _share_class(data, from_client=from_client)
    return _EITHER[kind] if kind in _FITS and _FITS[kind](data) else Extension


def extensions_field(*, from_client: bool) -> PacketListField:
    """The list of extensions; some have another form in a ClientHello than in an answer to it."""

    def choose(_: Any, __: list[Any], ___: Any, remaining: bytes) -> type[Packet] | None:
        if len(remaining) < 4:
            return Extension if remaining else None
        kind, length = struct.unpack_from("!HH", remaining)
        return _class_for(kind, remaining[4 : 4 + length], from_client=from_client)

    return PacketListField("extensions", [], next_cls_cb=choose, length_from=lambda packet: packet.extensions_length)
