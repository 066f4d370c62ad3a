"""How matchers combine."""

from __future__ import annotations

import pytest

from harness.capture.items import Item, Part
from harness.capture.match import dtls, sctp, stun
from harness.capture.matcher import Matcher, fields, name_of
from harness.tests.capture.recorded import DATA_12, shared

FRAMES = shared(DATA_12).frames
CHECK, SERVER_HELLO = (shared(DATA_12).items()[index][0] for index in (2, 5))


def matches(matcher: Matcher, item: Item, frame: int = 2) -> bool:
    return matcher.matches(FRAMES[frame], item)


def test_either_of_two() -> None:
    either = stun.error() | dtls.server_hello()
    assert matches(either, SERVER_HELLO)
    assert not matches(either, CHECK)
    assert str(either) == "a STUN error response or a DTLS ServerHello"


def test_a_matcher_narrows_and_says_so() -> None:
    high = stun.binding_request().where(lambda packet: packet.find is not None, "with attributes")
    assert str(high) == "a STUN Binding request with attributes"
    assert matches(high, CHECK)
    assert not matches(high.where(lambda _: False, "of no kind"), CHECK)


def test_sender_and_receiver_narrow() -> None:
    check = stun.binding_request()
    assert matches(check.sent_by("offerer").sent_to("answerer"), CHECK)
    assert not matches(check.sent_by("answerer"), CHECK)
    assert not matches(check.sent_to("offerer"), CHECK)
    assert str(check.sent_by("a").sent_to("b")) == "a STUN Binding request from a to b"


def test_arguments_left_out_are_not_looked_at() -> None:
    read: list[str] = []
    matcher = fields("it", Part.STUN, None, {"a": (None, lambda _: read.append("a")), "b": (1, lambda _: 1)})
    assert matches(matcher, CHECK)
    assert read == []
    assert str(matcher) == "it (b=1)"


def test_a_packet_that_could_not_be_dissected_has_no_properties() -> None:
    torn = Item(Part.HANDSHAKE, 1, b"\x01\x00")
    assert matches(dtls.client_hello(), torn)
    assert not matches(dtls.client_hello(offers_suite=0x1301), torn)
    assert not matches(dtls.client_hello().where(lambda packet: packet.cipher_suites, "with suites"), torn)
    assert not matches(sctp.init(inbound_streams=5), Item(Part.CHUNK, 1, b"\1\0\0\4"))


def test_a_mistake_in_a_predicate_is_not_swallowed() -> None:
    with pytest.raises(AttributeError):
        matches(stun.binding_request().where(lambda packet: packet.no_such_field, "x"), CHECK)


def test_an_endpoint_is_its_name() -> None:
    class Endpoint:
        name = "chromium"

    assert (name_of(Endpoint()), name_of("firefox"), name_of(None)) == ("chromium", "firefox", None)
