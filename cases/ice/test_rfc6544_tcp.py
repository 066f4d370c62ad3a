"""RFC 6544: TCP candidates. Active ones call, passive ones are called, and every message is framed (RFC 4571)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from cases.reading import Said
from harness.cases import Connection, check, clause, unsupported
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.ice.agent import Transmission
from peer.ice.edge import Selection

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

NO_PORT = 9
"""What an active candidate has instead of a port."""


@dataclass(slots=True)
class Called:
    """The peer has nothing but TCP, and calls nobody: it keeps who called."""

    callers: set[str] = field(default_factory=set)

    def __call__(self, sent: Transmission) -> Iterable[Transmission]:
        if sent.path.local.port == NO_PORT:
            return ()
        if sent.path.remote.port != NO_PORT:
            self.callers.add(sent.path.remote.host)
        return (sent,)

    async def connection(self, peer: Reference) -> PeerConnection:
        # Firefox calls from real addresses only: the peer shows a real one too, where the machine has any.
        tcp = Seams(gather={"tcp": True, "udp": False}, interfaces=Selection(others=True), datagram=self)
        return await peer.peer_connection(seams=tcp)


class Active(NamedTuple):
    """An active candidate, as its line says it."""

    host: str
    port: int

    @classmethod
    def read(cls, line: str) -> Active:
        _, _, _, _, host, port, *_ = line.split(" ")
        return cls(host, int(port))


async def with_tcp(endpoint: Endpoint) -> PeerConnection:
    """A connection that has TCP candidates, where the endpoint has any: the reference peer is asked for them."""
    if isinstance(endpoint, Reference):
        return await endpoint.peer_connection(seams=replace(endpoint.seams, gather={"tcp": True}))
    return await endpoint.peer_connection()


async def active(pc: PeerConnection) -> list[Active]:
    """The active candidates of a connection that gathers."""
    await pc.wait_for(iceGatheringState="complete")
    lines = Said.of(str((await pc.localDescription())["sdp"])).data.attributes("candidate")
    found = [Active.read(line) for line in lines if " tcptype active" in line]
    if not found:
        unsupported("it has no active TCP candidate")
    return found


async def by_tcp(connect: Connect, peer: Reference, endpoint: Endpoint) -> tuple[Connection, set[str], list[Active]]:
    """Connected by a call of the endpoint's; whence it called; its active candidates."""
    called = Called()
    made = await connect(await called.connection(peer), await with_tcp(endpoint), wait=False)
    found = await active(made.answerer)
    return await made.established(), called.callers, found


async def test_sanity_an_endpoint_connects_where_there_is_only_tcp(
    connect: Connect, peer: Reference, endpoint: Endpoint
) -> None:
    await by_tcp(connect, peer, endpoint)


@clause("RFC6544-4.5-M1")
async def test_an_active_candidate_has_the_port_9(connect: Connect, endpoint: Endpoint) -> None:
    pc = await with_tcp(endpoint)
    await pc.createDataChannel("case")
    await pc.setLocalDescription(await pc.createOffer())
    for one in await active(pc):
        check(one.port == NO_PORT, f"the port of an active candidate is 9, here it is {one.port}")


@clause("RFC6544-7.1-M1", "RFC6544-4.5-M1")
async def test_a_call_comes_from_the_address_of_an_active_candidate(
    connect: Connect, peer: Reference, endpoint: Endpoint
) -> None:
    _, callers, found = await by_tcp(connect, peer, endpoint)
    said = {one.host for one in found}
    check(bool(callers) and callers <= said, f"active candidates are at {sorted(said)}, calls came from {callers}")


@clause("RFC6544-7.1-M2", "RFC6544-10.1-M2")
async def test_messages_travel_in_frames_both_ways(connect: Connect, peer: Reference, endpoint: Endpoint) -> None:
    made, *_ = await by_tcp(connect, peer, endpoint)
    other = await made.other_channel()
    assert made.channel is not None
    await made.channel.send("to be called")
    check(await other.receive() == "to be called", "the message to the endpoint did not arrive")
    await other.send("who called")
    check(await made.channel.receive() == "who called", "the endpoint's message did not arrive")
