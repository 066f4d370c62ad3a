"""MediaStream and MediaStreamTrack, as far as a connection needs them (Media Capture and Streams; webrtc-pc section
9).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any
from weakref import WeakValueDictionary

from peer.api.errors import DOMException
from peer.api.events import EventHandler, EventTarget, MediaStreamTrackEvent
from peer.api.tasks import Promise
from peer.api.webidl import Dictionary
from peer.media.feed import feed_of

__all__ = ["MediaStream", "MediaStreamTrack", "MediaStreamTrackState"]


class MediaStreamTrackState(StrEnum):
    LIVE = "live"
    ENDED = "ended"


class MediaStreamTrack(EventTarget):
    """One track of audio or video: `MediaStreamTrack("audio")` makes a local one, a receiver makes its own.

    `source` is whatever produces its frames (`peer.media.feed.Source`, or a Feed): the track ends when that does.
    """

    onmute = EventHandler()
    onunmute = EventHandler()
    onended = EventHandler()

    def __init__(self, kind: str, *, label: str = "", muted: bool = False, source: Any = None) -> None:
        super().__init__()
        if kind not in ("audio", "video"):
            raise TypeError(f"kind is audio or video, not {kind!r}")
        self._kind = kind
        self._id = str(uuid.uuid4())
        self._label = label
        self._muted = muted
        self._state = MediaStreamTrackState.LIVE
        self._remote = False
        self._settings: dict[str, Any] = {}
        self._shown: Callable[[], dict[str, Any]] = dict
        self.source = source
        self._feed = None if source is None else feed_of(source)
        if self._feed is not None:
            if self._feed.ended:
                self._state = MediaStreamTrackState.ENDED
            self._feed.on_ended.append(self._source_ended)
        self.enabled = True
        self.contentHint = ""
        # The tracks of one source, this one and its clones, as long as somebody holds them.
        self._family: WeakValueDictionary[int, MediaStreamTrack] = WeakValueDictionary({id(self): self})

    @property
    def kind(self) -> str:
        return self._kind

    @property
    def id(self) -> str:
        return self._id

    @property
    def label(self) -> str:
        return self._label

    @property
    def muted(self) -> bool:
        return self._muted

    @property
    def readyState(self) -> MediaStreamTrackState:
        return self._state

    def stop(self) -> None:
        """End the track. Fires nothing: the application did it itself."""
        self._state = MediaStreamTrackState.ENDED
        if self._feed is not None and self._source_ended in self._feed.on_ended:
            self._feed.on_ended.remove(self._source_ended)

    def clone(self) -> MediaStreamTrack:
        """A new track with the same source and a new id."""
        copy = MediaStreamTrack(self._kind, label=self._label, muted=self._muted, source=self.source)
        copy.enabled = self.enabled
        if not self._is_live:
            copy._state = self._state
        copy._remote = self._remote
        copy._shown = self._shown
        copy._family = self._family
        self._family[id(copy)] = copy
        return copy

    def _of_the_same_source(self) -> list[MediaStreamTrack]:
        """This track and those cloned from the same one."""
        return list(self._family.values())

    def getCapabilities(self) -> Dictionary:
        """Always empty for a remote track (webrtc-pc section 9.3.1)."""
        return Dictionary()

    def getConstraints(self) -> Dictionary:
        return Dictionary()

    def getSettings(self) -> Dictionary:
        """Of a remote video track: width, height, frameRate and aspectRatio of the latest frame."""
        return Dictionary({**self._settings, **self._shown()})

    def applyConstraints(self, constraints: Any = None) -> Promise[None]:
        """A remote track can't be constrained (webrtc-pc section 9.3.1): rejected with OverconstrainedError."""
        if self._remote and constraints:
            return Promise.rejected(DOMException("a remote track can't be constrained", "OverconstrainedError"))
        return Promise.resolved(None)

    @property
    def _is_live(self) -> bool:
        return self._state is MediaStreamTrackState.LIVE

    def _flows(self) -> bool:
        """Whether a sender gets its content: webrtc-pc section 5.2, "ended, disabled and/or muted"."""
        return self.enabled and not self._muted and self._state is MediaStreamTrackState.LIVE

    def _set_muted(self, muted: bool) -> None:
        """The text's "Set a track's muted state"."""
        if self._muted != muted and self._state is MediaStreamTrackState.LIVE:
            self._muted = muted
            self._fire("mute" if muted else "unmute")

    def _source_ended(self) -> None:
        """No frame comes any more. A receiver's own track is ended by its connection, in a task of that."""
        if not self._remote:
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        """The source ended it."""
        if self._state is not MediaStreamTrackState.ENDED:
            self._state = MediaStreamTrackState.ENDED
            self._fire("ended")

    def __repr__(self) -> str:
        return f"<MediaStreamTrack {self._kind} {self._id} {self._state}>"


class MediaStream(EventTarget):
    """A set of tracks: `MediaStream()`, `MediaStream([track])`, `MediaStream(other_stream)`."""

    onaddtrack = EventHandler()
    onremovetrack = EventHandler()

    def __init__(self, tracks: MediaStream | Iterable[MediaStreamTrack] = ()) -> None:
        super().__init__()
        self._id = str(uuid.uuid4())
        self._tracks: list[MediaStreamTrack] = []
        for track in tracks.getTracks() if isinstance(tracks, MediaStream) else tracks:
            self.addTrack(track)

    @classmethod
    def _with_id(cls, stream_id: str) -> MediaStream:
        """The stream a remote side told us of (webrtc-pc section 9.2.1)."""
        stream = cls()
        stream._id = stream_id
        return stream

    @property
    def id(self) -> str:
        return self._id

    @property
    def active(self) -> bool:
        """Whether any track is live."""
        return any(track.readyState is MediaStreamTrackState.LIVE for track in self._tracks)

    def getTracks(self) -> list[MediaStreamTrack]:
        return list(self._tracks)

    def getAudioTracks(self) -> list[MediaStreamTrack]:
        return [track for track in self._tracks if track.kind == "audio"]

    def getVideoTracks(self) -> list[MediaStreamTrack]:
        return [track for track in self._tracks if track.kind == "video"]

    def getTrackById(self, trackId: str) -> MediaStreamTrack | None:
        return next((track for track in self._tracks if track.id == trackId), None)

    def addTrack(self, track: MediaStreamTrack) -> None:
        if not isinstance(track, MediaStreamTrack):
            raise TypeError("addTrack takes a MediaStreamTrack")
        if track not in self._tracks:
            self._tracks.append(track)

    def removeTrack(self, track: MediaStreamTrack) -> None:
        if not isinstance(track, MediaStreamTrack):
            raise TypeError("removeTrack takes a MediaStreamTrack")
        if track in self._tracks:
            self._tracks.remove(track)

    def clone(self) -> MediaStream:
        return MediaStream(track.clone() for track in self._tracks)

    def _track_added(self, track: MediaStreamTrack) -> None:
        """The text's "Add a track": the user agent did it, so the event fires."""
        if track not in self._tracks:
            self._tracks.append(track)
            self._fire(MediaStreamTrackEvent("addtrack", {"track": track}))

    def _track_removed(self, track: MediaStreamTrack) -> None:
        """The text's "Remove a track": the user agent did it, so the event fires."""
        if track in self._tracks:
            self._tracks.remove(track)
            self._fire(MediaStreamTrackEvent("removetrack", {"track": track}))

    def __repr__(self) -> str:
        return f"<MediaStream {self._id}, {len(self._tracks)} tracks>"
