"""From frames to items: follows the DTLS connections of a case and opens them with the secrets known by now."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.capture.addresses import Address, AddressBook
from harness.capture.conversation import Content, Conversation, client_random_in
from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.keylog import KeyLog
from harness.capture.kinds import Kind
from harness.capture.layers import dcep, rtcp, sctp
from harness.capture.layers.dtls import ContentType

__all__ = ["Dissector"]

_PARTS: Final[dict[int, Part]] = {
    ContentType.CHANGE_CIPHER_SPEC: Part.CHANGE_CIPHER_SPEC,
    ContentType.ALERT: Part.ALERT,
    ContentType.HANDSHAKE: Part.HANDSHAKE,
    ContentType.APPLICATION_DATA: Part.APPLICATION_DATA,
    ContentType.ACK: Part.ACK,
}
_TRIED: Final = 4
_SMALLEST_SCTP: Final = 16
_DATA_HEADERS: Final = {0: 16, 64: 20}
# Label and protocol may have 65,535 bytes each (RFC 8832 section 5.1).
_LARGEST_MESSAGE: Final = 12 + 2 * 65535


class Dissector:
    """The items of a growing list of frames. A new secret makes it start over: what was closed may open now."""

    def __init__(self, book: AddressBook, keylog: KeyLog) -> None:
        self._book = book
        self._keylog = keylog
        self._generation = keylog.generation
        self._items: list[tuple[Item, ...]] = []
        self._conversations: dict[frozenset[object], list[Conversation]] = {}
        self._paths: dict[frozenset[Address], list[Conversation]] = {}
        self._messages: dict[tuple[Conversation, object], dict[int, _Message]] = {}

    def items(self, frames: Sequence[Frame]) -> Sequence[tuple[Item, ...]]:
        """For each frame its items. `frames` is the same list as last time, perhaps longer."""
        if self._generation != self._keylog.generation:
            self._generation = self._keylog.generation
            self._items.clear()
            self._conversations.clear()
            self._paths.clear()
            self._messages.clear()
        for frame in frames[len(self._items) :]:
            self._items.append(tuple(self._frame(frame)))
        return self._items

    @property
    def conversations(self) -> list[Conversation]:
        """The DTLS connections seen so far, oldest first by pair of endpoints."""
        return [each for group in self._conversations.values() for each in group]

    def _frame(self, frame: Frame) -> list[Item]:
        handler = _HANDLERS.get(frame.kind)
        return handler(self, frame) if handler else [Item(Part.OTHER, 0, frame.payload)]

    def _stun(self, frame: Frame) -> list[Item]:
        return [Item(Part.STUN, struct.unpack_from("!H", frame.payload)[0], frame.payload)]

    def _channel_data(self, frame: Frame) -> list[Item]:
        return [Item(Part.CHANNEL_DATA, struct.unpack_from("!H", frame.payload)[0], frame.payload)]

    def _rtp(self, frame: Frame) -> list[Item]:
        clear = self._open_srtp(frame, control=False)
        return [
            Item(Part.RTP, frame.payload[1] & 0x7F, clear or frame.payload, protected=True, opened=clear is not None)
        ]

    def _rtcp(self, frame: Frame) -> list[Item]:
        clear = self._open_srtp(frame, control=True)
        compound = Item(Part.RTCP, frame.payload[1], clear or frame.payload, protected=True, opened=clear is not None)
        if clear is None:
            return [compound]
        packets = [
            Item(Part.RTCP_PACKET, data[1], data, protected=True, opened=True, inside=compound)
            for data in rtcp.split(clear)
        ]
        return [compound, *packets]

    def _open_srtp(self, frame: Frame, *, control: bool) -> bytes | None:
        sender = self._book.session(frame.source)
        group = self._conversations.get(frozenset((sender, self._book.session(frame.destination))), ())
        opened = (each.open_srtp(frame.payload, sender, rtcp=control) for each in reversed(group))
        return next((clear for clear in opened if clear is not None), None)

    def _dtls(self, frame: Frame) -> list[Item]:
        conversation = self._conversation(frame)
        items: list[Item] = []
        sender = self._book.session(frame.source)
        for content in conversation.read(frame.payload, sender):
            item = _item(content, conversation.version or 0)
            items.append(item)
            if item.part is Part.APPLICATION_DATA:
                items += _inside_application_data(item, self._messages.setdefault((conversation, sender), {}))
        return items or [Item(Part.OTHER, 0, frame.payload)]

    def _conversation(self, frame: Frame) -> Conversation:
        sender = self._book.session(frame.source)
        group = self._conversations.setdefault(frozenset((sender, self._book.session(frame.destination))), [])
        on_path = self._paths.setdefault(frozenset((frame.source, frame.destination)), [])
        random = client_random_in(frame.payload)
        found: Conversation | None
        if random is not None:
            found = next((each for each in group if each.client_random in (random, None)), None)
        else:
            # What was seen on this path before; on a new path, what the ICE session has: it may have moved here.
            found = _fitting(on_path or group, frame.payload, sender)
        if found is None:
            found = Conversation(self._keylog, random, sender)
            group.append(found)
        if found not in on_path:
            on_path.append(found)
        return found


def _fitting(candidates: Sequence[Conversation], payload: bytes, sender: object) -> Conversation | None:
    """The newest; an older one only where the newest can't open a protected record and that one can."""
    if not candidates:
        return None
    newest = candidates[-1]
    older = candidates[-2 : -1 - _TRIED : -1]
    if older and not newest.opens(payload, sender):
        return next((each for each in older if each.opens(payload, sender)), newest)
    return newest


_HANDLERS: Final[dict[Kind, Callable[[Any, Frame], list[Item]]]] = {
    Kind.STUN: Dissector._stun,
    Kind.DTLS: Dissector._dtls,
    Kind.CHANNEL_DATA: Dissector._channel_data,
    Kind.RTP: Dissector._rtp,
    Kind.RTCP: Dissector._rtcp,
}


def _item(content: Content, version: int) -> Item:
    part = Part.CLOSED if content.type is None else _PARTS.get(content.type, Part.OTHER)
    if content.partial:
        part = Part.FRAGMENT
    code = content.data[0] if content.data and part is not Part.APPLICATION_DATA else 0
    if part is Part.ALERT:
        code = content.data[1] if len(content.data) > 1 else 255
    opened = content.protected and content.type is not None
    return Item(part, code, content.data, content.protected, opened, content.again, content.epoch, version)


@dataclass(slots=True)
class _Message:
    """A DCEP message on its way: a long label makes several chunks."""

    next_tsn: int
    parts: list[bytes]


def _inside_application_data(item: Item, messages: dict[int, _Message]) -> list[Item]:
    """An SCTP packet, its chunks, the DCEP messages they complete. Data that can't be SCTP gives nothing."""
    if len(item.data) < _SMALLEST_SCTP:
        return []
    packet = Item(Part.SCTP, 0, item.data, protected=True, opened=True, inside=item)
    items = [packet]
    for data in sctp.split(item.data):
        chunk = Item(Part.CHUNK, data[0], data, protected=True, opened=True, inside=packet)
        items.append(chunk)
        message = _control_message(data, messages)
        if message is not None:
            code = message[0] if message else 0
            items.append(Item(Part.DCEP, code, message, protected=True, opened=True, inside=chunk))
    return items


def _control_message(chunk: bytes, messages: dict[int, _Message]) -> bytes | None:
    """The DCEP message that a DATA or I-DATA chunk completes. Fragments count when they come in order of their TSNs."""
    header = _DATA_HEADERS.get(chunk[0])
    if header is None or len(chunk) < header:
        return None
    beginning, ending = bool(chunk[1] & 2), bool(chunk[1] & 1)
    tsn, stream = struct.unpack_from("!IH", chunk, 4)
    data = chunk[header : struct.unpack_from("!H", chunk, 2)[0]]
    if beginning:
        if struct.unpack_from("!I", chunk, header - 4)[0] != dcep.PPID:
            return None
        if ending:
            return data
        messages[stream] = _Message(tsn + 1 & 0xFFFFFFFF, [data])
        return None
    message = messages.get(stream)
    if message is None or message.next_tsn != tsn or sum(map(len, message.parts)) > _LARGEST_MESSAGE:
        return None
    message.next_tsn = tsn + 1 & 0xFFFFFFFF
    message.parts.append(data)
    return b"".join(messages.pop(stream).parts) if ending else None
