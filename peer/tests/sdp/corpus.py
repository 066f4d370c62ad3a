"""The recorded descriptions under fixtures/sdp, as (name, text)."""

from __future__ import annotations

from pathlib import Path

FIXTURES = Path(__file__).parents[3] / "fixtures" / "sdp"
FILES = sorted(FIXTURES.glob("*/*.sdp"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in FILES]


def read(name: str) -> str:
    """The text of one description, line ends untouched."""
    return (FIXTURES / f"{name}.sdp").read_bytes().decode()


CHROMIUM_OFFER = read("chromium-156-2026-11-21/audio-video-data-offer-gathered")
FIREFOX_OFFER = read("firefox-153-2026-11-21/audio-video-data-offer-gathered")
