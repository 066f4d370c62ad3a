"""The states of each endpoint over time, as strips: from the trace to coordinates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from harness.report.evidence import Check, TraceEntry

__all__ = ["Span", "Strip", "Timeline", "check_list", "timeline"]

WIDTH = 610
LEFT = 250
_STRIP = 26
_NARROWEST = 3.0
_CHARACTER = 6.6
_NAME_CHARACTER = 7.4
_MOST_STRIPS = 24


@dataclass(frozen=True, slots=True)
class Span:
    """One state, from `start` to `end` seconds; `label` is what fits in its width."""

    state: str
    start: float
    end: float
    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One attribute of one endpoint."""

    endpoint: str
    attribute: str
    y: float
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything the template needs; `ticks` are (x, text) of the time axis, the strips begin at `left`."""

    left: float
    width: float
    height: float
    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]


def timeline(trace: Iterable[TraceEntry]) -> Timeline | None:
    """Strips of every state that changed; None when none did."""
    changes: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    last = 0.0
    for entry in trace:
        if entry.time is None:
            continue
        last = max(last, entry.time)
        for name, state in entry.states.items():
            if not name.lower().endswith("state"):
                continue
            seen = changes[entry.endpoint, name]
            if not seen or seen[-1][1] != state:
                seen.append((max(0.0, entry.time), state))
    moving = {key: seen for key, seen in changes.items() if len(seen) > 1}
    return _drawn(sorted(moving.items()), last)


def check_list(checks: Iterable[Check], last: float) -> Timeline | None:
    """A strip for each candidate pair; `last` is when the case was over. None when nothing was checked."""
    pairs = [((check.endpoint, check.pair), list(check.states)) for check in checks if check.states]
    return _drawn(sorted(pairs, key=lambda pair: (pair[0][0], pair[1][0])), last)


def _drawn(ordered: list[tuple[tuple[str, str], list[tuple[float, str]]]], last: float) -> Timeline | None:
    ordered = ordered[:_MOST_STRIPS]
    if not ordered or last <= 0:
        return None
    # A little room after the last change, so that the state things ended in can be read.
    end = last * 1.12
    left = max(LEFT, *((len(endpoint) + len(name) + 3) * _NAME_CHARACTER for (endpoint, name), _ in ordered))
    strips = tuple(
        Strip(endpoint, attribute, _STRIP * number, _spans(seen, end, left))
        for number, ((endpoint, attribute), seen) in enumerate(ordered)
    )
    ticks = tuple((_x(end * part / 4, end, left), f"{end * part / 4 * 1000:.0f} ms") for part in range(4))
    return Timeline(left, left + WIDTH, _STRIP * len(strips) + 24, strips, ticks)


def _x(time: float, end: float, left: float) -> float:
    return left + WIDTH * max(0.0, min(1.0, time / end))


def _spans(seen: list[tuple[float, str]], end: float, left: float) -> tuple[Span, ...]:
    spans: list[Span] = []
    for (start, state), (stop, _) in zip(seen, [*seen[1:], (end, "")], strict=True):
        x = _x(start, end, left)
        width = max(_NARROWEST, _x(stop, end, left) - x)
        fits = int((width - 8) / _CHARACTER)
        spans.append(Span(state, start, stop, x, width, state if len(state) <= fits else ""))
    return tuple(spans)
