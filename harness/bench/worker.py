"""One end of a data channel transfer, in a process of its own.

`python -m harness.bench.worker <stack> send|receive <size> <count>` speaks JSON lines on stdin and stdout: the sender
prints its offer and reads an answer, the receiver the other way round; then each prints its figures.

The three Python stacks (ours, aiortc, and wrtc through its aiortc-like module) are told apart by an adapter of a few
lines; a browser is a page that runs the same transfer (see `page`).
"""

from __future__ import annotations

import asyncio
import functools
import json
import resource
import sys
import time
from typing import Any, Protocol

from harness.bench.page import BrowserStack

__all__ = ["main"]

HIGH_WATER = 1 << 20
LOW_WATER = 1 << 18
PING, PONG = "ping" * 25, "pong" * 25


class Stack(Protocol):
    """One end: signalling as SDP with all candidates, then a transfer."""

    async def offer(self) -> str: ...
    async def answer(self, offer: str) -> str: ...
    async def accept(self, answer: str) -> None: ...
    async def opened(self) -> None: ...
    async def send(self, size: int, count: int) -> None: ...
    async def receive(self) -> float: ...
    async def echo(self, count: int) -> list[float]: ...
    async def close(self) -> None: ...


class PythonStack:
    """A connection of a Python implementation that has the W3C call names. `expected` bytes end a transfer."""

    def __init__(self, expected: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.is_open: asyncio.Future[None] = self.loop.create_future()
        self.drained = asyncio.Event()
        self.received: asyncio.Future[float] = self.loop.create_future()
        self.echoed: asyncio.Queue[None] = asyncio.Queue()
        self.expected = expected
        self.bytes_in = 0
        self.started = 0.0
        self.channel: Any = None
        self.pc: Any = self.connection()

    def connection(self) -> Any:
        raise LookupError("a stack names its connection class")

    def description(self, kind: str, sdp: str) -> Any:
        return {"type": kind, "sdp": sdp}

    def listen(self, target: Any, event: str, call: Any) -> None:
        target.on(event, call)

    async def gathered(self) -> None:
        """Stacks that gather inside setLocalDescription have nothing to wait for."""

    def adopt(self, channel: Any) -> None:
        self.channel = channel
        channel.bufferedAmountLowThreshold = LOW_WATER
        self.listen(channel, "message", self.on_message)
        self.listen(channel, "bufferedamountlow", lambda *_: self.drained.set())
        if channel.readyState == "open":
            self.opened_now()
        else:
            self.listen(channel, "open", lambda *_: self.opened_now())

    def opened_now(self) -> None:
        if not self.is_open.done():
            self.is_open.set_result(None)

    def on_message(self, data: Any) -> None:
        data = getattr(data, "data", data)
        if isinstance(data, str):
            if data.startswith("ping"):
                self.channel.send(PONG)
            else:
                self.echoed.put_nowait(None)
            return
        if not self.bytes_in:
            self.started = time.perf_counter()
        self.bytes_in += len(data)
        if self.bytes_in == self.expected:
            self.received.set_result(time.perf_counter() - self.started)
            self.channel.send("done")

    async def offer(self) -> str:
        self.adopt(self.pc.createDataChannel("bench"))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        await self.gathered()
        return str(self.pc.localDescription.sdp)

    async def answer(self, offer: str) -> str:
        self.listen(self.pc, "datachannel", lambda event: self.adopt(getattr(event, "channel", event)))
        await self.pc.setRemoteDescription(self.description("offer", offer))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        await self.gathered()
        return str(self.pc.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(self.description("answer", answer))

    async def opened(self) -> None:
        await asyncio.wait_for(self.is_open, 20)

    async def send(self, size: int, count: int) -> None:
        data = bytes(range(256)) * (size // 256 + 1)
        data = data[:size]
        for _ in range(count):
            while self.channel.bufferedAmount > HIGH_WATER:
                self.drained.clear()
                await self.drained.wait()
            self.channel.send(data)
        await self.echoed.get()

    async def receive(self) -> float:
        return await self.received

    async def echo(self, count: int) -> list[float]:
        times = []
        for _ in range(count):
            begin = time.perf_counter()
            self.channel.send(PING)
            await self.echoed.get()
            times.append(time.perf_counter() - begin)
        return times

    async def close(self) -> None:
        closed = self.pc.close()
        if closed is not None:
            await closed


class ReferenceStack(PythonStack):
    """Ours."""

    def connection(self) -> Any:
        from peer.api import RTCPeerConnection

        return RTCPeerConnection()

    def listen(self, target: Any, event: str, call: Any) -> None:
        target.addEventListener(event, call)

    async def gathered(self) -> None:
        if self.pc.iceGatheringState != "complete":
            complete = asyncio.Event()
            self.pc.addEventListener(
                "icegatheringstatechange",
                lambda _: complete.set() if self.pc.iceGatheringState == "complete" else None,
            )
            await complete.wait()

    def adopt(self, channel: Any) -> None:
        channel.binaryType = "arraybuffer"
        super().adopt(channel)


class EthernetStack(ReferenceStack):
    """Ours, on loopback as on an Ethernet: no packet is larger than 1500 bytes."""

    def connection(self) -> Any:
        from peer.api import RTCPeerConnection, Seams

        return RTCPeerConnection(seams=Seams(sctp_config={"jumbo_mtu": 1412}))


class AiortcStack(PythonStack):
    """aiortc, and through `module` anything that looks like it."""

    module = "aiortc"

    def connection(self) -> Any:
        return __import__(self.module, fromlist=["*"]).RTCPeerConnection()

    def description(self, kind: str, sdp: str) -> Any:
        return __import__(self.module, fromlist=["*"]).RTCSessionDescription(sdp=sdp, type=kind)


class WrtcStack(AiortcStack):
    """libwebrtc bound to Python."""

    module = "webrtc.aiortc"


STACKS: dict[str, Any] = {
    "reference": ReferenceStack,
    "reference-ethernet": EthernetStack,
    "aiortc": AiortcStack,
    "wrtc": WrtcStack,
    "chromium": functools.partial(BrowserStack, "chromium"),
    "firefox": functools.partial(BrowserStack, "firefox"),
}


def say(**message: Any) -> None:
    print(json.dumps(message), flush=True)  # noqa: T201 - the parent process reads these lines


async def hear() -> dict[str, Any]:
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    if not line:
        raise EOFError("the other process has gone")
    message: dict[str, Any] = json.loads(line)
    return message


def cpu_seconds() -> float:
    """User and system time of this process and of the children it waited for."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


async def run(stack_name: str, role: str, size: int, count: int) -> None:
    stack: Stack = STACKS[stack_name](size * count)
    if role == "send":
        begin = time.perf_counter()
        say(sdp=await stack.offer())
        await stack.accept((await hear())["sdp"])
    else:
        offer = (await hear())["sdp"]
        begin = time.perf_counter()
        say(sdp=await stack.answer(offer))
    await stack.opened()
    setup = time.perf_counter() - begin
    cpu, peak = cpu_seconds(), peak_kb()
    seconds = 0.0
    echo: list[float] = []
    if role == "send":
        await stack.send(size, count)
        cpu, growth = cpu_seconds() - cpu, peak_kb() - peak
        echo = await stack.echo(200)
        say(setup_ms=setup * 1000, cpu_s=cpu, echo_ms=sorted(echo)[100] * 1000, growth_kb=growth)
    else:
        seconds = await stack.receive()
        say(setup_ms=setup * 1000, cpu_s=cpu_seconds() - cpu, seconds=seconds)
    await hear()
    await stack.close()


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(arguments: list[str]) -> None:
    stack, role, size, count = arguments
    asyncio.run(run(stack, role, int(size), int(count)))


if __name__ == "__main__":
    main(sys.argv[1:])
