"""Sound and pictures both ways, in every codec that both endpoints have: an m-section a codec, all at once. What one of
them lacks is a fact of the cell: `unsupported`, and by whom.

What arrives is measured, not counted: a tone has its frequency within 1 Hz, a picture is more than 30 dB like the one
that its counter stands for, and the counter goes on. Frozen or black video is a failure. Colours are as drawn, but
between two browsers that don't agree on them, which is a fact of their cells (`misreading`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection
from harness.errors import EndpointTimeout
from harness.matrix.meeting import PATIENCE, Meeting
from harness.matrix.row import Row, Stage
from harness.script.steps import Call, Track
from harness.script.values import Ref
from harness.verdict import check

if TYPE_CHECKING:
    from harness.endpoints.watching import Heard, Seen, Watching

__all__ = ["ROWS", "Line", "judge_picture", "judge_sound", "misreading"]

#: Hertz a tone may be off; decibels a picture must have; seconds between two pictures.
TOLERANCE: Final = 1.0
LEAST_QUALITY: Final = 30.0
LONGEST_GAP: Final = 1.0
#: Bits per second a video sender may use.
BIT_RATE: Final = 1_000_000
# Seconds until what arrives has to be good: encoders begin low.
_WARM_UP: Final = 8.0
_FRAMES: Final = 10
VIDEO: Final[dict[str, Any]] = {"width": 320, "height": 240, "frame_rate": 20}


@dataclass(frozen=True, slots=True)
class Line:
    """One m-section: its codec, and the tones (Hz) of the offerer and of the answerer."""

    name: str
    kind: str
    mime_type: str
    fmtp: str = ""
    tones: tuple[float, float] = (0.0, 0.0)

    def matches(self, codec: Mapping[str, Any]) -> bool:
        fmtp = str(codec.get("sdpFmtpLine") or "")
        return str(codec["mimeType"]).lower() == self.mime_type.lower() and all(
            part in fmtp for part in self.fmtp.split(";") if part
        )


_BASELINE: Final = "profile-level-id=42e01f"
LINES: Final = {
    "audio": (
        Line("Opus", "audio", "audio/opus", tones=(523.0, 587.0)),
        Line("G722", "audio", "audio/G722", tones=(659.0, 698.0)),
        Line("PCMU", "audio", "audio/PCMU", tones=(784.0, 880.0)),
        Line("PCMA", "audio", "audio/PCMA", tones=(988.0, 1047.0)),
    ),
    "video": (
        Line("VP8", "video", "video/VP8"),
        Line("VP9", "video", "video/VP9"),
        Line("H264", "video", "video/H264", f"packetization-mode=1;{_BASELINE}"),
        Line("H264 mode 0", "video", "video/H264", f"packetization-mode=0;{_BASELINE}"),
        Line("AV1", "video", "video/AV1"),
    ),
}


def misreading(sender: str, receiver: str, mime_type: str) -> str:
    """Which of `pictures.MISREADINGS` has to be expected between two stacks, if any.

    Chromium (156) sends its canvas in BT.709 and full range and says so in a header extension (color-space), which
    Firefox (153) doesn't know. Firefox sends BT.601 in limited range and doesn't say so; Chromium takes VP8 for that,
    VP9 and AV1 for BT.709. The reference peer reads the extension and writes both.
    """
    if (sender, receiver) == ("chromium", "firefox"):
        return "BT.709 in full range, taken for BT.601"
    if (sender, receiver) == ("firefox", "chromium") and mime_type in ("video/VP9", "video/AV1"):
        return "BT.601, taken for BT.709"
    return ""


async def _capabilities(endpoint: Endpoint, kind: str) -> list[dict[str, Any]]:
    (found,) = await endpoint.run(Call("RTCRtpReceiver", "getCapabilities", (kind,)))
    codecs: list[dict[str, Any]] = found["codecs"]
    return codecs


async def _capabilities_of_both(meeting: Meeting, kind: str) -> list[list[dict[str, Any]]]:
    return [await _capabilities(pc.endpoint, kind) for pc in meeting.connections]


async def lacking(meeting: Meeting, kind: str) -> dict[str, str]:
    """What is not played for want of a codec: the line, and who does not have it."""
    told = zip(meeting.connections, await _capabilities_of_both(meeting, kind), strict=True)
    names = [(pc.endpoint.name, codecs) for pc, codecs in told]
    without = {line: [name for name, codecs in names if not any(map(line.matches, codecs))] for line in LINES[kind]}
    return {
        line.name: f"unsupported: {' and '.join(who)} can't receive {line.mime_type} {line.fmtp}".rstrip()
        for line, who in without.items()
        if who
    }


async def common_lines(meeting: Meeting, kind: str) -> list[tuple[Line, list[dict[str, Any]]]]:
    """The codecs that both have, each with the offerer's preferences: itself first, the others behind it.

    Video formats are reordered only: Firefox describes feedback of formats that it was told to leave out, which
    Chromium refuses. Comfort noise is left out: where it is agreed on, Chromium takes a tone for noise.
    """
    here, there = await _capabilities_of_both(meeting, kind)
    liked = [codec for codec in here if str(codec["mimeType"]).lower() != "audio/cn"]
    return [
        (line, sorted(liked, key=lambda codec: not line.matches(codec)))
        for line in LINES[kind]
        if any(map(line.matches, here)) and any(map(line.matches, there))
    ]


async def play(stage: Stage, kind: str) -> None:
    meeting = await Meeting.arranged(stage)
    lines = await common_lines(meeting, kind)
    for line, preferences in lines:
        await _add(meeting.offerer, line, line.tones[0], preferences)
    for line, _ in lines:
        await _add(meeting.answerer, line, line.tones[1], None)
    await meeting.connect()
    stage.announce("watching" if kind == "video" else "listening")
    facts: dict[str, Any] = dict(await lacking(meeting, kind))
    stage.scene.facts[kind] = facts
    await asyncio.gather(*(_judge_end(meeting, side, [line for line, _ in lines], facts) for side in (0, 1)))
    await _judge_codecs(meeting, [line for line, _ in lines])
    await meeting.look()
    await meeting.part()
    meeting.judge_packets()


async def _add(pc: PeerConnection, line: Line, hz: float, preferences: Sequence[Mapping[str, Any]] | None) -> None:
    """The offerer says which codec it likes best and keeps to a bit rate; the answerer follows the offer's order."""
    options: dict[str, Any] = {"hz": hz} if hz else VIDEO
    if preferences is None:
        await pc.addTrack(line.kind, **options)
        return
    track = pc.endpoint.fresh("track")
    await pc.endpoint.run(Track(line.kind, track, **options))
    init = {"sendEncodings": [{"maxBitrate": BIT_RATE}]} if line.kind == "video" else None
    transceiver = await pc.addTransceiver(Ref(track), init)
    await transceiver.call("setCodecPreferences", list(preferences))


async def _judge_end(meeting: Meeting, sender: int, lines: Sequence[Line], facts: dict[str, Any]) -> None:
    """What the offerer (0) or the answerer (1) sent, as the other has it."""
    from harness.endpoints.watching import watch

    pc, by = meeting.connections[1 - sender], meeting.connections[sender].endpoint.stack
    watchers = [(line, await watch(await pc.track(timeout=PATIENCE))) for line in lines]
    for line, watching in watchers:
        where = f"{line.name} at {pc.endpoint.name}"
        name = f"{line.kind}-{sender}-{line.name.lower().replace(' ', '-')}"
        if line.kind == "audio":
            facts[where] = await judge_sound(meeting.stage, watching, line.tones[sender], where, name)
        else:
            colours = misreading(by, pc.endpoint.stack, line.mime_type)
            facts[where] = await judge_picture(meeting.stage, watching, where, name, colours=colours)


async def judge_sound(stage: Stage, watching: Watching, hz: float, where: str, name: str) -> dict[str, Any]:
    """Listen until the tone is right, or for long enough; what was heard becomes an exhibit."""
    from harness.exhibits import of_sound

    def right(heard: Heard) -> bool:
        return heard.frequency is not None and abs(heard.frequency - hz) <= TOLERANCE

    heard: Heard | None = await _until(lambda: watching.hear(timeout=_WARM_UP), right)
    seen = "nothing" if heard is None else "no tone" if heard.frequency is None else f"{heard.frequency:.2f} Hz"
    if heard is not None:
        stage.scene.exhibits.append(of_sound(name, f"{where}: {seen}, {hz:g} Hz were sent", heard))
    message = f"{where}: a tone of {hz:g} Hz was sent, {seen} was heard"
    check(heard is not None and right(heard), message, ledger=stage.scene.ledger)
    return {"sent_hz": hz, "heard_hz": None if heard is None else heard.frequency and round(heard.frequency, 2)}


async def judge_picture(
    stage: Stage,
    watching: Watching,
    where: str,
    name: str,
    *,
    colours: str = "",
    of: tuple[int, int] | None = None,
    size: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Watch until pictures are good, or for long enough; the latest becomes an exhibit.

    `colours` is the misreading to be expected. `of` is the size of what was sent where the sender scales it, `size`
    what it is to be scaled to (pixels).
    """
    from harness.exhibits import of_picture

    def right(seen: Seen) -> bool:
        if size is not None and seen.size != size:
            return False
        return seen.quality(of=of, colours=colours) > LEAST_QUALITY and _moves(seen) and seen.longest_gap < LONGEST_GAP

    began = time.monotonic()
    seen: Seen | None = await _until(lambda: watching.see(_FRAMES, timeout=_WARM_UP), right)
    if seen is None:
        check(False, f"{where}: pictures were sent, fewer than {_FRAMES} were shown", ledger=stage.scene.ledger)
        return {"pictures": 0}
    quality = min(seen.quality(of=of, colours=colours), 99.0)
    words = f"{seen.size[0]} x {seen.size[1]}, {quality:.1f} dB, "
    words += f"counter {seen.counters[-1]}" if seen.counters else "counter not readable"
    words += f", {colours}" if colours else ""
    stage.scene.exhibits.append(of_picture(name, f"{where}: {words}", seen))
    counters = ", ".join(map(str, seen.counters)) or "none"
    message = f"{where}: {words}; counters {counters}; {seen.longest_gap:.2f} s without a new picture at most"
    check(right(seen), message, ledger=stage.scene.ledger)
    return {
        "psnr_db": round(quality, 1),
        "pictures": seen.count,
        "longest_gap_ms": round(seen.longest_gap * 1000),
        "good_after_ms": round((time.monotonic() - began) * 1000),
        **({"colours": colours} if colours else {}),
    }


def _moves(seen: Seen) -> bool:
    counters = seen.counters
    return counters == sorted(counters) and len(set(counters)) >= _FRAMES // 2


async def _until(look: Callable[[], Any], right: Callable[[Any], bool]) -> Any:
    """The first look that is right, else the last one; None when there was nothing."""
    loop, latest = asyncio.get_running_loop(), None
    deadline = loop.time() + _WARM_UP
    while loop.time() < deadline:
        try:
            latest = await look()
        except EndpointTimeout:
            break
        if right(latest):
            break
    return latest


async def _judge_codecs(meeting: Meeting, lines: Sequence[Line]) -> None:
    """What arrived came in the codec of its line, as each receiver tells."""
    for pc in meeting.connections:
        stats = await pc.getStats()
        inbound = [entry for entry in stats.values() if entry.get("type") == "inbound-rtp"]
        used = sorted(str(stats.get(str(entry.get("codecId")), {}).get("mimeType")).lower() for entry in inbound)
        wanted = sorted(line.mime_type.lower() for line in lines)
        message = f"{pc.endpoint.name}: received {used}, negotiated {wanted}"
        check(used == wanted, message, ledger=meeting.stage.scene.ledger)


def _row(kind: str, about: str) -> Row:
    async def playing(stage: Stage) -> None:
        await play(stage, kind)

    # Seconds of sound and pictures in every cell: too long for every run of the cases.
    return Row(kind, about, playing, as_case=False)


ROWS: Final = (
    _row("audio", "a tone both ways in every audio codec that both have, heard within 1 Hz"),
    _row(
        "video", "the test picture both ways in every video codec that both have: above 30 dB at 1 Mbit/s, never frozen"
    ),
)
