"""Which key may sign with which scheme, and that signatures verify."""

from __future__ import annotations

import pytest

from peer.dtls.certificate import KeyKind
from peer.dtls.config import Version
from peer.dtls.signatures import choose_scheme, is_usable, sign, verify
from peer.tests.dtls.pairs import certificate
from peer.wire.dtls_parameters import SignatureScheme

EC, RSA = (certificate("client", kind).private_key for kind in KeyKind)
S = SignatureScheme


@pytest.mark.parametrize("scheme", list(S), ids=lambda s: s.name)
@pytest.mark.parametrize("key", [EC, RSA], ids=["ec", "rsa"])
@pytest.mark.parametrize("version", list(Version))
def test_usable_schemes(scheme: SignatureScheme, key: object, version: Version) -> None:
    sha1_or_eddsa = scheme in (S.rsa_pkcs1_sha1, S.ecdsa_sha1, S.ed25519)
    if sha1_or_eddsa:
        wanted = False
    elif key is EC:
        bound = scheme is S.ecdsa_secp256r1_sha256
        wanted = bound if version is Version.DTLS13 else scheme.name.startswith("ecdsa")
    else:
        wanted = scheme.name.startswith("rsa_pss") or (
            version is Version.DTLS12 and scheme.name.startswith("rsa_pkcs1")
        )
    assert is_usable(scheme, key, version) is wanted  # type: ignore[arg-type]  # one of the two above
    if wanted:
        signature = sign(key, scheme, b"data")  # type: ignore[arg-type]
        public = key.public_key()  # type: ignore[attr-defined]
        assert verify(public, scheme, signature, b"data")
        assert not verify(public, scheme, signature, b"Data")


def test_an_unknown_scheme() -> None:
    assert not is_usable(0x0A0A, EC, Version.DTLS12)


def test_our_order_decides() -> None:
    ours = (S.rsa_pss_rsae_sha256, S.rsa_pkcs1_sha256)
    assert choose_scheme(ours, (0x0401, 0x0804), RSA, Version.DTLS12) is S.rsa_pss_rsae_sha256
    assert choose_scheme(ours, (0x0401,), RSA, Version.DTLS12) is S.rsa_pkcs1_sha256
    assert choose_scheme(ours, (0x0401,), RSA, Version.DTLS13) is None
