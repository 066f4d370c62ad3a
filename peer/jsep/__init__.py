"""Offer/answer (JSEP, RFC 9429) as pure functions over one frozen `State`.

    creation = create_offer(state, Options(), entropy=entropy)       text, and the state that remembers it was made
    made = plan(state, Side.LOCAL, description, entropy=entropy)     all checks, no change
    state = made.state                                               commit
    for effect in made.effects: ...                                  what ICE, DTLS, SCTP and the W3C objects have to do

`signaling` is the state machine as a table, `offer` and `answer` write descriptions, `verify` judges them, `apply`
plans what they change, `candidates` and `negotiation` are what happens between two of them.
"""

from __future__ import annotations

from peer.sdp import Fingerprint

from . import capabilities
from .answer import create_answer
from .apply import plan
from .candidates import add_local_candidate, add_remote_candidate, end_local_candidates, transport_of
from .effects import Effect, Plan
from .errors import (
    InvalidAccess,
    InvalidModification,
    InvalidState,
    JsepError,
    MalformedCandidate,
    OperationFailed,
    SdpSyntax,
)
from .model import (
    BundlePolicy,
    Capabilities,
    Codec,
    Configuration,
    Creation,
    Description,
    DescriptionType,
    Direction,
    DtlsRole,
    Encoding,
    Entropy,
    HeaderExtension,
    IceCredentials,
    IceRole,
    Kind,
    MediaParameters,
    NegotiatedCodec,
    NegotiatedExtension,
    Options,
    RtcpMuxPolicy,
    Side,
    SignalingState,
    State,
    Transceiver,
    Transport,
)
from .negotiation import negotiation_needed, offer_to_receive, restart_ice, still_accurate
from .offer import create_offer
from .sources import SentStream, sent_streams

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
    "Effect",
    "Encoding",
    "Entropy",
    "Fingerprint",
    "HeaderExtension",
    "IceCredentials",
    "IceRole",
    "InvalidAccess",
    "InvalidModification",
    "InvalidState",
    "JsepError",
    "Kind",
    "MalformedCandidate",
    "MediaParameters",
    "NegotiatedCodec",
    "NegotiatedExtension",
    "OperationFailed",
    "Options",
    "Plan",
    "RtcpMuxPolicy",
    "SdpSyntax",
    "SentStream",
    "Side",
    "SignalingState",
    "State",
    "Transceiver",
    "Transport",
    "add_local_candidate",
    "add_remote_candidate",
    "create_answer",
    "create_offer",
    "end_local_candidates",
    "negotiation_needed",
    "new_state",
    "offer_to_receive",
    "plan",
    "restart_ice",
    "sent_streams",
    "still_accurate",
    "transport_of",
]


def new_state(
    *,
    fingerprints: tuple[Fingerprint, ...],
    entropy: Entropy,
    audio: Capabilities = capabilities.AUDIO,
    video: Capabilities = capabilities.VIDEO,
    bundle_policy: BundlePolicy = BundlePolicy.BALANCED,
    rtcp_mux_policy: RtcpMuxPolicy = RtcpMuxPolicy.REQUIRE,
    max_message_size: int = 262144,
    sctp_port: int = 5000,
    always_negotiates_data: bool = False,
) -> State:
    """The state of a new connection: session id and tls-id (RFC 9429 section 5.2.1), CNAME and the secret of our SSRCs
    are drawn here.
    """
    return State(
        Configuration(
            fingerprints=fingerprints,
            # below 2^63 - 1, and never the all-ones value
            session_id=int.from_bytes(entropy(8), "big") >> 2,
            tls_id=entropy(16).hex(),
            cname=entropy(12).hex(),
            source_secret=entropy(16),
            audio=audio,
            video=video,
            bundle_policy=bundle_policy,
            rtcp_mux_policy=rtcp_mux_policy,
            max_message_size=max_message_size,
            sctp_port=sctp_port,
            always_negotiates_data=always_negotiates_data,
        )
    )
