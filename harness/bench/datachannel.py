"""Bytes through one reliable ordered data channel, one direction, two processes on loopback or through a bad link."""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.bench.model import Benchmark, ContestantMissing
from harness.net.link_relay import LinkRelay, ipv4_host, replaced
from peer.testing import Link

__all__ = ["Transfer", "benchmarks", "transfer"]

LIMIT_S = 120
# A round trip of 30 ms, 1 % of the datagrams lost each way, none larger than an Ethernet frame carries.
FAR_AND_LOSSY = Link(seed=1, delay=0.015, loss=0.01, mtu=1472)


@dataclass(frozen=True, slots=True)
class Transfer:
    """What one transfer cost: `rate` in MB/s (10^6 bytes), `cpu_s_per_100mb` both ends together, times in ms.

    `sender_growth_kb` is how much the sender's peak of memory rose while it sent.
    """

    rate: float
    cpu_s_per_100mb: float
    setup_ms: float
    echo_ms: float
    sender_growth_kb: int


def spawn(stack: str, role: str, size: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "harness.bench.worker", stack, role, str(size), str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own interpreter and arguments


def ask(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if not line:
        raise ContestantMissing(process.stderr.read().strip().splitlines()[-1:] or "died without a word")
    message: dict[str, Any] = json.loads(line)
    return message


def tell(process: subprocess.Popen[str], **message: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def transfer(sender: str, receiver: str, size: int, total: int, link: Link | None = None) -> Transfer:
    """Send `total` bytes in messages of `size` bytes from one stack to another and read both ends' figures."""
    count = max(1, total // size)
    ends = [spawn(sender, "send", size, count), spawn(receiver, "receive", size, count)]
    try:
        received, sent = direct(ends) if link is None else asyncio.run(through(link, ends))
        for end in ends:
            tell(end, bye=True)
            end.wait(timeout=LIMIT_S)
    finally:
        for end in ends:
            end.kill()
            end.communicate()
    moved = size * count / 1e6
    return Transfer(
        rate=moved / received["seconds"],
        cpu_s_per_100mb=(sent["cpu_s"] + received["cpu_s"]) / moved * 100,
        setup_ms=sent["setup_ms"],
        echo_ms=sent["echo_ms"],
        sender_growth_kb=sent["growth_kb"],
    )


Reports = tuple[dict[str, Any], dict[str, Any]]


def direct(ends: list[subprocess.Popen[str]]) -> Reports:
    """Introduce the ends to each other and wait for the receiver's and the sender's report."""
    tell(ends[1], sdp=ask(ends[0])["sdp"])
    tell(ends[0], sdp=ask(ends[1])["sdp"])
    return ask(ends[1]), ask(ends[0])


async def through(link: Link, ends: list[subprocess.Popen[str]]) -> Reports:
    """The same, with a link between them; this process carries the datagrams."""
    offer = (await asyncio.to_thread(ask, ends[0]))["sdp"]
    relay = LinkRelay(link, host=ipv4_host(offer))
    try:
        tell(ends[1], sdp=replaced(offer, relay.stand_in_for_a))
        answer = (await asyncio.to_thread(ask, ends[1]))["sdp"]
        tell(ends[0], sdp=replaced(answer, relay.stand_in_for_b))
        return await asyncio.to_thread(ask, ends[1]), await asyncio.to_thread(ask, ends[0])
    finally:
        relay.close()


def figure(
    name: str, sender: str, receiver: str, size: int, total: int, link: Link | None = None
) -> Callable[[], float]:
    """A round that transfers and gives one field of the outcome."""
    return lambda: float(getattr(transfer(sender, receiver, size, total, link), name))


def among(stacks: tuple[str, ...], name: str, size: int, total: int) -> dict[str, Callable[[], float]]:
    """Each stack to itself."""
    return {stack: figure(name, stack, stack, size, total) for stack in stacks}


def benchmarks() -> list[Benchmark]:
    """Each stack to itself, and each Python stack with each browser."""
    python = ("reference", "aiortc", "wrtc")
    made = []
    for label, size, total in (("1KiB", 1024, 8 << 20), ("16KiB", 16384, 48 << 20), ("64KiB", 65536, 48 << 20)):
        stacks = python if label != "16KiB" else (*python, "chromium", "firefox")
        made.append(Benchmark(f"datachannel/{label}", "MB/s", among(stacks, "rate", size, total), rounds=3))
        costs = among(python, "cpu_s_per_100mb", size, total)
        made.append(Benchmark(f"datachannel/{label}-cpu", "s/100MB", costs, rounds=3, more_is_better=False))
    # Loopback takes packets of 16 KiB, and our peers look for them; an Ethernet doesn't.
    ethernet = functools.partial(figure, "rate", "reference-ethernet", "reference-ethernet", 16384, 48 << 20)
    rivals = among(("aiortc", "wrtc"), "rate", 16384, 48 << 20)
    made.append(Benchmark("datachannel/16KiB-ethernet", "MB/s", {"reference": ethernet(), **rivals}, rounds=3))
    echoes = among(python, "echo_ms", 1024, 1 << 20)
    made.append(Benchmark("datachannel/echo-100B", "ms", echoes, rounds=3, more_is_better=False))
    growth = among(("reference", "wrtc"), "sender_growth_kb", 16384, 1 << 30)
    made.append(Benchmark("datachannel/1GiB-growth", "KiB", growth, rounds=1, more_is_better=False))
    lossy = {stack: figure("rate", stack, stack, 16384, 4 << 20, FAR_AND_LOSSY) for stack in ("reference", "aiortc")}
    made.append(Benchmark("datachannel/30ms-1%-loss", "MB/s", lossy, rounds=3))
    for browser in ("chromium", "firefox"):
        for name, ends in (("to", ("{}", browser)), ("from", (browser, "{}"))):
            contestants = {
                stack: figure("rate", ends[0].format(stack), ends[1].format(stack), 16384, 32 << 20)
                for stack in ("reference", "aiortc")
            }
            made.append(Benchmark(f"datachannel/16KiB-{name}-{browser}", "MB/s", contestants, rounds=3))
    return made
