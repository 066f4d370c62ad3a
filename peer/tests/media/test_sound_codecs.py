"""Sound there and back through every codec, and through its payload format."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from peer.errors import DecodeError, LocalProtocolError
from peer.media import codecs, sound
from peer.rtp.frame import EncodedFrame
from peer.rtp.payload import depacketizer, packetizer
from peer.tests.media.made import tone

CODECS = ("audio/opus", "audio/G722", "audio/PCMU", "audio/PCMA")


def entropy(size: int) -> bytes:
    return bytes(size)


def encoded(mime_type: str, frames: list[Any], fmtp: dict[str, str] | None = None) -> list[EncodedFrame]:
    machine = codecs.encoder(mime_type, fmtp or {}, bit_rate=64000)
    return [out for frame in frames for out in machine.encode(frame)]


def heard(mime_type: str, frames: list[EncodedFrame]) -> tuple[sound.Samples, int]:
    machine = codecs.decoder(mime_type, {})
    decoded = [each for frame in frames for each in machine.decode(frame)]
    return np.concatenate([sound.samples_of(frame) for frame in decoded]), decoded[0].sample_rate


@pytest.mark.parametrize("mime_type", CODECS)
@pytest.mark.parametrize(("rate", "channels"), [(48000, 1), (48000, 2), (16000, 1), (44100, 1)])
def test_a_tone_survives(mime_type: str, rate: int, channels: int) -> None:
    frames = encoded(mime_type, [tone(index, 700, rate=rate, channels=channels) for index in range(40)])
    cutter, joiner = packetizer(mime_type, {}, entropy), depacketizer(mime_type, {})
    arrived = [EncodedFrame(joiner.assemble(cutter.packetize(frame, 1200))[0], frame.timestamp) for frame in frames]
    samples, decoded_rate = heard(mime_type, arrived)
    assert sound.frequency(samples[-decoded_rate // 2 :], decoded_rate) == pytest.approx(700, abs=1)
    assert sound.level(samples[-decoded_rate // 2 :]) == pytest.approx(13 if channels == 1 else 18, abs=1)


@pytest.mark.parametrize("mime_type", CODECS)
def test_timestamps_count_20_ms_of_the_rtp_clock(mime_type: str) -> None:
    frames = encoded(mime_type, [tone(index) for index in range(10)])
    step = codecs.clock_rate(mime_type) // 50
    assert [frame.timestamp for frame in frames] == [index * step for index in range(len(frames))]
    assert all(frame.duration == step and frame.key_frame and frame.voice for frame in frames)
    assert frames[-1].audio_level == 13


def test_a_pause_of_the_source_is_one_of_the_timestamps() -> None:
    frames = encoded("audio/PCMU", [tone(index) for index in (0, 1, 2, 50, 51, 52)])
    assert max(later.timestamp - frame.timestamp for frame, later in itertools.pairwise(frames)) > 7000


def test_the_source_frame_is_left_alone() -> None:
    frame = tone(3)
    encoded("audio/opus", [frame])
    assert (frame.pts, frame.sample_rate) == (2880, 48000)


@pytest.mark.parametrize(("fmtp", "channels"), [({"stereo": "1"}, 2), ({}, 1)])
def test_stereo_is_sent_to_who_likes_it(fmtp: dict[str, str], channels: int) -> None:
    frames = encoded("audio/opus", [tone(index, channels=2) for index in range(30)], fmtp)
    machine = codecs.decoder("audio/opus", {})
    samples = np.concatenate([each.to_ndarray().reshape(-1, 2) for frame in frames for each in machine.decode(frame)])
    peaks = [sound.frequency(samples[-24000:, side].astype(np.float32) / 32768, 48000) for side in (0, 1)]
    assert peaks == pytest.approx([1000, 2000] if channels == 2 else [1000, 1000], abs=1)
    assert (frames[-1].data[0] & 0x04 != 0) is (channels == 2)  # RFC 6716 section 3.1: the stereo bit


def test_silence_is_sent_rarely_with_dtx() -> None:
    loud, silent = [tone(index) for index in range(20)], [tone(index, amplitude=0) for index in range(20, 120)]
    assert len(encoded("audio/opus", loud + silent)) == 120
    frames = encoded("audio/opus", loud + silent, {"usedtx": "1"})
    assert 20 + 10 <= len(frames) <= 20 + 10 + 6
    again = codecs.encoder("audio/opus", {"usedtx": "1"}, bit_rate=64000)
    for frame in loud + silent:
        again.encode(frame)
    assert again.encode(tone(120))


def test_the_bit_rate_is_followed_while_it_runs() -> None:
    machine = codecs.encoder("audio/opus", {}, bit_rate=96000)
    noise = np.random.default_rng(7)
    sizes = []
    for rate in (96000, 16000):
        machine.bit_rate = rate
        size = 0
        for index in range(50):
            frame = tone(index)
            frame.planes[0].update(noise.integers(-8000, 8000, 960).astype(np.int16).tobytes())
            size += sum(len(each.data) for each in machine.encode(frame))
        sizes.append(size * 8)
    assert sizes[0] == pytest.approx(96000, rel=0.3)
    assert sizes[1] == pytest.approx(16000, rel=0.3)


@pytest.mark.parametrize("mime_type", CODECS)
def test_lost_sound_fades_out(mime_type: str) -> None:
    machine = codecs.decoder(mime_type, {})
    assert machine.conceal(960) == []
    for frame in encoded(mime_type, [tone(index) for index in range(10)]):
        machine.decode(frame)
    lost = [machine.conceal(codecs.clock_rate(mime_type) // 50) for _ in range(6)]
    levels = [sound.level(sound.samples_of(frames[0])) for frames in lost]
    assert levels[0] < levels[1] < levels[2] < levels[3] < levels[4] == 127
    assert all(frame.samples == frame.sample_rate // 50 for frames in lost for frame in frames)


@pytest.mark.parametrize("mime_type", CODECS)
def test_spoiled_sound_is_refused_or_decoded(mime_type: str) -> None:
    random = np.random.default_rng(7)
    machine = codecs.decoder(mime_type, {})
    for frame in encoded(mime_type, [tone(index) for index in range(20)]):
        for _ in range(20):
            data = bytearray(frame.data)
            for at in random.integers(0, len(data), 3):
                data[at] = int(random.integers(256))
            try:
                machine.decode(EncodedFrame(bytes(data[: int(random.integers(len(data) + 1))]), 0))
            except DecodeError:
                continue


def test_what_we_do_not_code_is_refused() -> None:
    for mime_type, fmtp in (("audio/L16", {}), ("video/VP9", {"profile-id": "2"}), ("video/H265", {})):
        assert not codecs.encodable(mime_type, fmtp)
        with pytest.raises(LocalProtocolError):
            codecs.encoder(mime_type, fmtp, bit_rate=1)
    with pytest.raises(LocalProtocolError):
        codecs.decoder("audio/L16", {})
