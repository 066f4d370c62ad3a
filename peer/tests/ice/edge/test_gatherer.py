"""Gathering and connecting on loopback: UDP, TCP, names; against ourselves and against aioice."""

from __future__ import annotations

import asyncio
import inspect

import aioice
import pytest

from peer.ice.agent import (
    Address,
    Candidate,
    CandidateType,
    Config,
    Parameters,
    Path,
    State,
    TcpType,
    Transmission,
)
from peer.ice.edge import Options, Selection
from peer.tests.ice.driving import Driver, connect

READY = (State.CONNECTED, State.COMPLETED)


async def talk(a: Driver, b: Driver) -> None:
    """Something goes over the selected pair in both directions."""
    for one, other in ((a, b), (b, a)):
        path = one.agent.selected_path
        assert path is not None
        one.gatherer.send([Transmission(b"\x80 data", path)])
        await other.until(lambda other=other: other.data == [b"\x80 data"])  # type: ignore[misc]


async def finish(*drivers: Driver) -> None:
    for driver in drivers:
        driver.close()
        await driver.gatherer.wait_closed()


async def test_host_candidates_are_loopback_and_come_before_the_end() -> None:
    a = Driver()
    a.gatherer.start()
    assert not a.agent.local_candidates  # nothing is called back from within a call
    await a.until(lambda: a.agent.gathering_state == "complete")
    hosts = {candidate.address.host for candidate in a.agent.local_candidates}
    assert hosts <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in hosts
    priorities = [candidate.priority for candidate in a.agent.local_candidates]
    assert len(set(priorities)) == len(priorities)
    await finish(a)


async def test_two_peers_connect_within_milliseconds() -> None:
    times = []
    for _ in range(3):
        a, b = Driver(Config(controlling=True)), Driver()
        start = a.loop.time()
        connect(a, b)
        await a.reach(*READY)
        await b.reach(*READY)
        times.append(a.loop.time() - start)
        await talk(a, b)
        await finish(a, b)
    assert min(times) < 0.025  # aiortc's time for a whole session; ours is about 0.003, on an idle machine


async def test_gathering_again_after_a_restart_uses_the_sockets_there_are() -> None:
    a, b = Driver(Config(controlling=True), Options(tcp=True)), Driver()
    connect(a, b)
    await a.reach(State.COMPLETED)
    before = {candidate.address for candidate in a.agent.local_candidates if candidate.type is CandidateType.HOST}
    old = a.agent.local_parameters
    a.do(a.agent.restart(a.loop.time()))
    b.do(b.agent.set_remote_parameters(a.agent.local_parameters, b.loop.time()))
    a.do(a.agent.set_remote_parameters(b.agent.local_parameters, a.loop.time()))
    a.gatherer.start()
    b.gatherer.start()
    await a.reach(State.COMPLETED)
    after = {candidate.address for candidate in a.agent.local_candidates if candidate.type is CandidateType.HOST}
    assert after == before
    assert a.agent.local_parameters != old
    await talk(a, b)
    await finish(a, b)


async def test_tcp_only() -> None:
    options = Options(udp=False, tcp=True)
    a, b = Driver(Config(controlling=True), options), Driver(options=options)
    connect(a, b)
    await a.reach(State.COMPLETED)
    await b.reach(State.COMPLETED)
    for driver in (a, b):
        hosts = [known for known in driver.agent.local_candidates if known.type is CandidateType.HOST]
        assert {candidate.tcp_type for candidate in hosts} == {TcpType.ACTIVE, TcpType.PASSIVE}
        assert {candidate.address.port == 9 for candidate in hosts if candidate.tcp_type is TcpType.ACTIVE} == {True}
        assert driver.agent.selected_path is not None
        assert driver.agent.selected_path.protocol == "tcp"
    await talk(a, b)
    await finish(a, b)


async def test_host_addresses_hidden_behind_names_are_resolved() -> None:
    options = Options(mdns=True)
    a, b = Driver(Config(controlling=True), options), Driver(options=options)
    connect(a, b)
    try:
        await a.until(lambda: a.agent.gathering_state == "complete")
        if not a.agent.local_candidates:
            pytest.skip("multicast isn't allowed here")
        assert {candidate.address.host[-6:] for candidate in a.agent.local_candidates} == {".local"}
        await a.reach(*READY)
        await b.reach(*READY)
        await talk(a, b)
    finally:
        await finish(a, b)


async def test_a_name_that_nobody_answers_for_and_a_name_that_is_none_are_ignored() -> None:
    a = Driver()
    a.do(a.agent.set_remote_parameters(Parameters("ufrag", "p" * 22), a.loop.time()))
    for name in ("0b5f2c1e-0000-4000-8000-000000000000.local", "example.invalid"):
        a.add_remote(Candidate.parse(f"candidate:1 1 udp 1 {name} 5000 typ host"))
    await asyncio.sleep(0.05)
    assert a.agent.pairs == ()
    await finish(a)


async def test_an_interface_that_cannot_be_bound_is_an_error_event_and_the_others_go_on() -> None:
    a = Driver(options=Options(selection=Selection(hosts=("127.0.0.1",)), port=1 << 15))
    b = Driver(options=Options(selection=Selection(hosts=("127.0.0.1",)), port=1 << 15))
    a.gatherer.start()
    b.gatherer.start()
    await b.until(lambda: bool(b.errors) and b.agent.gathering_state == "complete")
    assert (b.errors[0].code, b.errors[0].address, b.errors[0].port) == (701, "127.0.0.1", 1 << 15)
    assert not b.agent.local_candidates
    await finish(a, b)


async def test_datagrams_for_a_base_that_is_gone_are_lost_and_close_is_final() -> None:
    a = Driver()
    a.gatherer.send([Transmission(b"x", Path(Address("127.0.0.1", 1), Address("127.0.0.1", 2)))])
    a.gatherer.start()
    a.close()
    a.gatherer.close()
    await asyncio.sleep(0)
    assert not a.agent.local_candidates


async def test_work_that_close_finds_unbegun_is_done_with() -> None:
    begun = []

    async def work() -> None:
        begun.append(True)

    a, unbegun = Driver(), work()
    a.gatherer._start(unbegun)
    a.close()
    await a.gatherer.wait_closed()
    await asyncio.sleep(0)
    assert (begun, inspect.getcoroutinestate(unbegun)) == ([], inspect.CORO_CLOSED)


@pytest.mark.parametrize("we_control", [True, False])
async def test_aioice_connects_to_us_in_both_roles(we_control: bool) -> None:
    us = Driver(Config(controlling=we_control), Options(selection=Selection(loopback=False, others=True)))
    them = aioice.Connection(ice_controlling=not we_control, components=1)
    await them.gather_candidates()
    us.gatherer.start()
    await us.until(lambda: us.agent.gathering_state == "complete")
    if not us.agent.local_candidates or not them.local_candidates:
        await finish(us)
        await them.close()
        pytest.skip("aioice needs an interface beyond loopback")
    ours = us.agent.local_parameters
    them.remote_username, them.remote_password = ours.ufrag, ours.pwd
    for candidate in us.agent.local_candidates:
        text = candidate.serialize().removeprefix("candidate:")
        await them.add_remote_candidate(aioice.Candidate.from_sdp(text))
    await them.add_remote_candidate(None)
    theirs = Parameters(them.local_username, them.local_password)
    us.do(us.agent.set_remote_parameters(theirs, us.loop.time()))
    for other in them.local_candidates:
        us.add_remote(Candidate.parse(f"candidate:{other.to_sdp()}"))
    us.add_remote(None)
    await them.connect()
    await us.reach(State.COMPLETED)
    await them.send(b"\x80 to us")
    await us.until(lambda: us.data == [b"\x80 to us"])
    path = us.agent.selected_path
    assert path is not None
    us.gatherer.send([Transmission(b"\x80 to them", path)])
    assert await them.recv() == b"\x80 to them"
    await finish(us)
    await them.close()
