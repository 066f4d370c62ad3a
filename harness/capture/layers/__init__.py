"""scapy layers for everything on a WebRTC wire. scapy is imported below `harness.capture` and nowhere else."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from harness.capture.kinds import Kind
from harness.capture.layers.base import read
from harness.capture.layers.dtls import DTLS
from harness.capture.layers.rtp import RTP
from harness.capture.layers.stun import STUN, ChannelData

__all__ = ["dissect_ip", "dissect_payload"]

_LAYERS = {Kind.STUN: STUN, Kind.DTLS: DTLS, Kind.CHANNEL_DATA: ChannelData, Kind.RTP: RTP}


def dissect_payload(payload: bytes, kind: Kind) -> Any:
    """A UDP payload of this kind as a scapy packet; Raw where there is no layer for it."""
    return read(_LAYERS.get(kind, Raw), payload)


def dissect_ip(data: bytes, kind: Kind) -> Any:
    """A whole IP packet, its UDP payload dissected as `kind` whatever its ports are."""
    packet = IPv6(data) if data[0] >> 4 == 6 else IP(data)
    if UDP in packet:
        datagram = packet[UDP]
        payload = bytes(datagram.payload)
        datagram.remove_payload()
        datagram.add_payload(dissect_payload(payload, kind))
    return packet
