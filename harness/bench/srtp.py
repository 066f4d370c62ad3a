"""SRTP: protect and unprotect of 1,200-byte packets, both ends in one process, against libsrtp's Python binding."""

from __future__ import annotations

import functools
import time
from typing import Any

from harness.bench.model import Benchmark, ContestantMissing
from peer.srtp import PROFILES, Inbound, MasterKey, Outbound, Profile

__all__ = ["benchmarks"]

PACKETS = 20_000
HEADER = b"\x80\x60"
REST = bytes(4) + b"\xca\xfe\xba\xbe" + bytes(1188)


def ours(profile: Profile, key: MasterKey) -> tuple[Any, Any]:
    return Outbound(profile, key), Inbound(profile, key)


def libsrtp(profile: Profile, key: MasterKey) -> tuple[Any, Any]:
    try:
        from pylibsrtp import Policy, Session
    except ImportError as error:
        raise ContestantMissing("pip install 'peerproof[bench]'") from error
    names = {0x0001: Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 0x0007: Policy.SRTP_PROFILE_AEAD_AES_128_GCM}

    def session(direction: int) -> Any:
        return Session(Policy(key=key.key + key.salt, ssrc_type=direction, srtp_profile=names[profile.id]))

    return session(Policy.SSRC_ANY_OUTBOUND), session(Policy.SSRC_ANY_INBOUND)


def packets_per_second(make: Any, profile: Profile) -> float:
    key = MasterKey(bytes(range(profile.key_length)), bytes(range(profile.salt_length)))
    sender, receiver = make(profile, key)
    packets = [HEADER + (number & 0xFFFF).to_bytes(2, "big") + REST for number in range(PACKETS)]
    protect, unprotect = sender.protect, receiver.unprotect
    begin = time.perf_counter()
    for packet in packets:
        unprotect(protect(packet))
    return PACKETS / (time.perf_counter() - begin)


def benchmarks() -> list[Benchmark]:
    return [
        Benchmark(
            f"srtp/{label}",
            "packets/s",
            {
                "reference": functools.partial(packets_per_second, ours, PROFILES[number]),
                "libsrtp": functools.partial(packets_per_second, libsrtp, PROFILES[number]),
            },
        )
        for label, number in (("AES-128-GCM", 0x0007), ("AES-CM-SHA1-80", 0x0001))
    ]
