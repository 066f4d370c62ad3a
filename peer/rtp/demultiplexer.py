"""Which receiver a packet is for: RFC 9143 section 9.2. By mid, then SSRC, then payload type."""

from __future__ import annotations

from typing import Final, TypeVar

from peer.errors import DecodeError
from peer.rtp import extensions
from peer.rtp.clock import distance16
from peer.rtp.receiver import Receiver
from peer.wire import rtp

__all__ = ["Demultiplexer"]

MAX_SSRCS: Final = 512
Value = TypeVar("Value")


class Demultiplexer:
    """The three tables of a transport."""

    def __init__(self) -> None:
        self._receivers: list[Receiver] = []
        self._by_ssrc: dict[int, Receiver] = {}
        self._by_mid: dict[str, Receiver] = {}
        self._by_payload_type: dict[int, Receiver | None] = {}
        self._left: dict[int, str] = {}  # SSRCs whose m-section no longer receives, and its mid
        self._said: dict[int, tuple[str, int]] = {}  # SSRC -> its mid, and the number of the packet that last said so

    def update(self, receivers: list[Receiver]) -> None:
        """The receivers, or their configurations, changed."""
        self._receivers = receivers
        self._by_mid = {one.config.mid: one for one in receivers if one.config.mid}
        self._by_payload_type = {}
        for one in receivers:
            for codec in one.config.codecs:
                # Only a payload type that stands in one m-section alone tells where a packet belongs.
                known = self._by_payload_type.get(codec.payload_type, one)
                self._by_payload_type[codec.payload_type] = one if known is one else None
        alive = set(map(id, receivers))
        for ssrc, one in list(self._by_ssrc.items()):
            if id(one) not in alive:
                # What is on its way is not another m-section's, though the payload type may be of that one alone now.
                del self._by_ssrc[ssrc]
                if one.config.mid:
                    _bounded(self._left, ssrc, one.config.mid)
        for ssrc, mid in list(self._left.items()):
            if mid in self._by_mid:
                self._associate(ssrc, self._by_mid[mid])
        for one in receivers:
            for ssrc in (*one.config.ssrcs, *one.config.repairs, *one.config.protects):
                self._associate(ssrc, one)

    def receiver_of(self, ssrc: int) -> Receiver | None:
        return self._by_ssrc.get(ssrc)

    def forget(self, ssrc: int) -> None:
        self._by_ssrc.pop(ssrc, None)
        self._left.pop(ssrc, None)
        self._said.pop(ssrc, None)

    def named(self, ssrc: int, mid: str) -> None:
        """An SDES item said that this SSRC belongs to that m-section."""
        receiver = self._by_mid.get(mid)
        if receiver is not None:
            self._associate(ssrc, receiver)

    def route(self, packet: rtp.Packet) -> Receiver | str:
        """The receiver, or why the packet is nobody's."""
        mid = self._named_mid(packet)
        if mid is not None:
            receiver = self._by_mid.get(mid)
            if receiver is None:
                return f"mid {mid!r} is no m-section's"
            self._associate(packet.ssrc, receiver)
        known = self._by_ssrc.get(packet.ssrc)
        if known is not None:
            if known.codec(packet.payload_type) is None:
                return f"payload type {packet.payload_type} is not of m-section {known.config.mid!r}"
            return known
        if packet.ssrc in self._left:
            return f"SSRC {packet.ssrc}: its m-section {self._left[packet.ssrc]!r} no longer receives"
        found = self._by_payload_type.get(packet.payload_type)
        if found is None:
            return f"SSRC {packet.ssrc}, payload type {packet.payload_type}: no m-section"
        self._associate(packet.ssrc, found)
        return found

    def _named_mid(self, packet: rtp.Packet) -> str | None:
        """The mid of the packet's stream: what the latest packet that names one says (RFC 7941 section 4.2.6)."""
        before = self._said.get(packet.ssrc)
        mid = self._mid(packet)
        if mid is None or (before is not None and distance16(packet.sequence_number, before[1]) < 0):
            return before[0] if before is not None else None
        _bounded(self._said, packet.ssrc, (mid, packet.sequence_number))
        return mid

    def _mid(self, packet: rtp.Packet) -> str | None:
        if not packet.extensions:
            return None
        for receiver in self._receivers:
            data = receiver.value(packet, extensions.MID)
            if data:
                try:
                    return extensions.pull_text(data)
                except DecodeError:
                    return None
        return None

    def _associate(self, ssrc: int, receiver: Receiver) -> None:
        self._left.pop(ssrc, None)
        _bounded(self._by_ssrc, ssrc, receiver)


def _bounded(table: dict[int, Value], key: int, value: Value) -> None:
    """Enter a value; the oldest go when there are too many."""
    table.pop(key, None)
    table[key] = value
    while len(table) > MAX_SSRCS:
        del table[next(iter(table))]
