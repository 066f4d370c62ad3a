"""One captured packet: its bytes and time; what kind it is by its first bytes; a scapy packet only when asked."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from harness.capture import layers
from harness.capture.addresses import Address, AddressBook
from harness.capture.datagram import Datagram
from harness.capture.kinds import Kind, classify

__all__ = ["Frame", "username_of"]

_USERNAME: Final = 0x0006


@dataclass(eq=False)
class Frame:
    """A captured packet. `number` counts from 1 and is the number Wireshark shows in `wire.pcapng`."""

    number: int
    nanoseconds: int
    datagram: Datagram = field(repr=False)
    book: AddressBook = field(repr=False)

    @property
    def time(self) -> float:
        """Seconds since the epoch."""
        return self.nanoseconds / 1e9

    @property
    def source(self) -> Address:
        return self.datagram.source

    @property
    def destination(self) -> Address:
        return self.datagram.destination

    @property
    def payload(self) -> bytes:
        """The UDP payload."""
        return self.datagram.payload

    @property
    def data(self) -> bytes:
        """The packet from the first byte of its IP header."""
        return self.datagram.header + self.datagram.payload

    @property
    def sender(self) -> str | None:
        """The name of the endpoint that sent it, as far as is known by now."""
        return self.book.owner(self.datagram.source)

    @property
    def receiver(self) -> str | None:
        return self.book.owner(self.datagram.destination)

    @cached_property
    def kind(self) -> Kind:
        return classify(self.datagram.payload)

    @property
    def packet(self) -> Any:
        """The scapy packet, IP header and all. Built at every call: keep it if you need it twice."""
        return layers.dissect_ip(self.data, self.kind)

    def __str__(self) -> str:
        return f"frame {self.number}: {self.source} > {self.destination} {self.kind} ({len(self.payload)} bytes)"


def username_of(message: bytes) -> str | None:
    """USERNAME of a STUN message, found without dissecting it."""
    position, end = 20, min(len(message), 20 + struct.unpack_from("!H", message, 2)[0])
    while position + 4 <= end:
        kind, length = struct.unpack_from("!HH", message, position)
        if kind == _USERNAME:
            return message[position + 4 : position + 4 + length].decode("utf-8", "replace")
        position += 4 + (length + 3 & ~3)
    return None
