"""getStats: RTCStatsReport and the dictionaries of webrtc-stats (webrtc-pc section 8).

Ids are the same for the same object each time, and not predictable: a salted hash of our own name for it.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from peer.api.rtp_stats import RtpStats
from peer.api.tasks import Promise
from peer.api.webidl import Dictionary
from peer.ice import agent as ice
from peer.media.outbound import Outbound

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.rtp_receiver import RTCRtpReceiver
    from peer.api.rtp_sender import RTCRtpSender
    from peer.api.rtp_transceiver import RTCRtpTransceiver
    from peer.api.transports import TransportStack

__all__ = ["RTCStatsReport", "Stats"]


class RTCStatsReport(Mapping[str, Dictionary]):
    """A read-only map from id to RTCStats dictionary. As in a page: `get`, `has`, `size`, `forEach`, `keys`,
    `values`, `entries`.
    """

    def __init__(self, entries: Mapping[str, Dictionary]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, stats_id: str) -> Dictionary:
        return self._entries[stats_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        return len(self._entries)

    def has(self, stats_id: str) -> bool:
        return stats_id in self._entries

    def entries(self) -> list[tuple[str, Dictionary]]:
        return list(self._entries.items())

    def forEach(self, callback: Callable[[Dictionary, str, RTCStatsReport], Any]) -> None:
        for stats_id, stats in self._entries.items():
            callback(stats, stats_id, self)

    def of_type(self, kind: str) -> list[Dictionary]:
        """All of one RTCStatsType. (Not in the text: for tests.)"""
        return [stats for stats in self._entries.values() if stats["type"] == kind]


class _Collection:
    """The dictionaries of one report, made at one moment."""

    def __init__(self, salt: bytes) -> None:
        self.entries: dict[str, Dictionary] = {}
        self._salt = salt
        # Performance.timeOrigin + Performance.now(), in ms.
        self.timestamp = time.time() * 1000

    def id(self, name: str) -> str:
        return hashlib.sha256(self._salt + name.encode()).hexdigest()[:16]

    def add(self, stats_type: str, name: str, /, **stats: Any) -> str:
        """Add one dictionary, without members that are None. Returns its id."""
        stats_id = self.id(f"{stats_type} {name}")
        present = {member: value for member, value in stats.items() if value is not None}
        self.entries[stats_id] = Dictionary(id=stats_id, type=stats_type, timestamp=self.timestamp, **present)
        return stats_id

    def referenced_by(self, stats_type: str) -> dict[str, Dictionary]:
        """The dictionaries of a type, and what they refer to, directly or not: all names that end in Id do."""
        found: set[str] = set()
        wanted = [stats_id for stats_id, stats in self.entries.items() if stats["type"] == stats_type]
        while wanted:
            stats_id = wanted.pop()
            if stats_id not in found and stats_id in self.entries:
                found.add(stats_id)
                wanted += [value for name, value in self.entries[stats_id].items() if name.endswith("Id")]
        return {stats_id: stats for stats_id, stats in self.entries.items() if stats_id in found}


class Stats:
    """The statistics of one connection. Monitored objects keep reporting after close."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._salt = core.seams.entropy(16)

    def report(self, selector: RTCRtpSender | RTCRtpReceiver | None) -> Promise[RTCStatsReport]:
        """Gathered now, delivered by a task; also when the connection is closed."""
        promise: Promise[RTCStatsReport] = Promise()
        self._core.queue_even_closed(lambda: promise.resolve(self._collect(selector)))
        return promise

    def _collect(self, selector: RTCRtpSender | RTCRtpReceiver | None) -> RTCStatsReport:
        core = self._core
        collection = _Collection(self._salt)
        if selector is None:
            collection.add(
                "peer-connection",
                "",
                dataChannelsOpened=core.channels.opened,
                dataChannelsClosed=core.channels.closed,
            )
            self._add_channels(collection)
            for stack in core.transports.values():
                self._add_transport(collection, stack)
            for transceiver in core.media.transceivers():
                self._add_transceiver(collection, transceiver)
            return RTCStatsReport(collection.entries)
        transceiver = selector._transceiver
        sends = selector is transceiver.sender
        self._add_transceiver(collection, transceiver, sends=sends, receives=not sends)
        own = core.transports.get(transceiver._slots.transport or 0)
        if own is not None:
            self._add_transport(collection, own)
        return RTCStatsReport(collection.referenced_by("outbound-rtp" if sends else "inbound-rtp"))

    def _add_channels(self, collection: _Collection) -> None:
        for number, channel in self._core.channels.every.items():
            collection.add(
                "data-channel",
                str(number),
                label=channel.label,
                protocol=channel.protocol,
                dataChannelIdentifier=channel.id,
                state=str(channel.readyState),
                messagesSent=channel._messages_sent,
                bytesSent=channel._bytes_sent,
                messagesReceived=channel._messages_received,
                bytesReceived=channel._bytes_received,
            )

    def _add_transport(self, collection: _Collection, stack: TransportStack) -> None:
        session = stack.session
        own = (self._core.certificates[0]._certificate.der,)
        local = self._add_certificates(collection, f"{stack.key} local", own)
        remote = self._add_certificates(collection, f"{stack.key} remote", stack.dtls._remote_certificates)
        counters = None if session is None else session.counters
        handshake = None if session is None else session.handshake
        transport_id = collection.id(f"transport {stack.key}")
        selected = self._add_pairs(collection, stack, transport_id)
        collection.add(
            "transport",
            str(stack.key),
            dtlsState=str(stack.dtls.state),
            iceState=str(stack.ice.state),
            iceRole=str(stack.ice.role),
            iceLocalUsernameFragment=stack.ufrag,
            packetsSent=counters.packets_sent if counters else 0,
            packetsReceived=counters.packets_received if counters else 0,
            bytesSent=counters.bytes_sent if counters else 0,
            bytesReceived=counters.bytes_received if counters else 0,
            selectedCandidatePairId=selected,
            selectedCandidatePairChanges=stack.pair_changes,
            localCertificateId=local,
            remoteCertificateId=remote,
            tlsVersion=None if handshake is None else _tls_version(str(handshake.version)),
            dtlsCipher=None if handshake is None else handshake.cipher_suite,
            tlsGroup=None if handshake is None else handshake.named_group,
            dtlsRole="unknown" if session is None or session.role is None else str(session.role),
            srtpCipher=None if handshake is None else _srtp_profile(handshake.srtp_profile),
        )

    def _add_certificates(self, collection: _Collection, name: str, chain: tuple[bytes, ...]) -> str | None:
        """A chain, leaf first. Returns the id of the leaf."""
        issuer = None
        for position, der in reversed(list(enumerate(chain))):
            issuer = collection.add(
                "certificate",
                f"{name} {position}",
                fingerprint=hashlib.sha256(der).digest().hex(":").upper(),
                fingerprintAlgorithm="sha-256",
                base64Certificate=base64.b64encode(der).decode(),
                issuerCertificateId=issuer,
            )
        return issuer

    def _add_pairs(self, collection: _Collection, stack: TransportStack, transport_id: str) -> str | None:
        """The candidate pairs and their candidates. Returns the id of the selected pair."""
        if stack.session is None:
            return None
        agent = stack.session.ice
        selected_path = agent.selected_path
        selected = None
        media = stack.session.media
        available = float(media.target_bitrate) if media is not None and media.senders else None
        for candidate in agent.local_candidates:
            self._add_candidate(collection, "local-candidate", stack, candidate, transport_id)
        for candidate in agent.remote_candidates:
            self._add_candidate(collection, "remote-candidate", stack, candidate, transport_id)
        for pair in agent.pairs:
            pair_id = collection.add(
                "candidate-pair",
                f"{stack.key} {pair.path}",
                transportId=transport_id,
                localCandidateId=self._add_candidate(collection, "local-candidate", stack, pair.local, transport_id),
                remoteCandidateId=self._add_candidate(collection, "remote-candidate", stack, pair.remote, transport_id),
                state=str(pair.state),
                nominated=pair.nominated,
                packetsSent=pair.packets_sent,
                packetsReceived=pair.packets_received,
                bytesSent=pair.bytes_sent,
                bytesReceived=pair.bytes_received,
                totalRoundTripTime=pair.total_round_trip_time,
                currentRoundTripTime=pair.current_round_trip_time,
                requestsSent=pair.requests_sent,
                requestsReceived=pair.requests_received,
                responsesSent=pair.responses_sent,
                responsesReceived=pair.responses_received,
                consentRequestsSent=pair.consent_requests_sent,
                availableOutgoingBitrate=available if pair.path == selected_path else None,
            )
            if pair.path == selected_path:
                selected = pair_id
        return selected

    def _add_candidate(
        self, collection: _Collection, kind: str, stack: TransportStack, candidate: ice.Candidate, transport_id: str
    ) -> str:
        related = candidate.related
        remote = stack.ice._remote_parameters if kind == "remote-candidate" else None
        stats_id = collection.add(
            kind,
            f"{stack.key} {candidate.type} {candidate.protocol} {candidate.address}",
            transportId=transport_id,
            address=candidate.address.host,
            port=candidate.address.port,
            usernameFragment=stack.ufrag if kind == "local-candidate" else remote and remote.usernameFragment,
            protocol=candidate.protocol,
            candidateType=str(candidate.type),
            priority=candidate.priority,
            foundation=candidate.foundation,
            relatedAddress=None if related is None else related.host,
            relatedPort=None if related is None else related.port,
            tcpType=None if candidate.tcp_type is None else str(candidate.tcp_type),
            url=candidate.server,
            relayProtocol=candidate.relay_protocol,
        )
        if kind == "remote-candidate" and not stack.was_told_of(candidate):
            collection.entries[stats_id]["address"] = None  # "MUST leave the address member as null"
        return stats_id

    def _add_transceiver(
        self, collection: _Collection, transceiver: RTCRtpTransceiver, *, sends: bool = True, receives: bool = True
    ) -> None:
        """The streams of a transceiver's sender and receiver, their codecs, and the sender's source."""
        slots, engine = transceiver._slots, self._core.media.engine
        outbound = None if engine is None or not sends else engine.senders.get(slots.key)
        inbound = None if engine is None or not receives else engine.receivers.get(slots.key)
        source_id = self._add_source(collection, transceiver, outbound) if sends else None
        if slots.transport is None:
            return
        transport_id = collection.id(f"transport {slots.transport}")
        streams = RtpStats(self._core, collection, transceiver, transport_id)
        if outbound is not None:
            streams.add_sent(outbound, source_id)
        if inbound is not None:
            streams.add_received(inbound)

    def _add_source(
        self, collection: _Collection, transceiver: RTCRtpTransceiver, outbound: Outbound | None
    ) -> str | None:
        track = transceiver.sender.track
        if track is None:
            return None
        members: dict[str, Any] = {}
        if outbound is not None and track.kind == "audio":
            sound = outbound.sound
            members = {
                "audioLevel": sound.level,
                "totalAudioEnergy": sound.energy,
                "totalSamplesDuration": sound.duration,
            }
        elif outbound is not None and outbound.pictures.count:
            pictures = outbound.pictures
            members = {
                "width": pictures.width,
                "height": pictures.height,
                "frames": pictures.count,
                "framesPerSecond": pictures.rate(self._core.now()),
            }
        return collection.add("media-source", track.id, trackIdentifier=track.id, kind=track.kind, **members)


def _tls_version(version: str) -> str:
    """webrtc-stats: "the uppercase hexadecimal of the version on the wire": DTLS 1.2 is FEFD."""
    return {"DTLSv1.2": "FEFD", "DTLSv1.3": "FEFC"}.get(version, version)


def _srtp_profile(profile: int | None) -> str | None:
    """The names of IANA's DTLS-SRTP Protection Profiles."""
    names = {
        0x0001: "SRTP_AES128_CM_HMAC_SHA1_80",
        0x0002: "SRTP_AES128_CM_HMAC_SHA1_32",
        0x0007: "SRTP_AEAD_AES_128_GCM",
        0x0008: "SRTP_AEAD_AES_256_GCM",
    }
    return None if profile is None else names.get(profile, f"{profile:#06x}")
