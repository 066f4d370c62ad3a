"""Who may send how much: the estimate for a transport, shared among what is sent over it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from peer.media.layer import HEADROOM, VideoLayer
from peer.media.outbound import AUDIO_BIT_RATE, Outbound

__all__ = ["share"]

# IP, UDP, SRTP and RTP headers with extensions, of 50 packets/s.
AUDIO_OVERHEAD: Final = 50 * 70 * 8
MIN_VIDEO: Final = 30_000
# What a picture of so many pixels is worth at most, in bit/s, where no maxBitrate says more.
WORTH: Final = ((320 * 240, 600_000), (640 * 480, 1_700_000), (960 * 540, 2_000_000), (1280 * 720, 2_500_000))
MOST: Final = 5_000_000
# Bits per second from which a further layer is tried.
WORTH_TRYING: Final = 100_000


def share(outbounds: Iterable[Outbound], total: int, *, transports: int = 1) -> None:
    """Audio first, then video by priority; among the encodings of one track the smallest first.

    What the remote side allows all m-sections together (b=CT) is split evenly among `transports` that send.
    """
    sending = [one for one in outbounds if one.is_sending]
    allowed = (one.plan.total_bitrate for one in sending if one.plan is not None)
    total = min([total, *(limit // transports for limit in allowed if limit is not None)])
    audio = sum(1 for one in sending if one.kind == "audio")
    rest = max(total - audio * (AUDIO_BIT_RATE + AUDIO_OVERHEAD), MIN_VIDEO)
    videos = [one for one in sending if one.kind == "video"]
    weights = sum(_priority(one) for one in videos) or 1.0
    for one in videos:
        _among_layers(one, int(rest * _priority(one) / weights))


def _priority(one: Outbound) -> float:
    return max((layer.layer.priority for layer in one.layers if layer.layer.active), default=0.0)


def _among_layers(one: Outbound, budget: int) -> None:
    limit = None if one.plan is None else one.plan.max_bitrate
    if limit is not None:
        budget = min(budget, limit)
    active = [layer for layer in one.layers if layer.layer.active]
    for place, layer in enumerate(sorted(active, key=lambda layer: -layer.layer.scale)):
        most = _most(layer, one)
        # A further layer is worth its while from a third of what it can use.
        paused = place > 0 and budget < min(most / 3, WORTH_TRYING)
        given = 0 if paused else min(most, budget)
        layer.set_rate(max(given, min(MIN_VIDEO, most)), most, paused=paused)
        # What a still picture leaves over is the next layer's: else nothing would ever ask for more, and the estimate
        # grows by what is sent.
        budget -= given if layer.used is None else min(given, int(HEADROOM * layer.used))


def _most(layer: VideoLayer, one: Outbound) -> int:
    if layer.layer.max_bitrate is not None:
        return layer.layer.max_bitrate
    width, height = layer.size(one.pictures.width or 640, one.pictures.height or 480)
    return next((rate for pixels, rate in WORTH if width * height <= pixels), MOST)
