"""Key agreement: the (EC)DHE groups and the hybrid with ML-KEM-768.

Two moves, the same for all: the opener makes a `KeyAgreement` and sends its `public`; the other side calls `respond`
with that and sends back what it gets; the opener calls `finish`. With Diffie-Hellman both moves are alike; a KEM has
a key one way and a ciphertext the other. Everything here raises ValueError, and only that, on what a peer sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from peer.wire.dtls_parameters import NamedGroup

__all__ = ["CLASSICAL_GROUPS", "GROUPS", "KeyAgreement", "Response", "open_agreement", "respond"]


class KeyAgreement(Protocol):
    """The opener's half."""

    @property
    def public(self) -> bytes: ...

    def finish(self, share: bytes) -> bytes:
        """The shared secret, from what the other side answered. ValueError when its share is no good."""


@dataclass(frozen=True, slots=True)
class Response:
    """The answering side's share, and the secret both now have."""

    public: bytes
    secret: bytes


class _X25519:
    __slots__ = ("_key", "public")

    def __init__(self) -> None:
        self._key = x25519.X25519PrivateKey.generate()
        self.public = self._key.public_key().public_bytes_raw()

    def finish(self, share: bytes) -> bytes:
        # Raises ValueError itself on another length and on an all-zero result (RFC 7748 6.1).
        return self._key.exchange(x25519.X25519PublicKey.from_public_bytes(share))


class _Ecdh:
    __slots__ = ("_curve", "_key", "public")

    def __init__(self, curve: ec.EllipticCurve) -> None:
        self._curve = curve
        self._key = ec.generate_private_key(curve)
        self.public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def finish(self, share: bytes) -> bytes:
        if share[:1] != b"\x04":
            raise ValueError("not an uncompressed point")  # RFC 8446 4.2.8.2
        return self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(self._curve, share))


_KEM_KEY_SIZE: Final = 1184
_KEM_CIPHERTEXT_SIZE: Final = 1088


class _HybridMlKem768:
    """draft-ietf-tls-ecdhe-mlkem 4: the ML-KEM part comes first, in shares and in the secret."""

    __slots__ = ("_classical", "_key", "public")

    def __init__(self) -> None:
        self._key = mlkem.MLKEM768PrivateKey.generate()
        self._classical = _X25519()
        self.public = self._key.public_key().public_bytes_raw() + self._classical.public

    def finish(self, share: bytes) -> bytes:
        if len(share) != _KEM_CIPHERTEXT_SIZE + 32:
            raise ValueError(f"share of {len(share)} bytes")
        secret = self._key.decapsulate(share[:_KEM_CIPHERTEXT_SIZE])
        return secret + self._classical.finish(share[_KEM_CIPHERTEXT_SIZE:])


_OPENERS: Final[dict[NamedGroup, Callable[[], KeyAgreement]]] = {
    NamedGroup.x25519: _X25519,
    NamedGroup.secp256r1: lambda: _Ecdh(ec.SECP256R1()),
    NamedGroup.secp384r1: lambda: _Ecdh(ec.SECP384R1()),
    NamedGroup.X25519MLKEM768: _HybridMlKem768,
}
GROUPS: Final = frozenset(_OPENERS)
CLASSICAL_GROUPS: Final = GROUPS - {NamedGroup.X25519MLKEM768}
"""What DTLS 1.2 can use."""


def open_agreement(group: NamedGroup) -> KeyAgreement:
    """A fresh key pair of this group. Private keys come from the operating system."""
    return _OPENERS[group]()


def respond(group: NamedGroup, share: bytes) -> Response:
    """Answers the opener's share. ValueError when it is no good."""
    if group is not NamedGroup.X25519MLKEM768:
        own = open_agreement(group)
        return Response(own.public, own.finish(share))
    if len(share) != _KEM_KEY_SIZE + 32:
        raise ValueError(f"share of {len(share)} bytes")
    classical = _X25519()
    secret, ciphertext = mlkem.MLKEM768PublicKey.from_public_bytes(share[:_KEM_KEY_SIZE]).encapsulate()
    return Response(ciphertext + classical.public, secret + classical.finish(share[_KEM_KEY_SIZE:]))
