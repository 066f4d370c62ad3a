"""The state as it will be: a scratch pad that lives for one `plan`, so that the real one is never half changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from peer.sdp import SessionDescription

from .effects import (
    Effect,
    StreamTrackAdded,
    StreamTrackRemoved,
    TrackFired,
    TrackMuted,
    TransceiverStopped,
)
from .model import (
    Description,
    DescriptionType,
    Direction,
    Entropy,
    Section,
    Side,
    State,
    Transceiver,
    Transport,
)

__all__ = ["Draft"]


@dataclass(slots=True)
class Draft:
    """What one description changes. `effects` come first, the four W3C lists (tracks and streams) after all of them."""

    state: State
    side: Side
    description: Description
    model: SessionDescription
    entropy: Entropy
    effects: list[Effect] = field(default_factory=list)
    muted: list[TrackMuted] = field(default_factory=list)
    left: list[StreamTrackRemoved] = field(default_factory=list)
    entered: list[StreamTrackAdded] = field(default_factory=list)
    fired: list[TrackFired] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    transceivers: dict[int, Transceiver] = field(default_factory=dict)
    transports: dict[int, Transport] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.transceivers = {one.key: one for one in self.state.transceivers}
        self.transports = {one.key: one for one in self.state.transports}
        self.sections = list(self.state.sections)

    @property
    def local(self) -> bool:
        return self.side is Side.LOCAL

    @property
    def is_offer(self) -> bool:
        return self.description.type is DescriptionType.OFFER

    @property
    def is_answer(self) -> bool:
        """An answer, provisional or final."""
        return self.description.type in (DescriptionType.ANSWER, DescriptionType.PRANSWER)

    @property
    def is_final(self) -> bool:
        return self.description.type is DescriptionType.ANSWER

    def emit(self, *effects: Effect) -> None:
        self.effects += effects

    def new_key(self) -> int:
        key = self.state.next_key
        self.state = replace(self.state, next_key=key + 1)
        return key

    def new_mid(self) -> str:
        """A mid for a remote m-section that came without (RFC 9429 section 5.10)."""
        used = {section.mid for section in self.sections} | {media.mid for media in self.model.media}
        number = self.state.next_mid
        while str(number) in used:
            number += 1
        self.state = replace(self.state, next_mid=number + 1)
        return str(number)

    @property
    def remote(self) -> SessionDescription | None:
        """The remote description in force: the one being set, or the one our answer answers."""
        answered = self.state.remote if self.is_answer else None
        return self.model if not self.local else answered.model if answered else None

    def transport_at(self, index: int) -> int:
        """The key of the transport of a living section that has one by now."""
        return self.sections[index].transport or 0

    # W3C webrtc-pc section 5.1 "Processing Remote MediaStreamTracks", steps in their order

    def process_remote_tracks(
        self, one: Transceiver, direction: Direction | None, msids: tuple[str, ...]
    ) -> Transceiver:
        """Streams, then "track" events, then mute. Returns the transceiver with its slots moved on."""
        one, added = self.set_remote_streams(one, msids)
        fired = one.fired_direction is not None and one.fired_direction.receives
        if (direction is not None and direction.receives and not fired) or added:
            self.fired.append(TrackFired(one.key, one.remote_stream_ids))
        # a rollback may bring null here, which is neither "sendonly" nor "inactive"
        if direction is not None and not direction.receives:
            one = replace(one, receptive=False)
            if fired:
                self.mute(one.key)
        return replace(one, fired_direction=direction)

    def mute(self, key: int) -> None:
        """ "Process the removal of a remote track"."""
        self.muted.append(TrackMuted(key))

    def set_remote_streams(self, one: Transceiver, msids: tuple[str, ...]) -> tuple[Transceiver, bool]:
        """ "Set the associated remote streams": and whether a stream was added."""
        streams = tuple(dict.fromkeys(msids))
        before = one.remote_stream_ids
        self.left += [StreamTrackRemoved(one.key, stream) for stream in before if stream not in streams]
        added = [StreamTrackAdded(one.key, stream) for stream in streams if stream not in before]
        self.entered += added
        return replace(one, remote_stream_ids=streams), bool(added)

    def stop(self, one: Transceiver) -> Transceiver:
        """ "Stop the RTCRtpTransceiver" (W3C webrtc-pc section 5.4)."""
        self.emit(TransceiverStopped(one.key))
        direction = one.direction if one.stopping else Direction.INACTIVE
        return replace(
            one,
            direction=direction,
            stopping=True,
            stopped=True,
            receptive=False,
            current_direction=None,
            remote_stream_ids=(),
        )
