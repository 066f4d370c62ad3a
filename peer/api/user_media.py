"""getUserMedia for scripts without a camera: a test picture and a tone (Media Capture and Streams section 10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from peer.api.media_stream import MediaStream, MediaStreamTrack
from peer.api.tasks import Promise

__all__ = ["getUserMedia"]


def getUserMedia(constraints: Any = None, **more: Any) -> Promise[MediaStream]:
    """`getUserMedia({"audio": True, "video": {"width": 320, "height": 240, "frameRate": 30}})`.

    Audio is a tone (`{"frequency": 440}` in Hz, ours), video the picture with a counter of `peer.media.pictures`.
    Rejected with TypeError when neither is asked for.
    """
    asked = {**(constraints or {}), **more}
    audio, video = asked.get("audio", False), asked.get("video", False)
    if audio is False and video is False:
        return Promise.rejected(TypeError("getUserMedia: neither audio nor video"))
    stream = MediaStream()
    if audio is not False:
        stream.addTrack(_microphone(audio if isinstance(audio, Mapping) else {}))
    if video is not False:
        stream.addTrack(_camera(video if isinstance(video, Mapping) else {}))
    return Promise.resolved(stream)


def _microphone(wanted: Mapping[str, Any]) -> MediaStreamTrack:
    from peer.media.sources import Tone  # PyAV is loaded with the first source

    return MediaStreamTrack("audio", label="tone", source=Tone(float(_value(wanted, "frequency", 440))))


def _camera(wanted: Mapping[str, Any]) -> MediaStreamTrack:
    from peer.media.sources import TestPattern

    width, height, rate = (
        int(_value(wanted, name, default)) for name, default in (("width", 640), ("height", 480), ("frameRate", 30))
    )
    track = MediaStreamTrack("video", label="test picture", source=TestPattern(width, height, rate))
    track._settings = {"width": width, "height": height, "frameRate": rate, "aspectRatio": round(width / height, 10)}
    return track


def _value(wanted: Mapping[str, Any], name: str, default: float) -> Any:
    """A constraint's value, however it is put: bare, exact, ideal, or a bound."""
    value = wanted.get(name, default)
    if isinstance(value, Mapping):
        return next((value[key] for key in ("exact", "ideal", "max", "min") if key in value), default)
    return value
