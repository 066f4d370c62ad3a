"""RFC 8489 sections 6.3 and 9.1.3: what is done with requests that are not as they should be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from cases.bending import as_well, with_attribute
from harness.capture.layers.stun import MessageIntegrity, UnknownAttributes, Username
from harness.capture.match import stun
from harness.capture.matcher import Matcher
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.wire.stun import Attribute, AttributeType, Message

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

UNKNOWN_REQUIRED, UNKNOWN_OPTIONAL = 0x0777, 0x8777


async def test_sanity_requests_are_answered(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    asked = wire.expect(stun.binding_request(), sender=peer)
    wire.expect(stun.binding_success(to=asked, has_mapped_address=True), sender=endpoint)


def nameless(message: Message) -> Message:
    kept = tuple(one for one in message.attributes if one.type != AttributeType.USERNAME)
    return replace(message, attributes=kept)


def unprotected(message: Message) -> Message:
    return replace(message, integrity_key=None)


def wrong_password(message: Message) -> Message:
    return replace(message, integrity_key=b"not the password at all")


def odd(code: int | None = None) -> Matcher:
    return stun.error(code).where(lambda packet: packet.transaction_id.to_bytes(12, "big").endswith(b"odd"), "to ours")


def odd_success() -> Matcher:
    return stun.binding_success().where(
        lambda packet: packet.transaction_id.to_bytes(12, "big").endswith(b"odd"), "to the bent request"
    )


@pytest.mark.parametrize("bent", [nameless, unprotected, wrong_password])
@clause("RFC8489-9.1.3-M1", "RFC8489-9.1.3-M4", "RFC8489-9.1.3-M7")
async def test_a_request_without_right_credentials_never_succeeds(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, bent: Callable[[Message], Message]
) -> None:
    await connect(peer, endpoint, seams=Seams(stun=as_well(bent)))
    wire.never(odd_success(), sender=endpoint)


@clause("RFC8489-9.1.3-M13")
async def test_the_error_response_to_wrong_credentials_is_not_protected(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, seams=Seams(stun=as_well(wrong_password)))
    protected = odd().where(
        lambda packet: packet.find(MessageIntegrity) is not None or packet.find(Username) is not None,
        "with MESSAGE-INTEGRITY or USERNAME",
    )
    wire.never(protected, sender=endpoint)


@clause("RFC8489-6.3.1.1-M2")
async def test_a_420_names_the_unknown_attribute(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    bent = as_well(lambda message: with_attribute(message, Attribute(UNKNOWN_REQUIRED, b"what")))
    await connect(peer, endpoint, seams=Seams(stun=bent))
    answer = wire.expect(odd(420), sender=endpoint)
    named = answer.packet.find(UnknownAttributes)
    check(named is not None and UNKNOWN_REQUIRED in named.types, "UNKNOWN-ATTRIBUTES does not name 0x0777")


@clause("RFC8489-6.3-M1")
async def test_an_unknown_optional_attribute_is_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    bent = as_well(lambda message: with_attribute(message, Attribute(UNKNOWN_OPTIONAL, b"what")))
    await connect(peer, endpoint, seams=Seams(stun=bent))
    wire.expect(odd_success(), sender=endpoint)
