"""RFC 3550 section 6.4.1: sender reports tie the sound and the pictures of one stream to one clock.

What an endpoint sends tells when it was made: the counter of a picture, and a beat that begins with each second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cases.media.flowing import Flow, flowing, until
from harness.cases import check, clause, inconclusive
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.media.pictures import COUNTER_BITS, picture_of, read_counter
from peer.media.sound import samples_of
from peer.rtp.clock import NTP_EPOCH, distance32, seconds
from peer.wire import rtcp

CLOSE = 0.040
RATE = 20
UNEVEN = 0.05
"""What may be missing of the second between two beats, by the endpoint's own count of samples, in s."""


class Clock:
    """When frames were made, as the first sender report of a stream has it: s since the epoch."""

    def __init__(self, report: rtcp.SenderReport) -> None:
        self.now = seconds(report.ntp) - NTP_EPOCH
        self._timestamp = report.rtp_timestamp

    @classmethod
    async def of(cls, flow: Flow, kind: str) -> Clock:
        ssrc = (await flow.stats(flow.here, "inbound-rtp", kind))[0]["ssrc"]

        def first() -> rtcp.SenderReport | None:
            reports = (one for one in flow.ear.control if isinstance(one, rtcp.SenderReport) and one.ssrc == ssrc)
            return next(reports, None)

        return cls(await until(first, f"no sender report tells of {kind}"))

    def made(self, frame: Any) -> float:
        return self.now + distance32(frame.pts & 0xFFFFFFFF, self._timestamp) * float(frame.time_base)


def around(value: float, cycle: float) -> float:
    return (value + cycle / 2) % cycle - cycle / 2


def beats(frames: list[Any], clock: Clock) -> list[float]:
    """When the beats begin, by the frames' time stamps."""
    found, quiet = [], 0.0
    for frame in frames:
        samples = np.abs(samples_of(frame))
        loud = np.flatnonzero(samples > 0.1)
        if len(loud):
            if quiet > 0.5:
                found.append(clock.made(frame) + loud[0] / frame.sample_rate)
            quiet = 0.0
        else:
            quiet += len(samples) / frame.sample_rate
    return found


@clause("RFC3550-6.4.1-M2")
async def test_sound_and_pictures_are_tied_to_one_clock(peer: Reference, endpoint: Endpoint) -> None:
    flow = await flowing(peer, endpoint, "audio", "video", together=True, by_clock=True, frame_rate=RATE)
    await flow.seen(1, "audio")
    await flow.seen(1)
    shown, heard = await Clock.of(flow, "video"), await Clock.of(flow, "audio")

    def enough() -> list[float] | None:
        begun = beats(flow.frames["audio"], heard)
        return begun if len(begun) > 1 and begun[-1] > heard.now else None

    begun = await until(enough, "no beat was heard after the sender report")
    # Firefox's sound lacks 30 ms of each second where there is no sound device, and more on a busy machine.
    unsure = float(max(abs(np.diff(begun) - 1.0)))
    if unsure > UNEVEN:
        inconclusive(f"a second between two beats is {1000 * unsure:.0f} ms longer or shorter by the count of samples")
    sounds = float(np.interp(heard.now, begun, [around(at, 1.0) for at in begun]))
    cycle = (1 << COUNTER_BITS) / RATE
    counted = [(read_counter(picture_of(frame)), shown.made(frame)) for frame in flow.frames["video"]]
    late = [around(at - counter / RATE, cycle) for counter, at in counted if counter is not None]
    # A busy machine draws some pictures late, after what their counter tells.
    pictures = float(np.quantile(late, 0.25))
    skew = around(sounds - pictures, 1.0)
    check(abs(skew) < CLOSE, f"sound made together with a picture is told to be {1000 * skew:.0f} ms later")
