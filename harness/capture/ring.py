"""The kernel's memory-mapped receive ring for packet sockets (TPACKET_V3).

Why a ring and not `recv`: a `recv` loop gives up the interpreter lock twice a packet, and when the event loop in the
main thread is busy each return may wait a whole switch interval. Here one wake-up yields a block of packets, and every
packet carries the kernel's timestamp, so what the interpreter is doing doesn't shift time.
"""

from __future__ import annotations

import mmap
import select
import socket
import struct
from typing import Final, TypeAlias

from harness.capture import bpf

__all__ = ["RawPacket", "Ring"]

RawPacket: TypeAlias = tuple[int, bytes]
"""Nanoseconds since the epoch, and an IP packet from its first byte."""

_ETH_P_ALL: Final = 0x0003
_SOL_PACKET: Final = 263
_PACKET_RX_RING: Final = 5
_PACKET_STATISTICS: Final = 6
_PACKET_VERSION: Final = 10
_TPACKET_V3: Final = 2

# A block is handed over when it is full or has waited this long. A block in our hands is one the kernel can't fill, so
# at low rates it is BLOCKS * RETIRE_MS that bounds how long the reading thread may be held up: 2 s.
_RETIRE_MS: Final = 4
_BLOCK_SIZE: Final = 128 * 1024
_BLOCKS: Final = 512
_SLOT: Final = 2048

_BLOCK_HEADER: Final = struct.Struct("=III")
_PACKET_HEADER: Final = struct.Struct("=IIIIIIHH")
_STATUS_OFFSET: Final = 8
_OWNED_BY_US: Final = 1


class Ring:
    """One packet socket over all interfaces. Raises OSError: PermissionError without CAP_NET_RAW."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        try:
            bpf.attach(self._socket, bpf.udp_once(socket.if_nametoindex("lo")))
            self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
            slots = _BLOCK_SIZE // _SLOT * _BLOCKS
            request = struct.pack("=7I", _BLOCK_SIZE, _BLOCKS, _SLOT, slots, _RETIRE_MS, 0, 0)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
            self._memory = mmap.mmap(self._socket.fileno(), _BLOCK_SIZE * _BLOCKS)
        except OSError:
            self._socket.close()
            raise
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(self._wake_reader, select.POLLIN)
        self._block = 0

    def wake(self) -> None:
        """Let a `read` in another thread return."""
        self._wake_writer.send(b"\0")

    def read(self, timeout_ms: int) -> list[RawPacket]:
        """The packets of the next full block; an empty list when there was none in time."""
        start = self._block * _BLOCK_SIZE
        if not self._memory[start + _STATUS_OFFSET] & _OWNED_BY_US:
            self._poll.poll(timeout_ms)
            if not self._memory[start + _STATUS_OFFSET] & _OWNED_BY_US:
                return []
        packets = self._packets(start)
        self._memory[start + _STATUS_OFFSET : start + _STATUS_OFFSET + 4] = b"\0\0\0\0"
        self._block = (self._block + 1) % _BLOCKS
        return packets

    def _packets(self, start: int) -> list[RawPacket]:
        memory, unpack = self._memory, _PACKET_HEADER.unpack_from
        _, count, first = _BLOCK_HEADER.unpack_from(memory, start + _STATUS_OFFSET)
        packets: list[RawPacket] = []
        position = start + first
        for _ in range(count):
            step, seconds, nanoseconds, kept, _, _, _, network = unpack(memory, position)
            data = position + network
            packets.append((seconds * 1_000_000_000 + nanoseconds, memory[data : data + kept]))
            position += step
        return packets

    def dropped(self) -> int:
        """Packets the kernel had no room for since the last call."""
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        return int(struct.unpack("=III", statistics)[1])

    def close(self) -> None:
        self._memory.close()
        self._socket.close()
        self._wake_reader.close()
        self._wake_writer.close()
