"""The key schedule against RFC 8448, and the label prefix that makes it DTLS's (RFC 9147 5.9)."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from peer.dtls import schedule13
from peer.dtls.schedule13 import KeySchedule, expand_label
from peer.dtls.suites import SUITES
from peer.dtls.transcript import RawMessage, Transcript, tls_form
from peer.wire.dtls_parameters import CipherSuite

VECTORS = json.loads((Path(__file__).parents[3] / "fixtures/vectors/rfc8448.json").read_text())
TLS_PREFIX = b"tls13 "


def vector(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name])


def transcript(*names: str) -> Transcript:
    messages = [vector(name) for name in names]
    return Transcript("sha256", tls_form, [RawMessage(m[0], n, m[4:], 0) for n, m in enumerate(messages)])


def test_rfc_8448_from_the_shared_secret_to_the_exporter() -> None:
    schedule = KeySchedule("sha256", TLS_PREFIX)
    schedule.mix(vector("shared_secret"))
    hellos = transcript("client_hello", "server_hello")
    for label in ("c hs traffic", "s hs traffic"):
        assert schedule.derive(label.encode(), hellos.digest()) == vector(label)
    flight = transcript(
        "client_hello", "server_hello", "encrypted_extensions", "certificate", "certificate_verify", "server_finished"
    )
    schedule.mix()
    for label in ("c ap traffic", "s ap traffic", "exp master"):
        assert schedule.derive(label.encode(), flight.digest()) == vector(label)


def test_rfc_8448_keys_and_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same functions that DTLS uses, with TLS's prefix in place of its own."""
    secret, suite = vector("s hs traffic"), SUITES[CipherSuite.TLS_AES_128_GCM_SHA256]
    assert expand_label("sha256", secret, b"key", b"", 16, TLS_PREFIX) == vector("s hs key")
    assert expand_label("sha256", secret, b"iv", b"", 12, TLS_PREFIX) == vector("s hs iv")
    real = schedule13.expand_label
    monkeypatch.setattr(schedule13, "expand_label", lambda d, s, label, c, size: real(d, s, label, c, size, TLS_PREFIX))
    before = transcript("client_hello", "server_hello", "encrypted_extensions", "certificate", "certificate_verify")
    assert schedule13.finished(suite, secret, before.digest()) == vector("verify_data")
    assert schedule13.traffic_keys(suite, secret).key == vector("s hs key")


def test_the_label_of_dtls_is_dtls13_without_a_space() -> None:
    secret = bytes(range(32))
    info = b"\x00\x10" + b"\x09" + b"dtls13key" + b"\x00"
    assert expand_label("sha256", secret, b"key", b"", 16) == hmac.digest(secret, info + b"\x01", "sha256")[:16]


def test_expansion_beyond_one_block() -> None:
    secret = bytes(32)
    info = b"\x00\x30" + b"\x0edtls13exporter" + b"\x03abc"
    first = hmac.digest(secret, info + b"\x01", "sha256")
    second = hmac.digest(secret, first + info + b"\x02", "sha256")
    assert expand_label("sha256", secret, b"exporter", b"abc", 48) == (first + second)[:48]


def test_a_retry_replaces_the_first_hello_by_its_hash() -> None:
    """RFC 8446 4.4.1."""
    collapsed = transcript("client_hello")
    collapsed.collapse()
    synthetic = b"\xfe\x00\x00\x20" + hashlib.sha256(vector("client_hello")).digest()
    assert collapsed.digest() == hashlib.sha256(synthetic).digest()


def test_the_exporter() -> None:
    """RFC 8446 7.5, step by step."""
    suite, secret = SUITES[CipherSuite.TLS_AES_256_GCM_SHA384], bytes(48)
    derived = expand_label("sha384", secret, b"label", hashlib.sha384().digest(), 48)
    wanted = expand_label("sha384", derived, b"exporter", hashlib.sha384(b"context").digest(), 60)
    assert schedule13.exporter(suite, secret, b"label", b"context", 60) == wanted
