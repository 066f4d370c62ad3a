"""Gathering, with an edge whose every word is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from peer.api import RTCPeerConnection, Seams
from peer.ice.agent import Address, Candidate, CandidateType, Path
from peer.ice.edge import CandidateError, Gatherer, Options
from peer.ice.edge.udp import UdpSocket
from peer.tests.api.connecting import event, held, negotiate, pair, settled
from peer.wire import stun


class Puppet:
    """An edge that reports what a test says."""

    made: list[Puppet]

    def __init__(
        self,
        options: Options,
        *,
        on_candidate: Callable[[Candidate], None],
        on_complete: Callable[[], None],
        on_datagrams: Callable[[Any], None],
        on_error: Callable[[CandidateError], None],
        on_base_lost: Callable[[Address], None],
    ) -> None:
        self.options = options
        self.candidate, self.complete, self.error = on_candidate, on_complete, on_error
        self.base_lost, self.datagrams = on_base_lost, on_datagrams
        self.starts = 0
        self.sent: list[Any] = []
        self.resolving: list[Candidate] = []
        self.closed = False
        Puppet.made.append(self)

    def path_mtu(self, path: Any) -> int | None:
        return None

    def start(self) -> None:
        self.starts += 1

    def send(self, transmissions: list[Any]) -> None:
        self.sent += transmissions

    def resolve(self, candidate: Candidate, found: Callable[[Candidate], None]) -> None:
        self.resolving.append(candidate)

    def close(self) -> None:
        self.closed = True


def host(port: int) -> Candidate:
    address = Address("127.0.0.1", port)
    return Candidate("1", 1, "udp", 2130706431, address, CandidateType.HOST, base=address)


async def connection(**configuration: Any) -> tuple[RTCPeerConnection, Puppet]:
    Puppet.made = []
    pc = RTCPeerConnection(configuration or None, seams=Seams(edge=Puppet))
    pc.createDataChannel("")
    await pc.setLocalDescription()
    (edge,) = Puppet.made
    return pc, edge


async def test_states_follow_the_edge() -> None:
    pc, edge = await connection()
    log: list[Any] = []
    pc.onicegatheringstatechange = lambda happened: log.append(pc.iceGatheringState)
    pc.onicecandidate = lambda happened: log.append(happened.candidate and happened.candidate.port)
    await settled(pc)
    assert log == ["gathering"]
    edge.candidate(host(5000))
    assert log == ["gathering"]
    await settled(pc)
    edge.complete()
    await settled(pc)
    assert log == ["gathering", 5000, None, "complete", None]  # the candidate, its end, the state, and null
    pc.close()
    assert edge.closed
    edge.candidate(host(5001))
    edge.complete()
    await settled(pc)
    assert len(log) == 5


async def test_a_restart_while_gathering_ends_each_generation() -> None:
    pc, edge = await connection()
    first = held(held(pc.sctp).transport.iceTransport.getLocalParameters()).usernameFragment
    ended: list[str] = []

    def candidate(happened: Any) -> None:
        if happened.candidate is not None and not happened.candidate.candidate:
            ended.append(happened.candidate.usernameFragment)

    pc.onicecandidate = candidate
    pc.restartIce()
    await pc.setLocalDescription()
    second = held(held(pc.sctp).transport.iceTransport.getLocalParameters()).usernameFragment
    assert edge.starts == 2
    edge.complete()
    await settled(pc)
    assert (ended, pc.iceGatheringState) == ([first], "gathering")
    edge.complete()
    await settled(pc)
    assert (ended, pc.iceGatheringState) == ([first, second], "complete")
    assert first != second
    pc.close()


async def test_a_new_configuration_counts_from_the_next_phase_on() -> None:
    pc, edge = await connection()
    assert not edge.options.servers
    pc.setConfiguration({"iceServers": [{"urls": "stun:127.0.0.1:1"}], "iceTransportPolicy": "relay"})
    assert not edge.options.servers
    await answered(pc)
    await pc.setLocalDescription(await pc.createOffer({"iceRestart": True}))
    (server,) = edge.options.servers
    assert [url.text for url in server.urls] == ["stun:127.0.0.1:1"]
    assert edge.options.policy == "relay"
    pc.close()


async def test_errors_hide_unexposed_addresses_and_701_comes_once() -> None:
    pc, edge = await connection()
    errors: list[Any] = []
    pc.onicecandidateerror = errors.append
    edge.error(CandidateError("127.0.0.1", 1, "stun:a", 701, "gone"))
    edge.error(CandidateError("127.0.0.1", 1, "stun:a", 701, "gone"))
    edge.candidate(host(5000))
    await settled(pc)
    edge.error(CandidateError("127.0.0.1", 5000, "turn:b", 401, "who?"))
    edge.error(CandidateError("127.0.0.1", 5000, "turn:b", 401, "who?"))
    await settled(pc)
    assert [(one.address, one.port, one.url, one.errorCode, one.errorText) for one in errors] == [
        (None, None, "stun:a", 701, "gone"),
        ("127.0.0.1", 5000, "turn:b", 401, "who?"),
        ("127.0.0.1", 5000, "turn:b", 401, "who?"),
    ]
    pc.close()


async def answered(pc: RTCPeerConnection) -> None:
    other = RTCPeerConnection(seams=Seams(edge=Puppet))
    await other.setRemoteDescription(pc.localDescription)
    await other.setLocalDescription()
    await pc.setRemoteDescription(other.localDescription)
    other.close()


def checked(edge: Puppet) -> set[int]:
    """The ports that were sent a check."""
    return {transmission.path.remote.port for transmission in edge.sent}


async def test_bad_ports_are_never_connected_to_and_names_are_resolved() -> None:
    pc, edge = await connection()
    edge.candidate(host(5000))
    await answered(pc)
    for port in (22, 6667):
        await pc.addIceCandidate({"candidate": f"candidate:1 1 udp 2 127.0.0.1 {port} typ host", "sdpMid": "0"})
    assert checked(edge) == set()
    await pc.addIceCandidate({"candidate": "candidate:1 1 udp 1 127.0.0.1 5001 typ host", "sdpMid": "0"})
    assert checked(edge) == {5001}
    assert len(held(pc.sctp).transport.iceTransport.getRemoteCandidates()) == 3
    await pc.addIceCandidate({"candidate": "candidate:1 1 udp 1 x.local 5002 typ host", "sdpMid": "0"})
    assert [candidate.address.host for candidate in edge.resolving] == ["x.local"]
    pc.close()


async def test_under_the_policy_relay_names_are_not_resolved() -> None:
    pc, edge = await connection(iceTransportPolicy="relay")
    await answered(pc)
    await pc.addIceCandidate({"candidate": "candidate:1 1 udp 1 x.local 5002 typ host", "sdpMid": "0"})
    assert edge.resolving == []
    pc.close()


async def test_a_lost_base_is_not_used_any_more() -> None:
    pc, edge = await connection()
    for port in (5000, 5010):
        edge.candidate(host(port))
    await answered(pc)
    edge.base_lost(Address("127.0.0.1", 5000))
    await pc.addIceCandidate({"candidate": "candidate:1 1 udp 1 127.0.0.1 5001 typ host", "sdpMid": "0"})
    assert {transmission.path.local.port for transmission in edge.sent} == {5010}
    pc.close()


async def test_candidates_of_other_components_are_passed_over() -> None:
    pc, edge = await connection()
    edge.candidate(host(5000))
    await answered(pc)
    await pc.addIceCandidate({"candidate": "candidate:1 2 udp 1 127.0.0.1 5003 typ host", "sdpMid": "0"})
    assert checked(edge) == set()
    pc.close()


async def test_a_rolled_back_restart_goes_back_to_the_credentials_of_before() -> None:
    pc, edge = await connection()
    edge.complete()
    await answered(pc)
    ice = held(pc.sctp).transport.iceTransport
    before = held(ice.getLocalParameters())
    await pc.setLocalDescription(await pc.createOffer({"iceRestart": True}))
    assert held(ice.getLocalParameters()) != before
    await pc.setLocalDescription({"type": "rollback"})
    assert held(ice.getLocalParameters()) == before
    assert edge.starts == 2
    pc.close()


async def constructed(size: int, **configuration: Any) -> RTCPeerConnection:
    Puppet.made = []
    pc = RTCPeerConnection({"iceCandidatePoolSize": size, **configuration}, seams=Seams(edge=Puppet))
    pc.createDataChannel("")
    await settled(pc)
    return pc


def ports(pc: RTCPeerConnection) -> list[int]:
    """The port of every candidate that is announced from now on; 0 for an end."""
    seen: list[int] = []

    def candidate(happened: Any) -> None:
        if happened.candidate is not None:
            seen.append(happened.candidate.port or 0)

    pc.addEventListener("icecandidate", candidate)
    return seen


async def test_without_a_pool_nothing_is_gathered_ahead() -> None:
    pc = await constructed(0)
    assert Puppet.made == []
    pc.close()


async def test_a_pool_gathers_from_construction_on_and_a_transport_takes_it() -> None:
    pc = await constructed(2)
    first, second = Puppet.made
    assert (first.starts, second.starts) == (1, 1)
    seen = ports(pc)
    first.candidate(host(5000))
    first.complete()
    await settled(pc)
    assert (seen, pc.iceGatheringState) == ([], "new")
    await pc.setLocalDescription()
    await settled(pc)
    assert (seen, pc.iceGatheringState) == ([5000, 0], "complete")
    assert Puppet.made == [first, second]
    assert first.starts == 1
    ice = held(pc.sctp).transport.iceTransport
    assert [one.usernameFragment for one in ice.getLocalCandidates()] == [
        held(ice.getLocalParameters()).usernameFragment
    ]
    assert " 5000 typ host" in held(pc.localDescription).sdp
    pc.close()
    assert first.closed
    assert second.closed


async def test_what_a_pooled_gatherer_finds_later_is_announced_later() -> None:
    pc = await constructed(1)
    (edge,) = Puppet.made
    seen = ports(pc)
    edge.candidate(host(5000))
    await pc.setLocalDescription()
    await settled(pc)
    assert (seen, pc.iceGatheringState) == ([5000], "gathering")
    edge.candidate(host(5001))
    edge.complete()
    await settled(pc)
    assert (seen, pc.iceGatheringState) == ([5000, 5001, 0], "complete")
    pc.close()


async def test_transports_beyond_the_pool_gather_as_usual() -> None:
    pc = await constructed(1, bundlePolicy="max-compat")
    pc.addTransceiver("audio")
    await pc.setLocalDescription()
    assert [edge.starts for edge in Puppet.made] == [1, 1]
    pc.close()


async def test_another_size_before_a_local_description_takes_effect_at_once() -> None:
    pc = await constructed(1)
    pc.setConfiguration({"iceCandidatePoolSize": 3})
    assert [(edge.starts, edge.closed) for edge in Puppet.made] == [(1, False)] * 3
    pc.setConfiguration({"iceCandidatePoolSize": 1})
    assert [edge.closed for edge in Puppet.made] == [False, True, True]
    pc.setConfiguration({"iceCandidatePoolSize": 0})
    assert all(edge.closed for edge in Puppet.made)
    pc.close()


async def test_other_servers_discard_what_was_gathered_from_the_old_ones() -> None:
    pc = await constructed(1)
    (old,) = Puppet.made
    old.candidate(host(5000))
    pc.setConfiguration({"iceCandidatePoolSize": 1, "iceServers": [{"urls": "stun:127.0.0.1:1"}]})
    _, new = Puppet.made
    assert old.closed
    assert (new.starts, len(new.options.servers)) == (1, 1)
    seen = ports(pc)
    await pc.setLocalDescription()
    new.candidate(host(5001))
    await settled(pc)
    assert seen == [5001]
    pc.close()


async def test_the_policy_filters_pooled_candidates_only_when_they_are_taken() -> None:
    pc = await constructed(1, iceTransportPolicy="relay")
    (edge,) = Puppet.made
    assert edge.options.policy == "all"
    edge.candidate(host(5000))
    pc.setConfiguration({"iceCandidatePoolSize": 1, "iceTransportPolicy": "all"})
    seen = ports(pc)
    await pc.setLocalDescription()
    await settled(pc)
    assert (seen, edge.closed, edge.options.policy) == ([5000], False, "all")
    pc.close()

    pc = await constructed(1)
    (edge,) = Puppet.made
    edge.candidate(host(5000))
    pc.setConfiguration({"iceCandidatePoolSize": 1, "iceTransportPolicy": "relay"})
    seen = ports(pc)
    await pc.setLocalDescription()
    edge.candidate(host(5001))
    await settled(pc)
    assert (seen, edge.closed, edge.options.policy) == ([], False, "relay")
    pc.close()


async def test_an_answer_discards_what_is_left_in_the_pool() -> None:
    pc = await constructed(2)
    taken, left = Puppet.made
    await pc.setLocalDescription()
    assert not left.closed
    await answered(pc)
    assert (taken.closed, left.closed) == (False, True)
    pc.close()


async def test_a_pooled_gatherer_hears_nobody_before_it_is_taken() -> None:
    pc = await constructed(1)
    (edge,) = Puppet.made
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, bytes(12), fingerprint=True).serialize()
    stray = [(request, Path(Address("127.0.0.1", 5000), Address("127.0.0.1", 5001)))]
    edge.candidate(host(5000))
    edge.datagrams(stray)
    await pc.setLocalDescription()
    await settled(pc)
    assert edge.sent == []
    edge.datagrams(stray)
    await settled(pc)
    assert len(edge.sent) == 1  # it is answered with an error
    pc.close()


async def test_a_base_lost_in_the_pool_is_not_used() -> None:
    pc = await constructed(1)
    (edge,) = Puppet.made
    for port in (5000, 5010):
        edge.candidate(host(port))
    edge.base_lost(Address("127.0.0.1", 5000))
    await pc.setLocalDescription()
    await answered(pc)
    await pc.addIceCandidate({"candidate": "candidate:1 1 udp 1 127.0.0.1 5001 typ host", "sdpMid": "0"})
    assert {transmission.path.local.port for transmission in edge.sent} == {5010}
    pc.close()


async def test_pooled_sockets_are_those_of_the_connection_and_close_leaves_none() -> None:
    made: list[Gatherer] = []

    def edge(*args: Any, **callbacks: Any) -> Gatherer:
        made.append(Gatherer(*args, **callbacks))
        return made[-1]

    async with pair({"iceCandidatePoolSize": 2}, {"iceCandidatePoolSize": 1}, seams=Seams(edge=edge)) as (one, other):
        pooled = [list(gatherer._carriers.values()) for gatherer in made]
        sockets = [carrier._socket for found in pooled for carrier in found if isinstance(carrier, UdpSocket)]
        assert len(sockets) >= len(made) == 3
        assert all(each.fileno() != -1 for each in sockets)
        seen = ports(one)
        mine = one.createDataChannel("test")
        opened = asyncio.ensure_future(event(mine, "open"))
        await negotiate(one, other)
        await opened
        assert set(seen) & {carrier.address.port for carrier in pooled[0]}
        assert len(made) == 3
    await settled(one)
    assert all(each.fileno() == -1 for each in sockets)
