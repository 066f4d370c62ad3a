"""Media from an endpoint to the reference peer, which looks at pictures, sound and packets; and back.

flow = await flowing(peer, endpoint, "video")
await flow.seen(3)                     # pictures, decoded
flow.packets()                         # what came, as the peer's RTP machine took it
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from harness.cases import Connection, check, connect
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection, Proxy
from harness.endpoints.reference import Reference
from harness.script import Ref
from harness.script.steps import New, Track
from peer.api import MediaStreamTrack, RTCPeerConnection, Seams
from peer.trace import Direction, Entry, Layer
from peer.wire import rtcp, rtp

__all__ = ["Ear", "Flow", "flowing", "until"]

PATIENCE, TURN = 8.0, 0.005


class Ear:
    """A trace that keeps the RTP and RTCP a peer took."""

    def __init__(self) -> None:
        self.packets: list[rtp.Packet] = []
        self.control: list[rtcp.Packet] = []

    def __call__(self, entry: Any) -> None:
        if not isinstance(entry, Entry) or entry.direction is not Direction.RECEIVED or entry.message is None:
            return
        if entry.layer is Layer.RTP:
            self.packets.append(entry.message)
        elif entry.layer is Layer.RTCP:
            self.control += entry.message


async def until(holds: Callable[[], Any], otherwise: str) -> Any:
    """Wait until something on our side holds; what it gave."""
    found = holds()
    for _ in range(round(PATIENCE / TURN)):
        if found:
            break
        await asyncio.sleep(TURN)
        found = holds()
    check(bool(found), otherwise)
    return found


@dataclass(slots=True)
class Flow:
    """A connection in which the endpoint sends. `here` is the reference peer's side, `there` the endpoint's."""

    here: PeerConnection
    there: PeerConnection
    native: RTCPeerConnection
    ear: Ear
    senders: dict[str, Proxy]
    connection: Connection | None = None
    frames: dict[str, list[Any]] = field(default_factory=dict)

    def arrived(self, event: Any) -> None:
        """A track came: keep its frames."""
        track: MediaStreamTrack = event.track
        kept = self.frames.setdefault(track.kind, [])
        track.source.subscribe(kept.append)

    async def seen(self, count: int = 1, kind: str = "video") -> list[Any]:
        """The frames that came, once there are `count` more of them."""
        wanted = len(self.frames.get(kind, ())) + count
        await until(lambda: len(self.frames.get(kind, ())) >= wanted, f"no {count} frames of {kind} came")
        return self.frames[kind]

    def packets(self, name: str) -> list[rtp.Packet]:
        """What came in the format of this name ("opus", "vp8")."""
        types = self.payload_types(name)
        return [packet for packet in self.ear.packets if packet.payload_type in types]

    def payload_types(self, name: str) -> set[int]:
        """The payload types we receive a format under."""
        return {
            entry.payload_type
            for transceiver in self.native.getTransceivers()
            for entry in transceiver._slots.receive.codecs
            if entry.codec.name.lower() == name
        }

    async def stats(self, side: PeerConnection, stats_type: str, kind: str = "") -> list[dict[str, Any]]:
        """The dictionaries of one type and kind at one side."""
        rows = (await side.getStats()).values()
        return [row for row in rows if row["type"] == stats_type and kind in ("", row.get("kind"))]

    async def until_stats(self, side: PeerConnection, stats_type: str, kind: str, *members: str) -> dict[str, Any]:
        """The first such dictionary with all these members; judged when it doesn't come."""
        deadline, rows = asyncio.get_running_loop().time() + PATIENCE, list[dict[str, Any]]()
        while asyncio.get_running_loop().time() < deadline:
            rows = await self.stats(side, stats_type, kind)
            whole = [row for row in rows if set(members) <= set(row)]
            if whole:
                return whole[0]
            await asyncio.sleep(0.02)
        missing = [sorted(set(members) - set(row)) for row in rows]
        check(False, f"{stats_type} of {kind or 'anything'} lacks {missing}" if rows else f"there is no {stats_type}")
        raise AssertionError


async def flowing(
    peer: Reference,
    endpoint: Endpoint,
    *kinds: str,
    back: bool = False,
    together: bool = False,
    seams: Seams | None = None,
    encodings: list[dict[str, Any]] | None = None,
    **track: Any,
) -> Flow:
    """The endpoint sends a track of each kind, all of one stream if they belong `together`; with `back`, so do we.
    `track` are options of the step `Track`.
    """
    ear = Ear()
    here = await peer.peer_connection(seams=replace(seams or Seams(), trace=ear))
    there = await endpoint.peer_connection()
    flow = Flow(here, there, peer.native(here), ear, {})
    flow.native.addEventListener("track", flow.arrived)
    stream = None
    if together:
        stream = Proxy(endpoint, endpoint.fresh("stream"))
        await endpoint.run(New("MediaStream", bind=stream.handle))
    for kind in kinds:
        if encodings is None:
            flow.senders[kind] = await there.addTrack(kind, stream=stream, **track)
        else:
            bound = endpoint.fresh("track")
            await endpoint.run(Track(kind, bound, **track))
            transceiver = await there.addTransceiver(Ref(bound), {"direction": "sendonly", "sendEncodings": encodings})
            flow.senders[kind] = await transceiver.follow("sender")
        if back:
            await here.addTrack(kind)
    flow.connection = await connect(there, here, channel=None)
    return flow
