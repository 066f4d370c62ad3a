"""Session keys from master keys, master keys from DTLS."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from peer.errors import LocalProtocolError
from peer.srtp.profile import Profile

__all__ = ["MasterKey", "SessionKeys", "derive", "split_keying_material"]

AUTH_KEY_LENGTH = 20
# RFC 3711 section 4.3.1; SRTCP has its own three (section 4.3.2).
LABEL_RTP = 0
LABEL_RTCP = 3


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The master key and master salt of one direction."""

    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What one of SRTP and SRTCP encrypts and authenticates with; an AEAD profile has no `auth_key`."""

    key: bytes = field(repr=False)
    auth_key: bytes = field(repr=False)
    salt: bytes = field(repr=False)


def _prf(master: MasterKey, label: int, length: int) -> bytes:
    """AES-CM PRF (RFC 3711 section 4.3.3, RFC 6188 section 3) with a key derivation rate of zero.

    A 96-bit salt (RFC 7714 section 11) stands on the left of the 112 bits that the PRF takes.
    """
    salt = int.from_bytes(master.salt.ljust(14, b"\0"), "big")
    block = ((salt ^ (label << 48)) << 16).to_bytes(16, "big")
    return Cipher(AES(master.key), CTR(block)).encryptor().update(bytes(length))


def derive(profile: Profile, master: MasterKey, label: int) -> SessionKeys:
    """The three session keys; `label` is the first of three: LABEL_RTP or LABEL_RTCP."""
    if len(master.key) != profile.key_length or len(master.salt) != profile.salt_length:
        raise LocalProtocolError(
            f"{profile.name} takes a key of {profile.key_length} and a salt of {profile.salt_length} bytes, "
            f"not {len(master.key)} and {len(master.salt)}"
        )
    return SessionKeys(
        key=_prf(master, label, profile.key_length),
        auth_key=b"" if profile.aead else _prf(master, label + 1, AUTH_KEY_LENGTH),
        salt=_prf(master, label + 2, profile.salt_length),
    )


def split_keying_material(profile: Profile, material: bytes) -> tuple[MasterKey, MasterKey]:
    """(what the DTLS client writes with, what the server writes with), from the exporter (RFC 5764 section 4.2)."""
    if len(material) != profile.keying_material_length:
        raise LocalProtocolError(f"{profile.name} takes {profile.keying_material_length} bytes, not {len(material)}")
    key, salt = profile.key_length, profile.salt_length
    client_key, server_key = material[:key], material[key : 2 * key]
    client_salt, server_salt = material[2 * key : 2 * key + salt], material[2 * key + salt :]
    return MasterKey(client_key, client_salt), MasterKey(server_key, server_salt)
