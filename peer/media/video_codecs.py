"""Pictures: VP8 and VP9 (libvpx), H.264 (libx264), AV1 (SVT-AV1 and dav1d), all set up for conversation.

No frame is held back and none is predicted from a later one; a key frame is made where one is asked for, and nowhere
else but at the start. x264 takes a lower bit rate while it runs; for anything else the encoder is opened again, which
costs a key frame, so that small changes wait.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import av.video.frame

from peer.errors import DecodeError
from peer.rtp.frame import ColorSpace, EncodedFrame

__all__ = ["DECODERS", "VideoDecoder", "VideoEncoder"]

DECODERS: Final = {"video/vp8": "vp8", "video/vp9": "libvpx-vp9", "video/h264": "h264", "video/av1": "libdav1d"}
_ENCODERS: Final = {
    "video/vp8": "libvpx",
    "video/vp9": "libvpx-vp9",
    "video/h264": "libx264",
    "video/av1": "libsvtav1",
}
os.environ.setdefault("SVT_LOG", "0")  # it writes to stderr otherwise
_CLOCK: Final = 90000
_LOWEST_BIT_RATE: Final = 30_000
# Opened again for another bit rate: at once when it falls by a quarter, else when it moved by a sixth for a second.
_URGENT, _WORTH, _PATIENCE = 0.75, 1 / 6, 1.0
# What a peer can make us allocate for a picture.
_MOST_PIXELS: Final = 4096 * 2304
# Mode 0 of RFC 6184 sends a slice as it is: it has to fit a packet.
_SLICE_SIZE: Final = 1100


class VideoEncoder:
    def __init__(
        self, name: str, fmtp: Mapping[str, str], bit_rate: int, width: int, height: int, frame_rate: float
    ) -> None:
        self._name, self._fmtp = name, fmtp
        self._size = (width, height)
        self._frame_rate = Fraction(frame_rate or 30).limit_denominator(1001)
        self.bit_rate = bit_rate
        self._context: Any = None
        self._opened_with = 0
        self._opened_at = 0.0
        self._last: int | None = None

    def encode(self, frame: Any, *, key_frame: bool = False) -> list[EncodedFrame]:
        width, height = self._size if all(self._size) else (frame.width, frame.height)
        at = float(frame.pts * frame.time_base)
        duration = round(_CLOCK / self._frame_rate)
        self._adapt(width & ~1, height & ~1, at)
        picture = frame.reformat(width & ~1, height & ~1, "yuv420p")
        if picture is frame:  # which others may be reading: what follows writes to it
            picture = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
        # an encoder's time only goes on; a source that took another's place counts from its own start
        pts = round(at * _CLOCK) if self._last is None or at * _CLOCK > self._last else self._last + duration
        picture.pts, picture.time_base, self._last = pts, Fraction(1, _CLOCK), pts
        picture.pict_type = av.video.frame.PictureType.I if key_frame else av.video.frame.PictureType.NONE
        packets = self._context.encode(picture)
        return [
            EncodedFrame(bytes(packet), packet.pts & 0xFFFFFFFF, key_frame=packet.is_keyframe, duration=duration)
            for packet in packets
        ]

    def _adapt(self, width: int, height: int, at: float) -> None:
        """Open the encoder for this size and the bit rate, again if it has to be."""
        rate = max(self.bit_rate, _LOWEST_BIT_RATE)
        context = self._context
        if context is not None and (context.width, context.height) == (width, height):
            if rate == self._opened_with:
                return
            if self._name == "video/h264" and rate <= self._opened_with:
                context.bit_rate = self._opened_with = rate
                return
            change = rate / self._opened_with
            waited = at - self._opened_at >= _PATIENCE or at < self._opened_at
            if change > _URGENT and not (waited and abs(change - 1) > _WORTH):
                return
        self._context = self._open(width, height, rate)
        self._opened_with, self._opened_at = rate, at

    def _open(self, width: int, height: int, rate: int) -> Any:
        context = av.CodecContext.create(_ENCODERS[self._name], "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, _CLOCK), self._frame_rate
        context.thread_count = 1
        options = {"g": "100000"} | _COLOURS
        if self._name == "video/h264":
            context.max_b_frames = 0
            options |= _x264(self._fmtp) | {"maxrate": str(rate), "bufsize": str(rate // 2)}
        elif self._name == "video/av1":
            options |= _SVT_AV1
        else:
            options |= _VPX | (_VP9 if self._name == "video/vp9" else {})
            options |= {"maxrate": str(rate), "minrate": str(rate), "bufsize": str(rate // 2)}
        context.bit_rate = rate
        context.options = options
        with _at_usual_priority():
            context.open()
        return context

    def close(self) -> None:
        self._context = None


@contextmanager
def _at_usual_priority() -> Iterator[None]:
    """SVT-AV1 gives itself, and the thread that opens it, the highest real-time priority where the process is root's:
    what is started after that, browsers too, would leave the rest of the machine no time.
    """
    usual = hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) == os.SCHED_OTHER
    yield
    if not usual or os.geteuid() != 0:
        return
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended
            if os.sched_getscheduler(int(task.name)) == os.SCHED_FIFO:
                os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))


# What the conversion from RGB makes, said in the bitstream where the codec can (not VP8): decoders guess otherwise.
_COLOURS: Final = {
    "colorspace": "smpte170m",
    "color_range": "tv",
    "color_primaries": "bt709",
    "color_trc": "iec61966-2-1",
}
_VPX: Final = {
    "deadline": "realtime",
    "cpu-used": "8",
    "lag-in-frames": "0",
    "error-resilient": "1",
    "undershoot-pct": "100",
    "overshoot-pct": "15",
    "max-intra-rate": "300",
    "qmin": "2",
    "qmax": "56",
    # a picture that the rate has no room for is left out: the coarsest quantizer alone can't keep a limit
    "drop-threshold": "30",
}
_VP9: Final = {"row-mt": "1", "aq-mode": "3", "auto-alt-ref": "0"}
_SVT_AV1: Final = {
    "preset": "8",
    # low delay, one reference structure without look-ahead, constant bit rate, key frames only where asked for
    "svtav1-params": "rtc=1:pred-struct=1:lookahead=0:scd=0:keyint=-1:rc=2:lp=1",
}
# RFC 6184 section 8.1: profile_idc -> x264's name for it
_PROFILES: Final = {0x42: "baseline", 0x58: "baseline", 0x4D: "main", 0x64: "high"}


def _x264(fmtp: Mapping[str, str]) -> dict[str, str]:
    text = fmtp.get("profile-level-id", "42000a")  # RFC 6184 section 8.1: without, Baseline at level 1
    number = int(text, 16) if len(text) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in text) else 0x42E01F
    level = number & 0xFF
    options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": _PROFILES.get(number >> 16, "baseline"),
        "level": f"{level // 10}.{level % 10}" if level % 10 <= 3 and 10 <= level <= 62 else "3.1",
        "forced-idr": "1",
        "x264-params": "keyint=infinite:scenecut=0:annexb=1:repeat-headers=1:bframes=0",
    }
    if fmtp.get("packetization-mode", "0") == "0":
        options["slice-max-size"] = str(_SLICE_SIZE)
    return options


class VideoDecoder:
    """What the RTP header extension says of colours goes before what the bitstream says."""

    def __init__(self, name: str) -> None:
        self._color_space: ColorSpace | None = None
        self._context: Any = av.CodecContext.create(DECODERS[name], "r")
        self._context.thread_count = 1
        options = {"max_pixels": str(_MOST_PIXELS)}
        if name == "video/av1":
            options |= {"max_frame_delay": "1"}
        if name == "video/h264":
            options |= {"flags": "+low_delay"}
        self._context.options = options

    def decode(self, frame: EncodedFrame) -> list[Any]:
        if not frame.data:
            return []
        packet = av.Packet(frame.data)
        packet.pts, packet.time_base = frame.timestamp, Fraction(1, _CLOCK)
        try:
            decoded: list[Any] = list(self._context.decode(packet))
        except av.error.FFmpegError as error:
            raise DecodeError(f"a picture that can't be decoded: {error.strerror}") from error
        self._color_space = frame.color_space or self._color_space
        for each in decoded:
            each.time_base = Fraction(1, _CLOCK)
            if (told := self._color_space) is not None:
                each.colorspace = told.matrix
                each.color_range = each.color_range if told.full_range is None else 1 + told.full_range
        return decoded

    def conceal(self, duration: int) -> list[Any]:
        """Nothing: the last picture stays until a key frame comes."""
        return []

    def close(self) -> None:
        self._context = None
