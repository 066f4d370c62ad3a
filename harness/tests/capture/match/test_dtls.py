"""Matchers for DTLS, on sessions of real browsers."""

from __future__ import annotations

import pytest

from harness.capture.items import Item, Part
from harness.capture.match import dtls
from harness.capture.matcher import Matcher
from harness.tests.capture.match.found import numbers
from harness.tests.capture.recorded import DATA_12, DATA_13, shared


@pytest.mark.parametrize(
    ("matcher", "in_12", "in_13"),
    [
        (dtls.client_hello(), [5], [4, 10]),
        (dtls.client_hello(retransmitted=True), [], [10]),
        (dtls.client_hello(retransmitted=False), [5], [4]),
        (dtls.client_hello(offers_version=0xFEFC), [], [4, 10]),
        (dtls.client_hello(offers_suite=0xC02B), [5], [4, 10]),
        (dtls.client_hello(offers_suite=0x1301), [], [4, 10]),
        (dtls.client_hello(offers_group=0x11EC), [], [4, 10]),
        (dtls.client_hello(offers_group=0x1D, retransmitted=True), [], [10]),
        (dtls.client_hello(offers_srtp=True), [5], [4, 10]),
        (dtls.client_hello(srtp_profile=2), [5], []),
        (dtls.client_hello(extension=0xFF01), [5], [4, 10]),
        (dtls.client_hello(extension=99), [], []),
        (dtls.server_hello(), [6], [11]),
        (dtls.server_hello(version=0xFEFD), [6], []),
        (dtls.server_hello(suite=0x1301), [], [11]),
        (dtls.server_hello(srtp_profile=1), [6], []),
        (dtls.handshake("HelloRetryRequest"), [], []),
        (dtls.handshake("ServerHelloDone"), [6], []),
        (dtls.handshake("EncryptedExtensions"), [], [11]),
        (dtls.handshake("ClientHello", message_seq=0), [5], [4, 10]),
        (dtls.finished(), [7, 8], [12, 13]),
        (dtls.fragment("ClientHello"), [], [3, 9]),
        (dtls.fragment("Certificate"), [], [11]),
        (dtls.change_cipher_spec(), [7, 8], []),
        (dtls.alert("close_notify"), [49], [51, 52]),
        (dtls.alert(fatal=True), [], []),
        (dtls.ack(), [], [14]),
    ],
)
def test_each_matcher_finds_its_messages(matcher: Matcher, in_12: list[int], in_13: list[int]) -> None:
    assert numbers(DATA_12, matcher) == in_12
    assert numbers(DATA_13, matcher) == in_13


def test_application_data_is_told_opened_or_closed() -> None:
    assert len(numbers(DATA_12, dtls.application_data())) == 20
    frame = shared(DATA_12).frames[0]
    assert dtls.application_data().matches(frame, Item(Part.CLOSED, 23, b"\x17sealed", protected=True))
    assert not dtls.application_data().matches(frame, Item(Part.CLOSED, 22, b"\x16sealed", protected=True))


def test_protected_records_are_those_after_the_keys_changed() -> None:
    assert min(numbers(DATA_12, dtls.protected())) == 7
    assert set(numbers(DATA_12, dtls.protected())) < set(numbers(DATA_12, dtls.anything()))


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="ServerHello"):
        dtls.handshake("Serverhello")
    with pytest.raises(ValueError, match="handshake_failure"):
        dtls.alert("failure")
