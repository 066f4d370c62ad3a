"""The two ways to encrypt and authenticate a packet, each in the four forms SRTP, SRTCP, seal and open.

A packet comes in its parts: `header` is authenticated only, `secret` is encrypted too. What opens raises `InvalidTag`
when the tag is wrong.
"""

from __future__ import annotations

import hmac
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from peer.srtp.keys import SessionKeys
from peer.srtp.profile import Profile

__all__ = ["Transform", "transform_for"]


class Transform(Protocol):
    """`index` is the 48-bit packet index of SRTP or the 31-bit one of SRTCP; `trailer` the word E || index of SRTCP.

    The `whole` pair is cryptex, where secret CSRCs stand before a clear word, the `mark` (RFC 9335 section 6).
    """

    def seal_rtp(self, header: bytes, secret: bytes, ssrc: int, index: int) -> bytes: ...
    def open_rtp(self, header: bytes, secret: bytes, ssrc: int, index: int) -> bytes: ...
    def seal_whole(self, fixed: bytes, csrcs: bytes, mark: bytes, rest: bytes, ssrc: int, index: int) -> bytes: ...
    def open_whole(
        self, fixed: bytes, csrcs: bytes, mark: bytes, rest: bytes, ssrc: int, index: int
    ) -> tuple[bytes, bytes]: ...
    def seal_rtcp(self, header: bytes, secret: bytes, ssrc: int, index: int, trailer: bytes) -> bytes: ...
    def open_rtcp(self, header: bytes, body: bytes, ssrc: int, index: int, trailer: bytes) -> bytes: ...


class CounterModeHmac:
    """AES-CM with HMAC-SHA1 (RFC 3711 sections 4.1.1 and 4.2.1)."""

    def __init__(self, keys: SessionKeys, tag_length: int) -> None:
        self._salt = int.from_bytes(keys.salt, "big") << 16
        self._auth_key = keys.auth_key
        self._tag_length = tag_length
        self._stream = Cipher(AES(keys.key), CTR(bytes(16))).encryptor()

    def crypt(self, data: bytes, ssrc: int, index: int) -> bytes:
        """Encrypt or decrypt: the same in counter mode."""
        self._stream.reset_nonce((self._salt ^ (ssrc << 64) ^ (index << 16)).to_bytes(16, "big"))
        return self._stream.update(data)

    def tag(self, data: bytes) -> bytes:
        return hmac.digest(self._auth_key, data, "sha1")[: self._tag_length]

    def seal_rtp(self, header: bytes, secret: bytes, ssrc: int, index: int) -> bytes:
        packet = header + self.crypt(secret, ssrc, index)
        return packet + self.tag(packet + (index >> 16).to_bytes(4, "big"))

    def open_rtp(self, header: bytes, secret: bytes, ssrc: int, index: int) -> bytes:
        cut = len(secret) - self._tag_length
        self.check(header + secret[:cut] + (index >> 16).to_bytes(4, "big"), secret[cut:])
        return self.crypt(secret[:cut], ssrc, index)

    def seal_whole(self, fixed: bytes, csrcs: bytes, mark: bytes, rest: bytes, ssrc: int, index: int) -> bytes:
        hidden, cut = self.crypt(csrcs + rest, ssrc, index), len(csrcs)
        packet = fixed + hidden[:cut] + mark + hidden[cut:]
        return packet + self.tag(packet + (index >> 16).to_bytes(4, "big"))

    def open_whole(
        self, fixed: bytes, csrcs: bytes, mark: bytes, rest: bytes, ssrc: int, index: int
    ) -> tuple[bytes, bytes]:
        rest, tag = rest[: -self._tag_length], rest[-self._tag_length :]
        self.check(fixed + csrcs + mark + rest + (index >> 16).to_bytes(4, "big"), tag)
        clear, cut = self.crypt(csrcs + rest, ssrc, index), len(csrcs)
        return clear[:cut], clear[cut:]

    def seal_rtcp(self, header: bytes, secret: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        packet = header + self.crypt(secret, ssrc, index) + trailer
        return packet + self.tag(packet)

    def open_rtcp(self, header: bytes, body: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        cut = len(body) - self._tag_length
        self.check(header + body[:cut] + trailer, body[cut:])
        encrypted = trailer[0] & 0x80
        return self.crypt(body[:cut], ssrc, index) if encrypted else body[:cut]

    def check(self, data: bytes, tag: bytes) -> None:
        if not hmac.compare_digest(self.tag(data), tag):
            raise InvalidTag


class Gcm:
    """AEAD_AES_128_GCM and AEAD_AES_256_GCM (RFC 7714 sections 8 and 9)."""

    def __init__(self, keys: SessionKeys) -> None:
        self._salt = int.from_bytes(keys.salt, "big")
        self._aead = AESGCM(keys.key)

    def nonce(self, ssrc: int, index: int) -> bytes:
        return (self._salt ^ (ssrc << 48) ^ index).to_bytes(12, "big")

    def seal_rtp(self, header: bytes, secret: bytes, ssrc: int, index: int) -> bytes:
        return header + self._aead.encrypt(self.nonce(ssrc, index), secret, header)

    def open_rtp(self, header: bytes, secret: bytes, ssrc: int, index: int) -> bytes:
        return self._aead.decrypt(self.nonce(ssrc, index), secret, header)

    def seal_whole(self, fixed: bytes, csrcs: bytes, mark: bytes, rest: bytes, ssrc: int, index: int) -> bytes:
        hidden = self._aead.encrypt(self.nonce(ssrc, index), csrcs + rest, fixed + mark)
        cut = len(csrcs)
        return fixed + hidden[:cut] + mark + hidden[cut:]

    def open_whole(
        self, fixed: bytes, csrcs: bytes, mark: bytes, rest: bytes, ssrc: int, index: int
    ) -> tuple[bytes, bytes]:
        clear = self._aead.decrypt(self.nonce(ssrc, index), csrcs + rest, fixed + mark)
        cut = len(csrcs)
        return clear[:cut], clear[cut:]

    def seal_rtcp(self, header: bytes, secret: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        return header + self._aead.encrypt(self.nonce(ssrc, index), secret, header + trailer) + trailer

    def open_rtcp(self, header: bytes, body: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        if trailer[0] & 0x80:
            return self._aead.decrypt(self.nonce(ssrc, index), body, header + trailer)
        # RFC 7714 section 9.3: unencrypted, all of it is associated data and the tag is all the cipher makes.
        clear, tag = body[:-16], body[-16:]
        self._aead.decrypt(self.nonce(ssrc, index), tag, header + clear + trailer)
        return clear


def transform_for(profile: Profile, keys: SessionKeys, tag_length: int) -> Transform:
    return Gcm(keys) if profile.aead else CounterModeHmac(keys, tag_length)
