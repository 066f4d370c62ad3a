"""A seam that says what a case wants, packet by packet, inside an association that is otherwise well behaved.

    intruder, made, channel, other = await established(connect, peer, endpoint)
    intruder.say(CookieAck())                      # rides right behind the next message of ours
    await channel.send("now")

It learns tags and TSNs from what passes. Nothing it says uses up a TSN of the association's own unless a case wants so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from harness.capture.wire import Hit
from harness.cases import Connection, check
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import DataChannel
from harness.endpoints.reference import Reference
from harness.errors import EndpointTimeout
from peer.api import Seams
from peer.wire import sctp
from peer.wire.sctp_tlv import Parameter, ParameterType

__all__ = ["BINARY", "MASK", "STRING", "Bend", "Connect", "Intruder", "established", "heartbeat", "is_unharmed", "read"]

Connect: TypeAlias = Callable[..., Awaitable[Connection]]
Bend: TypeAlias = Callable[[sctp.Packet], Iterable[sctp.Packet | bytes]]

STRING, BINARY = 51, 53
MASK = 0xFFFFFFFF


class Intruder:
    """A transform for `Seams(sctp=...)`. `tag` is the endpoint's verification tag, `own_tag` and `own_tsn` are ours,
    `resent` the TSNs that we sent more than once.

    `one_way` leaves the endpoint's INIT unanswered, so that it is we who echo a `cookie`; `window` replaces the one we
    advertise in SACKs, and while we are `deaf` we send none.
    """

    def __init__(self, *, one_way: bool = False) -> None:
        self.tag = self.own_tag = self.own_tsn = 0
        self.last_tsn = self.last_ssn = 0
        self.resent: set[int] = set()
        self._sent: set[int] = set()
        self.cookie = b""
        self.sack: sctp.Sack | None = None
        self.window: int | None = None
        self.deaf = False
        self._one_way = one_way
        self._extra: list[sctp.Packet | bytes] = []
        self._bend: Bend | None = None

    def __call__(self, message: Any) -> Iterable[Any]:
        if isinstance(message, sctp.InitAck) and self._one_way:
            return ()
        if isinstance(message, sctp.Init | sctp.InitAck):
            self.own_tag, self.own_tsn = message.tag, message.initial_tsn
        elif isinstance(message, sctp.Data):
            self.last_tsn, self.last_ssn = message.tsn, message.ssn
            (self.resent if message.tsn in self._sent else self._sent).add(message.tsn)
        elif isinstance(message, sctp.CookieEcho):
            self.cookie = message.cookie
        elif isinstance(message, sctp.Sack):
            self.sack = message if self.window is None else replace(message, a_rwnd=self.window)
            return () if self.deaf else (self.sack,)
        elif isinstance(message, sctp.Packet):
            return self._packet(message)
        return (message,)

    def _packet(self, packet: sctp.Packet) -> Iterable[sctp.Packet | bytes]:
        self.tag = packet.verification_tag or self.tag
        if not any(isinstance(chunk, sctp.Data) for chunk in packet.chunks):
            return (packet,)
        if self._bend is not None:
            bend, self._bend = self._bend, None
            return bend(packet)
        extra, self._extra = self._extra, []
        return (packet, *extra)

    def say(self, *chunks: sctp.Chunk | bytes, tag: int | None = None, **fields: Any) -> None:
        """A packet of these chunks goes right behind our next DATA. `fields` are those of `peer.wire.sctp.Packet`."""
        values = {"source_port": 5000, "destination_port": 5000, **fields}
        packet = sctp.Packet(verification_tag=self.tag if tag is None else tag, chunks=chunks, **values)
        self._extra.append(packet)

    def bend(self, bend: Bend) -> None:
        """Our next packet with DATA goes through `bend`, which may be a generator of several."""
        self._bend = bend


async def established(
    connect: Connect, peer: Reference, endpoint: Endpoint, *, one_way: bool = False, **config: Any
) -> tuple[Intruder, Connection, DataChannel, DataChannel]:
    """A connection with an intruder on our side, and both ends of its channel, ours first. `config` is our SCTP's."""
    intruder = Intruder(one_way=one_way)
    made = await connect(peer, endpoint, seams=Seams(sctp=intruder, sctp_config=config))
    assert made.channel is not None
    return intruder, made, made.channel, await made.other_channel()


def heartbeat(info: bytes = b"are you there?") -> sctp.Heartbeat:
    return sctp.Heartbeat((Parameter(ParameterType.HEARTBEAT_INFO, info),))


def read(hit: Hit) -> Any:
    """A chunk that was seen, as `peer.wire.sctp` has it."""
    data = bytes(hit.packet)
    return sctp.parse_chunk(data[0], data[1], data[4 : int.from_bytes(data[2:4], "big")])


async def is_unharmed(made: Connection, other: DataChannel, *passed: str) -> None:
    """The messages `passed` arrive, and then one more: the association goes on as if nothing had been."""
    assert made.channel is not None
    await made.channel.send("still here")
    for text in (*passed, "still here"):
        try:
            received = await other.receive(timeout=3.0)
        except EndpointTimeout:
            check(False, f"expected {text!r} to arrive, nothing did: the association did not go on")
        else:
            check(received == text, f"expected {text!r}, {received!r} arrived")
