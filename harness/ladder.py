"""The ladder of a case: packets, what was signalled and what each endpoint's states did, on one time line.

The form is the report's (`ladder.json`): lanes, and rows ordered by time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from harness.script.trace import Fired
from harness.signaling import SaidKind

if TYPE_CHECKING:
    from harness.scene import Scene

__all__ = ["ladder"]

# Which attribute an event tells of.
_STATES = {
    "signalingstatechange": "signalingState",
    "iceconnectionstatechange": "iceConnectionState",
    "icegatheringstatechange": "iceGatheringState",
    "connectionstatechange": "connectionState",
    "statechange": "state",
    "open": "readyState",
    "close": "readyState",
}
_LABELS = {SaidKind.OFFER: "offer", SaidKind.ANSWER: "answer", SaidKind.CANDIDATE: "candidate"}


def ladder(scene: Scene, *, whole: bool = True) -> dict[str, Any]:
    """The content of `ladder.json`. Unless `whole`, only the frames a judgement rests on can be opened."""
    lanes = [endpoint.name for endpoint in scene.endpoints]
    rows = [*_signalled(scene), *_states(scene), *_packets(scene, lanes, whole)]
    drawn = {"lanes": lanes, "rows": sorted(rows, key=lambda row: row["t"])}
    return drawn | ({"checks": _checks(scene, lanes)} if whole else {})


def _checks(scene: Scene, lanes: list[str]) -> list[dict[str, Any]]:
    from harness.capture.check_list import checks

    return checks(scene.recording, scene.started, lanes)


def _signalled(scene: Scene) -> Iterable[dict[str, Any]]:
    for said in scene.said:
        label = _LABELS.get(said.kind, said.kind.value)
        if said.kind is SaidKind.CANDIDATE:
            label = f"{label} {said.text.removeprefix('candidate:')}"
        row = {"t": said.time - scene.started, "from": said.sender, "to": said.receiver, "kind": "signalling"}
        yield row | {"label": label, "frame": None}


def _states(scene: Scene) -> Iterable[dict[str, Any]]:
    for endpoint in scene.endpoints:
        for entry in endpoint.entries:
            if not isinstance(entry, Fired) or (attribute := _STATES.get(entry.event)) is None:
                continue
            yield {
                "t": entry.time - scene.started,
                "from": endpoint.name,
                "to": endpoint.name,
                "kind": "event",
                "label": f"{entry.on} {attribute}: {entry.states.get(attribute)}",
                "frame": None,
            }


def _packets(scene: Scene, lanes: list[str], whole: bool) -> Iterable[dict[str, Any]]:
    # Here and not above: scapy takes a third of a second to import, and only a run that captures needs it.
    from harness.capture.ladder import rows

    judged = {frame for judgement in scene.ledger.judgements for frame in judgement.frames}
    return rows(scene.recording, scene.started, lanes, keep=judged, details=None if whole else judged)
