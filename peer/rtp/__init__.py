"""RTP and RTCP: senders, receivers and what stands between packets and frames. Sans-IO.

    frames ── Sender ──> Outgoing ──> Pacer ──┐                           ┌──> SRTP ──> datagrams
               │ packetizer, tones, RED        ├── Transport ── Seam ─────┤
    frames <── Receiver <── FrameBuffer <──────┘   demultiplexer, RTCP    └──< SRTP <── datagrams
                 depacketizer, RTX, RED, FEC       estimate, feedback

A `Transport` is the RTP session of one bundle, a machine of the four-method dialect. `add_sender` and `add_receiver`
take plain configurations; frames go in by `Sender.send`, everything else comes out as events.

    config         formats, SSRCs, extensions: what negotiation says
    frame          EncodedFrame
    events         what is reported
    statistics     what is counted
    payload/       formats of payloads
    sender         frames to packets; outgoing: one stream's numbers and history; pacer: when they leave
    receiver       packets to frames; incoming: one stream's state; jitter: order; reception: RFC 3550's counts
    demultiplexer  RFC 9143 section 9.2
    control        RTCP both ways; schedule: when
    bandwidth      the estimate of what may be sent; arrivals: the feedback that the other side's estimate needs
"""

from peer.rtp.config import Codec, ReceiveConfig, SendConfig, SendStream, parse_fmtp
from peer.rtp.events import (
    EndReason,
    Event,
    FrameLost,
    FrameReceived,
    KeyFrameRequested,
    SsrcChanged,
    StreamEnded,
    StreamStarted,
    TargetBitrateChanged,
    ToneReceived,
)
from peer.rtp.frame import EncodedFrame
from peer.rtp.receiver import Receiver, Source
from peer.rtp.sender import Sender
from peer.rtp.transport import Transport

__all__ = [
    "Codec",
    "EncodedFrame",
    "EndReason",
    "Event",
    "FrameLost",
    "FrameReceived",
    "KeyFrameRequested",
    "ReceiveConfig",
    "Receiver",
    "SendConfig",
    "SendStream",
    "Sender",
    "Source",
    "SsrcChanged",
    "StreamEnded",
    "StreamStarted",
    "TargetBitrateChanged",
    "ToneReceived",
    "Transport",
    "parse_fmtp",
]
