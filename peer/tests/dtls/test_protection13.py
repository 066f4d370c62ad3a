"""Record protection of DTLS 1.3, computed again from RFC 9147 4.2 with nothing of ours but the key schedule."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from peer.dtls.protection13 import Opener13, Sealer13
from peer.dtls.schedule13 import expand_label
from peer.dtls.suites import SUITES, AeadKind, Suite
from peer.tests.dtls.test_protection12 import assert_one_window
from peer.wire.dtls_record import CiphertextRecord, Record, parse_datagram

SUITES_13 = [pytest.param(suite, id=suite.id.name) for suite in SUITES.values() if suite.authentication is None]
SECRET = bytes(range(48))


def by_hand(
    suite: Suite, secret: bytes, flags: int, cid: bytes, sequence: int, content: bytes, size: int, length: bool
) -> bytes:
    """A record as RFC 9147 4.2.3 describes it. `size` is that of the sequence number on the wire."""
    key, iv, sn = (
        expand_label(suite.hash, secret, name, b"", n)
        for name, n in ((b"key", suite.key_size), (b"iv", 12), (b"sn", suite.key_size))
    )
    on_wire = (sequence & (1 << 8 * size) - 1).to_bytes(size, "big")
    tail = (len(content) + 16).to_bytes(2, "big") if length else b""
    header = bytes([flags]) + cid + on_wire + tail
    nonce = bytes(a ^ b for a, b in zip(iv, sequence.to_bytes(12, "big"), strict=True))
    if suite.aead is AeadKind.AES_GCM:
        sealed = AESGCM(key).encrypt(nonce, content, header)
        mask = Cipher(algorithms.AES(sn), modes.ECB()).encryptor().update(sealed[:16])
    else:
        sealed = ChaCha20Poly1305(key).encrypt(nonce, content, header)
        # The keystream is what zeros encrypt to; counter first, then nonce, as in RFC 8439 2.3.
        mask = Cipher(algorithms.ChaCha20(sn, sealed[:4] + sealed[4:16]), None).encryptor().update(bytes(64))
    masked = bytes(a ^ b for a, b in zip(on_wire, mask, strict=False))
    return bytes([flags]) + cid + masked + tail + sealed


@pytest.mark.parametrize("suite", SUITES_13)
@pytest.mark.parametrize("sequence", [0, 1, 255, 256, 65_535, 65_536, 1 << 40])
def test_what_we_write(suite: Suite, sequence: int) -> None:
    sealer = Sealer13(suite, SECRET[: 32 if suite.hash == "sha256" else 48], 3)
    secret = SECRET[: 32 if suite.hash == "sha256" else 48]
    sealer.sequence = sequence
    assert sealer.seal(23, b"content") == by_hand(suite, secret, 0x2F, b"", sequence, b"content\x17", 2, True)
    assert sealer.sequence == sequence + 1
    sealer.connection_id = b"cid"
    again = Record(22, 0xFEFD, 6, sequence, b"")
    assert sealer.seal_record(again) == by_hand(suite, secret, 0x3E, b"cid", sequence, b"\x16", 2, True)


@pytest.mark.parametrize("suite", SUITES_13)
def test_numbers_go_on_beyond_a_byte_and_sizes_change(suite: Suite) -> None:
    secret = SECRET[: 32 if suite.hash == "sha256" else 48]
    sealer = Sealer13(suite, secret, 3)
    for start in (0, 65_530, (1 << 40) - 5):
        sealer.sequence = start
        for sequence in range(start, start + 260):
            content, kind = bytes(sequence % 7 * 500), 22 + sequence % 2
            wanted = by_hand(suite, secret, 0x2F, b"", sequence, content + bytes([kind]), 2, True)
            assert sealer.seal(kind, content) == wanted
        assert sealer.sequence == start + 260


@pytest.mark.parametrize("suite", SUITES_13)
@pytest.mark.parametrize("length", [False, True])
def test_both_ways_of_opening_share_a_window(suite: Suite, length: bool) -> None:
    secret = SECRET[: 32 if suite.hash == "sha256" else 48]
    assert_one_window(
        Opener13(suite, secret, 3),
        lambda sequence, content: by_hand(
            suite, secret, 0x2B | length << 2, b"", sequence, content + b"\x17", 2, length
        ),
    )


@pytest.mark.parametrize("suite", SUITES_13)
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("length", [False, True])
@pytest.mark.parametrize("cid", [b"", b"four"])
@pytest.mark.parametrize("padding", [0, 300])
def test_every_form_of_the_header_is_read(suite: Suite, size: int, length: bool, cid: bytes, padding: int) -> None:
    secret = SECRET[: 32 if suite.hash == "sha256" else 48]
    opener = Opener13(suite, secret, 3)
    flags = 0x23 | (0x10 if cid else 0) | (0x08 if size == 2 else 0) | (0x04 if length else 0)
    for sequence in (0, 1, 3, 2, 100, 227):
        data = by_hand(suite, secret, flags, cid, sequence, b"content\x16" + bytes(padding), size, length)
        (record,) = parse_datagram(data, len(cid))
        assert isinstance(record, CiphertextRecord)
        assert opener.open(record) == (22, sequence, b"content")
        assert opener.open(record) is None, "replayed"


def test_the_short_way_reads_the_same() -> None:
    suite = next(iter(SUITES.values()))
    opener = Opener13(suite, SECRET[:32], 3)
    for sequence, length in ((0, True), (1, False), (2, True)):
        data = by_hand(suite, SECRET[:32], 0x2B | length << 2, b"", sequence, b"content\x17", 2, length)
        spoilt = data[:-1] + bytes([data[-1] ^ 1])
        assert opener.open_application_data(spoilt) is None
        assert opener.open_application_data(data) == b"content"
        assert opener.open_application_data(data) is None
    handshake = by_hand(suite, SECRET[:32], 0x2F, b"", 3, b"content\x16", 2, True)
    assert opener.open_application_data(handshake) is None
    (record,) = parse_datagram(handshake)
    assert opener.open(record) == (22, 3, b"content")


@pytest.mark.parametrize(
    ("highest", "short", "bits", "wanted"),
    [
        (-1, 0, 8, 0),
        (-1, 255, 8, 255),
        (10, 11, 8, 11),
        (250, 3, 8, 259),
        (300, 250, 8, 250),
        (65_535, 0, 16, 65_536),
        (65_540, 65_530, 16, 65_530),
        ((1 << 40) - 1, 0, 16, 1 << 40),
        (5, 200, 8, 200),
    ],
)
def test_the_closest_number_is_meant(highest: int, short: int, bits: int, wanted: int) -> None:
    """RFC 9147 4.2.2."""
    opener = Opener13(next(iter(SUITES.values())), SECRET[:32], 3)
    opener._window.highest = highest
    assert opener._closest(short, bits) == wanted


def test_what_is_refused() -> None:
    suite = next(iter(SUITES.values()))
    opener = Opener13(suite, SECRET[:32], 3)
    assert opener.open(Record(23, 0xFEFD, 3, 0, bytes(40))) is None
    assert opener.open(CiphertextRecord(b"\x2f\x00\x00\x00\x10", 3, b"", 0, 2, True, bytes(16))) is None
    (empty,) = parse_datagram(by_hand(suite, SECRET[:32], 0x2F, b"", 0, bytes(20), 2, True))
    assert opener.open(empty) == (0, 0, b""), "all padding, no type: the caller ends the connection"
    (long,) = parse_datagram(by_hand(suite, SECRET[:32], 0x2F, b"", 1, bytes(16_384) + b"x\x17", 2, True))
    assert opener.open(long) is None
    assert opener.failures == 0
    opener.failures = 1 << 36
    (good,) = parse_datagram(by_hand(suite, SECRET[:32], 0x2F, b"", 9, b"x\x17", 2, True))
    assert opener.open(good) is None, "RFC 9147 4.5.3"
