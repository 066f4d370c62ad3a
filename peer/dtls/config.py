"""What a connection may negotiate, and how patient it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from peer.dtls.certificate import Certificate, Fingerprint
from peer.wire.dtls_handshake import Fragment, HandshakeMessage
from peer.wire.dtls_parameters import CipherSuite, NamedGroup, SignatureScheme
from peer.wire.dtls_record import Record

__all__ = [
    "Config",
    "DatagramTransform",
    "Entropy",
    "HandshakeTransform",
    "RecordTransform",
    "Role",
    "Version",
    "identity",
]

Entropy: TypeAlias = Callable[[int], bytes]
T = TypeVar("T")


def identity(message: T) -> Iterable[T]:
    """Changes nothing."""
    return (message,)


HandshakeTransform: TypeAlias = Callable[[HandshakeMessage], Iterable[HandshakeMessage | Fragment | bytes]]
"""Called with each handshake message. Bytes are a whole message: type 1, length 3, body. A `Fragment` goes out as it is
and is no part of the transcript."""
RecordTransform: TypeAlias = Callable[[Record], Iterable[Record | bytes]]
"""Called with each record before protection. Its `epoch` and `sequence` may be changed; bytes go out unprotected."""
DatagramTransform: TypeAlias = Callable[[bytes], Iterable[bytes]]


class Role(StrEnum):
    CLIENT = "client"
    SERVER = "server"


class Version(StrEnum):
    DTLS12 = "DTLSv1.2"
    DTLS13 = "DTLSv1.3"


_ALL_VERSIONS: Final = (Version.DTLS13, Version.DTLS12)
_ALL_SUITES: Final = (
    CipherSuite.TLS_AES_128_GCM_SHA256,
    CipherSuite.TLS_AES_256_GCM_SHA384,
    CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
    CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
)
_ALL_GROUPS: Final = (NamedGroup.X25519MLKEM768, NamedGroup.x25519, NamedGroup.secp256r1, NamedGroup.secp384r1)
_ALL_SCHEMES: Final = (
    SignatureScheme.ecdsa_secp256r1_sha256,
    SignatureScheme.rsa_pss_rsae_sha256,
    SignatureScheme.rsa_pkcs1_sha256,
    SignatureScheme.ecdsa_secp384r1_sha384,
    SignatureScheme.rsa_pss_rsae_sha384,
    SignatureScheme.rsa_pkcs1_sha384,
    SignatureScheme.rsa_pss_rsae_sha512,
    SignatureScheme.rsa_pkcs1_sha512,
)


@dataclass(frozen=True, slots=True)
class Config:
    """All lists are in order of preference.

    `remote_fingerprints`: the certificate must match one of them; None accepts any certificate, or none at all (for
    peers that are not WebRTC's). `key_shares`: the groups a DTLS 1.3 client sends a share for, by default the first
    and the first classical one. `connection_id`: the id we ask to be reached by; None doesn't offer the extension,
    b"" offers to send the peer's.
    """

    certificate: Certificate
    remote_fingerprints: tuple[Fingerprint, ...] | None = ()
    versions: tuple[Version, ...] = _ALL_VERSIONS
    cipher_suites: tuple[CipherSuite, ...] = _ALL_SUITES
    groups: tuple[NamedGroup, ...] = _ALL_GROUPS
    key_shares: tuple[NamedGroup, ...] | None = None
    signature_schemes: tuple[SignatureScheme, ...] = _ALL_SCHEMES
    srtp_profiles: tuple[int, ...] = ()
    request_client_certificate: bool = True
    require_extended_master_secret: bool = True
    verify_address: bool = False
    """As server, make the client prove its address with a cookie. ICE has done that already in WebRTC."""
    connection_id: bytes | None = None
    mtu: int = 1200
    """The largest datagram, in bytes, that a handshake flight is cut into."""
    record_size_limit: int | None = None
    """RFC 8449: bytes of plaintext, 64 to 16,385, that a record we receive may have; None doesn't say any.

    With a limit of the other side's, longer application data is a LocalProtocolError: datagrams aren't cut."""
    retransmission_timeout: float = 0.4
    """Seconds before the first retransmission; RFC 9147 5.8.2 recommends 400 ms for DTLS-SRTP. Doubles up to 60 s."""
    handshake_timeout: float | None = None
    """Seconds from `start`, or from the first datagram, until an unfinished handshake is given up. None: never."""
