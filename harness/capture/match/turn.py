"""TURN: ChannelData here, its methods by `stun.request(Method.ALLOCATE)` and the like.

What a relay carries is not opened on the way to the relay: it is seen again between the relayed address and the peer.
"""

from __future__ import annotations

from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.kinds import Kind, classify
from harness.capture.matcher import Matcher

__all__ = ["channel_data"]

_HEADER = 4


def channel_data(*, channel: int | None = None, carrying: Kind | None = None) -> Matcher:
    """A ChannelData message (RFC 8656 section 12.4), on this channel, with a datagram of this kind inside."""

    def test(_: Frame, item: Item) -> bool:
        length = int.from_bytes(item.data[2:4], "big")
        return carrying is None or classify(item.data[_HEADER : _HEADER + length]) is carrying

    words = "a TURN ChannelData message"
    words += f" on channel {channel:#06x}" if channel is not None else ""
    words += f" carrying {carrying}" if carrying is not None else ""
    return Matcher(words, frozenset({Part.CHANNEL_DATA}), None if channel is None else frozenset({channel}), test)
