"""Putting handshake messages together again: RFC 6347 4.2.3, RFC 9147 5.2 and 5.5.

Fragments may come in any order, twice, and overlap. Where overlaps disagree the bytes that came first stay. What a peer
can make us keep is bounded: `_WINDOW` messages ahead, `MAX_MESSAGE` bytes each.
"""

from __future__ import annotations

from typing import Final

from peer.dtls.transcript import RawMessage
from peer.errors import DecodeError
from peer.wire.dtls_handshake import Fragment

__all__ = ["MAX_MESSAGE", "Reassembler"]

MAX_MESSAGE: Final = 1 << 16
_WINDOW: Final = 12
_MAX_GAPS: Final = 128


class _Partial:
    """A message of which some bytes have come. `_gaps` are the (start, end) still missing."""

    __slots__ = ("_body", "_gaps", "_length", "_sequence", "_type", "epoch")

    def __init__(self, first: Fragment, epoch: int) -> None:
        self._type, self._length, self._sequence, self.epoch = first.type, first.length, first.sequence, epoch
        self._body = bytearray(first.length)
        self._gaps = [(0, first.length)] if first.length else []

    def add(self, fragment: Fragment, epoch: int) -> bool:
        """False when the fragment contradicts what came before it, and was left aside."""
        if (fragment.type, fragment.length, epoch) != (self._type, self._length, self.epoch):
            return False
        start, end = fragment.offset, fragment.offset + len(fragment.data)
        left: list[tuple[int, int]] = []
        for gap_start, gap_end in self._gaps:
            low, high = max(start, gap_start), min(end, gap_end)
            if low >= high:
                left.append((gap_start, gap_end))
                continue
            self._body[low:high] = fragment.data[low - start : high - start]
            if gap_start < low:
                left.append((gap_start, low))
            if high < gap_end:
                left.append((high, gap_end))
        if len(left) <= _MAX_GAPS:
            self._gaps = left
        return True

    def message(self) -> RawMessage | None:
        if self._gaps:
            return None
        return RawMessage(self._type, self._sequence, bytes(self._body), self.epoch)


class Reassembler:
    """Takes fragments, gives whole messages in order of their message_seq."""

    __slots__ = ("_partials", "next_sequence")

    def __init__(self) -> None:
        self.next_sequence = 0
        self._partials: dict[int, _Partial] = {}

    @property
    def has_hole(self) -> bool:
        """True when a later message than the next one has begun to come."""
        return any(sequence > self.next_sequence for sequence in self._partials)

    def receive(self, fragment: Fragment, epoch: int) -> bool:
        """Keeps a fragment. False when it is from the past, too far ahead or too long, and was left aside.

        DecodeError when it contradicts another in type or length and both came under the same keys; in clear the
        other may be anybody's.
        """
        if not 0 <= fragment.sequence - self.next_sequence < _WINDOW or fragment.length > MAX_MESSAGE:
            return False
        if not fragment.data and fragment.length:
            return True  # says nothing, but does no harm
        partial = self._partials.get(fragment.sequence)
        # What was sent under keys goes before what anybody could have sent.
        if partial is None or partial.epoch < epoch:
            partial = self._partials[fragment.sequence] = _Partial(fragment, epoch)
        kept = partial.add(fragment, epoch)
        if not kept and partial.epoch == epoch and epoch:
            raise DecodeError("fragments of one message contradict each other")
        return kept

    def take(self) -> RawMessage | None:
        """The next message in order, once it is whole."""
        partial = self._partials.get(self.next_sequence)
        message = partial.message() if partial is not None else None
        if message is not None:
            del self._partials[self.next_sequence]
            self.next_sequence += 1
        return message
