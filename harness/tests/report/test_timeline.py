from __future__ import annotations

from harness.report.evidence import TraceEntry
from harness.report.timeline import timeline


def entry(time: float | None, **states: str) -> TraceEntry:
    return TraceEntry(time, "a", "event", "x", "", states)


def test_states_become_strips_of_spans() -> None:
    drawn = timeline(
        [
            entry(0.0, signalingState="stable", other="x"),
            entry(0.1, signalingState="stable", iceConnectionState="new"),
            entry(0.5, signalingState="have-local-offer"),
            entry(None, signalingState="lost"),
            entry(1.0, signalingState="stable", other="y"),
        ]
    )
    assert drawn is not None
    (strip,) = drawn.strips
    assert [(span.state, span.start) for span in strip.spans] == [
        ("stable", 0.0),
        ("have-local-offer", 0.5),
        ("stable", 1.0),
    ]
    assert all(one.x + one.width <= other.x + 0.01 for one, other in zip(strip.spans, strip.spans[1:], strict=False))
    assert strip.spans[-1].x + strip.spans[-1].width <= drawn.width + 0.01


def test_without_a_change_there_is_nothing_to_draw() -> None:
    assert timeline([entry(0.0, signalingState="stable"), entry(1.0, signalingState="stable")]) is None
    assert timeline([]) is None
