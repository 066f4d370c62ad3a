"""What applying a description asks of the rest of the peer: facts in W3C's order, to be carried out after the commit.

Slots of transceivers are not here: they are in the new state. Here is what starts, stops, fires, or belongs to an
object that JSEP does not own. Each class names the step of W3C "set a session description" (webrtc-pc section 4.4.1.5,
step 4.7) it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from peer.sdp import Fingerprint

from .model import DtlsRole, IceCredentials, IceRole, SignalingState, State, Transceiver

__all__ = [
    "ChannelIdsAssigned",
    "DtlsNegotiated",
    "DtlsRestarted",
    "EarlyCandidatesReleased",
    "Effect",
    "GatheringStarted",
    "IceRestarted",
    "IceRoleSet",
    "IdentityReceived",
    "MaxMessageSizeUpdated",
    "NegotiationNeededUpdated",
    "Plan",
    "ReceiverNegotiated",
    "RemoteCandidatesAdded",
    "RemoteCandidatesEnded",
    "RemoteIceSet",
    "SctpNegotiated",
    "SctpTransportCreated",
    "SctpTransportRemoved",
    "SenderNegotiated",
    "SignalingStateChanged",
    "StreamTrackAdded",
    "StreamTrackRemoved",
    "TrackFired",
    "TrackMuted",
    "TransceiverAssociated",
    "TransceiverCreated",
    "TransceiverDisassociated",
    "TransceiverRemoved",
    "TransceiverStopped",
    "TransportAssigned",
    "TransportClosed",
    "TransportCreated",
]


# --- transports ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TransportCreated:
    """A new RTCDtlsTransport with a new RTCIceTransport, known by `transport` from now on. `mid` tags its m-section.

    `local` are our ICE credentials; gathering begins with `GatheringStarted` (for a remote offer: when it is answered).
    """

    transport: int
    mid: str
    local: IceCredentials


@dataclass(frozen=True, slots=True)
class TransportClosed:
    """No m-section runs over it any longer: close DTLS and ICE (step 14.1; RFC 9429 section 5.11; rollback).

    `discarded`: it never carried anything, or was bundled away, so it ends without a goodbye.
    """

    transport: int
    discarded: bool = False


@dataclass(frozen=True, slots=True)
class GatheringStarted:
    """Gather candidates with these local credentials (RFC 9429 section 5.9). `index` is that of the m-section `mid`."""

    transport: int
    mid: str
    index: int
    local: IceCredentials


@dataclass(frozen=True, slots=True)
class IceRestarted:
    """New local credentials: restart ICE and gather again (RFC 8445 section 9).

    A rolled back restart comes as one too, with the credentials of before.
    """

    transport: int
    mid: str
    index: int
    local: IceCredentials


@dataclass(frozen=True, slots=True)
class IceRoleSet:
    """[[IceRole]] got its first value."""

    transport: int
    role: IceRole


@dataclass(frozen=True, slots=True)
class RemoteIceSet:
    """The remote credentials to check with; different ones from before mean that the remote side restarted.

    `options` are the remote side's a=ice-options.
    """

    transport: int
    remote: IceCredentials
    lite: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoteCandidatesAdded:
    """Candidates that stood in the description: the values as in RTCIceCandidate.candidate, "candidate:..."."""

    transport: int
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoteCandidatesEnded:
    """a=end-of-candidates stood in the description."""

    transport: int


@dataclass(frozen=True, slots=True)
class DtlsNegotiated:
    """An answer settled the DTLS association: start it when ICE allows, in this role, trusting these fingerprints."""

    transport: int
    role: DtlsRole
    fingerprints: tuple[Fingerprint, ...]


@dataclass(frozen=True, slots=True)
class DtlsRestarted:
    """The remote fingerprint or a=tls-id changed: tear down, then as `DtlsNegotiated` (RFC 9429 section 5.11)."""

    transport: int
    role: DtlsRole
    fingerprints: tuple[Fingerprint, ...]


# --- SCTP and data channels ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SctpTransportCreated:
    """Step 7: a new RTCSctpTransport, "connecting", over `transport`. A rollback gives an earlier one back by
    its `key`.
    """

    key: int
    transport: int


@dataclass(frozen=True, slots=True)
class SctpTransportRemoved:
    """Step 8 (an answer closed it) or step 12.2 (rollback): `pc.sctp` is null again."""

    key: int


@dataclass(frozen=True, slots=True)
class MaxMessageSizeUpdated:
    """Step 10.1: the remote side's limit in bytes, 0 when there is none."""

    key: int
    remote_max_message_size: int


@dataclass(frozen=True, slots=True)
class SctpNegotiated:
    """Establish the association when DTLS is up. Ports are SCTP's; a changed remote port means a new association."""

    key: int
    transport: int
    local_port: int
    remote_port: int
    remote_max_message_size: int


@dataclass(frozen=True, slots=True)
class ChannelIdsAssigned:
    """Step 10.2: the DTLS role is known, so channels without id get one (even for the client, RFC 8832 section 6)."""

    role: DtlsRole


# --- transceivers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TransceiverCreated:
    """A remote m-section had none: make sender, receiver and transceiver objects for this key (step 11.2.7)."""

    transceiver: int


@dataclass(frozen=True, slots=True)
class TransceiverAssociated:
    """[[Mid]] was set."""

    transceiver: int
    mid: str


@dataclass(frozen=True, slots=True)
class TransceiverDisassociated:
    """[[Mid]] and [[JsepMid]] are null again (rollback, recycled m-section)."""

    transceiver: int


@dataclass(frozen=True, slots=True)
class TransportAssigned:
    """[[SenderTransport]] and [[ReceiverTransport]] were set (None by rollback)."""

    transceiver: int
    transport: int | None


@dataclass(frozen=True, slots=True)
class TransceiverStopped:
    """ "Stop the RTCRtpTransceiver": end its receiver's track, stop sending. The slots are set in the new state
    already.
    """

    transceiver: int


@dataclass(frozen=True, slots=True)
class TransceiverRemoved:
    """It left the set of transceivers (step 13.1, rollback). `slots` are its last: the objects keep them."""

    transceiver: int
    slots: Transceiver


@dataclass(frozen=True, slots=True)
class SenderNegotiated:
    """[[SendCodecs]] and the like were set: read `transceiver.send`. [[LastReturnedParameters]] becomes null."""

    transceiver: int


@dataclass(frozen=True, slots=True)
class ReceiverNegotiated:
    """[[ReceiveCodecs]] and the like were set: read `transceiver.receive`."""

    transceiver: int


# --- events, in W3C's order (steps 15 to 20) ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EarlyCandidatesReleased:
    """Steps 5.1 to 5.3: candidates gathered before the local description was set may be fired now."""


@dataclass(frozen=True, slots=True)
class IdentityReceived:
    """The remote description carries a=identity: validate (RFC 8827 section 7.5); `values` as on the lines."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NegotiationNeededUpdated:
    """Step 14.3: clear the negotiation-needed flag, then update it."""


@dataclass(frozen=True, slots=True)
class SignalingStateChanged:
    """Step 15: fire signalingstatechange."""

    signaling: SignalingState


@dataclass(frozen=True, slots=True)
class TrackMuted:
    """Step 17: the receiver's track becomes muted (if it isn't)."""

    transceiver: int


@dataclass(frozen=True, slots=True)
class StreamTrackRemoved:
    """Step 18: the receiver's track leaves the remote stream with that id."""

    transceiver: int
    stream_id: str


@dataclass(frozen=True, slots=True)
class StreamTrackAdded:
    """Step 19: the receiver's track enters the remote stream with that id, which is created if need be."""

    transceiver: int
    stream_id: str


@dataclass(frozen=True, slots=True)
class TrackFired:
    """Step 20: fire "track" with receiver, track, streams (by id) and transceiver."""

    transceiver: int
    stream_ids: tuple[str, ...]


Effect: TypeAlias = (
    TransportCreated
    | TransportClosed
    | GatheringStarted
    | IceRestarted
    | IceRoleSet
    | RemoteIceSet
    | RemoteCandidatesAdded
    | RemoteCandidatesEnded
    | DtlsNegotiated
    | DtlsRestarted
    | SctpTransportCreated
    | SctpTransportRemoved
    | MaxMessageSizeUpdated
    | SctpNegotiated
    | ChannelIdsAssigned
    | TransceiverCreated
    | TransceiverAssociated
    | TransceiverDisassociated
    | TransportAssigned
    | TransceiverStopped
    | TransceiverRemoved
    | SenderNegotiated
    | ReceiverNegotiated
    | EarlyCandidatesReleased
    | IdentityReceived
    | NegotiationNeededUpdated
    | SignalingStateChanged
    | TrackMuted
    | StreamTrackRemoved
    | StreamTrackAdded
    | TrackFired
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What `plan` found: the state to assign, and what to do then, in order. Dropping a plan costs nothing."""

    state: State
    effects: tuple[Effect, ...] = ()
