"""Certificates, webrtc-pc section 4.9."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Any

import pytest

from peer.api import DOMException, RTCCertificate, RTCPeerConnection, error_name

ECDSA = {"name": "ECDSA", "namedCurve": "P-256"}
RSA = {"name": "RSASSA-PKCS1-v1_5", "modulusLength": 2048, "publicExponent": bytes([1, 0, 1]), "hash": "SHA-256"}


async def test_ecdsa_expires_in_thirty_days() -> None:
    certificate = await RTCPeerConnection.generateCertificate(ECDSA)
    assert isinstance(certificate, RTCCertificate)
    assert certificate.expires == pytest.approx((time.time() + 30 * 86400) * 1000, abs=60_000)
    (fingerprint,) = certificate.getFingerprints()
    assert fingerprint.algorithm == "sha-256"
    assert fingerprint.value == hashlib.sha256(certificate._certificate.der).digest().hex(":")


async def test_rsa() -> None:
    certificate = await RTCPeerConnection.generateCertificate({**RSA, "hash": {"name": "SHA-256"}})
    assert certificate.getFingerprints()


@pytest.mark.parametrize(("asked", "given"), [(2000, 2000), (0, 0), (10**15, 31_536_000_000)])
async def test_expires(asked: int, given: int) -> None:
    certificate = await RTCPeerConnection.generateCertificate({**ECDSA, "expires": asked})
    assert certificate.expires == pytest.approx(time.time() * 1000 + given, abs=10_000)


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [
        ("invalid-algo", "NotSupportedError"),
        ({"name": "invalid-algo"}, "NotSupportedError"),
        ({"name": "ECDSA", "namedCurve": "P-1"}, "NotSupportedError"),
        ({"name": "ECDSA"}, "TypeError"),
        ("ECDSA", "TypeError"),
        ({}, "TypeError"),
        (5, "NotSupportedError"),
        ({**RSA, "modulusLength": 512}, "NotSupportedError"),
        ({**RSA, "publicExponent": bytes([3])}, "NotSupportedError"),
        ({**RSA, "hash": "SHA-1"}, "NotSupportedError"),
        ({"name": "RSASSA-PKCS1-v1_5"}, "TypeError"),
        ({**ECDSA, "expires": -1}, "TypeError"),
        ({**ECDSA, "expires": "soon"}, "TypeError"),
    ],
)
async def test_refused_at_once(algorithm: Any, name: str) -> None:
    promise = RTCPeerConnection.generateCertificate(algorithm)
    assert promise.failure is not None
    assert error_name(promise.failure) == name


async def test_a_certificate_is_used_and_an_expired_one_refused() -> None:
    certificate = await RTCPeerConnection.generateCertificate(ECDSA)
    pc = RTCPeerConnection({"certificates": [certificate]})
    pc.createDataChannel("")
    offer = await pc.createOffer()
    assert f"a=fingerprint:sha-256 {certificate.getFingerprints()[0].value.upper()}" in offer.sdp
    assert pc.getConfiguration()["certificates"] == [certificate]
    pc.close()
    expired = await RTCPeerConnection.generateCertificate({**ECDSA, "expires": 0})
    await asyncio.sleep(0.01)
    with pytest.raises(DOMException) as caught:
        RTCPeerConnection({"certificates": [expired]})
    assert caught.value.name == "InvalidAccessError"
