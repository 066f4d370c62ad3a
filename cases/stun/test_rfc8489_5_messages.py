"""RFC 8489 sections 5 and 6: transactions, and what is done with messages that are nobody's business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from cases.bending import as_well, stranger, with_attribute
from harness.capture.layers.stun import Attribute as LayerAttribute
from harness.capture.layers.stun import ErrorCode as LayerErrorCode
from harness.capture.match import stun
from harness.capture.matcher import Matcher
from harness.capture.wire import Hit, Wire
from harness.cases import Connection, check, clause, inconclusive
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.wire.stun import Attribute, AttributeType, Class, Message

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

REQUEST, SUCCESS = stun.binding_request(), stun.binding_success()


def odd(matcher: Matcher) -> Matcher:
    """To a request that was sent as well, by `as_well`."""
    return matcher.where(lambda packet: packet.transaction_id.to_bytes(12, "big").endswith(b"odd"), "to the odd one")


def nameless(message: Message) -> Message:
    kept = tuple(one for one in message.attributes if one.type != AttributeType.USERNAME)
    return replace(message, attributes=kept)


def unprotected(message: Message) -> Message:
    return replace(message, integrity_key=None)


def wrong_password(message: Message) -> Message:
    return replace(message, integrity_key=b"not the password at all")


def wrong_name(message: Message) -> Message:
    return replace(
        message,
        attributes=tuple(
            replace(one, value="nobody:nothing") if one.type == AttributeType.USERNAME else one
            for one in message.attributes
        ),
    )


def indicating(bend: Callable[[Message], Message]) -> Seams:
    """Beside each request goes an indication, bent."""
    return Seams(stun=as_well(lambda message: replace(bend(message), message_class=Class.INDICATION)))


def destination(hit: Hit) -> str:
    return f"{hit.frame.source} to {hit.frame.destination}"


async def test_sanity_checks_and_answers_are_seen(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(REQUEST, sender=endpoint)
    wire.expect(SUCCESS, sender=endpoint)


@clause("RFC8489-5-M7")
async def test_an_answer_has_the_transaction_id_of_its_request(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, wait=False)
    asked = await wire.wait_for(REQUEST, sender=peer, timeout=5.0)
    await wire.wait_for(stun.binding_success(to=asked), sender=endpoint, timeout=5.0)


@clause("RFC8489-5-M6")
async def test_checks_of_different_pairs_are_different_transactions(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    ways: dict[int, set[str]] = {}
    for hit in wire.all(REQUEST, sender=endpoint):
        ways.setdefault(hit.packet.transaction_id, set()).add(destination(hit))
    shared = [way for way in ways.values() if len(way) > 1]
    check(bool(ways), "no check was seen")
    check(not shared, f"one transaction id for {shared}")


@clause("RFC8489-6.1-S3")
async def test_checks_fit_into_576_bytes(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    for hit in wire.all(REQUEST, sender=endpoint):
        size = len(hit.frame.payload) + 28
        check(size <= 576, f"a check of {size} bytes with its headers", frames=(hit.number,))
    wire.expect(REQUEST, sender=endpoint)


@clause("RFC8445-16.1-M1")
async def test_the_tiebreaker_is_the_same_in_all_checks(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    # The second check is sent to conclude, or to ask for consent.
    first = wire.expect(REQUEST, sender=endpoint)
    await wire.wait_for(REQUEST, sender=endpoint, after=first, timeout=8.0)
    wire.never(stun.error(487))
    seen = {tiebreaker(hit.packet) for hit in wire.all(REQUEST, sender=endpoint)}
    check(len(seen) == 1, f"the tiebreakers {sorted(seen)} in one session")


def tiebreaker(packet: Any) -> int:
    from harness.capture.layers.stun import IceControlled, IceControlling

    role = packet.find(IceControlling) or packet.find(IceControlled)
    return -1 if role is None else int(role.tie_breaker)


async def refused(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, bent: Any) -> Hit:
    """The error response to a bent request; the case can't judge where the request is passed over in silence."""
    await connect(peer, endpoint, seams=Seams(stun=as_well(bent)))
    answer = wire.first(odd(stun.error()), sender=endpoint)
    if answer is None:
        inconclusive("the endpoint passes such a request over in silence")
    return answer


@pytest.mark.parametrize("bent", [nameless, unprotected])
@clause("RFC8489-9.1.3-M2")
async def test_a_request_without_credentials_is_a_bad_request(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, bent: Callable[[Message], Message]
) -> None:
    answer = await refused(connect, peer, endpoint, wire, bent)
    code = answer.packet.find(LayerErrorCode)
    seen = None if code is None else code.code
    check(seen == 400, f"expected 400, the error is {seen}", frames=(answer.number,))


@pytest.mark.parametrize("bent", [wrong_name, wrong_password])
@clause("RFC8489-9.1.3-M5", "RFC8489-9.1.3-M8")
async def test_a_request_with_wrong_credentials_is_unauthenticated(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, bent: Callable[[Message], Message]
) -> None:
    answer = await refused(connect, peer, endpoint, wire, bent)
    code = answer.packet.find(LayerErrorCode)
    seen = None if code is None else code.code
    check(seen == 401, f"expected 401, the error is {seen}", frames=(answer.number,))


@clause("RFC8489-6.3.1.1-M1")
async def test_an_error_response_has_an_error_code(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    answer = await refused(connect, peer, endpoint, wire, wrong_password)
    check(answer.packet.find(LayerErrorCode) is not None, "no ERROR-CODE", frames=(answer.number,))


@pytest.mark.parametrize("bent", [nameless, wrong_name, wrong_password])
@clause("RFC8489-9.1.3-M3", "RFC8489-9.1.3-M6", "RFC8489-9.1.3-M9")
async def test_an_indication_with_wrong_credentials_is_discarded_in_silence(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, bent: Callable[[Message], Message]
) -> None:
    await connect(peer, endpoint, seams=indicating(bent))
    # What came behind the indication was answered: the indication itself won't be any more.
    wire.expect(SUCCESS, sender=endpoint)
    wire.never(odd(stun.error()), sender=endpoint)
    wire.never(odd(SUCCESS), sender=endpoint)


@clause("RFC8489-6.3.1-M1")
async def test_a_request_that_comes_twice_is_answered_twice_alike(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    def twice(message: Message) -> Iterable[Message]:
        return (message, message) if message.message_class is Class.REQUEST else (message,)

    await connect(peer, endpoint, seams=Seams(stun=twice))
    asked = wire.expect(REQUEST, sender=peer)
    first = wire.expect(stun.binding_success(to=asked), sender=endpoint)
    second = await wire.wait_for(stun.binding_success(to=asked), sender=endpoint, after=first, timeout=5.0)
    same = first.frame.payload == second.frame.payload
    check(same, "two answers to one request differ", frames=(first.number, second.number))


@clause("RFC8489-6.3-S1")
async def test_a_known_attribute_that_is_out_of_place_is_ignored(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    out_of_place = Attribute(AttributeType.SOFTWARE, "a request says what it is made by")
    realm = Attribute(AttributeType.REALM, "nobody asked")
    bent = as_well(lambda message: with_attribute(with_attribute(message, out_of_place), realm))
    await connect(peer, endpoint, seams=Seams(stun=bent))
    await wire.wait_for(odd(SUCCESS), sender=endpoint, timeout=5.0)


@clause("RFC8445-7-M1")
async def test_no_truncated_request_is_answered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    done: list[bytes] = []

    def truncations(message: Message) -> Iterable[Message | bytes]:
        if message.message_class is not Class.REQUEST or done:
            return (message,)
        done.append(message.transaction_id)
        whole = replace(message, transaction_id=stranger(message.transaction_id)).serialize()
        return (*(whole[:length] for length in range(20, len(whole))), message)

    await connect(peer, endpoint, seams=Seams(stun=truncations))
    wire.never(odd(SUCCESS), sender=endpoint)
    wire.never(odd(stun.error()), sender=endpoint)


@pytest.mark.parametrize("how", ["wrong", "missing"])
@clause("RFC8445-7.3-M8")
async def test_a_request_without_the_right_fingerprint_is_not_answered(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire, how: str
) -> None:
    def bend(message: Message) -> Iterable[Message | bytes]:
        if message.message_class is not Class.REQUEST:
            return (message,)
        odd_one = replace(message, transaction_id=stranger(message.transaction_id), fingerprint=how == "wrong")
        whole = odd_one.serialize()
        return (whole[:-1] + bytes([whole[-1] ^ 1]) if how == "wrong" else whole, message)

    await connect(peer, endpoint, seams=Seams(stun=bend))
    wire.never(odd(SUCCESS), sender=endpoint)
    wire.never(odd(stun.error()), sender=endpoint)


@clause("RFC8445-7.3-M5")
async def test_an_answer_names_the_source_of_the_request(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    for asked in wire.all(REQUEST, sender=peer)[:3]:
        answer = wire.first(stun.binding_success(to=asked), sender=endpoint)
        if answer is None:
            continue
        mapped = mapped_address(answer.packet)
        wanted = f"{asked.frame.source}"
        check(mapped == wanted, f"the request came from {wanted}, the answer says {mapped}", frames=(answer.number,))
    wire.expect(SUCCESS, sender=endpoint)


def mapped_address(packet: Any) -> str:
    from harness.capture.layers.stun import XorMappedAddress

    found: LayerAttribute | None = packet.find(XorMappedAddress)
    if found is None:
        return "nothing"
    return f"[{found.host}]:{found.port}" if ":" in found.host else f"{found.host}:{found.port}"


@clause("RFC8445-7.2.5.2.1-M2")
async def test_an_answer_goes_the_way_the_request_came(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    answered = 0
    for asked in wire.all(REQUEST, sender=peer):
        answer = wire.first(stun.binding_success(to=asked), sender=endpoint)
        if answer is not None:
            answered += 1
            there, back = destination(asked), f"{answer.frame.destination} to {answer.frame.source}"
            check(there == back, f"asked {there}, answered {back}", frames=(asked.number, answer.number))
    check(answered > 0, "no request was answered")
