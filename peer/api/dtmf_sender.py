"""RTCDTMFSender, webrtc-pc section 7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from peer.api.errors import InvalidCharacterError, InvalidStateError
from peer.api.events import EventHandler, EventTarget, RTCDTMFToneChangeEvent
from peer.api.states import RTCPeerConnectionState
from peer.api.webidl import string, unsigned

if TYPE_CHECKING:
    from peer.api.core import Core
    from peer.api.rtp_transceiver import RTCRtpTransceiver

__all__ = ["RTCDTMFSender"]

TONES: Final = frozenset("0123456789ABCD#*,")
_TO_UPPER: Final = str.maketrans("abcd", "ABCD")
# All in ms: section 7.2.
MIN_DURATION, MAX_DURATION, MIN_GAP, MAX_GAP, COMMA_DELAY = 40, 6000, 30, 6000, 2000


class RTCDTMFSender(EventTarget):
    """Sends telephone keys with the audio of one sender."""

    ontonechange = EventHandler()

    def __init__(self, core: Core, transceiver: RTCRtpTransceiver) -> None:
        super().__init__()
        self._core = core
        self._transceiver = transceiver
        self._duration = 100
        self._inter_tone_gap = 70
        self._tone_buffer = ""
        self._scheduled = False

    @property
    def toneBuffer(self) -> str:
        """The tones that remain to be played."""
        return self._tone_buffer

    @property
    def canInsertDTMF(self) -> bool:
        """The text's "Determine if DTMF can be sent", section 7.3."""
        slots = self._transceiver._slots
        return (
            self._core.connection_state is RTCPeerConnectionState.CONNECTED  # step 4
            and not slots.stopping  # step 5
            and self._transceiver.sender.track is not None  # step 6
            and slots.current_direction is not None
            and slots.current_direction.sends  # step 7
            and slots.encodings[0].active  # step 8
            and any(entry.codec.mime_type.lower() == "audio/telephone-event" for entry in slots.send.codecs)  # step 9
        )

    def insertDTMF(self, tones: str, duration: int = 100, interToneGap: int = 70) -> None:
        """Replace the tone buffer and start playing it. `duration` (40..6000) and `interToneGap` (30..6000) in ms are
        clamped.

        Raises InvalidStateError when DTMF can't be sent, InvalidCharacterError for anything but 0-9 A-D a-d # * and
        comma.
        """
        text = string(tones).translate(_TO_UPPER)
        milliseconds = unsigned(duration, "duration", 32)
        gap = unsigned(interToneGap, "interToneGap", 32)
        if not self.canInsertDTMF:  # step 4
            raise InvalidStateError("DTMF can't be sent now")
        if not set(text) <= TONES:  # step 8
            raise InvalidCharacterError(f"{tones!r} holds more than 0-9, A-D, #, * and comma")
        self._tone_buffer = text  # step 9
        self._duration = min(max(milliseconds, MIN_DURATION), MAX_DURATION)  # steps 10, 12, 13
        self._inter_tone_gap = min(max(gap, MIN_GAP), MAX_GAP)  # steps 11, 14, 15
        if not text or self._scheduled:  # steps 16 and 17
            return
        self._scheduled = True
        self._core.queue(self._playout)

    def _playout(self) -> None:
        """The "DTMF playout task steps"."""
        self._scheduled = False
        if not self.canInsertDTMF:  # step 1
            return
        if not self._tone_buffer:  # step 2
            self._fire(RTCDTMFToneChangeEvent("tonechange", {"tone": ""}))
            return
        tone, self._tone_buffer = self._tone_buffer[0], self._tone_buffer[1:]  # step 3
        if tone == ",":  # step 4
            delay = COMMA_DELAY
        else:  # step 5
            self._core.media.play_tone(self._transceiver._key, tone, self._duration)
            delay = self._duration + self._inter_tone_gap
        self._scheduled = True
        self._core.loop.call_later(delay / 1000, self._core.queue, self._playout)
        self._fire(RTCDTMFToneChangeEvent("tonechange", {"tone": tone}))  # step 6
