"""STUN as scapy layers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.layers import stun
from harness.capture.layers.base import read, rebuilt
from harness.capture.layers.stun import STUN, ChannelData, Class, Method, message_type
from harness.tests.capture.layers.roundtrip import same_after_dissection

# RFC 5769 section 2.1: a request with long attributes, short-term password.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "00060009 6576746a3a68367659202020"
    "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf".replace(" ", "")
)
PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt"
# RFC 5769 section 2.2: an IPv4 response.
RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
# RFC 5769 section 2.3: an IPv6 response.
RESPONSE6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)


def test_the_request_of_rfc_5769() -> None:
    message = STUN(REQUEST)
    assert (message.method, message.message_class, message.title) == (1, Class.REQUEST, "Binding request")
    assert message.find(stun.Username).username == b"evtj:h6vY"
    assert message.find(stun.Priority).priority == 0x6E0001FF
    assert message.find(stun.IceControlled).tie_breaker == 0x932FF9B151263B36
    assert message.find(stun.IceControlling) is None
    assert stun.integrity_is_valid(REQUEST, PASSWORD)
    assert not stun.integrity_is_valid(REQUEST, PASSWORD + "x")
    assert stun.fingerprint_is_valid(REQUEST)


@pytest.mark.parametrize(
    ("data", "host"), [(RESPONSE, "192.0.2.1"), (RESPONSE6, "2001:db8:1234:5678:11:2233:4455:6677")]
)
def test_the_responses_of_rfc_5769(data: bytes, host: str) -> None:
    address = STUN(data).find(stun.XorMappedAddress)
    assert (address.host, address.port) == (host, 32853)
    assert stun.integrity_is_valid(data, PASSWORD)
    assert stun.fingerprint_is_valid(data)


@pytest.mark.parametrize("position", range(20, len(REQUEST) - 32))
def test_a_changed_byte_breaks_integrity_and_fingerprint(position: int) -> None:
    changed = REQUEST[:position] + bytes([REQUEST[position] ^ 1]) + REQUEST[position + 1 :]
    assert not stun.integrity_is_valid(changed, PASSWORD)
    assert not stun.fingerprint_is_valid(changed)


def test_a_fingerprint_that_is_not_last_is_invalid() -> None:
    message = STUN(attributes=[stun.Fingerprint(), stun.Software(software=b"late")])
    assert not stun.fingerprint_is_valid(bytes(message))


def test_what_was_signed_verifies() -> None:
    message = STUN(transaction_id=7, attributes=[stun.Username(username=b"a:b"), stun.UseCandidate()])
    data = stun.signed(message, "password")
    assert stun.integrity_is_valid(data, "password")
    assert stun.fingerprint_is_valid(data)
    assert STUN(data).kinds == [0x0006, 0x0025, 0x0008, 0x8028]


@given(st.sampled_from(Method), st.sampled_from(Class), st.integers(0, 2**96 - 1))
def test_method_and_class_are_interleaved_and_taken_apart(
    method: Method, message_class: Class, identifier: int
) -> None:
    message = same_after_dissection(STUN(type=message_type(method, message_class), transaction_id=identifier), STUN)
    assert (message.method, message.message_class) == (method, message_class)


def test_the_type_bits_of_rfc_8489_figure_3() -> None:
    assert message_type(1, Class.ERROR) == 0x0111
    assert message_type(0xFFF, 3) == 0x3FFF
    assert [message_type(3, each) for each in Class] == [0x0003, 0x0013, 0x0103, 0x0113]


text = st.binary(max_size=40)
attributes = st.one_of(
    st.builds(stun.Username, username=text),
    st.builds(stun.Software, software=text),
    st.builds(stun.Realm, realm=text),
    st.builds(stun.Nonce, nonce=text),
    st.builds(stun.Data, data=text),
    st.builds(stun.Priority, priority=st.integers(0, 2**32 - 1)),
    st.builds(stun.Lifetime, lifetime=st.integers(0, 2**32 - 1)),
    st.builds(stun.UseCandidate),
    st.builds(stun.DontFragment),
    st.builds(stun.IceControlling, tie_breaker=st.integers(0, 2**64 - 1)),
    st.builds(stun.IceControlled, tie_breaker=st.integers(0, 2**64 - 1)),
    st.builds(stun.MessageIntegrity, digest=st.binary(min_size=20, max_size=20)),
    st.builds(stun.MessageIntegritySha256, digest=st.binary(min_size=16, max_size=32)),
    st.builds(stun.ErrorCode, error_class=st.integers(3, 6), number=st.integers(0, 99), reason=text),
    st.builds(stun.UnknownAttributes, types=st.lists(st.integers(0, 65535), max_size=5)),
    st.builds(stun.RequestedTransport, protocol=st.integers(0, 255)),
    st.builds(stun.ChannelNumber, channel=st.integers(0x4000, 0x4FFF)),
    st.builds(stun.GoogNetworkInfo, network_id=st.integers(0, 65535), network_cost=st.integers(0, 65535)),
    st.builds(stun.Attribute, type=st.integers(0xC100, 0xFFFF), value=text),
    st.builds(stun.EvenPort, reserve=st.integers(0, 1)),
    st.builds(stun.ReservationToken, token=st.integers(0, 2**64 - 1)),
    st.builds(stun.Icmp, icmp_type=st.integers(0, 255)),
)


@given(st.lists(attributes, max_size=6))
def test_any_attributes_survive_the_round_trip(several: list[stun.Attribute]) -> None:
    message = same_after_dissection(STUN(attributes=several), STUN)
    assert [type(each) for each in message.attributes] == [type(each) for each in several]
    for found, built in zip(message.attributes, several, strict=True):
        for name, value in built.fields.items():
            assert found.getfieldval(name) == value


@given(st.ip_addresses().map(str), st.integers(0, 65535), st.integers(0, 2**96 - 1))
def test_addresses_are_masked_and_unmasked(host: str, port: int, identifier: int) -> None:
    kinds = (
        stun.XorMappedAddress,
        stun.MappedAddress,
        stun.XorPeerAddress,
        stun.XorRelayedAddress,
        stun.AlternateServer,
    )
    built = [kind.of(host, port, identifier) for kind in kinds]
    message = STUN(bytes(STUN(transaction_id=identifier, attributes=built)))
    assert [(each.host, each.port) for each in message.attributes] == [(host, port)] * len(kinds)


@pytest.mark.parametrize(
    "value",
    [b"\x80\x28\x00\x02ab\0\0", b"\x00\x20\x00\x05abcde\0\0\0", b"\x00\x09\x00\x02ab\0\0", b"\x00\x0a\x00\x03abc\0"],
)
def test_an_attribute_of_impossible_length_keeps_its_bytes(value: bytes) -> None:
    data = bytes.fromhex("01010008" if len(value) == 8 else "0101000c") + REQUEST[4:20] + value
    message = STUN(data)
    assert type(message.attributes[0]) is stun.Attribute
    assert rebuilt(message) == data


@given(st.binary(max_size=60))
def test_any_bytes_are_dissected(data: bytes) -> None:
    read(STUN, data).show(dump=True)
    read(STUN, REQUEST[:20] + data).show(dump=True)
    stun.integrity_is_valid(REQUEST[:20] + data, PASSWORD)
    stun.fingerprint_is_valid(REQUEST[:20] + data)


@given(st.integers(0x4000, 0x4FFF), st.binary(max_size=50))
def test_channel_data_survives_the_round_trip(channel: int, data: bytes) -> None:
    same_after_dissection(ChannelData(channel=channel, data=data), ChannelData)
