"""Media between the reference peer and an endpoint, and a seam through which a case says RTP and RTCP of its own.

    voice = Voice()
    made = await speak(peer, endpoint, "video", voice)
    heard = await made.heard(wire)                   # the endpoint's packets, opened, in order
    voice.say((rtcp.Nack(1, heard[0].ssrc, (heard[0].sequence,)),))
    await wire.wait_for(rtx(...), sender=endpoint)

What `say` is given rides right behind the next packet of ours, so it is protected and sent as ours are. Formats are VP8
with RTX, or Opus: what every endpoint has, and whose payloads a case can read.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from harness.capture.match import rtp as match
from harness.capture.matcher import Matcher
from harness.capture.wire import Hit, Wire
from harness.cases import Connection, check, connect
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection, Proxy
from harness.endpoints.reference import Reference
from harness.script import Ref
from harness.script.steps import Track
from peer import sdp
from peer.api import Seams
from peer.sdp import SessionDescription
from peer.wire import rtcp, rtp

__all__ = [
    "OPUS",
    "OURS",
    "RTX",
    "VP8",
    "Speech",
    "Voice",
    "answers",
    "asked",
    "first_ssrc",
    "forward",
    "found",
    "ignored",
    "is_key_frame",
    "is_vp8",
    "missed",
    "nack",
    "obeyed",
    "refused",
    "repeated",
    "rtx_of",
    "seen",
    "speak",
    "taken",
    "until",
]

PATIENCE = 10.0
"""Seconds until what a case waits for is given up."""
OURS = 0x0BADCAFE
"""The SSRC that our feedback is from."""

Message: TypeAlias = rtp.Packet | tuple[rtcp.Packet, ...] | bytes
Bend: TypeAlias = Callable[[rtp.Packet], Iterable[Message]]

VP8 = {"mimeType": "video/VP8", "clockRate": 90000}
RTX = {"mimeType": "video/rtx", "clockRate": 90000}
OPUS = {"mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "sdpFmtpLine": "minptime=10;useinbandfec=1"}
FORMATS = {"audio": [OPUS], "video": [VP8, RTX]}


class Voice:
    """A transform for `Seams(rtp=...)`: what we say besides, and what becomes of what we send."""

    def __init__(self) -> None:
        self.sent: list[rtp.Packet] = []
        self.bent: rtp.Packet | None = None
        self._extra: deque[Message] = deque()
        self._bend: Bend | None = None
        self._retell: Callable[[tuple[rtcp.Packet, ...]], Message] | None = None

    def __call__(self, message: Any) -> Iterable[Any]:
        out: list[Message] = [message]
        if isinstance(message, rtp.Packet):
            self.sent.append(message)
            out = list(self._bend(message)) if self._bend is not None else out
        elif isinstance(message, tuple) and self._retell is not None:
            out = [self._retell(message)]
        while self._extra:
            out.append(self._extra.popleft())
        return out

    async def has_sent(self, count: int) -> None:
        """Wait until this many of our RTP packets have left."""
        await until(lambda: len(self.sent) >= count, f"we sent fewer than {count} packets")

    async def was_bent(self) -> None:
        """Wait until `once` had its packet."""
        await until(lambda: self.bent is not None, "no packet of ours fitted")

    def say(self, *messages: Message) -> None:
        """These go right behind our next packet."""
        self._extra.extend(messages)

    def bend(self, bend: Bend | None) -> None:
        """From now on our RTP packets go through `bend`."""
        self._bend = bend

    def retell(self, change: Callable[[tuple[rtcp.Packet, ...]], Message]) -> None:
        """From now on our side's own RTCP is what `change` makes of it."""
        self._retell = change

    def once(self, bend: Bend, *, fits: Callable[[rtp.Packet], bool] = bool) -> None:
        """The next packet that fits goes through `bend`; it is in `bent` then."""
        self.bent = None

        def first(packet: rtp.Packet) -> Iterable[Message]:
            if not fits(packet):
                return (packet,)
            self.bend(None)
            self.bent = packet
            return bend(packet)

        self.bend(first)


@dataclass(slots=True)
class Speech:
    """A connection with one stream each way. `here` is the reference peer's side."""

    connection: Connection
    here: PeerConnection
    there: PeerConnection
    sender: Proxy
    """The endpoint's RTCRtpSender."""
    endpoint: Endpoint
    kind: str
    payload_types: dict[str, int]
    """Of the formats by name ("vp8", "rtx"), as our side receives them."""

    async def transceiver(self) -> Proxy:
        """The endpoint's only one."""
        every = self.endpoint.fresh("transceivers")
        await self.there.call("getTransceivers", bind=every)
        return Proxy(self.endpoint, f"{every}.0")

    async def counted(self, stats_type: str, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The endpoint's statistics of this type about our kind of media, as soon as `holds` does, or at the end of
        our patience.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            every = (await self.there.getStats()).values()
            rows = [row for row in every if row["type"] == stats_type and row.get("kind") == self.kind]
            if rows and (holds(rows[0]) or time.monotonic() > deadline):
                return rows[0]
            check(time.monotonic() <= deadline, f"there is no {stats_type}")
            await asyncio.sleep(0.02)

    async def heard(self, wire: Wire, count: int = 1, *, name: str | None = None, after: Any = None) -> list[Hit]:
        """The endpoint's packets of the stream itself, once there are `count` of them."""
        name = name or ("vp8" if self.kind == "video" else "opus")
        wanted = match.packet(payload_type=self.payload_types[name], opened=True)
        return await seen(wire, wanted, self.endpoint, count, after)


async def until(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait until something on our side holds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if holds():
            return
        await asyncio.sleep(0.005)
    check(False, otherwise)


async def seen(
    wire: Wire, matcher: Matcher, sender: Endpoint, count: int = 1, after: Any = None, *, patience: float | None = None
) -> list[Hit]:
    """The first messages that match, once there are `count` of them; judged when they don't come in time."""
    hits = await found(wire, matcher, sender, count, after, patience=patience)
    check(len(hits) >= count, f"expected {count} of {matcher}, saw {len(hits)}")
    return hits


async def found(
    wire: Wire, matcher: Matcher, sender: Endpoint, count: int = 1, after: Any = None, *, patience: float | None = None
) -> list[Hit]:
    """The same without a judgement: fewer when they don't come in time."""
    deadline = time.monotonic() + min(PATIENCE, patience or PATIENCE)
    hits = wire.all(matcher, sender=sender, after=after)
    while len(hits) < count and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
        hits = wire.all(matcher, sender=sender, after=after)
    return hits


async def speak(
    peer: Reference,
    endpoint: Endpoint,
    kind: str = "video",
    voice: Voice | None = None,
    *,
    seams: Seams | None = None,
    formats: list[dict[str, Any]] | None = None,
    channel: str | None = None,
    drop: tuple[str, ...] = (),
    wide: bool = False,
    **options: Any,
) -> Speech:
    """We offer one m-section in which both sides send, in `formats` alone, without the lines that begin with `drop`.
    `options` are those of the step `Track` for what the endpoint sends.

    There is no transport-wide feedback unless it is `wide`: who hears that a packet arrived won't send it again.
    """

    def offer(description: SessionDescription) -> str:
        lines = [line for line in sdp.serialize(description).split("\r\n") if not (drop and line.startswith(drop))]
        kept = (line for line in lines if wide or not ("transport-cc" in line or "transport-wide-cc" in line))
        return "\r\n".join(kept)

    seams = replace(seams or Seams(), rtp=voice, sdp=offer)
    here = await peer.peer_connection(seams=seams)
    there = await endpoint.peer_connection()
    track = peer.fresh("track")
    await peer.run(Track(kind, track))
    transceiver = await here.addTransceiver(Ref(track))
    await transceiver.call("setCodecPreferences", formats or FORMATS[kind])
    sender = await there.addTrack(kind, **options)
    made = await connect(here, there, channel=channel)
    return Speech(made, here, there, sender, endpoint, kind, payload_types(made.offer))


def payload_types(text: str) -> dict[str, int]:
    """Payload types by encoding name in lower case, of the first m-section that has them."""
    found: dict[str, int] = {}
    for line in text.split("\r\n"):
        if line.startswith("a=rtpmap:"):
            number, _, name = line.removeprefix("a=rtpmap:").partition(" ")
            found.setdefault(name.partition("/")[0].lower(), int(number))
    return found


def is_key_frame(payload: bytes) -> bool:
    """Whether a VP8 payload begins a key frame: RFC 7741 sections 4.2 and 4.3 (S bit, partition 0, P bit clear)."""
    if len(payload) < 2 or not payload[0] & 0x10 or payload[0] & 0x07:
        return False
    at = 1
    if payload[0] & 0x80:
        extension, at = payload[1], 2
        if extension & 0x80:
            at += 2 if len(payload) > at and payload[at] & 0x80 else 1
        at += bool(extension & 0x40) + bool(extension & 0x30)
    return len(payload) > at and not payload[at] & 1


def forward(step: int, size: int) -> Callable[[int], int]:
    """Goes on by so much, in numbers of `size` bits."""
    return lambda number: (number + step) & ((1 << size) - 1)


def is_vp8(speech: Speech) -> Callable[[rtp.Packet], bool]:
    """Whether a packet of ours is of the stream itself."""
    return lambda packet: packet.payload_type == speech.payload_types["vp8"]


async def missed(speech: Speech, voice: Voice, wire: Wire, number: int, after: Any = None) -> Hit:
    """The endpoint's request for a packet of ours that it did not take, or never got."""
    wanted = match.nack(media=first_ssrc(voice, speech), lost=number)
    return (await seen(wire, wanted, speech.endpoint, after=after))[0]


def first_ssrc(voice: Voice, speech: Speech) -> int:
    """The SSRC of our stream itself."""
    return next(packet.ssrc for packet in voice.sent if packet.payload_type == speech.payload_types["vp8"])


async def refused(peer: Reference, endpoint: Endpoint, wire: Wire, bend: Bend) -> None:
    """A packet of ours, spoilt by `bend`, is not taken: the endpoint asks for the one it should have been."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice)
    await voice.has_sent(5)
    voice.once(bend, fits=is_vp8(speech))
    await voice.was_bent()
    assert voice.bent is not None
    await missed(speech, voice, wire, voice.bent.sequence_number)


async def taken(peer: Reference, endpoint: Endpoint, wire: Wire, bend: Bend, **options: Any) -> Speech:
    """Packets of ours, changed by `bend`, are taken: of two that follow each other the endpoint misses the lost one."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice, **options)
    await voice.has_sent(5)
    vp8 = speech.payload_types["vp8"]
    changed: list[int] = []
    lost: list[int] = []

    def three(packet: rtp.Packet) -> Iterable[Message]:
        if packet.payload_type != vp8 or lost:
            return (packet,)
        if len(changed) == 3:
            lost.append(packet.sequence_number)
            return ()
        changed.append(packet.sequence_number)
        return bend(packet)

    voice.bend(three)
    await until(lambda: bool(lost), "we sent too few packets")
    ssrc = first_ssrc(voice, speech)
    await seen(wire, match.nack(media=ssrc, lost=lost[0]), endpoint)
    asked = {number for hit in wire.all(match.nack(media=ssrc), sender=endpoint) for number in hit.packet.lost}
    check(not asked & set(changed), f"it asks for {sorted(asked & set(changed))}, which it was given")
    return speech


async def answers(speech: Speech, wire: Wire, number: int) -> list[Hit]:
    """RTX packets whose payload begins with this sequence number."""
    return await seen(wire, rtx_of(speech, number), speech.endpoint)


def rtx_of(speech: Speech, number: int) -> Matcher:
    wanted = match.packet(payload_type=speech.payload_types["rtx"], opened=True)
    return wanted.where(lambda packet: bytes(packet.data[:2]) == number.to_bytes(2, "big"), f"for packet {number}")


async def asked(
    speech: Speech,
    voice: Voice,
    wire: Wire,
    count: int,
    make: Callable[[list[Hit]], Iterable[Message]],
    *,
    answered: int | None = None,
) -> list[tuple[Hit, Hit]]:
    """We ask for the endpoint's newest packets, and for newer ones, until the last `answered` (or all) of one request
    came again: those, each with its answer.

    A sender keeps a packet for about a second: what a busy machine asks for later is gone. `make` says what we say of
    `count` packets, none of which it gets twice.
    """
    deadline = time.monotonic() + PATIENCE
    # The first packets of all may come again without being asked for, to probe the network.
    newest = (await speech.heard(wire, count + 8))[-count:]
    requests: list[list[Hit]] = []
    while time.monotonic() < deadline:
        if not requests or newest[0].position > requests[-1][-1].position:
            requests.append(newest)
            voice.say(*make(newest))
        again = repeated(speech, wire)
        for request in requests:
            wanted = request[-(answered or count) :]
            if all(hit.packet.sequence in again for hit in wanted):
                return [(hit, again[hit.packet.sequence]) for hit in wanted]
        await asyncio.sleep(0.01)
        newest = (await speech.heard(wire))[-count:]
    check(False, f"none of {len(requests)} requests for its newest packets was answered")
    return []


def repeated(speech: Speech, wire: Wire) -> dict[int, Hit]:
    """The endpoint's RTX packets by the sequence number of the original."""
    hits = wire.all(match.packet(payload_type=speech.payload_types["rtx"], opened=True), sender=speech.endpoint)
    return {int.from_bytes(bytes(hit.packet.data[:2]), "big"): hit for hit in reversed(hits)}


def nack(*hits: Hit) -> rtcp.Nack:
    """Our request for these packets of one stream."""
    return rtcp.Nack(OURS, hits[0].packet.ssrc, tuple(hit.packet.sequence for hit in hits))


async def obeyed(
    peer: Reference,
    endpoint: Endpoint,
    wire: Wire,
    make: Callable[[rtcp.Nack], Message],
    **options: Any,
) -> None:
    """RTCP made around a request for one of the endpoint's packets is understood: the packet comes again."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice, **options)
    await asked(speech, voice, wire, 1, lambda hits: (make(nack(*hits)),))


async def ignored(
    peer: Reference,
    endpoint: Endpoint,
    wire: Wire,
    make: Callable[[rtcp.Nack], Iterable[Message]],
    **options: Any,
) -> None:
    """RTCP made around a request is not obeyed; the plain request for another packet behind it is."""
    voice = Voice()
    speech = await speak(peer, endpoint, "video", voice, **options)
    passed_over: list[int] = []

    def both(hits: list[Hit]) -> Iterable[Message]:
        passed_over.append(hits[0].packet.sequence)
        return *make(nack(hits[0])), (nack(hits[1]),)

    await asked(speech, voice, wire, 2, both, answered=1)
    for number in passed_over:
        wire.never(rtx_of(speech, number), sender=endpoint)
