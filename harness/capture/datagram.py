"""UDP datagrams out of IP packets, and the other way round."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from harness.capture.addresses import Address

__all__ = ["Datagram", "from_ip", "made_up"]

_UDP: Final = 17
_SKIPPED_HEADERS: Final = frozenset({0, 43, 60})


@dataclass(frozen=True, slots=True)
class Datagram:
    """A UDP datagram; `header` is everything before the payload, from the first byte of the IP header."""

    source: Address
    destination: Address
    header: bytes = field(repr=False)
    payload: bytes = field(repr=False)


@lru_cache(maxsize=4096)
def _address(packed: bytes, port: int) -> Address:
    return Address(str(ipaddress.ip_address(packed)), port)


def from_ip(packet: bytes) -> Datagram | None:
    """The UDP datagram inside an IP packet; None when there is none (another protocol, a later fragment, garbage)."""
    if len(packet) < 28:
        return None
    version = packet[0] >> 4
    if version == 4:
        if packet[9] != _UDP or struct.unpack_from("!H", packet, 6)[0] & 0x1FFF:
            return None
        start, source, destination = (packet[0] & 0x0F) * 4, packet[12:16], packet[16:20]
    elif version == 6 and len(packet) >= 48:
        following, start = packet[6], 40
        while following in _SKIPPED_HEADERS and start + 2 <= len(packet):
            following, start = packet[start], start + (packet[start + 1] + 1) * 8
        if following != _UDP:
            return None
        source, destination = packet[8:24], packet[24:40]
    else:
        return None
    if start + 8 > len(packet):
        return None
    source_port, destination_port, length = struct.unpack_from("!HHH", packet, start)
    return Datagram(
        _address(source, source_port),
        _address(destination, destination_port),
        packet[: start + 8],
        packet[start + 8 : start + max(length, 8)],
    )


def made_up(source: Address, destination: Address, payload: bytes) -> Datagram:
    """A datagram with IP and UDP headers as they might have been, for what was not captured below UDP.

    Names (mDNS) and a mixture of families, which no packet has, become the unspecified address. The UDP checksum is
    left out in IPv4 and right in IPv6, where it must be there.
    """
    origin, target = _parse(source.host), _parse(destination.host)
    if origin.version != target.version:
        origin = target = ipaddress.IPv6Address(0)
    ports = struct.pack("!HHH", source.port, destination.port, 8 + len(payload))
    if origin.version == 4:
        bare = (
            struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(payload), 0, 0x4000, 64, _UDP, 0) + origin.packed + target.packed
        )
        header = bare[:10] + _ones_complement(bare) + bare[12:] + ports + b"\0\0"
    else:
        pseudo = origin.packed + target.packed + struct.pack("!II", 8 + len(payload), _UDP)
        checksum = _ones_complement(pseudo + ports + b"\0\0" + payload)
        fixed = struct.pack("!IHBB", 6 << 28, 8 + len(payload), _UDP, 64)
        header = fixed + origin.packed + target.packed + ports + (checksum if checksum != b"\0\0" else b"\xff\xff")
    return Datagram(source, destination, header, payload)


def _parse(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ipaddress.IPv4Address(0)
    # What a dual-stack socket calls ::ffff:127.0.0.1 is IPv4 on the wire.
    return getattr(address, "ipv4_mapped", None) or address


def _ones_complement(data: bytes) -> bytes:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", total ^ 0xFFFF)
