"""The seam at which a case misbehaves and a trace looks in: packets in clear, on either side of SRTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from peer.errors import DecodeError
from peer.trace import Direction, Entry, Layer, Sink
from peer.wire import rtcp, rtp

__all__ = ["Message", "Seam", "Transform", "is_rtcp"]

Message: TypeAlias = rtp.Packet | tuple[rtcp.Packet, ...]
"""An RTP packet, or all the RTCP packets of one datagram."""
Transform: TypeAlias = Callable[[Message], Iterable[Message | bytes]]


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 section 4: which of the two shares of payload types the second byte is in."""
    return len(data) > 1 and 192 <= data[1] <= 223


class Seam:
    """One transport's `transform` and `trace`."""

    def __init__(self, transform: Transform | None, trace: Sink | None) -> None:
        self._transform = transform
        self._trace = trace

    def send(self, message: Message, now: float) -> list[bytes]:
        """What leaves in place of `message`, in clear: nothing, one packet or more."""
        if self._transform is None:
            data = _encode(message)
            self._record(now, Direction.SENT, message, data)
            return [data]
        sent = []
        for changed in self._transform(message):
            data = changed if isinstance(changed, bytes) else _encode(changed)
            self._record(now, Direction.SENT, None if isinstance(changed, bytes) else changed, data)
            sent.append(data)
        return sent

    def received(self, message: Message, data: bytes, now: float, note: str = "") -> None:
        """A packet that came in and was decoded; with a `note` it was then discarded and that is why."""
        self._record(now, Direction.DISCARDED if note else Direction.RECEIVED, message, data, note)

    def discarded(self, data: bytes, now: float, error: DecodeError) -> None:
        """A packet that SRTP or the parser refused; `data` is what was refused."""
        self._record(now, Direction.DISCARDED, None, data, str(error))

    def _record(self, now: float, direction: Direction, message: Message | None, data: bytes, note: str = "") -> None:
        if self._trace is not None:
            layer = Layer.RTCP if isinstance(message, tuple) or is_rtcp(data) else Layer.RTP
            self._trace(Entry(now, layer, direction, message, data, note))


def _encode(message: Message) -> bytes:
    return rtcp.serialize(message) if isinstance(message, tuple) else message.serialize()
