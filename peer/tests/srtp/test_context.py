"""Outbound and Inbound: the RFCs' vectors, libsrtp as the oracle, and packets that lie."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pylibsrtp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.srtp import PROFILES, AuthenticationError, Inbound, MasterKey, Outbound, Profile, ReplayError
from peer.srtp.context import MAX_SOURCES
from peer.srtp.keys import SessionKeys
from peer.srtp.transforms import CounterModeHmac, Gcm

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "fixtures" / "vectors" / "srtp.json").read_text(encoding="utf-8")
)
CM_80, CM_32, GCM_128, GCM_256 = PROFILES.values()
EVERY = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)


def master(profile: Profile, seed: int = 0) -> MasterKey:
    return MasterKey(bytes(range(seed, seed + profile.key_length)), bytes(range(100, 100 + profile.salt_length)))


def rtp(sequence_number: int, ssrc: int = 0xCAFEBABE, payload: bytes = b"payload", head: bytes = b"\x80\x60") -> bytes:
    return head + sequence_number.to_bytes(2, "big") + b"\0\0\1\0" + ssrc.to_bytes(4, "big") + payload


def rtcp(ssrc: int = 0xCAFEBABE) -> bytes:
    return b"\x80\xc8\x00\x06" + ssrc.to_bytes(4, "big") + bytes(20)


# --- vectors ---


@pytest.mark.parametrize("vector", VECTORS["rfc7714"], ids=lambda vector: vector["section"])
def test_rfc7714(vector: dict[str, str]) -> None:
    key, salt = bytes.fromhex(vector["key"]), bytes.fromhex(vector["salt"])
    gcm = Gcm(SessionKeys(key, b"", salt))
    plain, wire = bytes.fromhex(vector["plain"]), bytes.fromhex(vector["wire"])
    if "trailer" in vector:
        trailer = bytes.fromhex(vector["trailer"])
        ssrc, index = int.from_bytes(plain[4:8], "big"), int.from_bytes(trailer, "big") & 0x7FFFFFFF
        assert gcm.open_rtcp(wire[:8], wire[8:-4], ssrc, index, trailer) == plain[8:]
        if trailer[0] & 0x80:
            assert gcm.seal_rtcp(plain[:8], plain[8:], ssrc, index, trailer) == wire
    else:
        ssrc, index = int.from_bytes(plain[8:12], "big"), int.from_bytes(plain[2:4], "big")
        assert gcm.seal_rtp(plain[:12], plain[12:], ssrc, index) == wire
        assert gcm.open_rtp(wire[:12], wire[12:], ssrc, index) == plain[12:]


@pytest.mark.parametrize("vector", VECTORS["keystream"], ids=lambda vector: vector["section"])
def test_counter_mode_keystream(vector: dict[str, Any]) -> None:
    keys = SessionKeys(bytes.fromhex(vector["key"]), b"", bytes.fromhex(vector["salt"]))
    stream = CounterModeHmac(keys, 10).crypt(bytes(16 * 0xFF02), 0, 0)
    for block, expected in vector["blocks"].items():
        at = int(block, 16) * 16
        assert stream[at : at + 16].hex() == expected


@pytest.mark.parametrize("vector", VECTORS["rfc9335"], ids=lambda vector: vector["name"])
def test_rfc9335_cryptex(vector: dict[str, str]) -> None:
    profile = CM_80 if vector["name"].startswith("ctr") else GCM_128
    key = MasterKey(bytes.fromhex(vector["key"]), bytes.fromhex(vector["salt"]))
    plain, wire = bytes.fromhex(vector["plain"]), bytes.fromhex(vector["wire"])
    assert Outbound(profile, key, cryptex=True).protect(plain) == wire
    assert Inbound(profile, key).unprotect(wire) == plain


def test_csrcs_without_an_extension_get_an_empty_one_to_carry_the_mark() -> None:
    packet = b"\x82\x60\x00\x01" + bytes(8) + b"AAAABBBB" + b"payload"
    wire = Outbound(GCM_128, master(GCM_128), cryptex=True).protect(packet)
    assert wire[20:24] == bytes.fromhex("c0de0000")
    assert b"AAAABBBB" not in wire
    assert Inbound(GCM_128, master(GCM_128)).unprotect(wire) == b"\x92" + packet[1:20] + b"\xbe\xde\0\0" + b"payload"


# --- libsrtp agrees ---

LIBSRTP = {
    0x0001: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    0x0002: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    0x0007: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    0x0008: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


def libsrtp(profile: Profile, direction: int) -> pylibsrtp.Session:
    key = master(profile)
    return pylibsrtp.Session(
        policy=pylibsrtp.Policy(key=key.key + key.salt, ssrc_type=direction, srtp_profile=LIBSRTP[profile.id])
    )


PACKETS = [
    rtp(1),
    rtp(2, head=b"\x90\xe0", payload=b"\xbe\xde\0\1\x10\xaa\0\0media"),
    rtp(3, head=b"\x82\x60", payload=b"AAAABBBBmedia"),
    rtp(4, payload=b""),
    rtp(5, payload=bytes(1200)),
    rtp(1, ssrc=7),
]


@EVERY
def test_libsrtp_opens_what_we_protect(profile: Profile) -> None:
    ours, theirs = Outbound(profile, master(profile)), libsrtp(profile, pylibsrtp.Policy.SSRC_ANY_INBOUND)
    for packet in PACKETS:
        assert theirs.unprotect(ours.protect(packet)) == packet
    for _ in range(3):
        assert theirs.unprotect_rtcp(ours.protect_rtcp(rtcp())) == rtcp()


@EVERY
def test_we_open_what_libsrtp_protects(profile: Profile) -> None:
    ours, theirs = Inbound(profile, master(profile)), libsrtp(profile, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    for packet in PACKETS:
        assert ours.unprotect(theirs.protect(packet)) == packet
    for _ in range(3):
        assert ours.unprotect_rtcp(theirs.protect_rtcp(rtcp())) == rtcp()


@EVERY
@pytest.mark.parametrize("from_us", [True, False], ids=["from us", "from libsrtp"])
def test_roll_over_with_loss_and_reordering(profile: Profile, from_us: bool) -> None:
    """Three wraps, in steps with a gap of 5,000 and neighbours swapped."""
    sender: Any
    receiver: Any
    if from_us:
        sender, receiver = Outbound(profile, master(profile)), libsrtp(profile, pylibsrtp.Policy.SSRC_ANY_INBOUND)
    else:
        sender, receiver = libsrtp(profile, pylibsrtp.Policy.SSRC_ANY_OUTBOUND), Inbound(profile, master(profile))
    for step in range(20_000, 220_000, 5_000):
        packets = [rtp((step + offset) & 0xFFFF) for offset in (0, 1)]
        protected = [sender.protect(packet) for packet in packets]
        assert receiver.unprotect(protected[1]) == packets[1]
        assert receiver.unprotect(protected[0]) == packets[0]


# --- packets that lie ---


@EVERY
def test_a_replayed_packet_is_refused(profile: Profile) -> None:
    sender, receiver = Outbound(profile, master(profile)), Inbound(profile, master(profile))
    packet, report = sender.protect(rtp(1)), sender.protect_rtcp(rtcp())
    receiver.unprotect(packet)
    receiver.unprotect_rtcp(report)
    with pytest.raises(ReplayError):
        receiver.unprotect(packet)
    with pytest.raises(ReplayError):
        receiver.unprotect_rtcp(report)


@EVERY
def test_every_changed_byte_is_noticed_and_leaves_no_trace(profile: Profile) -> None:
    sender, receiver = Outbound(profile, master(profile)), Inbound(profile, master(profile))
    packet = sender.protect(rtp(40_000))
    report = sender.protect_rtcp(rtcp())
    for open_it, good in ((receiver.unprotect, packet), (receiver.unprotect_rtcp, report)):
        for at in range(len(good)):
            with pytest.raises(DecodeError):
                open_it(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        for size in range(len(good)):
            with pytest.raises(DecodeError):
                open_it(good[:size])
    assert receiver.unprotect(packet) == rtp(40_000)
    assert receiver.unprotect_rtcp(report) == rtcp()


@EVERY
def test_a_forged_packet_does_not_move_the_roll_over_counter(profile: Profile) -> None:
    sender, receiver = Outbound(profile, master(profile)), Inbound(profile, master(profile))
    receiver.unprotect(sender.protect(rtp(1)))
    forged = Outbound(profile, master(profile, seed=9)).protect(rtp(30_000))
    with pytest.raises(AuthenticationError):
        receiver.unprotect(forged)
    assert receiver.unprotect(sender.protect(rtp(2))) == rtp(2)


def test_unencrypted_srtcp_is_authenticated() -> None:
    """The E bit off: RFC 3711 section 3.4, RFC 7714 section 9.3."""
    for profile in (CM_80, GCM_128):
        sender, receiver = Outbound(profile, master(profile)), Inbound(profile, master(profile))
        report, trailer = rtcp(), b"\0\0\0\5"
        if profile.aead:
            transform = sender._rtcp
            assert isinstance(transform, Gcm)
            tag = transform._aead.encrypt(transform.nonce(0xCAFEBABE, 5), b"", report + trailer)
            wire = report + tag + trailer
        else:
            transform = sender._rtcp
            assert isinstance(transform, CounterModeHmac)
            wire = report + trailer + transform.tag(report + trailer)
        with pytest.raises(AuthenticationError):
            receiver.unprotect_rtcp(wire.replace(b"\xc8", b"\xc9"))
        assert receiver.unprotect_rtcp(wire) == report


def test_sources_are_bounded() -> None:
    sender, receiver = Outbound(GCM_128, master(GCM_128)), Inbound(GCM_128, master(GCM_128))
    for ssrc in range(MAX_SOURCES):
        receiver.unprotect(sender.protect(rtp(1, ssrc=ssrc)))
    with pytest.raises(DecodeError, match="more than 4096"):
        receiver.unprotect(sender.protect(rtp(1, ssrc=MAX_SOURCES)))
    assert receiver.unprotect(sender.protect(rtp(2, ssrc=0))) == rtp(2, ssrc=0)


@EVERY
@settings(max_examples=int(os.environ.get("PEERPROOF_SWEEP", 200)))
@given(data=st.binary(max_size=80))
def test_any_bytes_are_a_decode_error(profile: Profile, data: bytes) -> None:
    receiver = Inbound(profile, master(profile))
    for open_it in (receiver.unprotect, receiver.unprotect_rtcp):
        with pytest.raises(DecodeError):
            open_it(data)
    with pytest.raises(DecodeError):
        receiver.unprotect(b"\x90" + data)
