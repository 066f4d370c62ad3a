"""RTCPeerConnection, webrtc-pc section 4.4: the surface. Made inside a running event loop.

Calls that return a promise in the text are plain functions that return an awaitable: their synchronous steps run at
the call, and what the text rejects at once is rejected already when the call returns.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from peer import jsep, sdp
from peer.api.certificate import RTCCertificate, default_certificate, generate_certificate
from peer.api.channels import DataChannels
from peer.api.configuration import Configuration, check_modification, check_servers, parse_configuration
from peer.api.core import Core
from peer.api.data_channel import RTCDataChannel, channel_parameters, check_parameters
from peer.api.dtmf_sender import RTCDTMFSender
from peer.api.effects import Effects
from peer.api.errors import InvalidAccessError, InvalidStateError
from peer.api.events import EventHandler, EventTarget
from peer.api.identity import Identity, RTCIdentityAssertion
from peer.api.legacy import with_callbacks
from peer.api.media import Media
from peer.api.media_stream import MediaStream, MediaStreamTrack
from peer.api.negotiation import Negotiation
from peer.api.rtp_receiver import RTCRtpReceiver
from peer.api.rtp_sender import RTCRtpSender
from peer.api.rtp_transceiver import RTCRtpTransceiver
from peer.api.sctp_transport import RTCSctpTransport
from peer.api.seams import Seams
from peer.api.session_description import RTCSessionDescription
from peer.api.states import (
    RTCIceConnectionState,
    RTCIceGatheringState,
    RTCPeerConnectionState,
    RTCSignalingState,
)
from peer.api.stats import RTCStatsReport, Stats
from peer.api.tasks import Promise
from peer.api.webidl import MISSING, Conversion, Dictionary, boolean, dictionary, members

__all__ = ["RTCPeerConnection"]

_OFFER_OPTIONS: dict[str, Conversion] = dict.fromkeys(
    ("iceRestart", "offerToReceiveAudio", "offerToReceiveVideo", "voiceActivityDetection"), boolean
)
_ANSWER_OPTIONS: dict[str, Conversion] = {"voiceActivityDetection": boolean}


class RTCPeerConnection(EventTarget):
    """`RTCPeerConnection({"iceServers": [...]}, seams=Seams(...))`: `seams` is for tests, see `peer.api.seams`."""

    onnegotiationneeded = EventHandler()
    onicecandidate = EventHandler()
    onicecandidateerror = EventHandler()
    onsignalingstatechange = EventHandler()
    oniceconnectionstatechange = EventHandler()
    onicegatheringstatechange = EventHandler()
    onconnectionstatechange = EventHandler()
    ontrack = EventHandler()
    ondatachannel = EventHandler()
    onaddstream = EventHandler()
    onremovestream = EventHandler()
    onidentityresult = EventHandler()
    onpeeridentity = EventHandler()
    onidpassertionerror = EventHandler()
    onidpvalidationerror = EventHandler()

    def __init__(self, configuration: Any = None, *, seams: Seams | None = None) -> None:
        super().__init__()
        chosen = parse_configuration(configuration)
        now = datetime.now(UTC)
        if any(certificate._expired(now) for certificate in chosen.certificates):  # step 5.1
            raise InvalidAccessError("a certificate has expired")
        check_servers(chosen)  # step 8, "set the configuration"
        seams = seams or Seams()
        certificates = chosen.certificates or (default_certificate(seams.certificate),)  # step 6
        state = jsep.new_state(
            # RFC 9429 section 5.2.1 wants a fingerprint of each. W3C section 4.2.1 knows that everybody uses the first
            # alone, and Chromium 156 refuses a description with two: a connection that follows would not connect.
            fingerprints=tuple(_fingerprint(certificate) for certificate in certificates[:1]),
            entropy=seams.entropy,
            bundle_policy=jsep.BundlePolicy(chosen.bundlePolicy),
            always_negotiates_data=chosen.alwaysNegotiateDataChannels,
        )
        self._core = core = Core(self, chosen, certificates, seams, state)
        core.channels = DataChannels(core)
        core.media = Media(core)
        core.stats = Stats(core)
        core.identity = Identity(core)
        self._negotiation = Negotiation(core, Effects(core))
        core.pool.resize(chosen.iceCandidatePoolSize)
        self._descriptions: dict[str, tuple[jsep.Description, RTCSessionDescription]] = {}

    # descriptions and states

    @property
    def localDescription(self) -> RTCSessionDescription | None:
        return self.pendingLocalDescription or self.currentLocalDescription

    @property
    def currentLocalDescription(self) -> RTCSessionDescription | None:
        return self._description("current local", self._core.state.current_local)

    @property
    def pendingLocalDescription(self) -> RTCSessionDescription | None:
        return self._description("pending local", self._core.state.pending_local)

    @property
    def remoteDescription(self) -> RTCSessionDescription | None:
        return self.pendingRemoteDescription or self.currentRemoteDescription

    @property
    def currentRemoteDescription(self) -> RTCSessionDescription | None:
        return self._description("current remote", self._core.state.current_remote)

    @property
    def pendingRemoteDescription(self) -> RTCSessionDescription | None:
        return self._description("pending remote", self._core.state.pending_remote)

    def _description(self, slot: str, description: jsep.Description | None) -> RTCSessionDescription | None:
        """The object of a slot: the same one as long as the description is the same."""
        if description is None:
            return None
        known = self._descriptions.get(slot)
        if known is None or known[0] is not description:
            made = RTCSessionDescription({"type": description.type, "sdp": description.sdp})
            known = self._descriptions[slot] = (description, made)
        return known[1]

    @property
    def signalingState(self) -> RTCSignalingState:
        return RTCSignalingState(self._core.state.signaling)

    @property
    def iceGatheringState(self) -> RTCIceGatheringState:
        return self._core.ice_gathering_state

    @property
    def iceConnectionState(self) -> RTCIceConnectionState:
        return self._core.ice_connection_state

    @property
    def connectionState(self) -> RTCPeerConnectionState:
        return self._core.connection_state

    @property
    def canTrickleIceCandidates(self) -> bool | None:
        """Whether the remote side takes trickled candidates; None before setRemoteDescription."""
        return self._core.state.can_trickle

    @property
    def sctp(self) -> RTCSctpTransport | None:
        return self._core.sctp

    # offer/answer

    def createOffer(self, *args: Any, **options: Any) -> Promise[Any]:
        """`createOffer({"iceRestart": True})`, `createOffer(iceRestart=True)`, or the legacy form with two callbacks
        first.
        """
        if len(args) > 1:
            given = args[2] if len(args) > 2 else None
            return with_callbacks(lambda: self._create_offer(given, options), *args[:2])
        return self._create_offer(args[0] if args else None, options)

    def _create_offer(self, given: Any, options: dict[str, Any]) -> Promise[Dictionary]:
        try:
            chosen = dictionary({**members(given, _OFFER_OPTIONS, "RTCOfferOptions"), **options}, "", _OFFER_OPTIONS)
        except TypeError as error:
            return Promise.rejected(error)
        if self._core.is_closed:  # step 2
            return Promise.rejected(InvalidStateError("the connection is closed"))
        # Section 4.4.3.3: the legacy members change transceivers first.
        self._core.media.offer_to_receive(
            (kind, chosen.get(name))
            for kind, name in ((jsep.Kind.AUDIO, "offerToReceiveAudio"), (jsep.Kind.VIDEO, "offerToReceiveVideo"))
        )
        return self._negotiation.create_offer(
            jsep.Options(
                ice_restart=chosen.get("iceRestart", False),
                voice_activity_detection=chosen.get("voiceActivityDetection"),
            )
        )

    def createAnswer(self, *args: Any, **options: Any) -> Promise[Any]:
        """`createAnswer()`, or the legacy form with two callbacks."""
        if len(args) > 1:
            return with_callbacks(lambda: self._negotiation.create_answer(jsep.Options()), *args[:2])
        try:
            given = members(args[0] if args else None, _ANSWER_OPTIONS, "RTCAnswerOptions")
        except TypeError as error:
            return Promise.rejected(error)
        chosen = dictionary({**given, **options}, "RTCAnswerOptions", _ANSWER_OPTIONS)
        return self._negotiation.create_answer(
            jsep.Options(voice_activity_detection=chosen.get("voiceActivityDetection"))
        )

    def setLocalDescription(self, description: Any = None, *callbacks: Callable[..., Any] | None) -> Promise[None]:
        """Apply what createOffer or createAnswer made; without a description, make it first. Callbacks: the legacy
        form.
        """
        return with_callbacks(lambda: self._negotiation.set_local_description(description), *callbacks, plain=True)

    def setRemoteDescription(self, description: Any = MISSING, *callbacks: Callable[..., Any] | None) -> Promise[None]:
        """Apply the other side's offer or answer. Callbacks: the legacy form."""
        return with_callbacks(lambda: self._negotiation.set_remote_description(description), *callbacks, plain=True)

    def addIceCandidate(self, candidate: Any = None, *callbacks: Callable[..., Any] | None) -> Promise[None]:
        """Add a remote candidate; None or an empty one ends them. Callbacks: the legacy form."""
        return with_callbacks(lambda: self._negotiation.add_ice_candidate(candidate), *callbacks, plain=True)

    def restartIce(self) -> None:
        self._core.state = jsep.restart_ice(self._core.state)
        self._core.update_negotiation_needed()

    # configuration

    def getConfiguration(self) -> Dictionary:
        return self._core.configuration.to_dictionary()

    def setConfiguration(self, configuration: Any = None) -> None:
        """Raises TypeError, InvalidStateError, InvalidModificationError, InvalidAccessError, SyntaxError
        (DOMException).
        """
        core = self._core
        chosen = parse_configuration(configuration)
        if core.is_closed:  # step 2
            raise InvalidStateError("the connection is closed")
        check_modification(chosen, core.configuration, set_local_description_called=core.set_local_description_called)
        check_servers(chosen)
        before, core.configuration = core.configuration, chosen
        core.state = core.state.configured(always_negotiates_data=chosen.alwaysNegotiateDataChannels)
        if _ice_part(chosen) != _ice_part(before):
            core.state = core.state.ice_configured()
        resized = chosen.iceCandidatePoolSize != before.iceCandidatePoolSize
        core.pool.reconfigure(  # step 8
            chosen.iceCandidatePoolSize if resized else None, other_servers=chosen.iceServers != before.iceServers
        )

    @staticmethod
    def generateCertificate(keygenAlgorithm: Any = MISSING) -> Promise[RTCCertificate]:
        """`{"name": "ECDSA", "namedCurve": "P-256"}` or RSASSA-PKCS1-v1_5 with 2048 bits; `expires` in ms from now."""
        return generate_certificate(keygenAlgorithm)

    def close(self) -> None:
        """The text's "Close the connection". Nothing fires afterwards."""
        core = self._core
        if core.is_closed:  # step 1
            return
        core.media.close()  # step 4
        core.is_closed = True  # step 2
        core.state = core.state.closed()  # step 3, and the slots of step 4
        core.channels.close()  # steps 5 and 6
        core.identity.close()
        for stack in core.transports.values():  # steps 6 to 9
            stack.close()
        core.pool.close()
        core.ice_connection_state = RTCIceConnectionState.CLOSED  # step 10
        core.connection_state = RTCPeerConnectionState.CLOSED  # step 11

    # data channels

    def createDataChannel(self, label: Any, dataChannelDict: Any = None) -> RTCDataChannel:
        """Raises TypeError, InvalidStateError, OperationError."""
        parameters = channel_parameters(label, dataChannelDict)
        if self._core.is_closed:  # step 2
            raise InvalidStateError("the connection is closed")
        check_parameters(parameters)
        return self._core.channels.create(parameters)

    # media

    def getSenders(self) -> list[RTCRtpSender]:
        return self._core.media.senders()

    def getReceivers(self) -> list[RTCRtpReceiver]:
        return [transceiver.receiver for transceiver in self._core.media.active()]

    def getTransceivers(self) -> list[RTCRtpTransceiver]:
        return self._core.media.transceivers()

    def addTrack(self, track: MediaStreamTrack, *streams: MediaStream) -> RTCRtpSender:
        """Raises InvalidStateError, InvalidAccessError."""
        return self._core.media.add_track(track, streams)

    def removeTrack(self, sender: RTCRtpSender) -> None:
        """Raises InvalidStateError, InvalidAccessError."""
        self._core.media.remove_track(sender)

    def addTransceiver(self, trackOrKind: MediaStreamTrack | str, init: Any = None) -> RTCRtpTransceiver:
        """Raises TypeError, InvalidStateError, InvalidAccessError, OperationError, RangeError."""
        return self._core.media.add_transceiver(trackOrKind, init)

    # statistics

    def getStats(self, selector: MediaStreamTrack | None = None) -> Promise[RTCStatsReport]:
        """Of the whole connection, or of the one sender or receiver of a track (else rejected with
        InvalidAccessError).
        """
        if selector is None:
            return self._core.stats.report(None)
        if not isinstance(selector, MediaStreamTrack):
            return Promise.rejected(TypeError("the selector is a MediaStreamTrack or None"))
        holders = [
            holder
            for transceiver in self._core.media.transceivers()
            for holder in (transceiver.sender, transceiver.receiver)
            if holder.track is selector
        ]
        if len(holders) != 1:  # step 4
            return Promise.rejected(InvalidAccessError(f"{len(holders)} senders and receivers have this track"))
        return self._core.stats.report(holders[0])

    # legacy streams

    def addStream(self, stream: MediaStream) -> None:
        self._core.media.add_stream(stream)

    def removeStream(self, stream: MediaStream) -> None:
        self._core.media.remove_stream(stream)

    def getLocalStreams(self) -> list[MediaStream]:
        return self._core.media.local_streams()

    def getRemoteStreams(self) -> list[MediaStream]:
        return self._core.media.remote_streams()

    def getStreamById(self, streamId: str) -> MediaStream | None:
        return self._core.media.stream_by_id(streamId)

    def createDTMFSender(self, track: MediaStreamTrack) -> RTCDTMFSender:
        """The DTMF sender of the sender of an audio track. Raises TypeError, InvalidStateError, InvalidAccessError."""
        if not isinstance(track, MediaStreamTrack):
            raise TypeError("createDTMFSender takes a MediaStreamTrack")
        if self._core.is_closed:
            raise InvalidStateError("the connection is closed")
        for sender in self._core.media.senders():
            if sender.track is track and sender.dtmf is not None:
                return sender.dtmf
        raise InvalidAccessError("no sender of this connection sends this audio track")

    # identity

    @property
    def peerIdentity(self) -> Promise[RTCIdentityAssertion]:
        """A promise of the remote side's validated RTCIdentityAssertion, `idp` and `name`."""
        return self._core.identity.peer_identity

    @property
    def idpLoginUrl(self) -> str | None:
        return self._core.identity.login_url

    @property
    def idpErrorInfo(self) -> str | None:
        return self._core.identity.error_info

    def setIdentityProvider(self, provider: str, options: Any = None, username: str | None = None) -> None:
        """`setIdentityProvider("idp.example", {"protocol": ..., "usernameHint": ...})`; protocol and username may
        come bare.
        """
        self._core.identity.set_provider(provider, options, username)

    def getIdentityAssertion(self) -> Promise[str]:
        return self._core.identity.get_assertion()

    def __repr__(self) -> str:
        return f"<RTCPeerConnection {self.signalingState}, {self.connectionState}>"


def _fingerprint(certificate: RTCCertificate) -> sdp.Fingerprint:
    fingerprint = certificate._certificate.fingerprint("sha-256")
    return sdp.Fingerprint(fingerprint.algorithm, fingerprint.value.hex(":").upper())


def _ice_part(configuration: Configuration) -> tuple[Any, ...]:
    return configuration.iceServers, configuration.iceTransportPolicy
