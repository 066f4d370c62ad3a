"""Certificates as WebRTC uses them: self-signed, known by their fingerprint, no path to validate (RFC 8827 6.5).

Of a remote certificate we need its hash and its public key, nothing else, so nothing else of it is read: a serial
number of 30 bytes or a negative one, odd names or unknown extensions are no reason to refuse the key that the
fingerprint vouches for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from peer.errors import DecodeError

__all__ = ["Certificate", "Fingerprint", "KeyKind", "PrivateKey", "PublicKey", "is_vouched_for", "public_key_of"]

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

# RFC 8122 section 5 lists more; MD2, MD5 and SHA-1 are there for certificates signed with them, which nobody should
# trust: RFC 8122 says implementations MUST NOT use MD2 and MD5, and RFC 8827 6.5 asks for SHA-256 at least.
_HASHES: Final = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The `a=fingerprint` of RFC 8122. `algorithm` is in lower case."""

    algorithm: str
    value: bytes

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """`sha-256 AB:CD:...`, in either case. DecodeError when it isn't that."""
        algorithm, _, digits = text.strip().partition(" ")
        try:
            return cls(algorithm.lower(), bytes.fromhex(digits.strip().replace(":", "")))
        except ValueError:
            raise DecodeError(f"not a fingerprint: {text!r}") from None

    @classmethod
    def of(cls, certificate: bytes, algorithm: str = "sha-256") -> Fingerprint:
        """The fingerprint of a DER certificate. KeyError on an algorithm that isn't accepted."""
        return cls(algorithm, _HASHES[algorithm](certificate).digest())

    def __str__(self) -> str:
        return f"{self.algorithm} {self.value.hex(':').upper()}"

    def matches(self, certificate: bytes) -> bool:
        """True when it is a certificate's fingerprint, by an algorithm that is accepted (not sha-1)."""
        digest = _HASHES.get(self.algorithm)
        return digest is not None and digest(certificate).digest() == self.value


def is_vouched_for(certificate: bytes, fingerprints: Iterable[Fingerprint]) -> bool:
    """RFC 8122 section 5: only the set with the strongest hash counts, and one of that set must match."""
    accepted = [fingerprint for fingerprint in fingerprints if fingerprint.algorithm in _HASHES]
    best = max((fingerprint.algorithm for fingerprint in accepted), default="")
    return any(fingerprint.matches(certificate) for fingerprint in accepted if fingerprint.algorithm == best)


class KeyKind(StrEnum):
    ECDSA_P256 = "ecdsa-p256"
    RSA_2048 = "rsa-2048"


_GENERATORS: Final[dict[KeyKind, Callable[[], PrivateKey]]] = {
    KeyKind.ECDSA_P256: lambda: ec.generate_private_key(ec.SECP256R1()),
    KeyKind.RSA_2048: lambda: rsa.generate_private_key(65537, 2048),
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of our own and its key."""

    der: bytes
    private_key: PrivateKey
    expires: datetime

    @classmethod
    def generate(
        cls,
        kind: KeyKind = KeyKind.ECDSA_P256,
        *,
        now: datetime,
        lifetime: timedelta = timedelta(days=30),
        entropy: Callable[[int], bytes],
    ) -> Certificate:
        """A self-signed certificate, signed with SHA-256. `now` must be aware; `entropy` gives serial and name.

        The key itself comes from the operating system: `cryptography` makes keys from nothing else.
        """
        key = _GENERATORS[kind]()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, entropy(8).hex())])
        # RFC 5280 4.1.2.2: positive, at most 20 octets.
        serial = int.from_bytes(entropy(19), "big") | 1
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(serial)
            # A day of slack for the clocks of others.
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + lifetime)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate.public_bytes(serialization.Encoding.DER), key, now + lifetime)

    @property
    def kind(self) -> KeyKind:
        return KeyKind.RSA_2048 if isinstance(self.private_key, rsa.RSAPrivateKey) else KeyKind.ECDSA_P256

    def fingerprint(self, algorithm: str = "sha-256") -> Fingerprint:
        """KeyError on an algorithm that isn't accepted."""
        return Fingerprint.of(self.der, algorithm)


_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0


def _element(data: bytes, position: int) -> tuple[int, int, int]:
    """The DER element at `position`: tag, start and end of its contents."""
    if position + 2 > len(data):
        raise DecodeError("the certificate ends early", offset=position)
    tag, length, start = data[position], data[position + 1], position + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 3 or start + size > len(data):
            raise DecodeError("the certificate has a bad length", offset=position + 1)
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise DecodeError("the certificate ends early", offset=position)
    return tag, start, start + length


def public_key_of(certificate: bytes) -> PublicKey:
    """The key in a DER certificate. DecodeError when there is none that we can use.

    RFC 5280 4.1: Certificate { tbsCertificate { [0] version, serialNumber, signature, issuer, validity, subject,
    subjectPublicKeyInfo, ...
    """
    tag, start, _ = _element(certificate, 0)
    if tag == _SEQUENCE:
        tag, start, _ = _element(certificate, start)
    if tag != _SEQUENCE:
        raise DecodeError("not a certificate", offset=0)
    if _element(certificate, start)[0] == _VERSION:
        start = _element(certificate, start)[2]
    for _ in range(5):
        start = _element(certificate, start)[2]
    end = _element(certificate, start)[2]
    try:
        key = serialization.load_der_public_key(certificate[start:end])
    except (ValueError, UnsupportedAlgorithm):
        raise DecodeError("the certificate's key can't be read", offset=start) from None
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise DecodeError("the certificate's key is neither EC nor RSA", offset=start)
    return key
