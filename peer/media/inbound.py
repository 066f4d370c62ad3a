"""The receiving side of one transceiver: frames from its RTP receiver, decoded, to the track's feed.

Video is decoded in a thread, one lane a stream; audio at once. When the decoder can't keep up, pictures are dropped up
to the next key frame, which is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from time import perf_counter
from typing import Any, Final

from peer import rtp
from peer.errors import DecodeError
from peer.media.codecs import Decoder
from peer.media.feed import Feed
from peer.media.levels import AudioMeter, BufferMeter, FrameMeter
from peer.media.plans import Codecs, Driver
from peer.media.playout import Playout
from peer.media.work import Lane, Pool

__all__ = ["Inbound", "Stream"]

# Pictures that may wait for the decoder.
BACKLOG: Final = 12
# Seconds after which a key frame is asked for again: the request may have been lost, or have come so soon after another
# one that the sender passed over it.
ASK_AGAIN: Final = 0.3
# Seconds between two frames at least, by kind, while a lowered jitterBufferTarget is caught up with.
PACE: Final = {"audio": 0.001, "video": 0.005}


class Stream:
    """One SSRC's decoder and what webrtc-stats counts of it."""

    def __init__(self, ssrc: int, rid: str | None, pool: Pool) -> None:
        self.ssrc = ssrc
        self.rid = rid
        self.payload_type: int | None = None
        self.meter = FrameMeter()
        self.sound = AudioMeter()
        self.buffered = BufferMeter()
        self.frames_decoded = 0
        self.key_frames_decoded = 0
        self.frames_dropped = 0
        self.decode_time = 0.0
        self.concealed_samples = 0
        self.concealment_events = 0
        self.decoder: Decoder | None = None
        self.lane = Lane(pool)
        self.needs_key_frame = False
        self.key_frame_asked_at = -1e9
        self.last_picture_at: float | None = None
        self.inter_frame_delay = 0.0
        self.squared_inter_frame_delay = 0.0
        self.freezes = 0
        self.frozen = 0.0
        self.played: tuple[float, float] | None = None
        """Of the latest frame played whose time is known: NTP seconds of its sender, and when it was played."""
        self._unwrapped: int | None = None

    def unwrap(self, timestamp: int) -> int:
        """The timestamp without wrapping: what `pts` counts."""
        last = self._unwrapped
        if last is None:
            self._unwrapped = timestamp
        else:
            self._unwrapped = last + ((timestamp - last + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
        return self._unwrapped

    def shown(self, width: int, height: int, now: float) -> None:
        """A picture left the decoder: rates and gaps (webrtc-stats, freezeCount)."""
        self.meter.add(width, height, now)
        if self.last_picture_at is not None:
            delay = now - self.last_picture_at
            shown = self.meter.count - 1
            average = self.inter_frame_delay / shown if shown > 1 else delay
            if shown > 5 and delay > max(3 * average, average + 0.150):
                self.freezes += 1
                self.frozen += delay
            self.inter_frame_delay += delay
            self.squared_inter_frame_delay += delay * delay
        self.last_picture_at = now

    def close(self) -> None:
        self.lane.clear()
        if self.decoder is not None:
            decoder, self.decoder = self.decoder, None
            self.lane.run(decoder.close, lambda _: None)


class Inbound:
    """What one transceiver receives. `feed` is the source of its track."""

    def __init__(self, key: int, kind: str, driver: Driver, codecs: Codecs, pool: Pool, feed: Feed) -> None:
        self.key = key
        self.kind = kind
        self.feed = feed
        self.streams: dict[int, Stream] = {}
        self.receiver: rtp.Receiver | None = None
        self.config: rtp.ReceiveConfig | None = None
        self.captured: float | None = None
        self.shown: tuple[int, int, float] | None = None
        """Width, height and frame rate of the latest picture."""
        self.wanted: Callable[[], bool] = lambda: True
        """False once the track ended: nothing is decoded then."""
        self._driver = driver
        self._codecs = codecs
        self._pool = pool
        self._transport: int | None = None
        self._minimum_delay = 0.0
        self._playout = Playout(driver, PACE[kind])

    # what the connection says

    def configure(self, transport: int | None, config: rtp.ReceiveConfig | None) -> None:
        """What it is ready to receive, over which transport; None: nothing."""
        now = self._driver.now()
        if self.receiver is not None and (transport != self._transport or config is None):
            self.receiver.stop(now)
            self.receiver = None
        self._transport, self.config = transport, config
        machine = None if transport is None else self._driver.transport(transport)
        if config is None or machine is None:
            self._playout.clear()
            return
        if self.receiver is None:
            self.receiver = machine.add_receiver(config)
            self.receiver.minimum_delay = self._minimum_delay
        else:
            self.receiver.configure(config, now)

    def set_minimum_delay(self, seconds: float) -> None:
        """What a frame waits at least between its first packet and the decoder (jitterBufferTarget); 0: it doesn't."""
        if seconds < self._minimum_delay:
            self._playout.advance(self._minimum_delay - seconds)
        self._minimum_delay = seconds
        if self.receiver is not None:
            self.receiver.minimum_delay = seconds

    def stop(self) -> None:
        """No more, for good."""
        if self.receiver is not None:
            self.receiver.stop(self._driver.now())
            self.receiver = None
        self._playout.clear()
        for stream in self.streams.values():
            stream.close()
        self.feed.end()

    # what RTP says

    def received(self, event: rtp.FrameReceived) -> None:
        self._driver.data_received(self.key)
        stream = self.streams.get(event.ssrc)
        if stream is None:
            stream = self.streams[event.ssrc] = Stream(event.ssrc, event.rid, self._pool)
        if not self.wanted():
            return
        if self._minimum_delay or len(self._playout):
            self._playout.hold(event.play_at, lambda: self._play(stream, event))
        else:
            self._play(stream, event)

    def _play(self, stream: Stream, event: rtp.FrameReceived) -> None:
        """A frame leaves the jitter buffer."""
        before = stream.sound.samples
        self._decode(stream, event)
        count = stream.sound.samples - before if self.kind == "audio" else 1
        target = max(event.jitter, self._minimum_delay) if self._minimum_delay else 0.0
        minimum = event.jitter if self._minimum_delay else 0.0
        stream.buffered.add(count, self._driver.now() - event.first_arrival, target, minimum)

    def _decode(self, stream: Stream, event: rtp.FrameReceived) -> None:
        if not self.wanted() or not self._is_shown(stream):
            return
        codec = self._codec(event.payload_type)
        if codec is None:
            return
        if event.payload_type != stream.payload_type:
            stream.close()
            stream.payload_type = event.payload_type
        if self.kind == "audio":
            self._decode_sound(stream, codec, event.frame)
        else:
            self._decode_picture(stream, codec, event.frame)

    def lost(self, event: rtp.FrameLost) -> None:
        """Sound that will not come is concealed; for pictures the receiver asks for a key frame itself."""
        if self.kind == "audio":
            self._playout.follow(lambda: self._conceal(event))

    def _conceal(self, event: rtp.FrameLost) -> None:
        stream = self.streams.get(event.ssrc)
        if stream is None or stream.decoder is None or not event.duration:
            return
        for frame in stream.decoder.conceal(event.duration):
            stream.concealed_samples += frame.samples
            stream.concealment_events += 1
            self._deliver_sound(stream, frame)

    def ended(self, ssrc: int) -> None:
        """BYE or a long silence."""
        stream = self.streams.get(ssrc)
        if stream is not None:
            self._playout.follow(stream.close)

    def _codec(self, payload_type: int) -> rtp.Codec | None:
        codecs = () if self.config is None else self.config.codecs
        return next((one for one in codecs if one.payload_type == payload_type and one.is_primary), None)

    def _is_shown(self, stream: Stream) -> bool:
        """Of several encodings of the same track, the first one in the description's order that arrives is shown."""
        rids = () if self.config is None else self.config.rids
        if stream.rid is None or len(rids) < 2:
            return True
        return all(other.rid != rids[0] or other is stream for other in self.streams.values()) or stream.rid == rids[0]

    # pictures

    def _decode_picture(self, stream: Stream, codec: rtp.Codec, frame: rtp.EncodedFrame) -> None:
        if len(stream.lane) >= BACKLOG:
            stream.needs_key_frame = True
        if stream.needs_key_frame and not frame.key_frame:
            self._undecoded(stream)
            return
        stream.needs_key_frame = False
        # Made here and not in the thread: what still runs there when the format changes keeps its own decoder.
        if stream.decoder is None:
            stream.decoder = self._codecs.decoder(codec.mime_type, codec.fmtp)
        decoder = stream.decoder

        def decode() -> tuple[list[Any], float]:
            begun = perf_counter()
            try:
                pictures = decoder.decode(frame)
            except DecodeError:
                pictures = []
            return pictures, perf_counter() - begun

        def done(result: tuple[list[Any], float]) -> None:
            pictures, took = result
            stream.decode_time += took
            if not pictures:
                self._undecoded(stream)
            for picture in pictures:
                stream.frames_decoded += 1
                stream.key_frames_decoded += frame.key_frame
                stream.shown(picture.width, picture.height, self._driver.now())
                picture.pts, picture.time_base = stream.unwrap(frame.timestamp), Fraction(1, codec.clock_rate)
                self.shown = (picture.width, picture.height, stream.meter.rate(self._driver.now()))
                self._deliver(stream, picture, frame.capture_ntp)

        stream.lane.run(decode, done)

    def _undecoded(self, stream: Stream) -> None:
        """A frame that gives no picture: start again from a key frame, which is asked for until it comes."""
        stream.needs_key_frame = True
        stream.frames_dropped += 1
        now = self._driver.now()
        if self.receiver is not None and now - stream.key_frame_asked_at >= ASK_AGAIN:
            stream.key_frame_asked_at = now
            self.receiver.request_key_frame(now, stream.ssrc)
            self._flush()

    def _flush(self) -> None:
        if self._transport is not None:
            self._driver.flush(self._transport)

    # sound

    def _decode_sound(self, stream: Stream, codec: rtp.Codec, frame: rtp.EncodedFrame) -> None:
        if stream.decoder is None:
            stream.decoder = self._codecs.decoder(codec.mime_type, codec.fmtp)
        begun = perf_counter()
        try:
            sounds = stream.decoder.decode(frame)
        except DecodeError:
            sounds = []
        stream.decode_time += perf_counter() - begun
        position = stream.unwrap(frame.timestamp)
        for sound in sounds:
            sound.pts, sound.time_base = position, Fraction(1, codec.clock_rate)
            position += round(sound.samples * codec.clock_rate / sound.sample_rate)
            self._deliver_sound(stream, sound, frame.capture_ntp)

    def _deliver_sound(self, stream: Stream, sound: Any, captured: float | None = None) -> None:
        stream.sound.add(sound)
        stream.frames_decoded += 1
        self._deliver(stream, sound, captured)

    def _deliver(self, stream: Stream, frame: Any, captured: float | None) -> None:
        if captured is not None:
            stream.played = captured, self._driver.now()
        self.captured = self.feed.captured = captured
        self.feed.deliver(frame)
