"""Sound: Opus (RFC 7587), G.722 and G.711 (RFC 3551), in frames of 20 ms.

Opus's discontinuous transmission (section 3.1.3) is ours, since libopus's switch is out of PyAV's reach: while nothing
is heard, one frame goes out every 400 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np

from peer.errors import DecodeError
from peer.media.sound import level, samples_of
from peer.rtp.frame import EncodedFrame

__all__ = ["DECODERS", "SoundDecoder", "SoundEncoder", "encoder"]

DECODERS: Final = {"audio/opus": "libopus", "audio/g722": "g722", "audio/pcmu": "pcm_mulaw", "audio/pcma": "pcm_alaw"}
_PACKETS_A_SECOND: Final = 50
# DTX: what is below this level (-dBov) is silence; how many frames are sent before it starts; which are sent still
_SILENCE: Final = 70
_HANGOVER: Final = 10
_REFRESH: Final = 20
# How often lost sound is the last sound again.
_FADE: Final = 4


def encoder(name: str, fmtp: Mapping[str, str], bit_rate: int) -> SoundEncoder:
    """`fmtp` is the receiver's: what it likes to get (RFC 7587 section 6.1)."""
    if name != "audio/opus":
        rate = 16000 if name == "audio/g722" else 8000
        return SoundEncoder(DECODERS[name], rate, 8000, 1, 64000, {})
    stereo = fmtp.get("stereo") == "1"
    options = {
        "application": "audio" if stereo else "voip",
        "frame_duration": "20",
        "vbr": "off" if fmtp.get("cbr") == "1" else "on",
    }
    if fmtp.get("useinbandfec") == "1":
        options |= {"fec": "1", "packet_loss": "10"}
    ceiling = int(text) if (text := fmtp.get("maxaveragebitrate", "")).isdigit() else 510_000
    dtx = fmtp.get("usedtx") == "1"
    return SoundEncoder("libopus", 48000, 48000, 2 if stereo else 1, bit_rate, options, ceiling=ceiling, dtx=dtx)


class SoundEncoder:
    def __init__(
        self,
        codec: str,
        rate: int,
        clock: int,
        channels: int,
        bit_rate: int,
        options: dict[str, str],
        *,
        ceiling: int = 510_000,
        dtx: bool = False,
    ) -> None:
        self._codec, self._rate, self._clock, self._options = codec, rate, clock, options
        self._layout = "stereo" if channels == 2 else "mono"
        self._ceiling, self._dtx = ceiling, dtx
        self._bit_rate = 0
        self._context: Any = None
        self._resampler: Any = None
        self._source: tuple[Any, ...] = ()
        self._silent = 0
        # where the next frame begins, in samples at `rate`: frames are cut from what came, without gaps
        self._next: int | None = None
        self.bit_rate = bit_rate

    @property
    def bit_rate(self) -> int:
        return self._bit_rate

    @bit_rate.setter
    def bit_rate(self, value: int) -> None:
        value = max(6000, min(value, self._ceiling))
        if value != self._bit_rate:
            self._bit_rate, self._context = value, None

    def _opened(self) -> Any:
        if self._context is None:
            context = av.CodecContext.create(self._codec, "w")
            context.sample_rate, context.layout, context.format = self._rate, self._layout, "s16"
            context.bit_rate, context.time_base = self._bit_rate, Fraction(1, self._rate)
            context.options = self._options
            context.open()
            self._context = context
        return self._context

    def encode(self, frame: Any, *, key_frame: bool = False) -> list[EncodedFrame]:
        encoded = []
        for piece in self._pieces(frame):
            at, samples = self._next or 0, piece.samples
            self._next = at + samples
            loudness = level(samples_of(piece))
            self._silent = self._silent + 1 if loudness >= _SILENCE else 0
            piece.pts, piece.time_base = at, Fraction(1, self._rate)
            packets = [bytes(packet) for packet in self._opened().encode(piece)]
            if self._dtx and self._silent > _HANGOVER and self._silent % _REFRESH:
                continue
            timestamp = at * self._clock // self._rate & 0xFFFFFFFF
            duration = samples * self._clock // self._rate
            encoded += [
                EncodedFrame(data, timestamp, duration=duration, audio_level=loudness, voice=loudness < _SILENCE)
                for data in packets
            ]
        return encoded

    def _pieces(self, frame: Any) -> list[Any]:
        """20 ms each, in the encoder's format."""
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        if source != self._source:
            size = self._rate // _PACKETS_A_SECOND
            self._resampler = av.AudioResampler("s16", self._layout, self._rate, frame_size=size)
            self._source, self._next = source, None
        if frame.pts is not None and frame.time_base:
            begins = round(frame.pts * frame.time_base * self._rate)
            # a jump of more than 100 ms: the source paused, or another one took its place
            if self._next is None or abs(begins - self._next) > self._rate // 10:
                self._next = begins
        # a frame of our own: others may be reading this one, and what comes out is written to
        own = av.AudioFrame.from_ndarray(frame.to_ndarray(), format=frame.format.name, layout=frame.layout.name)
        own.sample_rate = frame.sample_rate
        pieces: list[Any] = self._resampler.resample(own)
        return pieces

    def close(self) -> None:
        self._context = self._resampler = None


class SoundDecoder:
    def __init__(self, name: str) -> None:
        self._context: Any = av.CodecContext.create(DECODERS[name], "r")
        self._clock = 48000 if name == "audio/opus" else 8000
        self._rate = {"audio/opus": 48000, "audio/g722": 16000}.get(name, 8000)
        if name == "audio/opus":
            self._context.layout, self._context.sample_rate = "stereo", 48000
        else:
            self._context.layout, self._context.sample_rate = "mono", self._rate
        self._last: Any = None
        self._concealed = 0

    def decode(self, frame: EncodedFrame) -> list[Any]:
        packet = av.Packet(frame.data)
        packet.pts, packet.time_base = frame.timestamp, Fraction(1, self._clock)
        try:
            decoded: list[Any] = list(self._context.decode(packet)) if frame.data else []
        except av.error.FFmpegError as error:
            raise DecodeError(f"sound that can't be decoded: {error.strerror}") from error
        for each in decoded:
            each.pts, each.time_base = frame.timestamp, Fraction(1, self._clock)
        if decoded:
            self._last, self._concealed = decoded[-1], 0
        return decoded

    def conceal(self, duration: int) -> list[Any]:
        """The last sound again, half as loud each time, silence after four times."""
        if self._last is None or duration <= 0:
            return []
        self._concealed += 1
        samples, planar = self._last.to_ndarray(), self._last.format.is_planar
        wanted = duration * self._rate // self._clock * (1 if planar else self._last.layout.nb_channels)
        repeated = np.stack([np.resize(channel, wanted) for channel in samples])
        factor = 0.5**self._concealed if self._concealed <= _FADE else 0.0
        faded = (repeated * factor).astype(samples.dtype)
        made = av.AudioFrame.from_ndarray(faded, format=self._last.format.name, layout=self._last.layout.name)
        made.sample_rate = self._rate
        return [made]

    def close(self) -> None:
        self._last = None
