"""The sending side of one transceiver: a track's frames, encoded as negotiated, handed to its RTP sender.

    Feed ──frame──> Outbound ──> VideoLayer (one an encoding) ──lane of threads──> encoder ──> rtp.Sender
                        └──────> audio: encoded at once, it takes less than a millisecond

Nothing runs while there is nothing to send: no track, no keys yet, another direction, all encodings inactive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from peer import rtp
from peer.media.codecs import Encoder
from peer.media.feed import Feed, Frame, feed_of
from peer.media.layer import Stamped, VideoLayer
from peer.media.levels import QUIET, AudioMeter, FrameMeter, decibels
from peer.media.plans import Codecs, Driver, Layer, SendPlan, Timer, TrackInput
from peer.media.timeline import Timeline
from peer.media.work import Pool

__all__ = ["AUDIO_BIT_RATE", "Outbound"]

# In bit/s, without limits.
AUDIO_BIT_RATE: Final = 48_000
# Seconds between two looks at what the layers of a track use.
SHARE_INTERVAL: Final = 0.5
# webrtc-pc section 5.2: "SHOULD send one black frame per second".
BLACK_INTERVAL: Final = 1.0
VIDEO_CLOCK: Final = 90_000
# Seconds of pictures that wait for the pacer from which no more are made: each of them would only be late.
MAX_BACKLOG: Final = 0.2


class Outbound:
    """What one transceiver sends. `key` is the transceiver's."""

    def __init__(self, key: int, kind: str, driver: Driver, codecs: Codecs, pool: Pool) -> None:
        self.key = key
        self.kind = kind
        self.plan: SendPlan | None = None
        self.layers: list[VideoLayer] = []
        self.pictures = FrameMeter()
        self.sound = AudioMeter()
        self.sender: rtp.Sender | None = None
        self._driver = driver
        self._codecs = codecs
        self._pool = pool
        self._transport: int | None = None
        self._renamed: dict[int, int] = {}  # our SSRCs that the other side used, too
        self._track: TrackInput | None = None
        self._feed: Feed | None = None
        self._timeline = Timeline(int.from_bytes(driver.entropy(4), "big"))
        self._black_at = -1e9
        self._latest: tuple[Frame, float] | None = None  # the picture that came last, and when
        self._timer: Timer | None = None
        self._shared_at = -1e9
        self.layers_used: Callable[[], None] = lambda: None
        """Called now and then while layers are sent: what each of them used is known better."""
        self._encoder: Encoder | None = None
        self._encodes: rtp.Codec | None = None
        self._position = 0
        self._last_timestamp: int | None = None

    # what the connection says

    def configure(self, transport: int | None, plan: SendPlan | None) -> None:
        """What negotiation or setParameters left us to send with, over which transport; None: nothing."""
        if transport != self._transport and self.sender is not None:
            self.sender.end(self._driver.now())
            self.sender = None
        self._transport = transport
        self.plan = plan
        machine = None if transport is None else self._driver.transport(transport)
        if plan is not None and machine is not None:
            config = self._with_renamed(plan.config)
            if self.sender is None:
                self.sender = machine.add_sender(config)
            elif self.sender.config != config:
                self.sender.configure(config, self._driver.now())
            self._set_layers(plan.layers)
        self.refresh()

    def set_track(self, track: TrackInput | None) -> None:
        """Another track, or none: what it gives goes on in the same stream."""
        if track != self._track:
            self._timeline.restart()
        self._track = track
        self.refresh()

    def refresh(self) -> None:
        """Listen to the track's source exactly while something is to be sent."""
        track = self._track
        feed = feed_of(track.source) if track is not None and track.source is not None and self._can_send() else None
        if feed is self._feed:
            return
        self._let_go()
        self._feed = feed
        if feed is not None:
            self._timeline.restart()
            self._latest = None
            feed.subscribe(self._on_frame)
            if self.kind == "video":
                self._timer = self._driver.call_at(self._driver.now() + BLACK_INTERVAL, self._keep_black)

    def _let_go(self) -> None:
        if self._feed is not None:
            self._feed.unsubscribe(self._on_frame)
            self._feed = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _can_send(self) -> bool:
        return (
            self.plan is not None
            and self.sender is not None
            and self._transport is not None
            and any(layer.active for layer in self.plan.layers)
            and self._driver.is_connected(self._transport)
        )

    @property
    def is_sending(self) -> bool:
        return self._feed is not None

    def _set_layers(self, layers: tuple[Layer, ...]) -> None:
        if self.kind == "audio":
            return
        known = {layer.layer.rid: layer for layer in self.layers}
        kept = []
        for wanted in layers:
            layer = known.pop(wanted.rid, None)
            if layer is None:
                layer = VideoLayer(wanted, self._codecs, self._pool, self._send_picture)
            else:
                layer.configure(wanted)
            kept.append(layer)
        for layer in known.values():
            layer.close()
        self.layers = kept

    def renamed(self, old: int, new: int) -> None:
        """The other side took one of our SSRCs (RFC 3550 section 8.2)."""
        self._renamed[old] = new

    def _with_renamed(self, config: rtp.SendConfig) -> rtp.SendConfig:
        streams = tuple(
            replace(one, ssrc=self._now_called(one.ssrc), rtx_ssrc=one.rtx_ssrc and self._now_called(one.rtx_ssrc))
            for one in config.streams
        )
        return replace(config, streams=streams)

    def _now_called(self, ssrc: int) -> int:
        while ssrc in self._renamed:
            ssrc = self._renamed[ssrc]
        return ssrc

    def request_key_frame(self, rid: str | None) -> None:
        for layer in self.layers:
            if rid is None or layer.layer.rid == rid:
                layer.request_key_frame()

    def play_tone(self, event: int, duration: int) -> None:
        """An event of RFC 4733 for `duration` ms. The sender leaves audio out meanwhile."""
        if self.sender is not None and self._transport is not None:
            self.sender.send_tone(event, duration, self._driver.now())
            self._driver.flush(self._transport)

    def stop(self) -> None:
        """No more, for good: BYE."""
        self._let_go()
        self._track = None
        if self.sender is not None:
            self.sender.end(self._driver.now())
            if self._transport is not None:
                self._driver.flush(self._transport)
        for layer in self.layers:
            layer.close()
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None
        self.plan = None

    # frames

    def _on_frame(self, frame: Frame) -> None:
        if self._track is None or self.plan is None or self._transport is None:
            return
        if self.kind == "audio":
            self._on_sound(frame)
        else:
            self._on_picture(frame)

    def _on_picture(self, frame: Frame) -> None:
        now = self._driver.now()
        self.pictures.add(frame.width, frame.height, now)
        self._latest = frame, now
        if self._track is not None and not self._track.flows():
            self._send_black(now)
        else:
            self._encode(frame, now)

    def _keep_black(self) -> None:
        """A source that ended, or that gives nothing: its track is black all the same."""
        now = self._driver.now()
        self._timer = self._driver.call_at(now + BLACK_INTERVAL, self._keep_black)
        if self._track is not None and not self._track.flows():
            self._send_black(now)

    def _send_black(self, now: float) -> None:
        if now - self._black_at < BLACK_INTERVAL or self._latest is None:
            return
        self._black_at = now
        frame, at = self._latest
        self._encode(_black(frame, now - at), now)

    def _encode(self, frame: Frame, now: float) -> None:
        machine = None if self._transport is None else self._driver.transport(self._transport)
        if machine is not None and machine.backlog > MAX_BACKLOG:
            return
        timestamp, captured = self._timeline.stamp(_position(frame, now), now, VIDEO_CLOCK)
        stamped = Stamped(frame, timestamp, captured)
        for layer in self.layers:
            layer.offer(stamped, now)
        if len(self.layers) > 1 and now - self._shared_at >= SHARE_INTERVAL:
            self._shared_at = now
            self.layers_used()

    def _send_picture(self, layer: VideoLayer, encoded: rtp.EncodedFrame, stamped: Stamped) -> None:
        if self.sender is None or self.plan is None or self._transport is None or not layer.sends:
            return
        frame = replace(encoded, timestamp=stamped.timestamp, arrival=stamped.captured)
        payload_type = layer.layer.codec.payload_type
        self.sender.send(frame, self._driver.now(), rid=layer.layer.rid, payload_type=payload_type)
        self._driver.flush(self._transport)

    def _on_sound(self, frame: Frame) -> None:
        track, plan, sender, transport = self._track, self.plan, self.sender, self._transport
        if track is None or plan is None or sender is None or transport is None:
            return
        level = decibels(self.sound.add(frame))
        if not track.flows():
            self._timeline.restart()
            return
        layer = plan.layers[0]
        now = self._driver.now()
        for encoded in self._encode_sound(frame, layer, plan):
            position = self._unwrap(encoded.timestamp) / layer.codec.clock_rate
            timestamp, captured = self._timeline.stamp(position, now, layer.codec.clock_rate)
            if encoded.audio_level is None:
                encoded = replace(encoded, audio_level=level, voice=level < QUIET)
            sent = replace(encoded, timestamp=timestamp, arrival=captured)
            sender.send(sent, now, payload_type=layer.codec.payload_type)
        self._driver.flush(transport)

    def _encode_sound(self, frame: Frame, layer: Layer, plan: SendPlan) -> list[rtp.EncodedFrame]:
        codec = layer.codec
        if self._encoder is None or self._encodes != codec:
            if self._encoder is not None:
                self._encoder.close()
            limits = [one for one in (layer.max_bitrate, plan.max_bitrate) if one is not None]
            self._encoder = self._codecs.encoder(
                codec.mime_type, codec.fmtp, bit_rate=max(6000, min([AUDIO_BIT_RATE, *limits]))
            )
            self._encodes = codec
            self._last_timestamp = None
            self._timeline.restart()
        return self._encoder.encode(frame)

    def _unwrap(self, timestamp: int) -> int:
        if self._last_timestamp is not None:
            ahead = (timestamp - self._last_timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            self._position += ahead
        self._last_timestamp = timestamp
        return self._position


def _position(frame: Any, now: float) -> float:
    """Where the source's own count is, in s."""
    return now if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)


def _black(frame: Any, later: float) -> Any:
    """A black picture of the same size, so many seconds after it."""
    import av
    import numpy as np

    width, height = frame.width & ~1, frame.height & ~1
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = 16
    black = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    if frame.pts is not None and frame.time_base is not None:
        black.pts, black.time_base = frame.pts + round(later / frame.time_base), frame.time_base
    return black
