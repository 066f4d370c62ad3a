"""Our machines in virtual time: one side is bent, the other one is watched.

Both sides are real, so every mutant comes from a valid message of this very conversation, in the state in which it was
sent. It is bent at one of its layer's seams: inside the protection (what a peer that holds the keys could send) or on
the wire (what a stranger on the path could). The oracle: the watched side raises RemoteProtocolError or nothing, the
clock moves, and what it holds stays bounded.
"""

from __future__ import annotations

import gc
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, ClassVar, Final, Self, TypeAlias

from hypothesis import strategies as st

from harness.fuzz.edits import apply, edits
from harness.fuzz.target import Example, Played, Problem, Target
from peer import datachannel, dtls, sctp
from peer.errors import LocalProtocolError
from peer.ice.agent import Address, Agent, Candidate, CandidateType, compute_foundation, compute_priority
from peer.ice.agent import Config as IceConfig
from peer.testing import Entropy, Link, Network, Pump, PumpTimeoutError
from peer.trace import Entry, Secret
from peer.wire import sctp as sctp_wire
from peer.wire import stun

__all__ = [
    "Bent",
    "Dcep",
    "Dtls",
    "Encode",
    "Sctp",
    "Stun",
    "changes_of",
    "resealed",
    "spoilt_chunk",
    "spoilt_handshake",
    "spoilt_message",
    "spoilt_packet",
    "spoilt_record",
]

_LINK: Final = Link(delay=0.01)
_VIRTUAL_SECONDS: Final = 4.0
_HANG: Final = 5.0
# What a watched machine may hold, in objects; one that behaves holds some thousands.
_MOST_OBJECTS: Final = 150_000
_NOT_HELD: Final = (type, ModuleType, FunctionType, BuiltinFunctionType)

Loop: TypeAlias = Pump | Network
Encode: TypeAlias = Callable[[Any, list[list[Any]]], Iterable[Any]]


class Bent:
    """Bends the messages of one seam: `changes` maps the number of a message to the edits it gets.

    `recorded`: the run is wanted as files, and what its machines keep secret.
    """

    def __init__(self, seam: str, changes: Mapping[int, list[list[Any]]], *, recorded: bool = False) -> None:
        self._seam, self._changes = seam, changes
        self.recorded = recorded
        self.secrets: list[str] = []
        self._count = 0
        self.cells: set[str] = set()
        self.watched: Callable[[], str] = lambda: ""

    def at(self, seam: str, encode: Encode, argument: str = "transform") -> dict[str, Any]:
        """The keyword `argument` of a machine for `seam`: `encode` makes of a message and its edits what is sent."""

        def transform(message: Any) -> Iterable[Any]:
            number, self._count = self._count, self._count + 1
            changes = self._changes.get(number)
            if changes is None:
                return (message,)
            kinds = "+".join(sorted({str(kind) for kind, _, _ in changes}))
            self.cells.add(f"{_named(message)} x {kinds} x {self.watched()}")
            return encode(message, changes)

        return {argument: transform} if seam == self._seam else {}

    @classmethod
    def of(cls, example: Example, *, recorded: bool = False) -> Self:
        """As an example says."""
        changes = {int(number): changes for number, changes in example["changes"].items()}
        return cls(example["seam"], changes, recorded=recorded)

    def hear(self, said: Entry | Secret) -> None:
        """A trace sink."""
        if isinstance(said, Secret):
            self.secrets.append(said.line)


def _named(message: Any) -> str:
    return "datagram" if isinstance(message, bytes) else type(message).__name__


def changes_of(most: int) -> st.SearchStrategy[dict[str, list[list[Any]]]]:
    """Edits of up to `most` messages, by the number of the message."""
    numbers = st.one_of(st.integers(0, 5), st.integers(0, 30)).map(str)
    return st.dictionaries(numbers, st.lists(edits, min_size=1, max_size=4), min_size=1, max_size=most)


class _Machines(Target):
    """What the targets of machines share. `seams` are the places where the bent side is bent."""

    seams: ClassVar[tuple[str, ...]]
    worlds: ClassVar[tuple[str, ...]]
    #: Wireshark's name of the protocol whose packets are exchanged, where they aren't those of UDP.
    inner: ClassVar[str | None] = None

    def strategy(self) -> st.SearchStrategy[Example]:
        return st.fixed_dictionaries(
            {
                "world": st.sampled_from(self.worlds),
                "seam": st.sampled_from(self.seams),
                "changes": changes_of(most=6),
            }
        )

    def play(self, example: Example) -> Played:
        bent = Bent.of(example)
        _, problem = self._run(example["world"], bent)
        return Played.of((f"{example['world']}: {cell}" for cell in bent.cells), problem)

    def _run(self, world: str, bent: Bent) -> tuple[Loop, Problem | None]:
        began = time.thread_time()  # of the processor: a loaded machine is no hang
        problem = None
        loop, watched = self.build(world, bent)
        bent.watched = lambda: self.state(watched)
        try:
            self.converse(loop)
        except PumpTimeoutError as error:
            problem = Problem("hang", "the clock stands still", self.state(watched), message=str(error)[:2000])
        except Exception as error:  # noqa: BLE001  (whatever comes out of a receive path is what is looked for)
            problem = Problem.of_exception(error, self.state(watched))
        took = time.thread_time() - began
        if problem is None and took > _HANG:
            problem = Problem("hang", "slow", self.state(watched), message=f"took {took:.1f} s of the processor")
        if problem is None and (held := _weight(watched)) > _MOST_OBJECTS:
            problem = Problem("memory", "unbounded", self.state(watched), message=f"holds more than {held} objects")
        return loop, problem

    def files(self, example: Example) -> Mapping[str, str | bytes]:
        """The packets of one more run, with the keys, and its transcript."""
        # Here and not above: scapy takes a third of a second to import.
        from harness.fuzz.packets import files_of_run

        bent = Bent.of(example, recorded=True)
        loop, _ = self._run(example["world"], bent)
        return files_of_run(loop.transcript, bent.secrets, inner=self.inner)

    def build(self, world: str, bent: Bent) -> tuple[Loop, Any]:
        """Both machines, started, and the one that is watched."""
        raise NotImplementedError

    def state(self, watched: Any) -> str:
        """The watched machine's state, in a word."""
        return str(watched.state)

    def converse(self, loop: Loop) -> None:
        """Let them talk."""
        loop.run(timeout=_VIRTUAL_SECONDS)


def _pump(bent_side: Any, watched: Any, bent: Bent) -> Pump:
    return Pump(bent_side, watched, link=_LINK, names=("bent", "watched"), keep_transcript=bent.recorded)


def _attempt(call: Callable[..., Any], *arguments: Any) -> None:
    """What a connection or channel that ended meanwhile no longer does doesn't end the conversation. Of what is called
    by us only: in a receive path a LocalProtocolError is a bug like any other.
    """
    with suppress(LocalProtocolError):
        call(*arguments)


def _weight(machine: Any) -> int:
    """How many objects can be reached from a machine; counting ends soon after the limit."""
    seen: set[int] = set()
    waiting = [machine]
    while waiting and len(seen) <= _MOST_OBJECTS:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_HELD):
            continue
        seen.add(id(one))
        waiting += gc.get_referents(one)
    return len(seen)


# --- STUN ------------------------------------------------------------------------------------------------------


def resealed(message: stun.Message, changes: list[list[Any]]) -> tuple[bytes]:
    """The message with its attributes spoilt, then sealed as its sender would."""
    plain = replace(message, integrity_key=None, integrity_sha256_key=None, fingerprint=False).serialize()
    body = apply(plain[stun.HEADER_SIZE :], changes)
    if message.integrity_key is None:
        return (plain[:2] + len(body).to_bytes(2, "big") + plain[4 : stun.HEADER_SIZE] + body,)
    head = plain[:2] + ((len(body) + 24) & 0xFFFF).to_bytes(2, "big") + plain[4 : stun.HEADER_SIZE]
    seal = hmac.digest(message.integrity_key, head + body, "sha1")
    return (head + body + b"\x00\x08\x00\x14" + seal,)


class Stun(_Machines):
    """`peer.ice.agent`: connectivity checks between two agents."""

    name: ClassVar[str] = "stun"
    seams: ClassVar[tuple[str, ...]] = ("sealed", "datagram")
    worlds: ClassVar[tuple[str, ...]] = ("controlled", "controlling")

    def build(self, world: str, bent: Bent) -> tuple[Loop, Any]:
        seams = bent.at("sealed", resealed) | bent.at("datagram", lambda m, changes: (apply(m.serialize(), changes),))

        loop = Network(link=_LINK, keep_transcript=bent.recorded)
        agents = [
            Agent(IceConfig(controlling=world == "controlled"), entropy=Entropy("bent"), **seams),
            Agent(IceConfig(controlling=world == "controlling"), entropy=Entropy("watched")),
        ]
        hosts = [_host("192.0.2.1"), _host("198.51.100.1")]
        for name, agent, host in zip(("bent", "watched"), agents, hosts, strict=True):
            loop.attach(name, agent, [host.address])
        for agent, other, ours, theirs in zip(agents, agents[::-1], hosts, hosts[::-1], strict=True):
            agent.set_remote_parameters(other.local_parameters, loop.now)
            agent.add_local_candidate(ours, loop.now)
            agent.end_of_local_candidates(loop.now)
            agent.add_remote_candidate(theirs, loop.now)
            agent.add_remote_candidate(None, loop.now)
        return loop, agents[1]


def _host(address: str) -> Candidate:
    kind = CandidateType.HOST
    return Candidate(
        foundation=compute_foundation(kind, address, "udp"),
        component=1,
        protocol="udp",
        priority=compute_priority(kind, 65535),
        address=Address(address, 5000),
        type=kind,
    )


# --- DTLS ------------------------------------------------------------------------------------------------------

_MADE: Final = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def _certificate(name: str) -> dtls.Certificate:
    return dtls.Certificate.generate(
        dtls.KeyKind.ECDSA_P256, now=_MADE, lifetime=timedelta(days=3650), entropy=Entropy(name)
    )


def spoilt_handshake(message: Any, changes: list[list[Any]]) -> tuple[bytes]:
    body = apply(message.serialize(), changes)[: (1 << 24) - 1]
    return (bytes([message.TYPE]) + len(body).to_bytes(3, "big") + body,)


def spoilt_record(record: Any, changes: list[list[Any]]) -> tuple[Any, ...]:
    return (replace(record, fragment=apply(record.fragment, changes)),)


class Dtls(_Machines):
    """`peer.dtls`: handshakes of both versions, application data, the end."""

    name: ClassVar[str] = "dtls"
    seams: ClassVar[tuple[str, ...]] = ("handshake", "record", "datagram")
    worlds: ClassVar[tuple[str, ...]] = ("1.2 server", "1.2 client", "1.3 server", "1.3 client")

    def build(self, world: str, bent: Bent) -> tuple[Loop, Any]:
        seams = (
            bent.at("handshake", spoilt_handshake, "transform_handshake")
            | bent.at("record", spoilt_record, "transform_record")
            | bent.at("datagram", lambda m, changes: (apply(m, changes),), "transform_datagram")
        )
        version, role = world.split(" ")
        versions = (dtls.Version.DTLS12 if version == "1.2" else dtls.Version.DTLS13,)
        watched_role = dtls.Role.SERVER if role == "server" else dtls.Role.CLIENT
        bent_role = dtls.Role.CLIENT if role == "server" else dtls.Role.SERVER
        machines = {}
        parts: tuple[tuple[str, str, dtls.Role, dict[str, Any]], ...] = (
            ("bent", "watched", bent_role, seams),
            ("watched", "bent", watched_role, {}),
        )
        for name, other, its_role, more in parts:
            config = dtls.Config(
                _certificate(name),
                (_certificate(other).fingerprint(),),
                versions=versions,
                groups=(dtls.NamedGroup.x25519,),
                srtp_profiles=(8, 7, 1),
            )
            trace = bent.hear if bent.recorded else None
            machines[name] = dtls.Connection(config, its_role, entropy=Entropy(name), trace=trace, **more)
        loop = _pump(machines["bent"], machines["watched"], bent)
        machines["bent" if bent_role is dtls.Role.CLIENT else "watched"].start(loop.now)
        return loop, machines["watched"]

    def state(self, watched: Any) -> str:
        return "closed" if watched.is_closed else "established" if watched.is_established else "handshake"

    def converse(self, loop: Loop) -> None:
        loop.run(timeout=1.0)
        for side in loop.sides:
            if side.machine.is_established:
                _attempt(side.machine.send, b"data" * 5)
        loop.run(timeout=1.0)
        for side in loop.sides:
            side.machine.close(loop.now)
        loop.run(timeout=2.0)


# --- SCTP and data channels ------------------------------------------------------------------------------------


def spoilt_chunk(message: Any, changes: list[list[Any]]) -> tuple[Any, ...]:
    if isinstance(message, sctp_wire.Packet):
        return (message,)
    whole = sctp_wire.Packet(5000, 5000, 0, chunks=(message,)).serialize()
    return (apply(whole[12:], changes),)


def spoilt_packet(message: Any, changes: list[list[Any]]) -> tuple[Any, ...]:
    """Ports, tags, padding, bundling: everything but the checksum, which is put right again."""
    if not isinstance(message, sctp_wire.Packet):
        return (message,)
    data = apply(message.serialize(), changes)
    return (data if len(data) < 12 else sctp_wire.with_checksum(data[:8] + bytes(4) + data[12:]),)


def spoilt_message(message: Any, changes: list[list[Any]]) -> tuple[bytes]:
    """Of DCEP. SCTP carries no message without a byte."""
    return (apply(message.serialize(), changes) or b"\x00",)


class _Associations(_Machines):
    """Two associations with data channels on them."""

    inner: ClassVar[str | None] = "sctp"

    def build(self, world: str, bent: Bent) -> tuple[Loop, Any]:
        lower, upper = self._bends(bent)
        sides = []
        for name, role in (("bent", "client"), ("watched", "server")):
            config = sctp.Config(remote_max_message_size=262_144, max_mtu=1188, interleaving=world == "interleaving")
            seams, above = (lower, upper) if name == "bent" else ({}, {})
            association = sctp.Association(config, entropy=Entropy(name), **seams)
            sides.append(datachannel.Channels(association, role, **above))
        loop = _pump(sides[0], sides[1], bent)
        for side in sides:
            side.connect(loop.now)
        return loop, sides[1]

    def _bends(self, bent: Bent) -> tuple[dict[str, Any], dict[str, Any]]:
        """Transforms of the association and of the channels above it."""
        raise NotImplementedError

    def state(self, watched: Any) -> str:
        return str(watched.association.state)

    def converse(self, loop: Loop) -> None:
        opened = [
            loop.sides[at % 2].machine.open(f"channel {at}", "p", ordered=at % 2 == 0, now=loop.now) for at in range(3)
        ]
        loop.run(timeout=1.0)
        for at, (identity, content) in enumerate(zip(opened, ("text", b"binary" * 400, ""), strict=True)):
            _attempt(loop.sides[at % 2].machine.send, identity, content, loop.now)
        loop.run(timeout=1.0)
        _attempt(loop.sides[0].machine.close, opened[0], loop.now)
        loop.run(timeout=2.0)
        _attempt(loop.sides[0].machine.shutdown, loop.now)
        loop.run(timeout=1.0)


class Sctp(_Associations):
    """`peer.sctp`: an association from INIT to SHUTDOWN, with resets."""

    name: ClassVar[str] = "sctp"
    seams: ClassVar[tuple[str, ...]] = ("chunk", "packet")
    worlds: ClassVar[tuple[str, ...]] = ("plain", "interleaving")

    def _bends(self, bent: Bent) -> tuple[dict[str, Any], dict[str, Any]]:
        found = bent.at("chunk", spoilt_chunk) | bent.at("packet", spoilt_packet)
        return found, {}


class Dcep(_Associations):
    """`peer.datachannel`: OPEN and ACK."""

    name: ClassVar[str] = "dcep"
    seams: ClassVar[tuple[str, ...]] = ("message",)
    worlds: ClassVar[tuple[str, ...]] = ("plain",)

    def _bends(self, bent: Bent) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, bent.at("message", spoilt_message)
