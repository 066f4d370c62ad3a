"""Names as the IANA registries have them."""

from __future__ import annotations

from peer.wire.dtls_parameters import CipherSuite, NamedGroup, name_of


def test_names() -> None:
    assert name_of(CipherSuite, 0xC02B) == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    assert name_of(NamedGroup, 0x11EC) == "X25519MLKEM768"
    assert name_of(NamedGroup, 0x0A0A) == "0x0a0a"
