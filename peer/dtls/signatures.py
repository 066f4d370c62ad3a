"""Signing and verifying by SignatureScheme: RFC 8446 4.2.3, RFC 5246 7.4.1.4.1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from peer.dtls.certificate import PrivateKey, PublicKey
from peer.dtls.config import Version
from peer.wire.dtls_parameters import SignatureScheme

__all__ = ["choose_scheme", "is_usable", "sign", "verify"]


@dataclass(frozen=True, slots=True)
class _Scheme:
    """`curve` binds the key in DTLS 1.3 only; in 1.2 the number names no more than hash and algorithm."""

    hash: hashes.HashAlgorithm
    curve: type[ec.EllipticCurve] | None = None
    pss: bool = False

    @property
    def padding(self) -> padding.AsymmetricPadding:
        if self.pss:
            return padding.PSS(padding.MGF1(self.hash), self.hash.digest_size)
        return padding.PKCS1v15()


_SCHEMES: Final = {
    SignatureScheme.ecdsa_secp256r1_sha256: _Scheme(hashes.SHA256(), ec.SECP256R1),
    SignatureScheme.ecdsa_secp384r1_sha384: _Scheme(hashes.SHA384(), ec.SECP384R1),
    SignatureScheme.ecdsa_secp521r1_sha512: _Scheme(hashes.SHA512(), ec.SECP521R1),
    SignatureScheme.rsa_pkcs1_sha256: _Scheme(hashes.SHA256()),
    SignatureScheme.rsa_pkcs1_sha384: _Scheme(hashes.SHA384()),
    SignatureScheme.rsa_pkcs1_sha512: _Scheme(hashes.SHA512()),
    SignatureScheme.rsa_pss_rsae_sha256: _Scheme(hashes.SHA256(), pss=True),
    SignatureScheme.rsa_pss_rsae_sha384: _Scheme(hashes.SHA384(), pss=True),
    SignatureScheme.rsa_pss_rsae_sha512: _Scheme(hashes.SHA512(), pss=True),
}


def is_usable(scheme: int, key: PrivateKey | PublicKey, version: Version) -> bool:
    """Whether a key of this kind may sign with this scheme in this version."""
    known = _SCHEMES.get(scheme)  # type: ignore[call-overload]  # an int that is no member is just not found
    if known is None:
        return False
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        # RFC 8446 4.2.3: PKCS #1 v1.5 is for certificates only in 1.3.
        return known.curve is None and (known.pss or version is Version.DTLS12)
    if known.curve is None:
        return False
    return version is Version.DTLS12 or isinstance(key.curve, known.curve)


def choose_scheme(
    ours: Iterable[SignatureScheme], theirs: Iterable[int], key: PrivateKey, version: Version
) -> SignatureScheme | None:
    """Our favourite among the schemes both allow that this key can make."""
    allowed = frozenset(theirs)
    return next((scheme for scheme in ours if scheme in allowed and is_usable(scheme, key, version)), None)


def sign(key: PrivateKey, scheme: SignatureScheme, data: bytes) -> bytes:
    """Signs with a scheme that `is_usable`."""
    known = _SCHEMES[scheme]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, known.padding, known.hash)
    return key.sign(data, ec.ECDSA(known.hash))


def verify(key: PublicKey, scheme: int, signature: bytes, data: bytes) -> bool:
    """Verifies with a scheme that `is_usable`."""
    known = _SCHEMES[SignatureScheme(scheme)]
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, known.padding, known.hash)
        else:
            key.verify(signature, data, ec.ECDSA(known.hash))
    except InvalidSignature:
        return False
    return True
