"""RFC 8122 section 5: which fingerprints vouch for a certificate.

Our description announces what a case says, instead of what our certificate has.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

import pytest

from cases.dtls.certificates import made_of
from cases.dtls.opposite import Opposite
from cases.reading import Said
from harness.cases import check, clause
from harness.errors import Thrown
from peer import sdp

OURS, ANOTHER = made_of(os.urandom), made_of(os.urandom)
NEVER = ("failed", "closed")


def fingerprint(algorithm: str, der: bytes) -> str:
    return f"{algorithm} {hashlib.new(algorithm.replace('-', ''), der).digest().hex(':').upper()}"


def announced(*fingerprints: str) -> dict[str, Any]:
    """Seams: our certificate, and these lines in place of its fingerprint."""

    def said(description: sdp.SessionDescription) -> str:
        lines = []
        for line in sdp.serialize(description).split("\r\n"):
            lines += [f"a=fingerprint:{one}" for one in fingerprints] if line.startswith("a=fingerprint:") else [line]
        return "\r\n".join(lines)

    return {"certificate": OURS, "sdp": said}


async def connects(client: Opposite, *fingerprints: str) -> None:
    await client.goes_on(dtls={}, **announced(*fingerprints))


async def does_not_connect(client: Opposite, *fingerprints: str) -> None:
    try:
        made = await client.meets(dtls={}, wait=False, **announced(*fingerprints))
    except Thrown:
        return  # the description was refused
    state = await made.answerer.wait_for(connectionState=(*NEVER, "connected"), timeout=10)
    check(state in NEVER, f"connectionState is {state} although nothing vouches for the certificate")


async def test_sanity_a_fingerprint_of_sha_256(client: Opposite) -> None:
    await connects(client, fingerprint("sha-256", OURS.der))


@clause("RFC8122-5.1-M4")
@pytest.mark.parametrize("algorithm", ["sha-384", "sha-512"])
async def test_a_stronger_hash_vouches_for_a_certificate(client: Opposite, algorithm: str) -> None:
    await connects(client, fingerprint(algorithm, OURS.der))


@clause("RFC8122-5.1-M4")
async def test_fingerprints_of_one_certificate_by_two_hashes(client: Opposite) -> None:
    await connects(client, fingerprint("sha-512", OURS.der), fingerprint("sha-256", OURS.der))


@clause("RFC8122-5.1-M4")
async def test_one_of_the_fingerprints_of_two_certificates_is_enough(client: Opposite) -> None:
    await connects(client, *(fingerprint("sha-256", one.der) for one in (OURS, ANOTHER)))
    await connects(client, *(fingerprint("sha-256", one.der) for one in (ANOTHER, OURS)))


@clause("RFC8122-5.1-M5")
async def test_two_fingerprints_of_other_certificates_vouch_for_nothing(client: Opposite) -> None:
    await does_not_connect(client, *(fingerprint("sha-256", one.der) for one in (ANOTHER, made_of(os.urandom))))


@clause("RFC8122-5-M2")
async def test_a_fingerprint_of_md5_vouches_for_nothing(client: Opposite) -> None:
    await does_not_connect(client, fingerprint("md5", OURS.der))


@clause("RFC8122-5-M1", "RFC8122-5.1-M2")
async def test_the_fingerprint_is_of_sha_256_or_stronger(server: Opposite) -> None:
    made = await server.meets(dtls={}, wait=False)
    algorithms = {line.partition(" ")[0].lower() for line in Said.of(made.offer).everywhere("fingerprint")}
    check(bool(algorithms & {"sha-256", "sha-384", "sha-512"}), f"the fingerprints are of {sorted(algorithms)}")
    check(not algorithms & {"md2", "md5"}, f"the fingerprints are of {sorted(algorithms)}")
