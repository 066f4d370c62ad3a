"""W3C webrtc-pc section 4.9: certificates."""

from __future__ import annotations

import re
import time
from typing import Any

from cases.playing import play, read
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import Call

ECDSA = {"name": "ECDSA", "namedCurve": "P-256"}
DAY = 24 * 3600 * 1000


def generate(*algorithm: Any) -> Call:
    return Call("RTCPeerConnection", "generateCertificate", algorithm, "certificate")


async def expires_in(endpoint: Endpoint, **more: Any) -> float:
    """How long a new certificate is valid, in days."""
    now = time.time() * 1000
    played = await play(endpoint, generate({**ECDSA, **more}), read("certificate.expires"))
    played.gave()
    return float((played["certificate.expires"] - now) / DAY)


async def test_sanity_a_certificate_is_made(endpoint: Endpoint) -> None:
    (await play(endpoint, generate(ECDSA))).gave()


@clause("W3C-RTCPeerConnection-2")
async def test_a_certificate_is_valid_for_thirty_days(endpoint: Endpoint) -> None:
    days = await expires_in(endpoint)
    check(29.9 < days < 30.1, f"it is valid for {days:.1f} days")


@clause("W3C-RTCPeerConnection-3.3")
async def test_a_certificate_is_valid_as_long_as_asked(endpoint: Endpoint) -> None:
    days = await expires_in(endpoint, expires=2 * DAY)
    check(1.9 < days < 2.1, f"it is valid for {days:.1f} days")


@clause("W3C-RTCPeerConnection-3.4")
async def test_a_certificate_is_valid_for_a_year_at_most(endpoint: Endpoint) -> None:
    days = await expires_in(endpoint, expires=1000 * DAY)
    check(days < 365.1, f"it is valid for {days:.1f} days")


@clause("W3C-RTCPeerConnection-3.2")
async def test_a_negative_life_is_refused(endpoint: Endpoint) -> None:
    (await play(endpoint, generate({**ECDSA, "expires": -1}))).threw("TypeError")


@clause("W3C-RTCPeerConnection-5")
async def test_an_algorithm_has_a_name(endpoint: Endpoint) -> None:
    (await play(endpoint, generate({"namedCurve": "P-256"}))).threw("TypeError")


@clause("W3C-RTCPeerConnection-5")
async def test_an_elliptic_key_has_a_curve(endpoint: Endpoint) -> None:
    (await play(endpoint, generate({"name": "ECDSA"}))).threw("TypeError")


@clause("W3C-RTCPeerConnection-5")
async def test_an_unknown_algorithm_is_not_supported(endpoint: Endpoint) -> None:
    (await play(endpoint, generate("case-algorithm"))).threw("NotSupportedError")


@clause("W3C-RTCPeerConnection-6")
async def test_keys_that_only_agree_are_not_supported(endpoint: Endpoint) -> None:
    (await play(endpoint, generate({"name": "ECDH", "namedCurve": "P-256"}))).threw("NotSupportedError")


@clause("W3C-Introduction-M1")
async def test_an_algorithm_is_required(endpoint: Endpoint) -> None:
    (await play(endpoint, generate())).threw("TypeError")


@clause("W3C-RTCPeerConnection-8.8")
async def test_fingerprints_are_lower_case(endpoint: Endpoint) -> None:
    played = await play(endpoint, generate(ECDSA), Call("certificate", "getFingerprints", (), "prints"))
    played.gave()
    for one in played["prints"]:
        known = re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2})*", str(one["value"]))
        check(known, f"the value of a fingerprint is {one['value']}")


@clause("W3C-RTCPeerConnection-8.8")
async def test_there_is_a_fingerprint_by_sha_256(endpoint: Endpoint) -> None:
    played = await play(endpoint, generate(ECDSA), Call("certificate", "getFingerprints", (), "prints"))
    played.gave()
    algorithms = [one["algorithm"] for one in played["prints"]]
    check("sha-256" in algorithms, f"the fingerprints are by {algorithms}")
