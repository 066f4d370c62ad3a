"""A seam that says what a case wants, packet by packet, inside an association that is otherwise well behaved.

    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(sctp=intruder))
    intruder.say(CookieAck())                      # rides right behind the next message of ours
    await made.channel.send("now")

It learns tags and TSNs from what passes. Nothing it says uses up a TSN of the association's own unless a case wants so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from harness.capture.wire import Hit
from harness.cases import Connection, check
from harness.endpoints.proxies import DataChannel
from harness.errors import EndpointTimeout
from peer.wire import sctp
from peer.wire.sctp_tlv import Parameter, ParameterType

__all__ = ["Intruder", "heartbeat", "is_unharmed", "read"]

Bend: TypeAlias = Callable[[sctp.Packet], Iterable[sctp.Packet | bytes]]


class Intruder:
    """A transform for `Seams(sctp=...)`. `tag` is the endpoint's verification tag, `own_tag` and `own_tsn` are ours.

    `one_way` leaves the endpoint's INIT unanswered, so that it is we who echo a `cookie`; `window` replaces the one we
    advertise in SACKs.
    """

    def __init__(self, *, one_way: bool = False) -> None:
        self.tag = self.own_tag = self.own_tsn = 0
        self.last_tsn = self.last_ssn = 0
        self.cookie = b""
        self.sack: sctp.Sack | None = None
        self.window: int | None = None
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
        elif isinstance(message, sctp.CookieEcho):
            self.cookie = message.cookie
        elif isinstance(message, sctp.Sack):
            self.sack = message if self.window is None else replace(message, a_rwnd=self.window)
            return (self.sack,)
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
