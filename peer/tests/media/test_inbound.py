"""The receiving side of a transceiver when its decoder can't keep up, and when the format changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from unittest.mock import Mock

from peer import rtp
from peer.media.feed import Feed
from peer.media.inbound import ASK_AGAIN, BACKLOG, Inbound
from peer.media.plans import Codecs

VP8 = rtp.Codec(96, "video/VP8", 90000)
VP9 = rtp.Codec(98, "video/VP9", 90000)


def received(number: int, *, key_frame: bool = False, payload_type: int = 96) -> Any:
    frame = rtp.EncodedFrame(b"x", 3000 * number, key_frame=key_frame)
    return Mock(ssrc=1, rid=None, payload_type=payload_type, frame=frame, jitter=0.0, first_arrival=0.0)


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


class Late:
    """Threads that begin when they are told to."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def run(self, job: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        def both() -> None:
            future: Future[Any] = Future()
            future.set_result(job())
            done(future)

        self.jobs.append(both)

    def close(self) -> None:
        """Nothing is open."""


def test_a_frame_of_the_format_before_leaves_no_decoder_behind() -> None:
    decoded: list[str] = []

    def decoder(mime_type: str, _: Any) -> Any:
        def decode(_: Any) -> list[Any]:
            decoded.append(mime_type)
            return []

        return Mock(decode=decode)

    pool = Late()
    inbound = Inbound(1, "video", Mock(now=Mock(return_value=0.0)), Mock(decoder=decoder), pool, Feed())
    inbound.configure(1, Mock(codecs=(VP8, VP9), rids=()))
    inbound.received(received(0, key_frame=True))
    inbound.received(received(1, key_frame=True, payload_type=98))
    while pool.jobs:
        pool.jobs.pop(0)()
    assert decoded == ["video/VP8", "video/VP9"]
