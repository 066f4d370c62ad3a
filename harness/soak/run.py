"""One soak: 200 channels at a time, each with a life of a few messages, until the time is over.

A life: open (ordered or not), send a few messages of random kind and size and wait until each has come back, then be
closed by one side or the other, and wait for that. What doesn't come back within `PATIENCE` is lost. Everything random
comes from one seed; what the network does with it doesn't.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

from peer.api import RTCPeerConnection
from peer.api.events import Event

__all__ = ["CHANNELS", "Echo", "Outcome", "soak"]

CHANNELS = 200
PATIENCE = 300.0
_LARGEST = 20_000
_WARM_UP = 0.25  # of the time: what is allocated once belongs to it
_MAY_GROW = 24 << 20  # bytes: the noise of an allocator, not a leak of 200 channels' messages


@dataclass(slots=True)
class Outcome:
    """What came of it. Memory in bytes, of this process: after the warm-up, and at the end."""

    name: str
    seconds: float
    channels: int = 0
    messages: int = 0
    moved: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)
    """What the other side says about channels on which everything came to it, and nothing back."""
    warm: int = 0
    final: int = 0
    left: int = 0
    """Channels that the peer still has a record of when all are closed."""

    @property
    def is_sound(self) -> bool:
        return not self.lost and not self.left and self.final - self.warm <= _MAY_GROW


class Echo(Protocol):
    """The other side: it sends every message back, and closes a channel on which "close" comes."""

    async def answer(self, offer: str) -> str: ...

    async def account(self, label: str) -> tuple[int, str]:
        """How many messages came on a channel that isn't closed, and what there is to say about it."""


class _Life:
    """One channel from its opening to its close."""

    def __init__(self, pc: RTCPeerConnection, echo: Echo, random: Random, number: int, patience: float) -> None:
        self._echo = echo
        self._random = random
        self._patience = patience
        self._sent: list[bytes] = []
        self._ordered = random.random() < 0.7
        self._channel: Any = pc.createDataChannel(f"life {number}", {"ordered": self._ordered})
        self._changed = asyncio.Event()
        self._received: list[bytes] = []
        for event in ("open", "close", "message"):
            self._channel.addEventListener(event, self._on)

    def _on(self, event: Event) -> None:
        if event.type == "message":
            self._received.append(_digest(event.data))  # type: ignore[attr-defined]  # a MessageEvent
        self._changed.set()

    async def _until(self, state: str, count: int = 0) -> None:
        while self._channel.readyState != state or len(self._received) < count:
            self._changed.clear()
            await self._changed.wait()

    async def live(self, outcome: Outcome) -> None:
        stage = "open"
        try:
            async with asyncio.timeout(self._patience):
                await self._until("open")
                stage = "message"
                for _ in range(self._random.randint(1, 6)):
                    self._say(outcome)
                sent = self._sent
                await self._until("open", len(sent))
                if (sent if self._ordered else sorted(sent)) != (
                    self._received if self._ordered else sorted(self._received)
                ):
                    outcome.lost["order or content"] += 1
                stage = "close"
                if self._random.random() < 0.5:
                    self._channel.close()
                else:
                    self._channel.send("close")
                    sent.append(b"close")
                await self._until("closed")
        except TimeoutError:
            await self._judge(stage, outcome)
        outcome.channels += 1

    async def _judge(self, stage: str, outcome: Outcome) -> None:
        """Nothing happens any more: it is lost, unless the other side has it. Then the channel is closed from here."""
        received, story = await self._echo.account(self._channel.label)
        if self._channel.readyState == "open" and self._sent and received == len(self._sent):
            outcome.unanswered.append(story)
            self._channel.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._until("closed")
        else:
            outcome.lost[stage] += 1

    def _say(self, outcome: Outcome) -> None:
        size = int(self._random.random() ** 4 * _LARGEST)
        data = self._random.randbytes(size)
        message = data if self._random.random() < 0.5 else data.hex()[:size]
        self._channel.send(message)
        outcome.messages += 1
        outcome.moved += 2 * size
        self._sent.append(_digest(message))


def _digest(message: str | bytes) -> bytes:
    return hashlib.blake2b(message if isinstance(message, bytes) else message.encode(), digest_size=8).digest()


async def soak(
    name: str, echo: Echo, seconds: float, seed: int, *, channels: int = CHANNELS, patience: float = PATIENCE
) -> Outcome:
    """Keep so many channels to `echo` busy for so many seconds."""
    outcome = Outcome(name, seconds)
    random = Random(seed)  # noqa: S311 - a seed that can be repeated is the point
    loop = asyncio.get_running_loop()
    pc = RTCPeerConnection()
    try:
        await _connect(pc, echo)
        ends, numbers = loop.time() + seconds, itertools.count()

        async def lane() -> None:
            while loop.time() < ends:
                await _Life(pc, echo, random, next(numbers), patience).live(outcome)

        async def watch() -> None:
            await asyncio.sleep(seconds * _WARM_UP)
            outcome.warm = resident()

        await asyncio.gather(watch(), *(lane() for _ in range(channels)))
        gc.collect()
        outcome.final = resident()
        outcome.left = len(pc._core.channels.open) - 1  # the one that made the connection
    finally:
        pc.close()
    return outcome


async def _connect(pc: RTCPeerConnection, echo: Echo) -> None:
    first: Any = pc.createDataChannel("first")
    opened, gathered = asyncio.Event(), asyncio.Event()
    first.addEventListener("open", lambda _: opened.set())
    pc.addEventListener(
        "icegatheringstatechange", lambda _: gathered.set() if pc.iceGatheringState == "complete" else None
    )
    await pc.setLocalDescription()
    await gathered.wait()
    assert pc.localDescription is not None
    answer = await echo.answer(pc.localDescription.sdp)
    await pc.setRemoteDescription({"type": "answer", "sdp": answer})
    await asyncio.wait_for(opened.wait(), PATIENCE)


def resident() -> int:
    """Bytes of memory this process has in use."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
