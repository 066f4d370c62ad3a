"""Records pictures and sound to a file: MP4 (H.264, AAC), WebM (VP8, Opus) or WAV, by the file's ending.

The work is done in a thread of its own; `video` and `audio` are sinks.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from peer.errors import LocalProtocolError

__all__ = ["Recorder"]

_CODECS: Final[dict[str, dict[str, tuple[str, dict[str, str]]]]] = {
    ".mp4": {"video": ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}), "audio": ("aac", {})},
    ".webm": {"video": ("libvpx", {"deadline": "realtime", "cpu-used": "8"}), "audio": ("libopus", {})},
    ".wav": {"audio": ("pcm_s16le", {})},
}
_SAMPLE_RATE: Final = 48000
_VIDEO_CLOCK: Final = 90000
# Frames that wait until every kind has its first one.
_MOST_WAITING: Final = 200


class Recorder:
    """A recording of at most one track of each kind.

    `kinds` are what the file is to hold: nothing is written before each kind's first frame has come, or 200 frames
    have. The kinds are aligned by when their first frames came. Raises `LocalProtocolError` for a file that can't hold
    them.
    """

    def __init__(
        self,
        path: str | Path,
        kinds: tuple[str, ...] = ("audio", "video"),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        known = _CODECS.get(Path(path).suffix.lower(), {})
        if not kinds or not set(kinds) <= set(known):
            raise LocalProtocolError(f"{Path(path).name} holds {', '.join(known) or 'nothing we can write'}")
        self._known, self._kinds, self._path, self._clock = known, kinds, str(path), clock
        self._thread = ThreadPoolExecutor(1, "recorder")
        self._jobs: deque[Future[None]] = deque()
        self._waiting: list[tuple[str, float, Any]] = []
        self._began: float | None = None
        self._container: Any = None
        self._streams: dict[str, Any] = {}
        # kind -> (time of its first frame in the file, that frame's own time)
        self._origins: dict[str, tuple[float, Fraction]] = {}
        self._last: dict[str, int] = {}

    def video(self, frame: Any) -> None:
        self._put("video", frame)

    def audio(self, frame: Any) -> None:
        self._put("audio", frame)

    def _put(self, kind: str, frame: Any) -> None:
        if kind not in self._kinds:
            raise LocalProtocolError(f"this recording has no {kind}")
        now = self._clock()
        if self._began is None:
            self._began = now
        while self._jobs and self._jobs[0].done():
            self._jobs.popleft().result()
        self._jobs.append(self._thread.submit(self._write, kind, now - self._began, frame))

    def close(self) -> None:
        """Write what is left and end the file. Raises what writing it raised."""
        jobs = [*self._jobs, self._thread.submit(self._finish)]
        self._thread.shutdown()
        for job in jobs:
            job.result()

    # in the thread

    def _write(self, kind: str, at: float, frame: Any) -> None:
        if self._container is None:
            self._waiting.append((kind, at, frame))
            if {kind for kind, _, _ in self._waiting} == set(self._kinds) or len(self._waiting) >= _MOST_WAITING:
                self._open()
            return
        self._encode(kind, at, frame)

    def _open(self) -> None:
        self._container = av.open(self._path, "w")
        for kind in dict.fromkeys(kind for kind, _, _ in self._waiting):
            name, options = self._known[kind]
            if kind == "audio":
                stream = self._container.add_stream(name, rate=_SAMPLE_RATE, layout="stereo", options=options)
            else:
                first = next(frame for each, _, frame in self._waiting if each == kind)
                stream = self._container.add_stream(name, rate=30, options=options)
                stream.width, stream.height, stream.pix_fmt = first.width & ~1, first.height & ~1, "yuv420p"
                stream.codec_context.time_base = Fraction(1, _VIDEO_CLOCK)
                stream.bit_rate = 2_000_000
            self._streams[kind] = stream
        waiting, self._waiting = self._waiting, []
        for kind, at, frame in waiting:
            self._encode(kind, at, frame)

    def _encode(self, kind: str, at: float, frame: Any) -> None:
        stream = self._streams.get(kind)
        if stream is None:  # its first frame came after the file was begun
            return
        base = Fraction(1, _SAMPLE_RATE if kind == "audio" else _VIDEO_CLOCK)
        own = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else None
        begins, first = self._origins.setdefault(kind, (at, own or Fraction(0)))
        seconds = at if own is None else begins + float(own - first)
        last = self._last.get(kind, -1)
        if kind == "video":
            self._last[kind] = pts = max(round(seconds / base), last + 1)
            made = [frame.reformat(stream.width, stream.height, "yuv420p")]
            if made[0] is frame:
                made = [av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")]
            made[0].pts, made[0].time_base, made[0].pict_type = pts, base, 0
        else:
            copy = av.AudioFrame.from_ndarray(frame.to_ndarray(), format=frame.format.name, layout=frame.layout.name)
            copy.sample_rate = frame.sample_rate
            wanted = (stream.codec_context.format.name, "stereo", _SAMPLE_RATE)
            made = av.AudioResampler(*wanted).resample(copy)
            pts = max(round(seconds / base), last)
            for each in made:
                each.pts, each.time_base = pts, base
                pts += each.samples
            self._last[kind] = pts
        for each in made:
            self._mux(stream, stream.encode(each))

    def _mux(self, stream: Any, packets: list[Any]) -> None:
        for packet in packets:
            self._container.mux(packet)

    def _finish(self) -> None:
        if self._container is None and self._waiting:
            self._open()
        if self._container is None:
            return
        for stream in self._streams.values():
            self._mux(stream, stream.encode(None))
        self._container.close()
