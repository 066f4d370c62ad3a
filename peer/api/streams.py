"""Between a connection's transceivers and the media engine: slots to plain values, and what the engine tells back.

The engine is made with the first transceiver that has a transport; a connection of data channels has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from peer import jsep, rtp
from peer.api.parameters import codec_matches
from peer.media.engine import Engine
from peer.media.plans import Layer, SendPlan, Timer, TrackInput
from peer.media.work import Threads

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.rtp_transceiver import RTCRtpTransceiver

__all__ = ["Streams", "receive_config", "send_plan"]

# RFC 8835 section 4.1: very-low, low, medium and high are 1, 2, 4 and 8.
_PRIORITIES: Final = {"very-low": 0.5, "low": 1.0, "medium": 2.0, "high": 4.0}
# RFC 4733 section 3.2, table 3.
_EVENTS: Final = {tone: event for event, tone in enumerate("0123456789*#ABCD")}


class Streams:
    """The driver of one connection's engine (`peer.media.plans.Driver`)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        seams = core.seams
        pool = Threads(core.loop) if seams.pool is None else seams.pool(core.loop)
        self.engine = Engine(self, pool, seams.codecs)

    def transceiver_changed(self, transceiver: RTCRtpTransceiver) -> None:
        """Negotiated parameters, encodings, the track or the direction changed: read the slots."""
        slots = transceiver._slots
        self.engine.configure_sender(
            slots.key,
            slots.kind,
            slots.transport,
            send_plan(slots, self._core.state.configuration),
            self._input(transceiver),
        )
        track = transceiver.receiver.track
        self.engine.configure_receiver(
            slots.key,
            slots.kind,
            slots.transport,
            receive_config(slots),
            track.source,
            lambda: any(one._is_live for one in track._of_the_same_source()),
        )
        self.set_jitter_buffers()

    def set_jitter_buffers(self) -> None:
        """Webrtc-pc section 5.3, jitterBufferTarget: what is played in sync is held for the larger of their targets."""
        receivers = [
            (one._key, one.receiver.jitterBufferTarget or 0.0, one._slots.remote_stream_ids)
            for one in self._core.media.active()
        ]
        largest: dict[str, float] = {}
        for _, target, streams in receivers:
            largest.update({stream: max(target, largest.get(stream, 0.0)) for stream in streams})
        for key, target, streams in receivers:
            if key in self.engine.receivers:
                held = max([target, *(largest[stream] for stream in streams)])
                self.engine.receivers[key].set_minimum_delay(held / 1000)

    def _input(self, transceiver: RTCRtpTransceiver) -> TrackInput | None:
        track = transceiver.sender.track
        return None if track is None else TrackInput(track.source, track._flows)

    def play_tone(self, key: int, tone: str, duration: int) -> None:
        """The event of a telephone key for `duration` ms."""
        self.engine.play_tone(key, _EVENTS[tone], duration)

    # the engine's driver

    def now(self) -> float:
        return self._core.now()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return self._core.loop.call_at(when, callback)

    def entropy(self, size: int) -> bytes:
        return self._core.seams.entropy(size)

    def transport(self, key: int) -> rtp.Transport | None:
        stack = self._core.transports.get(key)
        return None if stack is None else stack.open_media()

    def is_connected(self, key: int) -> bool:
        stack = self._core.transports.get(key)
        return stack is not None and stack.has_media_keys

    def flush(self, key: int) -> None:
        stack = self._core.transports.get(key)
        if stack is not None:
            stack.flush_soon()

    def data_received(self, key: int) -> None:
        """Webrtc-pc section 9.3: data on a source whose track is muted unmutes it."""
        self._core.media.data_received(key)

    def source_removed(self, key: int) -> None:
        """Webrtc-pc section 9.3: a BYE mutes the track."""
        self._core.queue(lambda: self._core.media.mute(key))

    def tone_received(self, key: int, event: int) -> None:
        """Nobody in a page hears it."""


def send_plan(slots: jsep.Transceiver, configuration: jsep.Configuration) -> SendPlan | None:
    """What a transceiver sends; None while it doesn't."""
    direction = slots.current_direction
    codecs = tuple(_codec(one) for one in slots.send.codecs)
    primary = next((one for one in codecs if one.is_primary), None)
    if direction is None or not direction.sends or slots.stopped or primary is None:
        return None
    streams = jsep.sent_streams(configuration, slots)
    layers = tuple(
        _layer(encoding, stream.rid, slots.send.codecs, primary)
        for encoding, stream in zip(slots.encodings, streams, strict=True)
    )
    return SendPlan(
        rtp.SendConfig(
            key=slots.key,
            kind=str(slots.kind),
            mid=slots.mid or "",
            streams=tuple(
                rtp.SendStream(
                    stream.ssrc,
                    stream.rtx_ssrc if _rtx_of(layer.codec, codecs) else None,
                    stream.rid,
                    layer.codec.payload_type,
                    layer.max_bitrate,
                )
                for stream, layer in zip(streams, layers, strict=True)
            ),
            codecs=codecs,
            cname=configuration.cname,
            extensions={row.uri: row.id for row in slots.send.extensions},
            reduced_size=slots.send.reduced_size_rtcp,
            mixed=slots.send.extmap_allow_mixed,
        ),
        layers,
        max_bitrate=slots.send.max_bitrate,
        total_bitrate=slots.send.total_bitrate,
        ptime=slots.encodings[0].ptime or slots.send.ptime,
        silence_suppression=slots.send.silence_suppression,
    )


def _layer(
    encoding: jsep.Encoding, rid: str | None, negotiated: tuple[jsep.NegotiatedCodec, ...], primary: rtp.Codec
) -> Layer:
    codec = primary
    if encoding.codec is not None:
        asked = encoding.codec
        found = (one for one in negotiated if codec_matches(one.codec, asked, ignore_asymmetrical=True))
        codec = next((_codec(one) for one in found), primary)
    return Layer(
        rid,
        codec,
        active=encoding.active,
        max_bitrate=encoding.max_bitrate,
        max_framerate=encoding.max_framerate,
        scale=encoding.scale_resolution_down_by or 1.0,
        bounds=encoding.scale_resolution_down_to,
        priority=_PRIORITIES[encoding.priority],
    )


def _rtx_of(codec: rtp.Codec, codecs: tuple[rtp.Codec, ...]) -> bool:
    return any(one.name == "rtx" and one.associated == codec.payload_type for one in codecs)


def receive_config(slots: jsep.Transceiver) -> rtp.ReceiveConfig | None:
    """What a transceiver is ready to receive; None while it is not."""
    if not slots.receive.codecs or slots.stopped or slots.mid is None:
        return None
    groups = slots.receive.ssrc_groups
    repairs = {group.ssrcs[1]: group.ssrcs[0] for group in groups if _pairs(group.semantics, group.ssrcs, "FID")}
    protects = {group.ssrcs[1]: group.ssrcs[0] for group in groups if _pairs(group.semantics, group.ssrcs, "FEC-FR")}
    return rtp.ReceiveConfig(
        key=slots.key,
        kind=str(slots.kind),
        mid=slots.mid,
        codecs=tuple(_codec(one) for one in slots.receive.codecs),
        extensions={row.uri: row.id for row in slots.receive.extensions},
        rids=slots.receive.rids,
        ssrcs=tuple(ssrc for ssrc in slots.receive.ssrcs if ssrc not in repairs and ssrc not in protects),
        repairs=repairs,
        protects=protects,
        reduced_size=slots.receive.reduced_size_rtcp,
    )


def _pairs(semantics: str, ssrcs: tuple[int, ...], wanted: str) -> bool:
    return semantics == wanted and len(ssrcs) == 2


def _codec(one: jsep.NegotiatedCodec) -> rtp.Codec:
    codec = one.codec
    return rtp.Codec(
        one.payload_type,
        codec.mime_type,
        codec.clock_rate,
        codec.channels,
        rtp.parse_fmtp(codec.fmtp),
        frozenset(codec.feedback),
    )
