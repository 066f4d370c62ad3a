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
from typing import TYPE_CHECKING, Any, Final, overload

from peer.api.errors import InvalidStateError, RTCError
from peer.api.tasks import report
from peer.api.webidl import (
    Conversion,
    boolean,
    dictionary,
    interface,
    nullable,
    sequence_of,
    string,
    unsigned_short,
)

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
    """DOM's Event as far as these interfaces need it: `bubbles` and `composed` are only remembered."""

    __slots__ = ("_flags", "_prevented", "_stopped", "currentTarget", "isTrusted", "target", "timeStamp", "type")

    def __init__(self, type: str, eventInitDict: Any = None) -> None:
        self.type = string(type)
        self.target: EventTarget | None = None
        self.currentTarget: EventTarget | None = None
        self.timeStamp = time.monotonic() * 1000
        self._flags: dict[str, bool] = (
            {} if eventInitDict is None else dictionary(eventInitDict, "EventInit", _EVENT_INIT)
        )
        self._prevented = False
        self._stopped = False  # DOM's "stop immediate propagation flag"
        self.isTrusted = False

    @property
    def bubbles(self) -> bool:
        return self._flags.get("bubbles", False)

    @property
    def cancelable(self) -> bool:
        return self._flags.get("cancelable", False)

    @property
    def composed(self) -> bool:
        return self._flags.get("composed", False)

    @property
    def defaultPrevented(self) -> bool:
        return self._prevented

    @property
    def eventPhase(self) -> int:
        """AT_TARGET (2) while it is dispatched, else NONE (0): none of our targets has a parent."""
        return 0 if self.currentTarget is None else 2

    def composedPath(self) -> list[EventTarget]:
        return [] if self.currentTarget is None else [self.currentTarget]

    def preventDefault(self) -> None:
        self._prevented = self._prevented or self.cancelable

    def stopPropagation(self) -> None:
        """There is nowhere it would go on to."""

    def stopImmediatePropagation(self) -> None:
        self._stopped = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type!r}>"


_EVENT_INIT: Final[Mapping[str, Conversion]] = dict.fromkeys(("bubbles", "cancelable", "composed"), boolean)


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

    def __init__(self, type: str, eventInitDict: Any = None) -> None:
        super().__init__(type, eventInitDict)
        init = dictionary(eventInitDict, "RTCPeerConnectionIceEventInit", _ICE_EVENT_INIT)
        self.candidate: RTCIceCandidate | None = init.get("candidate")
        self.url: str | None = init.get("url")


_ICE_EVENT_INIT: Final[Mapping[str, Conversion]] = {
    "candidate": nullable(interface("RTCIceCandidate")),
    "url": nullable(string),
}


class RTCPeerConnectionIceErrorEvent(Event):
    """webrtc-pc section 4.8.3: `errorCode` is a STUN error code, or 701 where the server could not be reached."""

    __slots__ = ("address", "errorCode", "errorText", "port", "url")

    def __init__(self, type: str, eventInitDict: Any) -> None:
        super().__init__(type, eventInitDict)
        name = "RTCPeerConnectionIceErrorEventInit"
        init = dictionary(eventInitDict, name, _ICE_ERROR_EVENT_INIT, required=("errorCode",))
        self.errorCode: int = init["errorCode"]
        self.address: str | None = init.get("address")
        self.port: int | None = init.get("port")
        self.url: str = init.get("url", "")
        self.errorText: str = init.get("errorText", "")


_ICE_ERROR_EVENT_INIT: Final[Mapping[str, Conversion]] = {
    "address": nullable(string),
    "errorCode": unsigned_short,
    "errorText": string,
    "port": nullable(unsigned_short),
    "url": string,
}


class RTCDataChannelEvent(Event):
    """webrtc-pc section 6.3."""

    __slots__ = ("channel",)

    def __init__(self, type: str, eventInitDict: Any) -> None:
        super().__init__(type, eventInitDict)
        self.channel: RTCDataChannel = _only(eventInitDict, "RTCDataChannelEventInit", "channel", "RTCDataChannel")


def _only(value: Any, init: str, member: str, kind: str) -> Any:
    """The one required member of an event's dictionary, an object of an interface."""
    return dictionary(value, init, {member: interface(kind)}, required=(member,))[member]


class RTCErrorEvent(Event):
    """webrtc-pc section 11.4."""

    __slots__ = ("error",)

    def __init__(self, type: str, eventInitDict: Any) -> None:
        super().__init__(type, eventInitDict)
        self.error: RTCError = _only(eventInitDict, "RTCErrorEventInit", "error", "RTCError")


class RTCTrackEvent(Event):
    """webrtc-pc section 5.7."""

    __slots__ = ("receiver", "streams", "track", "transceiver")

    def __init__(self, type: str, eventInitDict: Any) -> None:
        super().__init__(type, eventInitDict)
        required = ("receiver", "track", "transceiver")
        init = dictionary(eventInitDict, "RTCTrackEventInit", _TRACK_EVENT_INIT, required=required)
        self.receiver: RTCRtpReceiver = init["receiver"]
        self.track: MediaStreamTrack = init["track"]
        self.transceiver: RTCRtpTransceiver = init["transceiver"]
        self.streams: tuple[MediaStream, ...] = tuple(init.get("streams", ()))


_TRACK_EVENT_INIT: Final[Mapping[str, Conversion]] = {
    "receiver": interface("RTCRtpReceiver"),
    "streams": sequence_of(interface("MediaStream")),
    "track": interface("MediaStreamTrack"),
    "transceiver": interface("RTCRtpTransceiver"),
}


class RTCDTMFToneChangeEvent(Event):
    """webrtc-pc section 7.4: `tone` is empty once the buffer has played out."""

    __slots__ = ("tone",)

    def __init__(self, type: str, eventInitDict: Any = None) -> None:
        super().__init__(type, eventInitDict)
        init = dictionary(eventInitDict, "RTCDTMFToneChangeEventInit", {"tone": string})
        self.tone: str = init.get("tone", "")


class MediaStreamTrackEvent(Event):
    """Media Capture and Streams section 5.3: addtrack and removetrack of a MediaStream."""

    __slots__ = ("track",)

    def __init__(self, type: str, eventInitDict: Any) -> None:
        super().__init__(type, eventInitDict)
        self.track: MediaStreamTrack = _only(eventInitDict, "MediaStreamTrackEventInit", "track", "MediaStreamTrack")


class MediaStreamEvent(Event):
    """The legacy addstream and removestream events."""

    __slots__ = ("stream",)

    def __init__(self, type: str, eventInitDict: Any) -> None:
        super().__init__(type, eventInitDict)
        self.stream: MediaStream = _only(eventInitDict, "MediaStreamEventInit", "stream", "MediaStream")


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
        """Run the listeners of `event.type`, in order. False when one of them prevented the default of an event made
        cancelable. Raises TypeError, and InvalidStateError for an event that is being dispatched.
        """
        if not isinstance(event, Event):
            raise TypeError(f"{type(event).__name__} is not Event")
        if event.currentTarget is not None:
            raise InvalidStateError("the event is being dispatched")
        event.isTrusted = False
        return self._dispatch(event)

    def _fire(self, event: Event | str) -> None:
        """DOM's "fire an event"."""
        made = Event(event) if isinstance(event, str) else event
        made.isTrusted = True
        self._dispatch(made)

    def _dispatch(self, event: Event) -> bool:
        event.target = event.currentTarget = self
        event._stopped = False
        # A copy: a listener added meanwhile doesn't run for this event; one removed meanwhile doesn't either.
        for registration in [entry for entry in self._listeners if entry.type == event.type]:
            if event._stopped:
                break
            if registration.removed:
                continue
            if registration.once:
                self._remove(registration)
            self._invoke(registration, event)
        event.currentTarget = None
        return not event.defaultPrevented

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
            if registration.callback is None and outcome is False:
                event.preventDefault()  # HTML, "the event handler processing algorithm", step 5
            elif inspect.iscoroutine(outcome):
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
