"""Relayed candidates, judged by coturn: UDP, TCP, TLS, both kinds of credentials, and everything that goes wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.net.coturn import Coturn, CoturnUnavailableError
from peer.ice.agent import CandidateType, Config, State, Transmission
from peer.ice.edge import IceServer, Options, Selection
from peer.tests.ice.driving import Driver, connect

IPV4 = Selection(hosts=("127.0.0.1",))


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Coturn]:
    async with Coturn.started(tmp_path_factory.mktemp("coturn")) as running:
        yield running


def relay_only(server: Coturn, *servers: IceServer) -> Options:
    return Options(selection=IPV4, servers=servers, policy="relay", tls=server.tls_context(), server_timeout=3.0)


async def gathered(options: Options) -> Driver:
    driver = Driver(Config(), options)
    driver.gatherer.start()
    await driver.until(lambda: driver.agent.gathering_state == "complete")
    driver.close()
    await driver.gatherer.wait_closed()
    return driver


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_data_goes_through_the_relay_and_no_other_candidate_is_used(server: Coturn, transport: str) -> None:
    options = relay_only(server, server.ice_server(transport))
    a = Driver(Config(controlling=True, transport_policy="relay"), options)
    b = Driver(Config(), Options(selection=IPV4))
    connect(a, b)
    await a.reach(State.COMPLETED)
    await b.reach(State.COMPLETED)
    pair = a.agent.selected_pair
    assert pair is not None
    assert (pair.local.type, pair.local.relay_protocol) == (CandidateType.RELAYED, transport)
    assert pair.local.server == server.url(transport)
    assert {known.type for known in a.agent.local_candidates} == {CandidateType.RELAYED}
    for one, other in ((a, b), (b, a)):
        path = one.agent.selected_path
        assert path is not None
        one.gatherer.send([Transmission(b"\x80 relayed", path)])
        await other.until(lambda other=other: other.data == [b"\x80 relayed"])  # type: ignore[misc]
    for driver in (a, b):
        driver.close()
        await driver.gatherer.wait_closed()
    assert "ALLOCATE processed, success" in server.log.read_text(encoding="utf-8", errors="replace")


async def test_relay_to_relay(server: Coturn) -> None:
    options = relay_only(server, server.ice_server("udp"))
    relayed = Config(transport_policy="relay")
    a, b = Driver(dataclasses.replace(relayed, controlling=True), options), Driver(relayed, options)
    connect(a, b)
    await a.reach(State.COMPLETED)
    await b.reach(State.COMPLETED)
    for driver in (a, b):
        pair = driver.agent.selected_pair
        assert pair is not None
        assert (pair.local.type, pair.remote.type) == (CandidateType.RELAYED, CandidateType.RELAYED)
        driver.close()
        await driver.gatherer.wait_closed()


async def test_wrong_credentials_are_a_401_and_an_unknown_certificate_a_701(server: Coturn) -> None:
    wrong = dataclasses.replace(server.ice_server("udp"), credential="wrong")
    driver = await gathered(relay_only(server, wrong))
    assert [(error.code, error.url) for error in driver.errors] == [(401, server.url("udp"))]
    untrusting = dataclasses.replace(relay_only(server, server.ice_server("tls")), tls=None)
    driver = await gathered(untrusting)
    assert [error.code for error in driver.errors] == [701]
    assert driver.agent.local_candidates == ()


async def test_one_server_of_several_may_fail(server: Coturn) -> None:
    wrong = dataclasses.replace(server.ice_server("udp"), credential="wrong")
    driver = await gathered(relay_only(server, wrong, server.ice_server("tcp", "tls")))
    assert {known.relay_protocol for known in driver.agent.local_candidates} == {"tcp", "tls"}
    assert len({known.priority for known in driver.agent.local_candidates}) == 2
    assert [error.code for error in driver.errors] == [401]


async def test_time_limited_credentials(tmp_path: Path) -> None:
    async with Coturn.started(tmp_path, secret="north") as server:
        username, password = server.credentials()
        assert username.endswith(":peer")
        assert password
        driver = await gathered(relay_only(server, server.ice_server("udp")))
        assert [known.type for known in driver.agent.local_candidates] == [CandidateType.RELAYED]
        name, secret = server.credentials(lifetime=-3600)
        expired = dataclasses.replace(server.ice_server("udp"), username=name, credential=secret)
        driver = await gathered(relay_only(server, expired))
        assert [error.code for error in driver.errors] == [401]


async def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(CoturnUnavailableError):
        async with Coturn.started(tmp_path, host="203.0.113.77", start_timeout=0.5):
            pass


async def test_without_the_program_the_message_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CoturnUnavailableError, match="apt-get install coturn"):
        async with Coturn.started(tmp_path):
            pass


async def test_an_allocation_that_is_lost_takes_its_candidate_along(tmp_path: Path) -> None:
    async with Coturn.started(tmp_path) as server:
        a = Driver(Config(controlling=True, transport_policy="relay"), relay_only(server, server.ice_server("tcp")))
        b = Driver(Config(), Options(selection=IPV4))
        connect(a, b)
        await a.reach(State.COMPLETED)
    await a.until(lambda: a.agent.selected_path is None)
    assert a.agent.local_candidates == ()
    for driver in (a, b):
        driver.close()
        await driver.gatherer.wait_closed()
