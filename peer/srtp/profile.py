"""The protection profiles that DTLS-SRTP can negotiate (RFC 5764 section 4.1.2, RFC 7714 section 14.2)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PROFILES", "Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Lengths are in bytes. `rtcp_tag_length` differs from `tag_length` for the 32-bit profile only."""

    id: int
    name: str
    key_length: int
    salt_length: int
    tag_length: int
    rtcp_tag_length: int
    aead: bool

    @property
    def keying_material_length(self) -> int:
        """What the DTLS exporter has to yield for both directions (RFC 5764 section 4.2)."""
        return 2 * (self.key_length + self.salt_length)


PROFILES = {
    profile.id: profile
    for profile in (
        Profile(0x0001, "SRTP_AES128_CM_HMAC_SHA1_80", 16, 14, 10, 10, aead=False),
        # RFC 5764 4.1.2: the short tag is for SRTP alone, SRTCP keeps 80 bits.
        Profile(0x0002, "SRTP_AES128_CM_HMAC_SHA1_32", 16, 14, 4, 10, aead=False),
        Profile(0x0007, "SRTP_AEAD_AES_128_GCM", 16, 12, 16, 16, aead=True),
        Profile(0x0008, "SRTP_AEAD_AES_256_GCM", 32, 12, 16, 16, aead=True),
    )
}
