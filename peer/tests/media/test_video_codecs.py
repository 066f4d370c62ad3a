"""Pictures there and back through every codec, and through its payload format."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from peer.errors import DecodeError
from peer.media import codecs, pictures, video_codecs
from peer.rtp.frame import ColorSpace, EncodedFrame
from peer.rtp.payload import depacketizer, packetizer
from peer.tests.media.made import picture

H264_0 = ("video/H264", {"profile-level-id": "42e01f", "packetization-mode": "0"})
H264_1 = ("video/H264", {"profile-level-id": "42e01f", "packetization-mode": "1"})
HIGH = ("video/H264", {"profile-level-id": "640c1f", "packetization-mode": "1"})
FORMATS = [("video/VP8", {}), ("video/VP9", {}), H264_0, H264_1, HIGH, ("video/AV1", {})]
NAMES = ["VP8", "VP9", "H264-0", "H264-1", "H264-high", "AV1"]
each_format = pytest.mark.parametrize(("mime_type", "fmtp"), FORMATS, ids=NAMES)


def entropy(size: int) -> bytes:
    return bytes(size)


@each_format
def test_pictures_survive(mime_type: str, fmtp: dict[str, str]) -> None:
    """At 1 Mbit/s each picture comes out at once, above 30 dB, with its counter; only the first is a key frame."""
    encoder = codecs.encoder(mime_type, fmtp, bit_rate=1_000_000)
    decoder = codecs.decoder(mime_type, fmtp)
    cutter, joiner = packetizer(mime_type, fmtp, entropy), depacketizer(mime_type, fmtp)
    for counter in range(20):
        (frame,) = encoder.encode(picture(counter))
        assert (frame.timestamp, frame.duration, frame.key_frame) == (3000 * counter, 3000, counter == 0)
        data, key_frame = joiner.assemble(cutter.packetize(frame, 1200))
        assert key_frame == frame.key_frame
        (seen,) = decoder.decode(EncodedFrame(data, frame.timestamp))
        rgb = pictures.picture_of(seen)
        assert pictures.read_counter(rgb) == counter
        assert pictures.psnr(rgb, pictures.draw(counter, 320, 240)) > 30
        assert seen.pts == frame.timestamp


@each_format
def test_a_key_frame_comes_when_it_is_asked_for(mime_type: str, fmtp: dict[str, str]) -> None:
    encoder = codecs.encoder(mime_type, fmtp, bit_rate=500_000)
    keys = [encoder.encode(picture(counter), key_frame=counter in (5, 9))[0].key_frame for counter in range(12)]
    assert [counter for counter, key in enumerate(keys) if key] == [0, 5, 9]


@each_format
def test_a_late_decoder_begins_at_a_key_frame(mime_type: str, fmtp: dict[str, str]) -> None:
    encoder, decoder = codecs.encoder(mime_type, fmtp, bit_rate=500_000), codecs.decoder(mime_type, fmtp)
    frames = [encoder.encode(picture(counter), key_frame=counter == 5)[0] for counter in range(8)]
    seen = [pictures.read_counter(pictures.picture_of(out)) for frame in frames[5:] for out in decoder.decode(frame)]
    assert seen == [5, 6, 7]


@each_format
def test_the_bit_rate_is_followed_while_it_runs(mime_type: str, fmtp: dict[str, str]) -> None:
    """Down at once, up within a second, and small changes cost no key frame."""
    encoder = codecs.encoder(mime_type, fmtp, bit_rate=600_000)
    sizes, keys = [], []
    for counter in range(150):
        encoder.bit_rate = 600_000 if counter < 40 or counter >= 100 else 620_000 if counter == 45 else 200_000
        (frame,) = encoder.encode(picture(counter, detail=60))
        sizes.append(len(frame.data) * 8 * 30)
        keys.append(frame.key_frame)
    low, high = np.mean(sizes[70:100]), np.mean(sizes[120:150])
    assert low < 300_000
    assert 400_000 < high < 800_000
    assert sum(keys) <= 3


@each_format
def test_pictures_are_scaled_to_the_size_of_the_encoder(mime_type: str, fmtp: dict[str, str]) -> None:
    encoder = codecs.encoder(mime_type, fmtp, bit_rate=300_000, width=160, height=120)
    decoder = codecs.decoder(mime_type, fmtp)
    (frame,) = encoder.encode(picture(77))
    (seen,) = decoder.decode(frame)
    assert (seen.width, seen.height) == (160, 120)
    assert pictures.read_counter(pictures.picture_of(seen)) == 77


@each_format
def test_the_size_follows_the_source(mime_type: str, fmtp: dict[str, str]) -> None:
    encoder, decoder = codecs.encoder(mime_type, fmtp, bit_rate=300_000), codecs.decoder(mime_type, fmtp)
    for counter, (width, height) in enumerate([(320, 240), (161, 121), (640, 360)]):
        (frame,) = encoder.encode(picture(counter, width, height))
        assert frame.key_frame
        (seen,) = decoder.decode(frame)
        assert (seen.width, seen.height) == (width & ~1, height & ~1)


@pytest.mark.parametrize(("fmtp", "profile", "level"), [(H264_1[1], b"\x42\xc0", 31), (HIGH[1], b"\x64\x00", 31)])
def test_h264_says_the_profile_that_was_agreed(fmtp: dict[str, str], profile: bytes, level: int) -> None:
    (frame,) = codecs.encoder("video/H264", fmtp, bit_rate=500_000).encode(picture(0))
    sps = frame.data[frame.data.index(b"\x00\x00\x01\x67") + 4 :]
    assert sps[:2] == profile
    assert sps[2] == level


def test_mode_0_makes_slices_that_fit() -> None:
    encoder = codecs.encoder(*H264_0, bit_rate=2_000_000)
    (frame,) = encoder.encode(picture(0, 640, 480, detail=300))
    assert len(frame.data) > 2400
    assert all(len(payload) <= 1200 for payload in packetizer(*H264_0, entropy).packetize(frame, 1200))


@each_format
def test_spoiled_pictures_are_refused_or_decoded(mime_type: str, fmtp: dict[str, str]) -> None:
    random = np.random.default_rng(7)
    encoder, decoder = codecs.encoder(mime_type, fmtp, bit_rate=300_000), codecs.decoder(mime_type, fmtp)
    for counter in range(30):
        (frame,) = encoder.encode(picture(counter, 160, 120), key_frame=counter % 5 == 0)
        for _ in range(3):
            data = bytearray(frame.data)
            for at in random.integers(0, len(data), 4):
                data[at] = int(random.integers(256))
            try:
                decoder.decode(EncodedFrame(bytes(data[: int(random.integers(len(data) + 1))]), 0))
            except DecodeError:
                continue
    assert decoder.conceal(3000) == []


def test_the_source_frame_is_left_alone() -> None:
    frame = picture(3).reformat(format="yuv420p")
    frame.pts, frame.time_base = 3, picture(3).time_base
    codecs.encoder("video/VP8", {}, bit_rate=300_000).encode(frame, key_frame=True)
    assert (frame.pts, frame.time_base, int(frame.pict_type)) == (3, picture(3).time_base, 0)


@each_format
def test_time_goes_on_when_another_source_takes_over(mime_type: str, fmtp: dict[str, str]) -> None:
    encoder = codecs.encoder(mime_type, fmtp, bit_rate=300_000)
    frames = [encoder.encode(picture(counter))[0] for counter in (50, 51, 0, 1, 60)]
    assert [frame.timestamp // 3000 for frame in frames] == [50, 51, 52, 53, 60]


@each_format
def test_what_the_header_extension_says_of_colours_is_believed(mime_type: str, fmtp: dict[str, str]) -> None:
    """The same picture, as a browser encodes what it draws: BT.709, full range. It is told once and holds."""
    encoder, decoder = codecs.encoder(mime_type, fmtp, bit_rate=1_000_000), codecs.decoder(mime_type, fmtp)
    told: ColorSpace | None = ColorSpace(1, 13, 1, full_range=True)
    for counter in range(3):
        drawn = picture(counter)
        frame = drawn.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="JPEG")
        frame.pts, frame.time_base = drawn.pts, drawn.time_base
        (encoded,) = encoder.encode(frame)
        (seen,) = decoder.decode(EncodedFrame(encoded.data, 0, color_space=told))
        assert pictures.psnr(pictures.picture_of(seen), pictures.draw(counter, 320, 240)) > 35
        told = None


def test_h264_that_says_no_level_is_of_level_1() -> None:
    """RFC 6184 section 8.1."""
    assert video_codecs._x264({})["level"] == "1.0"
    assert video_codecs._x264({"profile-level-id": "42e01f"})["level"] == "3.1"


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="needs Linux's scheduling policies")
def test_no_thread_takes_real_time_priority() -> None:
    """Nor does any process that is started later. As root's, SVT-AV1 takes the machine's highest one."""
    codecs.encoder("video/AV1", {}, bit_rate=300_000).encode(picture(0))
    policies = {os.sched_getscheduler(int(task.name)) for task in Path("/proc/self/task").iterdir()}
    assert policies == {os.SCHED_OTHER}
