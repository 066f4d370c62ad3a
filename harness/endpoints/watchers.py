"""What the reference peer's tracks show and play: the twin of media.js. PyAV is imported with this module."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from harness.script.steps import Track
from peer.media import sinks
from peer.media.feed import feed_of
from peer.media.sources import TestPattern, Tone

__all__ = ["Watcher", "source"]

_AUDIBLE: Final = 0.001
_MOST_FRAMES: Final = 25


def source(step: Track) -> Any:
    """Where a synthetic track's frames come from."""
    if step.kind == "audio":
        return Tone(step.hz, by_clock=step.by_clock)
    return TestPattern(
        step.width, step.height, step.frame_rate, detail=step.detail, start=step.start, by_clock=step.by_clock
    )


class Watcher:
    """Watches one track."""

    def __init__(self, track: Any) -> None:
        self._track = track
        self._feed = feed_of(track.source)
        self._pictures = sinks.Watcher() if track.kind == "video" else None
        self._sound = sinks.Listener() if track.kind == "audio" else None
        self._sink = self._pictures or self._sound
        self._looked = 0
        self._feed.subscribe(self._frame)

    def _frame(self, frame: Any) -> None:
        """A track that was stopped shows nothing, whatever its source goes on to make."""
        if self._sink is not None and self._track.readyState == "live":
            self._sink(frame)

    def stop(self) -> None:
        self._feed.unsubscribe(self._frame)

    def ready(self, frames: int) -> bool:
        """Whether `frames` pictures came since the last report; of sound, whether each of so many 20 ms has some."""
        if self._pictures is not None:
            return self._pictures.count >= self._looked + frames
        if self._sound is None or not (rate := self._sound.rate):
            return frames == 0
        size, wanted = rate // 50, min(frames, _MOST_FRAMES)
        samples = self._sound.heard(wanted / 50)
        parts = samples[: len(samples) // size * size].reshape(-1, size)
        return len(parts) >= wanted and bool((np.abs(parts).max(axis=1, initial=0.0) > _AUDIBLE).all())

    def report(self, content: bool) -> dict[str, Any]:
        """As `harness.script.Look` says."""
        if self._pictures is None:
            rate = self._sound.rate if self._sound is not None else 0
            heard: dict[str, Any] = {"kind": "audio", "rate": rate}
            if content and self._sound is not None:
                heard["samples"] = self._sound.heard(0.5).astype("<f4").tobytes()
            return heard
        fresh = list(self._pictures.sights)[-max(1, self._pictures.count - self._looked) :]
        if self._pictures.count == self._looked:
            fresh = []
        self._looked = self._pictures.count
        latest = self._pictures.latest
        height, width = (0, 0) if latest is None else latest.shape[:2]
        seen: dict[str, Any] = {
            "kind": "video",
            "count": self._pictures.count,
            "sights": [[sight.time, sight.counter, sight.width, sight.height] for sight in fresh],
            "width": width,
            "height": height,
        }
        if content and latest is not None:
            opaque = np.full((height, width, 1), 255, np.uint8)
            seen["picture"] = np.concatenate((latest, opaque), axis=-1).tobytes()
        return seen
