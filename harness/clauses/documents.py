"""The specifications we judge by, and the ones they replaced."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DOCUMENTS", "SUPERSEDED", "Document"]


@dataclass(frozen=True, slots=True)
class Document:
    """A specification: the prefix of its ids, its short title, and the file its statements are read from."""

    name: str
    title: str
    source: str


def _rfc(number: int, title: str, *, read: int | None = None) -> Document:
    return Document(f"RFC{number}", title, f"rfc{read or number}.txt")


#: In the order reports list them. RFC 9429 replaced RFC 8829 with the same section numbers: it is read there.
DOCUMENTS: dict[str, Document] = {
    document.name: document
    for document in (
        Document("W3C", "WebRTC: Real-Time Communication in Browsers", "webrtc-pc.txt"),
        _rfc(9429, "JavaScript Session Establishment Protocol (JSEP)", read=8829),
        _rfc(3264, "Offer/answer model with SDP"),
        _rfc(8866, "SDP: Session Description Protocol"),
        _rfc(9143, "Negotiating media multiplexing (BUNDLE)"),
        _rfc(8851, "RTP payload format restrictions (RID)"),
        _rfc(8853, "Simulcast in SDP and RTP sessions"),
        _rfc(8445, "Interactive Connectivity Establishment (ICE)"),
        _rfc(8838, "Trickle ICE"),
        _rfc(8839, "SDP offer/answer for ICE"),
        _rfc(8489, "Session Traversal Utilities for NAT (STUN)"),
        _rfc(8656, "Traversal Using Relays around NAT (TURN)"),
        _rfc(6544, "TCP candidates with ICE"),
        _rfc(7675, "STUN usage for consent freshness"),
        _rfc(5763, "Establishing an SRTP security context with DTLS"),
        _rfc(5764, "DTLS extension to establish keys for SRTP"),
        _rfc(8842, "SDP offer/answer for DTLS and TLS"),
        _rfc(8122, "Connection-oriented media over TLS in SDP (fingerprints)"),
        _rfc(6347, "DTLS 1.2"),
        _rfc(9147, "DTLS 1.3"),
        _rfc(5246, "TLS 1.2"),
        _rfc(8446, "TLS 1.3"),
        _rfc(5746, "TLS renegotiation indication"),
        _rfc(7627, "Extended master secret"),
        _rfc(8422, "Elliptic curves in TLS 1.2"),
        _rfc(3711, "Secure Real-time Transport Protocol (SRTP)"),
        _rfc(7714, "AES-GCM in SRTP"),
        _rfc(8831, "WebRTC data channels"),
        _rfc(8832, "WebRTC Data Channel Establishment Protocol (DCEP)"),
        _rfc(8841, "SDP offer/answer for SCTP over DTLS"),
        _rfc(8261, "DTLS encapsulation of SCTP packets"),
        _rfc(9260, "Stream Control Transmission Protocol (SCTP)"),
        _rfc(3758, "SCTP partial reliability"),
        _rfc(6525, "SCTP stream re-configuration"),
        _rfc(8260, "SCTP stream schedulers and message interleaving"),
        _rfc(8834, "Media transport and use of RTP in WebRTC"),
        _rfc(8835, "Transports for WebRTC"),
        _rfc(8827, "WebRTC security architecture"),
        _rfc(5761, "Multiplexing RTP and RTCP on one port"),
        _rfc(3550, "RTP: a transport protocol for real-time applications"),
        _rfc(3611, "RTP control protocol extended reports (RTCP XR)"),
        _rfc(4585, "RTCP-based feedback (RTP/AVPF)"),
        _rfc(5104, "Codec control messages in AVPF"),
        _rfc(5506, "Reduced-size RTCP"),
        _rfc(8108, "Multiple RTP streams in one session"),
        _rfc(4588, "RTP retransmission payload format"),
        _rfc(7587, "RTP payload format for Opus"),
        _rfc(7874, "WebRTC audio codec and processing requirements"),
        _rfc(2198, "RTP payload for redundant audio data"),
        _rfc(4733, "RTP payload for DTMF digits"),
        _rfc(6464, "Audio level from client to mixer"),
        _rfc(8285, "RTP header extensions"),
    )
}

#: Old document to its successor: citing an old one is an error.
SUPERSEDED: dict[str, str] = {
    "RFC8829": "RFC9429",
    "RFC5245": "RFC8445",
    "RFC4960": "RFC9260",
    "RFC5389": "RFC8489",
    "RFC3489": "RFC8489",
    "RFC8843": "RFC9143",
    "RFC4566": "RFC8866",
    "RFC2327": "RFC8866",
    "RFC4347": "RFC6347",
    "RFC5285": "RFC8285",
    "RFC4572": "RFC8122",
}
