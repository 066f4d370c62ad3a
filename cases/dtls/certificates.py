"""Certificates as only a test would make them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from peer.dtls import Certificate, KeyKind

__all__ = ["made_of", "rsa_certificate", "with_long_serial"]

_INTEGER = 2


def made_of(entropy: Callable[[int], bytes], kind: KeyKind = KeyKind.ECDSA_P256) -> Certificate:
    """`entropy` gives serial number and name; the key is a fresh one whatever it is."""
    return Certificate.generate(kind, now=datetime.now(UTC), entropy=entropy)


@functools.cache
def rsa_certificate() -> Certificate:
    """The same each time: its key takes a while to find."""
    return made_of(os.urandom, KeyKind.RSA_2048)


def with_long_serial(size: int) -> Certificate:
    """A certificate whose serial number is longer than the 20 bytes of RFC 5280 4.1.2.2; its signature fits."""
    own = made_of(os.urandom)
    assert isinstance(own.private_key, ec.EllipticCurvePrivateKey)
    (tbs, algorithm, _) = _elements(_content(own.der))
    version, _, *rest = _elements(_content(tbs))
    longer = _tagged(0x30, b"".join((version, _tagged(_INTEGER, b"\x01" * size), *rest)))
    signature = own.private_key.sign(longer, ec.ECDSA(hashes.SHA256()))
    der = _tagged(0x30, longer + algorithm + _tagged(3, b"\x00" + signature))
    return replace(own, der=der)


def _tagged(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def _size(der: bytes) -> tuple[int, int]:
    """Where the content of the first element starts, and where it ends."""
    if der[1] < 0x80:
        return 2, 2 + der[1]
    count = der[1] & 0x7F
    start = 2 + count
    return start, start + int.from_bytes(der[2:start], "big")


def _content(der: bytes) -> bytes:
    start, end = _size(der)
    return der[start:end]


def _elements(content: bytes) -> list[bytes]:
    found = []
    while content:
        _, end = _size(content)
        found.append(content[:end])
        content = content[end:]
    return found
