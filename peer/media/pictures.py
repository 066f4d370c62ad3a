"""The test picture, and how it is read back: colour bars, a counter in blocks, a square that moves.

Everything in it follows from the counter and the size, so a picture that arrived can be compared with the one that was
sent. harness/endpoints/pattern.js draws and reads the same picture in a page, pixel for pixel.

    +--+--+--+--+--+--+--+--+--+--+--+--+   two rows of twelve blocks, each a twelfth of the height: 20 bits of the
    |b19 ...                         b8 |   counter, most significant first, and 4 of a check; white is 1
    |b7 ...             b0|c3 c2 c1  c0 |
    +-----------------------------------+
    |W  |Y  |C  |G  |M  |R  |B  |K      |   eight bars
    |   |   |   | [] moves              |
    +-----------------------------------+

Pictures are arrays of shape (height, width, 3), RGB, 8 bits.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COUNTER_BITS",
    "MISREADINGS",
    "Picture",
    "draw",
    "is_black",
    "misread",
    "picture_of",
    "png",
    "psnr",
    "read_counter",
    "scaled",
]

Picture: TypeAlias = NDArray[np.uint8]

COUNTER_BITS: Final = 20
_COLUMNS: Final = 12
_ROWS: Final = 2
_DARK, _BRIGHT = 90, 165
_BARS: Final = (
    (191, 191, 191),
    (191, 191, 0),
    (0, 191, 191),
    (0, 191, 0),
    (191, 0, 191),
    (191, 0, 0),
    (0, 0, 191),
    (16, 16, 16),
)


def _even(value: int) -> int:
    """Edges lie between chroma samples."""
    return value & ~1


def _bits(counter: int) -> int:
    """The 24 bits that are drawn. The check is such that neither all black nor all white is a counter."""
    counter &= (1 << COUNTER_BITS) - 1
    check = 0b1010
    for shift in range(0, COUNTER_BITS, 4):
        check ^= counter >> shift & 0x0F
    return counter << 4 | check


@lru_cache(maxsize=16)
def _bars(width: int, height: int) -> Picture:
    picture = np.empty((height, width, 3), np.uint8)
    edges = [_even(width * index // 8) for index in range(8)] + [width]
    for colour, left, right in zip(_BARS, edges, edges[1:], strict=False):
        picture[:, left:right] = colour
    return picture


def _block(index: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a counter block."""
    row, column = divmod(index, _COLUMNS)
    edges = [_even(width * at // _COLUMNS) for at in (column, column + 1)]
    tops = [_even(height * at // _COLUMNS) for at in (row, row + 1)]
    return edges[0], tops[0], edges[1] if column + 1 < _COLUMNS else width, tops[1]


def draw(counter: int, width: int, height: int, *, detail: int = 0) -> Picture:
    """The picture of a counter. `detail` adds that many small squares of any colour at any place, other ones in every
    picture: what an encoder can't predict, so that it needs the bit rate it is given.
    """
    picture = _bars(width, height).copy()
    _draw_detail(picture, counter, detail)
    side = max(2, _even(height // 8))
    left = _even(counter * 4 % max(2, width - side))
    top = _even(height // 2)
    picture[top : top + side, left : left + side] = 255
    bits = _bits(counter)
    for index in range(_ROWS * _COLUMNS):
        x, y, right, bottom = _block(index, width, height)
        picture[y:bottom, x:right] = 255 if bits >> (_ROWS * _COLUMNS - 1 - index) & 1 else 0
    return picture


@lru_cache(maxsize=4)
def _generator(count: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factors and summands that take a state of Numerical Recipes' generator 1 to `count` steps on."""
    factors, summands = [1], [0]
    for _ in range(count):
        factors.append(factors[-1] * 1664525 & 0xFFFFFFFF)
        summands.append((summands[-1] * 1664525 + 1013904223) & 0xFFFFFFFF)
    return np.array(factors[1:], np.uint32), np.array(summands[1:], np.uint32)


def _draw_detail(picture: Picture, counter: int, count: int) -> None:
    """Squares of 8 pixels on a grid of 8, later ones over earlier ones."""
    height, width, _ = picture.shape
    if count == 0 or height < 8 or width < 8:
        return
    factors, summands = _generator(count)
    states = factors * np.uint32(counter & 0xFFFFFFFF) + summands
    lefts, tops = (states >> 8) % np.uint32(width // 8) * 8, (states >> 20) % np.uint32(height // 8) * 8
    colours = np.stack([states >> shift & 0xFF for shift in (24, 16, 12)], axis=-1).astype(np.uint8)
    inside = np.arange(8, dtype=np.uint32)
    at = tops[:, None, None] + inside[None, :, None], lefts[:, None, None] + inside[None, None, :]
    picture[at] = colours[:, None, None]


def read_counter(rgb: NDArray[np.uint8]) -> int | None:
    """The counter of a picture of any size; None where a block is neither dark nor bright, or the check is wrong."""
    height, width = rgb.shape[:2]
    if width < 2 * _COLUMNS or height < 2 * _COLUMNS:
        return None
    bits = 0
    for index in range(_ROWS * _COLUMNS):
        left, top, right, bottom = _block(index, width, height)
        inner_x, inner_y = (right - left) // 4, (bottom - top) // 4
        mean = rgb[top + inner_y : bottom - inner_y, left + inner_x : right - inner_x].mean()
        if _DARK < mean < _BRIGHT:
            return None
        bits = bits << 1 | int(mean >= _BRIGHT)
    counter = bits >> 4
    return counter if _bits(counter) == bits else None


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures. Raises ValueError for two sizes."""
    if one.shape != other.shape:
        raise ValueError(f"pictures of {one.shape} and {other.shape}")
    error = float(np.mean((one.astype(np.float32) - other.astype(np.float32)) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


#: How colours go wrong between two implementations: what was made, what it was taken for.
MISREADINGS: Final = {
    "BT.709 in full range, taken for BT.601": (("ITU709", "JPEG"), ("ITU601", "MPEG")),
    "BT.601, taken for BT.709": (("ITU601", "MPEG"), ("ITU709", "MPEG")),
}


def scaled(rgb: NDArray[np.uint8], width: int, height: int) -> Picture:
    """The picture at another size."""
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    picture: Picture = frame.reformat(width, height, "rgb24", interpolation="AREA").to_ndarray()
    return picture


def misread(rgb: NDArray[np.uint8], how: str) -> Picture:
    """The picture as it looks after one of `MISREADINGS`."""
    import av

    (made, made_range), (taken, taken_range) = MISREADINGS[how]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    coded = frame.reformat(format="yuv444p", dst_colorspace=made, dst_color_range=made_range)
    picture: Picture = coded.to_ndarray(format="rgb24", src_colorspace=taken, src_color_range=taken_range)
    return picture


def is_black(rgb: NDArray[np.uint8]) -> bool:
    """Whether there is nothing to see."""
    return float(rgb.mean()) < 24 and float(rgb.std()) < 12


def picture_of(frame: Any) -> Picture:
    """The picture of an av.VideoFrame."""
    picture: Picture = frame.to_ndarray(format="rgb24")
    return picture


def png(rgb: NDArray[np.uint8]) -> bytes:
    """A PNG file."""
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = frame.width, frame.height, "rgb24", Fraction(1, 1)
    return b"".join(bytes(packet) for packet in (*codec.encode(frame), *codec.encode(None)))
