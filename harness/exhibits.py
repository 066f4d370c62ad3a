"""What a case has to show beside packets: received pictures, the spectrum of received sound."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from peer.media import pictures, sound

if TYPE_CHECKING:
    from harness.endpoints.watching import Heard, Seen

__all__ = ["Exhibit", "of_picture", "of_sound"]

PNG: Final = "image/png"
SVG: Final = "image/svg+xml"
_ENDINGS: Final = {PNG: "png", SVG: "svg"}
_HIGHEST: Final = 4000
_LOWEST_DB: Final = -100


@dataclass(frozen=True, slots=True)
class Exhibit:
    """An image of a received track. `name` is that of its file, `caption` says what is to be seen."""

    name: str
    caption: str
    media_type: str
    data: bytes

    @property
    def file_name(self) -> str:
        return f"{self.name}.{_ENDINGS[self.media_type]}"


def of_picture(name: str, caption: str, seen: Seen) -> Exhibit:
    """The latest picture."""
    return Exhibit(name, caption, PNG, pictures.png(seen.picture))


def of_sound(name: str, caption: str, heard: Heard) -> Exhibit:
    """The spectrum of the latest half second, 0 to 4 kHz, -100 to 0 dB."""
    lines, decibels = sound.spectrum(heard.samples, heard.rate)
    inside = lines <= _HIGHEST
    lines, decibels = lines[inside], decibels[inside]
    # The strongest line of every ten Hz: half a second has lines 2 Hz apart, a picture has not.
    points = []
    for left in range(0, _HIGHEST, 10):
        among = decibels[(lines >= left) & (lines < left + 10)]
        value = float(np.max(among)) if len(among) else float(_LOWEST_DB)
        points.append(f"{left / 10:g},{-max(value, _LOWEST_DB):.1f}")
    return Exhibit(name, caption, SVG, _svg(" ".join(points), caption).encode())


def _svg(points: str, title: str) -> str:
    across = "".join(
        f'<line x1="{x}" y1="0" x2="{x}" y2="100" class="grid"/><text x="{x}" y="112">{10 * x}</text>'
        for x in range(0, _HIGHEST // 10 + 1, 100)
    )
    down = "".join(
        f'<line x1="0" y1="{y}" x2="400" y2="{y}" class="grid"/><text x="-28" y="{y + 3}">-{y}</text>'
        for y in range(0, 1 - _LOWEST_DB, 20)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-30 -10 450 130" width="450" height="130">'
        f"<title>{html.escape(title)}</title>"
        "<style>text{font:9px sans-serif;fill:#555}.grid{stroke:#bbb;stroke-width:.4}"
        "polyline{fill:none;stroke:#0a6;stroke-width:1}</style>"
        '<rect x="-30" y="-10" width="450" height="130" fill="#fff"/>'
        f'{across}{down}<polyline points="{points}"/></svg>'
    )
