"""Record protection of DTLS 1.2, computed again from RFC 5288 and RFC 7905."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from peer.dtls.config import Version
from peer.dtls.protection import Opener
from peer.dtls.protection12 import make_opener, make_sealer
from peer.dtls.suites import SUITES, AeadKind, Suite
from peer.testing import Entropy
from peer.wire.dtls_record import CiphertextRecord, Record, parse_datagram

SUITES_12 = [pytest.param(suite, id=suite.id.name) for suite in SUITES.values() if suite.version is Version.DTLS12]


def iv_of(suite: Suite) -> bytes:
    return b"salt" if suite.aead is AeadKind.AES_GCM else b"twelve bytes"


def by_hand(suite: Suite, epoch: int, sequence: int, content: bytes, kind: int = 23) -> bytes:
    number = epoch.to_bytes(2, "big") + sequence.to_bytes(6, "big")
    additional = number + bytes([kind, 0xFE, 0xFD]) + len(content).to_bytes(2, "big")
    if suite.aead is AeadKind.AES_GCM:
        body = number + AESGCM(bytes(suite.key_size)).encrypt(b"salt" + number, content, additional)
    else:
        nonce = bytes(a ^ b for a, b in zip(b"twelve bytes", bytes(4) + number, strict=True))
        body = ChaCha20Poly1305(bytes(suite.key_size)).encrypt(nonce, content, additional)
    return bytes([kind, 0xFE, 0xFD]) + number + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize("suite", SUITES_12)
def test_there_and_back(suite: Suite) -> None:
    key, iv = bytes(suite.key_size), iv_of(suite)
    sealer, opener, short = (
        make_sealer(suite, key, iv, 1),
        make_opener(suite, key, iv, 1),
        make_opener(suite, key, iv, 1),
    )
    for sequence in range(3):
        data = sealer.seal(23, b"content")
        assert data == by_hand(suite, 1, sequence, b"content")
        assert len(data) == len(b"content") + sealer.overhead
        (record,) = parse_datagram(data)
        assert opener.open(record) == (23, sequence, b"content")
        assert opener.open(record) is None, "replayed"
        assert short.open_application_data(data[:-1] + bytes([data[-1] ^ 1])) is None
        assert short.open_application_data(data) == b"content"
        assert short.open_application_data(data) is None, "replayed"
    assert sealer.seal_record(Record(22, 0xFEFD, 5, 1 << 40, b"x")) == by_hand(suite, 5, 1 << 40, b"x", 22)


@pytest.mark.parametrize("suite", SUITES_12)
def test_what_is_refused(suite: Suite) -> None:
    opener = make_opener(suite, bytes(suite.key_size), iv_of(suite), 1)
    good = by_hand(suite, 1, 7, b"content")
    assert opener.open(CiphertextRecord(b"\x2f", 3, b"", 0, 2, True, bytes(40))) is None
    for other in (by_hand(suite, 2, 7, b"content"), b"\x17\xfe\xff" + good[3:], by_hand(suite, 1, 7, bytes(16_385))):
        (record,) = parse_datagram(other)
        assert opener.open(record) is None
        assert opener.open_application_data(other) is None
    (short,) = parse_datagram(good[:11] + b"\x00\x0f" + bytes(15))
    assert opener.open(short) is None
    for datagram in (b"", good[:20], good + b"\x00", by_hand(suite, 1, 7, b"x", 22)):
        assert opener.open_application_data(datagram) is None
    assert opener.open_application_data(good) == b"content"


@pytest.mark.parametrize("suite", SUITES_12)
def test_numbers_go_on_beyond_a_byte_and_sizes_change(suite: Suite) -> None:
    sealer = make_sealer(suite, bytes(suite.key_size), iv_of(suite), 1)
    for start in (0, 65_530, (1 << 40) - 5):
        sealer.sequence = start
        for sequence in range(start, start + 260):
            content, kind = bytes(sequence % 7 * 500), 22 + sequence % 2
            assert sealer.seal(kind, content) == by_hand(suite, 1, sequence, content, kind)
        assert sealer.sequence == start + 260


@pytest.mark.parametrize("suite", SUITES_12)
def test_both_ways_of_opening_share_a_window(suite: Suite) -> None:
    assert_one_window(
        make_opener(suite, bytes(suite.key_size), iv_of(suite), 1),
        lambda sequence, content: by_hand(suite, 1, sequence, content),
    )


def assert_one_window(opener: Opener, seal: Callable[[int, bytes], bytes]) -> None:
    """Records out of order, again and of several sizes, by the short way and the long one: each is taken once."""
    chance, seen, highest = Entropy("window"), set[int](), -1
    for step in range(800):
        sequence = max(0, highest + (1 if chance.below(3) else chance.below(40) - 20))
        content = bytes(2 + chance.below(3))
        data = seal(sequence, content)
        if step % 5:
            opened = opener.open_application_data(data)
        else:
            (record,) = parse_datagram(data)
            found = opener.open(record)
            opened = None if found is None else found[2]
        assert opened == (None if sequence in seen else content), f"step {step}: record {sequence}"
        seen.add(sequence)
        highest = max(highest, sequence)


@pytest.mark.parametrize("suite", SUITES_12)
@pytest.mark.parametrize("padding", [0, 40])
def test_with_a_connection_id(suite: Suite, padding: int) -> None:
    """Computed again from RFC 9146 5.3."""
    key, iv = bytes(suite.key_size), iv_of(suite)
    sealer = make_sealer(suite, key, iv, 1, b"cid")
    opener = make_opener(suite, key, iv, 1, with_connection_id=True)
    for sequence in range(3):
        data = sealer.seal(23, b"content")
        assert data == with_id_by_hand(suite, sequence, b"content\x17")
        assert len(data) == len(b"content") + sealer.overhead
        padded = with_id_by_hand(suite, sequence, b"content\x17" + bytes(padding))
        (record,) = parse_datagram(padded, 3)
        assert opener.open(record) == (23, sequence, b"content")
        assert opener.open(record) is None, "replayed"
    (nothing,) = parse_datagram(with_id_by_hand(suite, 9, bytes(4)), 3)
    assert opener.open(nothing) == (0, 9, b"")
    (spoilt,) = parse_datagram(with_id_by_hand(suite, 10, b"x\x17")[:-1] + b"\x00", 3)
    assert opener.open(spoilt) is None


def with_id_by_hand(suite: Suite, sequence: int, inner: bytes) -> bytes:
    number = b"\x00\x01" + sequence.to_bytes(6, "big")
    additional = bytes.fromhex("ffffffffffffffff 19 03 19 fefd") + number + b"cid" + len(inner).to_bytes(2, "big")
    if suite.aead is AeadKind.AES_GCM:
        body = number + AESGCM(bytes(suite.key_size)).encrypt(b"salt" + number, inner, additional)
    else:
        nonce = bytes(a ^ b for a, b in zip(b"twelve bytes", bytes(4) + number, strict=True))
        body = ChaCha20Poly1305(bytes(suite.key_size)).encrypt(nonce, inner, additional)
    return b"\x19\xfe\xfd" + number + b"cid" + len(body).to_bytes(2, "big") + body
