"""What the reference peer implements, best first: the default `Capabilities` of each kind.

RFC 7874 section 3 (Opus, PCMA, PCMU, telephone-event mandatory), RFC 7742 section 5 (VP8 and H.264 mandatory), RFC
8854 section 7 (FEC), RFC 8834 section 5.1 and 5.2 (feedback, header extensions).
"""

from __future__ import annotations

from .model import Capabilities, Codec, HeaderExtension

__all__ = ["AUDIO", "FLEXFEC", "MID_URI", "REPAIRED_RID_URI", "RID_URI", "VIDEO"]

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
_TRANSPORT_WIDE_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
_ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
_COLOR_SPACE = "http://www.webrtc.org/experiments/rtp-hdrext/color-space"

_COMMON_EXTENSIONS = (
    HeaderExtension(_ABS_SEND_TIME, 2),
    HeaderExtension(_TRANSPORT_WIDE_CC, 3),
    HeaderExtension(MID_URI, 4),
)
_VIDEO_FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "ccm tmmbr", "nack", "nack pli")

AUDIO = Capabilities(
    codecs=(
        Codec("audio/opus", 48000, 2, "minptime=10;useinbandfec=1", ("transport-cc",), 111),
        Codec("audio/red", 48000, 2, None, (), 63),
        Codec("audio/G722", 8000, 1, None, (), 9),
        Codec("audio/PCMU", 8000, 1, None, (), 0),
        Codec("audio/PCMA", 8000, 1, None, (), 8),
        Codec("audio/CN", 8000, 1, None, (), 13),
        Codec("audio/telephone-event", 48000, 1, "0-15", (), 110),
        Codec("audio/telephone-event", 8000, 1, "0-15", (), 126),
    ),
    extensions=(HeaderExtension("urn:ietf:params:rtp-hdrext:ssrc-audio-level", 1), *_COMMON_EXTENSIONS),
)


def _h264(mode: int, profile: str, payload_type: int) -> Codec:
    fmtp = f"level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile}"
    return Codec("video/H264", 90000, None, fmtp, _VIDEO_FEEDBACK, payload_type)


# Received, never sent: offered and answered in sections that only receive.
FLEXFEC = Codec(
    "video/flexfec-03", 90000, None, "repair-window=10000000", ("goog-remb", "transport-cc"), 49, sends=False
)

VIDEO = Capabilities(
    codecs=(
        Codec("video/VP8", 90000, None, None, _VIDEO_FEEDBACK, 96),
        # RFC 4588: one entry, which stands for one rtx format per primary codec
        Codec("video/rtx", 90000),
        Codec("video/VP9", 90000, None, "profile-id=0", _VIDEO_FEEDBACK, 98),
        Codec("video/VP9", 90000, None, "profile-id=2", _VIDEO_FEEDBACK, 100),
        _h264(1, "42001f", 102),
        _h264(0, "42001f", 104),
        _h264(1, "42e01f", 106),
        _h264(0, "42e01f", 108),
        Codec("video/AV1", 90000, None, "level-idx=5;profile=0;tier=0", _VIDEO_FEEDBACK, 45),
        Codec("video/red", 90000, None, None, (), 118),
        Codec("video/ulpfec", 90000, None, None, (), 120),
        FLEXFEC,
    ),
    extensions=(
        HeaderExtension("urn:ietf:params:rtp-hdrext:toffset", 14),
        *_COMMON_EXTENSIONS,
        HeaderExtension("urn:3gpp:video-orientation", 13),
        HeaderExtension(_COLOR_SPACE, 8),
        HeaderExtension(RID_URI, 10),
        HeaderExtension(REPAIRED_RID_URI, 11),
    ),
)
