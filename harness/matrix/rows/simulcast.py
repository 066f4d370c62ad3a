"""Three layers of one track, each seen at the size it was asked for.

No browser receives simulcast, a selective forwarder does. Its part is played in the descriptions alone: the receiver
is told of three m-sections whose mids are the sender's rids, so that the stream ids that the sender writes into its
packets (RFC 8852) are mids to the receiver (RFC 9143 section 9.2). The packets go straight from one to the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

from harness.endpoints.proxies import PeerConnection
from harness.matrix.meeting import PATIENCE, Meeting
from harness.matrix.row import Row, Stage
from harness.matrix.rows.media import common_lines, judge_picture, misreading
from harness.script.steps import Track
from harness.script.values import Ref
from harness.signaling import Rewrite, SaidKind

__all__ = ["ROW", "gathered", "spread"]

#: rid -> by how much its pictures are smaller, lowest first.
LAYERS: Final = {"q": 4, "h": 2, "f": 1}
#: Chromium sends three layers of pictures this large, fewer of smaller ones.
SIZE: Final = (960, 544)
_MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
_RID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
_REPAIRED: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
_DROPPED: Final = ("a=rid:", "a=simulcast:", "a=ssrc:", "a=ssrc-group:", "a=mid:", "a=msid:")


def _sections(sdp: str) -> list[list[str]]:
    """The lines of the session, then those of each m-section."""
    lines = sdp.replace("\r\n", "\n").strip("\n").split("\n")
    starts = [0, *(number for number, line in enumerate(lines) if line.startswith("m=")), len(lines)]
    return [lines[start:end] for start, end in pairwise(starts)]


def _joined(sections: Iterable[Sequence[str]]) -> str:
    return "".join(f"{line}\r\n" for section in sections for line in section)


def _mid(section: Sequence[str]) -> str:
    return next((line.removeprefix("a=mid:") for line in section if line.startswith("a=mid:")), "")


def _is_sender(section: Sequence[str]) -> bool:
    return any(line.startswith("a=simulcast:") for line in section)


def _without_rtx(section: Sequence[str]) -> list[str]:
    """Repairs would come with repaired stream ids, which have no counterpart among the receiver's extensions."""
    rtx = {found[1] for line in section if (found := re.match(r"a=rtpmap:(\d+) rtx/", line))}
    first, *rest = section
    formats = " ".join(word for number, word in enumerate(first.split(" ")) if number < 3 or word not in rtx)
    about = re.compile(r"a=(?:rtpmap|fmtp|rtcp-fb):(\d+)\b")
    return [formats, *(line for line in rest if not ((found := about.match(line)) and found[1] in rtx))]


def spread(sdp: str, rids: Sequence[str]) -> str:
    """The sender's offer as the receiver gets it: the section that offers simulcast becomes one for each rid."""
    session, *sections = _sections(sdp)
    mid = next(_mid(section) for section in sections if _is_sender(section))
    out = [[_bundled(line, {mid: " ".join(rids)}) for line in session]]
    for section in sections:
        if not _is_sender(section):
            out.append(section)
            continue
        kept = [line for line in _without_rtx(section) if not line.startswith(_DROPPED)]
        kept = [line.replace(_RID, _MID) for line in kept if not line.endswith((f" {_MID}", f" {_REPAIRED}"))]
        out += [[*kept, f"a=mid:{rid}", f"a=msid:{rid} {rid}"] for rid in rids]
    return _joined(out)


def gathered(sdp: str, offer: str, rids: Sequence[str]) -> str:
    """The receiver's answer as the sender gets it: the sections of the rids become one that receives simulcast."""
    mid = next(_mid(section) for section in _sections(offer)[1:] if _is_sender(section))
    session, *sections = _sections(sdp)
    replaced = {rids[0]: mid} | dict.fromkeys(rids[1:], "")
    out = [[_bundled(line, replaced) for line in session]]
    for section in sections:
        if _mid(section) in rids[1:]:
            continue
        if _mid(section) == rids[0]:
            kept = [line.replace(_MID, _RID) for line in section if not line.startswith(_DROPPED)]
            receives = [f"a=mid:{mid}", *(f"a=rid:{rid} recv" for rid in rids), f"a=simulcast:recv {';'.join(rids)}"]
            section = [*kept, *receives]
        out.append(section)
    return _joined(out)


def _bundled(line: str, replaced: dict[str, str]) -> str:
    if not line.startswith("a=group:BUNDLE"):
        return line
    return " ".join(word for word in (replaced.get(word, word) for word in line.split(" ")) if word)


def _forwarder(rids: Sequence[str]) -> Rewrite:
    """Offer and answer, rewritten on their way."""
    offers: list[str] = []

    def rewrite(kind: SaidKind, sdp: str) -> str:
        if kind is SaidKind.OFFER:
            offers.append(sdp)
            return spread(sdp, rids)
        return gathered(sdp, offers[-1], rids)

    return rewrite


async def play(stage: Stage) -> None:
    rids = list(LAYERS)
    meeting = await Meeting.arranged(stage, rewrite=_forwarder(rids))
    offerer = meeting.offerer
    ((line, preferences), *_) = await common_lines(meeting, "video")
    track = offerer.endpoint.fresh("track")
    await offerer.endpoint.run(Track("video", track, width=SIZE[0], height=SIZE[1], frame_rate=15))
    encodings = [{"rid": rid, "scaleResolutionDownBy": scale} for rid, scale in LAYERS.items()]
    transceiver = await offerer.addTransceiver(Ref(track), {"direction": "sendonly", "sendEncodings": encodings})
    await transceiver.call("setCodecPreferences", preferences)
    await meeting.connect()
    stage.announce("watching")
    facts: dict[str, Any] = {}
    stage.scene.facts["simulcast"] = facts
    colours = misreading(offerer.endpoint.stack, meeting.answerer.endpoint.stack, line.mime_type)
    await _judge_layers(stage, meeting.answerer, colours, facts)
    await meeting.look()
    await meeting.part()
    meeting.judge_packets()


async def _judge_layers(stage: Stage, pc: PeerConnection, colours: str, facts: dict[str, Any]) -> None:
    from harness.endpoints.watching import watch

    watchers = [(rid, await watch(await pc.track(timeout=PATIENCE))) for rid in LAYERS]
    for rid, watching in watchers:
        scale = LAYERS[rid]
        where = f"layer {rid} at {pc.endpoint.name}"
        facts[rid] = await judge_picture(
            stage,
            watching,
            where,
            f"video-{rid}",
            colours=colours,
            of=SIZE,
            size=(SIZE[0] // scale, SIZE[1] // scale),
        )


ROW: Final = Row(
    "simulcast",
    "three layers of one track, each seen at its size, the forwarder's part played in the descriptions",
    play,
    as_case=False,
)
