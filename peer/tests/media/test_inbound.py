"""The receiving side of a transceiver when its decoder can't keep up."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from peer import rtp
from peer.media.feed import Feed
from peer.media.inbound import ASK_AGAIN, BACKLOG, Inbound
from peer.media.plans import Codecs

VP8 = rtp.Codec(96, "video/VP8", 90000)


def received(number: int, *, key_frame: bool = False) -> Any:
    frame = rtp.EncodedFrame(b"x", 3000 * number, key_frame=key_frame)
    return Mock(ssrc=1, rid=None, payload_type=96, frame=frame, jitter=0.0, first_arrival=0.0)


def test_a_key_frame_is_asked_for_until_it_comes() -> None:
    driver, machine = Mock(), Mock()
    driver.transport.return_value = machine
    inbound = Inbound(1, "video", driver, Codecs(), Mock(), Feed())  # a pool that decodes nothing
    inbound.configure(1, Mock(codecs=(VP8,), rids=()))
    requests = machine.add_receiver.return_value.request_key_frame

    def play(number: int, at: float, *, key_frame: bool = False) -> int:
        driver.now.return_value = at
        inbound.received(received(number, key_frame=key_frame))
        return int(requests.call_count)

    for number in range(BACKLOG):
        assert play(number, 0.0, key_frame=number == 0) == 0
    assert play(BACKLOG, 1.0) == 1
    assert play(BACKLOG + 1, 1.0 + ASK_AGAIN / 2) == 1
    assert play(BACKLOG + 2, 1.0 + ASK_AGAIN) == 2
    assert inbound.streams[1].frames_dropped == 3
    play(BACKLOG + 3, 2.0, key_frame=True)
    assert not inbound.streams[1].needs_key_frame
