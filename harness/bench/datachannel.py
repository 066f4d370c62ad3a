"""Bytes through one reliable ordered data channel, one direction, two processes on loopback."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from harness.bench.model import Benchmark, ContestantMissing

__all__ = ["Transfer", "benchmarks", "transfer"]

LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Transfer:
    """What one transfer cost: `rate` in MB/s (10^6 bytes), `cpu_s_per_100mb` both ends together, times in ms."""

    rate: float
    cpu_s_per_100mb: float
    setup_ms: float
    echo_ms: float
    sender_peak_kb: int


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


def transfer(sender: str, receiver: str, size: int, total: int) -> Transfer:
    """Send `total` bytes in messages of `size` bytes from one stack to another and read both ends' figures."""
    count = max(1, total // size)
    ends = [spawn(sender, "send", size, count), spawn(receiver, "receive", size, count)]
    try:
        tell(ends[1], sdp=ask(ends[0])["sdp"])
        tell(ends[0], sdp=ask(ends[1])["sdp"])
        received, sent = ask(ends[1]), ask(ends[0])
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
        sender_peak_kb=sent["peak_kb"],
    )


def rate(sender: str, receiver: str, size: int, total: int) -> float:
    return transfer(sender, receiver, size, total).rate


def benchmarks() -> list[Benchmark]:
    """Each stack to itself for three message sizes, and each Python stack with each browser."""
    made = []
    for label, size, total in (("1KiB", 1024, 8 << 20), ("16KiB", 16384, 48 << 20), ("64KiB", 65536, 48 << 20)):
        stacks = (
            ("reference", "aiortc", "wrtc")
            if label != "16KiB"
            else ("reference", "aiortc", "wrtc", "chromium", "firefox")
        )
        contestants = {stack: functools.partial(rate, stack, stack, size, total) for stack in stacks}
        made.append(Benchmark(f"datachannel/{label}", "MB/s", contestants, rounds=3))
    for browser in ("chromium", "firefox"):
        for name, ends in (("to", ("{}", browser)), ("from", (browser, "{}"))):
            contestants = {
                stack: functools.partial(rate, ends[0].format(stack), ends[1].format(stack), 16384, 32 << 20)
                for stack in ("reference", "aiortc")
            }
            made.append(Benchmark(f"datachannel/16KiB-{name}-{browser}", "MB/s", contestants, rounds=3))
    return made
