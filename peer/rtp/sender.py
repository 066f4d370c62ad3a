"""A sender: its encodings' streams, frames cut into packets, tones, answers to what the other side asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, Protocol

from peer.errors import LocalProtocolError
from peer.rtp import extensions, statistics
from peer.rtp.clock import ntp64
from peer.rtp.config import Codec, SendConfig
from peer.rtp.events import Event, KeyFrameRequested
from peer.rtp.extensions import AudioLevel, CaptureTime, Orientation
from peer.rtp.frame import EncodedFrame
from peer.rtp.outgoing import Outgoing
from peer.rtp.pacer import Kind, Queued
from peer.rtp.payload import Packetizer, packetizer
from peer.rtp.tones import Tone
from peer.wire import rtp

__all__ = ["Outlet", "Sender"]

HEADER: Final = 12
OSN: Final = 2
"""RFC 4588 section 4: the original sequence number before an RTX packet's payload."""
HUGE: Final = 2.5
"""W3C: a frame of this many times the average size is huge."""


class Outlet(Protocol):
    """What a sender asks of its transport."""

    @property
    def ntp_offset(self) -> float: ...

    def enqueue(self, item: Queued) -> None: ...

    def registered(self, sender: Sender, stream: Outgoing) -> None: ...

    def unregistered(self, stream: Outgoing, now: float) -> None: ...

    def released(self, one: Sender) -> None: ...


class Sender:
    """One RTCRtpSender's RTP. Made by `Transport.add_sender`."""

    def __init__(self, config: SendConfig, outlet: Outlet, entropy: Callable[[int], bytes]) -> None:
        self._outlet = outlet
        self._entropy = entropy
        self.config = config
        self.streams: list[Outgoing] = []
        self._packetizers: dict[tuple[int, int], tuple[Codec, Packetizer]] = {}
        self._tone: Tone | None = None
        self._average_size = 0.0
        self._ended = False
        self._apply(config, 0.0)

    # what the owner asks for

    def configure(self, config: SendConfig, now: float) -> None:
        """Another configuration: streams whose SSRC stays go on with their numbers, those that are gone say BYE."""
        self.config = config
        self._apply(config, now)

    def _apply(self, config: SendConfig, now: float) -> None:
        known = {stream.config.ssrc: stream for stream in self.streams}
        kept = []
        for wanted in config.streams:
            stream = known.pop(wanted.ssrc, None)
            if stream is None:
                stream = Outgoing(wanted, self._entropy)
                kept.append(stream)
                self._outlet.registered(self, stream)
                continue
            if stream.config != wanted:
                stream.reconfigure(wanted, self._entropy)
                self._outlet.registered(self, stream)
            kept.append(stream)
        for stream in known.values():
            self._outlet.unregistered(stream, now)
        self.streams = kept

    def codec(self, payload_type: int | None = None) -> Codec:
        """The format frames are sent in; without a payload type the first. Raises `LocalProtocolError` without any."""
        for codec in self.config.codecs:
            if codec.is_primary and payload_type in (None, codec.payload_type):
                return codec
        raise LocalProtocolError(f"payload type {payload_type} was not negotiated for sending")

    def send(self, frame: EncodedFrame, now: float, *, rid: str | None = None, payload_type: int | None = None) -> None:
        """One encoded frame of the encoding `rid` (None: the only one), in the codec of `payload_type`.

        `frame.timestamp` goes out as it is; `frame.arrival` is when the frame was captured, on `now`'s clock (0: now),
        which is what sender reports tell. While a tone plays, audio is left out.
        """
        stream = self.stream(rid)
        if self._ended:
            raise LocalProtocolError("the sender has ended")
        codec = self.codec(payload_type if payload_type is not None else stream.config.payload_type)
        captured = frame.arrival or now
        stream.sampled(frame.timestamp, captured, codec.clock_rate)
        if self._tone is not None:
            return
        self._count_frame(stream, frame, codec)
        values = self._frame_extensions(frame, captured)
        room = self.config.max_packet_size - HEADER - OSN - _room(self._common(stream), values)
        codec = self._wrapped(codec)
        payloads = self._packetizer(stream, codec).packetize(frame, room)
        for place, payload in enumerate(payloads):
            last = place == len(payloads) - 1
            self._enqueue(
                stream,
                codec,
                payload,
                values if place == 0 or frame.audio_level is not None else {},
                last=last,
                key_frame=frame.key_frame,
                now=now,
            )

    def _count_frame(self, stream: Outgoing, frame: EncodedFrame, codec: Codec) -> None:
        counters = stream.statistics
        counters.payload_type = codec.payload_type
        counters.frames_sent += 1
        counters.key_frames_sent += frame.key_frame
        size = len(frame.data)
        counters.huge_frames_sent += self._average_size > 0 and size > HUGE * self._average_size
        self._average_size = size if not self._average_size else 0.95 * self._average_size + 0.05 * size

    def _enqueue(
        self,
        stream: Outgoing,
        codec: Codec,
        payload: bytes,
        values: dict[str, bytes],
        *,
        last: bool,
        key_frame: bool,
        now: float,
    ) -> None:
        audio = self.config.kind == "audio"
        if last and key_frame and not audio:
            values = {**values, extensions.VIDEO_ORIENTATION: extensions.push_orientation(Orientation())}
        packet = rtp.Packet(
            payload_type=codec.payload_type,
            sequence_number=0,
            timestamp=stream.media.timestamp,
            ssrc=stream.ssrc,
            payload=payload,
            marker=last and not audio,
            extensions=self._extensions(stream, values),
        )
        kind = Kind.AUDIO if audio else Kind.VIDEO
        self._outlet.enqueue(Queued(packet, stream, kind, now, len(payload) + HEADER))

    def send_tone(self, event: int, duration_ms: int, now: float) -> None:
        """An event of RFC 4733 (0 to 9, 10 *, 11 #, 12 to 15 A to D) for `duration_ms`.

        Raises `LocalProtocolError` without a telephone-event format of the audio codec's clock rate.
        """
        stream = self.stream(None)
        rate = self.codec(stream.config.payload_type).clock_rate
        codec = next(
            (one for one in self.config.codecs if one.name == "telephone-event" and one.clock_rate == rate), None
        )
        if codec is None:
            raise LocalProtocolError(f"no telephone-event format with a clock of {rate} Hz was negotiated")
        stream.sampled(stream.timestamp_at(now), now, rate)
        self._tone = Tone(event, codec.payload_type, stream.media.timestamp, duration_ms * rate // 1000, rate, now)
        self._advance_tone(now)

    @property
    def is_playing(self) -> bool:
        """Whether a tone is on."""
        return self._tone is not None

    def end(self, now: float) -> None:
        """BYE for every stream; the transport forgets this sender."""
        if self._ended:
            return
        self._ended = True
        self._tone = None
        for stream in self.streams:
            self._outlet.unregistered(stream, now)
        self._outlet.released(self)

    @property
    def statistics(self) -> tuple[statistics.Outbound, ...]:
        """One for each stream, alive: they go on counting."""
        return tuple(stream.statistics for stream in self.streams)

    def stream(self, rid: str | None) -> Outgoing:
        """The stream of an encoding. Raises `LocalProtocolError` where there is none."""
        for stream in self.streams:
            if rid is None or stream.config.rid == rid:
                return stream
        raise LocalProtocolError(f"no encoding {rid!r}")

    # timers

    def next_timeout(self) -> float | None:
        return self._tone.next_at if self._tone is not None else None

    def handle_timeout(self, now: float) -> None:
        self._advance_tone(now)

    def _advance_tone(self, now: float) -> None:
        tone = self._tone
        if tone is None:
            return
        stream = self.streams[0]
        for marker, timestamp, payload in tone.due(now):
            packet = rtp.Packet(
                payload_type=tone.payload_type,
                sequence_number=0,
                timestamp=timestamp,
                ssrc=stream.ssrc,
                payload=payload,
                marker=marker,
                extensions=self._extensions(stream, {}),
            )
            self._outlet.enqueue(Queued(packet, stream, Kind.AUDIO, now, len(payload) + HEADER))
        if tone.is_over:
            self._tone = None

    # what the other side says

    def retransmit(self, stream: Outgoing, lost: Iterable[int], now: float, round_trip_time: float) -> None:
        """A NACK: what is still known is sent again, over RTX where that was negotiated (RFC 4588 section 4)."""
        stream.statistics.nack_count += 1
        for number in lost:
            packet = stream.history.take(number, now, round_trip_time)
            if packet is None:
                continue
            again = self._as_rtx(stream, packet)
            self._outlet.enqueue(Queued(again, stream, Kind.RETRANSMISSION, now, len(again.payload) + HEADER))

    def _as_rtx(self, stream: Outgoing, packet: rtp.Packet) -> rtp.Packet:
        format = next(
            (one for one in self.config.codecs if one.associated == packet.payload_type and one.name == "rtx"), None
        )
        if stream.rtx is None or format is None:
            return packet
        return replace(
            packet,
            payload_type=format.payload_type,
            ssrc=stream.rtx.ssrc,
            payload=packet.sequence_number.to_bytes(2, "big") + packet.payload,
            extensions=self._extensions(stream, {}, repairs=True),
            padding=0,
        )

    def renamed(self, stream: Outgoing) -> None:
        """The transport gave the stream another SSRC."""
        self._packetizers = {key: one for key, one in self._packetizers.items() if key[0] != stream.ssrc}
        streams = tuple(one.config for one in self.streams)
        self.config = replace(self.config, streams=streams)

    def key_frame_wanted(self, stream: Outgoing) -> Event:
        stream.statistics.pli_count += 1
        return KeyFrameRequested(self.config.key, stream.config.rid)

    def full_intra_wanted(self, stream: Outgoing, requester: int, command: int) -> Event | None:
        """RFC 5104 section 4.3.1.2: the same command number again is a repetition."""
        if stream.last_fir.get(requester) == command:
            return None
        stream.remember_fir(requester, command)
        stream.statistics.fir_count += 1
        return KeyFrameRequested(self.config.key, stream.config.rid)

    # inside

    def _packetizer(self, stream: Outgoing, codec: Codec) -> Packetizer:
        """A stream's numbers of pictures go on (RFC 7741 section 4.2) as long as its format is the same."""
        key = stream.ssrc, codec.payload_type
        made_for, made = self._packetizers.get(key, (None, None))
        if made is None or made_for != codec:
            made = packetizer(codec.mime_type, codec.fmtp, self._entropy)
            self._packetizers[key] = codec, made
        return made

    def _wrapped(self, codec: Codec) -> Codec:
        """RED, where it is preferred to the codec itself (RFC 2198): a packet of the past goes along."""
        first = self.config.codecs[0]
        if first.name != "red" or first.clock_rate != codec.clock_rate or self.config.kind != "audio":
            return codec
        return first if first.fmtp else replace(first, fmtp={f"{codec.payload_type}/{codec.payload_type}": ""})

    def _frame_extensions(self, frame: EncodedFrame, captured: float) -> dict[str, bytes]:
        values = {}
        if frame.audio_level is not None:
            values[extensions.AUDIO_LEVEL] = extensions.push_audio_level(AudioLevel(frame.audio_level, frame.voice))
        if extensions.ABS_CAPTURE_TIME in self.config.extensions:
            ntp = ntp64(captured + self._outlet.ntp_offset)
            values[extensions.ABS_CAPTURE_TIME] = extensions.push_capture_time(CaptureTime(ntp))
        return values

    def _common(self, stream: Outgoing) -> dict[str, bytes]:
        """What stands in every packet; the values that tell when it leaves are only room for now."""
        values = {extensions.MID: self.config.mid.encode()} if self.config.mid else {}
        if stream.config.rid is not None:
            values[extensions.RID] = stream.config.rid.encode()
        for uri, size in ((extensions.ABS_SEND_TIME, 3), (extensions.TRANSPORT_WIDE, 2), (extensions.TOFFSET, 3)):
            if uri in self.config.extensions:
                values[uri] = bytes(size)
        return values

    def _extensions(
        self, stream: Outgoing, values: dict[str, bytes], *, repairs: bool = False
    ) -> tuple[rtp.Extension, ...]:
        every = {**self._common(stream), **values}
        if repairs and extensions.RID in every:
            every[extensions.REPAIRED_RID] = every.pop(extensions.RID)
        ids = self.config.extensions
        return tuple(rtp.Extension(ids[uri], data) for uri, data in every.items() if uri in ids)


def _room(*values: dict[str, bytes]) -> int:
    """Bytes that header extensions take at most: the two-byte form, its head and padding."""
    size = sum(2 + len(data) for one in values for data in one.values())
    return size + 8 if size else 0


def stamped(packet: rtp.Packet, number: int, ids: dict[int, bytes]) -> rtp.Packet:
    """The packet as it leaves: with its sequence number, and `ids` (extension id to value) filled in."""
    elements = tuple(
        rtp.Extension(element.id, ids[element.id]) if element.id in ids else element for element in packet.extensions
    )
    return replace(packet, sequence_number=number, extensions=elements)
