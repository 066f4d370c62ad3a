"""What a cell of the matrix does with its data channels once they are open.

The offerer sends, the answerer sends back what it got, and what comes back is compared with what went, by SHA-256.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Sequence
from typing import Final

from harness.endpoints.proxies import DataChannel, PeerConnection
from harness.script.steps import Echo
from harness.verdict import Ledger, check

__all__ = ["LARGEST", "NAMES", "digest", "echo", "largest_message", "open_more", "run"]

#: Firefox takes messages of a gigabyte; this is what we try where both sides allow more.
LARGEST: Final = 1 << 20
_PIECE: Final = 16 * 1024
_PIECES: Final = 64
_PATIENCE: Final = 20.0
#: Labels of the further channels: an unordered one, a negotiated one, and one whose name is not ASCII.
NAMES: Final = ("unordered", "negotiated", "канал ✓ 通道")
_NEGOTIATED_ID: Final = 100


def digest(messages: Sequence[str | bytes]) -> str:
    """SHA-256 over messages: their types, lengths and bytes."""
    whole = hashlib.sha256()
    for message in messages:
        data = message.encode() if isinstance(message, str) else message
        whole.update(f"{type(message).__name__} {len(data)}\n".encode() + data)
    return whole.hexdigest()


async def echo(channel: DataChannel, messages: Sequence[str | bytes], what: str, ledger: Ledger) -> None:
    """Send messages on a channel whose other end echoes, and judge what comes back."""
    await channel.send(*messages)
    back = [await channel.receive(_PATIENCE) for _ in messages]
    sizes = f"{len(messages)} messages, {sum(map(len, messages))} bytes"
    same = digest(back) == digest(messages)
    seen = "" if same else _difference(messages, back)
    check(same, f"{what}: {sizes} were sent and other bytes came back: {seen}", ledger=ledger)


def _difference(sent: Sequence[str | bytes], back: Sequence[str | bytes]) -> str:
    number, one, other = next((n, a, b) for n, (a, b) in enumerate(zip(sent, back, strict=True)) if a != b)
    return f"message {number}: {type(one).__name__} of {len(one)} became {type(other).__name__} of {len(other)}"


async def largest_message(offerer: PeerConnection, answerer: PeerConnection) -> int:
    """The size of the largest message both sides allow, in bytes."""
    limits = await asyncio.gather(offerer.get("sctp.maxMessageSize"), answerer.get("sctp.maxMessageSize"))
    return int(min(LARGEST, *limits))


async def open_more(
    offerer: PeerConnection, answerer: PeerConnection, ledger: Ledger
) -> tuple[list[DataChannel], list[DataChannel]]:
    """Open three more channels, of three kinds; returns their ends at the offerer and at the answerer."""
    unordered, negotiated, named = NAMES
    by_id = {"negotiated": True, "id": _NEGOTIATED_ID}
    here = [
        await offerer.createDataChannel(unordered, {"ordered": False}),
        await offerer.createDataChannel(negotiated, by_id),
    ]
    there_negotiated = await answerer.createDataChannel(negotiated, by_id)
    there_named = await answerer.createDataChannel(named, {"protocol": "peerproof.v1"})
    there = [await answerer.datachannel(timeout=_PATIENCE), there_negotiated, there_named]
    here.append(await offerer.datachannel(timeout=_PATIENCE))
    await asyncio.gather(*(channel.opened(_PATIENCE) for channel in (*here, *there)))
    await _judge_members(there[0], {"label": unordered, "ordered": False}, ledger)
    await _judge_members(here[2], {"label": named, "protocol": "peerproof.v1", "ordered": True}, ledger)
    return here, there


async def _judge_members(channel: DataChannel, members: dict[str, object], ledger: Ledger) -> None:
    for name, value in members.items():
        seen = await channel.get(name)
        message = f"an announced channel's {name} should be {value!r}, it is {seen!r}"
        check(seen == value, message, ledger=ledger)


async def run(offerer: PeerConnection, answerer: PeerConnection, first: DataChannel, ledger: Ledger, seed: int) -> int:
    """Everything a cell asks of data channels, but the closing of the connections. Returns the largest size tried.

    Raises ConformanceFailure when something else comes back than was sent, EndpointTimeout when nothing does.
    """
    source = random.Random(seed)  # noqa: S311  (test data that can be made again, nothing secret)
    other = await answerer.datachannel(timeout=_PATIENCE)
    await other.opened(_PATIENCE)
    await answerer.endpoint.run(Echo(other.handle))
    await echo(first, ["hello", "привет 你好 👋"], "text", ledger)
    await echo(first, ["", b""], "empty messages", ledger)
    await echo(first, [source.randbytes(size) for size in (1, 1023, 1200, 65535)], "random bytes", ledger)
    size = await largest_message(offerer, answerer)
    await echo(first, [source.randbytes(size)], f"the largest message, {size} bytes", ledger)
    await echo(first, [source.randbytes(_PIECE) for _ in range(_PIECES)], "1 MiB in pieces", ledger)
    here, there = await open_more(offerer, answerer, ledger)
    for end in there:
        await answerer.endpoint.run(Echo(end.handle))
    for end in here:
        await echo(end, [source.randbytes(1000)], f"the channel {await end.get('label')}", ledger)
    await here[0].close()
    await there[0].wait_for(readyState="closed", timeout=_PATIENCE)
    await here[0].wait_for(readyState="closed", timeout=_PATIENCE)
    await echo(first, ["still here"], "after another channel was closed", ledger)
    return size
