"""From nothing to an open data channel, both ends in one process on loopback, candidates trickled where a stack can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from harness.bench.model import Benchmark, ContestantMissing
from peer.api import RTCPeerConnection

__all__ = ["benchmarks"]

LIMIT_S = 10


async def reference() -> float:
    begin = time.perf_counter()
    offerer, answerer = RTCPeerConnection(), RTCPeerConnection()
    for here, there in ((offerer, answerer), (answerer, offerer)):
        here.addEventListener("icecandidate", lambda event, there=there: there.addIceCandidate(event.candidate))
    opened = asyncio.Event()
    channel = offerer.createDataChannel("bench")
    channel.addEventListener("open", lambda _: opened.set())
    await offerer.setLocalDescription()
    await answerer.setRemoteDescription(offerer.localDescription)
    await answerer.setLocalDescription()
    await offerer.setRemoteDescription(answerer.localDescription)
    await asyncio.wait_for(opened.wait(), LIMIT_S)
    took = time.perf_counter() - begin
    offerer.close()
    answerer.close()
    return took * 1000


async def aiortc_like(module: str) -> float:
    try:
        stack: Any = __import__(module, fromlist=["*"])
    except ImportError as error:
        raise ContestantMissing("pip install 'peerproof[bench]'") from error
    begin = time.perf_counter()
    offerer, answerer = stack.RTCPeerConnection(), stack.RTCPeerConnection()
    opened = asyncio.Event()
    channel = offerer.createDataChannel("bench")
    channel.on("open", opened.set)
    await offerer.setLocalDescription(await offerer.createOffer())
    await answerer.setRemoteDescription(offerer.localDescription)
    await answerer.setLocalDescription(await answerer.createAnswer())
    await offerer.setRemoteDescription(answerer.localDescription)
    await asyncio.wait_for(opened.wait(), LIMIT_S)
    took = time.perf_counter() - begin
    await offerer.close()
    await answerer.close()
    return took * 1000


def once(play: Callable[[], Awaitable[float]]) -> Callable[[], float]:
    async def run() -> float:
        return await play()

    return lambda: asyncio.run(run())


def benchmarks() -> list[Benchmark]:
    return [
        Benchmark(
            "setup/loopback",
            "ms",
            {
                "reference": once(reference),
                "aiortc": once(lambda: aiortc_like("aiortc")),
                "wrtc": once(lambda: aiortc_like("webrtc.aiortc")),
            },
            rounds=15,
            more_is_better=False,
        )
    ]
