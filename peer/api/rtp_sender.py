"""RTCRtpSender, webrtc-pc section 5.2."""

from __future__ import annotations

import copy
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from peer import jsep
from peer.api.dtls_transport import RTCDtlsTransport
from peer.api.dtmf_sender import RTCDTMFSender
from peer.api.errors import InvalidModificationError, InvalidStateError, RangeError
from peer.api.media_stream import MediaStream, MediaStreamTrack
from peer.api.parameters import (
    RTCDegradationPreference,
    capabilities_dictionary,
    check_set_parameters,
    parse_send_parameters,
    parse_set_parameter_options,
    send_parameters,
)
from peer.api.stats import RTCStatsReport
from peer.api.tasks import Promise
from peer.api.webidl import MISSING, Dictionary
from peer.jsep import capabilities

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.rtp_transceiver import RTCRtpTransceiver

__all__ = ["RTCRtpSender", "stream_ids"]


def stream_ids(streams: tuple[Any, ...]) -> tuple[str, ...]:
    """[[AssociatedMediaStreamIds]] of these streams: each id once. Raises TypeError."""
    if not all(isinstance(stream, MediaStream) for stream in streams):
        raise TypeError("streams are MediaStream objects")
    return tuple(dict.fromkeys(stream.id for stream in streams))


class RTCRtpSender:
    """Sends one track. Made with its transceiver."""

    def __init__(self, core: Core, track: MediaStreamTrack | None) -> None:
        self._core = core
        self._track = track
        self._transceiver: RTCRtpTransceiver  # set by the transceiver, which is made right after
        self._dtmf: RTCDTMFSender | None = None
        self._last_returned: Dictionary | None = None
        self._degradation_preference: RTCDegradationPreference | None = None
        self._unsettled = 0  # promises of setParameters

    @property
    def track(self) -> MediaStreamTrack | None:
        return self._track

    @property
    def transport(self) -> RTCDtlsTransport | None:
        return self._transceiver._transport()

    @property
    def dtmf(self) -> RTCDTMFSender | None:
        """None for video."""
        return self._dtmf

    @staticmethod
    def disableHardwareEncoding() -> None:
        """WebRTC Extensions. There is no hardware in use."""

    @staticmethod
    def getCapabilities(kind: str) -> Dictionary | None:
        """RTCRtpCapabilities for "audio" or "video", None for any other kind."""
        if kind not in ("audio", "video"):
            return None
        return capabilities_dictionary(capabilities.AUDIO if kind == "audio" else capabilities.VIDEO, sending=True)

    def getParameters(self) -> Dictionary:
        """RTCRtpSendParameters. The same transaction until the task is over."""
        if self._last_returned is None:  # step 2
            slots = self._transceiver._slots
            self._last_returned = send_parameters(  # steps 3 and 4
                slots, str(uuid.uuid4()), self._core.media.cname, self._degradation_preference
            )
            self._core.queue_even_closed(self._forget_parameters)  # step 5
        return copy.deepcopy(self._last_returned)

    def _forget_parameters(self) -> None:
        self._last_returned = None

    def setParameters(self, parameters: Any = MISSING, setParameterOptions: Any = None) -> Promise[None]:
        """Apply what getParameters returned, changed, in the same task."""
        try:
            given = parse_send_parameters(parameters)
            options = parse_set_parameter_options(setParameterOptions)
        except TypeError as error:
            return Promise.rejected(error)
        slots = self._transceiver._slots
        if slots.stopping:  # step 4
            return Promise.rejected(InvalidStateError("the transceiver is stopping"))
        if self._last_returned is None:  # step 5
            return Promise.rejected(InvalidStateError("getParameters was not called in this task"))
        try:
            encodings = check_set_parameters(
                given, self._last_returned, slots, self._core.state.configuration.capabilities(slots.kind)
            )
        except (InvalidModificationError, RangeError) as error:
            return Promise.rejected(error)
        key_frames = [] if slots.kind is jsep.Kind.AUDIO else options
        if key_frames and len(key_frames) != len(encodings):
            return Promise.rejected(InvalidModificationError("there are encodingOptions for each encoding, or none"))
        promise: Promise[None] = Promise()
        self._unsettled += 1

        def configured() -> None:  # step 8.1, which close() doesn't keep from happening
            self._last_returned = None
            self._unsettled -= 1
            self._degradation_preference = given.get("degradationPreference")
            self._core.state = self._core.state.with_transceiver(replace(self._transceiver._slots, encodings=encodings))
            if not self._core.is_closed:
                self._core.media.sender_negotiated(slots.key)
            for encoding, wanted in zip(encodings, key_frames, strict=False):
                if wanted:
                    self._core.media.request_key_frame(slots.key, encoding.rid)
            promise.resolve(None)

        self._core.queue_even_closed(configured)
        return promise

    def replaceTrack(self, withTrack: Any = MISSING) -> Promise[None]:
        """Send another track, or none, without negotiation."""
        if withTrack is not None and not isinstance(withTrack, MediaStreamTrack):
            return Promise.rejected(TypeError("replaceTrack takes a MediaStreamTrack or None"))
        if withTrack is not None and withTrack.kind != self._transceiver._slots.kind:  # step 5
            return Promise.rejected(TypeError(f"a {withTrack.kind} track can't replace another kind"))

        def operation() -> Promise[None]:  # step 6
            if self._transceiver._slots.stopping:
                return Promise.rejected(InvalidStateError("the transceiver is stopping"))
            promise: Promise[None] = Promise()

            def replaced() -> None:
                self._track = withTrack
                self._core.media.track_replaced(self._transceiver._key)
                self._core.queue_even_closed(lambda: promise.resolve(None))  # step 6.4.4.3: a task of its own

            self._core.queue(replaced)
            return promise

        return self._core.operations.chain(operation)

    def setStreams(self, *streams: MediaStream) -> None:
        """Say which streams the track belongs to. Needs negotiation."""
        if self._core.is_closed:  # step 3
            raise InvalidStateError("the connection is closed")
        changed = replace(self._transceiver._slots, stream_ids=stream_ids(streams))
        self._core.state = self._core.state.with_transceiver(changed)  # steps 5 and 6
        self._core.update_negotiation_needed()  # step 7

    def getStats(self) -> Promise[RTCStatsReport]:
        return self._core.stats.report(self)
