"""STUN, judged by the published vectors, by its own inverse, and by a flood of spoilt messages."""

from __future__ import annotations

import contextlib
import hmac
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.testing import Entropy
from peer.wire import stun
from peer.wire.stun import Attribute, AttributeType, Class, ErrorCode, Message, Method
from peer.wire.stun_attributes import TransportAddress

SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "3000"))
VECTORS: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parents[3] / "fixtures/vectors/stun.toml").read_text(encoding="utf-8")
)
TRANSACTION = bytes(range(12))


def vector(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name]["message"])


def key(name: str) -> bytes:
    entry = VECTORS[name]
    if "realm" in entry:
        return stun.long_term_key(entry["username"], entry["realm"], entry["password"])
    return entry["password"].encode()


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_there_and_back(name: str) -> None:
    data = vector(name)
    message = stun.parse(data)
    assert message.serialize() == data
    if AttributeType.FINGERPRINT in message:
        assert stun.has_valid_fingerprint(data)


@pytest.mark.parametrize("name", VECTORS)
def test_integrity_and_fingerprint_of_the_vectors_are_what_we_compute(name: str) -> None:
    data = vector(name)
    assert stun.has_valid_integrity(data, key(name))
    assert not stun.has_valid_integrity(data, key(name), sha256=True)
    assert not stun.has_valid_integrity(data, b"another key")
    message = stun.parse(data)
    sealed = replace(
        message,
        attributes=message.attributes[: -2 if AttributeType.FINGERPRINT in message else -1],
        integrity_key=key(name),
        fingerprint=AttributeType.FINGERPRINT in message,
    )
    assert sealed.serialize() == data


@pytest.mark.parametrize("name", VECTORS)
def test_every_single_byte_change_breaks_integrity_or_the_message(name: str) -> None:
    data = vector(name)
    end = len(data) - (8 if stun.has_valid_fingerprint(data) else 0)
    for index in range(end):
        spoilt = data[:index] + bytes([data[index] ^ 0x40]) + data[index + 1 :]
        assert not stun.has_valid_fingerprint(spoilt)
        try:
            stun.parse(spoilt)
        except DecodeError:
            continue
        assert not stun.has_valid_integrity(spoilt, key(name))


def test_sha256_integrity_is_the_hmac_of_all_before_it_with_the_length_up_to_its_own_end() -> None:
    message = Message(Method.BINDING, Class.REQUEST, TRANSACTION, (Attribute(AttributeType.PRIORITY, 5),))
    data = replace(message, integrity_key=b"k", integrity_sha256_key=b"key", fingerprint=True).serialize()
    covered = data[:2] + (8 + 24 + 36).to_bytes(2, "big") + data[4 : 20 + 8 + 24]
    assert data[20 + 8 + 24 + 4 : -8] == hmac.new(b"key", covered, "sha256").digest()
    assert stun.has_valid_integrity(data, b"key", sha256=True)
    assert stun.has_valid_integrity(data, b"k")
    assert stun.has_valid_fingerprint(data)


def test_what_the_vectors_say() -> None:
    request = stun.parse(vector("sample_request"))
    assert (request.method, request.message_class) == (Method.BINDING, Class.REQUEST)
    assert request.username == "evtj:h6vY"
    assert request.priority == 0x6E0001FF
    assert (request.controlled, request.controlling) == (0x932FF9B151263B36, None)
    software = request.find(AttributeType.SOFTWARE)
    assert software == Attribute(AttributeType.SOFTWARE, "STUN test client")
    assert stun.parse(vector("sample_ipv4_response")).mapped_address == ("192.0.2.1", 32853)
    ipv6 = stun.parse(vector("sample_ipv6_response"))
    assert ipv6.mapped_address == ("2001:db8:1234:5678:11:2233:4455:6677", 32853)
    assert stun.parse(vector("sample_long_term_request")).username == "マトリックス"


SAMPLES: dict[AttributeType, Any] = {
    AttributeType.MAPPED_ADDRESS: ("192.0.2.1", 1),
    AttributeType.CHANGE_REQUEST: 6,
    AttributeType.USERNAME: "naïve:name",
    AttributeType.MESSAGE_INTEGRITY: bytes(20),
    AttributeType.ERROR_CODE: ErrorCode(487, "Role Conflict"),
    AttributeType.UNKNOWN_ATTRIBUTES: (0x7001, 0x7002, 0x7003),
    AttributeType.CHANNEL_NUMBER: 0x4000,
    AttributeType.LIFETIME: 600,
    AttributeType.XOR_PEER_ADDRESS: ("2001:db8::1", 65535),
    AttributeType.DATA: b"payload",
    AttributeType.REALM: "example.org",
    AttributeType.NONCE: "abc",
    AttributeType.XOR_RELAYED_ADDRESS: ("198.51.100.7", 40000),
    AttributeType.REQUESTED_ADDRESS_FAMILY: 2,
    AttributeType.EVEN_PORT: 0x80,
    AttributeType.REQUESTED_TRANSPORT: 17,
    AttributeType.DONT_FRAGMENT: None,
    AttributeType.MESSAGE_INTEGRITY_SHA256: bytes(32),
    AttributeType.USERHASH: bytes(32),
    AttributeType.XOR_MAPPED_ADDRESS: ("2001:db8::2", 0),
    AttributeType.RESERVATION_TOKEN: bytes(8),
    AttributeType.PRIORITY: 2**32 - 1,
    AttributeType.USE_CANDIDATE: None,
    AttributeType.CONNECTION_ID: 7,
    AttributeType.ADDITIONAL_ADDRESS_FAMILY: 2,
    AttributeType.ALTERNATE_DOMAIN: "turn.example",
    AttributeType.SOFTWARE: "x" * 763,
    AttributeType.ALTERNATE_SERVER: ("203.0.113.1", 3478),
    AttributeType.FINGERPRINT: 0,
    AttributeType.ICE_CONTROLLED: 2**64 - 1,
    AttributeType.ICE_CONTROLLING: 0,
    AttributeType.RESPONSE_ORIGIN: ("192.0.2.1", 3478),
    AttributeType.OTHER_ADDRESS: ("192.0.2.1", 3479),
    AttributeType.NOMINATION: 3,
}


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.name)
def test_every_attribute_there_and_back(kind: AttributeType) -> None:
    message = Message(Method.BINDING, Class.REQUEST, TRANSACTION, (Attribute(kind, SAMPLES[kind]),))
    assert stun.parse(message.serialize()) == message


def test_unknown_attributes_survive_with_their_padding() -> None:
    attributes = (Attribute(0x7FFF, b"abc", b"!"), Attribute(0xFFFE, b""), Attribute(0xC057, b"12345", b"pad"))
    message = Message(0xFFF, Class.INDICATION, TRANSACTION, attributes)
    assert stun.parse(message.serialize()) == message
    assert message.unknown_required(frozenset()) == (0x7FFF,)
    assert message.unknown_required(frozenset({0x7FFF})) == ()


@given(method=st.integers(0, 0xFFF), kind=st.sampled_from(Class), transaction=st.binary(min_size=12, max_size=12))
def test_method_and_class_share_the_type_field(method: int, kind: Class, transaction: bytes) -> None:
    message = Message(method, kind, transaction, fingerprint=True)
    data = message.serialize()
    again = stun.parse(data)
    assert (again.method, again.message_class, again.transaction_id) == (method, kind, transaction)
    assert stun.is_stun(data) == (method < 0x100)
    assert stun.has_valid_fingerprint(data)


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_are_a_decode_error(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        stun.parse(data)


def test_the_first_of_two_counts_and_nothing_after_integrity_but_its_successors() -> None:
    attributes = (
        Attribute(AttributeType.PRIORITY, 1),
        Attribute(AttributeType.PRIORITY, 2),
        Attribute(AttributeType.MESSAGE_INTEGRITY, bytes(20)),
        Attribute(AttributeType.USE_CANDIDATE),
        Attribute(AttributeType.MESSAGE_INTEGRITY_SHA256, bytes(16)),
        Attribute(AttributeType.FINGERPRINT, 9),
    )
    message = Message(Method.BINDING, Class.REQUEST, TRANSACTION, attributes)
    assert message.priority == 1
    assert not message.use_candidate
    assert AttributeType.MESSAGE_INTEGRITY_SHA256 in message
    assert AttributeType.FINGERPRINT in message


def test_what_is_not_there_is_none() -> None:
    empty = Message(Method.BINDING, Class.SUCCESS, TRANSACTION)
    found = (empty.username, empty.priority, empty.controlling, empty.controlled, empty.nomination, empty.error)
    assert found == (None,) * 6
    assert empty.mapped_address is None
    assert not empty.use_candidate
    assert not stun.has_valid_integrity(empty.serialize(), b"key")
    assert not stun.has_valid_fingerprint(empty.serialize())
    old = Message(
        Method.BINDING,
        Class.SUCCESS,
        TRANSACTION,
        (Attribute(AttributeType.MAPPED_ADDRESS, TransportAddress("::1", 5)),),
    )
    assert stun.parse(old.serialize()).mapped_address == ("::1", 5)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"\x00\x01", 2),
        (b"\x40\x01\x00\x00\x21\x12\xa4\x42" + bytes(12), 0),
        (b"\x00\x01\x00\x00\x21\x12\xa4\x43" + bytes(12), 4),
        (b"\x00\x01\x00\x04\x21\x12\xa4\x42" + bytes(12), 2),
        (b"\x00\x01\x00\x02\x21\x12\xa4\x42" + bytes(14), 2),
        (b"\x00\x01\x00\x04\x21\x12\xa4\x42" + bytes(12) + b"\x00\x24\x00\x04", 20),
    ],
)
def test_malformed_messages_say_where(data: bytes, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        stun.parse(data)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (AttributeType.PRIORITY, bytes(3)),
        (AttributeType.USE_CANDIDATE, b"x"),
        (AttributeType.ICE_CONTROLLED, bytes(4)),
        (AttributeType.USERNAME, b"\xff\xfe"),
        (AttributeType.USERNAME, bytes(513)),
        (AttributeType.ERROR_CODE, bytes(3)),
        (AttributeType.ERROR_CODE, b"\0\0\2\0"),
        (AttributeType.ERROR_CODE, b"\0\0\4\x64"),
        (AttributeType.UNKNOWN_ATTRIBUTES, bytes(3)),
        (AttributeType.XOR_MAPPED_ADDRESS, b"\0\1"),
        (AttributeType.XOR_MAPPED_ADDRESS, b"\0\3" + bytes(6)),
        (AttributeType.XOR_MAPPED_ADDRESS, b"\0\1" + bytes(18)),
        (AttributeType.XOR_MAPPED_ADDRESS, b"\0\2" + bytes(19)),
        (AttributeType.MAPPED_ADDRESS, b""),
        (AttributeType.MESSAGE_INTEGRITY, bytes(19)),
        (AttributeType.MESSAGE_INTEGRITY_SHA256, bytes(12)),
        (AttributeType.MESSAGE_INTEGRITY_SHA256, bytes(18)),
        (AttributeType.MESSAGE_INTEGRITY_SHA256, bytes(36)),
    ],
)
def test_malformed_attributes_are_decode_errors_where_their_value_begins(kind: AttributeType, value: bytes) -> None:
    data = Message(Method.BINDING, Class.REQUEST, TRANSACTION, (Attribute(kind, value),)).serialize()
    with pytest.raises(DecodeError) as caught:
        stun.parse(data)
    assert caught.value.offset == 24


@pytest.mark.parametrize(
    "attribute",
    [
        Attribute(AttributeType.PRIORITY, "x"),
        Attribute(AttributeType.ERROR_CODE, 487),
        Attribute(AttributeType.UNKNOWN_ATTRIBUTES, 1),
        Attribute(AttributeType.XOR_MAPPED_ADDRESS, "192.0.2.1"),
        Attribute(AttributeType.MESSAGE_INTEGRITY, 1),
        Attribute(0x7001, "text"),
    ],
)
def test_a_value_of_the_wrong_shape_is_our_own_type_error(attribute: Attribute) -> None:
    with pytest.raises(TypeError):
        Message(Method.BINDING, Class.REQUEST, TRANSACTION, (attribute,)).serialize()


def test_long_term_key_by_sha256() -> None:
    assert len(stun.long_term_key("user", "realm", "secret", sha256=True)) == 32


def mutated(source: bytes, entropy: Entropy) -> bytes:
    data = bytearray(source)
    for _ in range(1 + entropy.below(4)):
        match entropy.below(4):
            case 0:
                data[entropy.below(len(data))] = entropy.below(256)
            case 1:
                del data[entropy.below(len(data)) + 1 :]
            case 2:
                data += entropy(entropy.below(9))
            case _:
                at = entropy.below(len(data))
                data[at : at + 4] = entropy(4)
    if len(data) >= 4 and entropy.below(2):  # half of them with a length that is right again, to get deeper
        del data[len(data) // 4 * 4 :]
        data[2:4] = max(0, len(data) - 20).to_bytes(2, "big")
    return bytes(data)


def test_mutated_messages_are_decode_errors_or_messages_and_nothing_else() -> None:
    entropy = Entropy("stun sweep")
    everything = Message(
        Method.BINDING,
        Class.REQUEST,
        TRANSACTION,
        tuple(Attribute(kind, value) for kind, value in SAMPLES.items() if kind != AttributeType.SOFTWARE),
    ).serialize()
    sources = [*map(vector, VECTORS), everything]
    outcomes = {True: 0, False: 0}
    for index in range(SWEEP):
        data = mutated(sources[index % len(sources)], entropy)
        try:
            message = stun.parse(data)
        except DecodeError:
            outcomes[False] += 1
            continue
        outcomes[True] += 1
        stun.has_valid_integrity(data, b"key")
        stun.has_valid_fingerprint(data)
        assert len(message.serialize()) == len(data)
    assert min(outcomes.values()) > SWEEP // 20


@pytest.mark.parametrize("name", VECTORS)
def test_every_truncation_is_a_decode_error(name: str) -> None:
    data = vector(name)
    for length in range(len(data)):
        with pytest.raises(DecodeError):
            stun.parse(data[:length])
