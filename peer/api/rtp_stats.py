"""The RTP dictionaries of webrtc-stats, out of the engine's counters, and a receiver's sources (webrtc-pc section 5.3).

Each stream is an object of its own: its id hangs on the transceiver and the SSRC. Members that don't hold for a kind
("MUST NOT exist for audio") are None here, and left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from peer.api.webidl import Dictionary
from peer.media.inbound import Inbound, Stream
from peer.media.layer import VideoLayer
from peer.media.outbound import Outbound
from peer.rtp.clock import NTP_EPOCH
from peer.rtp.statistics import Inbound as InboundCounters
from peer.rtp.statistics import Outbound as OutboundCounters

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.rtp_transceiver import RTCRtpTransceiver

__all__ = ["RtpStats", "epoch", "sources"]

_MILLISECONDS: Final = 1000.0


def epoch(core: Core, moment: float) -> float:
    """A moment of the connection's clock as Performance.timeOrigin + Performance.now(), in ms."""
    return (moment + core.ntp_offset - NTP_EPOCH) * _MILLISECONDS


def sources(core: Core, key: int, *, contributing: bool) -> list[Dictionary]:
    """RTCRtpContributingSource or RTCRtpSynchronizationSource of the last ten seconds, latest first."""
    engine = core.media.engine
    inbound = None if engine is None else engine.receivers.get(key)
    if inbound is None or inbound.receiver is None:
        return []
    receiver, now = inbound.receiver, core.now()
    heard = [source for source in receiver.sources(now) if source.contributing is contributing]
    made = []
    for source in heard:
        dictionary = Dictionary(
            timestamp=epoch(core, source.time), source=source.ssrc, rtpTimestamp=source.rtp_timestamp
        )
        if inbound.kind == "audio" and source.audio_level is not None:
            dictionary["audioLevel"] = _linear(source.audio_level)
        made.append(dictionary)
    return made


def _linear(level: int) -> float:
    """-dBov of RFC 6464 and RFC 6465 to 0..1: webrtc-pc section 5.3.1."""
    return 0.0 if level >= 127 else float(10 ** (-level / 20))


class Collection(Protocol):
    """The report in the making: see `peer.api.stats`."""

    def id(self, name: str) -> str: ...
    def add(self, stats_type: str, name: str, /, **stats: Any) -> str: ...


class RtpStats:
    """Adds what one transceiver sends and receives to a report."""

    def __init__(self, core: Core, collection: Collection, transceiver: RTCRtpTransceiver, transport_id: str) -> None:
        self._core = core
        self._collection = collection
        self._transceiver = transceiver
        self._slots = transceiver._slots
        self._now = core.now()
        self._transport = str(self._slots.transport)
        self._common: dict[str, Any] = {"kind": str(self._slots.kind), "transportId": transport_id}

    # sending

    def add_sent(self, outbound: Outbound, source_id: str | None) -> None:
        """outbound-rtp of each encoding, and remote-inbound-rtp once a report came."""
        if outbound.sender is None:
            return
        layers = {layer.layer.rid: layer for layer in outbound.layers}
        for index, counters in enumerate(outbound.sender.statistics):
            self._add_outbound(outbound, counters, layers.get(counters.rid), index, source_id)

    def _add_outbound(
        self,
        outbound: Outbound,
        counters: OutboundCounters,
        layer: VideoLayer | None,
        index: int,
        source_id: str | None,
    ) -> None:
        name = f"{self._slots.key} {counters.ssrc}"
        plan = outbound.plan
        planned = plan.layers[index] if plan is not None and index < len(plan.layers) else None
        payload_type = counters.payload_type if planned is None else planned.codec.payload_type
        codec_id = self._codec(payload_type, "send")
        own_id = self._collection.id(f"outbound-rtp {name}")
        remote = counters.remote
        remote_id = None if remote is None else self._collection.id(f"remote-inbound-rtp {name}")
        video = outbound.kind == "video"
        self._collection.add(
            "outbound-rtp",
            name,
            **self._common,
            ssrc=counters.ssrc,
            codecId=codec_id,
            mid=self._slots.mid,
            mediaSourceId=source_id,
            remoteId=remote_id,
            rid=counters.rid if video else None,
            encodingIndex=index if video else None,
            packetsSent=counters.packets_sent,
            bytesSent=counters.bytes_sent,
            headerBytesSent=counters.header_bytes_sent,
            retransmittedPacketsSent=counters.retransmitted_packets_sent,
            retransmittedBytesSent=counters.retransmitted_bytes_sent,
            rtxSsrc=counters.rtx_ssrc,
            targetBitrate=float(layer.bit_rate) if layer is not None else None,
            totalPacketSendDelay=counters.total_packet_send_delay,
            nackCount=counters.nack_count,
            firCount=counters.fir_count if video else None,
            pliCount=counters.pli_count if video else None,
            active=planned is not None and planned.active,
            **(self._sent_pictures(counters, layer) if video and layer is not None else {}),
        )
        if remote is not None:
            self._collection.add(
                "remote-inbound-rtp",
                name,
                **self._common,
                ssrc=counters.ssrc,
                codecId=codec_id,
                localId=own_id,
                packetsReceived=remote.packets_received,
                packetsLost=remote.packets_lost,
                jitter=remote.jitter,
                fractionLost=remote.fraction_lost,
                roundTripTime=remote.round_trip_time,
                totalRoundTripTime=remote.total_round_trip_time,
                roundTripTimeMeasurements=remote.round_trip_time_measurements,
            )

    def _sent_pictures(self, counters: OutboundCounters, layer: VideoLayer) -> dict[str, Any]:
        return {
            "framesSent": counters.frames_sent,
            "hugeFramesSent": counters.huge_frames_sent,
            "framesEncoded": layer.frames_encoded,
            "keyFramesEncoded": layer.key_frames,
            "totalEncodeTime": layer.encode_time,
            "qualityLimitationReason": layer.limits.reason(self._now),
            "qualityLimitationDurations": layer.limits.durations(self._now),
            "qualityLimitationResolutionChanges": 0,  # pictures are left out, never made smaller
            "frameWidth": layer.meter.width or None,
            "frameHeight": layer.meter.height or None,
            "framesPerSecond": layer.meter.rate(self._now) if layer.meter.count else None,
        }

    # receiving

    def add_received(self, inbound: Inbound) -> None:
        """inbound-rtp of each stream, and remote-outbound-rtp once its sender reported."""
        if inbound.receiver is None:
            return
        for counters in inbound.receiver.statistics:
            self._add_inbound(inbound, counters, inbound.streams.get(counters.ssrc))

    def _add_inbound(self, inbound: Inbound, counters: InboundCounters, stream: Stream | None) -> None:
        name = f"{self._slots.key} {counters.ssrc}"
        codec_id = self._codec(counters.payload_type, "receive")
        own_id = self._collection.id(f"inbound-rtp {name}")
        remote = counters.remote
        remote_id = None if remote is None else self._collection.id(f"remote-outbound-rtp {name}")
        last = counters.last_packet_received
        video = inbound.kind == "video"
        self._collection.add(
            "inbound-rtp",
            name,
            **self._common,
            ssrc=counters.ssrc,
            codecId=codec_id,
            trackIdentifier=self._transceiver.receiver.track.id,
            mid=self._slots.mid,
            remoteId=remote_id,
            packetsReceived=counters.packets_received,
            packetsLost=counters.packets_lost,
            packetsDiscarded=counters.packets_discarded,
            jitter=counters.jitter,
            lastPacketReceivedTimestamp=None if last is None else epoch(self._core, last),
            bytesReceived=counters.bytes_received,
            headerBytesReceived=counters.header_bytes_received,
            fecSsrc=counters.fec_ssrc,
            fecPacketsReceived=counters.fec_packets_received,
            fecBytesReceived=counters.fec_bytes_received,
            fecPacketsDiscarded=counters.fec_packets_discarded,
            rtxSsrc=counters.rtx_ssrc,
            retransmittedPacketsReceived=counters.retransmitted_packets_received,
            retransmittedBytesReceived=counters.retransmitted_bytes_received,
            nackCount=counters.nack_count,
            estimatedPlayoutTimestamp=_playout_time(stream, self._now),
            jitterBufferDelay=0.0 if stream is None else stream.buffered.delay,
            jitterBufferTargetDelay=0.0 if stream is None else stream.buffered.target,
            jitterBufferMinimumDelay=0.0 if stream is None else stream.buffered.minimum,
            jitterBufferEmittedCount=0 if stream is None else stream.buffered.emitted,
            **(_received_pictures(counters, stream, self._now) if video else _received_sound(stream)),
        )
        if remote is not None:
            self._collection.add(
                "remote-outbound-rtp",
                name,
                **self._common,
                ssrc=counters.ssrc,
                codecId=codec_id,
                localId=own_id,
                packetsSent=remote.packets_sent,
                bytesSent=remote.bytes_sent,
                reportsSent=remote.reports_sent,
                remoteTimestamp=(remote.remote_time - NTP_EPOCH) * _MILLISECONDS,
                roundTripTime=remote.round_trip_time,
                totalRoundTripTime=remote.total_round_trip_time,
                roundTripTimeMeasurements=remote.round_trip_time_measurements,
            )

    def _codec(self, payload_type: int | None, direction: str) -> str | None:
        """The codec dictionary of a payload type. webrtc-stats: it exists as long as a stream refers to it."""
        negotiated = self._slots.send if direction == "send" else self._slots.receive
        entry = next((one for one in negotiated.codecs if one.payload_type == payload_type), None)
        if entry is None:
            return None
        codec = entry.codec
        return self._collection.add(
            "codec",
            f"{self._transport} {entry.payload_type} {codec.mime_type} {codec.fmtp}",
            payloadType=entry.payload_type,
            mimeType=codec.mime_type,
            clockRate=codec.clock_rate,
            channels=codec.channels,
            sdpFmtpLine=codec.fmtp,
            transportId=self._common["transportId"],
        )


def _playout_time(stream: Stream | None, now: float) -> float | None:
    """What the track plays now, in NTP ms of its sender, from 1900 (webrtc-stats, estimatedPlayoutTimestamp)."""
    if stream is None or stream.played is None:
        return None
    captured, moment = stream.played
    return (captured + now - moment) * _MILLISECONDS


def _received_pictures(counters: InboundCounters, stream: Stream | None, now: float) -> dict[str, Any]:
    members: dict[str, Any] = {
        "framesReceived": counters.frames_received,
        "framesAssembledFromMultiplePackets": counters.frames_assembled_from_multiple_packets,
        "totalAssemblyTime": counters.total_assembly_time,
        "firCount": counters.fir_count,
        "pliCount": counters.pli_count,
        "framesDecoded": 0 if stream is None else stream.frames_decoded,
        "keyFramesDecoded": 0 if stream is None else stream.key_frames_decoded,
        "framesDropped": counters.frames_dropped + (0 if stream is None else stream.frames_dropped),
    }
    if stream is not None and stream.meter.count:
        members |= {
            "frameWidth": stream.meter.width,
            "frameHeight": stream.meter.height,
            "framesPerSecond": stream.meter.rate(now),
            "totalDecodeTime": stream.decode_time,
            "totalInterFrameDelay": stream.inter_frame_delay,
            "totalSquaredInterFrameDelay": stream.squared_inter_frame_delay,
            "freezeCount": stream.freezes,
            "totalFreezesDuration": stream.frozen,
        }
    return members


def _received_sound(stream: Stream | None) -> dict[str, Any]:
    return {
        "totalSamplesReceived": 0 if stream is None else stream.sound.samples,
        "concealedSamples": 0 if stream is None else stream.concealed_samples,
        "concealmentEvents": 0 if stream is None else stream.concealment_events,
        "audioLevel": 0.0 if stream is None else stream.sound.level,
        "totalAudioEnergy": 0.0 if stream is None else stream.sound.energy,
        "totalSamplesDuration": 0.0 if stream is None else stream.sound.duration,
    }
