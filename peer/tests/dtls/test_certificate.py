"""Fingerprints (RFC 8122) and certificates, our own and odd ones of others."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from peer.dtls.certificate import Certificate, Fingerprint, KeyKind, is_vouched_for, public_key_of
from peer.errors import DecodeError
from peer.testing import Entropy
from peer.tests.dtls.pairs import NOW, certificate


def test_a_fingerprint_reads_and_writes_as_sdp_has_it() -> None:
    text = "sha-256 " + ":".join(f"{n:02X}" for n in range(32))
    assert str(Fingerprint.parse(text)) == text
    assert Fingerprint.parse(text.lower()) == Fingerprint("sha-256", bytes(range(32)))


@pytest.mark.parametrize("text", ["sha-256 XY", "sha-256 A"])
def test_what_is_no_fingerprint(text: str) -> None:
    with pytest.raises(DecodeError):
        Fingerprint.parse(text)


def test_only_the_strongest_hash_counts() -> None:
    """RFC 8122 section 5."""
    der = certificate("client").der
    right = {name: Fingerprint.of(der, name) for name in ("sha-256", "sha-384", "sha-512")}
    wrong = Fingerprint("sha-512", bytes(64))
    assert is_vouched_for(der, [right["sha-256"]])
    assert is_vouched_for(der, [Fingerprint("sha-256", bytes(32)), right["sha-384"]])
    assert is_vouched_for(der, [wrong, right["sha-512"], right["sha-256"]])
    assert not is_vouched_for(der, [right["sha-256"], wrong])
    assert not is_vouched_for(der, [Fingerprint("sha-1", hashlib.sha1(der).digest())])
    assert not is_vouched_for(der, [])


@pytest.mark.parametrize(
    ("kind", "key"), [(KeyKind.ECDSA_P256, ec.EllipticCurvePublicKey), (KeyKind.RSA_2048, rsa.RSAPublicKey)]
)
def test_a_generated_certificate(kind: KeyKind, key: type) -> None:
    own = Certificate.generate(kind, now=NOW, entropy=Entropy(1))
    parsed = x509.load_der_x509_certificate(own.der)
    assert parsed.issuer == parsed.subject
    assert 0 < parsed.serial_number < 1 << 159
    assert parsed.not_valid_after_utc == own.expires
    assert own.kind is kind
    assert isinstance(public_key_of(own.der), key)
    assert public_key_of(own.der) == own.private_key.public_key()
    parsed.verify_directly_issued_by(parsed)


def with_serial(serial: bytes) -> bytes:
    """Our certificate with another serial number: the DER lengths around it are mended, the signature is not."""
    der = certificate("client").der
    body = der[4 : 4 + int.from_bytes(der[2:4], "big")]
    tbs_size = int.from_bytes(body[1:3], "big") if body[1] == 0x82 else body[2]
    head = 4 if body[1] == 0x82 else 3
    tbs, rest = body[head : head + tbs_size], body[head + tbs_size :]
    assert tbs[:5] == bytes.fromhex("a003020102")
    after = tbs[5 + 2 + tbs[6] :]
    new = tbs[:5] + bytes([2, len(serial)]) + serial + after
    inner = b"\x30\x82" + len(new).to_bytes(2, "big") + new + rest
    return b"\x30\x82" + len(inner).to_bytes(2, "big") + inner


@pytest.mark.parametrize("serial", [b"\x01" * 40, b"\xff" * 20, b"\x00", b""], ids=["long", "negative", "zero", "none"])
def test_odd_serial_numbers_are_no_reason_to_refuse(serial: bytes) -> None:
    if certificate("client").der[1] != 0x82:
        pytest.skip("a short certificate")
    assert public_key_of(with_serial(serial)) == certificate("client").private_key.public_key()


def test_every_truncation_and_change_is_a_key_or_a_decode_error() -> None:
    der = certificate("client").der
    for length in range(len(der) - 80):
        with pytest.raises(DecodeError):
            public_key_of(der[:length])
    for position in range(len(der)):
        for value in (0, 0x30, 0x80, 0x84, 0xFF):
            try:
                public_key_of(der[:position] + bytes([value]) + der[position + 1 :])
            except DecodeError:
                continue
