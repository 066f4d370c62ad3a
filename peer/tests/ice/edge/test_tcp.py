"""TCP candidates on loopback, and the framing of RFC 4571."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.ice.agent import Address, Path
from peer.ice.edge.tcp import ActiveTcp, PassiveTcp, split_frames
from peer.tests.ice.edge.test_udp import Catcher


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 50))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(frames: list[bytes], size: int) -> None:
    stream = b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames)
    buffer, out = bytearray(), []
    for at in range(0, len(stream), size):
        buffer += stream[at : at + size]
        out += split_frames(buffer)
    assert out == frames
    assert not buffer


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_active_candidate_calls_a_passive_one_and_the_answer_takes_the_same_connection(host: str) -> None:
    tasks: set[asyncio.Task[None]] = set()
    here, there = Catcher(), Catcher()
    passive = PassiveTcp(host, there)
    await passive.serve()
    active = ActiveTcp(host, here, lambda work: tasks.add(asyncio.ensure_future(work)))
    for word in (b"one", b"two", b"three"):
        active.send(word, passive.address)
    await there.until(3)
    path = there.batches[0][0][1]
    assert (path.local, path.protocol) == (passive.address, "tcp")
    assert there.data == [b"one", b"two", b"three"]
    passive.send(b"back", path.remote)
    passive.send(b"nobody", Address(host, 1))
    await here.until(1)
    assert here.batches[0] == [(b"back", Path(Address(host, 9), passive.address, "tcp"))]
    active.send(b"x" * 70_000, passive.address)  # no frame holds that
    active.send(b"four", passive.address)
    await there.until(4)
    assert there.data[-1] == b"four"
    active.close()
    passive.close()
    await asyncio.sleep(0.01)


async def test_a_call_that_nobody_takes_is_tried_again_with_the_next_datagram() -> None:
    tasks: list[asyncio.Task[None]] = []
    active = ActiveTcp("127.0.0.1", Catcher(), lambda work: tasks.append(asyncio.ensure_future(work)))
    nobody = Address("127.0.0.1", 1)
    active.send(b"x", nobody)
    active.send(b"y", nobody)
    await asyncio.wait(tasks)
    active.send(b"z", nobody)
    assert len(tasks) == 2
    await asyncio.wait(tasks)
    active.close()


async def test_an_address_that_is_not_ours_cannot_be_listened_on() -> None:
    with pytest.raises(OSError, match="assign"):
        PassiveTcp("203.0.113.77", Catcher())
