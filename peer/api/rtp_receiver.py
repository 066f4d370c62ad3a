"""RTCRtpReceiver, webrtc-pc section 5.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peer.api.dtls_transport import RTCDtlsTransport
from peer.api.errors import RangeError
from peer.api.media_stream import MediaStreamTrack
from peer.api.parameters import capabilities_dictionary, receive_parameters
from peer.api.rtp_stats import sources
from peer.api.stats import RTCStatsReport
from peer.api.tasks import Promise
from peer.api.webidl import Dictionary, double
from peer.jsep import capabilities
from peer.media.feed import Feed

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.rtp_transceiver import RTCRtpTransceiver

__all__ = ["RTCRtpReceiver"]

# jitterBufferTarget, step 3, in ms.
MAX_JITTER_BUFFER_TARGET = 4000.0


class RTCRtpReceiver:
    """Receives one track. Made with its transceiver."""

    def __init__(self, core: Core, kind: str) -> None:
        self._core = core
        self._track = MediaStreamTrack(kind, label=f"remote {kind}", muted=True, source=Feed())
        self._track._remote = True
        self._track._shown = self._settings
        self._transceiver: RTCRtpTransceiver  # set by the transceiver, which is made right after
        self._jitter_buffer_target: float | None = None

    @property
    def track(self) -> MediaStreamTrack:
        return self._track

    @property
    def transport(self) -> RTCDtlsTransport | None:
        return self._transceiver._transport()

    @property
    def jitterBufferTarget(self) -> float | None:
        """In ms; None leaves it to us. Raises RangeError outside 0..4000."""
        return self._jitter_buffer_target

    @jitterBufferTarget.setter
    def jitterBufferTarget(self, target: float | None) -> None:
        wanted = None if target is None else double(target, "jitterBufferTarget")
        if wanted is not None and not 0.0 <= wanted <= MAX_JITTER_BUFFER_TARGET:  # step 3
            raise RangeError(f"jitterBufferTarget is between 0 and {MAX_JITTER_BUFFER_TARGET:.0f} ms")
        self._jitter_buffer_target = wanted  # step 4
        self._core.media.jitter_buffers_changed()  # step 6

    def _settings(self) -> dict[str, Any]:
        """Webrtc-pc section 9.3.1: of the latest picture."""
        engine = self._core.media.engine
        inbound = None if engine is None else engine.receivers.get(self._transceiver._key)
        if inbound is None or inbound.shown is None:
            return {}
        width, height, rate = inbound.shown
        return {"width": width, "height": height, "frameRate": rate, "aspectRatio": round(width / height, 10)}

    @staticmethod
    def disableHardwareDecoding() -> None:
        """WebRTC Extensions. There is no hardware in use."""

    @staticmethod
    def getCapabilities(kind: str) -> Dictionary | None:
        """RTCRtpCapabilities for "audio" or "video", None for any other kind."""
        if kind not in ("audio", "video"):
            return None
        return capabilities_dictionary(capabilities.AUDIO if kind == "audio" else capabilities.VIDEO, sending=False)

    def getParameters(self) -> Dictionary:
        """RTCRtpReceiveParameters."""
        return receive_parameters(self._transceiver._slots)

    def getContributingSources(self) -> list[Dictionary]:
        """Each CSRC of the last ten seconds, latest first."""
        return sources(self._core, self._transceiver._key, contributing=True)

    def getSynchronizationSources(self) -> list[Dictionary]:
        """Each SSRC of the last ten seconds, latest first."""
        return sources(self._core, self._transceiver._key, contributing=False)

    def getStats(self) -> Promise[RTCStatsReport]:
        return self._core.stats.report(self)
