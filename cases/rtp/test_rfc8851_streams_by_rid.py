"""RFC 8851, 8852 and 8853: the streams of a simulcast sender name their encodings, and those that repair them, too."""

from __future__ import annotations

from typing import Any

from cases.rtp.speaking import OURS, Voice, seen
from harness.capture.match import rtp as match
from harness.capture.matcher import Matcher
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause, connect
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.script import Ref
from harness.script.steps import Track
from peer import sdp
from peer.api import Seams
from peer.rtp.extensions import REPAIRED_RID, RID
from peer.sdp import SessionDescription
from peer.wire import rtcp

RIDS = ("one", "two")


def identity(text: str, uri: str) -> int:
    """The id of a header extension."""
    line = next((line for line in text.split("\r\n") if line.startswith("a=extmap:") and line.endswith(uri)), None)
    check(line is not None, f"the answer has no {uri}")
    return int(str(line).removeprefix("a=extmap:").partition(" ")[0].partition("/")[0])


def repairing(text: str, payload_type: int) -> int:
    """The payload type of the RTX format for another one."""
    line = next(line for line in text.split("\r\n") if line.endswith(f"apt={payload_type}"))
    return int(line.removeprefix("a=fmtp:").partition(" ")[0])


async def simulcast(peer: Reference, endpoint: Endpoint, voice: Voice | None = None) -> Connection:
    """The endpoint offers two encodings, and our answer takes them."""

    def takes(description: SessionDescription) -> str:
        lines = [*(f"a=rid:{rid} recv" for rid in RIDS), f"a=simulcast:recv {';'.join(RIDS)}"]
        return sdp.serialize(description) + "".join(f"{line}\r\n" for line in lines)

    here = await peer.peer_connection(seams=Seams(rtp=voice, sdp=takes))
    there = await endpoint.peer_connection()
    track = endpoint.fresh("track")
    await endpoint.run(Track("video", track, width=640, height=360))
    encodings = [
        {"rid": rid, "scaleResolutionDownBy": scale, "maxBitrate": 150_000}
        for rid, scale in zip(RIDS, (4.0, 2.0), strict=True)
    ]
    await there.addTransceiver(Ref(track), {"direction": "sendonly", "sendEncodings": encodings})
    return await connect(there, here, channel=None)


def named(id: int, rid: str) -> Matcher:
    wanted = match.packet(extension=id, opened=True)
    return wanted.where(lambda packet: packet.element(id) == rid.encode(), f"of rid {rid}")


async def test_sanity_pictures_arrive(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await simulcast(peer, endpoint)
    await seen(wire, match.packet(opened=True), endpoint, 3)


@clause("RFC8851-4-M1", "RFC8851-4-M2")
async def test_each_stream_names_its_encoding(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    made = await simulcast(peer, endpoint)
    id = identity(made.answer, RID)
    found = {(await seen(wire, named(id, rid), endpoint))[0].packet.ssrc for rid in RIDS}
    check(len(found) == len(RIDS), f"the encodings have the SSRCs {found}")


@clause("RFC8851-4-M3", "RFC8851-4-M4")
async def test_a_repair_stream_names_what_it_repairs(peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    voice = Voice()
    made = await simulcast(peer, endpoint, voice)
    rid, repaired = identity(made.answer, RID), identity(made.answer, REPAIRED_RID)
    first = (await seen(wire, named(rid, RIDS[0]), endpoint))[0].packet
    stream = first.ssrc
    media = match.packet(ssrc=stream, payload_type=first.payload_type, opened=True)
    repairs = match.packet(payload_type=repairing(made.answer, first.payload_type), opened=True)
    originals: dict[int, Any] = {}

    def answers() -> list[Any]:
        hits = wire.all(repairs, sender=endpoint)
        return [hit.packet for hit in hits if int.from_bytes(bytes(hit.packet.data[:2]), "big") in originals]

    # A sender keeps a packet for a moment only: its newest one is asked for, until one of them came again.
    count = 4
    while not answers():
        check(len(originals) < 100, "none of a hundred requests was answered")
        newest = (await seen(wire, media, endpoint, count))[-1].packet
        originals[newest.sequence] = newest
        voice.say((rtcp.Nack(OURS, stream, (newest.sequence,)),))
        count = len(wire.all(media, sender=endpoint)) + 1
    answer = answers()[0]
    original = originals[int.from_bytes(bytes(answer.data[:2]), "big")]
    # Names stand in the first packets of a stream at least.
    begun = wire.all(match.packet(ssrc=answer.ssrc), sender=endpoint)[0].packet
    check(begun.element(repaired) == RIDS[0].encode(), f"its repaired rid is {begun.element(repaired)!r}")
    check(bytes(answer.media[2:]) == bytes(original.media), "another payload came again")
