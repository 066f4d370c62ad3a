"""RFC 8656: what a client says to a TURN server. The server is ours, by UDP, and errs where a case tells it to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import pytest_asyncio

from harness.cases import check, clause, connect
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.endpoints.reference import Reference
from harness.net.turn_server import PASSWORD, REALM, USERNAME, Asked, TurnServer
from peer.wire.stun import AttributeType, ErrorCode, Message, Method

MakeServer: TypeAlias = Callable[..., TurnServer]

UDP = 17
CREDENTIALS = (AttributeType.USERNAME, AttributeType.REALM, AttributeType.NONCE, AttributeType.MESSAGE_INTEGRITY)


@pytest_asyncio.fixture(loop_scope="session")
async def turn_server() -> AsyncIterator[MakeServer]:
    """Makes servers, which are closed afterwards."""
    made: list[TurnServer] = []

    def make(**options: Any) -> TurnServer:
        made.append(TurnServer(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def configuration(*servers: TurnServer, **fields: str) -> dict[str, Any]:
    """Relayed candidates only, of these servers."""
    return {"iceTransportPolicy": "relay", "iceServers": [{**server.ice_server, **fields} for server in servers]}


async def gathered(endpoint: Endpoint, *servers: TurnServer, **fields: str) -> tuple[PeerConnection, str]:
    """A connection that has gathered, and its description."""
    pc = await endpoint.peer_connection(configuration(*servers, **fields))
    await pc.createDataChannel("channel")
    await pc.setLocalDescription()
    await pc.wait_for(iceGatheringState="complete")
    return pc, str((await pc.localDescription())["sdp"])


async def connected(endpoint: Endpoint, peer: Endpoint, server: TurnServer) -> None:
    """Both by the relay; data went through it."""
    made = await connect(endpoint, peer, configuration=configuration(server))
    other = await made.other_channel()
    await other.send("by the relay")
    assert made.channel is not None
    check(await made.channel.receive() == "by the relay", "data were lost in the relay")


def attempts(server: TurnServer) -> Iterator[list[Asked]]:
    """The Allocate requests with credentials, by the address they came from; retransmissions count once."""
    found: dict[Any, dict[bytes, Asked]] = {}
    for one in server.asked(Method.ALLOCATE):
        if AttributeType.MESSAGE_INTEGRITY in one.message:
            found.setdefault(one.source, {})[one.message.transaction_id] = one
    return (list(each.values()) for each in found.values())


def judge_no_retry(server: TurnServer, why: str, clause: str) -> None:
    tried = [len(each) for each in attempts(server)]
    check(bool(tried), "no Allocate request with credentials came")
    check(
        all(count == 1 for count in tried),
        f"after {why}: {tried} Allocate requests from the same address",
        clause=clause,
    )


def once(*methods: Method) -> Callable[[Message], bool]:
    """True of the first request of these methods."""
    left = [True]

    def first(message: Message) -> bool:
        return message.method in methods and bool(left) and left.pop()

    return first


async def test_sanity_a_relayed_candidate_is_gathered(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server()
    _, sdp = await gathered(endpoint, server)
    check(any(f" {port} typ relay" in sdp for _, port in server.relayed), f"no candidate of {server.relayed}")


@clause("RFC8656-7.1-M1")
async def test_an_allocate_request_says_which_transport_it_wants(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server()
    await gathered(endpoint, server)
    for one in server.asked(Method.ALLOCATE):
        wanted = one.value(AttributeType.REQUESTED_TRANSPORT)
        check(wanted == UDP, f"REQUESTED-TRANSPORT of an Allocate request is {wanted}")


@clause("RFC8656-7.1-M2", "RFC8656-7.1-M5")
async def test_an_allocate_request_asks_for_one_family_at_most(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server()
    await gathered(endpoint, server)
    families = (AttributeType.REQUESTED_ADDRESS_FAMILY, AttributeType.ADDITIONAL_ADDRESS_FAMILY)
    for one in server.asked(Method.ALLOCATE):
        said = [each for each in one.message.attributes if each.type in families]
        check(len(said) <= 1, f"an Allocate request asks for {len(said)} families")


@clause("RFC8489-9.2.3.1-M1")
async def test_the_first_request_has_no_credentials(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server()
    await gathered(endpoint, server)
    first = server.requests[0].message
    said = [kind.name for kind in CREDENTIALS if kind in first]
    check(not said, f"the first request to a server holds {', '.join(said)}")


@clause("RFC8656-5-M1", "RFC8489-9.2.5-M3", "RFC8489-9.2.5-M5")
async def test_after_a_401_the_request_comes_again_with_credentials(
    endpoint: Endpoint, turn_server: MakeServer
) -> None:
    server = turn_server()
    await gathered(endpoint, server)
    (*_, last) = server.asked(Method.ALLOCATE)
    check(last.authentic, "no Allocate request had the nonce and integrity that were asked for")
    check(last.message.username == USERNAME, f"USERNAME is {last.message.username!r}")
    check(last.value(AttributeType.REALM) == REALM, f"REALM is {last.value(AttributeType.REALM)!r}")


@clause("RFC8489-9.2.5-M11", "RFC8489-9.2.5-M12")
async def test_a_request_with_a_stale_nonce_comes_again_with_the_new_one(
    endpoint: Endpoint, turn_server: MakeServer
) -> None:
    server = turn_server(stale=once(Method.ALLOCATE))
    _, sdp = await gathered(endpoint, server)
    check(" typ relay" in sdp, "the 438 ended it: there is no relayed candidate")
    used = {one.value(AttributeType.NONCE) for one in server.asked(Method.ALLOCATE, authentic=True)}
    check(len(used) > 1, "the old nonce was used again")


@clause("RFC8489-9.2.5-M11", "RFC8489-9.2.5-M12")
async def test_a_nonce_may_become_stale_while_the_allocation_lives(
    endpoint: Endpoint, peer: Reference, turn_server: MakeServer
) -> None:
    server = turn_server(stale=once(Method.CREATE_PERMISSION, Method.CHANNEL_BIND))
    await connected(endpoint, peer, server)
    used = {one.value(AttributeType.NONCE) for one in server.requests if one.authentic}
    check(len(used) > 1, "the old nonce was used again")


@clause("RFC8489-9.2.5-M10", "RFC8656-7.4-S4")
async def test_credentials_that_were_refused_are_not_tried_again(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server()
    await gathered(endpoint, server, credential=PASSWORD + "?")
    judge_no_retry(server, "401 to a request with credentials", "RFC8489-9.2.5-M10")


@clause("RFC8656-7.4-S3")
async def test_refused_credentials_are_told_with_code_and_server(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server()
    pc, _ = await gathered(endpoint, server, credential=PASSWORD + "?")
    told = [one.detail for one in endpoint.fired(pc.handle, "icecandidateerror")]
    seen = {(one.get("errorCode"), str(one.get("url")).partition("?")[0]) for one in told}
    expected = (401, server.url.partition("?")[0])
    check(expected in seen, f"icecandidateerror should say {expected}, it said {seen}", clause="RFC8656-7.4-S3")


@clause("RFC8656-7.4-M1")
async def test_a_family_that_is_not_supported_is_not_asked_for_again(
    endpoint: Endpoint, turn_server: MakeServer
) -> None:
    server = turn_server(refuse=lambda _: ErrorCode(440, "Address Family not Supported"))
    await gathered(endpoint, server)
    judge_no_retry(server, "440", "RFC8656-7.4-M1")


@clause("RFC8656-7.4-S11")
async def test_a_server_whose_quota_is_reached_is_left_alone(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server(refuse=lambda _: ErrorCode(486, "Allocation Quota Reached"))
    await gathered(endpoint, server)
    judge_no_retry(server, "486", "RFC8656-7.4-S11")


@clause("RFC8656-7.4-S1")
async def test_the_alternate_server_is_asked(endpoint: Endpoint, turn_server: MakeServer) -> None:
    other = turn_server()
    server = turn_server(refuse=lambda _: ErrorCode(300, "Try Alternate"), alternate=other.address)
    _, sdp = await gathered(endpoint, server)
    found = any(f" {port} typ relay" in sdp for _, port in other.relayed)
    check(found, "the alternate server gave no candidate", clause="RFC8656-7.4-S1")


@clause("RFC8445-5.1.1.2-S4")
async def test_a_server_that_refuses_does_not_keep_another_from_being_used(
    endpoint: Endpoint, turn_server: MakeServer
) -> None:
    refusing, willing = turn_server(refuse=lambda _: ErrorCode(403, "Forbidden")), turn_server()
    _, sdp = await gathered(endpoint, refusing, willing)
    found = any(f" {port} typ relay" in sdp for _, port in willing.relayed)
    check(found, "the second server gave no candidate", clause="RFC8445-5.1.1.2-S4")


@clause("RFC8656-8-S1")
async def test_an_allocation_is_deleted_when_the_connection_closes(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server()
    pc, _ = await gathered(endpoint, server)
    await pc.close()
    deleted = await heard(server, Method.REFRESH, lambda one: one.value(AttributeType.LIFETIME) == 0)
    check(deleted, "no Refresh with LIFETIME 0", clause="RFC8656-8-S1")


@clause("RFC8656-8-M1")
async def test_an_allocation_is_refreshed(endpoint: Endpoint, turn_server: MakeServer) -> None:
    server = turn_server(lifetime=1)
    await gathered(endpoint, server)
    refreshed = await heard(server, Method.REFRESH, lambda one: one.value(AttributeType.LIFETIME) != 0, 3.0)
    check(refreshed, "no Refresh of an allocation whose lifetime is 1 s, in 3 s")


@clause("RFC8656-10.1-M1", "RFC8656-10.1-M2", "RFC8656-12.1-M1")
async def test_permissions_and_channels_name_peers_of_the_family_of_the_relayed_address(
    endpoint: Endpoint, peer: Reference, turn_server: MakeServer
) -> None:
    server = turn_server()
    await connected(endpoint, peer, server)
    asked = server.asked(Method.CREATE_PERMISSION) + server.asked(Method.CHANNEL_BIND)
    for one in asked:
        address = one.message.address(AttributeType.XOR_PEER_ADDRESS)
        check(address is not None and ":" not in address.host, f"{Method(one.method).name} for {address}")


@clause("RFC8656-11.1-M1", "RFC8656-11.1-M2")
async def test_what_is_sent_has_a_permission_a_peer_and_data(
    endpoint: Endpoint, peer: Reference, turn_server: MakeServer
) -> None:
    server = turn_server()
    await connected(endpoint, peer, server)
    permitted: set[tuple[object, str]] = set()
    for one in server.requests:
        address = one.message.address(AttributeType.XOR_PEER_ADDRESS)
        if one.method in (Method.CREATE_PERMISSION, Method.CHANNEL_BIND) and address is not None:
            permitted.add((one.source, address.host))
        elif one.method == Method.SEND:
            check(AttributeType.DATA in one.message and address is not None, "a Send without peer or data")
            allowed = address is not None and (one.source, address.host) in permitted
            check(allowed, f"a Send to {address} without a permission")


@clause("RFC8656-12-M2")
async def test_channels_have_numbers_that_can_be_told_from_everything_else(
    endpoint: Endpoint, peer: Reference, turn_server: MakeServer
) -> None:
    server = turn_server()
    await connected(endpoint, peer, server)
    for one in server.asked(Method.CHANNEL_BIND):
        number = one.value(AttributeType.CHANNEL_NUMBER)
        check(0x4000 <= number <= 0x4FFF, f"a channel has the number {number:#x}")


async def heard(server: TurnServer, method: Method, look: Callable[[Asked], bool], timeout: float = 5.0) -> bool:
    try:
        await server.hear(method, look, timeout)
    except TimeoutError:
        return False
    return True
