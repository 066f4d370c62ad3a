"""Both moves of each group agree; bad shares give ValueError and nothing else."""

from __future__ import annotations

import pytest

from peer.dtls.groups import GROUPS, open_agreement, respond
from peer.testing import Entropy
from peer.wire.dtls_parameters import NamedGroup

SIZES = {
    "x25519": (32, 32, 32),
    "secp256r1": (65, 65, 32),
    "secp384r1": (97, 97, 48),
    "X25519MLKEM768": (1216, 1120, 64),
}


@pytest.mark.parametrize("group", sorted(GROUPS), ids=lambda g: g.name)
def test_both_sides_agree(group: NamedGroup) -> None:
    opener = open_agreement(group)
    response = respond(group, opener.public)
    assert opener.finish(response.public) == response.secret
    assert (len(opener.public), len(response.public), len(response.secret)) == SIZES[group.name]


@pytest.mark.parametrize("group", sorted(GROUPS), ids=lambda g: g.name)
def test_bad_shares(group: NamedGroup) -> None:
    chance, opener = Entropy(group.name), open_agreement(group)
    good = respond(group, opener.public).public
    compressed = b"\x02" + good[1:33]
    for share in (b"", good[:-1], good + b"\x00", bytes(len(good)), compressed, b"\x04" + chance(len(good) - 1)):
        for attempt in (opener.finish, lambda data: respond(group, data)):
            try:
                attempt(share)
            except ValueError:
                continue
            assert group in (NamedGroup.x25519, NamedGroup.X25519MLKEM768), "only those take any bytes"


def test_the_kem_part_comes_first() -> None:
    opener = open_agreement(NamedGroup.X25519MLKEM768)
    response = respond(NamedGroup.X25519MLKEM768, opener.public)
    spoilt = bytes([response.public[0] ^ 1]) + response.public[1:]
    assert opener.finish(spoilt)[32:] == response.secret[32:]
    assert opener.finish(spoilt)[:32] != response.secret[:32]
