"""PCMU, PCMA (RFC 3551 section 4.5.14) and G722 (4.5.2): a payload is a run of samples, one byte each.

G722's clock is 8 kHz though it samples at 16 kHz: a byte holds two samples, and is one unit of the clock as with the
other two.
"""

from __future__ import annotations

from peer.rtp.payload.cutting import WholeDepacketizer, WholePacketizer

__all__ = ["Depacketizer", "Packetizer"]


class Packetizer(WholePacketizer):
    pass


class Depacketizer(WholeDepacketizer):
    pass
