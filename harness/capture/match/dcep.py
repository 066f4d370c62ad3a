"""Data channel establishment messages."""

from __future__ import annotations

from typing import Any

from harness.capture.items import Part
from harness.capture.layers import dcep
from harness.capture.matcher import Matcher, fields

__all__ = ["ack", "message", "open"]

_ACK = 2
_OPEN = 3


def message() -> Matcher:
    """Any DCEP message."""
    return Matcher("a DCEP message", frozenset({Part.DCEP}))


def open(
    *,
    label: str | None = None,
    protocol: str | None = None,
    channel_type: int | None = None,
    priority: int | None = None,
    reliability: int | None = None,
) -> Matcher:
    """A DATA_CHANNEL_OPEN."""

    def text(name: str) -> Any:
        return lambda packet: (
            dcep.text(packet.fields.get(name, b"")) if isinstance(packet, dcep.DataChannelOpen) else None
        )

    return fields(
        "a DATA_CHANNEL_OPEN",
        Part.DCEP,
        {_OPEN},
        {
            "label": (label, text("label")),
            "protocol": (protocol, text("protocol")),
            "channel_type": (channel_type, lambda packet: packet.fields.get("channel_type")),
            "priority": (priority, lambda packet: packet.fields.get("priority")),
            "reliability": (reliability, lambda packet: packet.fields.get("reliability")),
        },
    )


def ack() -> Matcher:
    """A DATA_CHANNEL_ACK."""
    return Matcher("a DATA_CHANNEL_ACK", frozenset({Part.DCEP}), frozenset({_ACK}))
