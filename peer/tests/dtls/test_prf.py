"""The PRF of TLS 1.2 against `cryptography`'s HMAC, and what hangs on it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from peer.dtls import prf
from peer.dtls.suites import SUITES
from peer.wire.dtls_parameters import CipherSuite

ALGORITHMS = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}
GCM = SUITES[CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
CHACHA = SUITES[CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]


def p_hash(digest: str, secret: bytes, seed: bytes, blocks: int) -> bytes:
    def hmac(data: bytes) -> bytes:
        h = HMAC(secret, ALGORITHMS[digest])
        h.update(data)
        return h.finalize()

    output, a = b"", seed
    for _ in range(blocks):
        a = hmac(a)
        output += hmac(a + seed)
    return output


@pytest.mark.parametrize("digest", ALGORITHMS)
def test_p_hash(digest: str) -> None:
    assert prf.prf(digest, b"secret", b"label", b"seed", 100) == p_hash(digest, b"secret", b"labelseed", 4)[:100]


def test_known_answer_of_sha256() -> None:
    """The widely published test vector of the TLS 1.2 PRF with SHA-256 (IETF TLS list, 2009)."""
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    wanted = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
    assert prf.prf("sha256", secret, b"test label", seed, 48).hex() == wanted


def test_key_block_order() -> None:
    """RFC 5246 6.3: both keys, then both IVs, and the server's random first."""
    block = prf.prf("sha256", b"m", b"key expansion", b"ServerClient", 40)
    keys = prf.key_block(GCM, b"m", b"Client", b"Server")
    assert (keys.client_key, keys.server_key, keys.client_iv, keys.server_iv) == (
        block[:16],
        block[16:32],
        block[32:36],
        block[36:],
    )
    assert len(prf.key_block(CHACHA, b"m", b"Client", b"Server").client_iv) == 12


def test_the_exporter_tells_no_context_from_an_empty_one() -> None:
    assert prf.exporter(GCM, b"m", b"l", b"r", None, 20) == prf.prf("sha256", b"m", b"l", b"r", 20)
    assert prf.exporter(GCM, b"m", b"l", b"r", b"", 20) == prf.prf("sha256", b"m", b"l", b"r\x00\x00", 20)


def test_master_secrets() -> None:
    assert prf.master_secret(GCM, b"p", b"rr", b"h") == prf.prf("sha256", b"p", b"extended master secret", b"h", 48)
    assert prf.master_secret(GCM, b"p", b"rr", None) == prf.prf("sha256", b"p", b"master secret", b"rr", 48)
