"""The W3C surface of the peer, and its asyncio driver. Here, and only here, names are spelled as W3C spells them.

    from peer.api import RTCPeerConnection

    pc = RTCPeerConnection({"iceServers": []})        # inside a running event loop
    channel = pc.createDataChannel("chat")
    channel.onmessage = lambda event: print(event.data)
    await pc.setLocalDescription()
    send_to_other_side(pc.localDescription.toJSON())

A call that returns a promise in the text returns an awaitable here; `bytes` stands for ArrayBuffer; a dictionary
argument is a mapping (or any object with those attributes), a dictionary result has its members as keys and as
attributes. Underscored attributes of these objects are the text's internal slots ([[ReadyState]] is `_ready_state`):
this package's own business.
"""

from peer.api.blob import Blob
from peer.api.certificate import RTCCertificate
from peer.api.data_channel import RTCDataChannel
from peer.api.dtls_transport import RTCDtlsTransport
from peer.api.dtmf_sender import RTCDTMFSender
from peer.api.errors import (
    DOMException,
    InvalidAccessError,
    InvalidCharacterError,
    InvalidModificationError,
    InvalidStateError,
    NotReadableError,
    NotSupportedError,
    OperationError,
    RangeError,
    RTCError,
    error_name,
)
from peer.api.events import (
    Event,
    EventTarget,
    MediaStreamEvent,
    MediaStreamTrackEvent,
    MessageEvent,
    RTCDataChannelEvent,
    RTCDTMFToneChangeEvent,
    RTCErrorEvent,
    RTCPeerConnectionIceErrorEvent,
    RTCPeerConnectionIceEvent,
    RTCTrackEvent,
)
from peer.api.ice_candidate import RTCIceCandidate, RTCIceCandidatePair
from peer.api.ice_transport import RTCIceTransport
from peer.api.identity import (
    IdpLoginError,
    RTCIdentityAssertion,
    RTCIdentityErrorEvent,
    RTCIdentityEvent,
    register_identity_provider,
    unregister_identity_provider,
)
from peer.api.media_stream import MediaStream, MediaStreamTrack
from peer.api.peer_connection import RTCPeerConnection
from peer.api.rtp_receiver import RTCRtpReceiver
from peer.api.rtp_sender import RTCRtpSender
from peer.api.rtp_transceiver import RTCRtpTransceiver
from peer.api.sctp_transport import RTCSctpTransport
from peer.api.seams import Offline, Seams
from peer.api.session_description import RTCSessionDescription
from peer.api.stats import RTCStatsReport
from peer.api.user_media import getUserMedia

__all__ = [
    "Blob",
    "DOMException",
    "Event",
    "EventTarget",
    "IdpLoginError",
    "InvalidAccessError",
    "InvalidCharacterError",
    "InvalidModificationError",
    "InvalidStateError",
    "MediaStream",
    "MediaStreamEvent",
    "MediaStreamTrack",
    "MediaStreamTrackEvent",
    "MessageEvent",
    "NotReadableError",
    "NotSupportedError",
    "Offline",
    "OperationError",
    "RTCCertificate",
    "RTCDTMFSender",
    "RTCDTMFToneChangeEvent",
    "RTCDataChannel",
    "RTCDataChannelEvent",
    "RTCDtlsTransport",
    "RTCError",
    "RTCErrorEvent",
    "RTCIceCandidate",
    "RTCIceCandidatePair",
    "RTCIceTransport",
    "RTCIdentityAssertion",
    "RTCIdentityErrorEvent",
    "RTCIdentityEvent",
    "RTCPeerConnection",
    "RTCPeerConnectionIceErrorEvent",
    "RTCPeerConnectionIceEvent",
    "RTCRtpReceiver",
    "RTCRtpSender",
    "RTCRtpTransceiver",
    "RTCSctpTransport",
    "RTCSessionDescription",
    "RTCStatsReport",
    "RTCTrackEvent",
    "RangeError",
    "Seams",
    "error_name",
    "getUserMedia",
    "register_identity_provider",
    "unregister_identity_provider",
]
