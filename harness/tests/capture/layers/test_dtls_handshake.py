"""Handshake messages as scapy layers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.items import Part
from harness.capture.layers import dtls_extensions as ext
from harness.capture.layers import dtls_handshake as hs
from harness.capture.layers.base import rebuilt
from harness.tests.capture.layers.roundtrip import same_after_dissection
from harness.tests.capture.recorded import DATA_12, DATA_13, NAMES, shared

short = st.integers(0, 65535)
blob = st.binary(max_size=40)
random = st.binary(min_size=32, max_size=32)
either = st.one_of(
    st.builds(ext.UseSrtp, profiles=st.lists(short, max_size=4), mki=st.binary(max_size=5)),
    st.builds(ext.SupportedGroups, groups=st.lists(short, max_size=4)),
    st.builds(ext.SignatureAlgorithms, schemes=st.lists(short, max_size=4)),
    st.builds(ext.EcPointFormats, formats=st.lists(st.integers(0, 255), max_size=3)),
    st.builds(ext.ExtendedMasterSecret),
    st.builds(ext.Cookie, cookie=blob),
    st.builds(ext.RenegotiationInfo, renegotiated=blob),
    st.builds(ext.Extension, type=st.sampled_from([0, 5, 16, 35, 0x0A0A, 0x1A1A]), data=blob),
)
shares = st.builds(ext.KeyShareEntry, group=short, key=blob)
offered = st.one_of(
    either,
    st.builds(ext.SupportedVersionsOffered, versions=st.lists(short, max_size=3)),
    st.builds(ext.KeyShareOffered, shares=st.lists(shares, max_size=3)),
)
answered = st.one_of(
    either,
    st.builds(ext.SupportedVersionSelected, version=short),
    st.builds(ext.KeyShareSelected, group=short, key=blob),
    st.builds(ext.KeyShareRetry, group=short),
)
offers = st.lists(offered, max_size=5)
answers = st.lists(answered, max_size=5)
entries = st.lists(st.builds(hs.CertificateEntry, der=blob, extensions=st.lists(either, max_size=2)), max_size=3)
messages = st.one_of(
    st.builds(
        hs.ClientHello,
        message_seq=short,
        random=random,
        session_id=st.binary(max_size=32),
        cookie=blob,
        cipher_suites=st.lists(short, max_size=5),
        extensions=offers,
    ),
    st.builds(hs.ServerHello, random=random, session_id=st.binary(max_size=32), cipher_suite=short, extensions=answers),
    st.builds(hs.HelloVerifyRequest, cookie=blob),
    st.builds(hs.EncryptedExtensions, extensions=answers),
    st.builds(hs.ServerKeyExchange, group=short, point=blob, scheme=short, signature=blob),
    st.builds(hs.ServerHelloDone),
    st.builds(hs.CertificateVerify, scheme=short, signature=blob),
    st.builds(hs.ClientKeyExchange, point=blob),
    st.builds(hs.Finished, verify_data=blob),
    st.builds(hs.KeyUpdate, request_update=st.integers(0, 1)),
)
of_12 = st.one_of(
    messages,
    st.builds(hs.Certificate12, chain=st.lists(st.builds(hs.CertificateData, der=blob), max_size=3)),
    st.builds(
        hs.CertificateRequest12,
        certificate_types=st.lists(st.integers(0, 255), max_size=3),
        schemes=st.lists(short, max_size=3),
        authorities=blob,
    ),
)
of_13 = st.one_of(
    messages,
    st.builds(hs.Certificate13, context=blob, chain=entries),
    st.builds(hs.CertificateRequest13, context=blob, extensions=answers),
    st.builds(hs.NewSessionTicket13, lifetime=st.integers(0, 2**32 - 1), nonce=blob, ticket=blob, extensions=answers),
)


@given(of_12)
def test_any_message_of_dtls_12_survives_the_round_trip(message: hs.Message) -> None:
    same_after_dissection(message, lambda data: hs.dissect(data, dtls13=False))


@given(of_13)
def test_any_message_of_dtls_13_survives_the_round_trip(message: hs.Message) -> None:
    same_after_dissection(message, lambda data: hs.dissect(data, dtls13=True))


@given(of_13, st.data())
def test_a_changed_message_is_dissected_to_the_same_bytes(message: hs.Message, data: st.DataObject) -> None:
    changed = bytearray(bytes(message))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    read = hs.dissect(bytes(changed), dtls13=True)
    assert bytes(read) == bytes(changed)
    read.show(dump=True)


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_dissected(data: bytes, dtls13: bool) -> None:
    hs.dissect(data, dtls13=dtls13).show(dump=True)


def test_every_handshake_message_of_real_browsers_is_understood() -> None:
    seen: dict[str, int] = {}
    for name in NAMES:
        for items in shared(name).items():
            for item in items:
                if item.part is Part.HANDSHAKE:
                    assert type(item.packet) is not hs.Message, item
                    assert rebuilt(item.packet) == item.data
                    seen[item.packet.title] = seen.get(item.packet.title, 0) + 1
    assert set(seen) == {
        "ClientHello",
        "ServerHello",
        "EncryptedExtensions",
        "CertificateRequest",
        "Certificate",
        "CertificateVerify",
        "Finished",
        "ServerKeyExchange",
        "ServerHelloDone",
        "ClientKeyExchange",
    }


def first(session: str, title: str) -> Any:
    items = (item for several in shared(session).items() for item in several)
    return next(item.packet for item in items if item.part is Part.HANDSHAKE and item.packet.title == title)


def test_the_browsers_offer_what_their_profile_says() -> None:
    hello = first(DATA_13, "ClientHello")
    assert hello.extension(43).versions == [0xFEFC, 0xFEFD]
    assert 0x11EC in hello.extension(10).groups
    assert hello.extension(51).shares[0].group == 0x11EC
    assert set(hello.extension(14).profiles) == {1, 7, 8}
    assert hello.extension(99) is None


@pytest.mark.parametrize(("session", "version"), [(DATA_13, 0xFEFC), (DATA_12, 0xFEFD)])
def test_the_negotiated_version_is_read_from_the_right_place(session: str, version: int) -> None:
    hello = first(session, "ServerHello")
    assert isinstance(hello, hs.ServerHello)
    assert hello.negotiated_version == version
    assert not hello.is_retry


def test_a_hello_retry_request_is_told_by_its_random() -> None:
    retry = hs.ServerHello(
        random=bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"),
        extensions=[ext.KeyShareRetry(group=23)],
    )
    read = hs.dissect(bytes(retry), dtls13=True)
    assert (read.title, read.extension(51).group) == ("HelloRetryRequest", 23)
