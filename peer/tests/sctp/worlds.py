"""Two associations in virtual time, and seeded runs over bad links whose outcome can be judged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from peer import sctp
from peer.testing import Entropy, Link, Pump, Side
from peer.wire import sctp as wire
from peer.wire.sctp_tlv import Parameter, ParameterType

__all__ = ["Outcome", "Plan", "Planned", "Stranger", "established", "pair", "play", "received"]

_CLEAN = Link()
KEPT = (sctp.AssociationClosed, sctp.AssociationAborted)


def pair(
    *,
    link: Link = _CLEAN,
    seed: int | str = 0,
    keep_transcript: bool = True,
    b: dict[str, Any] | None = None,
    **config: Any,
) -> Pump:
    """Two associations; `config` for both, `b` overrides for the second."""
    config = {"remote_max_message_size": 0, "max_mtu": 1188, **config}
    return Pump(
        sctp.Association(sctp.Config(**config), entropy=Entropy(f"a {seed}")),
        sctp.Association(sctp.Config(**{**config, **(b or {})}), entropy=Entropy(f"b {seed}")),
        link=link,
        keep_transcript=keep_transcript,
    )


def established(**arguments: Any) -> Pump:
    """Two associations that have met, both calling `connect`, as in WebRTC."""
    pump = pair(**arguments)
    pump.a.machine.connect(pump.now)
    pump.b.machine.connect(pump.now)
    pump.run(until=pump.seen(sctp.AssociationEstablished), timeout=120)
    return pump


def received(side: Side) -> list[sctp.MessageReceived]:
    return [event for event in side.events if isinstance(event, sctp.MessageReceived)]


@dataclass(frozen=True, slots=True)
class Planned:
    """A message that a plan sends."""

    number: int
    stream: int
    size: int
    ordered: bool
    max_retransmits: int | None
    lifetime: float | None
    at: float

    @property
    def reliable(self) -> bool:
        return self.max_retransmits is None and self.lifetime is None

    @property
    def data(self) -> bytes:
        head = self.number.to_bytes(4, "big")
        return (head + hashlib.sha256(head).digest() * (self.size // 32 + 1))[: max(self.size, 4)]


@dataclass(slots=True)
class Plan:
    """A whole run, drawn from a seed: the link, both configurations, what is sent, how it ends."""

    seed: int
    link: Link = field(init=False)
    config: dict[str, Any] = field(init=False)
    messages: tuple[list[Planned], list[Planned]] = field(init=False)
    ending: str = field(init=False)

    def __post_init__(self) -> None:
        draw = Entropy(f"plan {self.seed}")
        corrupt = draw.chance() * 0.05 if draw.below(3) == 0 else 0.0
        self.link = Link(
            seed=self.seed,
            loss=draw.chance() * 0.2,
            delay=draw.chance() * 0.1,
            jitter=draw.chance() * 0.05,
            reorder=draw.chance() * 0.2,
            reorder_delay=draw.chance() * 0.1,
            duplicate=draw.chance() * 0.1,
            corrupt=corrupt,
        )
        self.config = {
            "interleaving": draw.below(2) == 0,
            # Without DTLS below nothing else finds a turned bit.
            "zero_checksum": not corrupt,
            "max_retransmits": 1000,
            "max_init_retransmits": 1000,
            "rto_max": 4.0,
            "receive_window": (20_000, 100_000, 1_000_000)[draw.below(3)],
            "max_mtu": (1188, 1412)[draw.below(2)],
            "scheduling": list(sctp.Scheduling)[draw.below(len(sctp.Scheduling))],
        }
        self.messages = (self._draw(draw, 10 + draw.below(10)), self._draw(draw, draw.below(10)))
        self.ending = ("shutdown", "both shut down", "abort")[draw.below(3)]

    def _draw(self, draw: Entropy, count: int) -> list[Planned]:
        found = []
        for number in range(count):
            kind = draw.below(4)
            found.append(
                Planned(
                    number,
                    stream=draw.below(3),
                    size=(1, 100, 1500, 5_000, 30_000)[draw.below(5)] + draw.below(50),
                    ordered=draw.below(2) == 0,
                    max_retransmits=draw.below(3) if kind == 0 else None,
                    lifetime=draw.chance() * 0.5 if kind == 1 else None,
                    at=draw.chance() * 2,
                )
            )
        return sorted(found, key=lambda m: m.at)


@dataclass(slots=True)
class Outcome:
    plan: Plan
    pump: Pump
    seconds: float


def play(plan: Plan) -> Outcome:
    """Plays a plan to its end. Raises PumpTimeoutError where it doesn't come."""
    pump = established(link=plan.link, seed=plan.seed, keep_transcript=False, **plan.config)
    began = pump.now
    sides = (pump.a, pump.b)
    waiting = sorted(
        ((began + m.at, index, m) for index in (0, 1) for m in plan.messages[index]), key=lambda item: item[:2]
    )
    for at, index, message in waiting:
        pump.run(timeout=max(at - pump.now, 0)) if at > pump.now else None
        sides[index].machine.send(
            message.stream,
            51,
            message.data,
            now=pump.now,
            ordered=message.ordered,
            max_retransmits=message.max_retransmits,
            lifetime=message.lifetime,
        )
    missing = [_Missing(side, plan.messages[1 - index]) for index, side in enumerate(sides)]
    pump.run(until=lambda: not any(m.count() for m in missing), timeout=600)
    seconds = pump.now - began
    if plan.ending == "abort":
        pump.set_link(Link(delay=0.01))
        pump.a.machine.abort(pump.now)
    else:
        pump.a.machine.shutdown(pump.now)
        if plan.ending == "both shut down":
            pump.b.machine.shutdown(pump.now)
    pump.run(until=lambda: all(any(isinstance(e, KEPT) for e in side.events) for side in sides), timeout=600)
    return Outcome(plan, pump, seconds)


class _Missing:
    """Counts the reliable messages that a side hasn't received yet; looks at each event once."""

    def __init__(self, side: Side, sent: list[Planned]) -> None:
        self._side = side
        self._numbers = {m.number for m in sent if m.reliable}
        self._seen = 0

    def count(self) -> int:
        events = self._side.events
        while self._seen < len(events):
            event = events[self._seen]
            if isinstance(event, sctp.MessageReceived):
                self._numbers.discard(int.from_bytes(event.data[:4], "big"))
            self._seen += 1
        return len(self._numbers)


class Stranger:
    """A peer that says whatever a test wants, packet by packet, to one real association.

    `say` hands over one packet and gives what the association said in answer, chunk by chunk.
    """

    def __init__(self, *, tag: int = 0x5A5A5A5A, tsn: int = 1000, now: float = 0.0, **config: Any) -> None:
        config = {
            "remote_max_message_size": 0,
            "max_mtu": 1188,
            "heartbeat_interval": 0.0,
            "zero_checksum": False,
            **config,
        }
        # Any: tests look at what is inside, in whatever state it is.
        self.association: Any = sctp.Association(sctp.Config(**config), entropy=Entropy("stranger"))
        self.tag, self.tsn, self.now = tag, tsn, now
        self.peer_tag = self.peer_tsn = 0
        self.events: list[sctp.Event] = []
        self.packets: list[Any] = []

    def init(self, *parameters: Parameter, **fields: int) -> wire.Init:
        values = {
            "tag": self.tag,
            "a_rwnd": 100_000,
            "outbound_streams": 10,
            "inbound_streams": 10,
            "initial_tsn": self.tsn,
        }
        return wire.Init(**{**values, **fields}, parameters=parameters)

    def meet(self, *extensions: int, zero_checksum: bool = False) -> Stranger:
        """Plays the handshake as the side that begins; the association answers from CLOSED."""
        parameters = [Parameter(ParameterType.SUPPORTED_EXTENSIONS, bytes(extensions))] if extensions else []
        if wire.ChunkType.FORWARD_TSN in extensions:
            parameters.append(Parameter(ParameterType.FORWARD_TSN_SUPPORTED))
        if zero_checksum:
            parameters.append(Parameter(ParameterType.ZERO_CHECKSUM_ACCEPTABLE, b"\0\0\0\1"))
        (answer,) = self.say(self.init(*parameters), tag=0)
        assert isinstance(answer, wire.InitAck)
        assert answer.cookie is not None
        self.peer_tag, self.peer_tsn = answer.tag, answer.initial_tsn
        answers = self.say(wire.CookieEcho(answer.cookie))
        assert answers[0] == wire.CookieAck()
        return self

    def say(self, *chunks: wire.Chunk | bytes, tag: int | None = None, **fields: Any) -> list[Any]:
        """One packet with these chunks; gives the chunks of the answer."""
        tag = self.peer_tag if tag is None else tag
        values = {"source_port": 5000, "destination_port": 5000, "verification_tag": tag, **fields}
        return self.hand(wire.Packet(**values, chunks=chunks).serialize())

    def hand(self, data: bytes) -> list[Any]:
        """Any bytes; gives the chunks of the answer."""
        self.events += self.association.receive_datagram(data, self.now)
        return self.listen()

    def listen(self) -> list[Any]:
        """The chunks that the association has to send now."""
        packets = [wire.parse(data) for data in self.association.datagrams_to_send(self.now)]
        self.packets += packets
        due = self.association.next_timeout()
        if due is not None and due <= self.now:
            self.events += self.association.handle_timeout(self.now)
        return [chunk for packet in packets for chunk in packet.chunks]

    def wait(self, seconds: float) -> list[Any]:
        """Lets time go by; gives what the association sent meanwhile."""
        end, said = self.now + seconds, []
        while (due := self.association.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.events += self.association.handle_timeout(self.now)
            said += self.listen()
        self.now = end
        return said + self.listen()

    def data(
        self, offset: int = 0, data: bytes = b"data", *, stream: int = 0, ssn: int = 0, flags: int = 3
    ) -> wire.Data:
        """A DATA chunk whose TSN is `offset` after our initial one."""
        return wire.Data((self.tsn + offset) & 0xFFFFFFFF, stream, ssn, 51, data, flags)

    def messages(self) -> list[bytes]:
        return [event.data for event in self.events if isinstance(event, sctp.MessageReceived)]
