"""The seam at which a case misbehaves and a trace looks in.

The data path packs bytes directly. Where somebody wants to see or to change what is said, each outgoing packet is
taken apart again and every chunk, then the packet, is offered to `transform`; what comes back is encoded. With the
identity and no trace this costs nothing, since it isn't called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from peer.errors import DecodeError
from peer.trace import Direction, Entry, Layer, Sink
from peer.wire.sctp import Chunk, Packet, parse

__all__ = ["Seam", "Transform", "identity"]

Transform: TypeAlias = Callable[[Chunk | Packet], Iterable[Chunk | Packet | bytes]]


def identity(message: Chunk | Packet) -> Iterable[Chunk | Packet | bytes]:
    """Changes nothing."""
    return (message,)


class Seam:
    """One association's `transform` and `trace`. `active` says whether packets have to pass here at all."""

    def __init__(self, transform: Transform, trace: Sink | None) -> None:
        self._transform = transform
        self._trace = trace
        self.active = transform is not identity or trace is not None

    def send(self, data: bytes, now: float) -> list[bytes]:
        """What really leaves in place of the packet `data`: nothing, one packet or more."""
        packet = parse(data)
        if self._transform is identity:
            self._record(now, Direction.SENT, packet, data)
            return [data]
        chunks: list[Chunk | bytes] = []
        for chunk in packet.chunks:
            if not isinstance(chunk, bytes):
                chunks += (c if not isinstance(c, Packet) else c.serialize() for c in self._transform(chunk))
        if not chunks:
            return []
        # A packet whose chunks were changed needs a new checksum; one that carried zero by RFC 9653 keeps it.
        whole = replace(packet, chunks=tuple(chunks), checksum=0 if packet.checksum == 0 else None)
        sent: list[bytes] = []
        for message in self._transform(whole):
            encoded = message if isinstance(message, bytes) else message.serialize()
            self._record(now, Direction.SENT, message if isinstance(message, Packet) else None, encoded)
            sent.append(encoded)
        return sent

    def received(self, data: bytes, now: float, note: str = "") -> None:
        """Reports a packet that came in; with a `note` it was discarded and that is why."""
        if self._trace is None:
            return
        try:
            packet: Packet | None = parse(data)
        except DecodeError as error:
            packet, note = None, note or str(error)
        self._record(now, Direction.DISCARDED if note else Direction.RECEIVED, packet, data, note)

    def _record(self, now: float, direction: Direction, packet: Packet | None, data: bytes, note: str = "") -> None:
        if self._trace is not None:
            self._trace(Entry(now, Layer.SCTP, direction, packet, data, note))
