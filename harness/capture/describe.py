"""One line of words for a message and for a frame: transcripts, ladders and failure messages share it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from harness.capture.items import Item, Part
from harness.capture.layers import dcep, rtcp, sctp, stun
from harness.capture.layers.dtls import ALERTS, HANDSHAKE_TYPES

__all__ = ["describe", "describe_frame"]

# What is inside says it all: these are left out of a frame's line when they hold something.
_HIDDEN_WHEN_OPENED: Final = frozenset({Part.SCTP, Part.APPLICATION_DATA, Part.CHUNK, Part.RTCP})


def describe(item: Item) -> str:
    """A message in a few words."""
    return _DESCRIBERS[item.part](item)


def describe_frame(items: Sequence[Item]) -> str:
    """A frame in one line."""
    opened = {id(item.inside) for item in items if item.inside is not None}
    shown = [item for item in items if not (id(item) in opened and item.part in _HIDDEN_WHEN_OPENED)]
    return ", ".join(describe(item) for item in shown) or "empty"


def _stun(item: Item) -> str:
    message = item.packet
    words = [f"STUN {message.title}"]
    words += [text for attribute in message.attributes if (text := _attribute(attribute)) is not None]
    return " ".join(words)


def _attribute(attribute: Any) -> str | None:
    if isinstance(attribute, stun.ErrorCode):
        return f"{attribute.code} {_text(attribute.reason)}".rstrip()
    if isinstance(attribute, stun.Username):
        return f"USERNAME={_text(attribute.username)}"
    if isinstance(attribute, stun.AddressAttribute):
        return f"{attribute.name}={attribute.host}:{attribute.port}"
    if isinstance(attribute, stun.Priority):
        return f"PRIORITY={attribute.priority}"
    if isinstance(attribute, stun.UseCandidate | stun.IceControlling | stun.IceControlled):
        return str(attribute.name)
    return None


def _text(value: bytes) -> str:
    return bytes(value).decode("utf-8", "backslashreplace")


def _handshake(item: Item) -> str:
    title = (
        str(item.packet.title) if item.code == 2 else HANDSHAKE_TYPES.get(item.code, f"handshake message {item.code}")
    )
    return f"{title} (again)" if item.again else title


def _fragment(item: Item) -> str:
    name = HANDSHAKE_TYPES.get(item.code, f"handshake message {item.code}")
    length, offset = int.from_bytes(item.data[1:4], "big"), int.from_bytes(item.data[6:9], "big")
    return f"{name} [bytes {offset}..{offset + len(item.data) - 12} of {length}]"


def _chunk(item: Item) -> str:
    name = sctp.CHUNK_TYPES.get(item.code, f"chunk {item.code}")
    if item.code == 0 and len(item.data) >= 16:
        tsn, stream, ssn, ppid = struct.unpack_from("!IHHI", item.data, 4)
        size = struct.unpack_from("!H", item.data, 2)[0] - 16
        part = {0: " middle", 1: " last", 2: " first", 3: ""}[item.data[1] & 3]
        return f"DATA{part} tsn={tsn} stream={stream} ssn={ssn} {sctp.PPIDS.get(ppid, f'ppid={ppid}')} {size} bytes"
    if item.code == 3 and len(item.data) >= 16:
        return f"SACK to {struct.unpack_from('!I', item.data, 4)[0]}"
    return name


def _dcep(item: Item) -> str:
    message = item.packet
    if isinstance(message, dcep.DataChannelOpen):
        label = dcep.text(message.label)
        stream = struct.unpack_from("!H", item.inside.data, 8)[0] if item.inside else 0
        return f"DATA_CHANNEL_OPEN stream={stream} label={label!r}"
    if isinstance(message, dcep.DataChannelAck):
        return "DATA_CHANNEL_ACK"
    return f"DCEP message {item.code}"


def _application_data(item: Item) -> str:
    return f"DTLS application data ({len(item.data)} bytes)"


def _closed(item: Item) -> str:
    kind = {20: "ChangeCipherSpec", 21: "alert", 22: "handshake", 23: "application data"}.get(item.code, "record")
    return f"DTLS protected {kind} ({len(item.data) - 1} bytes)"


def _rtp(item: Item) -> str:
    sequence, _, ssrc = struct.unpack_from("!HII", item.data.ljust(12, b"\0"), 2)
    return f"RTP pt={item.code} seq={sequence} ssrc={ssrc:#010x}"


_DESCRIBERS: Final[dict[Part, Callable[[Item], str]]] = {
    Part.STUN: _stun,
    Part.CHANNEL_DATA: lambda item: f"TURN ChannelData {item.code:#06x} ({len(item.data) - 4} bytes)",
    Part.HANDSHAKE: _handshake,
    Part.FRAGMENT: _fragment,
    Part.CHANGE_CIPHER_SPEC: lambda _: "ChangeCipherSpec",
    Part.ALERT: lambda item: f"alert {ALERTS.get(item.code, item.code)}",
    Part.ACK: lambda _: "ACK",
    Part.APPLICATION_DATA: _application_data,
    Part.CLOSED: _closed,
    Part.SCTP: lambda _: "SCTP packet",
    Part.CHUNK: _chunk,
    Part.DCEP: _dcep,
    Part.RTP: _rtp,
    Part.RTCP: lambda item: f"RTCP {rtcp.name_of(item.data)}",
    Part.RTCP_PACKET: lambda item: f"RTCP {rtcp.name_of(item.data)}",
    Part.OTHER: lambda item: f"{len(item.data)} bytes",
}
