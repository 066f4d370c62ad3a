"""What a connection tells the engine about one transceiver: plain values, made from its slots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from peer import rtp
from peer.media.codecs import Decoder, Encoder

__all__ = ["Codecs", "Driver", "Layer", "SendPlan", "Timer", "TrackInput"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoding. `max_bitrate` in bit/s, `codec` is the one to encode with. `scale` divides width and height, unless
    `bounds` (in pixels, either way round) say how large a picture may be.
    """

    rid: str | None
    codec: rtp.Codec
    active: bool = True
    max_bitrate: int | None = None
    max_framerate: float | None = None
    scale: float = 1.0
    bounds: tuple[int, int] | None = None
    priority: float = 1.0


@dataclass(frozen=True, slots=True)
class SendPlan:
    """How one transceiver sends. `max_bitrate` is the remote side's limit (b=TIAS), `total_bitrate` the one for all
    transceivers together (b=CT); `ptime` in ms.
    """

    config: rtp.SendConfig
    layers: tuple[Layer, ...]
    max_bitrate: int | None = None
    total_bitrate: int | None = None
    ptime: int | None = None
    silence_suppression: bool = False


@dataclass(frozen=True, slots=True)
class TrackInput:
    """A track, as its sender sees it. `flows` is False while it is disabled, muted or ended."""

    source: Any
    flows: Callable[[], bool]


class Timer(Protocol):
    """What `Driver.call_at` set up."""

    def cancel(self) -> None: ...


class Driver(Protocol):
    """The connection, as the engine sees it: clock, transports by key, what to tell a script."""

    def now(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back when `now` is `when`."""

    def entropy(self, size: int) -> bytes: ...

    def transport(self, key: int) -> rtp.Transport | None:
        """The RTP machine of a transport, None as long as there is none."""

    def is_connected(self, key: int) -> bool:
        """Whether SRTP has its keys."""

    def flush(self, key: int) -> None:
        """Packets wait to be sent."""

    def data_received(self, key: int) -> None:
        """RTP came for a transceiver's receiver."""

    def source_removed(self, key: int) -> None:
        """One of the SSRCs of a receiver said BYE."""

    def tone_received(self, key: int, event: int) -> None:
        """A telephone key was pressed on the other side."""


def _encoder(mime_type: str, fmtp: Mapping[str, str], **options: Any) -> Encoder:
    from peer.media.codecs import encoder  # PyAV is loaded when something is encoded, not with a connection

    return encoder(mime_type, fmtp, **options)


def _decoder(mime_type: str, fmtp: Mapping[str, str]) -> Decoder:
    from peer.media.codecs import decoder

    return decoder(mime_type, fmtp)


def _scaler() -> Callable[[Any, int, int], Any]:
    from av.video.reformatter import VideoReformatter

    reformatter = VideoReformatter()

    def scale(picture: Any, width: int, height: int) -> Any:
        return reformatter.reformat(picture, width, height, "yuv420p")

    return scale


@dataclass(frozen=True, slots=True)
class Codecs:
    """Where encoders and decoders come from: a test without PyAV brings its own."""

    encoder: Callable[..., Encoder] = field(default=_encoder)
    decoder: Callable[..., Decoder] = field(default=_decoder)
    scaler: Callable[[], Callable[[Any, int, int], Any]] = field(default=_scaler)
    """Makes what scales pictures of one encoding: picture, width, height to a picture."""
