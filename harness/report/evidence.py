"""Reads the artefacts a case page shows. What is missing or corrupt becomes a problem in words, never an exception.

`ladder.json.gz` is `{"lanes": [name, ...], "rows": [row, ...]}`, where a row is

    {"t": seconds, "from": lane, "to": lane, "kind": text, "label": text, "frame": number or null,
     "layers": [{"name": text, "fields": [[name, value], ...]}], "hex": text, "note": text}

and, where there is a `checks`, one entry a candidate pair: {"endpoint", "pair", "states": [[seconds, state], ...]}.
`layers`, `hex` and `note` may be absent; a row whose `from` is its `to` is an event on one lane. Of a case that passed
there is nothing else, and the file has its descriptions too, as `offer` and `answer`. `trace.jsonl.gz` holds one
object a line. `media.json` lists the images of received tracks: `[{"name", "caption", "type"}]`.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.results import Artefact

__all__ = ["Check", "Evidence", "Image", "Ladder", "Layer", "Row", "TraceEntry", "read_evidence"]

_T = TypeVar("_T")
# Artefacts come from the run, the run talked to strangers: bound what is read into a page.
_LARGEST_FILE = 64 << 20
_UNREADABLE = (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError)
_MOST_TRACE_LINES = 5000
_MOST_IMAGES = 40
_IMAGE_TYPES = ("image/png", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class Layer:
    """One protocol layer of a dissected frame."""

    name: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the ladder; `time` in seconds since the first of them, `frame` its 1-based number in the capture."""

    time: float
    source: str
    target: str
    kind: str
    label: str
    frame: int | None = None
    layers: tuple[Layer, ...] = ()
    data: bytes = b""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One candidate pair of an endpoint: its states, each with its time in seconds since the first row."""

    endpoint: str
    pair: str
    states: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who said what to whom, in order of time."""

    lanes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One line of an endpoint's trace; `time` in seconds since the first row of the ladder, None where it has none.

    `states` are those that changed.
    """

    time: float | None
    endpoint: str
    what: str
    name: str
    value: str
    states: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    """A received picture, or the spectrum of received sound, as a data: URL."""

    caption: str
    url: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the artefacts of a case say."""

    ladder: Ladder = Ladder()
    trace: tuple[TraceEntry, ...] = ()
    offer: str = ""
    answer: str = ""
    log: str = ""
    images: tuple[Image, ...] = ()
    problems: tuple[str, ...] = ()


def read_evidence(directory: Path, artefacts: Mapping[str, str]) -> Evidence:
    """Read the artefacts of a case, named by `Artefact`, below the run directory."""
    problems: list[str] = []

    def read(artefact: Artefact, parse: Callable[[str], _T], missing: _T) -> _T:
        path = artefacts.get(artefact.value)
        if path is None:
            return missing
        try:
            return parse(_read_below(directory, path))
        except _UNREADABLE as error:
            problems.append(f"{artefact.value} ({path}) can't be shown: {error}")
            return missing

    drawn, offer, answer = read(Artefact.LADDER, _packed, (Ladder(), "", ""))
    ladder, trace = _from_the_first_word(drawn, read(Artefact.TRACE, _trace, ()))
    return Evidence(
        ladder=ladder,
        trace=_what_changed(trace),
        offer=read(Artefact.OFFER_SDP, str, offer),
        answer=read(Artefact.ANSWER_SDP, str, answer),
        log=read(Artefact.LOG, lambda text: text[-20_000:], ""),
        images=read(Artefact.MEDIA, lambda text: _images(directory, artefacts, text), ()),
        problems=tuple(problems),
    )


def _from_the_first_word(ladder: Ladder, trace: tuple[TraceEntry, ...]) -> tuple[Ladder, tuple[TraceEntry, ...]]:
    """Count time from the first row of the ladder: how long an endpoint took to start is of no interest."""
    if not ladder.rows:
        return ladder, trace
    zero = ladder.rows[0].time
    rows = tuple(replace(row, time=row.time - zero) for row in ladder.rows)
    moved = (entry if entry.time is None else replace(entry, time=entry.time - zero) for entry in trace)
    checks = tuple(
        replace(check, states=tuple((time - zero, state) for time, state in check.states)) for check in ladder.checks
    )
    return replace(ladder, rows=rows, checks=checks), tuple(moved)


def _what_changed(trace: tuple[TraceEntry, ...]) -> tuple[TraceEntry, ...]:
    """Leave in each entry only the states that are not what they were."""
    known: dict[tuple[str, str], str] = {}
    changed: list[TraceEntry] = []
    for entry in trace:
        news = {name: state for name, state in entry.states.items() if known.get((entry.endpoint, name)) != state}
        known |= {(entry.endpoint, name): state for name, state in news.items()}
        changed.append(replace(entry, states=news))
    return tuple(changed)


def _images(directory: Path, artefacts: Mapping[str, str], text: str) -> tuple[Image, ...]:
    images = []
    for listed in json.loads(text)[:_MOST_IMAGES]:
        kind = str(listed["type"])
        if kind not in _IMAGE_TYPES:
            raise ValueError(f"an image of type {kind}")
        data = _bytes_below(directory, artefacts[str(listed["name"])])
        url = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
        images.append(Image(str(listed["caption"]), url))
    return tuple(images)


def _read_below(directory: Path, relative: str) -> str:
    return _bytes_below(directory, relative).decode("utf-8", "replace")


def _bytes_below(directory: Path, relative: str) -> bytes:
    path = (directory / relative).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise ValueError("the path leaves the run directory")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        data = file.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise ValueError("the file is too large")
    return data


def _packed(text: str) -> tuple[Ladder, str, str]:
    """The ladder, the offer and the answer; a description is empty where it isn't in the file."""
    data = json.loads(text)
    return _ladder(data), str(data.get("offer", "")), str(data.get("answer", ""))


def _ladder(data: Mapping[str, Any]) -> Ladder:
    rows = tuple(sorted((_row(row) for row in data["rows"]), key=lambda row: row.time))
    named = [str(lane) for lane in data.get("lanes", ())]
    lanes = tuple(dict.fromkeys([*named, *(name for row in rows for name in (row.source, row.target))]))
    return Ladder(lanes[:6], rows, tuple(_check(check) for check in data.get("checks") or ()))


def _check(data: Mapping[str, Any]) -> Check:
    states = tuple((float(time), _brief(state)) for time, state in data["states"])
    return Check(str(data["endpoint"]), _brief(data["pair"]), states)


def _row(data: Mapping[str, Any]) -> Row:
    frame = data.get("frame")
    source = str(data["from"])
    return Row(
        time=float(data["t"]),
        source=source,
        target=str(data.get("to") or source),
        kind=str(data["kind"]),
        label=str(data["label"]),
        frame=int(frame) if frame is not None else None,
        layers=tuple(_layer(layer) for layer in data.get("layers") or ()),
        data=bytes.fromhex(data.get("hex") or ""),
        note=str(data.get("note") or ""),
    )


def _layer(data: Mapping[str, Any]) -> Layer:
    return Layer(str(data["name"]), tuple((str(name), _brief(value)) for name, value in data.get("fields") or ()))


def _trace(text: str) -> tuple[TraceEntry, ...]:
    entries: list[TraceEntry] = []
    for line in text.splitlines()[:_MOST_TRACE_LINES]:
        try:
            data = json.loads(line)
        except ValueError:
            continue
        if isinstance(data, dict):
            entries.append(_trace_entry(data))
    return tuple(entries)


def _trace_entry(data: dict[str, Any]) -> TraceEntry:
    known = {"t", "endpoint", "what", "name", "value", "states", "step", "on", "event", "kind"}
    rest = {name: value for name, value in data.items() if name not in known}
    value = data.get("value")
    shown = [_brief(value)] if value is not None else []
    shown += [f"{name}={_brief(item)}" for name, item in rest.items() if item not in (None, {}, [])]
    time = data.get("t")
    return TraceEntry(
        time=float(time) if isinstance(time, (int, float)) else None,
        endpoint=str(data.get("endpoint", "")),
        what=str(data.get("what", "")),
        name=str(data.get("name", "")),
        value=" ".join(shown),
        states=_states(data.get("states"), data.get("on")),
    )


def _states(states: object, on: object) -> dict[str, str]:
    """States by `object.attribute`: those of a call come by object, those of an event are its target's."""
    if not isinstance(states, dict):
        return {}
    flat: dict[str, str] = {}
    for name, state in states.items():
        if isinstance(state, dict):
            flat |= {f"{name}.{attribute}": _brief(value) for attribute, value in state.items()}
        else:
            flat[f"{on}.{name}" if on else str(name)] = _brief(state)
    return flat


def _brief(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 400 else text[:399] + "…"
