"""The messages in a frame: what matchers look at.

An `Item` knows its layer and type code from a few bytes; the scapy packet is made when somebody looks closer. One frame
may hold several: two DTLS records, in them an SCTP packet, in it three chunks, in one of them a DCEP message. They are
listed from the outside in and from first to last, so "order" means the same inside a frame as between frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scapy.packet import Raw

from harness.capture.layers import dcep, dtls, dtls_handshake, rtcp, rtp, sctp, stun
from harness.capture.layers.base import read

__all__ = ["Item", "Part"]


class Part(StrEnum):
    """What sort of message an item is. The type code of an item is that of its sort."""

    STUN = "stun"
    CHANNEL_DATA = "turn-channel-data"
    HANDSHAKE = "dtls-handshake"
    FRAGMENT = "dtls-fragment"
    CHANGE_CIPHER_SPEC = "dtls-change-cipher-spec"
    ALERT = "dtls-alert"
    ACK = "dtls-ack"
    APPLICATION_DATA = "dtls-application-data"
    CLOSED = "dtls-protected"
    SCTP = "sctp"
    CHUNK = "sctp-chunk"
    DCEP = "dcep"
    RTP = "rtp"
    RTCP = "rtcp"
    RTCP_PACKET = "rtcp-packet"
    OTHER = "other"


@dataclass(slots=True)
class Item:
    """One message. `protected` says that it travelled encrypted, `opened` that `data` is nevertheless in clear.

    `again` marks a DTLS handshake message sent before (a retransmission). `inside` is the item around this one.
    """

    part: Part
    code: int
    data: bytes = field(repr=False)
    protected: bool = False
    opened: bool = False
    again: bool = False
    epoch: int = 0
    version: int = 0
    inside: Item | None = field(default=None, repr=False)
    _packet: Any = field(default=None, repr=False, compare=False)

    @property
    def packet(self) -> Any:
        """The scapy packet of this message alone."""
        if self._packet is None:
            self._packet = _BUILDERS[self.part](self)
        return self._packet


def _handshake(item: Item) -> Any:
    return dtls_handshake.dissect(item.data, dtls13=item.version == 0xFEFC)


def _record_body(content: int) -> Any:
    return lambda item: read(dtls.body_class(content, item.data), item.data)


_BUILDERS: dict[Part, Any] = {
    Part.STUN: lambda item: read(stun.STUN, item.data),
    Part.CHANNEL_DATA: lambda item: read(stun.ChannelData, item.data),
    Part.HANDSHAKE: _handshake,
    Part.FRAGMENT: lambda item: read(dtls.HandshakeFragment, item.data),
    Part.CHANGE_CIPHER_SPEC: _record_body(dtls.ContentType.CHANGE_CIPHER_SPEC),
    Part.ALERT: _record_body(dtls.ContentType.ALERT),
    Part.ACK: _record_body(dtls.ContentType.ACK),
    Part.APPLICATION_DATA: lambda item: read(dtls.ApplicationData, item.data),
    Part.CLOSED: lambda item: read(dtls.Unreadable, item.data),
    Part.SCTP: lambda item: read(sctp.SCTP, item.data),
    Part.CHUNK: lambda item: sctp.chunk(item.data),
    Part.DCEP: lambda item: dcep.dissect(item.data),
    Part.RTP: lambda item: read(rtp.RTP, item.data),
    Part.RTCP: lambda item: read(rtcp.RTCP, item.data) if item.opened else rtcp.one(item.data),
    Part.RTCP_PACKET: lambda item: rtcp.one(item.data),
    Part.OTHER: lambda item: Raw(item.data),
}
