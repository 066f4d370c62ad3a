"""Key derivation against the vectors of RFC 3711 appendix B.3, RFC 6188 section 7.2 and RFC 9335's appendix."""

from __future__ import annotations

import pytest

from peer.errors import LocalProtocolError
from peer.srtp.keys import LABEL_RTP, MasterKey, derive, split_keying_material
from peer.srtp.profile import PROFILES, Profile

CM_80, CM_32, GCM_128, GCM_256 = PROFILES.values()
AES_256_CM = Profile(0xFFFF, "AES_256_CM, for the vector only", 32, 14, 10, 10, aead=False)

MASTER = MasterKey(bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6"))


def test_rfc3711_b3() -> None:
    keys = derive(CM_80, MASTER, LABEL_RTP)
    assert keys.key.hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert keys.salt.hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert keys.auth_key.hex() == "cebe321f6ff7716b6fd4ab49af256a156d38baa4"


def test_rfc6188_7_2() -> None:
    master = MasterKey(
        bytes.fromhex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"),
        bytes.fromhex("3b04803de51ee7c96423ab5b78d2"),
    )
    keys = derive(AES_256_CM, master, LABEL_RTP)
    assert keys.key.hex() == "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"
    assert keys.salt.hex() == "fa31791685ca444a9e07c6c64e93"
    assert keys.auth_key.hex() == "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"


def test_rfc9335_gcm_session_keys() -> None:
    master = MasterKey(bytes(range(16)), bytes(range(0xA0, 0xAC)))
    keys = derive(GCM_128, master, LABEL_RTP)
    assert keys.key.hex() == "077c6143cb221bc355ff23d5f984a16e"
    assert keys.salt.hex() == "9af3e95364ebac9c99c5a7c4"


def test_lengths_are_checked() -> None:
    with pytest.raises(LocalProtocolError, match="key of 32 and a salt of 12"):
        derive(GCM_256, MASTER, LABEL_RTP)
    with pytest.raises(LocalProtocolError, match="takes 56 bytes"):
        split_keying_material(GCM_128, bytes(60))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_keying_material_is_client_key_server_key_client_salt_server_salt(profile: Profile) -> None:
    material = bytes(range(profile.keying_material_length))
    client, server = split_keying_material(profile, material)
    assert client.key + server.key + client.salt + server.salt == material
    assert len(client.key) == profile.key_length
    assert len(server.salt) == profile.salt_length
    assert client.key.hex() not in repr(client)
