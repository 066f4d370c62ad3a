"""Simulcast: three encodings of one track, told apart by their rids (RFC 8853, webrtc-pc section 5.4.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from peer import sdp
from peer.api import MediaStreamTrack, RTCPeerConnection, Seams
from peer.media import sources
from peer.tests.api.connecting import held, negotiate, trickle
from peer.tests.media.flowing import Arrivals
from peer.tests.media.wiretap import Wiretap

RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
ENCODINGS = [
    {"rid": "q", "scaleResolutionDownBy": 4.0, "maxBitrate": 60_000},
    {"rid": "h", "scaleResolutionDownBy": 2.0, "maxBitrate": 80_000},
    {"rid": "f", "scaleResolutionDownBy": 1.0, "maxBitrate": 100_000},
]


def taking_all(description: sdp.SessionDescription) -> sdp.SessionDescription:
    """An answer that takes what an offer with three encodings offers: no JSEP endpoint says that (RFC 9429, 3.7)."""
    lines = [*(f"a=rid:{row['rid']} recv" for row in ENCODINGS), "a=simulcast:recv q;h;f"]
    return replace(
        description, media=tuple(replace(media, lines=(*media.lines, *lines)) for media in description.media)
    )


@asynccontextmanager
async def simulcast() -> AsyncIterator[tuple[RTCPeerConnection, RTCPeerConnection, Wiretap, Arrivals]]:
    tap = Wiretap()
    one = RTCPeerConnection(seams=tap.seams)
    other = RTCPeerConnection(seams=Seams(sdp=taking_all))
    trickle(one, other)
    try:
        track = MediaStreamTrack("video", source=sources.TestPattern(320, 240, 30))
        one.addTransceiver(track, {"direction": "sendonly", "sendEncodings": ENCODINGS})
        arrivals: list[Arrivals] = []
        other.addEventListener("track", lambda event: arrivals.append(Arrivals(event.track)))
        await negotiate(one, other)
        yield one, other, tap, arrivals[0]
    finally:
        one.close()
        other.close()


async def sizes(pc: RTCPeerConnection, kind: str) -> dict[str, tuple[int, int]]:
    rows = (await pc.getStats()).of_type(kind)
    return {row.get("rid", ""): (row["frameWidth"], row["frameHeight"]) for row in rows if "frameWidth" in row}


async def until_sent(one: RTCPeerConnection, arrivals: Arrivals, count: int) -> dict[str, tuple[int, int]]:
    while len(found := await sizes(one, "outbound-rtp")) < count:
        await arrivals.count(1)
    return found


async def test_three_sizes_are_sent_under_three_rids() -> None:
    async with simulcast() as (one, other, tap, arrivals):
        assert await until_sent(one, arrivals, 3) == {"q": (80, 60), "h": (160, 120), "f": (320, 240)}
        await arrivals.count(5)
        (stack,) = one._core.transports.values()
        assert stack.session is not None
        (sender,) = held(stack.session.media).senders
        identifier = sender.config.extensions[RID]

        def named() -> set[tuple[bytes, int]]:
            return {(name, packet.ssrc) for _, packet in tap.sent if (name := packet.extension(identifier))}

        async with asyncio.timeout(10):  # a frame counts as sent while its packets still wait for the pacer
            while {rid for rid, _ in named()} != {b"q", b"h", b"f"}:
                await arrivals.count(1)
        assert len({ssrc for _, ssrc in named()}) == 3
        rows = (await one.getStats()).of_type("outbound-rtp")
        assert [row["encodingIndex"] for row in rows] == [0, 1, 2]
        assert None not in arrivals.counters()
        assert {frame.width for frame in arrivals.frames[-3:]} <= {80, 160, 320}
        assert len((await other.getStats()).of_type("inbound-rtp")) == 3


async def test_one_encoding_is_switched_off_and_on() -> None:
    async with simulcast() as (one, _, tap, arrivals):
        await until_sent(one, arrivals, 3)
        (sender,) = one.getSenders()
        ssrcs = {row["rid"]: row["ssrc"] for row in (await one.getStats()).of_type("outbound-rtp")}

        async def switch(rid: str, *, active: bool) -> None:
            parameters = sender.getParameters()
            for encoding in parameters.encodings:
                if encoding["rid"] == rid:
                    encoding["active"] = active
            await sender.setParameters(parameters)

        def sent(rid: str) -> int:
            return sum(packet.ssrc == ssrcs[rid] for _, packet in tap.sent)

        await switch("f", active=False)
        await arrivals.count(2)
        before = sent("f"), sent("h")
        await arrivals.count(5)
        assert sent("f") == before[0]
        assert sent("h") > before[1]
        await switch("f", active=True)
        async with asyncio.timeout(10):
            while sent("f") == before[0]:
                await arrivals.count(1)


async def test_without_simulcast_in_the_answer_the_first_encoding_goes_alone() -> None:
    """W3C "set a session description", step 11.2.8."""
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    try:
        track = MediaStreamTrack("video", source=sources.TestPattern(320, 240, 30))
        sender = one.addTransceiver(track, {"sendEncodings": ENCODINGS}).sender
        arrivals: list[Arrivals] = []
        other.addEventListener("track", lambda event: arrivals.append(Arrivals(event.track)))
        await negotiate(one, other)
        assert [encoding["rid"] for encoding in sender.getParameters().encodings] == ["q"]
        await arrivals[0].count(2)
        assert arrivals[0].frames[0].width == 80
    finally:
        one.close()
        other.close()
