"""Record protection, against published values."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from harness.capture import protection
from harness.capture.protection import expand_label, keys12, keys13, prf, suite


def test_the_prf_of_tls_12_with_sha_256() -> None:
    # The widely published P_SHA256 test vector (from the IETF TLS list, 2009).
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    expected = (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa0"
        "22f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
    )
    assert prf(secret, b"test label", seed, 100, "sha256").hex() == expected


@given(st.binary(min_size=32, max_size=48), st.sampled_from([b"key", b"iv", b"sn"]), st.integers(1, 80), st.booleans())
def test_labels_are_expanded_as_hkdf_does_with_the_prefix_of_dtls(
    secret: bytes, label: bytes, size: int, long: bool
) -> None:
    name = b"dtls13" + label
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    expected = HKDFExpand(SHA384() if long else SHA256(), size, info).derive(secret)
    assert expand_label(secret, label, size, "sha384" if long else "sha256") == expected


def test_an_exporter_derives_twice() -> None:
    with_ = suite(0x1301)
    assert with_ is not None
    empty = hashlib.sha256().digest()
    derived = expand_label(b"s" * 32, b"EXTRACTOR-dtls_srtp", 32, "sha256", empty)
    assert protection.exporter13(b"s" * 32, b"EXTRACTOR-dtls_srtp", 60, with_) == expand_label(
        derived, b"exporter", 60, "sha256", empty
    )


@pytest.mark.parametrize("number", [0xC02B, 0xC02C, 0xCCA9])
@given(st.binary(max_size=40), st.integers(0, 2**48 - 1))
def test_a_record_of_dtls_12_is_opened_by_its_side_only(number: int, clear: bytes, sequence: int) -> None:
    with_ = suite(number)
    assert with_ is not None
    client, server = keys12(b"m" * 48, b"c" * 32, b"s" * 32, with_)
    counter = b"\0\1" + sequence.to_bytes(6, "big")
    additional = counter + b"\x17\xfe\xfd" + len(clear).to_bytes(2, "big")
    explicit = b"" if len(client.iv) == 12 else b"explicit"
    nonce = client.iv + explicit if explicit else protection._xor(client.iv, counter)
    body = explicit + client.aead.encrypt(nonce, clear, additional)
    header = b"\x17\xfe\xfd" + counter + len(body).to_bytes(2, "big")
    assert client.open(header, body) == clear
    assert server.open(header, body) is None
    assert client.open(header, body[:-1] + bytes([body[-1] ^ 1])) is None
    assert client.open(header, b"short") is None


@pytest.mark.parametrize("number", [0x1301, 0x1302, 0x1303])
@given(st.binary(max_size=40), st.integers(0, 255), st.integers(0, 2**48 - 1))
def test_a_record_of_dtls_13_is_opened_and_its_padding_dropped(
    number: int, clear: bytes, kind: int, sequence: int
) -> None:
    with_ = suite(number)
    assert with_ is not None
    keys = keys13(b"t" * hashlib.new(with_.digest).digest_size, with_)
    nonce = protection._xor(keys.iv, sequence.to_bytes(8, "big"))
    sealed = keys.aead.encrypt(nonce, clear + bytes([kind or 23]) + bytes(5), b"header")
    assert keys.open(sequence, b"header", sealed) == (kind or 23, clear)
    assert keys.open(sequence + 1, b"header", sealed) is None
    assert keys.open(sequence, b"Header", sealed) is None
    assert len(keys.mask(sealed[:16])) >= 2


def test_a_record_of_nothing_but_padding_has_no_content() -> None:
    with_ = suite(0x1301)
    assert with_ is not None
    keys = keys13(b"t" * 32, with_)
    sealed = keys.aead.encrypt(protection._xor(keys.iv, bytes(8)), bytes(9), b"")
    assert keys.open(0, b"", sealed) is None


def test_the_secret_after_a_key_update() -> None:
    with_ = suite(0x1301)
    assert with_ is not None
    info = (32).to_bytes(2, "big") + b"\x11" + b"dtls13traffic upd" + b"\0"
    assert protection.next_secret(b"t" * 32, with_) == hmac.new(b"t" * 32, info + b"\1", "sha256").digest()


def test_a_suite_that_is_not_aead_is_unknown() -> None:
    assert suite(0xC013) is None
