"""RTCCertificate and RTCPeerConnection.generateCertificate, webrtc-pc section 4.9."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from peer.api.errors import NotSupportedError
from peer.api.tasks import Promise
from peer.api.webidl import MISSING, Dictionary, dictionary, enforced, integer, string
from peer.dtls import Certificate, KeyKind

__all__ = ["RTCCertificate", "default_certificate", "generate_certificate"]

# Section 4.9.1, steps 2 and 3.4, in milliseconds.
DEFAULT_LIFETIME: Final = 30 * 24 * 3600 * 1000
MAX_LIFETIME: Final = 365 * 24 * 3600 * 1000


class RTCCertificate:
    """A certificate and its private key, which never leaves it."""

    __slots__ = ("_certificate", "_expires")

    def __init__(self, certificate: Certificate, expires: int) -> None:
        self._certificate = certificate
        self._expires = expires

    @property
    def expires(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        return self._expires

    def getFingerprints(self) -> list[Dictionary]:
        """RTCDtlsFingerprint dictionaries: `algorithm`, and `value` in lower-case hex with colons."""
        fingerprint = self._certificate.fingerprint("sha-256")
        return [Dictionary(algorithm=fingerprint.algorithm, value=fingerprint.value.hex(":"))]

    def _expired(self, now: datetime) -> bool:
        return self._expires < now.timestamp() * 1000


def _make(kind: KeyKind, lifetime: int) -> RTCCertificate:
    now = datetime.now(UTC)
    certificate = Certificate.generate(kind, now=now, lifetime=timedelta(milliseconds=lifetime), entropy=os.urandom)
    return RTCCertificate(certificate, int(now.timestamp() * 1000) + lifetime)


def default_certificate(given: Certificate | None = None) -> RTCCertificate:
    """What a connection without `certificates` uses: ECDSA on P-256, signed with SHA-256 (section 4.9)."""
    if given is not None:
        return RTCCertificate(given, int(given.expires.timestamp() * 1000))
    return _make(KeyKind.ECDSA_P256, DEFAULT_LIFETIME)


def _ecdsa(algorithm: Mapping[str, Any]) -> KeyKind:
    if "namedCurve" not in algorithm:
        raise TypeError("EcKeyGenParams: namedCurve is required")
    if algorithm["namedCurve"] != "P-256":
        raise NotSupportedError(f"namedCurve {algorithm['namedCurve']!r}")
    return KeyKind.ECDSA_P256


def _rsa(algorithm: Mapping[str, Any]) -> KeyKind:
    for member in ("modulusLength", "publicExponent", "hash"):
        if member not in algorithm:
            raise TypeError(f"RsaHashedKeyGenParams: {member} is required")
    digest = algorithm["hash"]
    name = digest.get("name") if isinstance(digest, Mapping) else digest
    supported = (
        integer(algorithm["modulusLength"], "modulusLength", 0, (1 << 32) - 1) == 2048
        and _big_integer(algorithm["publicExponent"]) == b"\x01\x00\x01"
        and str(name).upper() == "SHA-256"
    )
    if not supported:
        raise NotSupportedError("RSA keys are of 2048 bits, exponent 65537, with SHA-256")
    return KeyKind.RSA_2048


def _big_integer(value: Any) -> bytes:
    """WebCrypto's BigInteger, an array of bytes. Raises TypeError."""
    if isinstance(value, int):
        raise TypeError("publicExponent is no number, but its bytes")
    return bytes(value)


_ALGORITHMS: Final[Mapping[str, Callable[[Mapping[str, Any]], KeyKind]]] = {
    "ecdsa": _ecdsa,
    "rsassa-pkcs1-v1_5": _rsa,
}


def _normalize(algorithm: Any) -> tuple[KeyKind, int]:
    """Steps 2 to 6 of generateCertificate: key kind and life time in ms. Raises TypeError, NotSupportedError."""
    if algorithm is MISSING:
        raise TypeError("keygenAlgorithm is required")
    if not isinstance(algorithm, Mapping):
        algorithm = {"name": string(algorithm)}
    expires = dictionary(algorithm, "RTCCertificateExpiration", {"expires": enforced(0, (1 << 53) - 1)})
    lifetime = min(expires.get("expires", DEFAULT_LIFETIME), MAX_LIFETIME)
    if "name" not in algorithm:
        raise TypeError("Algorithm: name is required")
    parse = _ALGORITHMS.get(str(algorithm["name"]).lower())
    if parse is None:
        raise NotSupportedError(f"algorithm {algorithm['name']!r}")
    kind: KeyKind = parse(algorithm)
    return kind, lifetime


def generate_certificate(algorithm: Any) -> Promise[RTCCertificate]:
    """`generateCertificate({"name": "ECDSA", "namedCurve": "P-256", "expires": 86400000})`; also RSASSA-PKCS1-v1_5,
    2048 bits.

    Rejected at once with TypeError or NotSupportedError; the key is made in a thread.
    """
    promise: Promise[RTCCertificate] = Promise()
    try:
        kind, lifetime = _normalize(algorithm)
    except (TypeError, NotSupportedError) as error:
        promise.reject(error)
        return promise

    def generated(future: asyncio.Future[RTCCertificate]) -> None:
        error = future.exception()
        if error is None:
            promise.resolve(future.result())
        else:
            promise.reject(NotSupportedError(str(error)))

    asyncio.get_running_loop().run_in_executor(None, _make, kind, lifetime).add_done_callback(generated)
    return promise
