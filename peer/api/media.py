"""The media side of a connection: its transceivers, the remote streams, and the events at both.

What is sent and received belongs to the engine (`peer.media`) behind `peer.api.streams`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from peer import jsep, rtp
from peer.api.errors import InvalidAccessError, InvalidStateError
from peer.api.events import Event, MediaStreamEvent, RTCTrackEvent
from peer.api.media_stream import MediaStream, MediaStreamTrack
from peer.api.parameters import check_new_encodings, parse_encodings
from peer.api.rtp_receiver import RTCRtpReceiver
from peer.api.rtp_sender import RTCRtpSender, stream_ids
from peer.api.rtp_transceiver import RTCRtpTransceiver
from peer.api.streams import Streams
from peer.api.webidl import Conversion, dictionary, interface, one_of, sequence_of, string
from peer.media.engine import Engine

if TYPE_CHECKING:
    from peer.api.core import Core

__all__ = ["Media"]


_TRANSCEIVER_INIT: Final[Mapping[str, Conversion]] = {
    "direction": one_of(jsep.Direction),
    "sendEncodings": parse_encodings,
    "streams": sequence_of(interface("MediaStream")),
}


class Media:
    """Transceivers and remote streams of one connection."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._transceivers: dict[int, RTCRtpTransceiver] = {}
        self._removed: dict[int, RTCRtpTransceiver] = {}  # by the description that is being applied
        self._remote_streams: dict[str, MediaStream] = {}
        self._local_streams: list[MediaStream] = []  # addStream
        self._announced: set[str] = set()  # streams addstream was fired for
        self._has_sent: set[int] = set()  # transceivers whose [[CurrentDirection]] once had "send" in it
        self.cname = core.state.configuration.cname
        self._streams: Streams | None = None

    # the set of transceivers

    def transceivers(self) -> list[RTCRtpTransceiver]:
        """CollectTransceivers: in insertion order."""
        return [self._transceivers[slots.key] for slots in self._core.state.transceivers]

    def active(self) -> list[RTCRtpTransceiver]:
        """Those whose [[Stopped]] is false: what getSenders and getReceivers collect."""
        return [self._transceivers[slots.key] for slots in self._core.state.transceivers if not slots.stopped]

    def senders(self) -> list[RTCRtpSender]:
        return [transceiver.sender for transceiver in self.active()]

    def _make(self, slots: jsep.Transceiver, track: MediaStreamTrack | None) -> RTCRtpTransceiver:
        sender = RTCRtpSender(self._core, track)
        receiver = RTCRtpReceiver(self._core, slots.kind)
        transceiver = RTCRtpTransceiver(self._core, slots, sender, receiver)
        self._transceivers[slots.key] = transceiver
        return transceiver

    def _change(self, transceiver: RTCRtpTransceiver, **slots: Any) -> None:
        self._core.state = self._core.state.with_transceiver(replace(transceiver._slots, **slots))

    # addTrack, removeTrack, addTransceiver

    def add_track(self, track: MediaStreamTrack, streams: tuple[MediaStream, ...]) -> RTCRtpSender:
        """addTrack, steps 5 to 12."""
        core = self._core
        if not isinstance(track, MediaStreamTrack):
            raise TypeError("addTrack takes a MediaStreamTrack")
        ids = stream_ids(streams)
        if core.is_closed:  # step 5
            raise InvalidStateError("the connection is closed")
        if any(sender.track is track for sender in self.senders()):  # step 6
            raise InvalidAccessError("a sender for this track exists already")
        transceiver = next((one for one in self.active() if self._reusable(one, track.kind)), None)  # step 7
        if transceiver is not None:  # step 8
            slots = transceiver._slots
            transceiver.sender._track = track
            direction = jsep.Direction.of(sends=True, receives=slots.direction.receives)
            # Section 5.1: a remote offer is for transceivers "created via addTrack()", not for those of addTransceiver.
            # One that a remote offer made stays when that is rolled back (step 4.7.12.3.7), and waits for another.
            waits = slots.add_track or slots.remote_made
            self._change(transceiver, stream_ids=ids, direction=direction, add_track=waits)
            self._tell_engine(transceiver)
        else:  # step 9
            core.state, slots = core.state.add(
                jsep.Kind(track.kind), jsep.Direction.SENDRECV, stream_ids=ids, add_track=True
            )
            transceiver = self._make(slots, track)
        core.update_negotiation_needed()  # step 11
        return transceiver.sender

    def _reusable(self, transceiver: RTCRtpTransceiver, kind: str) -> bool:
        slots = transceiver._slots
        return (
            transceiver.sender.track is None
            and slots.kind == kind
            and not slots.stopping
            and slots.key not in self._has_sent
        )

    def remove_track(self, sender: RTCRtpSender) -> None:
        """removeTrack."""
        core = self._core
        if not isinstance(sender, RTCRtpSender):
            raise TypeError("removeTrack takes an RTCRtpSender")
        if core.is_closed:  # step 3
            raise InvalidStateError("the connection is closed")
        if sender._core is not core:  # step 4
            raise InvalidAccessError("the sender is another connection's")
        transceiver = sender._transceiver
        slots = transceiver._slots
        # steps 6, 8 and 9
        if slots.stopping or sender not in self.senders() or sender.track is None:
            return
        sender._track = None  # step 10
        self._change(  # steps 11 and 12
            transceiver, direction=jsep.Direction.of(sends=False, receives=slots.direction.receives)
        )
        self._tell_engine(transceiver)  # "Stops sending media from sender": negotiation comes later
        core.update_negotiation_needed()  # step 13

    def add_transceiver(self, track_or_kind: Any, init: Any, *, update_flag: bool = True) -> RTCRtpTransceiver:
        """addTransceiver."""
        core = self._core
        given = dictionary(init, "RTCRtpTransceiverInit", _TRANSCEIVER_INIT)
        direction = given.get("direction", jsep.Direction.SENDRECV)
        ids = stream_ids(tuple(given.get("streams", ())))
        encodings = given.get("sendEncodings", [])
        track: MediaStreamTrack | None = None
        if isinstance(track_or_kind, MediaStreamTrack):  # step 6
            track, name = track_or_kind, track_or_kind.kind
        else:  # step 5
            name = string(track_or_kind)
        if name not in ("audio", "video"):
            raise TypeError(f"a transceiver is for audio or video, not {name!r}")
        if core.is_closed:  # step 7
            raise InvalidStateError("the connection is closed")
        kind = jsep.Kind(name)
        configuration = core.state.configuration
        checked = check_new_encodings(  # step 8
            encodings, kind, configuration.capabilities(kind), configuration.max_encodings if name == "video" else 1
        )
        core.state, slots = core.state.add(kind, direction, stream_ids=ids, encodings=checked)  # steps 9 to 12
        transceiver = self._make(slots, track)
        if update_flag:
            core.update_negotiation_needed()  # step 13
        return transceiver

    def offer_to_receive(self, kinds: Iterable[tuple[jsep.Kind, bool | None]]) -> None:
        """Section 4.4.3.3, "legacy configuration extensions", step 3."""
        for kind, wanted in kinds:
            if wanted is None:
                continue
            usable = [one for one in self.transceivers() if one._slots.kind == kind and not one._slots.stopping]
            receiving = [one for one in usable if one._slots.direction.receives]
            if not wanted:  # step 3.1
                for transceiver in receiving:
                    direction = jsep.Direction.of(sends=transceiver._slots.direction.sends, receives=False)
                    self._change(transceiver, direction=direction)
            elif not receiving:  # steps 3.2 to 3.5
                made = self.add_transceiver(str(kind), {"direction": "recvonly"}, update_flag=False)
                self._change(made, direction=jsep.Direction.RECVONLY)

    # legacy streams

    def add_stream(self, stream: MediaStream) -> None:
        """addStream as section 4.4.3 has it: addTrack for each track, now; a track with a sender is passed over."""
        if not isinstance(stream, MediaStream):
            raise TypeError("addStream takes a MediaStream")
        if self._core.is_closed:
            raise InvalidStateError("the connection is closed")
        if stream not in self._local_streams:
            self._local_streams.append(stream)
        sent = {sender.track for sender in self.senders()}
        for track in stream.getTracks():
            if track not in sent:
                self.add_track(track, (stream,))

    def remove_stream(self, stream: MediaStream) -> None:
        """removeStream: removeTrack for each sender of one of its tracks."""
        if not isinstance(stream, MediaStream):
            raise TypeError("removeStream takes a MediaStream")
        if self._core.is_closed:
            raise InvalidStateError("the connection is closed")
        if stream in self._local_streams:
            self._local_streams.remove(stream)
        tracks = stream.getTracks()
        for sender in self.senders():
            if sender.track is not None and sender.track in tracks:
                self.remove_track(sender)

    def local_streams(self) -> list[MediaStream]:
        return list(self._local_streams)

    def remote_streams(self) -> list[MediaStream]:
        return [stream for stream in self._remote_streams.values() if stream.getTracks()]

    def stream_by_id(self, stream_id: str) -> MediaStream | None:
        every = [*self._local_streams, *self.remote_streams()]
        return next((stream for stream in every if stream.id == stream_id), None)

    # what descriptions do

    def created(self, key: int) -> None:
        slots = self._core.state.transceiver(key)
        if slots is not None:
            self._make(slots, None)

    def stopped(self, key: int) -> None:
        """The text's "Stop the RTCRtpTransceiver": the slots are set; the receiver's track ends."""
        self.ended(key)

    def removed(self, slots: jsep.Transceiver) -> None:
        transceiver = self._transceivers.pop(slots.key, None)
        if transceiver is not None:
            transceiver._last_slots = slots
            self._removed[slots.key] = transceiver

    def settled(self) -> None:
        """A description is applied and its events have been fired: the last ones at what it removed."""
        self._removed.clear()

    def _find(self, key: int) -> RTCRtpTransceiver | None:
        return self._transceivers.get(key) or self._removed.get(key)

    def sender_negotiated(self, key: int) -> None:
        transceiver = self._transceivers.get(key)
        if transceiver is not None:
            transceiver.sender._last_returned = None
            direction = transceiver._slots.current_direction
            if direction is not None and direction.sends:
                self._has_sent.add(key)
            self._tell_engine(transceiver)

    def receiver_negotiated(self, key: int) -> None:
        transceiver = self._transceivers.get(key)
        if transceiver is not None:
            self._tell_engine(transceiver)

    def jitter_buffers_changed(self) -> None:
        if self._streams is not None:
            self._streams.set_jitter_buffers()

    def track_replaced(self, key: int) -> None:
        self.receiver_negotiated(key)

    def _tell_engine(self, transceiver: RTCRtpTransceiver) -> None:
        """The slots changed: what is sent and received changes with them."""
        if self._streams is None:
            if transceiver._slots.transport is None:
                return
            self._streams = Streams(self._core)
        self._streams.transceiver_changed(transceiver)

    def parameters_pending(self) -> bool:
        """Whether a promise of setParameters is not settled (step 4.7.3 of "set a session description")."""
        return any(transceiver.sender._unsettled for transceiver in self._transceivers.values())

    def ended(self, key: int) -> None:
        """The text's "Stop sending and receiving", steps 3 to 5."""
        transceiver = self._transceivers.get(key)
        if transceiver is None:
            return
        if self._streams is not None:
            self._streams.engine.stop(key)
        # Media Capture and Streams section 4.3.1: a track that its source ends does so in a queued task, a clone too.
        for track in transceiver.receiver.track._of_the_same_source():
            self._core.queue_even_closed(track._end)

    # events

    def mute(self, key: int) -> None:
        transceiver = self._find(key)
        if transceiver is not None:
            self._set_muted(transceiver, True)

    def _set_muted(self, transceiver: RTCRtpTransceiver, muted: bool) -> None:
        for track in transceiver.receiver.track._of_the_same_source():
            track._set_muted(muted)

    def unmute(self, key: int) -> None:
        """The text's "Set a track's muted state" to false, in a task."""

        def arrived() -> None:
            transceiver = self._transceivers.get(key)
            if transceiver is not None and transceiver._slots.receptive:
                self._set_muted(transceiver, False)

        self._core.queue(arrived)

    def _stream(self, stream_id: str) -> MediaStream:
        if stream_id not in self._remote_streams:
            self._remote_streams[stream_id] = MediaStream._with_id(stream_id)
        return self._remote_streams[stream_id]

    def add_to_stream(self, key: int, stream_id: str) -> None:
        if key in self._transceivers:
            self._stream(stream_id)._track_added(self._transceivers[key].receiver.track)

    def remove_from_stream(self, key: int, stream_id: str) -> None:
        transceiver, stream = self._find(key), self._remote_streams.get(stream_id)
        if transceiver is None or stream is None:
            return
        stream._track_removed(transceiver.receiver.track)
        if not stream.getTracks() and stream_id in self._announced:  # the legacy event
            self._announced.discard(stream_id)
            self._fire_stream("removestream", stream)

    def fire_track(self, key: int, ids: tuple[str, ...]) -> None:
        transceiver = self._transceivers.get(key)
        if transceiver is None:
            return
        streams = [self._stream(stream_id) for stream_id in ids]
        init = {
            "receiver": transceiver.receiver,
            "track": transceiver.receiver.track,
            "streams": streams,
            "transceiver": transceiver,
        }
        self._fire(RTCTrackEvent("track", init))
        for stream in streams:
            if stream.id not in self._announced:
                self._announced.add(stream.id)
                self._fire_stream("addstream", stream)

    def _fire_stream(self, name: str, stream: MediaStream) -> None:
        self._fire(MediaStreamEvent(name, {"stream": stream}))

    def _fire(self, event: Event) -> None:
        self._core.fire(event)

    # the engine's side

    def handle(self, transport: int, event: rtp.Event) -> None:
        """What RTP reported on a transport."""
        if self._streams is not None:
            self._streams.engine.handle(transport, event)

    def transport_opened(self, transport: int) -> None:
        """The transport has its session: what was negotiated for it before can be received, and sent, now."""
        for transceiver in self.active():
            if transceiver._slots.transport == transport:
                self._tell_engine(transceiver)

    def connected(self, transport: int) -> None:
        """The transport's SRTP has its keys."""
        if self._streams is not None:
            self._streams.engine.connected(transport)

    def data_received(self, key: int) -> None:
        """RTP arrived (section 9.3)."""
        transceiver = self._transceivers.get(key)
        if transceiver is not None and transceiver.receiver.track.muted:
            self.unmute(key)

    def request_key_frame(self, key: int, rid: str | None) -> None:
        if self._streams is not None:
            self._streams.engine.request_key_frame(key, rid)

    def play_tone(self, key: int, tone: str, duration: int) -> None:
        if self._streams is not None:
            self._streams.play_tone(key, tone, duration)

    @property
    def engine(self) -> Engine | None:
        """The engine, once there is one."""
        return None if self._streams is None else self._streams.engine

    def close(self) -> None:
        """Step 4 of "close the connection". Called before the state is closed."""
        for transceiver in self.active():
            self.ended(transceiver._key)
        if self._streams is not None:
            self._streams.engine.close()
