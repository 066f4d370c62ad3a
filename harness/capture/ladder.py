"""Rows of a ladder diagram: who sent what to whom, frame by frame. Data only; the report draws it.

A transfer of megabytes is thousands of frames of DATA and SACK, a call thousands of RTP packets. Such a stretch becomes
its first frames and one row a direction that says how many followed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from scapy.fields import ConditionalField, PadField
from scapy.packet import Packet

from harness.capture.describe import describe, describe_frame
from harness.capture.frame import Frame
from harness.capture.items import Item, Part

if TYPE_CHECKING:
    from harness.capture.recording import Recording

__all__ = ["rows"]

_KINDS: Final = {
    Part.STUN: "stun",
    Part.CHANNEL_DATA: "stun",
    Part.SCTP: "sctp",
    Part.CHUNK: "sctp",
    Part.DCEP: "dcep",
    Part.RTP: "rtp",
    Part.RTCP: "rtcp",
    Part.RTCP_PACKET: "rtcp",
    Part.OTHER: "other",
}
_BULK_CHUNKS: Final = frozenset({0, 3, 64})
_SHOWN_OF_BULK: Final = 2
_LEAST_FOLDED: Final = 4
_HEX_BYTES: Final = 512
_LONGEST_VALUE: Final = 200


def rows(
    recording: Recording,
    started: float,
    names: Sequence[str] = (),
    *,
    keep: Collection[int] = (),
    details: Collection[int] | None = None,
) -> list[dict[str, Any]]:
    """The packet rows, ordered by `t`, which is in seconds since `started` (seconds since the epoch).

    `names` are the lanes: a frame that neither comes from nor goes to one of them is left out (all are kept without
    names). An end nobody owns is given by its address. The frames numbered in `keep` are never folded: a verdict rests
    on them. Layers and bytes are given of the frames numbered in `details`, of all without it.
    """
    items = recording.items()
    frames = recording.frames
    wanted = frozenset(names)
    shown = [index for index in range(len(items)) if not wanted or wanted & set(_ends(frames[index]))]
    made: list[dict[str, Any]] = []
    bulk = [_is_bulk(several) and frame.number not in keep for frame, several in zip(frames, items, strict=False)]
    for stretch in _stretches(shown, bulk):
        folds = bulk[stretch[0]] and len(stretch) >= _LEAST_FOLDED + _SHOWN_OF_BULK
        whole = stretch[:_SHOWN_OF_BULK] if folds else stretch
        for index in whole:
            frame, several = frames[index], items[index]
            opened = details is None or frame.number in details
            made.append(_row(frame, several, started) | (_contents(frame, several) if opened else {}))
        if folds:
            made += _folded(stretch[_SHOWN_OF_BULK:], frames, items, started)
    return made


def _ends(frame: Frame) -> tuple[str, str]:
    return frame.sender or str(frame.source), frame.receiver or str(frame.destination)


def _stretches(shown: Sequence[int], bulk: Sequence[bool]) -> Iterator[list[int]]:
    """Neighbours that are all bulk, or all not."""
    stretch: list[int] = []
    for index in shown:
        if stretch and bulk[index] is not bulk[stretch[0]]:
            yield stretch
            stretch = []
        stretch.append(index)
    if stretch:
        yield stretch


def _is_bulk(items: Sequence[Item]) -> bool:
    if any(item.part is Part.CHUNK for item in items):
        chunks = all(item.code in _BULK_CHUNKS for item in items if item.part is Part.CHUNK)
        return chunks and not any(item.part is Part.DCEP for item in items)
    bulk = (Part.RTP, Part.RTCP, Part.RTCP_PACKET, Part.CLOSED)
    return all(item.part in bulk and item.code not in (20, 21, 22) for item in items)


def _kind(items: Sequence[Item]) -> str:
    for part in (Part.DCEP, Part.CHUNK, Part.RTCP, Part.RTP):
        if any(item.part is part for item in items):
            return _KINDS[part]
    return _KINDS.get(items[0].part, "dtls") if items else "other"


def _row(frame: Frame, items: Sequence[Item], started: float) -> dict[str, Any]:
    source, destination = _ends(frame)
    return {
        "t": round(frame.time - started, 6),
        "from": source,
        "to": destination,
        "kind": _kind(items),
        "label": describe_frame(items),
        "frame": frame.number,
    }


def _contents(frame: Frame, items: Sequence[Item]) -> dict[str, Any]:
    return {
        "layers": [_addresses(frame), *(_layer(item) for item in items)],
        "hex": frame.payload[:_HEX_BYTES].hex(),
        "note": f"{len(frame.payload)} bytes, the first {_HEX_BYTES} shown" if len(frame.payload) > _HEX_BYTES else "",
    }


def _folded(
    stretch: Sequence[int], frames: Sequence[Frame], items: Sequence[tuple[Item, ...]], started: float
) -> Iterator[dict[str, Any]]:
    """One row a direction for a stretch of alike frames."""
    directions: dict[tuple[str, str], list[int]] = {}
    for index in stretch:
        directions.setdefault(_ends(frames[index]), []).append(index)
    for (source, destination), members in directions.items():
        kinds = Counter(_family(item) for index in members for item in items[index] if item.part in _COUNTED)
        size = sum(len(frames[index].payload) for index in members)
        first, last = frames[members[0]], frames[members[-1]]
        yield {
            "t": round(first.time - started, 6),
            "from": source,
            "to": destination,
            "kind": _kind(items[members[0]]),
            "label": f"... {len(members)} more: {', '.join(f'{count} {name}' for name, count in kinds.most_common())}",
            "frame": first.number,
            "note": f"frames {first.number} to {last.number}, {size} bytes, until {last.time - started:.3f} s",
        }


_COUNTED: Final = frozenset({Part.CHUNK, Part.RTP, Part.RTCP, Part.CLOSED})


def _family(item: Item) -> str:
    if item.part is Part.CHUNK:
        return {0: "DATA", 3: "SACK", 64: "I-DATA"}.get(item.code, "chunks")
    return {Part.RTP: "RTP", Part.RTCP: "RTCP"}.get(item.part, "protected records")


def _addresses(frame: Frame) -> dict[str, Any]:
    fields = [["from", str(frame.source)], ["to", str(frame.destination)], ["bytes", str(len(frame.payload))]]
    return {"name": "UDP", "fields": fields}


def _layer(item: Item) -> dict[str, Any]:
    packet = item.packet
    name = getattr(packet, "title", None) or packet.name
    return {"name": str(name), "fields": list(_fields(packet)) or [["", describe(item)]]}


def _fields(packet: Packet) -> Iterator[list[str]]:
    for described in packet.fields_desc:
        if isinstance(described, ConditionalField) and not described._evalcond(packet):
            continue
        if described.name.endswith("length") or described.name.startswith("reserved"):
            continue
        value = packet.getfieldval(described.name)
        if isinstance(value, list) and value and all(isinstance(each, Packet) for each in value):
            for each in value:
                title = str(getattr(each, "title", None) or each.name)
                yield [title, _short(", ".join(f"{name} {text}" for name, text in _fields(each) if name != "type"))]
        else:
            yield [described.name, _short(_text(described, packet, value))]


def _text(described: Any, packet: Packet, value: Any) -> str:
    if isinstance(described, PadField):
        described = described.fld
    return str(described.i2repr(packet, value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
