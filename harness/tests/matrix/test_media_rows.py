"""The media rows turn red for what they are to find: a wrong tone, black, frozen or spoiled pictures, silence."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.endpoints import watchers
from harness.endpoints.watching import Sight
from harness.matrix.cell import Cell
from harness.matrix.rows import ROWS, impaired, media, renegotiation
from harness.matrix.run import run
from harness.results import CaseResult
from harness.script.steps import Track
from harness.verdict import ConformanceFailure, Ledger, Verdict
from peer.api import RTCRtpTransceiver
from peer.media import sources
from peer.media.layer import VideoLayer
from peer.rtp.bandwidth import Estimator
from peer.rtp.sender import Sender

SELF = Cell("reference", "reference")
ONE_OF_EACH = {kind: lines[:1] for kind, lines in media.LINES.items()}


async def played(directory: Path, kind: str) -> CaseResult:
    (result,) = (await run(directory, [SELF], rows=[ROWS[kind]], seed=1)).cells
    return result


def spoiled(make: Any) -> Any:
    """A test pattern whose pictures go through `make(rgb, turn)`."""

    class Spoiled(sources.TestPattern):
        async def next_frame(self) -> Any:
            frame = await super().next_frame()
            made = type(frame).from_ndarray(np.ascontiguousarray(make(frame.to_ndarray(), frame.pts)), format="rgb24")
            made.pts, made.time_base = frame.pts, frame.time_base
            return made

    return lambda step: Spoiled(step.width, step.height, step.frame_rate)


FROZEN: list[Any] = []


def frozen(rgb: Any, turn: int) -> Any:
    FROZEN.append(rgb)
    return FROZEN[0]


NOISE = np.random.default_rng(7).integers(-90, 90, (240, 320, 3))


@pytest.mark.parametrize(
    ("kind", "source", "words"),
    [
        ("audio", lambda step: sources.Tone(step.hz + 3), " Hz was sent, "),
        ("audio", lambda step: sources.Silence(), "was sent, nothing was heard"),
        ("video", spoiled(lambda rgb, turn: rgb * 0), "counter not readable"),
        ("video", spoiled(frozen), "counters 0, 0, 0"),
        ("video", spoiled(lambda rgb, turn: np.clip(rgb + NOISE, 0, 255).astype(np.uint8)), " dB, counter "),
    ],
    ids=["detuned", "silent", "black", "frozen", "noisy"],
)
async def test_what_arrives_wrong_turns_the_cell_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, source: Any, words: str
) -> None:
    monkeypatch.setattr(media, "_WARM_UP", 2.0)
    monkeypatch.setattr(media, "LINES", ONE_OF_EACH)
    monkeypatch.setattr(watchers, "source", source)
    result = await played(tmp_path, kind)
    assert result.verdict is Verdict.FAIL
    assert words in result.message


async def test_a_codec_that_one_side_lacks_is_said_to_be_unsupported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = media.Line("Strange", "audio", "audio/strange", "mode=7")
    monkeypatch.setattr(media, "LINES", {"audio": (*ONE_OF_EACH["audio"], strange)})
    result = await played(tmp_path, "audio")
    assert result.verdict is Verdict.PASS
    reason = "unsupported: reference and reference (2) can't receive audio/strange mode=7"
    facts: Any = result.facts["audio"]
    assert facts["Strange"] == reason


def planted(target: Any, name: str, change: Any) -> Any:
    return lambda monkeypatch: monkeypatch.setattr(target, name, change)


def without_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was lost never comes again, nor does a key frame that would do without it."""
    monkeypatch.setattr(Sender, "retransmit", lambda *_: None)
    monkeypatch.setattr(VideoLayer, "request_key_frame", lambda _: None)


def without_start(step: Track) -> Any:
    return sources.TestPattern(step.width, step.height, step.frame_rate)


@pytest.mark.parametrize(
    ("row", "plant", "words"),
    [
        ("simulcast", planted(VideoLayer, "size", lambda _, *size: size), "layer q at reference (2): 960 x 544"),
        (
            "renegotiation",
            planted(RTCRtpTransceiver, "direction", property(lambda _: "", lambda *_: None)),
            "come after",
        ),
        ("renegotiation", planted(watchers, "source", without_start), "the counter goes back"),
        ("loss", without_repair, "without a new picture while 5 % are lost"),
        ("bottleneck", planted(Estimator, "feedback", lambda *_: None), "estimates no more where there is room"),
    ],
    ids=["unscaled", "undirected", "restarted", "unrepaired", "undriven"],
)
async def test_what_goes_wrong_turns_the_cell_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, plant: Any, words: str
) -> None:
    monkeypatch.setattr(media, "_WARM_UP", 2.0)
    monkeypatch.setattr(renegotiation, "_ENOUGH", 3)
    monkeypatch.setattr(renegotiation, "_DRAINING", 0.1)
    # A machine under load stops a counter before the fault comes to light; this bar has a test of its own.
    monkeypatch.setattr(renegotiation, "LONGEST_GAP", 30.0)
    # On a busy machine few pictures are made, all of which may come through, and old ones are shown late.
    monkeypatch.setattr(impaired, "_LOSS", 0.5)
    monkeypatch.setattr(impaired, "_SPAN", 4.0)
    monkeypatch.setattr(impaired, "_SETTLING", 1.0)
    plant(monkeypatch)
    result = await played(tmp_path, row)
    assert result.verdict is Verdict.FAIL
    assert words in result.message


class Shown:
    """A watcher of pictures, by default 50 ms apart."""

    def __init__(self, stack: str, *counters: int, apart: float = 0.05) -> None:
        self.endpoint = SimpleNamespace(stack=stack)
        self._sights = tuple(Sight(apart * place, counter, 1, 1) for place, counter in enumerate(counters))

    async def see(self, frames: int, **_: Any) -> Any:
        return SimpleNamespace(sights=() if frames == 1 else self._sights)


@pytest.mark.parametrize(
    ("stack", "counters", "words"),
    [
        ("firefox", (63, 64, 81, 63, 82), "100 ms; picture 63 was shown again"),
        ("firefox", (63, 64, 81, 64, 82), "81 to 64"),
        ("chromium", (63, 64, 81, 63, 82), "81 to 63"),
    ],
)
async def test_only_firefox_may_show_its_first_picture_again(stack: str, counters: Any, words: str) -> None:
    watching: Any = Shown(stack, *counters)
    try:
        seen = await renegotiation.View("here", watching, time=0.0).goes_on("a change", Ledger())
    except ConformanceFailure as failure:
        seen = str(failure)
    assert words in seen


async def test_no_counter_may_stop_for_more_than_a_second() -> None:
    watching: Any = Shown("chromium", 1, 2, 3, apart=1.0)
    assert await renegotiation.View("here", watching, time=0.0).goes_on("a change", Ledger()) == "1000 ms"
    watching = Shown("chromium", 1, 2, 3, apart=1.01)
    with pytest.raises(ConformanceFailure, match=r"the counter stops for 1\.01 s after: a change"):
        await renegotiation.View("here", watching, time=0.0).goes_on("a change", Ledger())


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_what_arrives_right_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(media, "LINES", ONE_OF_EACH)
    result = await played(tmp_path, kind)
    assert (result.verdict, result.message) == (Verdict.PASS, "")
    ending = "png" if kind == "video" else "svg"
    images = [path for path in result.artefacts.values() if path.endswith(f".{ending}")]
    assert len(images) == 2
    assert all((tmp_path / path).stat().st_size > 500 for path in images)
    facts: Any = result.facts[kind]
    assert len(facts) == 2


def test_a_line_finds_its_codec() -> None:
    line = media.Line("H264", "video", "video/H264", "packetization-mode=1;profile-level-id=42e01f")
    fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
    assert line.matches({"mimeType": "video/h264", "sdpFmtpLine": fmtp})
    assert not line.matches({"mimeType": "video/H264", "sdpFmtpLine": fmtp.replace("mode=1", "mode=0")})
    assert not line.matches({"mimeType": "video/VP8"})
    assert Track("video").kind == line.kind
