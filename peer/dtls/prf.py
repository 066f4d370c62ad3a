"""The pseudorandom function of DTLS 1.2 and what it yields: RFC 5246 section 5, 6.3, 8.1; RFC 7627; RFC 5705."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from peer.dtls.suites import AeadKind, Suite

__all__ = ["VERIFY_DATA_SIZE", "KeyBlock", "exporter", "key_block", "master_secret", "prf", "verify_data"]

VERIFY_DATA_SIZE: Final = 12
_MASTER_SECRET_SIZE: Final = 48


def prf(digest: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """P_hash of RFC 5246 section 5."""
    seed = label + seed
    output, a = b"", seed
    while len(output) < length:
        a = hmac.digest(secret, a, digest)
        output += hmac.digest(secret, a + seed, digest)
    return output[:length]


def master_secret(suite: Suite, premaster: bytes, randoms: bytes, session_hash: bytes | None) -> bytes:
    """RFC 7627 section 4, or RFC 5246 8.1 when there is no session hash. `randoms` is client's + server's."""
    if session_hash is not None:
        return prf(suite.hash, premaster, b"extended master secret", session_hash, _MASTER_SECRET_SIZE)
    return prf(suite.hash, premaster, b"master secret", randoms, _MASTER_SECRET_SIZE)


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """RFC 5246 6.3, for AEAD suites, which have no MAC keys."""

    client_key: bytes
    server_key: bytes
    client_iv: bytes
    server_iv: bytes


def key_block(suite: Suite, master: bytes, client_random: bytes, server_random: bytes) -> KeyBlock:
    # RFC 5288 section 3: a salt of 4 bytes; RFC 7905 section 2: a whole nonce of 12.
    iv_size = 4 if suite.aead is AeadKind.AES_GCM else 12
    size = suite.key_size
    block = prf(suite.hash, master, b"key expansion", server_random + client_random, 2 * (size + iv_size))
    keys, ivs = block[: 2 * size], block[2 * size :]
    return KeyBlock(keys[:size], keys[size:], ivs[:iv_size], ivs[iv_size:])


def verify_data(suite: Suite, master: bytes, label: bytes, handshake_hash: bytes) -> bytes:
    """RFC 5246 7.4.9; `label` is b"client finished" or b"server finished"."""
    return prf(suite.hash, master, label, handshake_hash, VERIFY_DATA_SIZE)


def exporter(suite: Suite, master: bytes, label: bytes, randoms: bytes, context: bytes | None, length: int) -> bytes:
    """RFC 5705 section 4. No context is not the same as an empty one."""
    seed = randoms if context is None else randoms + len(context).to_bytes(2, "big") + context
    return prf(suite.hash, master, label, seed, length)
