"""One line of words for a message and for a frame: transcripts, ladders and failure messages share it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from harness.capture.items import Item, Part
from harness.capture.layers import dcep, rtcp, sctp, stun
from harness.capture.layers.base import MALFORMED, is_makeshift, type_of
from harness.capture.layers.dtls import ALERTS, HANDSHAKE_TYPES

__all__ = ["describe", "describe_frame"]

# What is inside says it all: these are left out of a frame's line when they hold something.
_SERVER_HELLO: Final = 2
_DISSECTED: Final = frozenset({Part.STUN})
_HIDDEN_WHEN_OPENED: Final = frozenset({Part.SCTP, Part.APPLICATION_DATA, Part.CHUNK, Part.RTCP})


def describe(item: Item) -> str:
    """A message in a few words."""
    if item.part in _DISSECTED and is_makeshift(item.packet):
        return f"malformed {item.part} ({len(item.data)} bytes)"
    try:
        return _DESCRIBERS[item.part](item)
    except MALFORMED:
        return f"malformed {item.part} ({len(item.data)} bytes)"


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
    title = HANDSHAKE_TYPES.get(item.code, f"handshake message {item.code}")
    if item.code == _SERVER_HELLO:
        title = str(getattr(item.packet, "title", title))
    return f"{title} (again)" if item.again else title


def _fragment(item: Item) -> str:
    name = HANDSHAKE_TYPES.get(item.code, f"handshake message {item.code}")
    length, offset = int.from_bytes(item.data[1:4], "big"), int.from_bytes(item.data[6:9], "big")
    return f"{name} [bytes {offset}..{offset + len(item.data) - 12} of {length}]"


def _chunk(item: Item) -> str:
    describer = _CHUNKS.get(item.code)
    packet = item.packet if describer else None
    if describer is None or packet is None or is_makeshift(packet):
        return sctp.CHUNK_TYPES.get(item.code, f"chunk {item.code}")
    return describer(packet)


_FRAGMENTS: Final = {(0, 0): " middle", (0, 1): " last", (1, 0): " first", (1, 1): ""}


def _data(chunk: Any) -> str:
    part = _FRAGMENTS[chunk.beginning, chunk.ending]
    protocol = sctp.PPIDS.get(chunk.ppid, f"ppid={chunk.ppid}")
    return f"DATA{part} tsn={chunk.tsn} stream={chunk.stream} ssn={chunk.ssn} {protocol} {len(chunk.data)} bytes"


def _interleaved_data(chunk: Any) -> str:
    part = _FRAGMENTS[chunk.beginning, chunk.ending]
    known = sctp.PPIDS.get(chunk.ppid_or_fsn, f"ppid={chunk.ppid_or_fsn}")
    what = known if chunk.beginning else f"fsn={chunk.ppid_or_fsn}"
    return f"I-DATA{part} tsn={chunk.tsn} stream={chunk.stream} mid={chunk.mid} {what} {len(chunk.data)} bytes"


def _sack(chunk: Any) -> str:
    gaps = f", {len(chunk.gaps)} gaps" if chunk.gaps else ""
    return f"SACK to {chunk.cumulative_tsn}{gaps}"


def _reconfig(chunk: Any) -> str:
    said = [_RESETS[type(each)](each) for each in chunk.parameters if type(each) in _RESETS]
    return " ".join(["RE-CONFIG", *said])


_RESETS: Final[dict[type, Callable[[Any], str]]] = {
    sctp.OutgoingReset: lambda each: f"reset {list(each.streams) or 'all streams'}",
    sctp.IncomingReset: lambda each: f"ask for a reset of {list(each.streams) or 'all streams'}",
    sctp.ReconfigResponse: lambda each: f"response: {sctp.RESET_RESULTS.get(each.result, each.result)}",
}


def _with_causes(chunk: Any) -> str:
    causes = [sctp.CAUSES.get(type_of(each) or 0, f"cause {type_of(each)}") for each in chunk.parameters]
    return f"{chunk.title} ({', '.join(causes)})" if causes else str(chunk.title)


_CHUNKS: Final[dict[int, Callable[[Any], str]]] = {
    0: _data,
    3: _sack,
    6: _with_causes,
    9: _with_causes,
    64: _interleaved_data,
    130: _reconfig,
    192: lambda chunk: f"FORWARD TSN to {chunk.cumulative_tsn}",
    194: lambda chunk: f"I-FORWARD-TSN to {chunk.cumulative_tsn}",
}


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
