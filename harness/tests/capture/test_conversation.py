"""A DTLS connection seen from outside."""

from __future__ import annotations

import struct
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture import protection
from harness.capture.conversation import Conversation, _nearest, _records, client_random_in
from harness.capture.keylog import KeyLog
from harness.capture.layers import dtls_extensions as ext
from harness.capture.layers import dtls_handshake as hs
from harness.capture.layers.dtls import ContentType

RANDOM = bytes(range(32))
HELLO = bytes(
    hs.ClientHello(random=RANDOM, cipher_suites=[0x1301], extensions=[ext.Extension(type=5, data=bytes(200))])
)


def record(body: bytes, kind: int = 22, sequence: int = 0) -> bytes:
    return bytes([kind]) + b"\xfe\xfd\0\0" + sequence.to_bytes(6, "big") + struct.pack("!H", len(body)) + body


def fragment(message: bytes, start: int, end: int) -> bytes:
    part = message[12 + start : 12 + end]
    return message[:6] + start.to_bytes(3, "big") + len(part).to_bytes(3, "big") + part


def conversation() -> Conversation:
    return Conversation(KeyLog(), None, "client")


def test_a_whole_message_is_read_in_its_frame() -> None:
    talk = conversation()
    (content,) = talk.read(record(HELLO), "client")
    assert (content.type, content.data, content.partial, content.again) == (ContentType.HANDSHAKE, HELLO, False, False)
    assert talk.client_random == RANDOM


@given(
    st.lists(st.integers(1, len(HELLO) - 13), min_size=1, max_size=5, unique=True), st.randoms(use_true_random=False)
)
def test_fragments_in_any_order_make_the_message_once(cuts: list[int], random: Random) -> None:
    talk = conversation()
    edges = [0, *sorted(cuts), len(HELLO) - 12]
    parts = [fragment(HELLO, start, end) for start, end in pairwise(edges)]
    random.shuffle(parts)
    contents = [content for part in parts for content in talk.read(record(part), "client")]
    assert [content.partial for content in contents] == [True] * (len(parts) - 1) + [False]
    assert contents[-1].data == HELLO


def test_overlapping_fragments_make_the_message() -> None:
    talk = conversation()
    contents = [
        *talk.read(record(fragment(HELLO, 0, 150)), "client"),
        *talk.read(record(fragment(HELLO, 100, 999)), "client"),
    ]
    assert [content.partial for content in contents] == [True, False]
    assert contents[1].data == HELLO


def test_a_message_sent_again_is_marked() -> None:
    talk = conversation()
    talk.read(record(HELLO), "client")
    (again,) = talk.read(record(HELLO, sequence=1), "client")
    assert again.again


def test_the_two_directions_are_reassembled_apart() -> None:
    talk = conversation()
    talk.read(record(fragment(HELLO, 0, 100)), "client")
    (content,) = talk.read(record(fragment(HELLO, 100, 999)), "server")
    assert content.partial


def test_a_fragment_that_claims_too_much_completes_nothing() -> None:
    talk = conversation()
    liar = b"\x01\xff\xff\xff\0\0\0\0\0\0\0\x05hello"
    beyond = b"\x01\0\0\x03\0\0\0\0\0\0\0\x05hello"
    assert [each.partial for each in talk.read(record(liar) + record(beyond), "client")] == [True, True]


def test_several_records_and_messages_of_a_datagram_are_read_in_order() -> None:
    talk = conversation()
    done = bytes(hs.ServerHelloDone(message_seq=1))
    contents = talk.read(record(HELLO + done) + record(b"\1", 20), "client")
    assert [(each.type, each.data) for each in contents] == [(22, HELLO), (22, done), (20, b"\1")]


def test_the_random_is_found_in_a_first_fragment_only() -> None:
    assert client_random_in(record(b"\1", 20) + record(fragment(HELLO, 0, 60))) == RANDOM
    assert client_random_in(record(fragment(HELLO, 60, 90))) is None
    assert client_random_in(b"\x17\xfe\xfd") is None


def server_hello(version: int, cipher: int) -> bytes:
    selected = [ext.SupportedVersionSelected(version=version)] if version == 0xFEFC else []
    return bytes(hs.ServerHello(random=b"S" * 32, cipher_suite=cipher, extensions=selected))


def sealed13(
    secret: bytes, epoch: int, sequence: int, clear: bytes, *, short: bool = False, length: bool = True
) -> bytes:
    """A DTLS 1.3 record, made with the primitives alone (RFC 9147 section 4)."""
    with_ = protection.suite(0x1301)
    assert with_ is not None
    keys = protection.keys13(secret, with_)
    low = sequence.to_bytes(8, "big")[-1 if short else -2 :]
    first = 0x20 | (0 if short else 8) | (4 if length else 0) | epoch & 3
    size = struct.pack("!H", len(clear) + 16) if length else b""
    header = bytes([first]) + low + size
    body = keys.aead.encrypt(protection._xor(keys.iv, sequence.to_bytes(8, "big")), clear, header)
    hidden = bytes(a ^ b for a, b in zip(low, keys.mask(body[:16]), strict=False))
    return bytes([first]) + hidden + size + body


@pytest.mark.parametrize("short", [False, True])
def test_epochs_and_key_updates_of_dtls_13_are_followed(short: bool) -> None:
    log = KeyLog()
    talk = Conversation(log, RANDOM, "client")
    talk.read(record(HELLO), "client")
    talk.read(record(server_hello(0xFEFC, 0x1301)), "server")
    log.add(f"CLIENT_HANDSHAKE_TRAFFIC_SECRET {RANDOM.hex()} {'11' * 32}")
    log.add(f"CLIENT_TRAFFIC_SECRET_0 {RANDOM.hex()} {'22' * 32}")
    with_ = protection.suite(0x1301)
    assert with_ is not None
    secrets = {2: b"\x11" * 32, 3: b"\x22" * 32}
    for epoch in (4, 5, 6, 7):
        secrets[epoch] = protection.next_secret(secrets[epoch - 1], with_)
    for epoch, secret in secrets.items():
        for sequence in (0, 1, 7, 5, 100):
            datagram = sealed13(secret, epoch, sequence, b"hello\x17", short=short, length=sequence != 7)
            (content,) = talk.read(datagram, "client")
            assert (content.type, content.data, content.epoch, content.sequence) == (23, b"hello", epoch, sequence)


def test_a_record_without_secrets_stays_closed_and_says_what_its_header_says() -> None:
    talk = conversation()
    old = b"\x17\xfe\xfd\0\1" + bytes(6) + b"\0\5sealed"[:7]
    (content,) = talk.read(old[:11] + b"\0\5abcde", "client")
    assert (content.type, content.data, content.protected, content.epoch) == (None, b"\x17abcde", True, 1)
    (content,) = talk.read(b"\x2f\1\2\0\5abcde", "client")
    assert (content.type, content.data[0], content.protected) == (None, 0, True)


@given(st.integers(0, 2**48), st.integers(-100, 100), st.sampled_from([8, 16]))
def test_a_sequence_number_near_the_expected_is_reconstructed(expected: int, off: int, bits: int) -> None:
    actual = max(0, expected + off)
    assert _nearest(actual & ((1 << bits) - 1), bits, expected) == actual


@given(st.binary(max_size=100))
def test_any_bytes_are_survived(data: bytes) -> None:
    talk = conversation()
    talk.read(data, "client")
    talk.read(record(data), "client")
    talk.read(record(data), "server")
    client_random_in(data)
    assert all(each in data for each in _records(data))
