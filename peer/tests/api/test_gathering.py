"""Gathering, with an edge whose every word is ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peer.api import RTCPeerConnection, Seams
from peer.ice.agent import Address, Candidate, CandidateType
from peer.ice.edge import CandidateError, Options
from peer.tests.api.connecting import held, settled


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
        self.base_lost = on_base_lost
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
