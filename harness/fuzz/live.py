"""The wire targets on a browser: the reference peer opposite is bent at one of its seams, over real sockets.

The mutants are those of `harness.fuzz.wire`: of valid messages, in the state in which they were sent, inside the
protection or on the wire. A browser can't be looked into. The oracle: it neither crashes nor hangs (whatever it was
sent, it still makes a connection and an offer), and what it sends makes the reference peer raise nothing but protocol
errors.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

from hypothesis import strategies as st

from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.endpoints.reference import Reference
from harness.endpoints.stacks import Stacks
from harness.errors import EndpointCrashed, EndpointError, EndpointTimeout, Thrown
from harness.fuzz.edits import apply
from harness.fuzz.target import Example, Played, Problem, Target
from harness.fuzz.wire import (
    Bent,
    Encode,
    changes_of,
    resealed,
    spoilt_chunk,
    spoilt_handshake,
    spoilt_message,
    spoilt_packet,
    spoilt_record,
)
from harness.signaling import Signaling
from peer import dtls
from peer.api import Seams
from peer.ice.agent import Transmission
from peer.trace import Direction, Entry, Secret
from peer.wire.dtls_record import ContentType, Record

__all__ = ["LiveDcep", "LiveDtls", "LiveRtcp", "LiveRtp", "LiveSctp", "LiveStun"]

# A mutant mostly keeps the two from connecting, for good: what a browser repeats after a second is no other message.
_PATIENCE: Final = 0.6
_ALIVE: Final = 10.0
# A record takes 16,384 bytes.
_LONGEST_MUTANT: Final = 15_000
# How long media flows.
_FLOW: Final = 0.8
_ALERT_SIZE: Final = 2

_Where: TypeAlias = tuple[str, Encode]


def _raw(message: Any, changes: list[list[Any]]) -> Iterable[Any]:
    if isinstance(message, Transmission):
        return (replace(message, data=apply(message.data, changes)),)
    return (apply(message.serialize(), changes),)


def _cut_short(encode: Encode) -> Encode:
    """Mutants that fit a DTLS record together with the chunks they may be bundled with: our own peer refuses to send
    others.
    """

    def cut(message: Any, changes: list[list[Any]]) -> Iterable[Any]:
        return tuple(one[:_LONGEST_MUTANT] if isinstance(one, bytes) else one for one in encode(message, changes))

    return cut


class _Live(Target):
    """What they share. `places`: the bent side's seams by the name an example has for them."""

    plays_scripts: ClassVar[bool] = True
    places: ClassVar[Mapping[str, _Where]]
    worlds: ClassVar[tuple[str, ...]] = ("offers", "answers")

    def __init__(self, endpoints: tuple[str, ...]) -> None:
        super().__init__(endpoints)
        if len(endpoints) != 1:
            raise ValueError(f"{self.name} is played on one endpoint")
        self._endpoint = endpoints[0]
        self._runner = asyncio.Runner()
        self._stacks = Stacks()
        self._broken: list[BaseException] = []
        self._remains: Mapping[str, bytes] = {}

    def __exit__(self, *_: object) -> None:
        try:
            self._run(self._stacks.stop())
        finally:
            self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        loop = self._runner.get_loop()
        loop.set_exception_handler(self._noticed)
        return self._runner.run(coroutine)

    def _noticed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException) and not type(error).__module__.startswith("playwright"):
            self._broken.append(error)

    def strategy(self) -> st.SearchStrategy[Example]:
        return st.fixed_dictionaries(
            {
                "world": st.sampled_from(self.worlds),
                "seam": st.sampled_from(list(self.places)),
                "changes": changes_of(most=3),
            }
        )

    def seams(self, example: Example, bent: Bent) -> Seams:
        """The seams of the bent peer: of a world too."""
        seam, encode = self.places[example["seam"]]
        return Seams(**bent.at(example["seam"], encode, seam))

    def play(self, example: Example) -> Played:
        played: Played = self._run(self._play(example))
        return played

    async def _play(self, example: Example, tap: Callable[[str, Endpoint], None] = lambda *_: None) -> Played:
        bent = Bent.of(example)
        self._broken.clear()
        heard: list[str] = []
        problem = None
        browser, reference = await self._stacks.endpoint(self._endpoint), Reference("reference")
        for endpoint in (browser, reference):
            tap(endpoint.name, endpoint)
        try:
            pc = await browser.peer_connection()
            bent.watched = lambda: str(pc.state("connectionState") or "new")
            seams = replace(self.seams(example, bent), trace=_listener(heard))
            end = await self._converse(pc, await reference.peer_connection(seams=seams), example["world"])
            problem = await self._examine(browser, end)
        except EndpointCrashed as error:
            problem = Problem("crash", "EndpointCrashed", endpoint=self._endpoint, message=_said(browser, error))
            end = "crashed"
        finally:
            if problem is not None and problem.is_death:
                self._remains = browser.remains
            await reference.close()
            await browser.close()
        cells = [f"{example['world']}: {cell} x {end}" for cell in bent.cells]
        cells += [f"{example['world']}: alert {alert} x {example['seam']}" for alert in heard]
        return Played.of(cells, problem)

    async def _converse(self, pc: PeerConnection, opposite: PeerConnection, world: str) -> str:
        """Connect, exchange a message, part; the browser's state when that had its time."""
        offerer, answerer = (pc, opposite) if world.endswith("offers") else (opposite, pc)
        with suppress(Thrown, EndpointTimeout):
            await self._exchange(pc, offerer, answerer)
        return str(pc.state("connectionState"))

    async def _exchange(self, pc: PeerConnection, offerer: PeerConnection, answerer: PeerConnection) -> None:
        channel = await offerer.createDataChannel("fuzzed")
        await Signaling(offerer, answerer).negotiate()
        await pc.wait_for(connectionState=("connected", "failed"), timeout=_PATIENCE)
        other = await answerer.datachannel(timeout=_PATIENCE)
        await channel.send("to")
        await other.receive(_PATIENCE)
        await other.send("and fro")
        await channel.receive(_PATIENCE)
        await channel.close()

    async def _examine(self, browser: Endpoint, end: str) -> Problem | None:
        """Whether the browser still lives, and our own peer is whole."""
        try:
            async with asyncio.timeout(_ALIVE):
                await (await browser.peer_connection()).createOffer()
        except (EndpointTimeout, TimeoutError) as error:
            return Problem("hang", "no answer any more", end, endpoint=self._endpoint, message=_said(browser, error))
        except EndpointError as error:
            if isinstance(error, EndpointCrashed):
                raise
            return Problem("state", type(error).__name__, end, endpoint=self._endpoint, message=_said(browser, error))
        except Thrown as thrown:
            return Problem("state", thrown.name, end, endpoint=self._endpoint, message=str(thrown))
        return Problem.of_exception(self._broken[0], end) if self._broken else None

    def files(self, example: Example) -> Mapping[str, str | bytes]:
        """The packets of one more play, with the keys."""
        found: Mapping[str, str | bytes] = self._run(self._recorded(example))
        return found

    async def _recorded(self, example: Example) -> dict[str, str | bytes]:
        # Here and not above: scapy takes a third of a second to import.
        from harness.capture.recording import Capture

        with Capture.open() as capture, capture.record() as recording, tempfile.TemporaryDirectory() as folder:

            def tap(name: str, endpoint: Endpoint) -> None:
                endpoint.on_description = lambda sdp: recording.book.learn_description(name, sdp)
                if isinstance(endpoint, Reference):
                    endpoint.taps.append(recording.sink(name))

            await self._play(example, tap)
            if not recording.frames:
                return {}
            return {path.name: path.read_bytes() for path in recording.save(Path(folder)).values()}

    @property
    def remains(self) -> Mapping[str, bytes]:
        return self._remains

    @property
    def builds(self) -> Mapping[str, str]:
        return self._stacks.builds


def _said(browser: Endpoint, error: BaseException) -> str:
    return "\n".join([str(error) or type(error).__name__, *browser.log[-20:]])


def _listener(heard: list[str]) -> Callable[[Entry | Secret], None]:
    """Keeps the alerts the browser sent."""

    def listen(said: Entry | Secret) -> None:
        if not isinstance(said, Entry) or said.direction is not Direction.RECEIVED:
            return
        record = said.message
        if isinstance(record, Record) and record.type == ContentType.ALERT and len(said.data) == _ALERT_SIZE:
            heard.append(str(said.data[1]))

    return listen


class LiveStun(_Live):
    """Connectivity checks."""

    name: ClassVar[str] = "stun"
    places: ClassVar[Mapping[str, _Where]] = {"sealed": ("stun", resealed), "datagram": ("stun", _raw)}


class LiveDtls(_Live):
    """Handshakes of both versions and in both roles, records and their datagrams. Who answers is DTLS client."""

    name: ClassVar[str] = "dtls"
    places: ClassVar[Mapping[str, _Where]] = {
        "handshake": ("dtls_handshake", spoilt_handshake),
        "record": ("dtls_record", spoilt_record),
        "datagram": ("datagram", _raw),
    }
    worlds: ClassVar[tuple[str, ...]] = ("1.2 offers", "1.2 answers", "1.3 offers", "1.3 answers")

    def seams(self, example: Example, bent: Bent) -> Seams:
        version = dtls.Version.DTLS12 if example["world"].startswith("1.2") else dtls.Version.DTLS13
        return replace(super().seams(example, bent), dtls={"versions": (version,)})


class LiveSctp(_Live):
    """An association with a channel."""

    name: ClassVar[str] = "sctp"
    places: ClassVar[Mapping[str, _Where]] = {
        "chunk": ("sctp", _cut_short(spoilt_chunk)),
        "packet": ("sctp", _cut_short(spoilt_packet)),
    }


class LiveDcep(_Live):
    """OPEN and ACK."""

    name: ClassVar[str] = "dcep"
    places: ClassVar[Mapping[str, _Where]] = {"message": ("dcep", spoilt_message)}


def _joined(message: Any, changes: list[list[Any]]) -> tuple[bytes]:
    """An RTP packet, or a datagram of RTCP packets, spoilt before it is protected."""
    packets = message if isinstance(message, tuple) else (message,)
    return (apply(b"".join(packet.serialize() for packet in packets), changes),)


class _LiveMedia(_Live):
    """Sound and pictures both ways. `compound`: whether the datagrams of RTCP are bent, or packets of RTP."""

    places: ClassVar[Mapping[str, _Where]] = {"packet": ("rtp", _joined)}
    compound: ClassVar[bool]

    def seams(self, example: Example, bent: Bent) -> Seams:
        seams = super().seams(example, bent)
        bend = seams.rtp

        def transform(message: Any) -> Iterable[Any]:
            ours = isinstance(message, tuple) is self.compound
            return bend(message) if ours and bend is not None else (message,)

        return replace(seams, rtp=transform)

    async def _exchange(self, pc: PeerConnection, offerer: PeerConnection, answerer: PeerConnection) -> None:
        for side in (offerer, answerer):
            await side.addTrack("audio")
            await side.addTrack("video")
        await Signaling(offerer, answerer).negotiate()
        await pc.wait_for(connectionState=("connected", "failed"), timeout=2 * _PATIENCE)
        await asyncio.sleep(_FLOW)


class LiveRtp(_LiveMedia):
    """RTP packets, inside SRTP."""

    name: ClassVar[str] = "rtp"
    compound: ClassVar[bool] = False


class LiveRtcp(_LiveMedia):
    """RTCP packets, inside SRTCP."""

    name: ClassVar[str] = "rtcp"
    compound: ClassVar[bool] = True
