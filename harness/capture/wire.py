"""Assertions about the packets of a case, each citing the clause it judges.

    hit = wire.expect(stun.binding_request(use_candidate=True), sender=controlling, clause="RFC8445-...")
    wire.expect(stun.binding_success(to=hit), sender=controlled, within=0.5, after=hit)
    wire.never(datagram.containing(b"hello"))
    wire.in_order([stun.binding_success(), dtls.client_hello(), dtls.server_hello()])

What doesn't hold is told as a transcript: the ordered packets with the offending place marked. Every outcome becomes a
judgement in the ledger; a broken MUST raises `ConformanceFailure`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from harness.capture.dissector import Dissector
from harness.capture.doubt import sealed
from harness.capture.frame import Frame
from harness.capture.items import Item
from harness.capture.keylog import KeyLog
from harness.capture.matcher import Matcher, Who
from harness.capture.transcript import transcript
from harness.verdict import ConformanceFailure, Judgement, Ledger, Verdict

__all__ = ["Hit", "NotSeen", "Statistics", "Wire"]

_POLL: Final = 0.004


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found: its frame, and the message itself."""

    frame: Frame
    item: Item = field(repr=False)
    position: tuple[int, int]

    @property
    def number(self) -> int:
        return self.frame.number

    @property
    def time(self) -> float:
        return self.frame.time

    @property
    def packet(self) -> Any:
        """The scapy packet of the message alone."""
        return self.item.packet

    @property
    def sender(self) -> str | None:
        return self.frame.sender


Moment: TypeAlias = "Hit | Matcher | float | None"


@dataclass(frozen=True, slots=True)
class Statistics:
    """How complete a capture is: frames kept, packets the kernel dropped, packets beyond the memory limit."""

    frames: int
    dropped: int
    beyond_limit: int

    @property
    def lost(self) -> int:
        return self.dropped + self.beyond_limit

    @property
    def is_complete(self) -> bool:
        return self.lost == 0


class _Frames:
    """A fixed list of frames in the place of a live recording."""

    def __init__(self, frames: Sequence[Frame], keylog: KeyLog | None) -> None:
        self.frames = frames
        self._dissector = Dissector(frames[0].book, keylog or KeyLog()) if frames else None

    def items(self) -> Sequence[tuple[Item, ...]]:
        return self._dissector.items(self.frames) if self._dissector else ()

    @property
    def statistics(self) -> Statistics:
        return Statistics(len(self.frames), 0, 0)

    def sync(self) -> None:
        """There is nothing to wait for."""


class Wire:
    """The packets of a case, asserted on. Takes a recording, live or closed, or a plain sequence of frames."""

    def __init__(self, frames: Any, ledger: Ledger, keylog: KeyLog | None = None) -> None:
        self._source: Any = _Frames(frames, keylog) if isinstance(frames, Sequence) else frames
        self._ledger = ledger

    # -- looking, without judging

    def all(
        self, matcher: Matcher, *, sender: Who = None, receiver: Who = None, after: Moment = None, before: Moment = None
    ) -> list[Hit]:
        """Every message that matches, in order."""
        self._source.sync()
        return list(self._hits(_addressed(matcher, sender, receiver), self._moment(after), self._moment(before)))

    def first(self, matcher: Matcher, *, sender: Who = None, receiver: Who = None, after: Moment = None) -> Hit | None:
        """The first message that matches, or None."""
        self._source.sync()
        return self._first(_addressed(matcher, sender, receiver), self._moment(after))

    # -- judging

    def expect(
        self,
        matcher: Matcher,
        *,
        sender: Who = None,
        receiver: Who = None,
        clause: str | None = None,
        within: float | None = None,
        after: Moment = None,
    ) -> Hit:
        """That a matching message was sent: after `after` and, where given, at most `within` seconds after it (or the
        start).

        Returns the first. Where there is none it raises, even if no MUST is broken: `ConformanceFailure`, or `NotSeen`
        with a judgement that is weak, disputed or inconclusive.
        """
        self._source.sync()
        return self._judge_seen(_addressed(matcher, sender, receiver), clause, within, after)

    async def wait_for(
        self,
        matcher: Matcher,
        *,
        sender: Who = None,
        receiver: Who = None,
        clause: str | None = None,
        timeout: float = 2.0,
        after: Moment = None,
    ) -> Hit:
        """`expect` while the case goes on: waits up to `timeout` seconds for the message to come by."""
        wanted, deadline = _addressed(matcher, sender, receiver), time.monotonic() + timeout
        # Polled: the capture thread has no business with the event loop of the case.
        while time.monotonic() < deadline:
            began = time.monotonic()
            if self._first(wanted, self._moment(after)) is not None:
                break
            # Looking through a long capture takes a while: leave the case most of the time.
            await asyncio.sleep(max(_POLL, 3 * (time.monotonic() - began)))
        return self._judge_seen(wanted, clause, None, after, waited=timeout)

    def never(
        self,
        matcher: Matcher,
        *,
        sender: Who = None,
        receiver: Who = None,
        clause: str | None = None,
        after: Moment = None,
        before: Moment = None,
    ) -> Judgement:
        """That no matching message was sent, between `after` and `before` where given."""
        self._source.sync()
        wanted = _addressed(matcher, sender, receiver)
        hits = list(self._hits(wanted, self._moment(after), self._moment(before)))
        if not hits:
            evidence = f"absent from {len(self._source.frames)} frames"
            return self._absent(wanted, clause) or self._conclude(True, "", clause, (), evidence)
        seen = self._transcript({hit.position[0]: "must not be here" for hit in hits})
        return self._conclude(False, f"expected never: {wanted}; it was seen in {_frames(hits)}\n{seen}", clause, hits)

    def in_order(self, matchers: Sequence[Matcher], *, clause: str | None = None, after: Moment = None) -> list[Hit]:
        """That the messages came in this order (others may lie between).

        Each is looked for after the one before it; and none may have come earlier than the one it is to follow, unless
        the same matcher stands earlier in the list: a retransmission doesn't repair a wrong order.
        """
        self._source.sync()
        hits: list[Hit] = []
        start = self._moment(after)
        for index, matcher in enumerate(matchers):
            hit = self._first(matcher, hits[-1].position if hits else start)
            early = self._first(matcher, start) if hits and matcher not in matchers[:index] else None
            wrong = early is not None and early.position < hits[-1].position
            if hit is None or wrong:
                marks = {each.position[0]: f"{number + 1}. {matchers[number]}" for number, each in enumerate(hits)}
                if early is not None and wrong:
                    marks[early.position[0]] = f"too early: {matcher} is to follow {matchers[index - 1]}"
                found = (
                    f"came too early, in frame {early.number}"
                    if early is not None and wrong
                    else "was not seen after it"
                )
                previous = f" after {matchers[index - 1]}" if hits else ""
                message = f"expected in order: {', '.join(map(str, matchers))}; {matcher}{previous} {found}\n"
                message += self._transcript(marks)
                if hit is None and not wrong:
                    self._doubt(matcher, message, clause)
                self._conclude(False, message, clause, [*hits, *([early] if early and wrong else [])])
                return hits
            hits.append(hit)
        self._conclude(True, "", clause, hits)
        return hits

    def count(
        self,
        matcher: Matcher,
        *,
        exactly: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        sender: Who = None,
        receiver: Who = None,
        clause: str | None = None,
        after: Moment = None,
        before: Moment = None,
    ) -> int:
        """How many messages match. Judged when a bound is given, else only counted."""
        self._source.sync()
        wanted = _addressed(matcher, sender, receiver)
        hits = list(self._hits(wanted, self._moment(after), self._moment(before)))
        bounds = {"exactly": exactly, "at least": at_least, "at most": at_most}
        asked = " and ".join(f"{words} {number}" for words, number in bounds.items() if number is not None)
        if asked:
            holds = (
                (exactly is None or len(hits) == exactly)
                and (at_least is None or len(hits) >= at_least)
                and (at_most is None or len(hits) <= at_most)
            )
            message = ""
            if not holds:
                seen = self._transcript({hit.position[0]: f"number {index + 1}" for index, hit in enumerate(hits)})
                message = f"expected {asked} of {wanted}, saw {len(hits)}\n{seen}"
                if len(hits) < max(exactly or 0, at_least or 0):
                    self._doubt(wanted, message, clause)
            self._conclude(holds, message, clause, hits)
        return len(hits)

    def within(
        self, seconds: float, first: Moment, then: Matcher, *, clause: str | None = None, at_least: float = 0.0
    ) -> Hit:
        """That `then` follows `first` by at most `seconds` (and at least `at_least`)."""
        self._source.sync()
        return self._judge_seen(then, clause, seconds, first, at_least=at_least)

    def transcript(self) -> str:
        """All packets in words."""
        self._source.sync()
        return self._transcript({})

    # -- how

    def _judge_seen(
        self,
        wanted: Matcher,
        clause: str | None,
        within: float | None,
        after: Moment,
        *,
        at_least: float = 0.0,
        waited: float = 0.0,
    ) -> Hit:
        start = self._moment(after)
        hit = self._first(wanted, start)
        began = self._time_of(after, start)
        late = hit is not None and within is not None and hit.time - began > within
        soon = hit is not None and hit.time - began < at_least
        expectation = f"expected {wanted}"
        expectation += f" within {within:g} s" if within is not None else ""
        expectation += f" no sooner than {at_least:g} s" if at_least else ""
        expectation += f" after {_words(after)}" if after is not None else ""
        if hit is None:
            outcome = f"not seen in {waited:g} s" if waited else "not seen"
            marks = self._near_misses(wanted, start)
        else:
            outcome = f"seen {hit.time - began:.3f} s after" if late or soon else "seen"
            marks = {hit.position[0]: "too late" if late else "too soon"}
        holds = hit is not None and not late and not soon
        message = "" if holds else f"{expectation}; {outcome}{self._hint(wanted)}\n{self._transcript(marks)}"
        if hit is None:
            self._doubt(wanted, message, clause)
        judgement = self._conclude(holds, message, clause, [hit] if hit else [])
        if hit is None:
            raise NotSeen(judgement)
        return hit

    def _doubt(self, wanted: Matcher, message: str, clause: str | None) -> None:
        """Raise when `wanted` may have been there though it was not seen: then nothing can be judged."""
        reason = self._unseen_because(wanted)
        if reason:
            judgement = Judgement(clause, Verdict.INCONCLUSIVE, f"{reason}; {message}")
            self._ledger.record(judgement)
            raise NotSeen(judgement)

    def _absent(self, wanted: Matcher, clause: str | None) -> Judgement | None:
        """The judgement of an absence that proves nothing; None when it does."""
        reason = self._unseen_because(wanted)
        if not reason:
            return None
        judgement = Judgement(clause, Verdict.INCONCLUSIVE, f"expected never: {wanted}; but {reason}")
        self._ledger.record(judgement)
        return judgement

    def _unseen_because(self, wanted: Matcher) -> str:
        lost = self._source.statistics.lost
        if lost:
            return f"the capture lost {lost} packets"
        return sealed(wanted, self._source.frames, self._source.items())

    def _conclude(
        self, holds: bool, message: str, clause: str | None, hits: Sequence[Hit], evidence: str = ""
    ) -> Judgement:
        numbers = tuple(dict.fromkeys(hit.number for hit in hits))
        evidence = evidence or (str(hits[0].frame) if len(hits) == 1 else "")
        return self._ledger.conclude(holds, message, clause=clause, frames=numbers, evidence=evidence)

    def _hits(self, matcher: Matcher, start: tuple[int, int] | None, end: tuple[int, int] | None) -> Iterator[Hit]:
        items = self._source.items()
        frames = self._source.frames
        first = 0 if start is None else start[0]
        for index in range(first, len(items)):
            for inner, item in enumerate(items[index]):
                position = (index, inner)
                if start is not None and position <= start:
                    continue
                if end is not None and position >= end:
                    return
                if matcher.matches(frames[index], item):
                    yield Hit(frames[index], item, position)

    def _first(self, matcher: Matcher, start: tuple[int, int] | None) -> Hit | None:
        return next(self._hits(matcher, start, None), None)

    def _moment(self, moment: Moment) -> tuple[int, int] | None:
        """The position of a moment: of a hit, of the first match of a matcher, of a time in seconds since the epoch."""
        if moment is None:
            return None
        if isinstance(moment, Hit):
            return moment.position
        if isinstance(moment, Matcher):
            found = self._first(moment, None)
            return found.position if found else (len(self._source.items()), 0)
        index = sum(1 for frame in self._source.frames if frame.time <= moment)
        return (index - 1, 1 << 30) if index else None

    def _time_of(self, moment: Moment, position: tuple[int, int] | None) -> float:
        if isinstance(moment, Hit):
            return moment.time
        if isinstance(moment, float | int):
            return float(moment)
        frames = self._source.frames
        if position is not None and position[0] < len(frames):
            return float(frames[position[0]].time)
        return float(frames[0].time) if frames else 0.0

    def _near_misses(self, wanted: Matcher, start: tuple[int, int] | None) -> dict[int, str]:
        """Frames that are of the right sort, but not what was asked for."""
        alike = Matcher("", wanted.parts, wanted.codes)
        hits = list(self._hits(alike, start, None))[:8] if len(wanted.parts) == 1 else []
        return {hit.position[0]: "not this one" for hit in hits}

    def _hint(self, wanted: Matcher) -> str:
        frames = self._source.frames
        if wanted.sender and not any(frame.sender == wanted.sender for frame in frames):
            known = sorted({name for frame in frames if (name := frame.sender)})
            return f" (no packet is known to come from {wanted.sender}; known senders: {', '.join(known) or 'none'})"
        return ""

    def _transcript(self, marks: dict[int, str]) -> str:
        return transcript(self._source.frames, self._source.items(), marks)


class NotSeen(ConformanceFailure):
    """No MUST is known to be broken, but the message the case wants to go on with is not there.

    The judgement is recorded already: weak (a SHOULD), disputed, or inconclusive (it may have been there unseen).
    """


def _addressed(matcher: Matcher, sender: Who, receiver: Who) -> Matcher:
    if sender is not None:
        matcher = matcher.sent_by(sender)
    return matcher if receiver is None else matcher.sent_to(receiver)


def _words(moment: Moment) -> str:
    if isinstance(moment, Hit):
        return f"frame {moment.number}"
    return str(moment)


def _frames(hits: Sequence[Hit]) -> str:
    numbers = list(dict.fromkeys(str(hit.number) for hit in hits))
    shown = ", ".join(numbers[:10]) + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")
    return f"frame{'s' if len(numbers) > 1 else ''} {shown}"
