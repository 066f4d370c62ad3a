"""A seam that says what a case wants, record by record, inside a connection that is otherwise well behaved.

    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls_record=intruder))
    intruder.say(KeyUpdate(0))                     # rides right behind the next application data of ours
    await goes_on(made)

Sequence numbers are ours to give: what is said extra takes numbers of its own, and the connection's own records move
up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.cases import Connection, check
from harness.errors import EndpointTimeout
from peer.wire.dtls_handshake import Fragment, HandshakeMessage, parse_fragments
from peer.wire.dtls_record import ContentType, Record

__all__ = ["Intruder", "goes_on"]


@dataclass(frozen=True, slots=True)
class _Exact:
    record: Record


class Intruder:
    """A transform for `Seams(dtls_record=...)`. Said records are protected like the connection's own; bytes are not."""

    def __init__(self) -> None:
        self._next_message = 0
        self._moved: Counter[int] = Counter()
        self._extra: list[Record | _Exact | bytes] = []
        self._again = False

    def __call__(self, record: Record) -> Iterable[Record | bytes]:
        if record.type == ContentType.HANDSHAKE:
            said = [fragment.sequence for fragment in parse_fragments(record.fragment)]
            self._next_message = max(self._next_message, *(number + 1 for number in said))
        record = replace(record, sequence=record.sequence + self._moved[record.epoch])
        yield record
        if record.type == ContentType.APPLICATION_DATA:
            yield from self._say(record)

    def _say(self, record: Record) -> Iterable[Record | bytes]:
        extra, self._extra = self._extra, []
        number = record.sequence
        for one in extra:
            if isinstance(one, bytes):
                yield one
                continue
            if isinstance(one, _Exact):
                yield one.record
                continue
            number += 1
            self._moved[record.epoch] += 1
            said = replace(one, epoch=record.epoch, sequence=number)
            yield from (said, said) if self._again else (said,)
        if self._again:
            self._again = False
            yield record

    @property
    def next_message(self) -> int:
        """The message_seq that comes next."""
        return self._next_message

    def say(self, *messages: HandshakeMessage) -> None:
        """Handshake messages, each with the next message_seq."""
        for message in messages:
            body = message.serialize()
            fragment = Fragment(message.TYPE, len(body), self._next_message, 0, body)
            self._next_message += 1
            self.say_record(ContentType.HANDSHAKE, fragment.serialize())

    def say_after_a_gap(self, message: HandshakeMessage) -> None:
        """A handshake message whose message_seq is two ahead of its turn."""
        body = message.serialize()
        fragment = Fragment(message.TYPE, len(body), self._next_message + 2, 0, body)
        self.say_record(ContentType.HANDSHAKE, fragment.serialize())

    def say_reversed(self, *messages: HandshakeMessage) -> None:
        """The same, the last one first."""
        before, self._extra = self._extra, []
        self.say(*messages)
        self._extra = [*before, *reversed(self._extra)]

    def say_record(self, kind: int, payload: bytes) -> None:
        """A record of any content type."""
        self._extra.append(Record(kind, 0xFEFD, 0, 0, payload))

    def say_exactly(self, kind: int, epoch: int, sequence: int, payload: bytes) -> None:
        """A record with an epoch and number of its own, sealed with the keys in use unless the epoch is 0."""
        record = Record(kind, 0xFEFD, epoch, sequence, payload)
        self._extra.append(record.serialize() if not epoch else _Exact(record))

    def say_raw(self, data: bytes) -> None:
        """Bytes, as they are. They share a datagram with the record before them."""
        self._extra.append(data)

    def repeat(self) -> None:
        """The next application data, and the records said with it, go out twice under the same number."""
        self._again = True


async def goes_on(made: Connection) -> None:
    """Messages pass both ways, twice: the first carries what an intruder has to say, the second shows its effect."""
    assert made.channel is not None
    one, other = made.channel, await made.other_channel()
    for word in ("once", "twice"):
        for sender, receiver in ((one, other), (other, one)):
            await sender.send(word)
            try:
                received = await receiver.receive(timeout=3.0)
            except EndpointTimeout:
                check(False, f"expected {word!r} to arrive, nothing did: the connection did not go on")
            else:
                check(received == word, f"expected {word!r}, {received!r} arrived")
