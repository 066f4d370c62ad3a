"""NATs made of namespaces, judged by which way two agents find to each other."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.net import namespaces
from harness.net.coturn import Coturn
from harness.net.namespaces import Lab, Namespace, Site, why_unavailable
from peer.ice.agent import Config, State, Transmission
from peer.ice.edge import IceServer, Options, Selection
from peer.testing import NatKind
from peer.tests.ice.driving import Driver, connect

OPEN = None
FULL, RESTRICTED, PORT, SYMMETRIC = NatKind
# The way out of every pair of NATs that behave differently; PEERPROOF_SWEEP adds the rest.
PAIRS: list[tuple[NatKind | None, NatKind | None, str, str]] = [
    (OPEN, SYMMETRIC, "host", "prflx"),
    (PORT, PORT, "srflx", "srflx"),
    (FULL, SYMMETRIC, "srflx", "prflx"),
    (SYMMETRIC, SYMMETRIC, "relay", "relay"),
]
MORE: list[tuple[NatKind | None, NatKind | None, str, str]] = [
    (OPEN, OPEN, "host", "host"),
    (OPEN, PORT, "host", "srflx"),
    (FULL, FULL, "srflx", "srflx"),
    (FULL, RESTRICTED, "srflx", "srflx"),
    (FULL, PORT, "srflx", "srflx"),
    (RESTRICTED, RESTRICTED, "srflx", "srflx"),
    (RESTRICTED, PORT, "srflx", "srflx"),
    (RESTRICTED, SYMMETRIC, "srflx", "prflx"),
    (SYMMETRIC, RESTRICTED, "prflx", "srflx"),
    (SYMMETRIC, FULL, "prflx", "srflx"),
    (PORT, SYMMETRIC, "srflx", "relay"),
    (SYMMETRIC, PORT, "relay", "srflx"),
]


@pytest.fixture(scope="module", autouse=True)
def _needs_namespaces() -> Iterator[None]:
    reason = why_unavailable()
    if reason is not None:
        pytest.skip(f"unsupported here: {reason}")
    yield
    left = [line for line in os.listdir("/var/run/netns") if line.startswith(f"pp{os.getpid()}-")]
    assert left == []


def options(host: Namespace, *servers: IceServer) -> Options:
    return Options(selection=Selection(loopback=False, others=True), servers=servers, enter=host.entered)


async def meet(lab: Lab, directory: Path, a_name: str = "a", b_name: str = "b") -> tuple[Driver, Driver]:
    async with Coturn.started(directory, host=lab.server_address, prefix=lab.server.prefix) as server:
        everything = server.ice_server("udp", stun=True)
        a = Driver(Config(controlling=True), options(lab.host(a_name), everything))
        b = Driver(Config(), options(lab.host(b_name), everything))
        connect(a, b)
        await a.reach(State.COMPLETED)
        await b.reach(State.COMPLETED)
        for one, other in ((a, b), (b, a)):
            path = one.agent.selected_path
            assert path is not None
            one.gatherer.send([Transmission(b"\x80 through", path)])
            await other.until(lambda other=other: other.data == [b"\x80 through"])  # type: ignore[misc]
        for driver in (a, b):
            driver.gatherer.close()
            await driver.gatherer.wait_closed()
    return a, b


def kinds(driver: Driver) -> tuple[str, str]:
    pair = driver.agent.selected_pair
    assert pair is not None
    return str(pair.local.type), str(pair.remote.type)


@pytest.mark.parametrize(
    ("ours", "theirs", "local", "remote"), PAIRS + (MORE if os.environ.get("PEERPROOF_SWEEP") else [])
)
async def test_every_pair_of_nats_is_crossed_directly_where_possible_and_by_the_relay_where_not(
    ours: NatKind | None, theirs: NatKind | None, local: str, remote: str, tmp_path: Path
) -> None:
    with Lab.build({"a": Site(ours), "b": Site(theirs)}) as lab:
        a, b = await meet(lab, tmp_path)
    if "relay" in (local, remote):
        assert "relay" in kinds(a)  # which of the two relays answers first is a matter of luck
    else:
        assert kinds(a) == (local, remote)
    a.close()
    b.close()


async def test_two_nats_in_a_row(tmp_path: Path) -> None:
    with Lab.build({"a": Site(PORT, double=True), "b": Site(PORT)}) as lab:
        a, b = await meet(lab, tmp_path)
    pair = a.agent.selected_pair
    assert pair is not None
    assert (pair.path.local.host, pair.local.address.host) == ("10.1.0.2", "198.51.100.10")
    a.close()
    b.close()


async def test_two_hosts_of_one_site_use_their_private_addresses(tmp_path: Path) -> None:
    with Lab.build({"a": Site(PORT, hosts=2)}) as lab:
        server, site = lab.host("a", 0), lab.host("a", 1)
        a, b = Driver(Config(controlling=True), options(server)), Driver(Config(), options(site))
        connect(a, b)
        await a.reach(State.COMPLETED)
        assert kinds(a) == ("host", "host")
        a.close()
        b.close()


async def test_ipv6_needs_no_nat() -> None:
    with Lab.build({"a": Site(SYMMETRIC, ipv6=True), "b": Site(SYMMETRIC, ipv6=True)}) as lab:
        a = Driver(Config(controlling=True), options(lab.host("a")))
        b = Driver(Config(), options(lab.host("b")))
        connect(a, b)
        await a.reach(State.COMPLETED)
        path = a.agent.selected_path
        assert path is not None
        assert (path.local.host, path.remote.host) == ("2001:db8:1::2", "2001:db8:2::2")
        a.close()
        b.close()


async def test_after_an_address_change_a_restart_brings_the_data_back_within_two_seconds() -> None:
    with Lab.build({"a": Site(OPEN), "b": Site(OPEN)}) as lab:
        host = lab.host("a")
        a, b = Driver(Config(controlling=True), options(host)), Driver(Config(), options(lab.host("b")))
        connect(a, b)
        await a.reach(State.COMPLETED)
        await b.reach(State.COMPLETED)
        host.change_address("198.51.100.77")
        start = a.loop.time()
        a.do(a.agent.restart(start))
        b.do(b.agent.set_remote_parameters(a.agent.local_parameters, start))
        a.do(a.agent.set_remote_parameters(b.agent.local_parameters, start))
        a.gatherer.start()
        b.gatherer.start()
        await a.until(lambda: (path := a.agent.selected_path) is not None and path.local.host == "198.51.100.77")
        await b.until(lambda: (path := b.agent.selected_path) is not None and path.remote.host == "198.51.100.77")
        assert a.loop.time() - start < 2.0
        a.close()
        b.close()


def test_an_interface_that_goes_down_silences_the_path_and_its_return_restores_it() -> None:
    with Lab.build({"a": Site(PORT)}) as lab, contextlib.ExitStack() as sockets:
        host = lab.host("a")
        with host.entered():
            client = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        with lab.server.entered():
            server = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        server.bind((lab.server_address, 7000))
        server.settimeout(2.0)
        client.sendto(b"one", (lab.server_address, 7000))
        assert server.recvfrom(10)[1][0] == "198.51.100.10"  # the NAT's address
        host.set_link(False)
        with pytest.raises(OSError, match="unreachable"):
            client.sendto(b"two", (lab.server_address, 7000))
        host.set_link(True)
        client.sendto(b"three", (lab.server_address, 7000))
        assert server.recv(10) == b"three"


def test_a_program_can_be_started_inside_by_a_path(tmp_path: Path) -> None:
    with Lab.build({"a": Site(OPEN)}) as lab:
        wrapper = lab.host("a").wrapper("/usr/sbin/ip", tmp_path)
        assert "198.51.100.10" in namespaces._run(str(wrapper), "-4", "addr")
