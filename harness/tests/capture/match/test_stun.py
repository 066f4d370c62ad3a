"""Matchers for STUN."""

from __future__ import annotations

from typing import Any

import pytest

from harness.capture.addresses import Address, AddressBook
from harness.capture.datagram import Datagram
from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.layers import stun as layer
from harness.capture.layers.stun import STUN, Class, Method, message_type
from harness.capture.match import stun
from harness.capture.matcher import Matcher

NOWHERE = Address("::", 0)
FRAME = Frame(1, 0, Datagram(NOWHERE, NOWHERE, b"", b""), AddressBook())


def item(message: STUN | bytes) -> Item:
    data = bytes(message)
    return Item(Part.STUN, int.from_bytes(data[:2], "big"), data)


def matches(matcher: Matcher, message: STUN | bytes) -> bool:
    return matcher.matches(FRAME, item(message))


REQUEST = layer.signed(
    STUN(
        transaction_id=5,
        attributes=[
            layer.Username(username=b"them:me"),
            layer.Priority(priority=77),
            layer.IceControlling(tie_breaker=9),
            layer.UseCandidate(),
        ],
    ),
    "password",
)
BARE = STUN(transaction_id=6)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"use_candidate": True}, {"use_candidate": False}),
        ({"controlling": True}, {"controlling": False}),
        ({"controlled": False}, {"controlled": True}),
        ({"username": "them:me"}, {"username": "me:them"}),
        ({"priority": 77}, {"priority": 78}),
        ({"tie_breaker": 9}, {"tie_breaker": 10}),
        ({"has_username": True}, {"has_username": False}),
        ({"has_priority": True}, {"has_priority": False}),
        ({"has_integrity": True}, {"has_integrity": False}),
        ({"has_fingerprint": True}, {"has_fingerprint": False}),
        ({"password": "password"}, {"password": "other"}),
        ({"fingerprint": True}, {"fingerprint": False}),
    ],
)
def test_each_argument_of_a_check_decides(right: dict[str, Any], wrong: dict[str, Any]) -> None:
    assert matches(stun.binding_request(**right), REQUEST)
    assert not matches(stun.binding_request(**wrong), REQUEST)
    assert not matches(stun.binding_success(), REQUEST)


def test_a_bare_request_matches_what_it_lacks() -> None:
    assert matches(stun.binding_request(has_username=False, fingerprint=False, controlling=False), BARE)
    assert not matches(stun.binding_request(password="password"), BARE)
    assert not matches(stun.binding_request(tie_breaker=9), BARE)


def test_an_error_is_told_by_its_code_and_method() -> None:
    kind = message_type(Method.BINDING, Class.ERROR)
    conflict = STUN(type=kind, attributes=[layer.ErrorCode(error_class=4, number=87, reason=b"Role Conflict")])
    assert matches(stun.error(487), conflict)
    assert matches(stun.error(), conflict)
    assert not matches(stun.error(400), conflict)
    assert not matches(stun.error(487, method=Method.ALLOCATE), conflict)
    assert not matches(stun.error(487), STUN(type=kind))
    assert str(stun.error(487)).startswith("a STUN error response 487 (Role Conflict)")


def test_a_success_may_have_to_carry_an_address() -> None:
    kind = message_type(Method.BINDING, Class.SUCCESS)
    answer = STUN(type=kind, attributes=[layer.XorMappedAddress.of("127.0.0.1", 9, 0)])
    assert matches(stun.binding_success(has_mapped_address=True), answer)
    assert not matches(stun.binding_success(has_mapped_address=True), STUN(type=kind))
    assert matches(stun.success(Method.BINDING), answer)


def test_methods_and_classes_and_attributes() -> None:
    allocate = STUN(type=message_type(Method.ALLOCATE, Class.REQUEST), attributes=[layer.RequestedTransport()])
    assert matches(stun.message(), allocate)
    assert matches(stun.request(Method.ALLOCATE), allocate)
    assert matches(stun.message(Method.ALLOCATE), allocate)
    assert matches(stun.message(message_class=Class.REQUEST), allocate)
    assert matches(stun.message(attributes=[layer.RequestedTransport]), allocate)
    assert not matches(stun.message(attributes=[layer.RequestedTransport, layer.Lifetime]), allocate)
    assert not matches(stun.message(Method.REFRESH), allocate)
    assert not matches(stun.binding_indication(), allocate)
    assert matches(stun.binding_indication(), STUN(type=message_type(Method.BINDING, Class.INDICATION)))
