"""The sessions in `fixtures/wire`, as recordings."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from harness.capture.recording import Recording

SESSIONS = Path(__file__).parents[3] / "fixtures" / "wire"
NAMES = sorted(each.name for each in SESSIONS.iterdir() if each.is_dir())
DATA_13 = "firefox-chromium-dtls13-data"
DATA_12 = "chromium-firefox-dtls12-data"
MEDIA_13 = "firefox-chromium-dtls13-media"
MEDIA_12 = "chromium-firefox-dtls12-media"


def load(name: str) -> Recording:
    """A fresh recording of a session; its endpoints are called "offerer" and "answerer"."""
    folder = SESSIONS / name
    recording = Recording.load((folder / "wire.pcapng").read_bytes())
    recording.book.learn_description("offerer", _text(folder / "offer.sdp"))
    recording.book.learn_description("answerer", _text(folder / "answer.sdp"))
    return recording


def _text(path: Path) -> str:
    return path.read_bytes().decode()


@cache
def shared(name: str) -> Recording:
    """The same for tests that only look."""
    return load(name)


def statistics(name: str) -> list[list[dict[str, Any]]]:
    """What getStats said: offerer, answerer."""
    loaded: list[list[dict[str, Any]]] = json.loads((SESSIONS / name / "stats.json").read_text())
    return loaded
