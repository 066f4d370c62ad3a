"""Our TURN server, judged by our client; and what the client does when the server errs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from harness.net.turn_server import PASSWORD, USERNAME, TurnServer
from peer.ice.agent import Candidate, CandidateType, Config, State, Transmission
from peer.ice.edge import IceServer, Options, Selection, ServerUrl
from peer.tests.ice.driving import Driver, connect
from peer.trace import Direction, Entry, Layer
from peer.wire.stun import AttributeType, Class, ErrorCode, Message, Method

IPV4 = Selection(hosts=("127.0.0.1",))


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Callable[..., TurnServer]]:
    made: list[TurnServer] = []

    def server(**options: Any) -> TurnServer:
        made.append(TurnServer(**options))
        return made[-1]

    yield server
    for one in made:
        one.close()


def using(*servers: TurnServer, **options: Any) -> Options:
    known = tuple(IceServer((ServerUrl.parse(server.url),), USERNAME, PASSWORD) for server in servers)
    return Options(selection=IPV4, servers=known, policy="relay", **options)


async def gathered(options: Options) -> Driver:
    driver = Driver(Config(), options)
    driver.gatherer.start()
    await driver.until(lambda: driver.agent.gathering_state == "complete")
    return driver


async def end(*drivers: Driver) -> None:
    for driver in drivers:
        driver.close()
        await driver.gatherer.wait_closed()


async def test_data_goes_both_ways_by_a_channel(make: Callable[..., TurnServer]) -> None:
    server = make()
    a = Driver(Config(controlling=True, transport_policy="relay"), using(server))
    b = Driver(Config(), Options(selection=IPV4))
    connect(a, b)
    await a.reach(State.COMPLETED)
    await b.reach(State.COMPLETED)
    for one, other in ((a, b), (b, a)):
        path = one.agent.selected_path
        assert path is not None
        one.gatherer.send([Transmission(b"\x80 relayed", path)])
        await other.until(lambda other=other: other.data == [b"\x80 relayed"])  # type: ignore[misc]
    assert server.asked(Method.CHANNEL_BIND, authentic=True)
    await end(a, b)
    await server.hear(Method.REFRESH, lambda one: one.value(AttributeType.LIFETIME) == 0)
    assert server.relayed == []


async def test_what_is_said_to_a_server_is_in_the_trace_and_may_be_changed(make: Callable[..., TurnServer]) -> None:
    server, seen = make(), list[Any]()

    def mute(message: Message) -> tuple[Message, ...]:
        return () if message.method == Method.REFRESH else (message,)

    driver = await gathered(using(server, trace=seen.append, turn=mute))
    said = [(one.direction, one.message.message_class) for one in seen if isinstance(one, Entry)]
    sent, received = Direction.SENT, Direction.RECEIVED
    assert said == [
        (sent, Class.REQUEST),
        (received, Class.ERROR),
        (sent, Class.REQUEST),
        (received, Class.SUCCESS),
    ]
    assert {one.layer for one in seen} == {Layer.TURN}
    await end(driver)


async def test_an_alternate_server_is_asked_but_a_circle_is_left(make: Callable[..., TurnServer]) -> None:
    def elsewhere(_: Message) -> ErrorCode:
        return ErrorCode(300, "Try Alternate")

    willing = make()
    driver = await gathered(using(make(refuse=elsewhere, alternate=willing.address)))
    assert [one.address for one in driver.agent.local_candidates] == willing.relayed
    await end(driver)
    circle = make(refuse=elsewhere)
    circle.alternate = circle.address
    driver = await gathered(using(circle))
    assert [one.code for one in driver.errors] == [300]
    await end(driver)


async def test_refusals_are_told_with_their_code_and_url_and_other_servers_are_used(
    make: Callable[..., TurnServer],
) -> None:
    full, willing = make(refuse=lambda _: ErrorCode(486, "Allocation Quota Reached")), make()
    driver = await gathered(using(full, willing))
    assert [(one.code, one.text, one.url) for one in driver.errors] == [(486, "Allocation Quota Reached", full.url)]
    assert [one.server for one in driver.agent.local_candidates] == [willing.url]
    await end(driver)


async def test_an_allocation_that_is_lost_takes_its_candidate_and_pairs_with_it(
    make: Callable[..., TurnServer],
) -> None:
    def forgotten(request: Message) -> ErrorCode | None:
        return ErrorCode(437, "Allocation Mismatch") if request.method == Method.REFRESH else None

    driver = Driver(Config(), using(make(lifetime=0, refuse=forgotten)))  # to be refreshed at once
    told: list[Candidate | None] = []
    driver.on_local = told.append
    driver.gatherer.start()
    await driver.until(lambda: bool(told) and not driver.agent.local_candidates)
    assert [one.type for one in told if one is not None] == [CandidateType.RELAYED]
    await end(driver)
