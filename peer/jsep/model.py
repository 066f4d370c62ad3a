"""What JSEP knows of a connection: frozen slots, all of them in one `State`.

`State` is the single source of truth for everything offer/answer reads or writes: descriptions, transceivers,
transports, the SCTP transport. The W3C objects of `peer.api` hold a `key` and look their slots up in the current
state; they never copy one. So "commit" is one assignment, and a description that fails leaves no trace.

The names follow the internal slots of W3C webrtc-pc ([[JsepMid]] is `jsep_mid`, [[SendEncodings]] `encodings`, and so
on).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from peer.sdp import Fingerprint, SessionDescription, SsrcGroup

__all__ = [
    "BundlePolicy",
    "Capabilities",
    "Codec",
    "Configuration",
    "Creation",
    "Description",
    "DescriptionType",
    "Direction",
    "DtlsRole",
    "Encoding",
    "Entropy",
    "HeaderExtension",
    "IceCredentials",
    "IceRole",
    "Kind",
    "MediaParameters",
    "NegotiatedCodec",
    "NegotiatedExtension",
    "Options",
    "Proposal",
    "RtcpMuxPolicy",
    "SctpParameters",
    "Section",
    "Side",
    "SignalingState",
    "State",
    "Transceiver",
    "Transport",
]

Entropy: TypeAlias = Callable[[int], bytes]


class SignalingState(StrEnum):
    """W3C RTCSignalingState."""

    STABLE = "stable"
    HAVE_LOCAL_OFFER = "have-local-offer"
    HAVE_REMOTE_OFFER = "have-remote-offer"
    HAVE_LOCAL_PRANSWER = "have-local-pranswer"
    HAVE_REMOTE_PRANSWER = "have-remote-pranswer"
    CLOSED = "closed"


class DescriptionType(StrEnum):
    """W3C RTCSdpType, RFC 9429 section 4.1.10."""

    OFFER = "offer"
    PRANSWER = "pranswer"
    ANSWER = "answer"
    ROLLBACK = "rollback"


class Side(StrEnum):
    """Whose description it is."""

    LOCAL = "local"
    REMOTE = "remote"


class Kind(StrEnum):
    """The kind of a transceiver's tracks."""

    AUDIO = "audio"
    VIDEO = "video"


class Direction(StrEnum):
    """W3C RTCRtpTransceiverDirection without "stopped", which is a flag of its own here."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def reversed(self) -> Direction:
        """The same direction seen from the other side."""
        return Direction.of(sends=self.receives, receives=self.sends)

    @staticmethod
    def of(*, sends: bool, receives: bool) -> Direction:
        return _DIRECTIONS[sends, receives]

    def __and__(self, other: Direction) -> Direction:
        """What both allow, seen from the same side (RFC 3264 section 6.1)."""
        return Direction.of(sends=self.sends and other.sends, receives=self.receives and other.receives)


_DIRECTIONS = {
    (True, True): Direction.SENDRECV,
    (True, False): Direction.SENDONLY,
    (False, True): Direction.RECVONLY,
    (False, False): Direction.INACTIVE,
}


class BundlePolicy(StrEnum):
    """W3C RTCBundlePolicy, RFC 9429 section 4.1.1."""

    BALANCED = "balanced"
    MAX_BUNDLE = "max-bundle"
    MAX_COMPAT = "max-compat"


class RtcpMuxPolicy(StrEnum):
    """RFC 9429 section 4.1.1. W3C knows "require" only; "negotiate" is JSEP's."""

    REQUIRE = "require"
    NEGOTIATE = "negotiate"


class IceRole(StrEnum):
    """W3C RTCIceRole."""

    UNKNOWN = "unknown"
    CONTROLLING = "controlling"
    CONTROLLED = "controlled"


class DtlsRole(StrEnum):
    """Who sends the ClientHello (`a=setup:active` does)."""

    CLIENT = "client"
    SERVER = "server"


# --- capabilities and negotiated parameters -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Codec:
    """W3C RTCRtpCodec. `fmtp` is what follows the payload type on the a=fmtp line, None where there is none.

    `feedback` are a=rtcp-fb values ("nack pli") and take no part in matching; `payload_type` is only the number we
    like to give it in our own offers. `sends` and `receives` say in which lists of implemented codecs it stands.
    """

    mime_type: str
    clock_rate: int
    channels: int | None = None
    fmtp: str | None = None
    feedback: tuple[str, ...] = ()
    payload_type: int | None = None
    sends: bool = True
    receives: bool = True

    @property
    def name(self) -> str:
        """The encoding name as it stands on an a=rtpmap line."""
        return self.mime_type.partition("/")[2]


@dataclass(frozen=True, slots=True)
class NegotiatedCodec:
    """W3C RTCRtpCodecParameters: a codec and the payload type it travels under."""

    payload_type: int
    codec: Codec

    @property
    def associated(self) -> int | None:
        """The primary payload type an rtx codec repairs (`apt`), else None."""
        for parameter in (self.codec.fmtp or "").split(";"):
            name, _, value = parameter.strip().partition("=")
            if name == "apt" and value.isdigit():
                return int(value)
        return None


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """An RTP header extension we implement (RFC 8285); `id` is the number we like in our own offers."""

    uri: str
    id: int
    direction: Direction = Direction.SENDRECV


@dataclass(frozen=True, slots=True)
class NegotiatedExtension:
    """W3C RTCRtpHeaderExtensionParameters. `direction` is that of the a=extmap line, as its author means it."""

    id: int
    uri: str
    encrypted: bool = False
    direction: Direction = Direction.SENDRECV


@dataclass(frozen=True, slots=True)
class Encoding:
    """W3C RTCRtpEncodingParameters, with Python spelling. `codec` is what was asked for, or None; `ptime` in ms."""

    rid: str | None = None
    active: bool = True
    max_bitrate: int | None = None
    max_framerate: float | None = None
    scale_resolution_down_by: float | None = None
    scale_resolution_down_to: tuple[int, int] | None = None
    codec: Codec | None = None
    priority: str = "low"
    network_priority: str | None = None
    ptime: int | None = None
    adaptive_ptime: bool = False


@dataclass(frozen=True, slots=True)
class MediaParameters:
    """What was negotiated for one direction of one transceiver.

    Sending: `codecs` carry the remote side's payload types, in its order of preference; receiving: ours. `rids` are
    those in use, or, receiving, those the other side offers to send; `max_bitrate` is the remote TIAS in bit/s (or what
    follows from AS, RFC 9429 section 5.10), `total_bitrate` what its CT leaves all m-sections together; `ptime` and
    `maxptime` are in ms; `dtmf` says that telephone-event was negotiated; `silence_suppression` that both sides want it
    for the first codec. `ssrcs` and `ssrc_groups` (RFC 5576) are the remote ones signalled.
    """

    codecs: tuple[NegotiatedCodec, ...] = ()
    extensions: tuple[NegotiatedExtension, ...] = ()
    rids: tuple[str, ...] = ()
    paused_rids: tuple[str, ...] = ()
    reduced_size_rtcp: bool = False
    rtcp_mux: bool = True
    max_bitrate: int | None = None
    total_bitrate: int | None = None
    ptime: int | None = None
    maxptime: int | None = None
    silence_suppression: bool = False
    ssrcs: tuple[int, ...] = ()
    ssrc_groups: tuple[SsrcGroup, ...] = ()
    extmap_allow_mixed: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What we implement for one kind, best first."""

    codecs: tuple[Codec, ...] = ()
    extensions: tuple[HeaderExtension, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """What does not change from one description to the next (but `ice_generation`, see `State.ice_configured`).

    `fingerprints` of every certificate of the connection; `session_id` below 2^63 - 1 (RFC 9429 section 5.2.1);
    `tls_id` 20 to 255 characters (RFC 8842 section 5.2); `max_message_size` in bytes, what we announce; `dtls_setup`
    the role we take when an offer leaves us the choice.

    `session_level`: ICE credentials, fingerprints, setup and tls-id stand once, at session level, and hold for all
    m-sections (RFC 9429 section 5.2.1 allows it); a=rtcp-mux stands in every RTP m-section. Without, all that stands
    as in the examples of RFC 9429 section 7: only in m-sections with a transport of their own, with credentials of
    their own. That is the purer form, but browsers don't take it: of a bundled section without fingerprint Firefox
    153's content process dies and Chromium 156 rejects the section; without a=rtcp-mux Chromium refuses the
    description; and a re-offer in which bundled sections lost their credentials is a "partial ICE restart" to Firefox.

    `always_negotiates_data`: an initial offer begins with an m-section for data (WebRTC Extensions,
    alwaysNegotiateDataChannels).

    `cname` is our RTCP canonical name (RFC 8834 section 4.9); the SSRCs we send with follow from `source_secret`, and
    a=ssrc lines announce them (`announces_ssrcs`): RFC 9429 asks for none, but browsers tie repair streams to their
    primaries by them.
    """

    fingerprints: tuple[Fingerprint, ...]
    session_id: int
    tls_id: str
    audio: Capabilities = Capabilities()
    video: Capabilities = Capabilities()
    bundle_policy: BundlePolicy = BundlePolicy.BALANCED
    rtcp_mux_policy: RtcpMuxPolicy = RtcpMuxPolicy.REQUIRE
    sctp_port: int = 5000
    max_message_size: int = 262144
    max_encodings: int = 8
    dtls_setup: DtlsRole = DtlsRole.CLIENT
    session_level: bool = True
    cname: str = ""
    source_secret: bytes = field(default=b"", repr=False)
    announces_ssrcs: bool = True
    always_negotiates_data: bool = False

    def capabilities(self, kind: Kind) -> Capabilities:
        return self.audio if kind is Kind.AUDIO else self.video


# --- the slots of a connection ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transceiver:
    """The slots of one RTCRtpTransceiver, its sender and its receiver. `key` never changes and is never used twice.

    `stream_ids` is the sender's [[AssociatedMediaStreamIds]], `remote_stream_ids` the receiver's
    [[AssociatedRemoteMediaStreams]] by id. `transport` is the key of the RTCDtlsTransport of both, None before there
    is one. `extensions` is [[HeaderExtensionsToNegotiate]] without the stopped ones, None for all that are implemented,
    `negotiated_extensions` what the last answer left of them, None before one (WebRTC Extensions, "RTP header extension
    control"). `add_track`: a track was attached by addTrack (RFC 9429 sections 5.7, 5.10).
    """

    key: int
    kind: Kind
    direction: Direction = Direction.SENDRECV
    stopping: bool = False
    stopped: bool = False
    jsep_mid: str | None = None
    mid: str | None = None
    index: int | None = None
    current_direction: Direction | None = None
    fired_direction: Direction | None = None
    receptive: bool = False
    preferred_codecs: tuple[Codec, ...] = ()
    extensions: tuple[HeaderExtension, ...] | None = None
    negotiated_extensions: tuple[HeaderExtension, ...] | None = None
    stream_ids: tuple[str, ...] = ()
    encodings: tuple[Encoding, ...] = (Encoding(),)
    send: MediaParameters = MediaParameters()
    receive: MediaParameters = MediaParameters()
    remote_stream_ids: tuple[str, ...] = ()
    transport: int | None = None
    add_track: bool = False
    remote_made: bool = False


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """RFC 8839 section 5.4."""

    ufrag: str
    pwd: str


@dataclass(frozen=True, slots=True)
class Transport:
    """One RTCDtlsTransport over one RTCIceTransport.

    `mid` names the m-section whose ICE and DTLS attributes apply to it (the tagged one of a bundle, RFC 9143 section
    7). `credentials` are ours; `remote`, `fingerprints` and `tls_id` are what the remote side said and we acted on;
    `gathering`: a local description asked for candidates.
    """

    key: int
    mid: str
    credentials: IceCredentials
    remote: IceCredentials | None = None
    ice_role: IceRole = IceRole.UNKNOWN
    dtls_role: DtlsRole | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    tls_id: str | None = None
    gathering: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One m-section of the session by index: who stands in it and over what it runs."""

    mid: str
    media: str
    transceiver: int | None = None
    transport: int | None = None
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """One m-section of the offer created last: for whom it was made, and whether it has a transport of its own."""

    transceiver: int | None
    carrier: bool


@dataclass(frozen=True, slots=True)
class SctpParameters:
    """The slots of the RTCSctpTransport that offer/answer sets.

    `key` differs for each RTCSctpTransport; `max_message_size` is the remote side's limit in bytes, 0 for none, None
    before an answer; `remote_port` None before an answer.
    """

    key: int
    mid: str
    transport: int
    local_port: int
    remote_port: int | None = None
    max_message_size: int | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """An RTCSessionDescription: `sdp` is the text, `model` the same parsed (None for a rollback)."""

    type: DescriptionType
    sdp: str = ""
    model: SessionDescription | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Options:
    """RTCOfferOptions and RTCAnswerOptions. `voice_activity_detection` None means: as if the member were absent (true).

    `identity` is the value of an a=identity line (RFC 8827 section 5), already encoded.
    """

    ice_restart: bool = False
    voice_activity_detection: bool | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Everything offer/answer knows. See the module docstring; `transceivers` is in W3C's canonical order.

    `stable` is the state as it was when the pending offer was applied (None in stable): W3C's [[LastStableState...]]
    slots and what rollback returns to. `proposed` are the m-sections of the offer created last, `basis` what that
    offer or answer was made from, `payload_types` every format that had a number so far.
    """

    configuration: Configuration
    signaling: SignalingState = SignalingState.STABLE
    current_local: Description | None = None
    current_remote: Description | None = None
    pending_local: Description | None = None
    pending_remote: Description | None = None
    last_created_offer: str = ""
    last_created_answer: str = ""
    transceivers: tuple[Transceiver, ...] = ()
    transports: tuple[Transport, ...] = ()
    sections: tuple[Section, ...] = ()
    sctp: SctpParameters | None = None
    has_data_channel: bool = False
    credentials_to_replace: frozenset[IceCredentials] = frozenset()
    ice_changed: bool = False
    can_trickle: bool | None = None
    proposed: tuple[Proposal, ...] = ()
    default_stream: str | None = None
    basis: tuple[object, ...] = field(default=(), repr=False)
    payload_types: tuple[NegotiatedCodec, ...] = field(default=(), repr=False)
    version: int = 0
    next_key: int = 1
    next_mid: int = 0
    stable: State | None = field(default=None, repr=False)

    # reading

    @property
    def local(self) -> Description | None:
        """W3C localDescription: pending if there is one, else current."""
        return self.pending_local or self.current_local

    @property
    def remote(self) -> Description | None:
        """W3C remoteDescription: pending if there is one, else current."""
        return self.pending_remote or self.current_remote

    def transceiver(self, key: int) -> Transceiver | None:
        """The slots of the transceiver with that key, None when it was removed from the set."""
        return next((one for one in self.transceivers if one.key == key), None)

    def extensions(self, one: Transceiver) -> tuple[HeaderExtension, ...]:
        """The header extensions a transceiver negotiates."""
        return self.configuration.capabilities(one.kind).extensions if one.extensions is None else one.extensions

    def transport(self, key: int) -> Transport | None:
        return next((one for one in self.transports if one.key == key), None)

    def section(self, mid: str) -> Section | None:
        return next((one for one in self.sections if one.mid == mid), None)

    # what the API changes between descriptions; each returns a new state

    def add(
        self,
        kind: Kind,
        direction: Direction,
        *,
        stream_ids: tuple[str, ...] = (),
        encodings: tuple[Encoding, ...] = (),
        add_track: bool = False,
    ) -> tuple[State, Transceiver]:
        """A new transceiver at the end of the set (addTrack, addTransceiver). The key is allocated here.

        Several encodings without rid get one each (RFC 9429 section 5.2.1: "a rid-id MUST be generated").
        """
        if len(encodings) > 1:
            encodings = tuple(replace(one, rid=one.rid or str(index)) for index, one in enumerate(encodings, start=1))
        made = Transceiver(
            self.next_key,
            kind,
            direction,
            stream_ids=stream_ids,
            encodings=encodings or default_encodings(kind),
            extensions=inherited_extensions(self.transceivers, kind),
            add_track=add_track,
        )
        return replace(self, transceivers=(*self.transceivers, made), next_key=self.next_key + 1), made

    def with_transceiver(self, changed: Transceiver) -> State:
        """The same state with the slots of one transceiver replaced, by key."""
        return replace(
            self, transceivers=tuple(changed if one.key == changed.key else one for one in self.transceivers)
        )

    def with_data_channel(self) -> State:
        """createDataChannel was called: offers have an m-section for data from now on."""
        return replace(self, has_data_channel=True)

    def configured(self, *, always_negotiates_data: bool) -> State:
        """setConfiguration was called: what of the configuration offers are made from."""
        return replace(self, configuration=replace(self.configuration, always_negotiates_data=always_negotiates_data))

    def ice_configured(self) -> State:
        """The ICE servers or the transport policy changed: the next offer restarts ICE (RFC 9429 section 4.1.18)."""
        return replace(self, ice_changed=self.local is not None)

    def closed(self) -> State:
        """[[SignalingState]] is "closed" and stays so; every transceiver is stopped (W3C "close the connection")."""
        stopped = tuple(
            replace(
                one, stopping=True, stopped=True, direction=Direction.INACTIVE, current_direction=None, receptive=False
            )
            for one in self.transceivers
        )
        return replace(self, signaling=SignalingState.CLOSED, transceivers=stopped)


def default_encodings(kind: Kind) -> tuple[Encoding, ...]:
    """[[SendEncodings]] of a sender made without sendEncodings (W3C "create an RTCRtpSender", step 11)."""
    return (Encoding(scale_resolution_down_by=1.0 if kind is Kind.VIDEO else None),)


def inherited_extensions(others: Iterable[Transceiver], kind: Kind) -> tuple[HeaderExtension, ...] | None:
    """[[HeaderExtensionsToNegotiate]] of a new transceiver: that of the first of its kind which isn't stopping."""
    return next((one.extensions for one in others if one.kind is kind and not one.stopping), None)


@dataclass(frozen=True, slots=True)
class Creation:
    """What createOffer or createAnswer made: the description, and the state that remembers it was made."""

    description: Description
    state: State
