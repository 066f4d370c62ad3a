"""One encoding of a video sender: scaled, slowed down, encoded in a thread, sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from peer import rtp
from peer.media.codecs import Encoder
from peer.media.levels import FrameMeter, Limits
from peer.media.plans import Codecs, Layer
from peer.media.work import Lane, Pool

__all__ = ["HEADROOM", "Stamped", "VideoLayer"]

# How often, at most, a key frame is made because one was asked for, in s: several receivers ask at once.
KEY_FRAME_INTERVAL: Final = 0.25
# A frame may come this much (of its interval) early and still count as on time.
EARLY: Final = 0.9
START_BIT_RATE: Final = 300_000
# How many of the latest pictures tell what a layer uses, and how many seconds they have to cover.
USE_PICTURES: Final = 30
USE_SPAN: Final = 0.5
# Seconds of its bit rate that the pictures of a layer may be ahead of it before some are left out, and at most: what a
# key frame costs beyond that, or a rate that fell, is forgiven. Their difference is the longest gap that this makes.
AHEAD, FORGIVEN = 0.5, 0.7
# How much more than it used last a layer may want next.
HEADROOM: Final = 1.3


@dataclass(frozen=True, slots=True)
class Stamped:
    """A picture, its RTP timestamp, and when it was captured."""

    picture: Any
    timestamp: int
    captured: float


@dataclass(slots=True)
class _Settings:
    """What an encoder was made for: another of these, another encoder."""

    codec: rtp.Codec
    width: int
    height: int


class VideoLayer:
    """`send` is called on the event loop with each encoded frame."""

    def __init__(
        self, layer: Layer, codecs: Codecs, pool: Pool, send: Callable[[VideoLayer, rtp.EncodedFrame, Stamped], None]
    ) -> None:
        self.layer = layer
        self.bit_rate = START_BIT_RATE
        self._most = START_BIT_RATE
        self.paused = False
        """The estimate leaves nothing for it."""
        self.meter = FrameMeter()
        self.limits = Limits()
        self.key_frames = 0
        self.frames_encoded = 0
        self.dropped = 0
        self.encode_time = 0.0
        self._codecs = codecs
        self._lane = Lane(pool)
        self._send = send
        self._encoder: Encoder | None = None
        self._scale: Callable[[Any, int, int], Any] | None = None
        self._made_for: _Settings | None = None
        self._key_wanted = True
        self._last_key = -1e9
        self._spent: deque[tuple[float, int]] = deque(maxlen=USE_PICTURES)
        self._next_due = 0.0
        self._ahead = 0.0  # bits that were sent beyond the bit rate
        self._settled_at = 0.0

    @property
    def sends(self) -> bool:
        return self.layer.active and not self.paused

    def configure(self, layer: Layer) -> None:
        """Another plan for the same stream. What starts to be sent again starts with a key frame."""
        if (layer.active and not self.layer.active) or layer.codec != self.layer.codec:
            self._key_wanted = True
        self.layer = layer

    @property
    def used(self) -> float | None:
        """Bits per second of the latest pictures; None before there are enough of them."""
        if len(self._spent) < 2 or (span := self._spent[-1][0] - self._spent[0][0]) < USE_SPAN:
            return None
        return sum(bits for _, bits in list(self._spent)[1:]) / span

    def set_rate(self, bit_rate: int, most: int, *, paused: bool) -> None:
        """What it may use, and what it could if there were enough; both in bit/s."""
        if self.paused and not paused:
            self._key_wanted = True
        self.bit_rate, self._most, self.paused = bit_rate, most, paused

    def _lacks_bandwidth(self) -> bool:
        """Whether its pictures would take more than it is given."""
        if not self.layer.active:
            return False
        used = self.used
        return self.paused or self.bit_rate < (self._most if used is None else min(self._most, HEADROOM * used))

    def request_key_frame(self) -> None:
        """With the next frame, unless there was one a moment ago."""
        self._key_wanted = True

    def size(self, width: int, height: int) -> tuple[int, int]:
        """What the layer sends of a picture of this size: even, for the chroma planes' sake."""
        scale = self.layer.scale
        if self.layer.bounds is not None:
            # WebRTC Extensions, scaleResolutionDownTo: "orientation agnostic", by the same factor both ways
            pairs = zip(sorted((width, height)), sorted(self.layer.bounds), strict=True)
            scale = max(size / most for size, most in pairs)
        scale = max(1.0, scale)
        return max(2, int(width / scale) & ~1), max(2, int(height / scale) & ~1)

    def offer(self, stamped: Stamped, now: float) -> None:
        """Encode and send, or drop the picture: the encoder is busy, it is too soon, or too much was sent."""
        self.limits.note("bandwidth" if self._lacks_bandwidth() else "none", now)
        if not self.sends or not self._is_due(stamped.captured):
            return
        key_frame = self._key_wanted and now - self._last_key >= KEY_FRAME_INTERVAL
        if len(self._lane) or (self._is_ahead(now) and not key_frame):
            self.dropped += 1
            return
        if key_frame:
            self._key_wanted, self._last_key = False, now
        picture = stamped.picture
        settings = _Settings(self.layer.codec, *self.size(picture.width, picture.height))
        bit_rate = self.bit_rate

        def encode() -> tuple[list[rtp.EncodedFrame], float]:
            begun = perf_counter()
            return self._encode(picture, settings, bit_rate, key_frame=key_frame), perf_counter() - begun

        def done(result: tuple[list[rtp.EncodedFrame], float]) -> None:
            frames, took = result
            self.encode_time += took
            for frame in frames:
                self.frames_encoded += 1
                self.key_frames += frame.key_frame
                if frame.key_frame:
                    self._last_key = now
                self._spent.append((now, 8 * len(frame.data)))
                self._ahead += 8 * len(frame.data)
                self._send(self, frame, stamped)

        self.meter.add(settings.width, settings.height, now)
        self._lane.run(encode, done)

    def _is_ahead(self, now: float) -> bool:
        """Whether it sent more than it may. Encoders take pictures that come unevenly for a reason to spend more."""
        owed = min(self._ahead, FORGIVEN * self.bit_rate)
        self._ahead = max(0.0, owed - self.bit_rate * (now - self._settled_at))
        self._settled_at = now
        return self._ahead > AHEAD * self.bit_rate

    def _is_due(self, captured: float) -> bool:
        limit = self.layer.max_framerate
        if limit is None:
            return True
        if limit <= 0:
            return False
        interval = 1.0 / limit
        if captured < self._next_due - (1 - EARLY) * interval:
            return False
        behind = captured - self._next_due > interval
        self._next_due = (captured if behind else self._next_due) + interval
        return True

    # in a thread

    def _encode(self, picture: Any, settings: _Settings, bit_rate: int, *, key_frame: bool) -> list[rtp.EncodedFrame]:
        if self._encoder is None or settings != self._made_for:
            if self._encoder is not None:
                self._encoder.close()
            codec = settings.codec
            self._encoder = self._codecs.encoder(
                codec.mime_type, codec.fmtp, bit_rate=bit_rate, width=settings.width, height=settings.height
            )
            self._made_for = settings
        if self._encoder.bit_rate != bit_rate:
            self._encoder.bit_rate = bit_rate
        return self._encoder.encode(self._scaled(picture, settings), key_frame=key_frame)

    def _scaled(self, picture: Any, settings: _Settings) -> Any:
        """In the encoder's size and format. `picture.reformat` would do it with a scaler kept on the picture, which
        other threads see.
        """
        if self._scale is None:
            self._scale = self._codecs.scaler()
        return self._scale(picture, settings.width, settings.height)

    def close(self) -> None:
        """Let the encoder go when its last job is done."""
        self._lane.clear()
        if self._encoder is not None:
            encoder, self._encoder = self._encoder, None
            self._lane.run(encoder.close, lambda _: None)
