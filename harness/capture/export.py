"""What a recording leaves on disk: `wire.pcapng` as captured with the secrets inside, and `wire.decrypted.pcapng`.

In the decrypted file frame n is frame n: a frame whose contents were opened holds the inner packet in clear, wrapped in
Wireshark's exported-PDU tags, which name the protocol and keep addresses and ports; every other frame is as captured. A
frame that held more than one inner packet has the others at the end of the file, each with a comment that says so.

A brief file has the beginning of the conversation whole and of later packets the headers: what a case that passed is
asked for is how it went, not the megabytes that went over it. Frames a judgement rests on, which have a comment, are
whole wherever they are, and every frame keeps its number and says how long it was.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from harness.capture import pcapng
from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.pcapng import Link, Packet

__all__ = ["decrypted", "exported_pdu", "wire"]

# Wireshark's wsutil/exported_pdu_tlvs: tag numbers.
_PROTOCOL: Final = 12
_IPV4_SOURCE: Final = 20
_IPV4_DESTINATION: Final = 21
_IPV6_SOURCE: Final = 22
_IPV6_DESTINATION: Final = 23
_PORT_TYPE: Final = 24
_SOURCE_PORT: Final = 25
_DESTINATION_PORT: Final = 26
# "No" port type, though the ports are UDP's. Wireshark remembers from use_srtp in a ServerHello that these UDP ports
# carry SRTP, and would look for an authentication tag in what is no longer SRTP.
_PORT_TYPE_NONE: Final = 0
# Bytes of packets that a brief file has whole; then bytes of each: IPv6, UDP, the tags, SCTP and DATA with some data.
_WHOLE: Final = 0x20000
_HEADERS: Final = 128
_INNER: Final = {Part.SCTP: "sctp", Part.RTP: "rtp", Part.RTCP: "rtcp"}


def wire(
    frames: Sequence[Frame],
    secrets: Sequence[str],
    comments: Mapping[int, Sequence[str]] | None = None,
    *,
    brief: bool = False,
) -> bytes:
    """The packets as captured. `comments` are by frame number; `secrets` are key log lines."""
    said = comments or {}
    packets = [Packet(frame.nanoseconds, frame.data, comments=tuple(said.get(frame.number, ()))) for frame in frames]
    return pcapng.write(_shortened(packets) if brief else packets, secrets=secrets)


def decrypted(
    frames: Sequence[Frame],
    items: Sequence[tuple[Item, ...]],
    secrets: Sequence[str],
    comments: Mapping[int, Sequence[str]] | None = None,
    *,
    brief: bool = False,
) -> bytes:
    """The same frames with what was inside DTLS and SRTP in clear."""
    said = comments or {}
    packets: list[Packet] = []
    extra: list[Packet] = []
    for frame, held in zip(frames, items, strict=False):
        notes = tuple(said.get(frame.number, ()))
        opened = [item for item in held if item.part in _INNER and item.opened]
        if not opened:
            packets.append(Packet(frame.nanoseconds, frame.data, comments=notes))
            continue
        inner = [exported_pdu(_INNER[item.part], frame, item.data) for item in opened]
        packets.append(Packet(frame.nanoseconds, inner[0], Link.UPPER_PDU, notes))
        note = f"was also in frame {frame.number}"
        extra += [Packet(frame.nanoseconds, data, Link.UPPER_PDU, (note,)) for data in inner[1:]]
    packets += extra
    return pcapng.write(_shortened(packets) if brief else packets, secrets=secrets)


def _shortened(packets: Sequence[Packet]) -> list[Packet]:
    kept, written = list[Packet](), 0
    for packet in packets:
        size = len(packet.data)
        written += size
        cut = written > _WHOLE and size > _HEADERS and not packet.comments
        kept.append(replace(packet, data=packet.data[:_HEADERS], size=size) if cut else packet)
    return kept


def exported_pdu(protocol: str, frame: Frame, data: bytes) -> bytes:
    """`data` with the tags that make Wireshark hand it to the dissector of `protocol`."""
    source, destination = ipaddress.ip_address(frame.source.host), ipaddress.ip_address(frame.destination.host)
    v4 = source.version == 4
    tags = [
        (_PROTOCOL, protocol.encode()),
        (_IPV4_SOURCE if v4 else _IPV6_SOURCE, source.packed),
        (_IPV4_DESTINATION if v4 else _IPV6_DESTINATION, destination.packed),
        (_PORT_TYPE, struct.pack("!I", _PORT_TYPE_NONE)),
        (_SOURCE_PORT, struct.pack("!I", frame.source.port)),
        (_DESTINATION_PORT, struct.pack("!I", frame.destination.port)),
    ]
    written = b"".join(
        struct.pack("!HH", tag, len(value) + -len(value) % 4) + value + bytes(-len(value) % 4) for tag, value in tags
    )
    return written + struct.pack("!HH", 0, 0) + data
