"""A transport's estimate is shared: the smallest layer first, what a layer leaves over is the next one's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from peer.media.rates import share


class Layer:
    """A layer of 960 x 540 pictures, `scale` times smaller; `used` bits per second of late."""

    def __init__(self, scale: float, used: float | None = None) -> None:
        self.layer = SimpleNamespace(scale=scale, active=True, max_bitrate=None, priority=1.0)
        self.used = used
        self.bit_rate, self.paused = 0, False

    def size(self, width: int, height: int) -> tuple[int, int]:
        return int(width / self.layer.scale), int(height / self.layer.scale)

    def set_rate(self, bit_rate: int, most: int, *, paused: bool) -> None:
        self.bit_rate, self.paused = bit_rate, paused


def shared(total: int, *layers: Layer, plan: Any = None) -> list[bool]:
    """Which layers, smallest first, are paused."""
    pictures = SimpleNamespace(width=960, height=540)
    one: Any = SimpleNamespace(is_sending=True, kind="video", plan=plan, layers=layers, pictures=pictures)
    share([one], total)
    return [layer.paused for layer in layers]


@pytest.mark.parametrize(
    ("total", "used", "paused"),
    [
        (300_000, (None, None, None), [False, True, True]),
        (300_000, (50_000, None, None), [False, False, True]),
        (300_000, (50_000, 60_000, None), [False, False, False]),
        (300_000, (290_000, None, None), [False, True, True]),
        (3_000_000, (None, None, None), [False, False, False]),
    ],
)
def test_layers_are_paused_from_the_largest_down(
    total: int, used: tuple[float | None, ...], paused: list[bool]
) -> None:
    layers = [Layer(scale, each) for scale, each in zip((4, 2, 1), used, strict=True)]
    assert shared(total, *layers) == paused


def test_a_layer_alone_is_never_paused() -> None:
    layer = Layer(1)
    assert shared(1000, layer) == [False]
    assert layer.bit_rate == 30_000


@pytest.mark.parametrize(("allowed", "rate"), [(None, 1_000_000), (200_000, 200_000), (2_000_000, 1_000_000)])
def test_what_the_session_allows_in_all_is_not_exceeded(allowed: int | None, rate: int) -> None:
    """b=CT, RFC 9429 section 5.10; half of it on each of two transports."""
    layer, plan = Layer(1), SimpleNamespace(max_bitrate=None, total_bitrate=allowed)
    shared(1_000_000, layer, plan=plan)
    assert layer.bit_rate == rate
    one: Any = SimpleNamespace(is_sending=True, kind="video", plan=plan, layers=[layer], pictures=SimpleNamespace())
    one.pictures.width, one.pictures.height = 960, 540
    share([one], 1_000_000, transports=2)
    assert layer.bit_rate == (rate if allowed != 200_000 else 100_000)
