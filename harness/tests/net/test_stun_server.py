"""Server-reflexive candidates, told by a server that says what the test wants."""

from __future__ import annotations

import pytest

from harness.net.stun_server import StunServer
from peer.ice.agent import Address, CandidateType, Config
from peer.ice.edge import IceServer, Options, Selection, ServerUrl
from peer.tests.ice.driving import Driver
from peer.wire import stun

IPV4 = Selection(hosts=("127.0.0.1",))


async def gathered(options: Options) -> Driver:
    driver = Driver(Config(), options)
    driver.gatherer.start()
    await driver.until(lambda: driver.agent.gathering_state == "complete")
    driver.close()
    return driver


async def test_what_the_server_saw_becomes_a_candidate_with_our_base() -> None:
    server = StunServer(mapped=Address("203.0.113.5", 4000), deaf=1)
    driver = await gathered(Options(selection=IPV4, servers=(server.ice_server,)))
    server.close()
    host, reflexive = driver.agent.local_candidates
    assert (reflexive.type, reflexive.address) == (CandidateType.SERVER_REFLEXIVE, ("203.0.113.5", 4000))
    assert reflexive.base == reflexive.related == host.address
    assert reflexive.server == server.ice_server.urls[0].text
    assert [source for _, source in server.requests] == [host.address, host.address]
    assert len({request.transaction_id for request, _ in server.requests}) == 1


async def test_an_address_that_is_our_own_is_redundant() -> None:
    server = StunServer()
    driver = await gathered(Options(selection=IPV4, servers=(server.ice_server,)))
    server.close()
    assert [candidate.type for candidate in driver.agent.local_candidates] == [CandidateType.HOST]


async def test_several_servers_each_get_their_say() -> None:
    servers = [StunServer(mapped=Address("203.0.113.5", port)) for port in (4000, 5000)]
    driver = await gathered(Options(selection=IPV4, servers=tuple(server.ice_server for server in servers)))
    for server in servers:
        server.close()
    assert {candidate.address.port for candidate in driver.agent.local_candidates[1:]} == {4000, 5000}
    assert len({candidate.priority for candidate in driver.agent.local_candidates}) == 3


async def test_the_same_address_told_by_two_servers_is_one_candidate() -> None:
    servers = [StunServer(mapped=Address("203.0.113.5", 4000)) for _ in range(2)]
    driver = await gathered(Options(selection=IPV4, servers=tuple(server.ice_server for server in servers)))
    for server in servers:
        server.close()
    assert len(driver.agent.local_candidates) == 2


@pytest.mark.parametrize(
    ("url", "error", "code"),
    [
        (None, stun.ErrorCode(500, "Server Error"), 500),
        ("stun:127.0.0.1:9", None, 701),
        ("stun:name.invalid", None, 701),
    ],
)
async def test_a_server_that_refuses_or_is_not_there_is_an_error_event(
    url: str | None, error: stun.ErrorCode | None, code: int
) -> None:
    server = StunServer(error=error)
    ice_server = server.ice_server if url is None else IceServer((ServerUrl.parse(url),))
    driver = await gathered(Options(selection=IPV4, servers=(ice_server,), server_timeout=0.3))
    server.close()
    assert [(found.code, found.url, found.address) for found in driver.errors] == [
        (code, ice_server.urls[0].text, "127.0.0.1")
    ]
    assert len(driver.agent.local_candidates) == 1
