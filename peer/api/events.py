"""DOM's EventTarget and Event, and the event interfaces of webrtc-pc.

Listeners run in the order they were added; an `on...` attribute takes the place it had when it was first set (HTML,
"event handlers"). What a listener raises is reported to the loop's exception handler, and the next listener runs. A
listener may be a coroutine function: its coroutine becomes a task of the loop.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, overload

from peer.api.errors import RTCError
from peer.api.tasks import report

if TYPE_CHECKING:
    from peer.api.data_channel import RTCDataChannel
    from peer.api.ice_candidate import RTCIceCandidate
    from peer.api.media_stream import MediaStream, MediaStreamTrack
    from peer.api.rtp_receiver import RTCRtpReceiver
    from peer.api.rtp_transceiver import RTCRtpTransceiver

__all__ = [
    "Event",
    "EventHandler",
    "EventTarget",
    "MediaStreamEvent",
    "MediaStreamTrackEvent",
    "MessageEvent",
    "RTCDTMFToneChangeEvent",
    "RTCDataChannelEvent",
    "RTCErrorEvent",
    "RTCPeerConnectionIceErrorEvent",
    "RTCPeerConnectionIceEvent",
    "RTCTrackEvent",
]

# Any, not Event: a handler of `message` may say that it takes a MessageEvent.
Listener = Callable[[Any], Any]


class Event:
    """DOM's Event as far as these interfaces need it: none bubbles, none can be cancelled."""

    __slots__ = ("currentTarget", "target", "timeStamp", "type")

    bubbles = False
    cancelable = False
    defaultPrevented = False

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        self.type = type
        self.target: EventTarget | None = None
        self.currentTarget: EventTarget | None = None
        self.timeStamp = time.monotonic() * 1000

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type!r}>"


def _required(interface: str, init: Mapping[str, Any] | None, member: str) -> Any:
    if init is None or init.get(member) is None:
        raise TypeError(f"{interface}: {member} is required")
    return init[member]


class MessageEvent(Event):
    """HTML's MessageEvent: `data` is str, bytes or Blob."""

    __slots__ = ("data", "origin")

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        init = eventInitDict or {}
        self.data = init.get("data")
        self.origin: str = init.get("origin", "")


class RTCPeerConnectionIceEvent(Event):
    """webrtc-pc section 4.8.2: `candidate` is None once all gathering is over."""

    __slots__ = ("candidate", "url")

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        init = eventInitDict or {}
        self.candidate: RTCIceCandidate | None = init.get("candidate")
        self.url: str | None = init.get("url")


class RTCPeerConnectionIceErrorEvent(Event):
    """webrtc-pc section 4.8.3: `errorCode` is a STUN error code, or 701 where the server could not be reached."""

    __slots__ = ("address", "errorCode", "errorText", "port", "url")

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        init = eventInitDict or {}
        self.errorCode: int = _required("RTCPeerConnectionIceErrorEventInit", init, "errorCode")
        self.address: str | None = init.get("address")
        self.port: int | None = init.get("port")
        self.url: str = init.get("url", "")
        self.errorText: str = init.get("errorText", "")


class RTCDataChannelEvent(Event):
    """webrtc-pc section 6.3."""

    __slots__ = ("channel",)

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        self.channel: RTCDataChannel = _required("RTCDataChannelEventInit", eventInitDict, "channel")


class RTCErrorEvent(Event):
    """webrtc-pc section 11.4."""

    __slots__ = ("error",)

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        self.error: RTCError = _required("RTCErrorEventInit", eventInitDict, "error")


class RTCTrackEvent(Event):
    """webrtc-pc section 5.7."""

    __slots__ = ("receiver", "streams", "track", "transceiver")

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        self.receiver: RTCRtpReceiver = _required("RTCTrackEventInit", eventInitDict, "receiver")
        self.track: MediaStreamTrack = _required("RTCTrackEventInit", eventInitDict, "track")
        self.transceiver: RTCRtpTransceiver = _required("RTCTrackEventInit", eventInitDict, "transceiver")
        self.streams: tuple[MediaStream, ...] = tuple((eventInitDict or {}).get("streams", ()))


class RTCDTMFToneChangeEvent(Event):
    """webrtc-pc section 7.4: `tone` is empty once the buffer has played out."""

    __slots__ = ("tone",)

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        self.tone: str = (eventInitDict or {}).get("tone", "")


class MediaStreamTrackEvent(Event):
    """Media Capture and Streams section 5.3: addtrack and removetrack of a MediaStream."""

    __slots__ = ("track",)

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        self.track: MediaStreamTrack = _required("MediaStreamTrackEventInit", eventInitDict, "track")


class MediaStreamEvent(Event):
    """The legacy addstream and removestream events."""

    __slots__ = ("stream",)

    def __init__(self, type: str, eventInitDict: Mapping[str, Any] | None = None) -> None:
        super().__init__(type)
        self.stream: MediaStream = _required("MediaStreamEventInit", eventInitDict, "stream")


class EventHandler:
    """An `on...` attribute: `onopen = EventHandler()`. None when unset."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._type = name.removeprefix("on")

    @overload
    def __get__(self, target: None, owner: type) -> EventHandler: ...
    @overload
    def __get__(self, target: EventTarget, owner: type) -> Listener | None: ...
    def __get__(self, target: EventTarget | None, owner: type) -> Listener | EventHandler | None:
        return self if target is None else target._handlers.get(self._type)

    def __set__(self, target: EventTarget, value: Listener | None) -> None:
        target._set_handler(self._type, value if callable(value) else None)


class _Registration:
    """One entry of a target's listener list. `callback` is None for the place of the `on...` attribute."""

    __slots__ = ("callback", "capture", "once", "removed", "type")

    def __init__(self, type: str, callback: Any, capture: bool, once: bool) -> None:
        self.type = type
        self.callback = callback
        self.capture = capture
        self.once = once
        self.removed = False


class EventTarget:
    """DOM's EventTarget."""

    def __init__(self) -> None:
        self._listeners: list[_Registration] = []
        self._handlers: dict[str, Listener] = {}

    def addEventListener(
        self,
        type: str,
        callback: Any,
        options: Mapping[str, Any] | bool | None = None,
    ) -> None:
        """Add `callback`: a callable, or an object with `handleEvent`. Adding the same one twice does nothing.

        `options` is `{"once": bool, "capture": bool}` or the capture flag alone.
        """
        if callback is None:
            return
        if not callable(callback) and not hasattr(callback, "handleEvent"):
            raise TypeError("an event listener is a callable or has handleEvent")
        capture = bool(options.get("capture", False)) if isinstance(options, Mapping) else bool(options)
        once = bool(options.get("once", False)) if isinstance(options, Mapping) else False
        if self._find(type, callback, capture) is None:
            self._listeners.append(_Registration(type, callback, capture, once))

    def removeEventListener(
        self,
        type: str,
        callback: Any,
        options: Mapping[str, Any] | bool | None = None,
    ) -> None:
        capture = bool(options.get("capture", False)) if isinstance(options, Mapping) else bool(options)
        registration = self._find(type, callback, capture)
        if registration is not None and callback is not None:
            self._remove(registration)

    def dispatchEvent(self, event: Event) -> bool:
        """Run the listeners of `event.type`, in order. Always True: none of these events can be cancelled."""
        event.target = event.currentTarget = self
        # A copy: a listener added meanwhile doesn't run for this event; one removed meanwhile doesn't either.
        for registration in [entry for entry in self._listeners if entry.type == event.type]:
            if registration.removed:
                continue
            if registration.once:
                self._remove(registration)
            self._invoke(registration, event)
        event.currentTarget = None
        return True

    def _fire(self, type: str) -> None:
        """Fire a plain Event."""
        self.dispatchEvent(Event(type))

    def _has_listener(self, type: str) -> bool:
        return any(entry.type == type for entry in self._listeners)

    def _invoke(self, registration: _Registration, event: Event) -> None:
        callback = registration.callback
        if callback is None:
            callback = self._handlers.get(event.type)
        elif not callable(callback):
            callback = callback.handleEvent
        if callback is None:
            return
        try:
            outcome = callback(event)
        except Exception as error:  # noqa: BLE001 - DOM, "inner invoke" step 10: report the exception, go on with the next
            report(f"exception in a listener of {event.type!r}", error)
        else:
            if inspect.iscoroutine(outcome):
                _spawn(outcome, event.type)

    def _find(self, type: str, callback: Any, capture: bool) -> _Registration | None:
        for entry in self._listeners:
            if entry.type == type and entry.callback == callback and entry.capture == capture:
                return entry
        return None

    def _remove(self, registration: _Registration) -> None:
        registration.removed = True
        self._listeners.remove(registration)

    def _set_handler(self, type: str, handler: Listener | None) -> None:
        place = self._find(type, None, False)
        if handler is None:
            self._handlers.pop(type, None)
            if place is not None:
                self._remove(place)
            return
        self._handlers[type] = handler
        if place is None:
            self._listeners.append(_Registration(type, None, False, False))


# A task that nobody holds may be collected while it waits.
_running: set[asyncio.Task[Any]] = set()


def _spawn(coroutine: Coroutine[Any, Any, Any], event_type: str) -> None:
    task = asyncio.get_running_loop().create_task(coroutine)
    _running.add(task)

    def finished(done: asyncio.Task[Any]) -> None:
        _running.discard(done)
        error = None if done.cancelled() else done.exception()
        if error is not None:
            report(f"exception in a listener of {event_type!r}", error)

    task.add_done_callback(finished)
