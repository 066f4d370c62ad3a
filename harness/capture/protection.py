"""Opening DTLS records with logged secrets: an observer's half of RFC 6347 and RFC 9147.

Independent of the peer's code on purpose: the witness must not share its mistakes.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

__all__ = ["Keys12", "Keys13", "Suite", "exporter13", "keys12", "keys13", "next_secret", "prf", "suite"]


@dataclass(frozen=True, slots=True)
class Suite:
    """The record protection of a cipher suite. `implicit` is the part of a DTLS 1.2 nonce that is not on the wire."""

    aead: Callable[[bytes], AESGCM | ChaCha20Poly1305]
    key_size: int
    implicit: int
    digest: str


_AES_128: Final = Suite(AESGCM, 16, 4, "sha256")
_AES_256: Final = Suite(AESGCM, 32, 4, "sha384")
_CHACHA: Final = Suite(ChaCha20Poly1305, 32, 12, "sha256")
_SUITES: Final = {
    0x1301: _AES_128,
    0x1302: _AES_256,
    0x1303: _CHACHA,
    0xC02B: _AES_128,
    0xC02C: _AES_256,
    0xC02F: _AES_128,
    0xC030: _AES_256,
    0xCCA8: _CHACHA,
    0xCCA9: _CHACHA,
}
_IV_SIZE: Final = 12
_TAG_SIZE: Final = 16


def suite(cipher_suite: int) -> Suite | None:
    """How records of a cipher suite are opened; None for one we can't (CBC)."""
    return _SUITES.get(cipher_suite)


def prf(secret: bytes, label: bytes, seed: bytes, size: int, digest: str) -> bytes:
    """RFC 5246 section 5."""
    seed = label + seed
    chained, output = seed, b""
    while len(output) < size:
        chained = hmac.new(secret, chained, digest).digest()
        output += hmac.new(secret, chained + seed, digest).digest()
    return output[:size]


def expand_label(secret: bytes, label: bytes, size: int, digest: str, context: bytes = b"") -> bytes:
    """HKDF-Expand-Label with the prefix of RFC 9147 section 5.9."""
    name = b"dtls13" + label
    info = struct.pack("!HB", size, len(name)) + name + bytes([len(context)]) + context
    block, output = b"", b""
    for counter in range(1, -(-size // hashlib.new(digest).digest_size) + 1):
        block = hmac.new(secret, block + info + bytes([counter]), digest).digest()
        output += block
    return output[:size]


@dataclass(frozen=True, slots=True)
class Keys12:
    """One direction of a DTLS 1.2 epoch."""

    aead: AESGCM | ChaCha20Poly1305
    iv: bytes

    def open(self, header: bytes, body: bytes) -> bytes | None:
        """The plaintext of a record, given its 13-byte header; None when it doesn't authenticate."""
        number = header[3:11]
        if len(self.iv) == _IV_SIZE:
            nonce, sealed = _xor(self.iv, number), body
        else:
            nonce, sealed = self.iv + body[:8], body[8:]
        if len(sealed) < _TAG_SIZE:
            return None
        additional = number + header[:3] + struct.pack("!H", len(sealed) - _TAG_SIZE)
        try:
            return self.aead.decrypt(nonce, sealed, additional)
        except InvalidTag:
            return None


def keys12(master: bytes, client_random: bytes, server_random: bytes, with_: Suite) -> tuple[Keys12, Keys12]:
    """The client's and the server's write keys (RFC 5246 section 6.3)."""
    block = prf(
        master, b"key expansion", server_random + client_random, 2 * (with_.key_size + with_.implicit), with_.digest
    )
    middle = 2 * with_.key_size
    client_key, server_key = block[: with_.key_size], block[with_.key_size : middle]
    client_iv, server_iv = block[middle : middle + with_.implicit], block[middle + with_.implicit :]
    return Keys12(with_.aead(client_key), client_iv), Keys12(with_.aead(server_key), server_iv)


@dataclass(frozen=True, slots=True)
class Keys13:
    """One direction of a DTLS 1.3 epoch."""

    aead: AESGCM | ChaCha20Poly1305
    iv: bytes
    number_key: bytes

    def mask(self, sample: bytes) -> bytes:
        """What hides the record number (RFC 9147 section 4.2.3)."""
        if isinstance(self.aead, ChaCha20Poly1305):
            cipher = Cipher(algorithms.ChaCha20(self.number_key, sample[:16]), mode=None)
            return cipher.encryptor().update(bytes(2))
        # One block of AES is what the RFC asks for: ECB of a single block is no mode at all.
        return Cipher(algorithms.AES(self.number_key), modes.ECB()).encryptor().update(sample[:16])  # noqa: S305

    def open(self, sequence: int, header: bytes, sealed: bytes) -> tuple[int, bytes] | None:
        """Content type and plaintext, given the header with its number in clear; None when it doesn't authenticate."""
        try:
            inner = self.aead.decrypt(_xor(self.iv, struct.pack("!Q", sequence)), sealed, header).rstrip(b"\0")
        except InvalidTag:
            return None
        return (inner[-1], inner[:-1]) if inner else None


def keys13(secret: bytes, with_: Suite) -> Keys13:
    """The keys of a traffic secret (RFC 8446 section 7.3, RFC 9147 section 4.2.3)."""
    return Keys13(
        with_.aead(expand_label(secret, b"key", with_.key_size, with_.digest)),
        expand_label(secret, b"iv", _IV_SIZE, with_.digest),
        expand_label(secret, b"sn", with_.key_size, with_.digest),
    )


def next_secret(secret: bytes, with_: Suite) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446 section 7.2)."""
    return expand_label(secret, b"traffic upd", len(secret), with_.digest)


def exporter13(secret: bytes, label: bytes, size: int, with_: Suite) -> bytes:
    """Keying material exported without a context (RFC 8446 section 7.5); `secret` is the exporter master secret."""
    empty = hashlib.new(with_.digest).digest()
    derived = expand_label(secret, label, len(empty), with_.digest, empty)
    return expand_label(derived, b"exporter", size, with_.digest, empty)


def _xor(iv: bytes, number: bytes) -> bytes:
    return (int.from_bytes(iv, "big") ^ int.from_bytes(number, "big")).to_bytes(len(iv), "big")
