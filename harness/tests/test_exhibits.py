"""Images of what was received."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from harness import exhibits
from harness.endpoints.watching import Heard, Seen, Sight
from peer.media import pictures


def seen(picture: pictures.Picture) -> Seen:
    return Seen(1, (Sight(0.0, None, 320, 240),), picture)


def test_a_picture_is_a_png_file() -> None:
    exhibit = exhibits.of_picture("video-0", "what", seen(pictures.draw(1, 320, 240)))
    assert exhibit.file_name == "video-0.png"
    assert exhibit.data.startswith(b"\x89PNG")


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_a_spectrum_has_its_peak_where_the_tone_is(rate: int) -> None:
    samples = (0.3 * np.sin(2 * np.pi * 1000 * np.arange(rate // 2) / rate)).astype(np.float32)
    exhibit = exhibits.of_sound("audio-0", "a <tone>", Heard(rate, samples))
    assert exhibit.file_name == "audio-0.svg"
    root = ET.fromstring(exhibit.data)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "a <tone>"
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    x, y = min(points, key=lambda point: point[1])
    assert x == pytest.approx(100, abs=1)
    assert y == pytest.approx(10.5, abs=1)


def test_silence_has_a_flat_spectrum() -> None:
    exhibit = exhibits.of_sound("audio-0", "silence", Heard(48000, np.zeros(0, np.float32)))
    assert b"0,100.0" in exhibit.data


def test_a_picture_is_compared_with_the_one_its_counter_stands_for() -> None:
    drawn = pictures.draw(7, 160, 120)
    assert seen(drawn).quality() == float("inf")
    assert seen(np.zeros((120, 160, 3), np.uint8)).quality() == 0
    colours = "BT.601, taken for BT.709"
    assert seen(pictures.misread(drawn, colours)).quality(colours=colours) == float("inf")
    assert seen(pictures.misread(drawn, colours)).quality() < 30
