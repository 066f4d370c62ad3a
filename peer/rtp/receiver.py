"""A receiver: packets to frames; what is missing is asked for, what is repaired goes back to its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp import dependency, extensions, statistics
from peer.rtp.clock import distance32, seconds
from peer.rtp.config import Codec, ReceiveConfig
from peer.rtp.events import EndReason, Event, FrameLost, FrameReceived, StreamEnded
from peer.rtp.frame import ColorSpace, EncodedFrame
from peer.rtp.incoming import Incoming
from peer.rtp.intake import SILENCE, Inlet, Intake, Source
from peer.rtp.jitter import Gap, Unit
from peer.rtp.payload import Depacketizer, Numbered, depacketizer
from peer.wire import rtcp, rtp

__all__ = ["Owner", "Receiver", "Source"]

SOURCE_AGE: Final = 10.0
"""W3C section 5.3: sources of the last ten seconds."""
MIN_WAIT, MAX_WAIT = 0.15, 0.6
KEY_FRAME_TIME: Final = 0.15
"""Seconds that a sender may take to make a key frame; then the request was lost, or its answer."""
REORDERING: Final = 0.06
"""Seconds to wait where nothing is retransmitted: only for packets that overtook each other."""


class Owner(Inlet, Protocol):
    """The transport, as its receivers see it."""

    def configured(self) -> None: ...

    def released(self, one: Receiver) -> None: ...


class Receiver(Intake):
    """One RTCRtpReceiver's RTP. Made by `Transport.add_receiver`."""

    _inlet: Owner

    def __init__(self, config: ReceiveConfig, inlet: Owner) -> None:
        self.minimum_delay = 0.0
        """Seconds: W3C jitterBufferTarget, the least that playing is to lag behind."""
        self._depacketizers: dict[int, Depacketizer | None] = {}
        super().__init__(config, inlet)

    # what the owner asks for

    def configure(self, config: ReceiveConfig, now: float) -> None:
        """Another configuration; streams that are being received go on."""
        self._apply(config)
        self._depacketizers = {}
        self._inlet.configured()

    def stop(self, now: float) -> list[Event]:
        """No stream is received any more. The transport still knows whose they were: some of it is on its way."""
        events = [event for ssrc in list(self.streams) for event in self.end(ssrc, EndReason.STOPPED, keep=True)]
        self.streams.clear()
        self._inlet.released(self)
        return events

    def request_key_frame(self, now: float, ssrc: int | None = None) -> None:
        """PLI, or FIR where only that was negotiated, for one video stream or for all."""
        for stream in self.streams.values():
            if ssrc in (None, stream.ssrc):
                self._request_key_frame(stream, now)

    @property
    def statistics(self) -> tuple[statistics.Inbound, ...]:
        """One for each stream, alive but for what is computed here."""
        for stream in self.streams.values():
            stream.update_statistics()
        return tuple(stream.statistics for stream in self.streams.values())

    def sources(self, now: float) -> list[Source]:
        """SSRCs and CSRCs of the last ten seconds, the latest first."""
        every = (*self._ssrcs.values(), *self._csrcs.values())
        recent = [source for source in every if now - source.time <= SOURCE_AGE]
        return sorted(recent, key=lambda source: -source.time)

    def end(self, ssrc: int, reason: EndReason, text: str = "", *, keep: bool = False) -> list[Event]:
        """A stream is over; with `keep` its counts stay (BYE may be followed by more of it)."""
        stream = self.streams.get(ssrc)
        if stream is None:
            self.repairs.pop(ssrc, None)
            return []
        told = stream.ended is None
        stream.ended = reason
        if not keep:
            del self.streams[ssrc]
            self._inlet.forgotten(ssrc)
        return [StreamEnded(self.config.key, ssrc, reason, text)] if told else []

    # timers

    def next_timeout(self) -> float | None:
        times = []
        for stream in self.streams.values():
            if stream.ended is not None:
                continue
            due = stream.buffer.next_timeout(requests="nack" in stream.codec.feedback)
            if due is not None:
                times.append(due)
        return min(times, default=None)

    def handle_timeout(self, now: float) -> list[Event]:
        events: list[Event] = []
        for stream in list(self.streams.values()):
            if stream.ended is None:
                self._advance(stream, now, events)
        return events

    def check_silence(self, now: float) -> list[Event]:
        """Streams of which nothing was heard for long have ended."""
        events: list[Event] = []
        for stream in list(self.streams.values()):
            if stream.ended is None and now - stream.reception.heard_at > SILENCE:
                events += self.end(stream.ssrc, EndReason.TIMEOUT, keep=True)
        return events

    # out of the buffer

    def _advance(self, stream: Incoming, now: float, events: list[Event]) -> None:
        round_trip_time = self._inlet.round_trip_time
        repeats = "nack" in stream.codec.feedback
        # Three tries of a retransmission, then the picture is given up for a key frame.
        stream.buffer.wait = min(max(3.3 * round_trip_time + 0.05, MIN_WAIT), MAX_WAIT) if repeats else REORDERING
        if stream.video and not repeats:
            stream.buffer.wait = MIN_WAIT
        for out in stream.buffer.take(now, self._follows):
            if isinstance(out, Gap):
                self._lost(stream, out, now, events)
            else:
                self._unit(stream, out, now, events)
        if repeats:
            # Twice a round trip: a request may be lost too, and one that repeats what is on its way is passed over.
            self._request(stream, now, max(0.55 * round_trip_time, 0.02))
        asked = stream.key_frame_requested_at
        if stream.needs_key_frame and asked is not None and now - asked > 1.5 * round_trip_time + KEY_FRAME_TIME:
            self._request_key_frame(stream, now)

    def _follows(self, before: rtp.Packet, after: rtp.Packet) -> bool:
        """Whether one frame comes right after another, whatever numbers are missing in between."""
        codec = self._codecs.get(after.payload_type) if before.payload_type == after.payload_type else None
        format = None if codec is None else self._depacketizer(codec)
        return isinstance(format, Numbered) and format.follows(before.payload, after.payload)

    def _request(self, stream: Incoming, now: float, interval: float) -> None:
        lost = stream.buffer.overdue_requests(now, interval)
        if lost:
            stream.statistics.nack_count += 1
            numbers = tuple(number & 0xFFFF for number in lost)
            self._feed_back(rtcp.Nack(self._inlet.reporter, stream.ssrc, numbers))

    def _lost(self, stream: Incoming, gap: Gap, now: float, events: list[Event]) -> None:
        if not stream.video:
            stream.gap_packets += gap.packets
            return
        events.append(FrameLost(self.config.key, stream.rid, stream.ssrc, gap.packets, 0))
        stream.needs_key_frame = True
        stream.statistics.frames_dropped += 1
        self._request_key_frame(stream, now)

    def _unit(self, stream: Incoming, unit: Unit, now: float, events: list[Event]) -> None:
        packets = unit.packets
        first = packets[0]
        codec = self._codecs.get(first.payload_type)
        depacketizer = None if codec is None else self._depacketizer(codec)
        if codec is None or depacketizer is None:
            return
        if codec.payload_type != stream.codec.payload_type and codec.is_primary:
            stream.use(codec)
        stream.statistics.payload_type = codec.payload_type
        payloads = [packet.payload for packet in packets]
        try:
            whole = unit.continuous or not stream.video or depacketizer.starts_frame(payloads[0])
            data, key_frame = depacketizer.assemble(payloads) if whole else (b"", False)
        except DecodeError:
            data, key_frame = b"", False
        if not data:
            self._undecodable(stream, now)
            return
        if stream.video and stream.needs_key_frame:
            if not key_frame:
                self._undecodable(stream, now)
                return
            stream.needs_key_frame, stream.key_frame_requested_at = False, None
        self._conceal(stream, first.timestamp, events)
        events.append(self._frame(stream, unit, data, codec, key_frame=key_frame, now=now))

    def _undecodable(self, stream: Incoming, now: float) -> None:
        stream.statistics.frames_dropped += 1
        if stream.video:
            stream.needs_key_frame = True
            if stream.key_frame_requested_at is None:
                self._request_key_frame(stream, now)

    def _conceal(self, stream: Incoming, timestamp: int, events: list[Event]) -> None:
        """Audio: how long the gap before this frame is, by its timestamp."""
        before, stream.last_timestamp = stream.last_timestamp, timestamp
        step = distance32(timestamp, before) if before is not None else 0
        if stream.gap_packets:
            duration = max(step - stream.frame_duration, 0)
            events.append(FrameLost(self.config.key, stream.rid, stream.ssrc, stream.gap_packets, duration))
            stream.gap_packets = 0
        elif step > 0:
            stream.frame_duration = step if not stream.frame_duration else min(step, 2 * stream.frame_duration)

    def _frame(
        self, stream: Incoming, unit: Unit, data: bytes, codec: Codec, *, key_frame: bool, now: float
    ) -> FrameReceived:
        first, counters = unit.packets[0], stream.statistics
        stream.playout.target = self.minimum_delay
        play_at = stream.playout.place(first.timestamp, unit.arrival)
        counters.frames_received += 1
        counters.key_frames_received += key_frame
        if len(unit.packets) > 1:
            counters.frames_assembled_from_multiple_packets += 1
            counters.total_assembly_time += unit.arrival - unit.first_arrival
        level = self._audio_level(first)
        layer = self._layer(first, stream)
        frame = EncodedFrame(
            data,
            first.timestamp,
            key_frame=key_frame,
            arrival=unit.arrival,
            capture_ntp=self._capture_time(first, stream),
            audio_level=level.level if level is not None else None,
            voice=level is not None and level.voice,
            spatial=layer[0],
            temporal=layer[1],
            color_space=self._color_space(unit.packets) if stream.video else None,
        )
        return FrameReceived(
            self.config.key,
            stream.rid,
            codec.payload_type,
            stream.ssrc,
            frame,
            play_at,
            first_arrival=unit.first_arrival,
            jitter=stream.playout.delay,
        )

    def _layer(self, packet: rtp.Packet, stream: Incoming) -> tuple[int, int]:
        """(spatial, temporal) as the dependency descriptor tells, where there is one."""
        data = self.value(packet, extensions.DEPENDENCY_DESCRIPTOR)
        if data is None:
            return 0, 0
        try:
            descriptor = dependency.pull(data, stream.structure)
        except DecodeError:
            return 0, 0
        stream.structure = descriptor.structure or stream.structure
        return descriptor.frame.spatial, descriptor.frame.temporal

    def _color_space(self, packets: Sequence[rtp.Packet]) -> ColorSpace | None:
        """It comes with the last packet of a key frame, as a rule."""
        for packet in reversed(packets):
            data = self.value(packet, extensions.COLOR_SPACE)
            if data is not None:
                try:
                    return extensions.pull_color_space(data)
                except DecodeError:
                    continue
        return None

    def _capture_time(self, packet: rtp.Packet, stream: Incoming) -> float | None:
        data = self.value(packet, extensions.ABS_CAPTURE_TIME)
        if data is not None:
            try:
                return seconds(extensions.pull_capture_time(data).ntp)
            except DecodeError:
                pass
        return stream.clock.ntp(packet.timestamp)

    def _depacketizer(self, codec: Codec) -> Depacketizer | None:
        if codec.payload_type not in self._depacketizers:
            try:
                made: Depacketizer | None = depacketizer(codec.mime_type, codec.fmtp)
            except LocalProtocolError:
                made = None
            self._depacketizers[codec.payload_type] = made
        return self._depacketizers[codec.payload_type]

    # feedback

    def _request_key_frame(self, stream: Incoming, now: float) -> None:
        if not stream.video or stream.ended is not None:
            return
        stream.key_frame_requested_at = now
        reporter, feedback = self._inlet.reporter, stream.codec.feedback
        if "nack pli" in feedback:
            stream.statistics.pli_count += 1
            self._feed_back(rtcp.PictureLoss(reporter, stream.ssrc))
        elif "ccm fir" in feedback:
            stream.statistics.fir_count += 1
            self._feed_back(rtcp.FullIntraRequest(reporter, ((stream.ssrc, stream.fir_command),)))
            stream.fir_command = (stream.fir_command + 1) & 0xFF

    def _feed_back(self, packet: rtcp.Packet) -> None:
        self._inlet.feed_back(packet, reduced=self.config.reduced_size)
