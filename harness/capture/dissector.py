"""From frames to items: follows the DTLS connections of a case and opens them with the secrets known by now."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from harness.capture.addresses import AddressBook
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


class Dissector:
    """The items of a growing list of frames. A new secret makes it start over: what was closed may open now."""

    def __init__(self, book: AddressBook, keylog: KeyLog) -> None:
        self._book = book
        self._keylog = keylog
        self._generation = keylog.generation
        self._items: list[tuple[Item, ...]] = []
        self._conversations: dict[frozenset[object], list[Conversation]] = {}

    def items(self, frames: Sequence[Frame]) -> Sequence[tuple[Item, ...]]:
        """For each frame its items. `frames` is the same list as last time, perhaps longer."""
        if self._generation != self._keylog.generation:
            self._generation = self._keylog.generation
            self._items.clear()
            self._conversations.clear()
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
        for content in conversation.read(frame.payload, self._book.session(frame.source)):
            item = _item(content, conversation.version or 0)
            items.append(item)
            if item.part is Part.APPLICATION_DATA:
                items += _inside_application_data(item)
        return items or [Item(Part.OTHER, 0, frame.payload)]

    def _conversation(self, frame: Frame) -> Conversation:
        sender = self._book.session(frame.source)
        group = self._conversations.setdefault(frozenset((sender, self._book.session(frame.destination))), [])
        random = client_random_in(frame.payload)
        if random is not None:
            for known in group:
                if known.client_random in (random, None):
                    return known
        if random is not None or not group:
            group.append(Conversation(self._keylog, random, sender))
            return group[-1]
        # Usually the newest; an older one only where the newest can't open a protected record and that one can.
        for each in group[-2 : -1 - _TRIED : -1]:
            if not group[-1].opens(frame.payload, sender) and each.opens(frame.payload, sender):
                return each
        return group[-1]


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


def _inside_application_data(item: Item) -> list[Item]:
    """An SCTP packet, its chunks, the DCEP messages in them. Data that can't be SCTP gives nothing."""
    if len(item.data) < 16:
        return []
    packet = Item(Part.SCTP, 0, item.data, protected=True, opened=True, inside=item)
    items = [packet]
    for data in sctp.split(item.data):
        chunk = Item(Part.CHUNK, data[0], data, protected=True, opened=True, inside=packet)
        items.append(chunk)
        message = _user_message(data)
        if message is not None:
            items.append(
                Item(Part.DCEP, message[0] if message else 0, message, protected=True, opened=True, inside=chunk)
            )
    return items


def _user_message(chunk: bytes) -> bytes | None:
    """The DCEP message in a DATA or I-DATA chunk that holds a whole one."""
    header = {0: 16, 64: 20}.get(chunk[0])
    if header is None or len(chunk) < header or chunk[1] & 3 != 3:
        return None
    ppid = struct.unpack_from("!I", chunk, header - 4)[0]
    length = struct.unpack_from("!H", chunk, 2)[0]
    return chunk[header:length] if ppid == dcep.PPID else None
