"""The hand-assembled filter, run by an interpreter of a few lines."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.packet import Packet

from harness.capture.bpf import udp_once

LOOPBACK, ETHERNET = 1, 2
HOST, OUTGOING = 0, 4


def run(program: bytes, packet: bytes, interface: int, kind: int) -> int:
    """What the kernel would do (Documentation/networking/filter: classic BPF), for the instructions we use."""
    instructions: list[tuple[int, int, int, int]] = list(struct.iter_unpack("=HBBI", program))
    counter, accumulator = 0, 0
    while True:
        code, jump_true, jump_false, k = instructions[counter]
        counter += 1
        if code == 0x20:
            accumulator = {0xFFFFF004: kind, 0xFFFFF008: interface}[k]
        elif code == 0x30:
            accumulator = packet[k]
        elif code == 0x74:
            accumulator >>= k
        elif code == 0x15:
            counter += jump_true if accumulator == k else jump_false
        elif code == 0x06:
            return k
        else:
            raise AssertionError(f"instruction {code:#x}")


@pytest.mark.parametrize(
    ("packet", "interface", "kind", "kept"),
    [
        (IP() / UDP(), LOOPBACK, HOST, True),
        (IP() / UDP(), LOOPBACK, OUTGOING, False),
        (IP() / UDP(), ETHERNET, OUTGOING, True),
        (IP() / UDP(), ETHERNET, HOST, True),
        (IPv6() / UDP(), LOOPBACK, HOST, True),
        (IPv6() / UDP(), LOOPBACK, OUTGOING, False),
        (IPv6() / UDP(), ETHERNET, OUTGOING, True),
        (IPv6() / IPv6ExtHdrFragment() / UDP(), ETHERNET, HOST, True),
        (IP() / TCP(), LOOPBACK, HOST, False),
        (IPv6() / TCP(), ETHERNET, HOST, False),
        (IP(version=5) / UDP(), ETHERNET, HOST, False),
    ],
)
def test_udp_is_kept_and_loopback_once(packet: Packet, interface: int, kind: int, kept: bool) -> None:
    assert bool(run(udp_once(LOOPBACK), bytes(packet), interface, kind)) is kept
