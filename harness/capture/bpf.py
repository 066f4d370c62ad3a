"""A classic BPF program, assembled by hand: UDP over IPv4 and IPv6, each packet once.

It is a dozen instructions, so libpcap's compiler is not needed. A packet sent over the loopback interface passes a
packet socket twice, on its way out and on its way in; the first pass is dropped here. On any other interface both
directions are kept.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import Final

__all__ = ["attach", "udp_once"]

_LD_WORD: Final = 0x20
_LD_BYTE: Final = 0x30
_RIGHT_SHIFT: Final = 0x74
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_SO_ATTACH_FILTER: Final = 26

# Ancillary data is addressed as if it lay far beyond any packet (SKF_AD_OFF).
_PACKET_TYPE: Final = 0xFFFFF000 + 4
_INTERFACE: Final = 0xFFFFF000 + 8
_PACKET_OUTGOING: Final = 4
_UDP: Final = 17
_FRAGMENT_HEADER: Final = 44
_WHOLE_PACKET: Final = 0x40000


def udp_once(loopback_index: int) -> bytes:
    """The program, for a cooked (SOCK_DGRAM) packet socket; `loopback_index` is the index of the loopback interface."""
    program = (
        (_LD_WORD, 0, 0, _INTERFACE),
        (_JUMP_IF_EQUAL, 0, 2, loopback_index),
        (_LD_WORD, 0, 0, _PACKET_TYPE),
        (_JUMP_IF_EQUAL, 10, 0, _PACKET_OUTGOING),
        (_LD_BYTE, 0, 0, 0),
        (_RIGHT_SHIFT, 0, 0, 4),
        (_JUMP_IF_EQUAL, 0, 2, 4),
        (_LD_BYTE, 0, 0, 9),
        (_JUMP_IF_EQUAL, 4, 5, _UDP),
        (_JUMP_IF_EQUAL, 0, 4, 6),
        (_LD_BYTE, 0, 0, 6),
        (_JUMP_IF_EQUAL, 1, 0, _UDP),
        (_JUMP_IF_EQUAL, 0, 1, _FRAGMENT_HEADER),
        (_RETURN, 0, 0, _WHOLE_PACKET),
        (_RETURN, 0, 0, 0),
    )
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def attach(sock: socket.socket, program: bytes) -> None:
    """Give `program` to the kernel as the filter of `sock`. Raises OSError where it is refused."""
    instructions = ctypes.create_string_buffer(program, len(program))
    pointer = ctypes.addressof(instructions)
    # struct sock_fprog: a 16-bit length, padding, a pointer; "@" aligns as the C compiler does.
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program) // 8, pointer))
