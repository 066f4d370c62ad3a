"""Opening SRTP and SRTCP (RFC 3711, 6188, 7714) with keys exported from DTLS (RFC 5764): an observer's half."""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.capture.layers.rtp import header_size

__all__ = ["PROFILES", "Profile", "Stream", "split_keying_material"]


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile: sizes in bytes. `tag` and `rtcp_tag` are the authentication tags' sizes."""

    name: str
    key: int
    salt: int
    tag: int
    rtcp_tag: int
    aead: bool


PROFILES: Final = {
    0x0001: Profile("SRTP_AES128_CM_HMAC_SHA1_80", 16, 14, 10, 10, aead=False),
    0x0002: Profile("SRTP_AES128_CM_HMAC_SHA1_32", 16, 14, 4, 10, aead=False),
    0x0007: Profile("SRTP_AEAD_AES_128_GCM", 16, 12, 16, 16, aead=True),
    0x0008: Profile("SRTP_AEAD_AES_256_GCM", 32, 12, 16, 16, aead=True),
}
_AUTH_KEY: Final = 20
_INDEX: Final = 4
_RTCP_HEADER: Final = 8


def split_keying_material(profile: Profile, material: bytes) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    """Master key and salt of the DTLS client, and of the server (RFC 5764 section 4.2)."""
    key, salt = profile.key, profile.salt
    client = material[:key], material[2 * key : 2 * key + salt]
    server = material[key : 2 * key], material[2 * key + salt : 2 * (key + salt)]
    return client, server


@dataclass(frozen=True, slots=True)
class _Session:
    """The session keys of RTP, or of RTCP."""

    cipher: bytes
    auth: bytes
    salt: bytes
    aead: AESGCM | None


def _counter_mode(key: bytes, iv: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(data)


def _derive(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """RFC 3711 section 4.3.1, with a key derivation rate of zero."""
    start = int.from_bytes(salt.ljust(14, b"\0"), "big") ^ (label << 48)
    return _counter_mode(key, (start << 16).to_bytes(16, "big"), bytes(size))


def _session(profile: Profile, key: bytes, salt: bytes, first_label: int) -> _Session:
    cipher = _derive(key, salt, first_label, profile.key)
    auth = b"" if profile.aead else _derive(key, salt, first_label + 1, _AUTH_KEY)
    return _Session(
        cipher, auth, _derive(key, salt, first_label + 2, profile.salt), AESGCM(cipher) if profile.aead else None
    )


@dataclass(slots=True)
class _Rollover:
    """RFC 3711 section 3.3.1: the highest sequence number seen, and how often it wrapped."""

    highest: int | None = None
    count: int = 0

    def guess(self, sequence: int) -> int:
        if self.highest is None:
            return self.count
        if self.highest < 0x8000:
            return self.count - 1 if sequence - self.highest > 0x8000 and self.count else self.count
        return self.count + 1 if self.highest - 0x8000 > sequence else self.count

    def seen(self, sequence: int, count: int) -> None:
        if self.highest is None or count > self.count or (count == self.count and sequence > self.highest):
            self.highest, self.count = sequence, count


@dataclass(slots=True)
class Stream:
    """Everything one side sends under one master key."""

    profile: Profile
    _rtp: _Session
    _rtcp: _Session
    _rollovers: dict[int, _Rollover] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: Profile, key: bytes, salt: bytes) -> Stream:
        return cls(profile, _session(profile, key, salt, 0), _session(profile, key, salt, 3))

    def open_rtp(self, packet: bytes) -> bytes | None:
        """The packet in clear: same header, the payload decrypted, no tag. None when it doesn't authenticate."""
        start = header_size(packet)
        if start is None or len(packet) < start + self.profile.tag:
            return None
        sequence, _, ssrc = struct.unpack_from("!HII", packet, 2)
        rollover = self._rollovers.setdefault(ssrc, _Rollover())
        for count in dict.fromkeys((rollover.guess(sequence), rollover.count + 1)):
            opened = self._open(packet, start, ssrc, count, sequence)
            if opened is not None:
                rollover.seen(sequence, count)
                return opened
        if rollover.highest is None:
            del self._rollovers[ssrc]
        return None

    def _open(self, packet: bytes, start: int, ssrc: int, count: int, sequence: int) -> bytes | None:
        session = self._rtp
        if session.aead is not None:
            nonce = _xor(session.salt, struct.pack("!HIIH", 0, ssrc, count, sequence))
            try:
                return packet[:start] + session.aead.decrypt(nonce, packet[start:], packet[:start])
            except InvalidTag:
                return None
        body, tag = packet[: -self.profile.tag], packet[-self.profile.tag :]
        expected = hmac.new(session.auth, body + struct.pack("!I", count), "sha1").digest()[: self.profile.tag]
        if not hmac.compare_digest(expected, tag):
            return None
        return body[:start] + self._cm(session, ssrc, count << 16 | sequence, body[start:])

    def open_rtcp(self, packet: bytes) -> bytes | None:
        """The compound packet in clear. None when it doesn't authenticate."""
        if len(packet) < _RTCP_HEADER + _INDEX + self.profile.rtcp_tag:
            return None
        session = self._rtcp
        ssrc = struct.unpack_from("!I", packet, 4)[0]
        if session.aead is not None:
            return self._open_rtcp_aead(session.aead, packet, ssrc)
        body, tag = packet[: -self.profile.rtcp_tag], packet[-self.profile.rtcp_tag :]
        expected = hmac.new(session.auth, body, "sha1").digest()[: self.profile.rtcp_tag]
        if not hmac.compare_digest(expected, tag):
            return None
        word = struct.unpack("!I", body[-_INDEX:])[0]
        sealed = body[_RTCP_HEADER:-_INDEX]
        if word >> 31:
            sealed = self._cm(session, ssrc, word & 0x7FFFFFFF, sealed)
        return body[:_RTCP_HEADER] + sealed

    def _open_rtcp_aead(self, aead: AESGCM, packet: bytes, ssrc: int) -> bytes | None:
        """RFC 7714 section 9."""
        word = packet[-_INDEX:]
        index = struct.unpack("!I", word)[0]
        nonce = _xor(self._rtcp.salt, struct.pack("!HIHI", 0, ssrc, 0, index & 0x7FFFFFFF))
        header, sealed = packet[:_RTCP_HEADER], packet[_RTCP_HEADER:-_INDEX]
        try:
            if index >> 31:
                return header + aead.decrypt(nonce, sealed, header + word)
            clear, tag = sealed[: -self.profile.rtcp_tag], sealed[-self.profile.rtcp_tag :]
            aead.decrypt(nonce, tag, header + clear + word)
        except InvalidTag:
            return None
        return header + clear

    @staticmethod
    def _cm(session: _Session, ssrc: int, index: int, data: bytes) -> bytes:
        """RFC 3711 section 4.1.1."""
        iv = int.from_bytes(session.salt, "big") << 16 ^ ssrc << 64 ^ index << 16
        return _counter_mode(session.cipher, iv.to_bytes(16, "big"), data)


def _xor(salt: bytes, value: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(salt, value, strict=True))
