"""What a cipher suite stands for: its version, authentication, hash and AEAD."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from peer.dtls.certificate import KeyKind, PublicKey
from peer.dtls.config import Version
from peer.wire.dtls_parameters import CipherSuite

__all__ = ["SUITES", "TAG_SIZE", "Aead", "AeadKind", "Suite"]

TAG_SIZE: Final = 16
Aead: TypeAlias = AESGCM | ChaCha20Poly1305


class AeadKind(StrEnum):
    AES_GCM = "aes-gcm"
    CHACHA20_POLY1305 = "chacha20-poly1305"


@dataclass(frozen=True, slots=True)
class Suite:
    """`authentication` is the kind of key the server signs with; None in DTLS 1.3, where any does."""

    id: CipherSuite
    version: Version
    authentication: KeyKind | None
    hash: str
    aead: AeadKind
    key_size: int

    def fits(self, key: PublicKey) -> bool:
        """Whether a server with this key may choose the suite."""
        wanted = {KeyKind.ECDSA_P256: ec.EllipticCurvePublicKey, KeyKind.RSA_2048: rsa.RSAPublicKey}
        return self.authentication is None or isinstance(key, wanted[self.authentication])

    def make_aead(self, key: bytes) -> Aead:
        return AESGCM(key) if self.aead is AeadKind.AES_GCM else ChaCha20Poly1305(key)


_GCM, _CHACHA = AeadKind.AES_GCM, AeadKind.CHACHA20_POLY1305
_V12, _V13 = Version.DTLS12, Version.DTLS13
_ECDSA, _RSA = KeyKind.ECDSA_P256, KeyKind.RSA_2048

SUITES: Final = {
    suite.id: suite
    for suite in (
        Suite(CipherSuite.TLS_AES_128_GCM_SHA256, _V13, None, "sha256", _GCM, 16),
        Suite(CipherSuite.TLS_AES_256_GCM_SHA384, _V13, None, "sha384", _GCM, 32),
        Suite(CipherSuite.TLS_CHACHA20_POLY1305_SHA256, _V13, None, "sha256", _CHACHA, 32),
        Suite(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, _V12, _ECDSA, "sha256", _GCM, 16),
        Suite(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, _V12, _ECDSA, "sha384", _GCM, 32),
        Suite(CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, _V12, _RSA, "sha256", _GCM, 16),
        Suite(CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, _V12, _RSA, "sha384", _GCM, 32),
        Suite(CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, _V12, _ECDSA, "sha256", _CHACHA, 32),
        Suite(CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, _V12, _RSA, "sha256", _CHACHA, 32),
    )
}
"""By number. A number that isn't a key here is a suite we don't speak."""
