"""The first half of a receiver: packets into the jitter buffers of their streams, repaired and unwrapped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Protocol

from peer.errors import DecodeError
from peer.rtp import extensions, tones
from peer.rtp.clock import distance16
from peer.rtp.config import Codec, ReceiveConfig
from peer.rtp.events import EndReason, Event, StreamStarted, ToneReceived
from peer.rtp.extensions import AudioLevel
from peer.rtp.fec import Parity, Recovery, pull_flexfec, pull_ulpfec, without_mutable
from peer.rtp.incoming import Incoming, Repair
from peer.rtp.jitter import Insertion
from peer.rtp.payload import red
from peer.wire import rtcp, rtp

__all__ = ["Inlet", "Intake", "Source"]

MAX_STREAMS: Final = 32
MAX_SOURCES: Final = 64
SILENCE: Final = 25.0
"""RFC 3550 section 6.3.5: five report intervals of five seconds without a packet, and a stream has ended."""
MUTABLE: Final = (extensions.TRANSPORT_WIDE, extensions.ABS_SEND_TIME, extensions.TOFFSET)


class Inlet(Protocol):
    """What a receiver asks of its transport."""

    @property
    def round_trip_time(self) -> float: ...

    @property
    def reporter(self) -> int: ...

    def feed_back(self, packet: rtcp.Packet, *, reduced: bool) -> None: ...

    def forgotten(self, ssrc: int) -> None: ...


@dataclass(slots=True)
class Source:
    """W3C RTCRtpContributingSource, or a synchronization source. `time` of its last packet; `audio_level` in -dBov."""

    ssrc: int
    contributing: bool
    time: float
    rtp_timestamp: int
    audio_level: int | None = None


class Intake(ABC):
    """Streams by SSRC, the RTX and FEC streams beside them, and what each payload type means."""

    def __init__(self, config: ReceiveConfig, inlet: Inlet) -> None:
        self._inlet = inlet
        self.streams: dict[int, Incoming] = {}
        self.repairs: dict[int, Repair] = {}
        self._csrcs: dict[int, Source] = {}
        self._ssrcs: dict[int, Source] = {}
        self._apply(config)

    def _apply(self, config: ReceiveConfig) -> None:
        self.config = config
        self._codecs = {codec.payload_type: codec for codec in config.codecs}
        self._protected = any(codec.name in ("ulpfec", "flexfec-03") for codec in config.codecs)
        self._mutable = [config.extensions[uri] for uri in MUTABLE if uri in config.extensions]
        self.feeds_back_transport_wide = any("transport-cc" in codec.feedback for codec in config.codecs)
        self.feeds_back_remb = any("goog-remb" in codec.feedback for codec in config.codecs)
        self.feeds_back_congestion = any("ack ccfb" in codec.feedback for codec in config.codecs)

    @abstractmethod
    def _advance(self, stream: Incoming, now: float, events: list[Event]) -> None:
        """What can come out of the stream's buffer comes out."""

    @abstractmethod
    def end(self, ssrc: int, reason: EndReason, text: str = "", *, keep: bool = False) -> list[Event]: ...

    # the transport's side

    def codec(self, payload_type: int) -> Codec | None:
        return self._codecs.get(payload_type)

    def value(self, packet: rtp.Packet, uri: str) -> bytes | None:
        """The bytes of a header extension, by its URI."""
        id = self.config.extensions.get(uri)
        return packet.extension(id) if id is not None else None

    def receive(self, packet: rtp.Packet, clear: bytes, now: float) -> list[Event] | str:
        """A packet that is this receiver's; `clear` are its bytes. A text says why it was discarded."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            return f"payload type {packet.payload_type} was not negotiated"
        if codec.name == "rtx":
            return self._receive_rtx(packet, codec, len(clear), now)
        if codec.name == "flexfec-03":
            return self._receive_flexfec(packet, codec, len(clear), now)
        events: list[Event] = []
        stream = self.streams.get(packet.ssrc) or self._begin(packet, codec, events, now)
        if stream is None:
            return "too many streams"
        why_not = self._revive(stream, packet, events)
        if why_not:
            return why_not
        placed = stream.reception.receive(packet.sequence_number, packet.timestamp, now)
        if placed is None:
            return "far from the sequence numbers before"
        number, fresh = placed
        if fresh:
            stream.begin_anew()
        if stream.rid is None and packet.extensions:
            stream.rid = stream.statistics.rid = self._rid(packet, extensions.RID)
        counters = stream.statistics
        counters.packets_received += 1
        counters.bytes_received += len(packet.payload)
        counters.header_bytes_received += len(clear) - len(packet.payload)
        counters.last_packet_received = now
        self._note_sources(packet, stream, now)
        self._insert(stream, number, packet, codec, now, events)
        if self._protected and codec.is_primary:
            self._recovered(
                stream, self._recovery(stream).media(packet.sequence_number, self._fixed(clear)), now, events
            )
        self._advance(stream, now, events)
        return events

    def _begin(self, packet: rtp.Packet, codec: Codec, events: list[Event], now: float) -> Incoming | None:
        if len(self.streams) >= MAX_STREAMS and not self._make_room(now, events):
            return None
        if not codec.is_primary:  # the clock is what counts: RED and events run on that of the codec beside them
            rate = codec.clock_rate
            codec = next((one for one in self.config.codecs if one.is_primary and one.clock_rate == rate), codec)
        video = self.config.kind == "video"
        stream = Incoming(packet.ssrc, codec, self._rid(packet, extensions.RID), video=video)
        self.streams[packet.ssrc] = stream
        events.append(StreamStarted(self.config.key, stream.ssrc, stream.rid))
        return stream

    def _revive(self, stream: Incoming, packet: rtp.Packet, events: list[Event]) -> str:
        """RFC 3550 section 6.2.1: after a BYE stragglers may come; something newer is the stream again."""
        if stream.ended is None:
            return ""
        ahead = distance16(packet.sequence_number, stream.reception.highest & 0xFFFF)
        if stream.ended is EndReason.BYE and ahead <= 0:
            return "a straggler after BYE"
        stream.ended = None
        events.append(StreamStarted(self.config.key, stream.ssrc, stream.rid))
        return ""

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
        elif name == "ulpfec":
            self._place(stream, number, packet, now, empty=True)
            self._receive_ulpfec(stream, packet, now, events)
        else:
            carries = (codec.is_primary or name == "cn") and packet.payload
            self._place(stream, number, packet, now, empty=not carries)

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
            duration = told.duration / codec.clock_rate
            events.append(ToneReceived(self.config.key, stream.ssrc, told.event, told.volume, duration, told.end))

    def _receive_red(self, stream: Incoming, number: int, packet: rtp.Packet, now: float, events: list[Event]) -> None:
        """RFC 2198: the last block is the packet's own; the ones before stand for packets that may be missing."""
        try:
            *older, primary = red.parse(packet.payload)
        except DecodeError:
            self._place(stream, number, packet, now, empty=True)
            return
        inner = rtp.Packet(
            primary.payload_type,
            packet.sequence_number,
            packet.timestamp,
            packet.ssrc,
            primary.data,
            packet.marker,
            packet.csrcs,
            packet.extensions,
            packet.extension_profile,
        )
        self._insert_inner(stream, number, inner, now, events)
        # Only now is it known what is missing before this one.
        for back, block in zip(range(len(older), 0, -1), older, strict=True):
            if block.data and stream.buffer.is_missing(number - back):
                recovered = rtp.Packet(
                    block.payload_type,
                    (packet.sequence_number - back) & 0xFFFF,
                    (packet.timestamp - block.offset) & 0xFFFFFFFF,
                    packet.ssrc,
                    block.data,
                )
                stream.statistics.packets_recovered += 1
                self._insert_inner(stream, number - back, recovered, now, events)

    def _insert_inner(self, stream: Incoming, number: int, packet: rtp.Packet, now: float, events: list[Event]) -> None:
        """What was inside a RED payload. Media is what ULPFEC protects, as it was before it was wrapped."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None or codec.name in ("red", "rtx"):
            self._place(stream, number, packet, now, empty=True)
            return
        self._insert(stream, number, packet, codec, now, events)
        if stream.video and self._protected and codec.is_primary:
            data = self._fixed(packet.serialize())
            self._recovered(stream, self._recovery(stream).media(packet.sequence_number, data), now, events)

    # repair

    def _receive_rtx(self, packet: rtp.Packet, codec: Codec, size: int, now: float) -> list[Event] | str:
        """RFC 4588 section 4: the original's number stands before its payload."""
        repair = self._repair(packet, codec, now)
        if isinstance(repair, str):
            return repair
        number = int.from_bytes(packet.payload[:2], "big") if len(packet.payload) >= 2 else None
        stream = self._repaired(repair, number)
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
        events: list[Event] = []
        if number is None or len(packet.payload) == 2 or original is None or stream.ended is not None:
            return events  # padding: probes go over RTX
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
        self._insert(stream, stream.near(number), restored, original, now, events)
        self._advance(stream, now, events)
        return events

    def _repair(self, packet: rtp.Packet, codec: Codec, now: float) -> Repair | str:
        repair = self.repairs.get(packet.ssrc)
        if repair is None:
            if len(self.repairs) >= MAX_STREAMS:
                return "too many repair streams"
            rid = self._rid(packet, extensions.REPAIRED_RID) or self._rid(packet, extensions.RID)
            repair = self.repairs[packet.ssrc] = Repair(packet.ssrc, codec.clock_rate, rid)
        if repair.reception.receive(packet.sequence_number, packet.timestamp, now) is None:
            return "far from the sequence numbers before"
        return repair

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
            missing = [one for one in self.streams.values() if one.buffer.is_missing(one.near(number))]
            found = missing[0] if len(missing) == 1 else None
        if found is not None:
            repair.repaired = found.ssrc
        return found

    def _receive_flexfec(self, packet: rtp.Packet, codec: Codec, size: int, now: float) -> list[Event] | str:
        repair = self._repair(packet, codec, now)
        if isinstance(repair, str):
            return repair
        try:
            parity = pull_flexfec(packet.payload)
        except DecodeError as error:
            return str(error)
        stream = self.streams.get(parity.ssrc)
        if stream is None:
            return "FlexFEC for a stream that isn't known"
        counters = stream.statistics
        counters.fec_ssrc = repair.ssrc
        counters.packets_received += 1
        counters.bytes_received += len(packet.payload)
        counters.header_bytes_received += size - len(packet.payload)
        events: list[Event] = []
        self._take_parity(stream, parity, len(packet.payload), now, events)
        self._advance(stream, now, events)
        return events

    def _receive_ulpfec(self, stream: Incoming, packet: rtp.Packet, now: float, events: list[Event]) -> None:
        try:
            parity = pull_ulpfec(packet.payload, packet.ssrc)
        except DecodeError:
            return
        self._take_parity(stream, parity, len(packet.payload), now, events)

    def _take_parity(self, stream: Incoming, parity: Parity, size: int, now: float, events: list[Event]) -> None:
        stream.statistics.fec_packets_received += 1
        stream.statistics.fec_bytes_received += size
        recovery = self._recovery(stream)
        self._recovered(stream, recovery.parity(parity), now, events)
        stream.statistics.fec_packets_discarded = recovery.discarded

    def _recovered(self, stream: Incoming, found: list[bytes], now: float, events: list[Event]) -> None:
        for data in found:
            try:
                packet = rtp.parse(data)
            except DecodeError:
                continue
            codec = self._codecs.get(packet.payload_type)
            if codec is None or not codec.is_primary:
                continue
            stream.statistics.packets_recovered += 1
            self._insert(stream, stream.near(packet.sequence_number), packet, codec, now, events)

    def _recovery(self, stream: Incoming) -> Recovery:
        stream.recovery = stream.recovery or Recovery()
        return stream.recovery

    def _fixed(self, clear: bytes) -> bytes:
        return without_mutable(clear, self._mutable)

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
            levels = extensions.pull_mixer_levels(self.value(packet, extensions.MIXER_AUDIO_LEVEL) or b"")
            for place, csrc in enumerate(packet.csrcs):
                heard = levels[place] if place < len(levels) else None
                _note(self._csrcs, Source(csrc, True, now, packet.timestamp, heard))


def _note(sources: dict[int, Source], source: Source) -> None:
    sources.pop(source.ssrc, None)
    sources[source.ssrc] = source
    while len(sources) > MAX_SOURCES:
        del sources[next(iter(sources))]
