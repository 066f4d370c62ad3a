"""The key schedule of DTLS 1.3: RFC 8446 section 7, with the label prefix of RFC 9147 5.9."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from peer.dtls.suites import Suite

__all__ = ["DTLS_PREFIX", "KeySchedule", "TrafficKeys", "expand_label", "finished", "next_secret", "traffic_keys"]

# No trailing space, so that the longest label still fits one hash block (RFC 9147 5.9).
DTLS_PREFIX: Final = b"dtls13"
_NONCE_SIZE: Final = 12


def expand_label(
    digest: str, secret: bytes, label: bytes, context: bytes, length: int, prefix: bytes = DTLS_PREFIX
) -> bytes:
    """HKDF-Expand-Label of RFC 8446 7.1, over HKDF-Expand of RFC 5869 2.3."""
    label = prefix + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(secret, block + info + bytes([counter]), digest)
        output += block
        counter += 1
    return output[:length]


@dataclass(frozen=True, slots=True)
class TrafficKeys:
    """RFC 8446 7.3, and the key for record numbers of RFC 9147 4.2.3."""

    key: bytes
    iv: bytes
    sequence_key: bytes


def traffic_keys(suite: Suite, secret: bytes) -> TrafficKeys:
    digest, size = suite.hash, suite.key_size
    return TrafficKeys(
        expand_label(digest, secret, b"key", b"", size),
        expand_label(digest, secret, b"iv", b"", _NONCE_SIZE),
        expand_label(digest, secret, b"sn", b"", size),
    )


def next_secret(suite: Suite, secret: bytes) -> bytes:
    """The secret after a KeyUpdate: RFC 8446 7.2."""
    return expand_label(suite.hash, secret, b"traffic upd", b"", len(secret))


def finished(suite: Suite, secret: bytes, transcript_hash: bytes) -> bytes:
    """The verify_data of Finished: RFC 8446 4.4.4."""
    key = expand_label(suite.hash, secret, b"finished", b"", len(secret))
    return hmac.digest(key, transcript_hash, suite.hash)


class KeySchedule:
    """The ladder of RFC 8446 7.1, without PSK. Secrets are had by `derive` at the rung that was reached."""

    __slots__ = ("_digest", "_empty_hash", "_prefix", "_secret", "_size")

    def __init__(self, digest: str, prefix: bytes = DTLS_PREFIX) -> None:
        self._digest = digest
        self._prefix = prefix
        self._empty_hash = hashlib.new(digest).digest()
        self._size = len(self._empty_hash)
        self._secret = hmac.digest(bytes(self._size), bytes(self._size), digest)

    def mix(self, material: bytes = b"") -> None:
        """The next rung: (EC)DHE gives the handshake secret, nothing (zeros) after that the main secret."""
        salt = self.derive(b"derived", self._empty_hash)
        self._secret = hmac.digest(salt, material or bytes(self._size), self._digest)

    def derive(self, label: bytes, transcript_hash: bytes) -> bytes:
        """Derive-Secret of RFC 8446 7.1."""
        return expand_label(self._digest, self._secret, label, transcript_hash, self._size, self._prefix)


def exporter(suite: Suite, exporter_secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """RFC 8446 7.5."""
    digest = suite.hash
    secret = expand_label(digest, exporter_secret, label, hashlib.new(digest).digest(), len(exporter_secret))
    return expand_label(digest, secret, b"exporter", hashlib.new(digest, context).digest(), length)
