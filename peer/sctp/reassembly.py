"""From fragments to messages: RFC 9260 section 6.9, RFC 8260 section 2.2.3.

Fragments that follow each other form a `Run`; two dicts find the run that a new fragment continues (`_open_ends`, by
the key that would follow) or precedes (`_open_starts`, by the run's first key). So a fragment costs two look-ups
wherever it arrives, and a run that has both its ends is a message.

The key of a DATA fragment is its TSN: fragments of a message have consecutive TSNs. The key of an I-DATA fragment is
stream, U bit, MID and FSN in one number, so that there too the next fragment's key is one more.

A long message isn't held twice: its parts are written to a `BytesIO`, whose `getvalue` hands its buffer over without
copying it.
"""

from __future__ import annotations

from io import BytesIO

__all__ = ["FRAGMENT_COST", "Reassembly", "Run", "i_data_key"]

FRAGMENT_COST = 192
"""What a stored fragment counts into the receive window beyond its user data: about what its objects take here."""

_FOLD_AT = 1024  # parts
_FSN_BITS = 64  # more than the 32 of the wire: a message may wrap its FSN, a key must not run into the next MID
_MID_MASK = 0xFFFFFFFF


def i_data_key(stream_id: int, unordered: int, mid: int, fsn: int) -> int:
    """The key of an I-DATA fragment."""
    return ((stream_id << 33 | (1 << 32 if unordered else 0) | mid) << _FSN_BITS) + fsn


class Run:
    """Fragments of one message that follow each other. `counted` of its bytes are charged to the receive window."""

    __slots__ = (
        "begin",
        "counted",
        "end",
        "first",
        "folded",
        "last",
        "number",
        "parts",
        "ppid",
        "size",
        "stream_id",
        "uncounted",
        "unordered",
    )

    def __init__(self, first: int, stream_id: int, number: int, ppid: int, unordered: int) -> None:
        self.first = self.last = first
        self.stream_id = stream_id
        self.number = number
        self.ppid = ppid
        self.unordered = unordered
        self.begin = self.end = False
        self.parts: list[bytes] = []
        self.folded: BytesIO | None = None
        self.size = 0
        self.counted = 0
        self.uncounted = 0

    def matches(self, stream_id: int, number: int, unordered: int) -> bool:
        """Whether a fragment that says this may belong to the same message."""
        # An unordered message's SSN means nothing (section 6.6).
        return self.stream_id == stream_id and self.unordered == unordered and (self.number == number or unordered > 0)

    def fold(self) -> None:
        """Moves the parts into one buffer."""
        if self.folded is None:
            self.folded = BytesIO()
        self.folded.write(b"".join(self.parts))
        self.parts.clear()

    def message(self) -> bytes:
        if self.folded is None:
            return b"".join(self.parts)
        self.folded.write(b"".join(self.parts))
        return self.folded.getvalue()


class Reassembly:
    """All incomplete messages of one direction.

    `counted` is what they charge to the receive window, `under_delivery` the bytes of messages that aren't charged
    since nothing before them is missing: they are under delivery (RFC 9260 section 6.9's partial delivery, with our own
    memory as the user's). Beyond `allowance` such bytes are charged like others.
    """

    def __init__(self, allowance: int = 1 << 62) -> None:
        self.counted = 0
        self.under_delivery = 0
        self._allowance = allowance
        self._open_ends: dict[int, Run] = {}
        self._open_starts: dict[int, Run] = {}

    @property
    def is_empty(self) -> bool:
        return not self._open_ends and not self._open_starts

    def add(
        self, key: int, stream_id: int, number: int, ppid: int, flags: int, data: bytes, *, in_order: bool
    ) -> Run | None:
        """Takes one fragment; gives the run if that completes its message.

        `in_order` says that everything before this fragment has arrived. A fragment that contradicts its neighbour (a
        second beginning, another stream in the middle of a message) ends that neighbour's hopes: it is forgotten.
        """
        unordered = flags & 4
        run = self._open_ends.pop(key, None)
        if run is not None and (flags & 2 or not run.matches(stream_id, number, unordered)):
            self._forget(run)
            run = None
        if run is None:
            run = Run(key, stream_id, number, ppid, unordered)
            if flags & 2:
                run.begin = True
            else:
                self._open_starts[key] = run
        run.parts.append(data)
        run.last = key
        run.size += len(data)
        self._join_next(run, key + 1, flags & 1)
        self._charge(run, len(data), in_order)
        if not run.end:
            self._open_ends[run.last + 1] = run
            return None
        if not run.begin:
            return None
        self._discharge(run)
        return run

    def _join_next(self, run: Run, following: int, end: int) -> None:
        if end:
            run.end = True
        if not self._open_starts:
            return
        after = self._open_starts.get(following)
        if after is None:
            return
        if end or not after.matches(run.stream_id, run.number, run.unordered):
            self._forget(after)
            return
        del self._open_starts[following]
        run.parts += after.parts
        run.size += after.size
        run.counted += after.counted
        run.uncounted += after.uncounted
        run.last = after.last
        run.end = after.end

    def _charge(self, run: Run, size: int, in_order: bool) -> None:
        if in_order and run.begin and self.under_delivery + run.size <= self._allowance:
            if run.counted:
                self.counted -= run.counted
                run.counted = 0
            self.under_delivery += run.size - run.uncounted
            run.uncounted = run.size
            if len(run.parts) >= _FOLD_AT:
                run.fold()
        else:
            cost = size + FRAGMENT_COST
            run.counted += cost
            self.counted += cost

    def _discharge(self, run: Run) -> None:
        self.counted -= run.counted
        self.under_delivery -= run.uncounted

    def settle(self, following: int) -> None:
        """Everything before the TSN `following` has arrived: the run that ends there is under delivery now."""
        run = self._open_ends.get(following)
        if run is not None and run.begin and run.counted and self.under_delivery + run.size <= self._allowance:
            self.counted -= run.counted
            run.counted = 0
            self.under_delivery += run.size - run.uncounted
            run.uncounted = run.size

    def interrupt(self, tsn: int) -> None:
        """A whole message took the TSN `tsn`: what it separates can't be completed any more."""
        before, after = self._open_ends.get(tsn), self._open_starts.get(tsn + 1)
        if before is not None:
            self._forget(before)
        if after is not None:
            self._forget(after)

    def skip(self, tsn: int) -> None:
        """FORWARD-TSN passed `tsn`: no message that began at or before it can be completed any more."""
        for run in [r for r in self._runs() if r.first <= tsn or (not r.begin and r.first == tsn + 1)]:
            self._forget(run)

    def skip_message(self, stream_id: int, unordered: int, mid: int) -> None:
        """I-FORWARD-TSN passed the message `mid`, and those before it."""
        for run in self._runs():
            passed = (mid - run.number) & _MID_MASK < 0x80000000
            if run.stream_id == stream_id and bool(run.unordered) == bool(unordered) and passed:
                self._forget(run)

    def skip_stream(self, stream_id: int) -> None:
        """Forgets what is incomplete on a stream."""
        for run in [r for r in self._runs() if r.stream_id == stream_id]:
            self._forget(run)

    def clear(self) -> None:
        self._open_ends.clear()
        self._open_starts.clear()
        self.counted = self.under_delivery = 0

    def _runs(self) -> list[Run]:
        return list({id(r): r for r in (*self._open_ends.values(), *self._open_starts.values())}.values())

    def _forget(self, run: Run) -> None:
        self._discharge(run)
        if self._open_ends.get(run.last + 1) is run:
            del self._open_ends[run.last + 1]
        if self._open_starts.get(run.first) is run:
            del self._open_starts[run.first]
