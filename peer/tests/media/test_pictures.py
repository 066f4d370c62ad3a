"""The test picture is read back, also when it was scaled or spoiled; what is none is not read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.media import pictures

SIZES = [(640, 480), (320, 180), (160, 90), (160, 120), (427, 240), (1280, 720), (100, 77)]


@pytest.mark.parametrize(("width", "height"), SIZES)
@given(counter=st.integers(0, (1 << pictures.COUNTER_BITS) - 1))
def test_the_counter_is_read_back(counter: int, width: int, height: int) -> None:
    assert pictures.read_counter(pictures.draw(counter, width, height)) == counter


def test_the_counter_wraps() -> None:
    assert pictures.read_counter(pictures.draw(1 << pictures.COUNTER_BITS, 320, 240)) == 0


def test_noise_does_not_hide_the_counter() -> None:
    random = np.random.default_rng(7)
    for counter in (0, 3, 0x5A5A5, (1 << 20) - 1):
        clean = pictures.draw(counter, 320, 240)
        noisy = np.clip(clean + random.normal(0, 40, clean.shape), 0, 255).astype(np.uint8)
        assert pictures.psnr(clean, noisy) < 20
        assert pictures.read_counter(noisy) == counter


def test_what_is_no_test_picture_has_no_counter() -> None:
    for value in (0, 128, 255):
        assert pictures.read_counter(np.full((240, 320, 3), value, np.uint8)) is None
    assert pictures.read_counter(np.zeros((8, 8, 3), np.uint8)) is None
    half = pictures.draw(5, 320, 240)
    half[:, 160:] = 0
    assert pictures.read_counter(half) is None


def test_one_wrong_block_is_noticed() -> None:
    picture = pictures.draw(0, 240, 240)
    for column in range(12):
        spoiled = picture.copy()
        spoiled[:20, column * 20 : column * 20 + 20] = 255
        assert pictures.read_counter(spoiled) is None


def test_detail_differs_from_picture_to_picture_and_leaves_the_counter_alone() -> None:
    one, other = (pictures.draw(counter, 320, 240, detail=200) for counter in (1, 2))
    assert pictures.read_counter(one) == 1
    assert pictures.psnr(one, other) < 20
    assert np.array_equal(one, pictures.draw(1, 320, 240, detail=200))


def test_the_ratio_of_signal_to_noise() -> None:
    grey = np.full((16, 16, 3), 100, np.uint8)
    assert pictures.psnr(grey, grey) == float("inf")
    assert pictures.psnr(grey, grey + np.uint8(1)) == pytest.approx(48.13, abs=0.01)
    with pytest.raises(ValueError, match="pictures of"):
        pictures.psnr(grey, grey[:8])


def test_black_is_told_from_dark_pictures() -> None:
    assert pictures.is_black(np.full((120, 160, 3), 16, np.uint8))
    assert not pictures.is_black(pictures.draw(0, 160, 120))


def test_a_png_file_holds_the_picture() -> None:
    import io

    import av

    picture = pictures.draw(9, 160, 120)
    data = pictures.png(picture)
    assert data.startswith(b"\x89PNG\r\n")
    with av.open(io.BytesIO(data), format="png_pipe") as container:
        frame = next(container.decode(video=0))
    assert np.array_equal(frame.to_ndarray(format="rgb24"), picture)


@pytest.mark.parametrize("how", pictures.MISREADINGS)
def test_a_misread_picture_is_explained_by_its_misreading_alone(how: str) -> None:
    drawn = pictures.draw(5, 160, 120)
    seen = pictures.misread(drawn, how)
    assert pictures.psnr(drawn, seen) < 30
    likely = {each: pictures.psnr(seen, pictures.misread(drawn, each)) for each in pictures.MISREADINGS}
    assert max(likely, key=lambda each: likely[each]) == how
    assert pictures.read_counter(seen) == 5
