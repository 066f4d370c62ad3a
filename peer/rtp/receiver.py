"""A receiver: packets to frames; what is missing is asked for, what is repaired goes back to its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from peer.errors import DecodeError, LocalProtocolError
from peer.rtp import extensions, statistics, tones
from peer.rtp.clock import distance32, seconds
from peer.rtp.config import Codec, ReceiveConfig
from peer.rtp.events import EndReason, Event, FrameLost, FrameReceived, StreamEnded, StreamStarted, ToneReceived
from peer.rtp.extensions import AudioLevel
from peer.rtp.frame import EncodedFrame
from peer.rtp.incoming import Incoming, Repair
from peer.rtp.jitter import Gap, Insertion, Unit
from peer.rtp.payload import Depacketizer, depacketizer, red
from peer.wire import rtcp, rtp

__all__ = ["Inlet", "Receiver", "Source"]

MAX_STREAMS: Final = 32
MAX_SOURCES: Final = 64
SILENCE: Final = 25.0
"""RFC 3550 section 6.3.5: five report intervals of five seconds without a packet, and a stream has ended."""
SOURCE_AGE: Final = 10.0
"""W3C section 5.3: sources of the last ten seconds."""
MIN_WAIT, MAX_WAIT = 0.15, 0.6
REORDERING: Final = 0.06
"""Seconds to wait where nothing is retransmitted: only for packets that overtook each other."""


class Inlet(Protocol):
    """What a receiver asks of its transport."""

    @property
    def round_trip_time(self) -> float: ...

    @property
    def reporter(self) -> int: ...

    def feed_back(self, packet: rtcp.Packet, *, reduced: bool) -> None: ...

    def forgotten(self, ssrc: int) -> None: ...

    def released(self, one: Receiver) -> None: ...


@dataclass(slots=True)
class Source:
    """W3C RTCRtpContributingSource, or a synchronization source. `time` of its last packet; `audio_level` in -dBov."""

    ssrc: int
    contributing: bool
    time: float
    rtp_timestamp: int
    audio_level: int | None = None


class Receiver:
    """One RTCRtpReceiver's RTP. Made by `Transport.add_receiver`."""

    def __init__(self, config: ReceiveConfig, inlet: Inlet, on_change: Callable[[], None] = lambda: None) -> None:
        self._inlet = inlet
        self._on_change = on_change
        self.streams: dict[int, Incoming] = {}
        self.repairs: dict[int, Repair] = {}
        self.minimum_delay = 0.0
        """Seconds: W3C jitterBufferTarget, the least that playing is to lag behind."""
        self._csrcs: dict[int, Source] = {}
        self._ssrcs: dict[int, Source] = {}
        self._depacketizers: dict[int, Depacketizer | None] = {}
        self._apply(config)

    # what the owner asks for

    def configure(self, config: ReceiveConfig, now: float) -> None:
        """Another configuration; streams that are being received go on."""
        self._apply(config)
        self._on_change()

    def _apply(self, config: ReceiveConfig) -> None:
        self.config = config
        self._codecs = {codec.payload_type: codec for codec in config.codecs}
        self._depacketizers = {}
        self.feeds_back_transport_wide = any("transport-cc" in codec.feedback for codec in config.codecs)

    def stop(self, now: float) -> list[Event]:
        """No stream is received any more."""
        events = [event for ssrc in list(self.streams) for event in self.end(ssrc, EndReason.STOPPED)]
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

    # the transport's side

    def codec(self, payload_type: int) -> Codec | None:
        return self._codecs.get(payload_type)

    def value(self, packet: rtp.Packet, uri: str) -> bytes | None:
        """The bytes of a header extension, by its URI."""
        id = self.config.extensions.get(uri)
        return packet.extension(id) if id is not None else None

    def receive(self, packet: rtp.Packet, size: int, now: float) -> list[Event] | str:
        """A packet that is this receiver's; `size` is that of all of it. A text says why it was discarded."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            return f"payload type {packet.payload_type} was not negotiated"
        if codec.name == "rtx":
            return self._receive_rtx(packet, codec, size, now)
        events: list[Event] = []
        stream = self.streams.get(packet.ssrc) or self._begin(packet, codec, events, now)
        if stream is None:
            return "too many streams"
        if stream.ended is not None:
            stream.ended = None
            events.append(StreamStarted(self.config.key, stream.ssrc, stream.rid))
        placed = stream.reception.receive(packet.sequence_number, packet.timestamp, now)
        if placed is None:
            return "far from the sequence numbers before"
        number, fresh = placed
        if fresh:
            stream.buffer.reset()
            stream.needs_key_frame = stream.video
        counters = stream.statistics
        counters.packets_received += 1
        counters.bytes_received += len(packet.payload)
        counters.header_bytes_received += size - len(packet.payload)
        counters.last_packet_received = now
        self._note_sources(packet, stream, now)
        self._insert(stream, number, packet, codec, now, events)
        self._advance(stream, now, events)
        return events

    def _begin(self, packet: rtp.Packet, codec: Codec, events: list[Event], now: float) -> Incoming | None:
        if len(self.streams) >= MAX_STREAMS and not self._make_room(now, events):
            return None
        if not codec.is_primary:  # the clock is what counts: RED and events run on that of the codec beside them
            codec = next(
                (one for one in self.config.codecs if one.is_primary and one.clock_rate == codec.clock_rate), codec
            )
        video = self.config.kind == "video"
        stream = Incoming(packet.ssrc, codec, self._rid(packet, extensions.RID), video=video)
        self.streams[packet.ssrc] = stream
        for repair in self.repairs.values():
            if self.config.repairs.get(repair.ssrc) == packet.ssrc:
                repair.repaired = packet.ssrc
        events.append(StreamStarted(self.config.key, stream.ssrc, stream.rid))
        return stream

    def _make_room(self, now: float, events: list[Event]) -> bool:
        quietest = min(self.streams.values(), key=lambda stream: stream.reception.heard_at)
        if quietest.ended is None and now - quietest.reception.heard_at < SILENCE:
            return False
        events += self.end(quietest.ssrc, EndReason.TIMEOUT)
        return True

    def _rid(self, packet: rtp.Packet, uri: str) -> str | None:
        data = self.value(packet, uri)
        try:
            return extensions.pull_text(data) if data else None
        except DecodeError:
            return None

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

    # into the buffer

    def _insert(
        self, stream: Incoming, number: int, packet: rtp.Packet, codec: Codec, now: float, events: list[Event]
    ) -> None:
        name = codec.name
        if name == "telephone-event":
            self._receive_tone(stream, packet, codec, events)
            self._place(stream, number, packet, now, empty=True)
        elif name == "red":
            self._receive_red(stream, number, packet, now, events)
        elif not packet.payload:
            self._place(stream, number, packet, now, empty=True)
        else:
            self._place(stream, number, packet, now, empty=not self._carries_frames(codec))

    def _carries_frames(self, codec: Codec) -> bool:
        return codec.is_primary or codec.name == "cn"

    def _place(self, stream: Incoming, number: int, packet: rtp.Packet, now: float, *, empty: bool = False) -> None:
        match stream.buffer.insert(number, packet, now, empty=empty):
            case Insertion.DUPLICATE:
                stream.statistics.packets_duplicated += 1
            case Insertion.LATE:
                stream.statistics.packets_discarded += 1
            case Insertion.NEW:
                pass

    def _receive_tone(self, stream: Incoming, packet: rtp.Packet, codec: Codec, events: list[Event]) -> None:
        try:
            report = tones.pull(packet.payload)
        except DecodeError:
            return
        for told in stream.tones.receive(packet.timestamp, report):
            seconds_on = told.duration / codec.clock_rate
            events.append(ToneReceived(self.config.key, stream.ssrc, told.event, told.volume, seconds_on, told.end))

    def _receive_red(self, stream: Incoming, number: int, packet: rtp.Packet, now: float, events: list[Event]) -> None:
        """RFC 2198: the last block is the packet's own; the ones before stand for packets that may be missing."""
        try:
            *older, primary = red.parse(packet.payload)
        except DecodeError:
            self._place(stream, number, packet, now, empty=True)
            return
        for back, block in zip(range(len(older), 0, -1), older, strict=True):
            if block.data and stream.buffer.is_missing(number - back):
                timestamp = (packet.timestamp - block.offset) & 0xFFFFFFFF
                recovered = rtp.Packet(
                    block.payload_type, (packet.sequence_number - back) & 0xFFFF, timestamp, packet.ssrc, block.data
                )
                stream.statistics.packets_recovered += 1
                self._insert_inner(stream, number - back, recovered, now, events)
        inner = rtp.Packet(
            primary.payload_type,
            packet.sequence_number,
            packet.timestamp,
            packet.ssrc,
            primary.data,
            packet.marker,
            packet.csrcs,
            packet.extensions,
        )
        self._insert_inner(stream, number, inner, now, events)

    def _insert_inner(self, stream: Incoming, number: int, packet: rtp.Packet, now: float, events: list[Event]) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is None or codec.name in ("red", "rtx"):
            self._place(stream, number, packet, now, empty=True)
        else:
            self._insert(stream, number, packet, codec, now, events)

    def _receive_rtx(self, packet: rtp.Packet, codec: Codec, size: int, now: float) -> list[Event] | str:
        """RFC 4588 section 4: the original's number stands before its payload."""
        repair = self.repairs.get(packet.ssrc)
        if repair is None:
            if len(self.repairs) >= MAX_STREAMS:
                return "too many repair streams"
            rid = self._rid(packet, extensions.REPAIRED_RID) or self._rid(packet, extensions.RID)
            repair = self.repairs[packet.ssrc] = Repair(packet.ssrc, codec.clock_rate, rid)
        if repair.reception.receive(packet.sequence_number, packet.timestamp, now) is None:
            return "far from the sequence numbers before"
        number = int.from_bytes(packet.payload[:2], "big")
        stream = self._repaired(repair, number if len(packet.payload) >= 2 else None)
        if stream is None:
            return "an RTX packet for a stream that isn't known"
        counters = stream.statistics
        counters.rtx_ssrc = repair.ssrc
        counters.packets_received += 1
        counters.retransmitted_packets_received += 1
        counters.bytes_received += len(packet.payload)
        counters.retransmitted_bytes_received += len(packet.payload)
        counters.header_bytes_received += size - len(packet.payload)
        counters.last_packet_received = now
        original = self._codecs.get(codec.associated if codec.associated is not None else -1)
        if len(packet.payload) <= 2 or original is None:
            return []  # padding: probes go over RTX
        highest = stream.reception.highest
        extended = highest + ((number - highest + 0x8000) & 0xFFFF) - 0x8000
        events: list[Event] = []
        restored = rtp.Packet(
            original.payload_type,
            number,
            packet.timestamp,
            stream.ssrc,
            packet.payload[2:],
            packet.marker,
            packet.csrcs,
            packet.extensions,
        )
        if extended <= highest or stream.reception.received:
            self._insert(stream, extended, restored, original, now, events)
        self._advance(stream, now, events)
        return events

    def _repaired(self, repair: Repair, number: int | None) -> Incoming | None:
        """Whose packets these are: as declared, by the rid, else who misses this one, else the only stream there is."""
        if repair.repaired in self.streams:
            return self.streams[repair.repaired]
        declared = self.config.repairs.get(repair.ssrc)
        found: Incoming | None = None
        if declared is not None:
            found = self.streams.get(declared)
        elif repair.rid is not None:
            found = next((stream for stream in self.streams.values() if stream.rid == repair.rid), None)
        elif len(self.streams) == 1:
            found = next(iter(self.streams.values()))
        elif number is not None:
            missing = [one for one in self.streams.values() if one.buffer.is_missing(_near(number, one))]
            found = missing[0] if len(missing) == 1 else None
        if found is not None:
            repair.repaired = found.ssrc
        return found

    # out of the buffer

    def _advance(self, stream: Incoming, now: float, events: list[Event]) -> None:
        round_trip_time = self._inlet.round_trip_time
        repeats = "nack" in stream.codec.feedback
        # Two tries of a retransmission, then the picture is given up for a key frame.
        stream.buffer.wait = min(max(2.5 * round_trip_time + 0.05, MIN_WAIT), MAX_WAIT) if repeats else REORDERING
        if stream.video and not repeats:
            stream.buffer.wait = MIN_WAIT
        for out in stream.buffer.take(now):
            if isinstance(out, Gap):
                self._lost(stream, out, now, events)
            else:
                self._unit(stream, out, now, events)
        if repeats:
            self._request(stream, now, max(1.1 * round_trip_time, 0.02))
        asked = stream.key_frame_requested_at
        if stream.needs_key_frame and asked is not None and now - asked > max(2 * round_trip_time, 0.3):
            self._request_key_frame(stream, now)

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
        counters.jitter_buffer_emitted_count += 1
        counters.jitter_buffer_delay += play_at - unit.first_arrival
        counters.jitter_buffer_minimum_delay += stream.playout.delay
        counters.jitter_buffer_target_delay += max(stream.playout.delay, self.minimum_delay)
        if len(unit.packets) > 1:
            counters.frames_assembled_from_multiple_packets += 1
            counters.total_assembly_time += unit.arrival - unit.first_arrival
        level = self._audio_level(first)
        frame = EncodedFrame(
            data,
            first.timestamp,
            key_frame=key_frame,
            arrival=unit.arrival,
            capture_ntp=self._capture_time(first, stream),
            audio_level=level.level if level is not None else None,
            voice=level is not None and level.voice,
        )
        return FrameReceived(self.config.key, stream.rid, codec.payload_type, stream.ssrc, frame, play_at)

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

    # sources

    def _audio_level(self, packet: rtp.Packet) -> AudioLevel | None:
        data = self.value(packet, extensions.AUDIO_LEVEL)
        try:
            return extensions.pull_audio_level(data) if data is not None else None
        except DecodeError:
            return None

    def _note_sources(self, packet: rtp.Packet, stream: Incoming, now: float) -> None:
        level = self._audio_level(packet)
        if level is not None:
            stream.statistics.audio_level = level.level
        loudness = None if level is None else level.level
        _note(self._ssrcs, Source(packet.ssrc, False, now, packet.timestamp, loudness))
        if packet.csrcs:
            data = self.value(packet, extensions.MIXER_AUDIO_LEVEL) or b""
            levels = extensions.pull_mixer_levels(data)
            for place, csrc in enumerate(packet.csrcs):
                heard = levels[place] if place < len(levels) else None
                _note(self._csrcs, Source(csrc, True, now, packet.timestamp, heard))


def _near(number: int, stream: Incoming) -> int:
    highest = stream.reception.highest
    return highest + ((number - highest + 0x8000) & 0xFFFF) - 0x8000


def _note(sources: dict[int, Source], source: Source) -> None:
    sources.pop(source.ssrc, None)
    sources[source.ssrc] = source
    while len(sources) > MAX_SOURCES:
        del sources[next(iter(sources))]
