"""Numbers of the TLS registries that DTLS 1.2 and 1.3 use in WebRTC.

Members carry the names of the IANA registry, so that `suite.name` is what a report shows. Peers may say other numbers:
the wire types hold plain integers, and `name_of` shows those too.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["DTLS10", "DTLS12", "DTLS13", "CipherSuite", "NamedGroup", "SignatureScheme", "SrtpProfile", "name_of"]

DTLS10: Final = 0xFEFF
DTLS12: Final = 0xFEFD
DTLS13: Final = 0xFEFC


class CipherSuite(IntEnum):
    """RFC 8446 B.4, RFC 5289, RFC 7905."""

    TLS_AES_128_GCM_SHA256 = 0x1301
    TLS_AES_256_GCM_SHA384 = 0x1302
    TLS_CHACHA20_POLY1305_SHA256 = 0x1303
    TLS_EMPTY_RENEGOTIATION_INFO_SCSV = 0x00FF
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 = 0xC02B
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 = 0xC02C
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 = 0xC02F
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 = 0xC030
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA8
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA9


class NamedGroup(IntEnum):
    """RFC 8446 4.2.7 and draft-ietf-tls-ecdhe-mlkem."""

    secp256r1 = 0x0017
    secp384r1 = 0x0018
    x25519 = 0x001D
    X25519MLKEM768 = 0x11EC


class SignatureScheme(IntEnum):
    """RFC 8446 4.2.3. In DTLS 1.2 the same numbers are (hash, signature) pairs."""

    rsa_pkcs1_sha1 = 0x0201
    ecdsa_sha1 = 0x0203
    rsa_pkcs1_sha256 = 0x0401
    ecdsa_secp256r1_sha256 = 0x0403
    rsa_pkcs1_sha384 = 0x0501
    ecdsa_secp384r1_sha384 = 0x0503
    rsa_pkcs1_sha512 = 0x0601
    ecdsa_secp521r1_sha512 = 0x0603
    rsa_pss_rsae_sha256 = 0x0804
    rsa_pss_rsae_sha384 = 0x0805
    rsa_pss_rsae_sha512 = 0x0806
    ed25519 = 0x0807


class SrtpProfile(IntEnum):
    """RFC 5764 4.1.2, RFC 7714 14.2."""

    SRTP_AES128_CM_HMAC_SHA1_80 = 0x0001
    SRTP_AES128_CM_HMAC_SHA1_32 = 0x0002
    SRTP_AEAD_AES_128_GCM = 0x0007
    SRTP_AEAD_AES_256_GCM = 0x0008


def name_of(registry: type[IntEnum], number: int) -> str:
    """The registered name, or the number in hexadecimal."""
    try:
        return registry(number).name
    except ValueError:
        return f"0x{number:04x}"
